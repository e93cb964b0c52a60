"""Which events are asked for: a record by any of its ids or its name, and nothing that could never be found."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from taskip_mcp.call import Backend
from taskip_mcp.errors import ArgumentError
from taskip_mcp.sandbox import Sandbox
from tests.kept_events import Kept, api, ask, records

pytestmark = pytest.mark.anyio


def world() -> tuple[Backend, Sandbox]:
    """An event of the first two records of each group, as TaskIP names them: by number, or by uuid."""
    sandbox, store = Sandbox(limits=False), Kept()
    for group in ("contact", "invoice", "project", "ticket", "task"):
        for number in (1, 2):
            store.put(f"{group}.created", **{f"{group}_id": number})
    store.put("project.completed", project_id=sandbox.store.rows("project", id=1)[0]["uuid"])
    return api(store, httpx.ASGITransport(app=sandbox.app)), sandbox


def asked(sandbox: Sandbox, group: str, form: str) -> str:
    """The first record of a group, as somebody calls it."""
    row = sandbox.store.rows(group, id=1)[0]
    return form.format_map({**row, "person": f"{row.get('first_name')} {row.get('last_name')}"})


@pytest.mark.parametrize(
    ("group", "form", "found"),
    [
        ("contact", "{person}", ["1"]),
        ("contact", "{person} ({id})", ["1"]),
        ("contact", "{email}", ["1"]),
        ("contact", "#{id}", ["1"]),
        ("invoice", "{invoice_no}", ["1"]),
        ("ticket", "{id}", ["1"]),
        ("ticket", "{uuid}", ["1"]),
        ("project", "{id}", ["1", "{uuid}"]),
        ("project", "{uuid}", ["1", "{uuid}"]),
        ("project", "{title}", ["1", "{uuid}"]),
        ("task", "{id}", ["1"]),
    ],
)
@pytest.mark.parametrize("tool", ["list_events", "wait_for_event"])
async def test_a_record_is_found_by_whatever_it_is_called(
    tool: str, group: str, form: str, found: list[str]
) -> None:
    backend, sandbox = world()
    answer = await ask(backend, tool, group=group, record=asked(sandbox, group, form), since="2020-01-01")
    assert records(answer) == [asked(sandbox, group, each) for each in found]


async def test_the_other_id_of_a_record_is_read_once() -> None:
    backend, sandbox = world()
    for _ in range(3):
        await ask(backend, "list_events", event="project.created", record="1")
    assert len(sandbox.requests) == 1


async def test_what_is_gone_is_found_by_the_id_that_was_told() -> None:
    backend, sandbox = world()
    sandbox.store.delete("ticket", 2)
    answer = await ask(backend, "list_events", group="ticket", record="2", since="2020-01-01")
    assert records(answer) == ["2"]


async def test_a_name_that_looks_like_an_id_is_looked_up() -> None:
    backend, sandbox = world()
    sandbox.store.update("project", 2, {"title": "Relaunch-2026"})
    answer = await ask(backend, "list_events", group="project", record="Relaunch-2026", since="2020-01-01")
    assert records(answer) == ["2"]


async def test_the_case_of_a_name_does_not_matter() -> None:
    backend, _ = world()
    answer = await ask(backend, "list_events", group="Ticket", event="TICKET.Created", since="2020-01-01")
    assert [row["event"] for row in answer["items"]] == ["ticket.created"] * 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"record": "1"}, "Give group or event as well"),
        ({"record": "Nobody Known", "group": "contact"}, "record: no contact is called 'Nobody Known'"),
        ({"record": "Kick-off workshop", "event": "task.created"}, "record: give the id of a task"),
        ({"record": "!", "group": "invoice"}, "record: "),
    ],
)
async def test_what_would_never_be_found_is_refused(given: dict[str, Any], words: str) -> None:
    backend, _ = world()
    with pytest.raises(ArgumentError) as told:
        await ask(backend, "list_events", **given)
    assert words in str(told.value)


async def test_records_of_an_unknown_group_are_taken_as_they_are_told() -> None:
    backend, sandbox = world()
    store = backend.events
    assert isinstance(store, Kept)
    store.put("deal.won", id="x y")
    answer = await ask(backend, "list_events", group="deal", record="x y", since="2020-01-01")
    assert (records(answer), len(sandbox.requests)) == (["x y"], 0)
