"""Every tool against the stateful sandbox, whichever of the documented route sets it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from taskip_mcp import arguments, confirm, operation, results, show
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.errors import ArgumentError
from taskip_mcp.files import Files
from taskip_mcp.operation import Effect
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from tests.sandbox_calls import CALLS, CONSEQUENT, arguments_for

pytestmark = pytest.mark.anyio

OPERATIONS = operation.load_all()
NAMES = list(OPERATIONS)
GATED = [name for name, each in OPERATIONS.items() if each.possible]


def connect(sandbox: Sandbox, folder: Path) -> Backend:
    settings = Settings(secret_key="k", base_url="http://127.0.0.1/api/public-v1", files_dir=folder)
    (folder / "note.txt").write_text("a note")
    client = TaskipClient(settings, httpx.ASGITransport(app=sandbox.app))
    return Backend(client, RouteBook(), Files(settings))


async def run(api: Backend, name: str, given: dict[str, Any]) -> Any:
    each = OPERATIONS[name]
    values = arguments.validate(each, given)
    show.Ask.take(each, values)
    return await confirm.perform(api, each, values)


def test_every_tool_has_a_call() -> None:
    assert CALLS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("routes", ["reference", "guide", "both"])
@pytest.mark.parametrize("name", NAMES)
async def test_every_tool_works_on_every_set_of_routes(name: str, routes: Any, tmp_path: Path) -> None:
    sandbox = Sandbox(routes=routes)
    each = OPERATIONS[name]
    before = sandbox.store.dump()
    given = arguments_for(name, sandbox) | ({"confirm": True} if each.possible else {})
    shown = results.shape(await run(connect(sandbox, tmp_path), name, given))
    assert json.dumps(shown)
    if each.effect is Effect.READ:
        assert shown.get("items", True), "the seeds have something to list"
        assert sandbox.store.dump() == before
    else:
        assert "could not be looked up" not in shown["done"]
        assert sandbox.store.dump() != before
    if each.effect is Effect.CREATE and each.contract not in {"deal.add_activity"}:
        assert shown["id"], "a create tells the id of what it made"


@pytest.mark.parametrize("name", GATED)
async def test_a_preview_changes_nothing_and_names_its_records(name: str, tmp_path: Path) -> None:
    sandbox = Sandbox()
    before = sandbox.store.dump()
    given = arguments_for(name, sandbox)
    given |= CONSEQUENT.get(name, {})
    shown = await run(connect(sandbox, tmp_path), name, given)
    assert sandbox.store.dump() == before
    assert all(seen.method == "GET" for seen in sandbox.requests)
    assert shown["done"] == "Nothing was changed."
    assert set(shown["consequences"]) <= {"delete", "bulk", "send", "money", "access"}
    assert shown.get("records") or shown.get("with")


STORED = {
    "update_contact": ("contact", "contact_id"),
    "update_company": ("company", "company_id"),
    "update_team_member": ("team_member", "member_id"),
    "update_invoice": ("invoice", "invoice_id"),
    "update_ticket": ("ticket", "ticket_id"),
    "update_document": ("document", "document_id"),
    "update_project": ("project", "project_id"),
    "update_task": ("task", "task_id"),
    "update_deal": ("deal", "deal_id"),
    "update_quotation": ("quotation", "quotation_id"),
    "update_project_attribute": ("attribute", "attribute_id"),
}
"""Tool -> the kind of record that it changes, and the argument that names it."""


@pytest.mark.parametrize("name", list(STORED))
async def test_an_update_changes_only_what_it_is_given(name: str, tmp_path: Path) -> None:
    """Compares the whole stored record: a replacing PUT must not empty a field that nobody mentioned."""
    sandbox = Sandbox()
    kind, argument = STORED[name]
    given = arguments_for(name, sandbox)
    before = sandbox.store.get(kind, given[argument])
    await run(
        connect(sandbox, tmp_path), name, given | ({"confirm": True} if OPERATIONS[name].possible else {})
    )
    after = sandbox.store.get(kind, given[argument])
    assert before is not None
    assert after is not None
    touched = {*given, *given.get("clear", []), "updated_at", "access_portal"}
    lost = {
        key
        for key, value in before.items()
        if key not in touched and _full(value) and not _same(after.get(key), value)
    }
    assert lost == set()


async def test_an_update_without_a_change_is_refused(tmp_path: Path) -> None:
    sandbox = Sandbox()
    with pytest.raises(ArgumentError, match="at least one field"):
        await run(connect(sandbox, tmp_path), "update_contact", {"contact_id": 1})
    assert not sandbox.requests


async def test_clear_empties_a_field_and_no_other(tmp_path: Path) -> None:
    sandbox = Sandbox()
    given = {"project_id": 1, "clear": ["assignee_ids", "ended_at"]}
    before = sandbox.store.get("project", 1)
    await run(connect(sandbox, tmp_path), "update_project", given)
    after = sandbox.store.get("project", 1)
    assert before is not None
    assert after is not None
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"assignee", "ended_at", "updated_at"}
    assert (after["assignee"], after["ended_at"]) == ([], None)


async def test_a_created_invoice_has_the_totals_of_its_items(tmp_path: Path) -> None:
    sandbox = Sandbox()
    made = await run(
        connect(sandbox, tmp_path), "create_invoice", CALLS["create_invoice"] | {"discount": 1.5}
    )
    record = await run(connect(sandbox, tmp_path), "get_invoice", {"invoice_id": made.id})
    assert (record["subtotal"], record["total"], record["due_amount"]) == (901.0, 899.5, 899.5)
    assert record["items"][0]["rate"] == 450.5


def _full(value: Any) -> bool:
    return value not in (None, "", [], {})


def _same(after: Any, before: Any) -> bool:
    return json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True) or str(after) == str(
        before
    )
