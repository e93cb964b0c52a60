"""What looks like an opaque identifier of TaskIP and is a name: looked up only where TaskIP has no such record."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from taskip_mcp import calls, errors
from tests.gatehouse import Gatehouse, gatehouse, words
from tests.support import Script, backend
from tests.test_names import listed

pytestmark = pytest.mark.anyio

NAME = "Relaunch-2026"
MISSING = 404, {"message": "No query results for model [App\\Models\\Project] x"}


async def named(at: Gatehouse) -> str:
    """Project 1 gets the name; its uuid."""
    store = at.door.sandbox.store
    store.update("project", 1, {"title": NAME})
    return store.rows("project", id=1)[0]["uuid"]


async def test_a_read_finds_a_project_by_a_name_that_looks_like_an_identifier() -> None:
    async with gatehouse("flag") as at:
        uuid = await named(at)
        assert (await at.done("get_project", project_id=NAME))["uuid"] == uuid
        assert at.door.passed[-1] == f"GET /project/{uuid}"
        assert (await at.done("list_tasks", project_id=NAME))["returned"] == 4
        assert at.door.passed.count("GET /project") == 1, "the rows are kept"


async def test_columns_and_tasks_are_found_in_a_project_of_such_a_name() -> None:
    async with gatehouse("flag") as at:
        await named(at)
        assert (await at.done("get_task", project_id=NAME, task_id="Kick-off workshop"))["id"] == 1


@pytest.mark.parametrize("task", [1, "Kick-off workshop"])
async def test_a_write_is_refused_with_the_id_of_what_is_called_so(task: Any) -> None:
    async with gatehouse("flag") as at:
        uuid = await named(at)
        result = await at.call("delete_task", project_id=NAME, task_id=task, confirm=True)
        assert result.is_error
        assert words(result) == (
            f"project_id: '{NAME}' is no id, it is the name of project {uuid}. Give the id. Nothing was changed."
        )
        assert at.door.sandbox.store.rows("task", id=1)


async def test_an_identifier_that_works_costs_no_look() -> None:
    async with gatehouse("flag") as at:
        (project,) = at.door.sandbox.store.rows("project", id=2)
        await at.done("get_project", project_id=project["uuid"])
        assert at.door.passed == [f"GET /project/{project['uuid']}"]


@pytest.mark.parametrize(
    "rows", [(), ({"uuid": "proj-77", "id": 7, "title": "Seven"},), ({"uuid": "p-1", "title": "proj-78"},)]
)
async def test_a_404_that_no_name_explains_stays_what_it_is(rows: tuple[dict[str, Any], ...]) -> None:
    script = Script({"GET /project/proj-77": MISSING, "GET /project": listed(*rows)})
    with pytest.raises(errors.MissingError):
        await calls.perform(backend(script), "get_project", "project", {"project_id": "proj-77"})
    assert "GET /project/p-1" not in script.lines


async def test_a_look_that_fails_leaves_the_404() -> None:
    script = Script({"GET /project/proj-77": MISSING, "GET /project": (403, {"message": "no"})})
    with pytest.raises(errors.MissingError):
        await calls.perform(backend(script), "get_project", "project", {"project_id": "proj-77"})


async def test_a_uuid_is_never_looked_up_as_a_name() -> None:
    uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    script = Script({f"GET /project/{uuid}": MISSING, "GET /project": listed({"uuid": "p-1", "title": uuid})})
    with pytest.raises(errors.MissingError):
        await calls.perform(backend(script), "get_project", "project", {"project_id": uuid})
    assert script.lines == [f"GET /project/{uuid}"]


async def test_a_ticket_that_an_outsider_called_like_the_identifier_of_another_is_not_shown_for_it() -> None:
    row = {"id": 66, "uuid": "tkt-66", "subject": "tkt-12"}

    def answers(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        found = path.endswith(("/ticket", "/support-ticket"))
        status, body = (200, {"data": [row]}) if found else MISSING
        return httpx.Response(status, json=body)

    with pytest.raises(errors.ArgumentError, match="is no id, it is the name of ticket 66") as told:
        await calls.perform(backend(answers), "get_ticket", "ticket", {"ticket_id": "tkt-12"})
    assert told.value.shown is None


async def test_of_two_projects_of_such_a_name_none_is_taken() -> None:
    rows = [{"uuid": f"p-{number}", "title": "proj-77"} for number in (1, 2)]
    script = Script({"GET /project/proj-77": MISSING, "GET /project": listed(*rows)})
    with pytest.raises(errors.ArgumentError, match="2 projects are called 'proj-77': p-1, p-2"):
        await calls.perform(backend(script), "get_project", "project", {"project_id": "proj-77"})
