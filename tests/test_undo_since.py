"""What stands in the way of an undo: later changes, unknown ends, secrets, records that were never read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from taskip_mcp import errors, undo
from taskip_mcp.redact import HIDDEN
from taskip_mcp.wire import JsonObject
from tests.undoing import Change, World, differences, steps_of

pytestmark = pytest.mark.anyio

PROJECT = {"project_id": 1}
TASK = PROJECT | {"task_id": 1}
PIPELINE = {"pipeline_id": "@pipeline:1"}
CLOSE = {"ticket_ids": [1, 2, 3, 4], "action": "status_update", "status": "closed"}
PLACES = [{"stage_id": 2, "order": 1}, {"stage_id": 1, "order": 2}]


# --- changed since ----------------------------------------------------------------------------------------

LATER: list[tuple[str, dict[str, Any], str, dict[str, Any], str]] = [
    ("update_contact", {"contact_id": 1, "position": "A"}, "update_contact", {"contact_id": 1, "position": "B"},
     'contact 1: position is "B" now, the change left "A"'),
    ("update_contact", {"contact_id": 1, "clear": ["position"]}, "update_contact", {"contact_id": 1, "position": "B"},
     "position"),
    ("update_contact", {"contact_id": 1, "company_id": 2}, "update_contact", {"contact_id": 1, "company_id": 3},
     "company_id"),
    ("update_company", {"company_id": 1, "name": "A"}, "delete_company", {"company_id": 1}, "company 1 is gone"),
    ("update_invoice", {"invoice_id": 57, "items": [{"name": "A", "qty": 1, "rate": 1}]},
     "update_invoice", {"invoice_id": 57, "items": [{"name": "A", "qty": 2, "rate": 1}]}, "items"),
    ("set_invoice_recurring", {"invoice_id": 57, "is_recurring": True, "frequency": "weekly"},
     "set_invoice_recurring", {"invoice_id": 57, "is_recurring": True, "frequency": "monthly"}, "frequency"),
    ("update_invoice_status", {"invoice_id": 57, "status": "cancelled"},
     "update_invoice_status", {"invoice_id": 57, "status": "draft"}, "status"),
    ("update_ticket", {"ticket_id": "1", "priority": "urgent"},
     "update_ticket", {"ticket_id": "1", "priority": "high"}, "priority"),
    ("bulk_update_tickets", {"ticket_ids": [1, 2], "action": "status_update", "status": "closed"},
     "update_ticket_status", {"ticket_id": "2", "status": "open"}, 'ticket 2: status is "open" now'),
    ("bulk_update_invoices", {"invoice_ids": [58], "action": "mark_sent"},
     "update_invoice_status", {"invoice_id": 58, "status": "cancelled"}, "invoice 58: status"),
    ("update_project", PROJECT | {"privacy": "public"}, "update_project", PROJECT | {"privacy": "private"}, "privacy"),
    ("update_project", PROJECT | {"assignee_ids": [2]}, "update_project", PROJECT | {"assignee_ids": [2, 3]},
     "assignee_ids"),
    ("update_project_category", PROJECT | {"category_id": 7}, "update_project_category", PROJECT | {"category_id": 8},
     "category_ids"),
    ("update_project_category", PROJECT | {"category_id": 7}, "update_project", PROJECT | {"category_ids": [7, 8]},
     "category_ids is [7, 8] now"),
    ("bulk_update_project_categories", {"project_ids": [1, 2], "category_id": 8},
     "update_project_category", {"project_id": 2, "category_id": 9}, "project 2: category_ids"),
    ("move_task", TASK | {"container_id": 2}, "move_task", TASK | {"container_id": 3}, "container_id"),
    ("complete_task", TASK | {"is_completed": True}, "complete_task", TASK | {"is_completed": False}, "is_completed"),
    ("add_task_label", TASK | {"label_id": 12}, "remove_task_label", TASK | {"label_id": 12}, "label_id is not 12"),
    ("remove_task_assignee", TASK | {"assignee_id": 3}, "add_task_assignee", TASK | {"assignee_id": 3},
     "assignee_id"),
    ("move_container_tasks", PROJECT | {"container_id": 1, "target_container_id": 2},
     "move_task", PROJECT | {"task_id": 5, "container_id": 3}, "task 5: container_id"),
    ("reorder_tasks", PROJECT | {"container_id": 1, "order": [{"task_id": 5, "order": 1}, {"task_id": 1, "order": 2}]},
     "reorder_tasks", PROJECT | {"container_id": 1, "order": [{"task_id": 1, "order": 1}, {"task_id": 5, "order": 2}]},
     "order"),
    ("rename_container", PROJECT | {"container_id": 1, "name": "A"},
     "rename_container", PROJECT | {"container_id": 1, "name": "B"}, "name"),
    ("update_deal", PIPELINE | {"deal_id": 1, "deal_amount": 5}, "update_deal",
     PIPELINE | {"deal_id": 1, "deal_amount": 6}, "deal_amount"),
    ("bulk_update_deals", PIPELINE | {"deal_ids": [1, 2], "action": "update_status", "status": "won"},
     "bulk_update_deals", PIPELINE | {"deal_ids": [2], "action": "update_status", "status": "lost"}, "2: status"),
    ("bulk_update_deals", PIPELINE | {"deal_ids": [1, 2], "action": "update_status", "status": "won"},
     "delete_deal", PIPELINE | {"deal_id": 2}, "2 is gone"),
    ("reorder_stages", PIPELINE | {"order": PLACES},
     "reorder_stages", PIPELINE | {"order": [{"stage_id": 1, "order": 1}, {"stage_id": 2, "order": 2}]}, "order"),
    ("update_inbox_tag", {"tag_id": 1, "name": "A"}, "update_inbox_tag", {"tag_id": 1, "name": "B"}, "name"),
    ("update_inbox_tag", {"tag_id": 1, "name": "A"}, "delete_inbox_tag", {"tag_id": 1}, "was not found where"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "later", "then", "words"), LATER)
async def test_a_later_change_of_the_same_is_noticed(
    name: str, given: JsonObject, later: str, then: JsonObject, words: str, tmp_path: Path
) -> None:
    world = World(tmp_path)
    change = await world.change(name, world.given(name, given))
    assert await world.since(change) == []
    await world.run(later, world.given(later, then))
    [said] = await world.since(change)
    assert words in said


async def test_a_later_change_of_something_else_stays_and_is_no_hindrance(tmp_path: Path) -> None:
    world = World(tmp_path)
    change = await world.change("update_contact", {"contact_id": 1, "position": "A"})
    await world.run("update_contact", {"contact_id": 1, "last_name": "Later", "clear": ["phone_number"]})
    later = world.state
    assert await world.since(change) == []
    await world.carry_out(change.plan)
    assert differences(later, world.state) == {"contact.position"}


async def test_a_look_that_fails_is_an_error_and_no_answer(tmp_path: Path) -> None:
    world = World(tmp_path)
    change = await world.change("bulk_update_tickets", CLOSE)

    def deny(_: Request) -> JSONResponse:
        return JSONResponse({"message": "No"}, 403)

    world.sandbox.fault = deny
    with pytest.raises(errors.ForbiddenError):
        await world.since(change)


async def test_what_would_only_be_offered_is_not_looked_at(tmp_path: Path) -> None:
    world = World(tmp_path)
    change = await world.change("delete_stage", world.given("delete_stage", {}))
    world.sandbox.requests.clear()
    assert await world.since(change) == []
    assert not world.sandbox.requests


# --- only what the write touched --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("add_task_label", TASK | {"label_id": 10}),
        ("add_task_assignee", TASK | {"assignee_id": 3}),
        ("update_contact", {"contact_id": 1, "first_name": "Elsa", "company_id": 1}),
        ("update_task_priority", TASK | {"priority": "low"}),
        ("move_task", TASK | {"container_id": 1}),
        ("bulk_update_tickets", {"ticket_ids": [1, 7], "action": "status_update", "status": "open"}),
    ],
)
async def test_there_is_nothing_to_undo_where_all_was_so_before(
    name: str, given: JsonObject, tmp_path: Path
) -> None:
    world = World(tmp_path)
    made = (await world.change(name, given)).plan
    assert made.steps == []
    assert made.refused == "Nothing can be put back. All was so before."


async def test_of_several_fields_those_that_were_so_before_are_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    given = {"contact_id": 1, "first_name": "Elsa", "last_name": "New", "clear": ["position", "details"]}
    made = (await world.change("update_contact", given)).plan
    assert steps_of(made) == [
        ("update_contact", {"contact_id": 1, "last_name": "Berg", "position": "Managing Director"})
    ]
    assert made.steps[0].words == 'Update contact 1: last_name "Berg", position "Managing Director"'


async def test_only_the_tasks_that_were_moved_go_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    there = {
        row["id"] for (kind, _), row in world.state.items() if kind == "task" and row["container_id"] == 2
    }
    given = PROJECT | {"container_id": 1, "target_container_id": 2}
    made = (await world.change("move_container_tasks", given)).plan
    assert [step.operation.name for step in made.steps] == ["move_task"] * 3
    assert not there & {step.arguments["task_id"] for step in made.steps}


async def test_deals_of_one_status_go_back_in_one_call(tmp_path: Path) -> None:
    world = World(tmp_path)
    given = PIPELINE | {"deal_ids": [1, 2, 10, 9], "action": "update_status", "status": "won"}
    made = (await world.change("bulk_update_deals", world.given("", given))).plan
    assert [(step.arguments["deal_ids"], step.arguments["status"]) for step in made.steps] == [
        ([1, 2], "active"),
        ([10], "lost"),
    ]
    assert made.steps[0].words == 'Bulk update deals 1, 2: status "active"'


async def test_a_recurrence_that_TaskIP_does_not_show_in_full_is_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    setup = {"invoice_id": 57, "is_recurring": True, "frequency": "monthly", "end_date": "2099-01-01"}
    await world.run("set_invoice_recurring", setup)
    made = (await world.change("set_invoice_recurring", {"invoice_id": 57, "is_recurring": False})).plan
    assert made.steps == []
    assert made.ready == [
        {
            "tool": "set_invoice_recurring",
            "arguments": {"invoice_id": 57, "frequency": "monthly", "end_date": "2099-01-01"},
            "ask": ["is_recurring"],
        }
    ]


async def test_a_closing_day_of_two_digits_is_one_of_this_century(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sandbox.store.update("deal", 1, {"closing_date": "2099-03-01"})
    given = world.given("", PIPELINE | {"deal_id": 1, "closing_date": "2030-01-01"})
    made = (await world.change("update_deal", given)).plan
    assert made.steps[0].arguments["closing_date"] == "2099-03-01"


# --- the journal ------------------------------------------------------------------------------------------


async def contact(world: World, **given: Any) -> Change:
    return await world.change("update_contact", {"contact_id": 1, **given})


@pytest.mark.parametrize(
    ("event", "words"), [("not_done", "was not done"), ("unknown", "not known"), ("begun", "not known")]
)
async def test_only_what_was_done_for_certain_is_undone(event: str, words: str, tmp_path: Path) -> None:
    entry = (await contact(World(tmp_path), position="A")).entry
    made = undo.plan(replace(entry, event=event))
    assert (made.steps, made.ready) == ([], [])
    assert words in made.refused


async def test_a_secret_that_the_journal_does_not_have_is_named(tmp_path: Path) -> None:
    change = await contact(World(tmp_path), position="A", password="secret-1")
    assert change.entry.arguments["password"] == HIDDEN
    assert "password: it is secret and was not kept, so it cannot be put back." in change.plan.lost


async def test_a_secret_inside_of_what_was_there_is_never_sent(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sandbox.store.update("contact", 1, {"custom_fields": {"api_key": "abc", "vip": "yes"}})
    made = (await contact(world, position="A", custom_fields={"vip": "no"})).plan
    assert HIDDEN not in str(steps_of(made))
    assert steps_of(made)[0][1].keys() == {"contact_id", "position"}
    assert "custom_fields: it is secret and was not kept." in made.lost


async def test_a_field_that_the_record_does_not_show_is_not_taken_for_empty(tmp_path: Path) -> None:
    entry = (await contact(World(tmp_path), position="A", details="D")).entry
    record = {name: value for name, value in entry.before["records"]["1"].items() if name != "details"}
    made = undo.plan(replace(entry, opening={"before": {"records": {"1": record}}}))
    assert "clear" not in steps_of(made)[0][1]
    assert "details: TaskIP does not show what it was." in made.lost


async def test_a_value_that_the_tool_does_not_take_is_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sandbox.store.update("contact", 1, {"zip_code": "97201-1234"})
    made = (await contact(world, position="A", zip_code="1")).plan
    assert steps_of(made)[0][1].keys() == {"contact_id", "position"}
    assert 'zip_code: update_contact does not take "97201-1234".' in made.lost


@pytest.mark.parametrize("opening", [{}, {"before": {}}, {"before": {"records": {"2": {"position": "X"}}}}])
async def test_without_the_record_before_nothing_is_put_back(opening: JsonObject, tmp_path: Path) -> None:
    entry = (await contact(World(tmp_path), position="A")).entry
    made = undo.plan(replace(entry, opening=opening))
    assert made.steps == []
    assert "what was there before was not kept" in made.refused


@pytest.mark.parametrize("record", [None, {"id": 1, "title": "T"}])
async def test_a_label_that_may_have_been_there_before_is_not_taken_off(
    record: JsonObject | None, tmp_path: Path
) -> None:
    entry = (await World(tmp_path).change("add_task_label", TASK | {"label_id": 12})).entry
    made = undo.plan(replace(entry, opening={"before": {"records": {"1": record} if record else {}}}))
    assert made.steps == []
    assert made.refused


# --- jobs -------------------------------------------------------------------------------------------------


async def test_of_a_job_only_what_is_known_to_be_done_goes_back(tmp_path: Path) -> None:
    change = await World(tmp_path).change("bulk_update_tickets", CLOSE)
    items = {"1": "done", "2": "unknown", "4": "not_done"}
    chunk = replace(change.chunks[0], event="unknown", detail={"items": items})
    made = undo.plan(change.entry, [chunk])
    assert [step.arguments["ticket_id"] for step in made.steps] == [1]


async def test_a_job_of_which_nothing_is_known_is_refused(tmp_path: Path) -> None:
    change = await World(tmp_path).change("bulk_update_tickets", CLOSE)
    chunk = replace(change.chunks[0], event="unknown", detail={})
    assert "None of this job's ids is known to be done" in undo.plan(change.entry, [chunk]).refused
    assert "None of this job's ids is known to be done" in undo.plan(change.entry).refused


async def test_a_chunk_of_a_job_can_be_undone_by_itself(tmp_path: Path) -> None:
    change = await World(tmp_path).change("bulk_update_tickets", CLOSE)
    assert steps_of(undo.plan(change.chunks[0])) == steps_of(change.plan)


async def test_a_job_of_several_chunks_goes_back_in_whole(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.state
    given = {"ticket_ids": list(range(1, 31)), "action": "status_update", "status": "in_progress"}
    change = await world.change("bulk_update_tickets", given)
    assert len(change.chunks) == 2
    assert await world.since(change) == []
    await world.carry_out(change.plan)
    assert differences(before, world.state) == set()


async def test_many_records_that_were_not_read_are_counted(tmp_path: Path) -> None:
    change = await World(tmp_path).change("bulk_update_tickets", CLOSE)
    made = undo.plan(change.entry, [replace(change.chunks[0], opening={})])
    assert made.refused.count("was not kept") == 1
    assert "4 records: what was there before was not kept" in made.refused
