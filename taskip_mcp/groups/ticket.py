"""Support tickets. The live system has them under /support-ticket; some calls exist under /ticket alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, cast

import anyio.to_thread
from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call, InexpressibleError
from taskip_mcp.facts import Arguments, Found, Inverse, needs
from taskip_mcp.groups.ticket_words import STATUS, Priority, Status, numbers, words
from taskip_mcp.operation import Consequence, Effect, Route, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    ContactId,
    DateFrom,
    DateTo,
    Day,
    Email,
    Limit,
    MediaId,
    MemberId,
    Order,
    PageNumber,
    RecordId,
    ShortText,
    Text,
    TicketId,
)
from taskip_mcp.results import Page, Record, Written
from taskip_mcp.wire import dig

Subject = ShortText
TicketPriority = Priority
TicketStatus = Status | None
Description = Annotated[str | None, Field(description="HTML.")]
UserId = Annotated[RecordId | None, Field(description="User id, from a ticket.")]
Requester = Annotated[Email | None, Field(description="Requester; undocumented.")]
# The words of the filters and of the reference's status call (contract enums.ticket_status.filter_words).
FILTER_WORDS = ("open", "in_progress", "resolved", "closed")
NOTIFY = "Older systems only."
TICKET = "/ticket/{ticket_id:id}"
GUIDE = "/support-ticket/{ticket_id:id|uuid}"

# What the single read shows of each writable field. The update is not partial on the live system: subject and
# priority are required and the rest may be lost (contract ticket.update, observed).
BACK = {
    "subject": merge.same("subject"),
    "priority": merge.same("priority"),
    "status": merge.same("status"),
    "description": merge.same("description"),
    "attachment": merge.one_id("attachment"),
    "created_by": merge.one_id("created_by"),
    "user_id": merge.one_id("user"),
}
REMADE = Inverse(
    contract="ticket.create",
    # Attachments are deleted with their ticket.
    back={name: back for name, back in BACK.items() if name != "attachment"},
    remake=True,
    lost="The id and uuid, replies, attachments, history, tags and the assignment do not come back.",
)


@operation("ticket.list", "GET /ticket", Effect.READ, guide="GET /support-ticket")
async def list_tickets(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Subject, text or requester's email.")] = None,
    sort: Literal["created_at", "updated_at", "priority", "status"] | None = None,
    order: Order = None,
    status: Annotated[
        Literal["open", "in_progress", "resolved", "closed"] | None,
        Field(description="Rows also show replied, waiting_for_reply, queue: TaskIP cannot filter by those."),
    ] = None,
    priority: Priority | None = None,
    assigned_to: Annotated[MemberId | None, Field(description="Rows do not show it.")] = None,
    client_id: ContactId | None = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
) -> Page:
    """List support tickets, without a total. Replies are in get_ticket, emails in list_conversations."""
    page_ = await call.rows()
    return replace(page_, items=[words(row) for row in page_.items])


@operation(
    "ticket.create",
    "POST /ticket",
    Effect.CREATE,
    # Whether the requester is mailed is unknown (contract ticket.create); the address may be anybody's.
    possible={Consequence.SEND},
    judge=lambda arguments: {Consequence.SEND} if arguments.get("email") else set(),
    guide="POST /support-ticket",
    found=Found(
        "ticket.list",
        {"subject": "subject", "priority": "priority"},
        {"search": "subject", "sort": "=created_at", "order": "=desc"},
        age="createAt",
    ),
)
async def create_ticket(
    call: Call,
    subject: Subject,
    priority: TicketPriority,
    status: TicketStatus = None,
    description: Description = None,
    attachment: MediaId = None,
    created_by: UserId = None,
    user_id: UserId = None,
    email: Requester = None,
) -> Written:
    """Open a support ticket. The client may be mailed."""
    done = await call.write(f"Ticket {subject} created", body=numbers(call.given))
    return replace(done, changed=words(done.changed))


@operation("ticket.get", f"GET {TICKET}", Effect.READ, guide=f"GET {GUIDE}", reads="ticket_id")
async def get_ticket(call: Call, ticket_id: TicketId) -> Record:
    """Get one ticket with its latest replies (about ten), newest first."""
    return words(await _read(call))


async def _read(call: Call) -> Record:
    """The raw record, and the count of replies where TaskIP shows it beside the record (observed)."""
    answer = await call()
    meta = cast("Record", answer.get("meta") or {})
    count = meta.get("reply_count")
    return call.one(answer) | ({} if count is None else {"reply_count": count})


@operation("ticket.update", f"PUT {TICKET}", Effect.UPDATE, guide=f"PUT {GUIDE}", undo=Inverse(back=BACK))
async def update_ticket(
    call: Call,
    ticket_id: TicketId,
    subject: Subject | None = None,
    priority: TicketPriority | None = None,
    status: TicketStatus = None,
    description: Description = None,
    attachment: MediaId = None,
    created_by: UserId = None,
    user_id: UserId = None,
    email: Requester = None,
    clear: Annotated[list[Literal["description", "attachment"]] | None, CLEAR] = None,
) -> Written:
    """Change fields of a ticket; the rest stays. For status alone use update_ticket_status."""
    record = numbers(await call.read("ticket.get", ticket_id=ticket_id))
    body = merge.merged(record, numbers(call.given), BACK, list(clear or []))
    done = await call.write(f"Ticket {ticket_id} updated", id=record.get("id"), body=body)
    return replace(done, changed=words(done.changed))


@operation(
    "ticket.delete",
    f"DELETE {TICKET}",
    Effect.DELETE,
    guide="DELETE /support-ticket/{ticket_id:id}",
    warns="Its replies, attachments and history are deleted too.",
    undo=REMADE,
)
async def delete_ticket(call: Call, ticket_id: TicketId) -> Written:
    """Delete a ticket for good, with replies and files. To end it use update_ticket_status."""
    return await call.write(f"Ticket {ticket_id} deleted", id=ticket_id)


@operation("ticket.assign", f"POST {TICKET}/assign", Effect.UPDATE)
async def assign_ticket(
    call: Call,
    ticket_id: TicketId,
    assigned_to: MemberId,
    reason: str | None = None,
    notify_assignee: Annotated[bool | None, Field(description="Default true.")] = None,
) -> Written:
    """Assign a ticket to a team member, who is mailed unless notify_assignee is false. Older systems only."""
    return await call.write(f"Ticket {ticket_id} assigned to team member {assigned_to}", id=ticket_id)


def _answers(_: Arguments, ticket: Record) -> list[str]:
    """Whom the mail goes to, as far as the ticket tells."""
    client = dig(ticket, "user.email") or ticket.get("email")
    return [f"It goes to {client}."] if client else []


def _notifies(arguments: Arguments) -> set[Consequence]:
    return {Consequence.SEND} if arguments.get("notify_client") else set()


@operation(
    "ticket.status_update",
    f"POST {TICKET}/status-update",
    Effect.UPDATE,
    guide="POST /support-ticket/status-update/{ticket_id:uuid}",
    possible={Consequence.SEND},
    judge=_notifies,
    follows=_answers,
    undo=Inverse(back={"status": merge.same("status")}),
)
async def update_ticket_status(
    call: Call,
    ticket_id: TicketId,
    status: Annotated[
        Literal["open", "in_progress", "resolved", "closed", "replied", "waiting_for_reply", "queue"],
        Field(description="resolved and closed both end it."),
    ],
    resolution_notes: Annotated[str | None, Field(description="Older systems only.")] = None,
    notify_client: Annotated[bool | None, Field(description=NOTIFY)] = None,
) -> Written:
    """Set a ticket's status, such as closed. To answer use reply_ticket."""

    def body(route: Route) -> dict[str, Any]:
        if route.origin == "reference":
            if status not in FILTER_WORDS or (status == "resolved" and not resolution_notes):
                raise InexpressibleError("status" if status not in FILTER_WORDS else "resolution_notes")
            return call.given
        if extra := call.given.keys() - {"status"}:
            raise InexpressibleError(*sorted(extra))
        return {"status": STATUS["closed" if status == "resolved" else status]}

    # The answer's shape differs by route and holds nothing that was not sent.
    await call(body=body)
    return Written(f"Ticket {ticket_id} set to {status}", ticket_id, call.given)


def _public(arguments: Arguments) -> set[Consequence]:
    return set() if arguments.get("is_private") else {Consequence.SEND}


@operation(
    "ticket.add_reply",
    f"POST {TICKET}/add-reply",
    Effect.SEND,
    guide="POST /support-ticket/reply/{ticket_id:uuid}",
    judge=_public,
    warns="The client sees the reply and is mailed.",
    follows=_answers,
    found=Found("ticket.get", {"message": "description"}, rows="replies", age="createAt"),
)
async def reply_ticket(
    call: Call,
    ticket_id: TicketId,
    message: Annotated[Text, Field(description="HTML.")],
    status: TicketStatus = None,
    attachment: MediaId = None,
    reply_by_user_id: Annotated[RecordId | None, Field(description="Author; undocumented.")] = None,
    author_type: Annotated[
        Literal["team_member", "client", "system"] | None,
        Field(description="Older systems only."),
    ] = None,
    is_private: Annotated[
        bool | None,
        Field(description="For the team alone; refused where TaskIP cannot."),
    ] = None,
    notify_client: Annotated[bool | None, Field(description=NOTIFY)] = None,
) -> Written:
    """Answer a ticket: the client sees it and is mailed. For inbox emails use reply_conversation."""
    guide_only = {"status", "attachment", "reply_by_user_id"}
    reference_only = {"author_type", "is_private", "notify_client"}

    def body(route: Route) -> dict[str, Any]:
        # Neither route knows the other's fields; one that is dropped could make a private reply public.
        unknown = call.given.keys() & (guide_only if route.origin == "reference" else reference_only)
        if unknown - ({"is_private"} if is_private is False else set()):
            raise InexpressibleError(*sorted(unknown))
        if route.origin == "reference":
            return call.given
        rest = {name: value for name, value in call.given.items() if name not in {"message", "is_private"}}
        return numbers({"description": message} | rest)

    return await call.write(f"Reply to ticket {ticket_id} sent", key="reply", body=body)


@operation("ticket.upload_attachments", f"POST {TICKET}/attachments", Effect.CREATE)
async def upload_ticket_attachments(
    call: Call,
    ticket_id: TicketId,
    file_paths: Annotated[
        list[Text], Field(min_length=1, max_length=10, description="In the user's TaskIP folder.")
    ],
    description: str | None = None,
) -> Written:
    """Upload files to a ticket (50 uploads an hour). Newer systems may lack it."""
    # All are read and checked before anything is sent.
    files = [
        await anyio.to_thread.run_sync(call.backend.files.read_upload, path, "files[]") for path in file_paths
    ]
    answer = await call(body={"description": description} if description else {}, uploads=files)
    page = call.page(answer, "data.uploaded_files")
    return Written(
        f"{len(files)} files uploaded to ticket {ticket_id}", ticket_id, {"uploaded_files": page.items}
    )


@operation("ticket.list_attachments", f"GET {TICKET}/attachments", Effect.READ)
async def list_ticket_attachments(
    call: Call,
    ticket_id: TicketId,
) -> Page:
    """List the files of a ticket. Newer systems may lack it; get_ticket shows one."""
    return await call.rows("data.attachments", paged=False)


def _bulk(arguments: Arguments) -> set[Consequence]:
    return {Consequence.BULK} | ({Consequence.DELETE} if arguments.get("action") == "delete" else set())


def _undo_bulk(arguments: Arguments) -> Inverse | None:
    if arguments["action"] == "delete":
        return REMADE
    if arguments["action"] != "status_update":
        return None
    return Inverse(contract="ticket.status_update", each="ticket_id", back={"status": merge.same("status")})


NEEDED = {"status_update": ("status",), "assign": ("assigned_to",), "add_tags": ("tags",)}


@operation(
    "ticket.bulk_actions",
    "POST /ticket/bulk-actions",
    Effect.BULK,
    chunk="ticket_ids",
    shows={"status": "status"},
    guide="POST /support-ticket/bulk-actions",
    possible={Consequence.BULK, Consequence.DELETE},
    judge=_bulk,
    idempotent=False,
    undo=_undo_bulk,
    check=needs("action", NEEDED),
    warns="TaskIP reports a deletion whatever the action, and not what became of each ticket. Clients may be mailed.",
)
async def bulk_update_tickets(
    call: Call,
    ticket_ids: Annotated[list[RecordId], Field(min_length=1)],
    action: Literal["delete", "status_update", "assign", "add_tags"],
    status: Annotated[
        Literal["open", "in_progress", "resolved", "closed"] | None, Field(description="With status_update.")
    ] = None,
    resolution_notes: Annotated[str | None, Field(description="With resolved.")] = None,
    assigned_to: Annotated[MemberId | None, Field(description="With assign.")] = None,
    tags: Annotated[list[Text] | None, Field(description="With add_tags.")] = None,
) -> Written:
    """Delete, assign, tag or set the status of several tickets. Clients may be mailed."""
    extras = {name: value for name, value in call.given.items() if name not in {"ticket_ids", "action"}}
    body = {"ticket_ids": ticket_ids, "action": action} | ({"parameters": extras} if extras else {})
    return await call.write(f"{action} carried out on {len(ticket_ids)} tickets", body=body)


@operation("ticket.analytics", "GET /ticket/analytics", Effect.READ)
async def get_ticket_analytics(
    call: Call,
    period: Literal["day", "week", "month", "year"] | None = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
    group_by: Literal["status", "priority", "category", "assignee"] | None = None,
) -> Record:
    """Get ticket counts and resolution times. Newer systems may lack it."""
    return await call.record()
