"""Attributes 1-16, projects 1-10 with four columns each (containers 1-40), 120 tasks, files, messages, activity.

Attributes 1-5 are tags, 6-9 categories, 10-15 labels, 16 a priority.
"""

from __future__ import annotations

from datetime import timedelta

from taskip_mcp.sandbox.store import Row, Store

ATTRIBUTES = (
    ("Retainer", "tag"), ("Fixed price", "tag"), ("Strategic", "tag"), ("Internal", "tag"), ("Rush", "tag"),
    ("Website", "category"), ("App", "category"), ("Branding", "category"), ("Campaign", "category"),
    ("Bug", "label"), ("Design", "label"), ("Content", "label"), ("Backend", "label"), ("Blocked", "label"),
    ("Client input", "label"), ("Top", "priority"),
)  # fmt: skip
COLORS = ("#0EA5E9", "#22C55E", "#F59E0B", "#8B5CF6", "#EF4444")
# title, client contact, category, status, days since start, days to end
PROJECTS = (
    ("Northwind website relaunch", 1, 6, "active", 60, 30),
    ("Lumen product configurator", 5, 7, "active", 90, 45),
    ("Harrow & Finch rebrand", 9, 8, "planning", 5, 80),
    ("Cobalt customer portal", 13, 7, "active", 120, 15),
    ("Verde spring campaign", 17, 9, "completed", 150, -40),
    ("Kestrel booking app", 21, 7, "active", 75, 20),
    ("Sakura tour microsites", 25, 6, "on_hold", 100, 60),
    ("Baobab course platform", 29, 7, "active", 40, 70),
    ("Juniper intake forms", 33, 6, "completed", 200, -90),
    ("Agency website", 40, 6, "planning", 2, 120),
)
COLUMNS = (("To do", "#64748B"), ("In progress", "#0EA5E9"), ("Review", "#F59E0B"), ("Done", "#22C55E"))
TASKS = (
    "Kick-off workshop", "Collect brand assets", "Write page texts", "Design the start page", "Set up staging",
    "Build the navigation", "Accessibility review", "Import old content", "Connect analytics", "Test the forms",
    "Prepare training", "Plan the launch",
)  # fmt: skip
PRIORITIES = ("low", "medium", "high", "critical")
MESSAGES = (
    "The texts for the first pages are in.",
    "Staging is up, please have a look.",
    "Launch is on the calendar.",
)


def seed(store: Store) -> None:
    """Fill attributes and projects with all that belongs to them."""
    for index, (title, kind) in enumerate(ATTRIBUTES):
        store.insert("attribute", {"title": title, "color": COLORS[index % 5], "type": kind})
    for index, facts in enumerate(PROJECTS):
        project = _project(store, index, facts)
        columns = [
            store.insert("container", {"title": title, "color": color, "order": place}, parent=project["id"])
            for place, (title, color) in enumerate(COLUMNS, 1)
        ]
        for place in range(12):
            _task(store, index, place, project, columns)
        _talk(store, index, project)


def _project(store: Store, index: int, facts: tuple[str, int, int, str, int, int]) -> Row:
    title, client, category, status, ago, ahead = facts
    started = store.now - timedelta(days=ago)
    return store.insert(
        "project",
        {
            "title": title,
            "description": f"{title} for the client, in sprints of two weeks.",
            "priority": index % 5 + 1,
            "privacy": index % 2,
            "status": status,
            "started_at": started.date().isoformat(),
            "ended_at": (store.now + timedelta(days=ahead)).date().isoformat(),
            "client": [client],
            "created_by": 1,
            "tags": [index % 5 + 1],
            "category": [category],
            "assignee": [3, 4, 7] if index % 2 else [3, 6],
            "project_manager": [2],
            "complete_status_id": None,
            "created_at": started.isoformat(),
        },
    )


def _task(store: Store, index: int, place: int, project: Row, columns: list[Row]) -> None:
    finished = project["status"] == "completed"
    column = 3 if finished else (index + place) % 4
    due = store.now + timedelta(days=place * 4 - 14 + index)
    store.insert(
        "task",
        {
            "title": TASKS[place],
            "description": f"{TASKS[place]} for {project['title']}.",
            "priority": PRIORITIES[(index + place) % 4],
            "due_date": due.date().isoformat(),
            "order": place // 4 + 1,
            "container_id": columns[column]["id"],
            "is_completed": column == 3,
            "assignees": [(3, 4, 6, 7)[(index + place) % 4]],
            "labels": [10 + (index + place) % 6],
            "documents": [1] if place == 1 else [],
            "files": [],
            "created_by": 2,
            "created_at": (store.now - timedelta(days=30 - place)).isoformat(),
        },
        parent=project["id"],
    )


def _talk(store: Store, index: int, project: Row) -> None:
    """A file on the first task, three messages, a little activity."""
    stamp = store.now - timedelta(days=9, hours=index)
    file = {"title": f"brief-{index + 1}.pdf", "ext": "pdf", "size": 120_000 + index * 731}
    media = store.insert("media", file | {"created_at": stamp.isoformat()}, parent=project["id"])
    first = store.rows("task", parent=project["id"])[0]
    store.update("task", first["id"], {"files": [media["id"]], "updated_at": first["updated_at"]})
    for place, text in enumerate(MESSAGES):
        message = {"status": "active", "msg_content": text, "user_id": 2 + place}
        message |= {"attachment": media["id"] if place == 0 else None}
        at = {"created_at": (stamp + timedelta(days=place)).isoformat()}
        store.insert("discussion", message | at, parent=project["id"])
        content = {"activity_type": "comment", "content": f"A message was posted: {text}"}
        store.insert("activity", content | {"member": 2 + place} | at, parent=project["id"])
