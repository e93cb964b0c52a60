"""What concise results cost a model, in tokens of o200k, with the fence and the notice around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskip_mcp import calls, operation
from taskip_mcp.sandbox import Sandbox
from tests.test_views_ids import connect
from tests.tokens import count

pytestmark = pytest.mark.anyio

OPERATIONS = operation.load_all()
PROJECT = "project-0001-1eef"


async def cost(
    sandbox: Sandbox, folder: Path, name: str, given: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    answer = await calls.perform(connect(sandbox, folder), name, OPERATIONS[name].group, given)
    return count(answer.text), answer.value


async def test_25_invoices_cost_at_most_2000_tokens(tmp_path: Path) -> None:
    tokens, shown = await cost(Sandbox(), tmp_path, "list_invoices", {"limit": 25})
    assert shown["returned"] == 25
    assert tokens <= 2000


@pytest.mark.parametrize("number", ["1", "20", "57"])
async def test_an_invoice_costs_at_most_500_tokens(number: str, tmp_path: Path) -> None:
    tokens, shown = await cost(Sandbox(), tmp_path, "get_invoice", {"invoice_id": number})
    assert shown["items"]
    assert tokens <= 500


async def test_a_board_of_120_tasks_costs_at_most_6000_tokens(tmp_path: Path) -> None:
    sandbox = Sandbox()
    present = sandbox.store.rows("task", parent=1)
    for number in range(len(present), 120):
        task = present[number % len(present)] | {"container_id": 1 + number % 4}
        sandbox.store.insert("task", task, parent=1)
    tokens, shown = await cost(sandbox, tmp_path, "list_tasks", {"project_id": PROJECT})
    assert sum(len(column["tasks"]) for column in shown["items"]) == 120
    assert tokens <= 6000


async def test_a_page_of_conversations_costs_at_most_1500_tokens(tmp_path: Path) -> None:
    tokens, shown = await cost(Sandbox(), tmp_path, "list_conversations", {})
    assert shown["returned"] == 15
    assert tokens <= 1500


async def test_full_costs_more_which_is_why_it_is_not_the_default(tmp_path: Path) -> None:
    concise, _ = await cost(Sandbox(), tmp_path, "list_invoices", {"limit": 10})
    full, _ = await cost(Sandbox(), tmp_path, "list_invoices", {"limit": 10, "detail": "full"})
    assert full > 3 * concise


async def test_chosen_fields_are_all_that_is_shown(tmp_path: Path) -> None:
    _, shown = await cost(
        Sandbox(), tmp_path, "list_invoices", {"limit": 3, "fields": ["total", "discount_type"]}
    )
    assert [set(row) for row in shown["items"]] == [{"id", "total", "discount_type"}] * 3
