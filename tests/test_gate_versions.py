"""The version of a target: what changes by itself is no change, everything else is, and a change voids a confirmation.

The fields are those of the sandbox's real answers, of all groups of the API reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

import anyio
import pytest

from taskip_mcp import operation, turn
from taskip_mcp.call import Call
from taskip_mcp.clock import Clock
from taskip_mcp.operation import Effect
from taskip_mcp.results import Page
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.target import Sight, Target
from tests.gatehouse import Door, Gatehouse, Hands, gatehouse, renewed, words
from tests.sandbox_calls import arguments_for
from tests.test_gate_matrix import CONSEQUENT, TOOLS

pytestmark = pytest.mark.anyio

VOID = "has changed since it was shown"
GATED = [tool for tool in TOOLS if tool not in {"resume_job", "undo_change"}]

# Written down once more, so that a pattern that grows too wide is noticed: all that the sandbox has of these.
COUNTERS = {
    "booking_count", "completed_tasks", "completion_percentage", "deals_count", "reply_count", "stages_count", "stats",
    "total_tasks",
}  # fmt: skip
READ_STATE = {"is_read"}
HISTORY = {"activities"}
RESTLESS = COUNTERS | READ_STATE | HISTORY
AGE = re.compile(
    r"(\d+|an?) (second|minute|hour|day|week|month|year)s? (ago|from now)|just now", re.IGNORECASE
)


# --- fields -----------------------------------------------------------------------------------------------


@cache
def answers() -> list[tuple[str, dict[str, Any]]]:
    """(tool, record) of every read of the sandbox; of lists the first rows."""

    async def read() -> list[tuple[str, dict[str, Any]]]:
        found: list[tuple[str, dict[str, Any]]] = []
        async with gatehouse("off") as at:
            for name, each in operation.load_all().items():
                if each.effect is not Effect.READ or name.startswith("download"):
                    continue
                given = arguments_for(name, at.door.sandbox)
                with turn.begin(Clock(), 60):
                    result: Any = await each.function(Call(at.backend, each, given), **given)
                rows = result.items[:3] if isinstance(result, Page) else [result]
                found += [(name, row) for row in rows]
        return found

    return anyio.run(read)


def version(record: Any) -> str:
    return Sight([Target("record_id", 1, record)], 1).version


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field of a record, at any depth."""
    if isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield (*path, name)
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for at, item in enumerate(cast("list[Any]", value)):
            yield from places(item, (*path, at))


def changed(record: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy: Any = deepcopy(record)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copy


def restful(value: Any) -> Any:
    """What is left of a record without all that changes by itself; types count."""
    if isinstance(value, dict):
        return {
            name: restful(item)
            for name, item in cast("dict[str, Any]", value).items()
            if name not in RESTLESS and not (isinstance(item, str) and AGE.fullmatch(item))
        }
    if isinstance(value, list):
        return [restful(item) for item in cast("list[Any]", value)]
    return json.dumps(value)


@pytest.mark.parametrize("value", [..., None, "changed", 12345, "3 days ago", [], {"a": 1}])
def test_every_field_counts_but_ages_counters_read_state_and_history(value: Any) -> None:
    wrong: list[tuple[str, tuple[Any, ...]]] = []
    tried = 0
    for name, record in answers():
        before = version(record)
        for path in places(record):
            other = changed(record, path, value)
            tried += 1
            if (version(other) != before) != (restful(other) != restful(record)):
                wrong.append((name, path))
    assert wrong == []
    assert tried > 1500


def test_all_groups_have_a_part_in_that() -> None:
    seen = {operation.load_all()[name].group for name, _ in answers()}
    assert seen == {each.group for each in operation.load_all().values() if each.effect is Effect.READ}


def test_a_field_that_is_added_counts() -> None:
    for name, record in answers():
        assert version(record | {"note_by_a_colleague": ""}) != version(record), name


def test_the_order_in_which_fields_come_does_not_count_and_that_of_items_does() -> None:
    record = {"a": 1, "items": [{"x": 1, "y": 2}, {"x": 3}]}
    assert version(dict(reversed(record.items()))) == version(record)
    assert version(record | {"items": list(reversed(cast("list[Any]", record["items"])))}) != version(record)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (1, True),
        (0, False),
        (None, ""),
        (None, "None"),
        ([], {}),
        (1, [1]),
        ("a", "A"),
        ("a", "a "),
        (1.5, 1.50001),
    ],
)
def test_values_that_look_alike_are_not_the_same(one: Any, other: Any) -> None:
    assert version({"amount": one}) != version({"amount": other})


@pytest.mark.parametrize(
    "name",
    [
        "account", "accounts", "discount", "discount_count_type", "county", "country", "thread", "spread", "ready",
        "readme", "read_only", "seen_by", "overview", "view_id", "reviews", "status", "stat", "totals", "total",
        "recount", "created_at", "updated_at", "due_at", "completed", "completed_task", "activity", "onlineshop",
    ],
)  # fmt: skip
def test_a_name_that_only_looks_like_a_counter_counts(name: str) -> None:
    assert version({name: 1}) != version({name: 2})


@pytest.mark.parametrize(
    "text",
    [
        "2 days ago it was paid",
        "paid 2 days ago",
        "ago",
        "2 days",
        "in 2 days",
        "two weeks agog",
        "1 2 days ago",
        "",
    ],
)
def test_a_text_that_only_speaks_of_time_counts(text: str) -> None:
    assert version({"subject": text}) != version({"subject": f"{text}!"})


# --- time goes by -----------------------------------------------------------------------------------------


async def test_no_preview_is_void_because_time_went_by_or_somebody_read() -> None:
    now = [datetime(2026, 11, 24, 12, 0, tzinfo=UTC)]
    door = Door(Sandbox(limits=False, clock=lambda: now[0]))
    wrong: dict[str, str] = {}
    async with gatehouse("strict", door) as at:
        for tool in GATED:
            now[0] = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
            door.sandbox.reset()
            given = usual(at, tool)
            code = await at.code(tool, **given)
            now[0] += timedelta(hours=3)
            for row in door.sandbox.store.rows("conversation"):
                door.sandbox.store.update("conversation", row["id"], {"is_read": not row["is_read"]})
            result = await at.call(tool, **given, confirm=True, confirm_code=code)
            if result.is_error:
                wrong[tool] = words(result)
    assert wrong == {}


def usual(at: Gatehouse, tool: str) -> dict[str, Any]:
    return arguments_for(tool, at.door.sandbox) | CONSEQUENT.get(tool, {})


# --- a colleague ------------------------------------------------------------------------------------------

# What a colleague changes meanwhile in TaskIP: kind and number of the record, and its fields.
EDITS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "delete_contact": ("contact", 1, {"position": "Owner"}),
    "bulk_delete_contacts": ("contact", 2, {"email": "other@y.example"}),
    "invite_client": ("contact", 2, {"email": "other@y.example"}),
    "update_contact": ("contact", 1, {"email": "other@y.example"}),
    "update_invoice": ("invoice", 57, {"subject": "Other"}),
    "update_team_member": ("team_member", 3, {"position": "Other"}),
    "delete_company": ("company", 1, {"website": "https://other.example"}),
    "bulk_delete_companies": ("company", 2, {"name": "Other"}),
    "delete_team_member": ("team_member", 3, {"position": "Chief"}),
    "bulk_delete_team_members": ("team_member", 4, {"first_name": "Other"}),
    "delete_invoice": ("invoice", 57, {"notes": "Keep this one."}),
    "send_invoice": ("invoice", 57, {"total": 99999.0}),
    "update_invoice_status": ("invoice", 57, {"total": 99999.0}),
    "set_invoice_payment_gateway": ("invoice", 57, {"payment_gateway": "paypal"}),
    "set_invoice_recurring": ("invoice", 57, {"subject": "Other"}),
    "bulk_update_invoices": ("invoice", 55, {"contact_id": 3}),
    "delete_quotation": ("quotation", 1, {"note": "Other"}),
    "send_quotation": ("quotation", 1, {"contact_id": 3}),
    "bulk_update_quotations": ("quotation", 2, {"status": "sent"}),
    "delete_ticket": ("ticket", 1, {"status": 1}),
    "reply_ticket": ("ticket", 1, {"subject": "Other"}),
    "update_ticket_status": ("ticket", 1, {"priority": 2}),
    "bulk_update_tickets": ("ticket", 2, {"subject": "Other"}),
    "delete_document": ("document", 1, {"name": "Other"}),
    "delete_project": ("project", 1, {"title": "Other"}),
    "update_project": ("project", 1, {"client": [2]}),
    "create_discussion": ("project", 1, {"client": [2]}),
    "delete_task": ("task", 1, {"assignees": [6]}),
    "delete_task_file": ("media", 1, {"title": "contract.pdf"}),
    "delete_container": ("container", 17, {"title": "Other"}),
    "move_container_tasks": ("container", 2, {"title": "Other"}),
    "bulk_update_project_categories": ("project", 2, {"category": [9]}),
    "delete_project_attribute": ("attribute", 3, {"title": "Other"}),
    "delete_pipeline": ("pipeline", 1, {"title": "Other"}),
    "delete_deal": ("deal", 1, {"deal_amount": 1}),
    "bulk_update_deals": ("deal", 2, {"deal_stage_id": 3}),
    "delete_stage": ("stage", 5, {"title": "Other"}),
    "book_meeting": ("meeting", 1, {"title": "Other"}),
    "reply_conversation": ("conversation", 1, {"from_email": "other@y.example"}),
    "delete_inbox_tag": ("inbox_tag", 1, {"title": "Other"}),
}
TARGETLESS = {
    "create_contact",
    "create_ticket",
    "create_team_member",
    "create_project",
    "bulk_update_project_tags",
    "send_message",
}
"""What these are about does not exist yet, or is not named by the call."""


def test_the_edits_are_of_all_gated_tools() -> None:
    assert EDITS.keys() | TARGETLESS == set(GATED)


@pytest.mark.parametrize("mode", ["flag", "strict"])
async def test_what_a_colleague_changed_is_shown_before_it_counts(mode: str) -> None:
    wrong: dict[str, str] = {}
    async with gatehouse(mode) as at:
        for tool, edit in EDITS.items():
            at.door.sandbox.reset()
            at.door.passed.clear()
            given = usual(at, tool)
            code = (await at.shown(tool, **given)).get("confirm_code")
            at.door.sandbox.store.update(*edit)
            first = words(await at.call(tool, **given, confirm=True, confirm_code=code))
            if VOID not in first or at.door.writes:
                wrong[tool] = first
                continue
            code = renewed(first).get("confirm_code")
            second = await at.call(tool, **given, confirm=True, confirm_code=code)
            if second.is_error or len(at.door.writes) != 1:
                wrong[tool] = words(second)
    assert wrong == {}


# --- what goes with it ------------------------------------------------------------------------------------

CONTACT: dict[str, Any] = {"first_name": "N", "email": "n@y.example"}
PIPELINE: dict[str, Any] = {"pipeline_id": "pipeline-0001-1eef"}
CHILDREN: list[tuple[str, dict[str, Any], str, dict[str, Any], int | None]] = [
    ("delete_company", {"company_id": 1}, "contact", CONTACT | {"company_id": 1}, None),
    ("bulk_delete_companies", {"company_ids": [1, 2]}, "contact", CONTACT | {"company_id": 2}, None),
    ("delete_project", {"project_id": 1}, "task", {"title": "N", "container_id": 1}, 1),
    ("delete_project", {"project_id": 1}, "discussion", {"msg_content": "N", "user_id": 2}, 1),
    ("delete_pipeline", PIPELINE, "stage", {"title": "N", "order": 9}, 1),
    ("delete_pipeline", PIPELINE, "deal", {"deal_name": "N", "deal_stage_id": 2}, 1),
    ("delete_stage", PIPELINE | {"stage_id": 5}, "deal", {"deal_name": "N", "deal_stage_id": 5}, 1),
    (
        "delete_container",
        {"project_id": 5, "container_id": 17},
        "task",
        {"title": "N", "container_id": 17},
        5,
    ),
]


@pytest.mark.parametrize(("tool", "given", "kind", "data", "parent"), CHILDREN)
async def test_a_child_that_came_meanwhile_voids_the_confirmation(
    tool: str, given: dict[str, Any], kind: str, data: dict[str, Any], parent: int | None
) -> None:
    async with gatehouse("flag") as at:
        store = at.door.sandbox.store
        alike = store.rows(kind)[0]
        before = await at.shown(tool, **given)
        store.insert(kind, {**alike, **data, "uuid": ""}, parent=parent)
        text = await at.refused(tool, **given, confirm=True)
        assert VOID in text
        assert renewed(text)["follows"] != before["follows"]
        await at.call(tool, **given, confirm=True)
        assert len(at.door.writes) == 1  # of a column with tasks TaskIP itself may refuse it


async def test_a_child_that_went_or_moved_voids_the_confirmation() -> None:
    async with gatehouse("flag") as at:
        store = at.door.sandbox.store
        for change in (
            lambda: store.update("contact", 2, {"company_id": 2}),
            lambda: store.delete("contact", 3),
            lambda: store.update("project", 1, {"client": [9]}),
        ):
            await at.shown("delete_company", company_id=1)
            change()
            assert VOID in await at.refused("delete_company", company_id=1, confirm=True)
        assert at.door.writes == []


async def test_as_many_children_as_before_are_not_the_same_children() -> None:
    async with gatehouse("flag") as at:
        store = at.door.sandbox.store
        await at.shown("delete_company", company_id=1)
        store.update("contact", 2, {"company_id": 2})
        other = next(row for row in store.rows("contact") if row["company_id"] == 2 and row["id"] != 2)
        store.update("contact", other["id"], {"company_id": 1})
        assert VOID in await at.refused("delete_company", company_id=1, confirm=True)


def test_an_address_that_is_signed_anew_for_each_answer_is_the_same() -> None:
    one, other = ({"url": f"https://files.example/a.pdf?Signature={sign}"} for sign in "xy")
    assert version(one) == version(other)
    assert version(one) != version({"url": "https://files.example/b.pdf?Signature=x"})
    assert version({"note": "why? because"}) != version({"note": "why? therefore"})


def test_children_that_come_in_another_order_are_the_same() -> None:
    rows = [{"id": 1}, {"id": 2}, {"id": 10}]
    one, other = (Sight(children={"contacts": each}) for each in (rows, rows[::-1]))
    assert one.version == other.version


# --- flag, beside that ------------------------------------------------------------------------------------


async def test_only_the_last_preview_counts() -> None:
    async with gatehouse("flag") as at:
        await at.shown("delete_contact", contact_id=1)
        at.door.sandbox.store.update("contact", 1, {"position": "Owner"})
        await at.shown("delete_contact", contact_id=1)
        await at.done("delete_contact", contact_id=1, confirm=True)


async def test_a_change_is_noticed_again_and_again() -> None:
    async with gatehouse("flag") as at:
        await at.shown("delete_contact", contact_id=1)
        for position in ("One", "Two", "Three"):
            at.door.sandbox.store.update("contact", 1, {"position": position})
            assert VOID in await at.refused("delete_contact", contact_id=1, confirm=True)
        await at.done("delete_contact", contact_id=1, confirm=True)
        assert len(at.door.writes) == 1


async def test_an_old_preview_still_counts_as_what_was_shown() -> None:
    hands = Hands()
    async with gatehouse("flag", clock=hands.clock) as at:
        await at.shown("delete_contact", contact_id=1)
        hands.at += 3600
        at.door.sandbox.store.update("contact", 1, {"position": "Owner"})
        assert VOID in await at.refused("delete_contact", contact_id=1, confirm=True)
