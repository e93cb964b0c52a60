"""Projects, boards, tasks, files, discussions, activities.

=============  ==========================================  =================================================
view           rows have                                   never shown, and why
=============  ==========================================  =================================================
project        ids, title, state, dates, people, tags,     who made it; the percentage, which the two counts
               counts of tasks                             say; colours of tags
board          columns with their tasks: id, title,        descriptions, colours, project, who made it: for one
               priority, due_date, people, labels          task get_task has them
task           the same with project and column            colours; ``order`` where it repeats the due date; in
                                                            rows a priority that is a number: what the numbers of
                                                            project.all_tasks mean is not published
file           file_id, name, size, url                    extension and type, which the name shows
discussion     who, what, when, file                       the project, which is known to who asks
activity       what, who, when                             ids, which nothing takes; the changer where that is
                                                           the author
=============  ==========================================  =================================================

Who writes, changes or comments may be a client (`taskip_mcp.outside`), so that these are users; managers and assignees
are of the team.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskip_mcp.views import declare
from taskip_mcp.views.forms import Part, either, first, flag, inner, person, same, user, user_named

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

PRIVACY = {0: "private", 1: "public"}
# Of the words only that 4 is high is known (contract enums.project_priority_int); updates take the number.
PRIORITY = {number: f"{number} of 5" for number in range(1, 6)}

PROJECT = declare.of(
    same("id uuid title status priority privacy started_at ended_at")
    | {
        "clients": person("client", "client_id"),
        "project_managers": person("project_manager"),
        "assignees": person("assignees"),
        "tags": person("tags"),
        "categories": person("categories"),
    }
    | same("completed_tasks total_tasks description complete_status_id created_at updated_at"),
    row="id uuid title status priority privacy started_at ended_at clients project_managers assignees tags categories"
    " completed_tasks total_tasks description",
    drops="created_by completion_percentage",
    dates=dict.fromkeys(("started_at", "ended_at", "created_at", "updated_at"), "d-M-Y"),
    labels={"privacy": PRIVACY, "priority": PRIORITY},
)

# --- tasks ------------------------------------------------------------------------------------------------


def _place(record: JsonObject) -> Any:
    """A number in the single read; lists repeat the due date (contract schema task)."""
    order = record.get("order")
    return order if isinstance(order, int) else None


FILE_DATES = {"createdAt": "d-M-Y H:i:s"}
TASK_DATES = {
    # Lists and updates have Y-m-d, the single read d/M/Y (contract schemas task, task_detail); either is read.
    "due_date": "Y-m-d",
    "order": "Y-m-d",
    "created_at": "d/M/Y",
    "updated_at": "d/M/Y",
    "comments.created_at": "d/M/Y",
    "comments.createdAt": "d M Y H:i",
    "documents.created_at": "d/M/Y",
    "documents.updated_at": "d/M/Y",
} | declare.inside("files", FILE_DATES)


COMMENT = declare.of(
    {
        "user": either(user("author"), user("user")),
        "created_at": first("created_at", "createdAt"),
        "content": first("content", "description"),
    },
    row="user created_at content",
    drops="id task_id",
)

TASK = declare.of(
    same("id title priority")
    | {"is_completed": flag("is_completed")}
    | same("due_date")
    | {
        "assignees": person("assignees"),
        "labels": person("labels"),
        "project": person("project"),
        "project_uuid": either(first("project_uuid"), inner("project", "uuid")),
        "container": person("container", "container_id"),
        "order": Part(("order",), _place),
    }
    | same("description")
    | {
        "files": person("files"),
        "documents": person("documents"),
        "comments": declare.rows_of("comments", COMMENT, "record"),
    }
    | same("created_at updated_at"),
    row="id title priority is_completed due_date assignees labels project project_uuid container description",
    drops="created_by",
    dates=TASK_DATES,
)


def _worded(record: JsonObject) -> Any:
    """A word in boards, a number without a published meaning across projects (contract project.all_tasks)."""
    found = record.get("priority")
    return found if isinstance(found, str) else None


TASKS = replace(TASK, shows={**TASK.shows, "priority": Part(("priority",), _worded)})

IN_COLUMN = "id title priority is_completed due_date assignees labels"
ON_BOARD = declare.of(
    {name: part for name, part in TASK.shows.items() if name in IN_COLUMN.split()}, row=IN_COLUMN
)

BOARD = declare.of(
    same("container_id title")
    | {
        "total_tasks": inner("stats", "total_tasks"),
        "completed_tasks": inner("stats", "completed_tasks"),
        "tasks": declare.rows_of("items", ON_BOARD),
    },
    row="container_id title total_tasks completed_tasks tasks",
    drops="id color order",
    dates=declare.inside("items", TASK_DATES),
)

ASSIGNMENT = declare.of(
    same("task_id")
    | {"assignee": person("assignee_id"), "assigned_by": person("assigned_by")}
    | same("created_at"),
    row="task_id assignee assigned_by created_at",
    drops="id",
    dates={"created_at": "d/M/Y"},
)

COLUMN = declare.of(
    {"container_id": first("id")} | same("title project_uuid color order created_at"),
    row="container_id title color order",
    dates={"created_at": "d/M/Y"},
)

ATTRIBUTE = declare.of(
    {**same("id"), "title": first("title", "name")} | same("color type"), row="id title color type"
)

# --- files ------------------------------------------------------------------------------------------------


def _file(outer: str | None) -> dict[str, Part]:
    """A file in the record, or the record itself."""

    def part(*names: str) -> Part:
        return either(*[inner(outer, name) for name in names]) if outer else first(*names)

    return {
        "file_id": part("id"),
        "name": part("title", "name", "file_name"),
        "size": part("size"),
        "created_at": part("createdAt", "created_at"),
        "url": part("url"),
    }


FILE = declare.of(
    _file(None), row="file_id name size created_at url", drops="ext mime_type", dates=FILE_DATES
)

TASK_FILE = declare.of(
    _file("media") | same("task_id"),
    row="file_id name size created_at url task_id",
    # When it was attached is when it was stored (contract schema task_file).
    drops="createdAt",
    dates=FILE_DATES | declare.inside("media", FILE_DATES),
)

# --- talk -------------------------------------------------------------------------------------------------

DISCUSSION = declare.of(
    same("id")
    | {
        "user": user("user", "user_id"),
        "message": first("msg_content", "message"),
        "created_at": first("createdAt"),
    }
    | {"attachment": person("attachment")},
    row="id user message created_at attachment",
    drops="project_id status",
    dates={"createdAt": "relative"}
    | declare.inside("attachment", FILE_DATES)
    | declare.inside("user.media", FILE_DATES),
)


def _changer(record: JsonObject) -> Any:
    """Who changed it, unless that is the author."""
    found, author = record.get("updatedBy"), record.get("createdBy")
    return None if found == author else user_named(found)


def _activity(more: dict[str, Part], drops: str) -> declare.View:
    shows = {
        "created_at": first("createdAt"),
        "type": first("activity_type"),
        "content": first("content"),
        "user": user("createdBy"),
        "changed_by": Part(("updatedBy",), _changer),
        **same("old_value new_value metadata"),
        **more,
    }
    return declare.of(shows, row=" ".join(shows), drops=f"id {drops}", dates={"createdAt": "relative"})


# The project is known to who asked for its activities.
ACTIVITY = _activity({}, "project project_uuid")
ANY_ACTIVITY = _activity({"project": person("project"), **same("project_uuid")}, "")

VIEWS = {
    "project.list project.get project.create project.update": PROJECT,
    "project.all_tasks": TASKS,
    "task.get task.create task.update": TASK,
    "task.list": BOARD,
    "task_label.add project_attribute.list project_attribute.create": ATTRIBUTE,
    "task_label.add_assignee": ASSIGNMENT,
    "task_file.list_project_files discussion.list_files": FILE,
    "task_file.list_all_task_files task_file.list task_file.attach": TASK_FILE,
    "discussion.list discussion.create": DISCUSSION,
    "container.create": COLUMN,
    "project.activity": ACTIVITY,
    "project.dashboard_activity": ANY_ACTIVITY,
}
