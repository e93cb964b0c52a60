"""Projects, tasks and attributes: updates that replace, names that differ, DELETE with a body."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import arguments, errors, operation, results
from tests.support import Script, backend, run

pytestmark = pytest.mark.anyio

PEOPLE = [{"id": 3, "name": "A"}, {"id": 4, "name": "B"}]
PROJECT: dict[str, Any] = {
    "id": 7, "uuid": "p-7", "title": "Old", "description": "d", "priority": 4, "privacy": 0, "status": "active",
    "started_at": "03-Feb-2026", "ended_at": "28-Feb-2026", "client": [{"id": 9}], "tags": [{"id": 1}],
    "categories": [{"id": 2}], "assignees": PEOPLE, "project_manager": [{"id": 5}], "complete_status_id": None,
}  # fmt: skip
TASK: dict[str, Any] = {
    "id": 1, "title": "Old", "priority": "high", "description": "d", "due_date": "05/Mar/2026", "order": 2,
    "container": {"id": 11, "title": "To do"}, "labels": [{"id": 21}], "assignees": PEOPLE, "documents": [],
}  # fmt: skip
OK = (200, {"msg": "ok"})


def project_script(record: dict[str, Any]) -> Script:
    reply = (200, {"msg": "ok", "data": record, "status": 200})
    return Script({"GET /project/7": (200, {"data": record, "status": 200}), "PUT /project/7": reply})


async def test_a_project_update_keeps_every_field_and_turns_dates_back() -> None:
    script = project_script(PROJECT)
    await run(backend(script), "update_project", project_id=7, title="New", tag_ids=[8], clear=["ended_at"])
    assert script.writes[0].body == {
        "title": "New", "description": "d", "priority": 4, "privacy": 0, "status": "active",
        "started_at": "2026-02-03", "client": [9], "tags": [8], "category": [2], "assignee": [3, 4],
        "project_manager": [5], "ended_at": None,
    }  # fmt: skip


async def test_a_date_in_an_unknown_form_is_refused_rather_than_guessed() -> None:
    script = project_script(PROJECT | {"started_at": "03/02/26"})
    with pytest.raises(errors.ArgumentError, match="started_at cannot be kept"):
        await run(backend(script), "update_project", project_id=7, title="New")
    assert script.writes == []


async def test_a_field_cannot_be_given_and_cleared() -> None:
    script = project_script(PROJECT)
    with pytest.raises(errors.ArgumentError, match="tag_ids is both given and in clear"):
        await run(backend(script), "update_project", project_id=7, tag_ids=[1], clear=["tag_ids"])
    assert script.writes == []


async def test_a_task_update_keeps_people_labels_and_column() -> None:
    url = "/project/p-7/task/1"
    script = Script(
        {f"GET {url}": (200, {"data": TASK}), f"PUT {url}": (200, {"msg": "ok", "task": {"id": 1}})}
    )
    await run(backend(script), "update_task", project_id="p-7", task_id=1, title="New", clear=["label_ids"])
    assert script.writes[0].body == {
        "title": "New", "priority": "high", "description": "d", "due_date": "2026-03-05", "order": 2,
        "container_id": 11, "assignees": [3, 4], "documents": [], "labels": [],
    }  # fmt: skip


@pytest.mark.parametrize("value", ["1", " 4 ", "-", "!!!"])
@pytest.mark.parametrize("tool", ["create_task", "update_task", "update_task_priority"])
def test_the_priority_of_a_task_is_a_word_and_no_number(tool: str, value: str) -> None:
    given = {"project_id": 1, "task_id": 1, "title": "x", "container_id": 1}
    found = operation.load_all()[tool]
    taken = {name: each for name, each in given.items() if name in arguments.schema_of(found)["properties"]}
    with pytest.raises(
        errors.ArgumentError, match="priority: give a word such as low, medium, high, critical"
    ):
        arguments.validate(found, {**taken, "priority": value})
    for word in ("high", "P1", "срочно"):
        assert arguments.validate(found, {**taken, "priority": word})["priority"] == word


async def test_a_board_shows_columns_without_counters_of_something_else() -> None:
    columns = [{"id": "container-11", "container_id": 11, "title": "To do", "items": [{"id": 1}]}]
    page = {"data": columns, "meta": {"total": 12, "current_page": 1, "last_page": 4}}
    script = Script({"GET /project/p-7/task": (200, page)})
    board = results.shape(await run(backend(script), "list_tasks", project_id="p-7"))
    assert board == {"items": [{"container_id": 11, "title": "To do", "items": [{"id": 1}]}], "returned": 1}


@pytest.mark.parametrize(
    ("tool", "path", "field"),
    [
        ("remove_task_label", "label", "label_id"),
        ("remove_task_assignee", "assignee", "assignee_id"),
        ("delete_task_file", "files", "file_id"),
    ],
)
async def test_a_delete_carries_its_body(tool: str, path: str, field: str) -> None:
    script = Script({f"DELETE /project/p-7/task/1/{path}": OK})
    more = {"confirm": True} if tool == "delete_task_file" else {}
    await run(backend(script), tool, project_id="p-7", task_id=1, **{field: 5}, **more)
    assert [each.body for each in script.writes] == [{field: 5}]


async def test_a_column_is_previewed_from_the_board() -> None:
    columns = [{"container_id": 11, "title": "To do"}, {"container_id": 12, "title": "Done"}]
    script = Script({"GET /project/p-7/task": (200, {"data": columns})})
    shown = await run(backend(script), "delete_container", project_id="p-7", container_id=12)
    assert shown["records"] == [{"id": 12, "title": "Done"}]
    with pytest.raises(errors.MissingError, match="does not list container_id 13"):
        await run(backend(script), "delete_container", project_id="p-7", container_id=13)
    assert script.writes == []


async def test_an_attribute_is_searched_page_by_page() -> None:
    def page(number: int, *rows: dict[str, Any]) -> tuple[int, Any]:
        return (200, {"data": list(rows), "meta": {"current_page": number, "last_page": 2, "total": 16}})

    second = {"id": 16, "title": "T", "color": "#fff", "type": "tag"}
    found = [page(1, {"id": 1}), page(2, second)]
    pages = [*found, *found, page(3)]  # a miss is one only when the rows end
    script = Script({"GET /project/attribute/all": list(pages), "PUT /project/attribute/16/update": OK})
    api = backend(script)
    await run(api, "update_project_attribute", attribute_id=16, title="New")
    assert script.writes[0].body == {"title": "New", "color": "#fff", "type": "tag"}
    with pytest.raises(errors.MissingError, match="Nothing was changed"):
        await run(api, "update_project_attribute", attribute_id=99, title="New")
