"""The discussion of a project: one stream of messages."""

from __future__ import annotations

from typing import Annotated, Unpack

from pydantic import Field

from taskip_mcp.call import Call
from taskip_mcp.facts import Found
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    ProjectId,
    RecordId,
    Text,
    UnverifiedFilters,
)
from taskip_mcp.results import Page, Written

DISCUSSION = "/project/{project_id:uuid}/discussion"


@operation("discussion.list", f"GET {DISCUSSION}", Effect.READ)
async def list_discussions(
    call: Call,
    project_id: ProjectId,
    **filters: Unpack[UnverifiedFilters],
) -> Page:
    """List all messages of a project's discussion; times are relative ages."""
    return await call.rows(paged=False)


@operation(
    "discussion.create",
    f"POST {DISCUSSION}",
    Effect.CREATE,
    # Whether it notifies is unknown, but clients may see it, and nothing deletes it (contract discussion.create).
    possible={Consequence.SEND},
    warns="Members of the project, clients included, may see it and be notified.",
    found=Found("discussion.list", {"message": "msg_content"}, age="createdAt"),
)
async def create_discussion(
    call: Call,
    project_id: ProjectId,
    message: Annotated[Text, Field(description="The text.")],
    attachment_ids: Annotated[
        list[RecordId] | None, Field(description="Media ids of files that are already in TaskIP.")
    ] = None,
) -> Written:
    """Post a message to a project's discussion. Project members, clients included, may see it and be notified."""
    body = {"msg": message}
    extra = {"attachment": attachment_ids} if attachment_ids is not None else {}
    return await call.write("Message posted", body=body | extra)


@operation("discussion.list_files", f"GET {DISCUSSION}/files", Effect.READ)
async def list_discussion_files(
    call: Call,
    project_id: ProjectId,
    **filters: Unpack[UnverifiedFilters],
) -> Page:
    """List the files that were posted in a project's discussion."""
    return await call.rows(paged=False)
