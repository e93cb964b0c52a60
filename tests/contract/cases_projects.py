"""Projects, tasks and what hangs on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract import sample
from tests.contract.case import Case, Try

PROJECT = sample.record("project", 1, "_detail_only")
PROJECT_NAMES = {
    "client_ids": "client",
    "tag_ids": "tags",
    "category_ids": "category",
    "assignee_ids": "assignee",
    "project_manager_ids": "project_manager",
}
PRIVACY = {"privacy": {0: "private", 1: "public"}}


def _ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


PROJECT_KEPT = {
    "description": PROJECT["description"],
    "priority": PROJECT["priority"],
    "privacy": PROJECT["privacy"],
    "status": PROJECT["status"],
    "started_at": "2026-01-05",
    "ended_at": "2026-01-05",
    "client": _ids(PROJECT["client"]),
    "tags": _ids(PROJECT["tags"]),
    "category": _ids(PROJECT["categories"]),
    "assignee": _ids(PROJECT["assignees"]),
    "project_manager": _ids(PROJECT["project_manager"]),
    "complete_status_id": PROJECT["complete_status_id"],
}

TASK = sample.record("task_detail")
TASK_NAMES = {"assignee_ids": "assignees", "label_ids": "labels", "document_ids": "documents"}
TASK_KEPT = {
    "title": TASK["title"],
    "description": TASK["description"],
    "due_date": "2026-01-05",
    "order": TASK["order"],
    "container_id": TASK["container"]["id"],
    "assignees": _ids(TASK["assignees"]),
    "labels": _ids(TASK["labels"]),
    "documents": _ids(TASK["documents"]),
}
REORDER = {"order": [{"task_id": 7, "order": 0}]}
ATTRIBUTE = sample.record("attribute")
WHOLE = frozenset({"search", "page", "limit"})


def _columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A column's own id is no number and fits no argument: container_id is what the tools take."""
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


CASES: Mapping[str, Case] = {
    "project.list": Case(),
    "project.create": Case(renames=PROJECT_NAMES, labels=PRIVACY),
    "project.get": Case(),
    "project.update": Case(
        minimal=(
            Try(
                {"title": "New"},
                without=frozenset({"priority", "privacy", "status"}),
                wire=PROJECT_KEPT,
            ),
        ),
        renames=PROJECT_NAMES,
        labels=PRIVACY,
        optional=frozenset({"title", "priority", "privacy", "status"}),
    ),
    "project.delete": Case(),
    "project.dashboard_activity": Case(),
    # An integer id is exchanged for the uuid that the route wants.
    "project.activity": Case(minimal=(Try({"project_id": 25}),)),
    "project.all_tasks": Case(
        refused=frozenset({"status"}), local=frozenset({"is_completed", "search", "page", "limit"})
    ),
    "project.change_priority": Case(),
    "project.change_status": Case(),
    "project.change_category": Case(),
    "task.list": Case(
        result=_columns, local=frozenset({"container_id", "assigned_to", "is_completed", "search"})
    ),
    "task.create": Case(renames=TASK_NAMES),
    "task.get": Case(),
    "task.update": Case(
        minimal=(Try({"priority": "low"}, without=frozenset({"title", "container_id"}), wire=TASK_KEPT),),
        renames=TASK_NAMES,
        optional=frozenset({"title", "container_id"}),
    ),
    "task.delete": Case(),
    "task.change_order": Case(
        full=(Try(REORDER, wire={"order": [{"item_id": 7, "order": 0}]}),),
        minimal=(Try(REORDER, wire={"order": [{"item_id": 7, "order": 0}]}),),
    ),
    "task.change_container": Case(),
    "task.change_priority": Case(),
    "task.mark_complete": Case(labels={"is_completed": {0: False, 1: True}}),
    "task_label.add": Case(),
    "task_label.remove": Case(),
    "task_label.add_assignee": Case(),
    "task_label.remove_assignee": Case(),
    "task_file.list_all_task_files": Case(local=WHOLE),
    "task_file.list": Case(),
    "task_file.attach": Case(),
    "task_file.delete": Case(),
    "task_file.list_project_files": Case(local=WHOLE),
    "discussion.list": Case(local=WHOLE),
    "discussion.create": Case(renames={"message": "msg", "attachment_ids": "attachment"}),
    "discussion.list_files": Case(local=WHOLE),
    "container.create": Case(),
    "container.rename": Case(),
    "container.change_color": Case(),
    "container.change_order": Case(),
    "container.delete": Case(),
    "container.move_all_tasks": Case(),
    "project_attribute.list": Case(
        full=(Try({"page": 1, "search": "x"}, wire={"page": 1, "search": "x"}),),
        undocumented=frozenset({"page", "search"}),
        local=frozenset({"type", "search"}),
    ),
    "project_attribute.create": Case(),
    "project_attribute.update": Case(
        minimal=(
            Try(
                {"attribute_id": ATTRIBUTE["id"], "title": "New"},
                without=frozenset({"color", "type"}),
                wire={"color": ATTRIBUTE["color"], "type": ATTRIBUTE["type"]},
            ),
        ),
        optional=frozenset({"title", "color", "type"}),
    ),
    "project_attribute.delete": Case(),
    "project_attribute.bulk_update_tags": Case(),
    "project_attribute.bulk_update_categories": Case(),
}
