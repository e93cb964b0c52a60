"""Project endpoints, activities and discussions (contract: project.*, discussion.*)."""

from __future__ import annotations

from typing import Any

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.store import Row, Store

RULES = {
    "title": "required|string|max:191",
    "description": "string",
    "priority": "required|integer|min:1|max:5",
    "privacy": "required|integer|in:0,1",
    "status": "required|string",
    "started_at": "date",
    "ended_at": "date",
    "client": "array",
    "client.*": "integer|exists:contact",
    "tags": "array",
    "tags.*": "integer|exists:attribute",
    "category": "array",
    "category.*": "integer|exists:attribute",
    "assignee": "array",
    "assignee.*": "integer|exists:team_member",
    "complete_status_id": "integer",
    "notify_client": "boolean",
    "project_manager": "array",
    "project_manager.*": "integer|exists:team_member",
}
CREATE = RULES | {"created_by": "integer|exists:team_member"}
# What the four words mean in numbers is not published; here they are kept as these.
PRIORITY = {"low": 1, "medium": 2, "high": 4, "critical": 5}


def project_of(call: Call) -> Row:
    """The project that a nested route names; those take the uuid alone."""
    return call.find("project", "Project", f"uuid {key}" if (key := call.params["uuid"]).isdigit() else key)


def people(call: Call, kind: str, numbers: list[int] | None) -> list[Row]:
    """``{id, name, email}`` of contacts or members."""
    found = [shapes.user_ref(call.store.get(kind, number)) for number in numbers or []]
    return [person for person in found if person]


def coloured(call: Call, numbers: list[int] | None) -> list[Row]:
    """``{id, name, color}`` of attributes."""
    found = [call.store.get("attribute", number) for number in numbers or []]
    return [shapes.select(row, "id", "color", name="title") for row in found if row]


def present(call: Call, row: Row, *, detail: bool = False) -> Row:
    """A project; the single read adds client_id and complete_status_id."""
    tasks = call.store.rows("task", parent=row["id"])
    done = sum(bool(task["is_completed"]) for task in tasks)
    more = {
        "client_id": next(iter(row.get("client") or []), None),
        "complete_status_id": row.get("complete_status_id"),
    }
    return shapes.select(row, "id", "title", "uuid", "description", "priority", "privacy", "status") | {
        "started_at": shapes.php(row.get("started_at"), "d-M-Y"),
        "ended_at": shapes.php(row.get("ended_at"), "d-M-Y"),
        "client": people(call, "contact", row.get("client")),
        "created_by": shapes.user_ref(call.store.get("team_member", row.get("created_by") or 1)),
        "created_at": shapes.php(row["created_at"], "d-M-Y"),
        "updated_at": shapes.php(row["updated_at"], "d-M-Y"),
        "project_manager": people(call, "team_member", row.get("project_manager")),
        "assignees": people(call, "team_member", row.get("assignee")),
        "tags": coloured(call, row.get("tags")),
        "categories": coloured(call, row.get("category")),
        "total_tasks": len(tasks),
        "completed_tasks": done,
        "completion_percentage": round(100 * done / len(tasks), 1) if tasks else 0,
    } | (more if detail else {})  # fmt: skip


@route("GET /project")
def index(call: Call) -> Row:
    """A Laravel page without a message."""
    rows = shapes.matching(
        call.store.rows("project"),
        call.query,
        search=("title", "description"),
        equal={"status": "status"},
        sort={"name": "title", "status": "status", "start_date": "started_at", "end_date": "ended_at"},
    )
    for name, field in (("client_id", "client"), ("assigned_to", "assignee")):
        if wanted := call.query.get(name):
            rows = [row for row in rows if wanted in {str(number) for number in shapes.numbers(row, field)}]
    return call.page(rows, lambda row: present(call, row))


def _notify(call: Call, row: Row) -> None:
    for client in people(call, "contact", row.get("client")):
        call.store.insert("mail", {"to": client["email"], "subject": f"Project {row['title']}"})


def log(call: Call, project: Row, kind: str, content: str, old: Any = None, new: Any = None) -> None:
    """One line of a project's activity."""
    fields = {"activity_type": kind, "content": content, "old_value": old, "new_value": new}
    call.store.insert("activity", fields, parent=project["id"])


@route("POST /project")
def create(call: Call) -> Answer:
    """201; a board of three columns comes with it."""
    fields = call.valid(CREATE)
    notify = fields.pop("notify_client", False)
    row = call.store.insert("project", fields)
    for place, title in enumerate(("To do", "In progress", "Done"), 1):
        call.store.insert("container", {"title": title, "color": "#64748B", "order": place}, parent=row["id"])
    log(call, row, "project_created", f"Project {row['title']} was created")
    if notify:
        _notify(call, row)
    return Answer({"msg": "Project created successfully", "data": present(call, row)}, 201)


def _project(call: Call) -> Row:
    return call.find("project", "Project")


@route("GET /project/{id}")
def show(call: Call) -> Row:
    """By id or uuid."""
    return {"data": present(call, _project(call), detail=True), "status": 200}


@route("PUT /project/{id}")
def update(call: Call) -> Row:
    """A replacement: arrays and dates that are left out are emptied."""
    row = _project(call)
    fields = call.valid(RULES)
    notify = fields.pop("notify_client", False)
    empty = dict.fromkeys(name for name in RULES if "." not in name and name != "notify_client")
    changed = call.store.update("project", row["id"], empty | fields)
    if notify:
        _notify(call, changed)
    return {"msg": "Project updated successfully", "data": present(call, changed), "status": 200}


@route("DELETE /project/{id}")
def destroy(call: Call) -> Row:
    """Board, tasks, discussion and activity go along."""
    remove(call.store, _project(call))
    return {"msg": "Project deleted successfully", "status": 200}


def remove(store: Store, row: Row) -> None:
    """Delete a project with all that hangs on it."""
    for kind in ("task", "container", "discussion", "activity", "media"):
        for each in store.rows(kind, parent=row["id"]):
            store.delete(kind, each["id"])
    store.delete("project", row["id"])


@route("POST /project/{uuid}/change-priority")
def change_priority(call: Call) -> list[str]:
    """An array with one string."""
    row = project_of(call)
    word = call.valid({"priority": "required|in:low,medium,high,critical"})["priority"]
    call.store.update("project", row["id"], {"priority": PRIORITY[word]})
    log(call, row, "priority_changed", f"Priority was set to {word}", row["priority"], word)
    return ["Project priority changed successfully"]


@route("POST /project/{uuid}/change-status")
def change_status(call: Call) -> list[str]:
    """An array with one string."""
    row = project_of(call)
    changed = call.store.update("project", row["id"], call.valid({"status": "required|string"}))
    log(
        call,
        row,
        "status_changed",
        f"Status was set to {changed['status']}",
        row["status"],
        changed["status"],
    )
    return ["Project status changed successfully"]


@route("POST /project/{uuid}/change-category")
def change_category(call: Call) -> list[str]:
    """An array with one string."""
    row = project_of(call)
    number = call.valid({"category_id": "required|integer|exists:attribute"})["category_id"]
    call.store.update("project", row["id"], {"category": [number]})
    return ["Project category changed successfully"]


# --- activity ---------------------------------------------------------------------------------------------


def _activity(call: Call, row: Row) -> Row:
    project = call.store.get("project", row["parent"]) or {}
    person = shapes.user_ref(call.store.get("team_member", row.get("member") or 1))
    empty: Row = {}
    return shapes.select(row, "id", "activity_type", "content", "old_value", "new_value") | {
        "project_uuid": project.get("uuid"),
        "metadata": empty,
        "createdBy": person,
        "updatedBy": person,
        "project": shapes.select(project, "id", "title", "uuid"),
        "createdAt": shapes.relative(row["created_at"], call.now),
    }


def _activities(call: Call, rows: list[Row]) -> Row:
    """Newest first; page and limit come in the body."""
    rules = {"limit": "integer", "page": "integer", "from_date": "string", "to_date": "string"}
    fields = call.valid(rules)
    since, until = fields.get("from_date") or "", fields.get("to_date") or "9"
    rows = [row for row in rows if since <= row["created_at"][:10] <= until]
    newest = sorted(rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)
    asked = {name: str(fields[name]) for name in ("limit", "page") if fields.get(name)}
    return shapes.laravel_page(newest, asked, lambda row: _activity(call, row), url=call.url)


@route("POST /project/dashboard/activity")
def dashboard(call: Call) -> Row:
    """A read by POST."""
    return _activities(call, call.store.rows("activity"))


@route("POST /project/{uuid}/activity")
def activity(call: Call) -> Row:
    """A read by POST."""
    return _activities(call, call.store.rows("activity", parent=project_of(call)["id"]))


# --- discussion -------------------------------------------------------------------------------------------


def media(row: Row) -> Row:
    """A file of a project."""
    return shapes.select(row, "id", "title", "ext", "size") | {
        "url": f"https://files.example/{row['uuid']}",
        "createdAt": shapes.php(row["created_at"], "d-M-Y H:i:s"),
    }


def _message(call: Call, row: Row) -> Row:
    member = call.store.get("team_member", row["user_id"]) or {}
    file = call.store.get("media", row["attachment"]) if row.get("attachment") else None
    return shapes.select(row, "id", "status", "msg_content", "user_id", project_id="parent") | {
        "createdAt": shapes.relative(row["created_at"], call.now),
        "user": shapes.select(member, "id", "uuid", "email")
        | {"name": shapes.full_name(member), "media": None},
        "attachment": media(file) if file else None,
    }


@route("GET /project/{uuid}/discussion")
def discussion(call: Call) -> Row:
    """Every message, no pages."""
    rows = call.store.rows("discussion", parent=project_of(call)["id"])
    return {"data": [_message(call, row) for row in rows]}


@route("POST /project/{uuid}/discussion")
def post_message(call: Call) -> Row:
    """`msg` is the text on the way in and the status on the way out."""
    project = project_of(call)
    fields = call.valid(
        {"msg": "required|string", "attachment": "array", "attachment.*": "integer|exists:media"}
    )
    file = next(iter(fields.get("attachment") or []), None)
    row = {"status": "active", "msg_content": fields["msg"], "user_id": 1, "attachment": file}
    made = call.store.insert("discussion", row, parent=project["id"])
    return {"msg": "Discussion created successfully", "data": _message(call, made)}


@route("GET /project/{uuid}/discussion/files")
def discussion_files(call: Call) -> Row:
    """Files of messages."""
    rows = call.store.rows("discussion", parent=project_of(call)["id"])
    found = [call.store.get("media", row["attachment"]) for row in rows if row.get("attachment")]
    return {"data": [media(file) for file in found if file]}
