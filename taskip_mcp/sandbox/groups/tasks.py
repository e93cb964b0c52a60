"""Tasks, their labels, assignees and files (contract: task.*, task_label.*, task_file.*)."""

from __future__ import annotations

from typing import Any

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.groups.projects import coloured, log, media, people, project_of
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.rules import Fields, invalid, missing
from taskip_mcp.sandbox.store import Row

RULES = {
    "title": "required|string",
    "priority": "string",
    "description": "string",
    "due_date": "date",
    "order": "integer",
    "container_id": "required|integer|exists:container",
    "assignees": "array",
    "assignees.*": "integer|exists:team_member",
    "labels": "array",
    "labels.*": "integer|exists:attribute",
    "documents": "array",
    "documents.*": "integer|exists:document",
}


def stats(call: Call, container: int) -> Row:
    """Figures of a column."""
    rows = call.store.rows("task", container_id=container)
    done = sum(bool(row["is_completed"]) for row in rows)
    share = round(100 * done / len(rows), 1) if rows else 0
    return {"total_tasks": len(rows), "completed_tasks": done, "completion_percentage": share}


def _shared(call: Call, row: Row) -> Row:
    project = call.store.get("project", row["parent"]) or {}
    return shapes.select(row, "id", "title", "description") | {
        "project_uuid": project.get("uuid"),
        "is_completed": bool(row["is_completed"]),
        "assignees": people(call, "team_member", row.get("assignees")),
        "labels": coloured(call, row.get("labels")),
        "created_at": shapes.php(row["created_at"], "d/M/Y"),
        "updated_at": shapes.php(row["updated_at"], "d/M/Y"),
        "created_by": shapes.user_ref(call.store.get("team_member", row.get("created_by") or 1)),
    }


def _documents(call: Call, row: Row) -> list[Row]:
    found = [call.store.get("document", number) for number in shapes.numbers(row, "documents")]
    return [{"id": each["id"], "name": each["name"], "type": "document"} for each in found if each]


def _files(call: Call, row: Row) -> list[Row]:
    found = [call.store.get("media", number) for number in shapes.numbers(row, "files")]
    return [each for each in found if each]


def present(call: Call, row: Row) -> Row:
    """A task in lists and after writes: `order` repeats the due date."""
    none: list[Any] = []
    return _shared(call, row) | shapes.select(row, "priority", "due_date", "container_id", order="due_date") | {
        "documents": _documents(call, row),
        "files": [media(file) for file in _files(call, row)],
        "comments": none,
    }  # fmt: skip


def detail(call: Call, row: Row) -> Row:
    """A task alone: another date format, the column as an object, `order` as a number."""
    container = call.store.get("container", row["container_id"]) or {}
    none: list[Any] = []
    files = [
        {"id": each["id"], "name": each["title"], "size": each["size"], "type": each["ext"]}
        for each in _files(call, row)
    ]
    return _shared(call, row) | shapes.select(row, "priority", "order") | {
        "due_date": shapes.php(row.get("due_date"), "d/M/Y"),
        "container": shapes.select(container, "id", "title", "color", "order"),
        "files": files,
        "comments": none,
        "documents": _documents(call, row),
    }  # fmt: skip


def task_of(call: Call) -> Row:
    """The task that the route names, within its project."""
    return call.find("task", "Task", parent=project_of(call)["id"])


@route("GET /project/{uuid}/task")
def board(call: Call) -> Row:
    """Columns with their tasks; the page counts tasks (contract quirk 19)."""
    project = project_of(call)
    columns = sorted(call.store.rows("container", parent=project["id"]), key=lambda row: row["order"])
    tasks = call.store.rows("task", parent=project["id"])
    shown: list[Row] = []
    for column in columns:
        inside = [task for task in tasks if task["container_id"] == column["id"]]
        inside.sort(key=lambda task: (task.get("order") or 0, task["id"]))
        shown.append(
            shapes.select(column, "title", "color", "order", container_id="id")
            | {"id": f"container-{column['id']}", "stats": stats(call, column["id"])}
            | {"items": [present(call, task) for task in inside]}
        )
    page = shapes.laravel_page(tasks, {}, lambda row: row, url=call.url, default=100)
    return page | {"data": shown}


def _in_project(call: Call, project: Row, fields: Fields) -> Fields:
    container = call.store.get("container", fields["container_id"])
    if container is None or container["parent"] != project["id"]:
        raise invalid({"container_id": ["The selected container id is invalid."]})
    return fields


@route("POST /project/{uuid}/task")
def create(call: Call) -> Answer:
    """201; the record is under `task`."""
    project = project_of(call)
    fields = _in_project(call, project, call.valid(RULES))
    last = stats(call, fields["container_id"])["total_tasks"] + 1
    fresh: Row = {"order": last, "is_completed": False}
    row = call.store.insert("task", fresh | fields, parent=project["id"])
    log(call, project, "task_created", f"Task {row['title']} was created")
    return Answer({"msg": "Task created successfully", "task": present(call, row), "status": 200}, 201)


@route("GET /project/{uuid}/task/{id}")
def show(call: Call) -> Row:
    """data and status."""
    return {"data": detail(call, task_of(call)), "status": 200}


@route("PUT /project/{uuid}/task/{id}")
def update(call: Call) -> Row:
    """A replacement: assignees, labels and documents that are left out are emptied."""
    row = task_of(call)
    fields = _in_project(call, project_of(call), call.valid(RULES))
    whole = dict.fromkeys(name for name in RULES if "." not in name) | fields
    changed = call.store.update("task", row["id"], whole)
    return {"msg": "Task updated successfully", "task": present(call, changed), "status": 200}


@route("DELETE /project/{uuid}/task/{id}")
def destroy(call: Call) -> Row:
    """For good."""
    call.store.delete("task", task_of(call)["id"])
    return {"msg": "Task deleted successfully", "status": 200}


@route("POST /project/{uuid}/task/change-order")
def reorder(call: Call) -> Row:
    """All or nothing."""
    project = project_of(call)
    rules = {
        "container_id": "required|integer|exists:container",
        "order": "required|array",
        "order.*.item_id": "required|integer",
        "order.*.order": "required|integer",
    }
    for each in call.valid(rules)["order"]:
        row = call.find("task", "Task", each["item_id"], parent=project["id"])
        call.store.update("task", row["id"], {"order": each["order"]})
    return {"msg": "Task order changed successfully", "status": 200}


@route("POST /project/{uuid}/task/{id}/change-container")
def move(call: Call) -> Row:
    """To another column of the same board."""
    row = task_of(call)
    fields = call.valid({"container_id": "required|integer|exists:container", "order": "integer"})
    call.store.update("task", row["id"], _in_project(call, project_of(call), fields))
    return {"msg": "Task container changed successfully", "status": 200}


@route("POST /project/{uuid}/task/{id}/change-priority")
def change_priority(call: Call) -> Row:
    """Any word."""
    row = task_of(call)
    call.store.update("task", row["id"], call.valid({"priority": "required|string"}))
    return {"msg": "Task priority changed successfully", "status": 200}


@route("POST /project/{uuid}/task/{id}/mark-as-complete")
def complete(call: Call) -> Row:
    """0 opens it again; answers with the column's figures."""
    row = task_of(call)
    done = bool(call.valid({"is_completed": "required|integer|in:0,1"})["is_completed"])
    call.store.update("task", row["id"], {"is_completed": done})
    return {"msg": "Task updated successfully", "stats": stats(call, row["container_id"]), "status": 200}


@route("POST /project/all-tasks/list")
def all_tasks(call: Call) -> Row:
    """A read by POST, unpaged; priority is a number here."""
    rules = {"status": "string", "assigned_to": "integer", "project_ids": "array", "project_ids.*": "integer"}
    fields = call.valid(rules)
    rows = call.store.rows("task")
    if fields.get("project_ids"):
        rows = [row for row in rows if row["parent"] in fields["project_ids"]]
    if fields.get("assigned_to"):
        rows = [row for row in rows if int(fields["assigned_to"]) in shapes.numbers(row, "assignees")]
    return {"data": [_across(call, row) for row in rows]}


def _across(call: Call, row: Row) -> Row:
    numbers = {"low": 1, "medium": 2, "high": 3, "critical": 4}
    project = call.store.get("project", row["parent"]) or {}
    shown = {
        name: value
        for name, value in present(call, row).items()
        if name not in {"documents", "files", "comments"}
    }
    priority = numbers.get(str(row.get("priority")))
    return shown | {"priority": priority, "project": shapes.select(project, "id", "title", "uuid")}


# --- labels and assignees ---------------------------------------------------------------------------------


@route("POST /project/{uuid}/task/{id}/label")
def add_label(call: Call) -> Row:
    """The label comes back with a title."""
    row = task_of(call)
    number = call.valid({"label_id": "required|integer|exists:attribute"})["label_id"]
    call.store.update(
        "task", row["id"], {"labels": list(dict.fromkeys([*shapes.numbers(row, "labels"), number]))}
    )
    label = call.find("attribute", "Attribute", number)
    data = shapes.select(label, "id", "title", "color", "type")
    return {"msg": "Label added successfully", "data": data, "status": 200}


def _without(row: Row, field: str, number: int, name: str) -> Row:
    numbers = shapes.numbers(row, field)
    if number not in numbers:
        raise missing(name, number)
    return {field: [each for each in numbers if each != number]}


@route("DELETE /project/{uuid}/task/{id}/label")
def remove_label(call: Call) -> Row:
    """The body of the DELETE names the label."""
    row = task_of(call)
    number = call.valid({"label_id": "required|integer"})["label_id"]
    call.store.update("task", row["id"], _without(row, "labels", number, "TaskLabel"))
    return {"msg": "Label removed successfully", "status": 200}


@route("POST /project/{uuid}/task/{id}/assignee")
def add_assignee(call: Call) -> Row:
    """assignee_id comes back as an object."""
    row = task_of(call)
    number = call.valid({"assignee_id": "required|integer|exists:team_member"})["assignee_id"]
    call.store.update(
        "task", row["id"], {"assignees": list(dict.fromkeys([*shapes.numbers(row, "assignees"), number]))}
    )
    data = {
        "id": row["id"] * 100 + number,
        "task_id": row["id"],
        "assignee_id": shapes.user_ref(call.store.get("team_member", number)),
        "assigned_by": shapes.user_ref(call.store.get("team_member", 1)),
        "created_at": shapes.php(call.now, "d/M/Y"),
    }
    return {"msg": "Assignee added successfully", "data": data, "status": 200}


@route("DELETE /project/{uuid}/task/{id}/assignee")
def remove_assignee(call: Call) -> Row:
    """The body of the DELETE names the member."""
    row = task_of(call)
    number = call.valid({"assignee_id": "required|integer"})["assignee_id"]
    call.store.update("task", row["id"], _without(row, "assignees", number, "TaskAssignee"))
    return {"msg": "Assignee removed successfully", "status": 200}


# --- files ------------------------------------------------------------------------------------------------


def _task_file(row: Row, file: Row) -> Row:
    return {
        "task_id": row["id"],
        "media": media(file),
        "createdAt": shapes.php(file["created_at"], "d-M-Y H:i:s"),
    }


@route("GET /project/{uuid}/task/files")
def all_files(call: Call) -> Row:
    """The message says that a file was added (contract quirk 26)."""
    rows = call.store.rows("task", parent=project_of(call)["id"])
    data = [_task_file(row, file) for row in rows for file in _files(call, row)]
    return {"msg": "File added successfully", "data": data, "status": 200}


@route("GET /project/{uuid}/task/{id}/files")
def files(call: Call) -> Row:
    """As above, for one task."""
    row = task_of(call)
    return {
        "msg": "File added successfully",
        "data": [_task_file(row, file) for file in _files(call, row)],
        "status": 200,
    }


@route("POST /project/{uuid}/task/{id}/files")
def attach(call: Call) -> Row:
    """An id of the media library; nothing is uploaded."""
    row = task_of(call)
    number = call.valid({"file_id": "required|integer|exists:media"})["file_id"]
    call.store.update(
        "task", row["id"], {"files": list(dict.fromkeys([*shapes.numbers(row, "files"), number]))}
    )
    data = _task_file(row, call.find("media", "Media", number))
    return {"msg": "File added successfully", "data": data, "status": 200}


@route("DELETE /project/{uuid}/task/{id}/files")
def detach(call: Call) -> Row:
    """The body of the DELETE names the file."""
    row = task_of(call)
    number = call.valid({"file_id": "required|integer"})["file_id"]
    call.store.update("task", row["id"], _without(row, "files", number, "TaskFile"))
    return {"msg": "File deleted successfully", "status": 200}


@route("GET /project/{uuid}/files")
def project_files(call: Call) -> Row:
    """A flat list of media."""
    return {"data": [media(row) for row in call.store.rows("media", parent=project_of(call)["id"])]}
