"""The discussion of a project: one stream of messages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from taskip_mcp.call import Call
from taskip_mcp.facts import Found
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    ROWS,
    Limit,
    PageNumber,
    ProjectId,
    RecordId,
    Text,
)
from taskip_mcp.results import Page, Written

DISCUSSION = "/project/{project_id:uuid}/discussion"


@operation("discussion.list", f"GET {DISCUSSION}", Effect.READ)
async def list_discussions(
    call: Call,
    project_id: ProjectId,
    search: Annotated[str | None, Field(description="Text or author.")] = None,
    page: PageNumber = None,
    limit: Limit = ROWS,
) -> Page:
    """List the messages of a project's discussion."""
    return await call.rows(paged=False, query={})


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
    message: Text,
    attachment_ids: Annotated[
        list[RecordId] | None, Field(description="Ids of files that are in TaskIP.")
    ] = None,
) -> Written:
    """Post to a project's discussion. Members and clients may see it and be notified; cannot be undone."""
    body = {"msg": message}
    extra = {"attachment": attachment_ids} if attachment_ids is not None else {}
    return await call.write("Message posted", body=body | extra)


@operation("discussion.list_files", f"GET {DISCUSSION}/files", Effect.READ)
async def list_discussion_files(
    call: Call,
    project_id: ProjectId,
    search: Annotated[str | None, Field(description="Title.")] = None,
    page: PageNumber = None,
    limit: Limit = ROWS,
) -> Page:
    """List the files posted in a project's discussion."""
    return await call.rows(paged=False, query={})
