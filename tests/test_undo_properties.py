"""Undo, whatever was changed, however many fields at once, from whatever there was before."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from taskip_mcp import errors
from tests.undoing import Change, World, differences

WORDS = st.sampled_from(["Alpha", "beta", "Gamma ray", "x", "Überall"])
DAYS = st.dates(date(2000, 1, 1), date(2060, 1, 1)).map(str)
LINES = st.fixed_dictionaries({"name": WORDS, "qty": st.integers(1, 9), "rate": st.integers(60, 99)})
SHORT = settings(max_examples=25, deadline=None)


def some(*numbers: int) -> SearchStrategy[list[int]]:
    """Some of these ids."""
    return st.lists(st.sampled_from(numbers), unique=True, min_size=1)


@dataclass(frozen=True)
class Update:
    """An update of one record: its arguments, and of those that can be emptied the columns behind them."""

    kind: str
    named: Mapping[str, Any]
    fields: Mapping[str, SearchStrategy[Any]]
    clear: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())


def same(*names: str) -> dict[str, str]:
    """Arguments that have the names of their columns."""
    return {name: name for name in names}


UPDATES = {
    "update_contact": Update(
        "contact",
        {"contact_id": 5},
        {
            "first_name": WORDS, "last_name": WORDS, "email": st.sampled_from(["a@n.example", "b@n.example"]),
            "phone_number": st.just("123"), "company_id": st.integers(1, 12), "position": WORDS, "address": WORDS,
            "zip_code": st.just("12345"), "timezone": st.just("UTC"), "details": WORDS,
            "custom_fields": st.dictionaries(WORDS, WORDS, min_size=1),
        },
        same("last_name", "phone_number", "company_id", "position", "address", "zip_code", "timezone", "details"),
    ),
    "update_company": Update(
        "company",
        {"company_id": 3},
        {"name": WORDS, "phone_number": st.just("1"), "website": WORDS, "c_size": st.integers(1, 4), "address": WORDS},
        same("phone_number", "website", "c_size", "c_type", "country_id", "address"),
    ),
    "update_invoice": Update(
        "invoice",
        {"invoice_id": 57},
        {
            "subject": WORDS, "contact_id": st.integers(1, 40), "due_date": DAYS, "issue_date": DAYS,
            "discount": st.integers(0, 50), "discount_type": st.sampled_from(["percent", "fixed"]),
            "items": st.lists(LINES, min_size=1),
        },
        same("issue_date", "due_date", "notes"),
    ),
    "update_quotation": Update(
        "quotation",
        {"quotation_id": 2},
        {
            "subject": WORDS, "contact_id": st.integers(1, 40), "expire_date": DAYS, "note": WORDS,
            "turnaround_times": st.just("5"), "terms_condition": WORDS, "folder_id": st.integers(1, 9),
            "up_payment_amount": st.integers(1, 99), "up_payment_status": st.booleans(),
        },
        same("folder_id", "up_payment_type", "turnaround_times", "expire_date", "note", "terms_condition"),
    ),
    "update_ticket": Update(
        "ticket",
        {"ticket_id": "3"},
        {
            "subject": WORDS, "description": WORDS, "priority": st.sampled_from(["low", "medium", "high", "urgent"]),
            "status": st.sampled_from(["open", "closed", "replied", "queue"]), "user_id": st.integers(1, 8),
        },
        same("description", "attachment"),
    ),
    "update_project": Update(
        "project",
        {"project_id": 2},
        {
            "title": WORDS, "description": WORDS, "priority": st.integers(1, 5), "status": WORDS,
            "privacy": st.sampled_from(["private", "public"]), "started_at": DAYS, "ended_at": DAYS,
            "client_ids": some(1, 2, 3), "tag_ids": some(1, 2, 3), "category_ids": some(6, 7),
            "assignee_ids": some(2, 3), "project_manager_ids": some(1, 2), "complete_status_id": st.integers(1, 9),
        },
        same("description", "started_at", "ended_at", "complete_status_id")
        | {"client_ids": "client", "tag_ids": "tags", "category_ids": "category", "assignee_ids": "assignee"},
    ),
    "update_task": Update(
        "task",
        {"project_id": 1, "task_id": 2},
        {
            "title": WORDS, "description": WORDS, "priority": WORDS, "due_date": DAYS, "order": st.integers(0, 9),
            "container_id": st.integers(1, 4), "assignee_ids": some(2, 3, 4), "label_ids": some(10, 11, 12),
            "document_ids": some(1, 2, 3),
        },
        same("priority", "description", "due_date")
        | {"assignee_ids": "assignees", "label_ids": "labels", "document_ids": "documents"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UPDATES)
@SHORT
@given(data=st.data())
def test_an_update_of_any_fields_is_undone_field_by_field(name: str, data: DataObject) -> None:
    case = UPDATES[name]
    chosen = data.draw(st.lists(st.sampled_from(sorted(case.fields)), unique=True))
    clears = st.lists(st.sampled_from(sorted(case.clear)), unique=True)
    cleared = [each for each in data.draw(clears) if each not in chosen]
    empty = data.draw(clears)
    values = {each: data.draw(case.fields[each]) for each in chosen}
    if not values and not cleared:
        return
    given_ = {**case.named, **values, "clear": cleared} if cleared else {**case.named, **values}

    async def walk(world: World) -> None:
        row = int(list(case.named.values())[-1])
        world.sandbox.store.update(case.kind, row, {case.clear[each]: None for each in empty})
        before = world.state
        change = await world.change(name, given_)
        assert await world.since(change) == []
        await world.carry_out(change.plan)
        assert differences(before, world.state) == set()

    in_a_world(walk)


def in_a_world(walk: Any) -> None:
    """Run it on a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(walk, World(Path(folder)))


PROJECT = {"project_id": 1}
TASK = PROJECT | {"task_id": 1}
MOVES: list[tuple[str, dict[str, Any]]] = [
    ("move_task", TASK | {"container_id": 2}),
    ("move_task", TASK | {"container_id": 3, "order": 2}),
    ("update_task", TASK | {"title": "New", "clear": ["label_ids"]}),
    ("update_task", TASK | {"label_ids": [11, 12], "assignee_ids": [2]}),
    ("update_task_priority", TASK | {"priority": "critical"}),
    ("complete_task", TASK | {"is_completed": True}),
    ("complete_task", TASK | {"is_completed": False}),
    ("add_task_label", TASK | {"label_id": 12}),
    ("remove_task_label", TASK | {"label_id": 10}),
    ("remove_task_label", TASK | {"label_id": 12}),
    ("add_task_assignee", TASK | {"assignee_id": 6}),
    ("remove_task_assignee", TASK | {"assignee_id": 3}),
    ("move_container_tasks", PROJECT | {"container_id": 1, "target_container_id": 2}),
    ("move_container_tasks", PROJECT | {"container_id": 2, "target_container_id": 4}),
    ("rename_container", PROJECT | {"container_id": 1, "name": "Backlog"}),
    ("update_container_color", PROJECT | {"container_id": 1, "color": "#22C55E"}),
    (
        "reorder_containers",
        PROJECT | {"order": [{"container_id": 2, "order": 1}, {"container_id": 1, "order": 2}]},
    ),
    ("update_project", PROJECT | {"title": "New", "clear": ["tag_ids"]}),
    ("update_project_category", PROJECT | {"category_id": 7}),
]


@SHORT
@given(moves=st.lists(st.sampled_from(MOVES), max_size=6))
def test_changes_that_are_undone_from_the_last_to_the_first_leave_no_trace(
    moves: list[tuple[str, dict[str, Any]]],
) -> None:
    async def walk(world: World) -> None:
        before = world.state
        changes: list[Change] = []
        for name, given_ in moves:
            try:
                changes.append(await world.change(name, given_))
            except errors.MissingError:  # a label that is not there cannot be taken off
                continue
        for change in reversed(changes):
            assert await world.since(change) == []
            await world.carry_out(change.plan)
        assert differences(before, world.state) == set()

    in_a_world(walk)
