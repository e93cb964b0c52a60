"""Rows that completions and names keep for each other: what was completed is known, a part is never taken for all."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import errors, names
from taskip_mcp.call import Backend
from taskip_mcp.keystrokes import QUIET
from taskip_mcp.lookups import KEEP
from taskip_mcp.named import Name
from taskip_mcp.resources import TEMPLATES
from tests.budgets import CLOCK, virtual
from tests.test_completions import KICK_OFF, TASK, read_by, said, typed
from tests.test_completions_paced import Long, asked, people, serving
from tests.test_names import READ, World


async def contact(api: Backend, text: str) -> Any:
    """What a tool gets for a contact's name."""
    return (await names.resolve(api, READ, {"contact_id": Name(text, "contact", True)}))["contact_id"]


@virtual
async def test_a_value_that_taskip_was_asked_for_is_known_for_a_minute_and_not_beyond_a_write() -> None:
    long = Long(340)
    async with serving(long) as api:
        await asked(api, "")
        assert (await asked(api, "person 299")).values == people(299)
        assert await contact(api, "Person 299 (299)") == 299
        assert await contact(api, "Person 7 (7)") == 7
        assert long.asked == ["", "person 299"]
        api.lookups.forget("contact")
        assert await contact(api, "Person 299 (299)") == 299
        assert long.asked[2:] == ["Person 299"]
        await CLOCK.sleep(KEEP + 1)
        assert await contact(api, "Person 299 (299)") == 299
        assert long.asked[3:] == ["Person 299"]


@virtual
async def test_in_the_first_page_of_a_longer_list_no_name_is_the_only_one() -> None:
    long = Long(340, alike=200)
    async with serving(long) as api:
        assert people(7)[0] in (await asked(api, "person 7")).values
        with pytest.raises(errors.ArgumentError, match="2 contacts are called 'Person 7'"):
            await contact(api, "Person 7")
        assert long.asked == ["", "Person 7"]
        assert await contact(api, "Person 7 (7)") == 7
        assert long.asked == ["", "Person 7"]


@virtual
async def test_what_was_found_for_a_longer_text_is_not_all_that_begins_with_a_shorter_one() -> None:
    long = Long(340)
    async with serving(long) as api:
        assert await contact(api, "Person 29") == 29
        await asked(api, "")
        assert (await asked(api, "person 29")).total == 11
        assert (await asked(api, "person 2")).total is None
        assert long.asked == ["Person 29", "", "person 2"]


@virtual
async def test_a_list_that_is_read_as_a_whole_serves_names_and_completions() -> None:
    world = World(clock=CLOCK)
    assert await said(world.api, "client", "els") == ["Elsa Berg (1)"]
    assert await world.one("contact", "elsa berg") == 1
    assert await world.one("contact", "elsa@northwindbakery.example") == 1
    assert len(world.requests) == 1
    assert await world.one("member", "alex@brightside.example") == 1
    assert len(world.requests) == 1
    assert await said(world.api, "member", "alex") != []
    assert world.requests == []


@virtual
async def test_a_project_that_is_given_by_its_number_is_known_from_the_list_of_projects() -> None:
    world = World(clock=CLOCK)
    assert await typed(world.api, "taskip://projects/{project_id}", "project_id") != []
    world.sandbox.requests.clear()
    assert await typed(world.api, TASK, "task_id", "kick", project_id="1") == [KICK_OFF]
    assert len(world.requests) == 1
    entry = next(each for each in TEMPLATES if each.uri == TASK)
    assert (await read_by(world.api, entry, {"project_id": "1", "task_id": KICK_OFF}))["task_id"] == 1
    uuid = await world.api.identifier("project", "project_id", "1", ["uuid"])
    assert await typed(world.api, TASK, "task_id", "kick", project_id=uuid) == [KICK_OFF]
    assert world.requests == []


@virtual
async def test_a_project_that_is_given_by_an_unknown_number_costs_one_keystroke() -> None:
    world = World(clock=CLOCK)
    began = CLOCK.ticks()
    assert await typed(world.api, TASK, "task_id", "k", project_id="1") == []
    assert len(world.requests) == 1
    await CLOCK.sleep(1.0)
    assert await typed(world.api, TASK, "task_id", "ki", project_id="1") == [KICK_OFF]
    assert len(world.requests) == 1
    assert CLOCK.ticks() == began + 1.0 + 2 * QUIET
    (project,) = world.sandbox.store.rows("project", id=1)
    assert await typed(world.api, TASK, "task_id", "kic", project_id=project["uuid"]) == [KICK_OFF]
    assert world.requests == []
