"""A record that was deleted here may be created again at once: the guard against repetitions forgets its create."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from taskip_mcp import operation
from taskip_mcp.own import perform, tools
from tests.support import run
from tests.undoing import World

pytestmark = pytest.mark.anyio

ADA = {"first_name": "Ada", "email": "ada@new.example"}
NOTHING = "Nothing was sent: an identical call"


def rows(world: World) -> list[int]:
    return [row["id"] for row in world.sandbox.store.rows("contact", email=ADA["email"])]


async def undo(world: World) -> dict[str, Any]:
    """What undo_change says of the latest change."""
    change = world.api.log.changes(limit=1)[0].write
    return await perform(world.api, tools()["undo_change"], {"change_id": change})


async def test_the_call_that_brings_a_deleted_record_back_is_sent(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = await run(world.api, "create_contact", **ADA)
    await run(world.api, "delete_contact", contact_id=first.id, confirm=True)
    (ready,) = (await undo(world))["ready"]
    again = await run(world.api, ready["tool"], **ready["arguments"])
    assert again.done == "Contact ada@new.example created"
    assert rows(world) == [again.id]
    assert (await run(world.api, "create_contact", **ADA)).done.startswith(NOTHING), "the second one is there"


async def test_a_bulk_delete_counts_as_well(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = await run(world.api, "create_contact", **ADA)
    await run(world.api, "bulk_delete_contacts", contact_ids=[first.id, 1], confirm=True)
    again = await run(world.api, "create_contact", **ADA)
    assert rows(world) == [again.id]


async def test_two_at_once_after_the_delete_are_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = await run(world.api, "create_contact", **ADA)
    await run(world.api, "delete_contact", contact_id=first.id, confirm=True)
    done: list[str] = []

    async def create() -> None:
        done.append((await run(world.api, "create_contact", **ADA)).done)

    async with anyio.create_task_group() as group:
        group.start_soon(create)
        group.start_soon(create)
    assert len(rows(world)) == 1
    assert [text.startswith(NOTHING) for text in sorted(done)] == [False, True]


async def test_a_record_that_is_left_of_two_still_stands_in_the_way(tmp_path: Path) -> None:
    world = World(tmp_path)
    given = {"subject": "Fire", "priority": "urgent"}
    first = await run(world.api, "create_ticket", **given)
    second = await run(world.api, "create_ticket", **given, allow_duplicate=True)
    await run(world.api, "delete_ticket", ticket_id=str(second.id), confirm=True)
    third = await run(world.api, "create_ticket", **given)
    assert third.done.startswith(NOTHING)
    assert third.id == first.id


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("delete_contact", {"contact_id": 7}),  # somebody else
        ("delete_company", {"company_id": 41}),  # the same number in another group
        ("update_contact", {"contact_id": 41, "position": "CEO"}),
        ("bulk_delete_contacts", {"contact_ids": [7, 8]}),
    ],
)
async def test_no_other_write_lets_a_repetition_pass(
    tool: str, given: dict[str, Any], tmp_path: Path
) -> None:
    world = World(tmp_path)
    first = await run(world.api, "create_contact", **ADA)
    assert first.id == 41, "the numbers below are of this one"
    log, each = world.api.log, operation.load_all()[tool]
    log.end(log.begin(each.contract, given, guard=False), "done", {})
    assert (await run(world.api, "create_contact", **ADA)).done.startswith(NOTHING)


@pytest.mark.parametrize("event", ["not_done", "unknown"])
async def test_a_delete_that_is_not_known_to_be_done_does_not_count(event: Any, tmp_path: Path) -> None:
    world = World(tmp_path)
    first = await run(world.api, "create_contact", **ADA)
    log = world.api.log
    log.end(log.begin("contact.delete", {"contact_id": first.id}, guard=False), event, {})
    assert (await run(world.api, "create_contact", **ADA)).done.startswith(NOTHING)


async def test_a_note_is_not_gone_with_a_deal_of_its_number(tmp_path: Path) -> None:
    world = World(tmp_path)
    given = world.given("add_deal_note", {})
    note = await run(world.api, "add_deal_note", **given)
    log = world.api.log
    gone = {"pipeline_id": given["pipeline_id"], "deal_id": note.id}
    log.end(log.begin("deal.delete", gone, guard=False), "done", {})
    assert (await run(world.api, "add_deal_note", **given)).done.startswith(NOTHING)
