"""The shared inbox: email conversations and their tags."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.errors import ArgumentError
from taskip_mcp.facts import Arguments, Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import (
    ROWS,
    ConversationId,
    DateFrom,
    DateTo,
    Email,
    Limit,
    MemberId,
    Nested,
    Order,
    PageNumber,
    RecordId,
    ShortText,
    TagId,
    Text,
)
from taskip_mcp.results import Page, Record, Written

Html = Annotated[Text, Field(description="HTML.")]
TagColor = Annotated[str | None, Field(max_length=98, description="Such as #1E90FF.")]


class Tag(Nested):
    """A tag by its label; TaskIP makes it if it is new."""

    label: Text
    color: Annotated[str | None, Field(description="Such as #1E90FF.")] = None


def _as_tags(record: Record) -> list[Record]:
    color = {"color": record["color"]} if record.get("color") else {}
    return [{"label": record.get("title")} | color]


@operation("inbox.list", "GET /inbox/conversation/all", Effect.READ, reads=("conversation_id", "tag_id"))
async def list_conversations(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    status: Literal["unread", "read", "archived"] | None = None,
    tag_id: TagId | None = None,
    assigned_to: MemberId | None = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    search: Annotated[str | None, Field(description="Subject or content.")] = None,
    sort: Literal["created_at", "updated_at", "subject"] | None = None,
    order: Order = None,
) -> Page:
    """List inbox conversations with the start of their text; full threads cannot be read."""
    return await call.rows()


def _filled(arguments: Arguments) -> None:
    if not arguments.get("message") and not arguments.get("template_id"):
        raise ArgumentError("Give message or template_id: an empty email would go out. Nothing was sent.")


@operation(
    "inbox.new_message",
    "POST /inbox/conversation/new-message",
    Effect.SEND,
    warns="The message is mailed to every address given; it cannot be taken back.",
    found=Found(
        "inbox.list",
        {"subject": "subject", "to_emails": "to_email"},
        {"search": "subject", "sort": "=created_at", "order": "=desc"},
        age="created_at",
    ),
    check=_filled,
)
async def send_message(
    call: Call,
    to_emails: Annotated[list[Email], Field(min_length=1)],
    subject: Text,
    message: Html | None = None,
    cc: list[Email] | None = None,
    bcc: list[Email] | None = None,
    from_email: Annotated[Email | None, Field(description="Default: the connected mailbox.")] = None,
    template_id: Annotated[RecordId | None, Field(description="TaskIP lists none.")] = None,
) -> Written:
    """Email people from the shared inbox, as a new conversation. To answer one use reply_conversation."""
    # Recipients are a list, copies are text with commas (contract inbox.new_message).
    copies = {name: ",".join(people) for name, people in (("cc", cc), ("bcc", bcc)) if people}
    return await call.write(f"Message sent to {', '.join(to_emails)}", body=call.given | copies)


def _answers(arguments: Arguments, mail: Record) -> list[str]:
    """Whom the reply goes to, as far as the conversation tells: copies are not shown (schema inbox_conversation)."""
    to = mail.get("reply_to") or mail.get("from_email") or "the sender"
    copies = " and to everybody on copy, whom TaskIP does not show" if arguments.get("reply_all") else ""
    return [f"It goes to {to}{copies}."]


@operation(
    "inbox.reply",
    "POST /inbox/conversation/{conversation_id:uuid}/reply",
    Effect.SEND,
    warns="The reply is mailed to the sender, with reply_all to everybody on copy.",
    follows=_answers,
)
async def reply_conversation(
    call: Call,
    conversation_id: ConversationId,
    message: Html,
    reply_all: Annotated[bool | None, Field(description="Also to all on copy; default false.")] = None,
    attachments: Annotated[
        list[RecordId] | None, Field(description="Ids of files that are in TaskIP.")
    ] = None,
    internal_note: Annotated[
        bool | None,
        Field(description="Meant for the team alone; untested, so it may be seen."),
    ] = None,
) -> Written:
    """Answer an inbox conversation by email. For a new one use send_message, for tickets reply_ticket."""
    return await call.write("Reply sent", id=conversation_id)


@operation("inbox.assign_tags", "POST /inbox/conversation/{conversation_id:uuid}/assign-tags", Effect.UPDATE)
async def assign_conversation_tags(
    call: Call,
    conversation_id: ConversationId,
    tags: Annotated[list[Tag], Field(min_length=1)],
) -> Written:
    """Tag a conversation; new labels become tags. Whether present tags stay is unknown."""
    return await call.write("Tags assigned", id=conversation_id)


@operation("inbox.get_email_address", "GET /get-email-address", Effect.READ)
async def get_inbox_address(call: Call) -> Record:
    """Get the shared inbox's address and when it was verified."""
    return await call.record()


# The reference words this as an assignment; guide and swagger show that it edits the tag itself.
@operation(
    "inbox.update_tag",
    "PUT /inbox/assign-tags/{tag_id:id}",
    Effect.UPDATE,
    shows={"name": "title"},
    undo=Inverse(back={"name": merge.same("title"), "color": merge.same("color")}),
)
async def update_inbox_tag(
    call: Call,
    tag_id: TagId,
    name: ShortText,
    color: TagColor = None,
) -> Written:
    """Rename or recolour an inbox tag on every conversation."""
    return await call.write(f"Tag {tag_id} updated", id=tag_id)


@operation(
    "inbox.delete_tag",
    "DELETE /inbox/assign-tags/{tag_id:id}",
    Effect.DELETE,
    warns="The tag is removed from every conversation; TaskIP cannot take it off a single one.",
    undo=Inverse(
        contract="inbox.assign_tags",
        back={"tags": _as_tags},
        remake=True,
        lost="The id does not come back, nor which conversations had the tag: the call puts it on one.",
    ),
)
async def delete_inbox_tag(call: Call, tag_id: TagId) -> Written:
    """Delete an inbox tag from every conversation; it cannot be taken off one."""
    return await call.write(f"Tag {tag_id} deleted", id=tag_id)
