"""Support ticket endpoints (contract: ticket.*), behaving as the live system was observed to."""

from __future__ import annotations

from typing import Any, cast

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.routing import Answer, Call, Upload, route
from taskip_mcp.sandbox.rules import Fields, invalid, missing, refusal
from taskip_mcp.sandbox.store import Row

OPEN, IN_PROGRESS, CLOSED, REPLIED, WAITING, QUEUE = range(6)
# The words of the filters and of the older routes; the observed backend closes with 2.
STATUS = {
    "open": OPEN, "in_progress": IN_PROGRESS, "in-progress": IN_PROGRESS, "resolved": CLOSED, "closed": CLOSED,
    "close": CLOSED, "replied": REPLIED, "waiting-for-reply": WAITING, "queue": QUEUE,
}  # fmt: skip
PRIORITY = {"low": 0, "medium": 1, "high": 2, "urgent": 3}
RULES = {
    "subject": "required|string|max:191",
    "priority": "required|integer|in:0,1,2,3,4",
    "status": "integer|in:0,1,2,3,4,5",
    "description": "string",
    "attachment": "integer",
    "created_by": "integer",
    "user_id": "integer",
    "email": "email",
}
PREVIEW = 10
"""Replies inside a single read, newest first."""
LARGEST = 10 * 1024 * 1024


def _user(call: Call, number: int | None) -> Row | None:
    """Users are team members (from 1) and clients (contacts, from 101)."""
    if number is None:
        return None
    person = (
        call.store.get("team_member", number) if number <= 100 else call.store.get("contact", number - 100)
    )
    name = shapes.full_name(person) if person else "Deleted user"
    return {"id": number, "full_name": name, "email": person["email"] if person else None, "image": None}


def present(call: Call, row: Row) -> Row:
    """A ticket as lists show it, with the observed full_name and relative ages."""
    replies = call.store.rows("ticket_reply", parent=row["id"])
    return shapes.select(row, "id", "uuid", "subject", "priority", "status", "description") | {
        "created_by": _user(call, row.get("created_by")),
        "user": _user(call, row.get("user_id")),
        "attachment": _media(call, row.get("attachment")),
        "createAt": shapes.relative(row["created_at"], call.now),
        "updated_at": shapes.relative(row["updated_at"], call.now),
        "last_replied_at": shapes.relative(replies[-1]["created_at"], call.now) if replies else None,
        "date": shapes.php(row["created_at"], "d-M-Y"),
        "time": shapes.php(row["created_at"], "h:iA"),
    }


def _media(call: Call, number: int | None) -> Row | None:
    file = call.store.get("ticket_file", number) if number else None
    return (
        shapes.select(file, "id", "name", "size") | {"url": f"https://files.example/{file['uuid']}"}
        if file
        else None
    )


def _reply(call: Call, row: Row) -> Row:
    media = _media(call, row.get("attachment"))
    return {
        "id": row["id"],
        "user": _user(call, row["user_id"]),
        "description": row["description"],
        "attachment": [media] if media else [],
        "createAt": shapes.relative(row["created_at"], call.now),
        "date": shapes.php(row["created_at"], "d-M-Y"),
        "time": shapes.php(row["created_at"], "h:iA"),
    }


def _ticket(call: Call) -> Row:
    return call.find("ticket", "Ticket", call.params.get("id") or call.params.get("uuid"))


@route("reference GET /ticket", "guide GET /support-ticket")
def index(call: Call) -> Row:
    """No counters; words or numbers in the filters."""
    words = dict(call.query)
    for name, table in (("status", STATUS), ("priority", PRIORITY)):
        if name in words:
            words[name] = str(table.get(words[name].lower(), words[name]))
    rows = shapes.matching(
        [
            row | {"email": (_user(call, row.get("user_id")) or {}).get("email")}
            for row in call.store.rows("ticket")
        ],
        words,
        search=("subject", "description", "email"),
        equal={
            "status": "status",
            "priority": "priority",
            "client_id": "client_id",
            "assigned_to": "assigned_to",
        },
        sort={
            "created_at": "created_at",
            "updated_at": "updated_at",
            "priority": "priority",
            "status": "status",
        },
    )
    return {"data": call.plain(rows, lambda row: present(call, row)), "status": 200}


@route("reference POST /ticket", "guide POST /support-ticket")
def create(call: Call) -> Answer:
    """201."""
    fields = call.valid(RULES)
    row = call.store.insert("ticket", {"status": OPEN, "created_by": 1} | fields)
    return Answer({"msg": "Ticket stored successfully", "data": present(call, row), "status": 201}, 201)


@route("reference GET /ticket/{id}")
def show(call: Call) -> Row:
    """A bare record without replies, as the guide shows it."""
    return present(call, _ticket(call))


@route("guide GET /support-ticket/{id}")
def show_observed(call: Call) -> Row:
    """Under data, with the latest replies; takes the uuid, too."""
    row = _ticket(call)
    replies = list(reversed(call.store.rows("ticket_reply", parent=row["id"])))
    shown = [_reply(call, reply) for reply in replies[:PREVIEW]]
    return {"data": present(call, row) | {"replies": shown}, "meta": {"reply_count": len(replies)}}


@route("reference PUT /ticket/{id}", "guide PUT /support-ticket/{id}")
def update(call: Call) -> Answer:
    """A replacement: subject and priority are required, the rest is emptied. Answers with a 201 about storing."""
    row = _ticket(call)
    fields = dict.fromkeys(RULES) | call.valid(RULES)
    if fields["status"] is None:
        fields["status"] = row["status"]
    changed = call.store.update("ticket", row["id"], fields)
    return Answer({"msg": "Ticket stored successfully", "data": present(call, changed), "status": 201})


@route("reference DELETE /ticket/{id}", "guide DELETE /support-ticket/{id}")
def destroy(call: Call) -> Row:
    """Replies and attachments go along."""
    _remove(call, _ticket(call))
    return {"msg": "Ticket deleted successfully", "status": 200}


def _remove(call: Call, row: Row) -> None:
    for kind in ("ticket_reply", "ticket_file"):
        for each in call.store.rows(kind, parent=row["id"]):
            call.store.delete(kind, each["id"])
    call.store.delete("ticket", row["id"])


@route("POST /ticket/{id}/assign")
def assign(call: Call) -> Row:
    """Names of the assignees before and after."""
    row = _ticket(call)
    rules = {
        "assigned_to": "required|integer|exists:team_member",
        "reason": "string",
        "notify_assignee": "boolean",
    }
    fields = call.valid(rules)
    before = _user(call, row.get("assigned_to"))
    after = _user(call, fields["assigned_to"])
    call.store.update("ticket", row["id"], {"assigned_to": fields["assigned_to"]})
    if fields.get("notify_assignee", True) and after:
        call.store.insert("mail", {"to": after["email"], "subject": f"Ticket assigned: {row['subject']}"})
    data = {
        "ticket_id": row["id"],
        "previous_assignee": before["full_name"] if before else None,
        "new_assignee": after["full_name"] if after else None,
        "assigned_at": shapes.iso(call.now),
        "reason": fields.get("reason"),
    }
    return {"success": True, "message": "Ticket assigned successfully", "data": data}


@route("guide POST /support-ticket/status-update/{uuid}")
def set_status(call: Call) -> Row:
    """A number; 3 does not close."""
    row = _by_uuid(call)
    changed = call.store.update(
        "ticket", row["id"], call.valid({"status": "required|integer|in:0,1,2,3,4,5"})
    )
    return {
        "success": True,
        "message": "Status updated",
        "data": {"ticket_id": row["id"], "status": changed["status"]},
    }


def _by_uuid(call: Call) -> Row:
    """These routes take the uuid alone."""
    key = call.params["uuid"]
    if key.isdigit():
        raise missing("Ticket", key)
    return call.find("ticket", "Ticket", key)


@route("reference POST /ticket/{id}/status-update")
def set_status_word(call: Call) -> Row:
    """A word, with notes when it is resolved."""
    row = _ticket(call)
    fields = call.valid(
        {
            "status": "required|in:open,in_progress,resolved,closed",
            "resolution_notes": "required_if:status,resolved|string",
            "notify_client": "boolean",
        }
    )
    call.store.update("ticket", row["id"], {"status": STATUS[fields["status"]]})
    if fields.get("notify_client"):
        _mail(call, row, f"Ticket {fields['status']}")
    data = {
        "ticket_id": row["id"],
        "old_status": row["status"],
        "new_status": fields["status"],
        "resolution_notes": fields.get("resolution_notes"),
        "actual_resolution_time": "2 hours",
        "updated_at": shapes.iso(call.now),
    }
    return {"success": True, "message": "Ticket status updated successfully", "data": data}


def _mail(call: Call, row: Row, subject: str) -> None:
    user = _user(call, row.get("user_id")) or {}
    call.store.insert("mail", {"to": user.get("email") or row.get("email"), "subject": subject})


def _add_reply(call: Call, row: Row, text: str, author: int, status: int, **more: Any) -> Row:
    reply = call.store.insert(
        "ticket_reply", {"description": text, "user_id": author, **more}, parent=row["id"]
    )
    call.store.update("ticket", row["id"], {"status": status})
    return reply


@route("guide POST /support-ticket/reply/{uuid}")
def reply_observed(call: Call) -> Row:
    """Always public: the requester is mailed."""
    row = _by_uuid(call)
    rules = {
        "description": "required|string",
        "status": "integer|in:0,1,2,3,4,5",
        "attachment": "integer",
        "reply_by_user_id": "integer",
    }
    fields = call.valid(rules)
    status = int(fields.get("status", REPLIED))
    author = int(fields.get("reply_by_user_id", 1))
    made = _add_reply(call, row, fields["description"], author, status, attachment=fields.get("attachment"))
    _mail(call, row, f"Re: {row['subject']}")
    return {"msg": "Reply added successfully", "reply": _reply(call, made), "status": 201}


@route("reference POST /ticket/{id}/add-reply")
def reply(call: Call) -> Row:
    """May be private; the client is mailed unless told otherwise."""
    row = _ticket(call)
    rules = {
        "message": "required|string",
        "author_type": "in:team_member,client,system",
        "is_private": "boolean",
        "notify_client": "boolean",
    }
    fields = call.valid(rules)
    private = bool(fields.get("is_private"))
    made = _add_reply(
        call, row, fields["message"], 1, row["status"] if private else REPLIED, is_private=private
    )
    if not private and fields.get("notify_client", True):
        _mail(call, row, f"Re: {row['subject']}")
    data = {
        "reply_id": made["id"],
        "ticket_id": row["id"],
        "message": fields["message"],
        "author": "Alex Morgan",
        "author_type": fields.get("author_type", "team_member"),
        "is_private": private,
        "created_at": shapes.iso(call.now),
    }
    return {"success": True, "message": "Reply added successfully", "data": data}


def _file(call: Call, row: Row) -> Row:
    return {
        "id": row["id"],
        "filename": row["uuid"],
        "original_filename": row["name"],
        "file_size": row["size"],
        "mime_type": row["type"],
        "uploaded_at": shapes.iso(row["created_at"]),
    }


@route("POST /ticket/{id}/attachments")
def upload(call: Call) -> Row:
    """Multipart, field ``files[]``."""
    row = _ticket(call)
    files: list[Upload] = [file for file in call.files if file.field == "files[]"]
    if not files:
        raise invalid({"files": ["The files field is required."]})
    if any(len(file.content) > LARGEST for file in files):
        raise refusal(413, "Payload Too Large", "Each file may not be greater than 10 MB.")
    made = [
        call.store.insert(
            "ticket_file", {"name": file.name, "size": len(file.content), "type": file.type}, parent=row["id"]
        )
        for file in files
    ]
    data = {"ticket_id": row["id"], "uploaded_files": [_file(call, each) for each in made]}
    return {"success": True, "message": "Files uploaded successfully", "data": data}


@route("GET /ticket/{id}/attachments")
def attachments(call: Call) -> Row:
    """With a download address that is documented nowhere."""
    row = _ticket(call)
    files = call.store.rows("ticket_file", parent=row["id"])
    extra = {"download_url": "https://files.example/download", "uploaded_by": "Alex Morgan"}
    shown = [_file(call, file) | extra for file in files]
    size = sum(int(file["size"]) for file in files)
    data = {"ticket_id": row["id"], "attachments": shown, "total_attachments": len(shown), "total_size": size}
    return {"success": True, "data": data}


@route("reference POST /ticket/bulk-actions", "guide POST /support-ticket/bulk-actions")
def bulk(call: Call) -> Row:
    """The message reports a deletion whatever was done (contract quirk 26)."""
    fields = call.valid(
        {
            "ticket_ids": "required|array",
            "ticket_ids.*": "integer",
            "action": "required|in:delete,status_update,assign,add_tags",
        }
    )
    extras = cast("Fields", call.body.get("parameters") or {})
    if fields["action"] == "status_update" and extras.get("status") not in STATUS:
        raise invalid({"parameters.status": ["The selected parameters.status is invalid."]})
    for number in fields["ticket_ids"]:
        row = call.find("ticket", "Ticket", number)
        match fields["action"]:
            case "delete":
                _remove(call, row)
            case "status_update":
                call.store.update("ticket", row["id"], {"status": STATUS[str(extras["status"])]})
            case "assign":
                call.store.update("ticket", row["id"], {"assigned_to": extras.get("assigned_to")})
            case _:
                call.store.update("ticket", row["id"], {"tags": extras.get("tags")})
    return {"msg": "Tickets deleted successfully"}


@route("GET /ticket/analytics")
def analytics(call: Call) -> Row:
    """Counts by status and priority; durations in words."""
    rows = call.store.rows("ticket")
    counts = {word: sum(row["status"] == number for row in rows) for word, number in list(STATUS.items())[:3]}
    by_priority = {word: sum(row["priority"] == number for row in rows) for word, number in PRIORITY.items()}
    none: list[Row] = []
    data = {
        "period": call.query.get("period", "month"),
        "start_date": call.query.get("start_date"),
        "end_date": call.query.get("end_date"),
        "summary": {"total_tickets": len(rows), **counts, "average_resolution_time": "1 day 4 hours"},
        "by_status": counts,
        "by_priority": by_priority,
        "by_category": {},
        "resolution_time_trend": none,
        "top_assignees": none,
    }
    return {"success": True, "data": data}
