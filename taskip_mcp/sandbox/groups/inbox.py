"""Shared inbox endpoints (contract: inbox.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.routing import Call, route
from taskip_mcp.sandbox.store import Row

MAILBOX = "hello@brightside.example"
SHOWN = 900
"""Letters of a body that lists show; TaskIP does not say where it cuts."""


def _tags(call: Call, row: Row) -> list[Row]:
    found = [call.store.get("inbox_tag", number) for number in shapes.numbers(row, "tags")]
    return [shapes.select(tag, "id", "title", "color") | {"type": "inbox"} for tag in found if tag]


def present(call: Call, row: Row) -> Row:
    """A conversation with its body cut short."""
    body = row["body_plain"]
    fields = ("in_reply_to", "from_email", "from_name", "to_email", "subject", "is_read", "uuid")
    return shapes.select(row, *fields) | {
        "message_id": f"<{row['uuid']}@mail.example>",
        "reply_to": row["from_email"],
        "created_at": shapes.relative(row["created_at"], call.now),
        "body_plain": body if len(body) <= SHOWN else body[:SHOWN] + "...",
        "tags": _tags(call, row),
        "replied_by": shapes.user_ref(call.store.get("team_member", row["replied_by"]))
        if row.get("replied_by")
        else None,
        "send_type": bool(row.get("outgoing")),
    }


@route("GET /inbox/conversation/all")
def index(call: Call) -> Row:
    """A Laravel page."""
    rows = call.store.rows("conversation")
    state = call.query.get("status")
    if state in {"read", "unread"}:
        rows = [row for row in rows if row["is_read"] is (state == "read")]
    elif state == "archived":
        rows = []
    if tag := call.query.get("tag_id"):
        rows = [row for row in rows if tag in {str(number) for number in shapes.numbers(row, "tags")}]
    found = shapes.matching(
        rows,
        call.query,
        search=("subject", "body_plain"),
        sort={"subject": "subject", "updated_at": "updated_at"},
    )
    return call.page(found, lambda row: present(call, row))


@route("POST /inbox/conversation/new-message")
def new_message(call: Call) -> Row:
    """One mail for each recipient."""
    fields = call.valid(
        {
            "to_emails": "required|array",
            "to_emails.*": "email",
            "subject": "required|string",
            "message": "string",
            "cc": "string",
            "bcc": "string",
            "from_email": "email",
            "template_id": "integer",
        }
    )
    copies = [
        each.strip() for name in ("cc", "bcc") for each in (fields.get(name) or "").split(",") if each.strip()
    ]
    for address in [*fields["to_emails"], *copies]:
        call.store.insert(
            "mail", {"to": address, "subject": fields["subject"], "body": fields.get("message")}
        )
    row = call.store.insert(
        "conversation",
        {
            "from_email": fields.get("from_email") or MAILBOX,
            "from_name": "Brightside",
            "to_email": fields["to_emails"][0],
            "subject": fields["subject"],
            "is_read": True,
            "body_plain": fields.get("message") or "",
            "in_reply_to": None,
            "outgoing": True,
        },
    )
    return {"msg": "Message sent successfully", "data": present(call, row)}


def _conversation(call: Call) -> Row:
    return call.find("conversation", "Conversation", call.params["uuid"])


@route("POST /inbox/conversation/{uuid}/reply")
def reply(call: Call) -> Row:
    """Mails the sender, unless it is an internal note."""
    row = _conversation(call)
    fields = call.valid(
        {
            "message": "required|string",
            "reply_all": "boolean",
            "attachments": "array",
            "internal_note": "boolean",
        }
    )
    if not fields.get("internal_note"):
        words = f"Re: {row['subject']}"
        call.store.insert("mail", {"to": row["from_email"], "subject": words, "body": fields["message"]})
    note = call.store.insert("conversation_message", {"body": fields["message"]}, parent=row["id"])
    call.store.update("conversation", row["id"], {"is_read": True, "replied_by": 1})
    none: list[Row] = []
    data = {
        "message_id": f"<{note['uuid']}@mail.example>",
        "in_reply_to": f"<{row['uuid']}@mail.example>",
        "from_email": MAILBOX,
        "from_name": "Brightside",
        "to_email": row["from_email"],
        "subject": f"Re: {row['subject']}",
        "is_read": True,
        "delivered": True,
        "created_at": shapes.relative(note["created_at"], call.now),
        "uuid": note["uuid"],
        "body_plain": fields["message"],
        "body_html": fields["message"],
        "error_message": None,
        "attachments": none,
        "reply_by": shapes.user_ref(call.store.get("team_member", 1)),
    }
    return {"msg": "Reply sent successfully", "data": data}


@route("POST /inbox/conversation/{uuid}/assign-tags")
def assign_tags(call: Call) -> Row:
    """Unknown labels become tags; the present ones stay."""
    row = _conversation(call)
    fields = call.valid(
        {"tags": "required|array", "tags.*.label": "required|string", "tags.*.color": "string"}
    )
    numbers: list[int] = shapes.numbers(row, "tags")
    for tag in fields["tags"]:
        known = call.store.rows("inbox_tag", title=tag["label"])
        new = {"title": tag["label"], "color": tag.get("color") or "#64748B"}
        numbers.append((known[0] if known else call.store.insert("inbox_tag", new))["id"])
    call.store.update("conversation", row["id"], {"tags": list(dict.fromkeys(numbers))})
    return {"msg": "Tags assigned successfully"}


@route("GET /get-email-address")
def address(call: Call) -> Row:
    """A bare record, not under /inbox."""
    verified = shapes.iso(f"{call.now.year - 1}-03-01T09:00:00")
    stamps = dict.fromkeys(("verified_at", "forwarding_verified_at", "dns_verified_at"), verified)
    return {"forwarding_email": "brightside@inbox.example", "connected_email": MAILBOX, **stamps}


@route("PUT /inbox/assign-tags/{id}")
def update_tag(call: Call) -> Row:
    """The tag itself, on every conversation."""
    tag = call.find("inbox_tag", "Tag")
    fields = call.valid({"name": "required|string|max:191", "color": "string|max:98"})
    changes = {"title": fields["name"]} | ({"color": fields["color"]} if fields.get("color") else {})
    call.store.update("inbox_tag", tag["id"], changes)
    return {"msg": "Tag updated successfully"}


@route("DELETE /inbox/assign-tags/{id}")
def delete_tag(call: Call) -> Row:
    """The tag itself, from every conversation."""
    tag = call.find("inbox_tag", "Tag")
    for row in call.store.rows("conversation"):
        if tag["id"] in shapes.numbers(row, "tags"):
            rest = [number for number in shapes.numbers(row, "tags") if number != tag["id"]]
            call.store.update("conversation", row["id"], {"tags": rest})
    call.store.delete("inbox_tag", tag["id"])
    return {"msg": "Tag deleted successfully"}
