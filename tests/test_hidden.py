"""What is hidden from the caller is never written back, wherever it stood."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gatehouse import KEY, gatehouse, words

pytestmark = pytest.mark.anyio


def stored(at: Any, kind: str, number: int) -> dict[str, Any]:
    """A row as TaskIP has it."""
    row = at.door.sandbox.store.get(kind, number)
    assert row is not None
    return row


async def test_an_update_does_not_replace_a_secret_inside_of_a_text_that_it_keeps() -> None:
    async with gatehouse("flag") as at:
        at.door.sandbox.store.update("project", 1, {"description": f"Deploy key is {KEY} ok"})
        result = await at.call("update_project", project_id=1, priority=2)
        assert result.is_error
        assert "description cannot be kept: it holds a secret" in words(result)
        assert stored(at, "project", 1)["description"] == f"Deploy key is {KEY} ok"


async def test_a_text_that_was_read_with_a_hidden_part_is_not_sent_back() -> None:
    async with gatehouse("flag") as at:
        at.door.sandbox.store.update("project", 1, {"description": f"Key {KEY} fine"})
        shown = (await at.done("get_project", project_id=1))["description"]
        assert KEY not in shown
        result = await at.call("update_project", project_id=1, description=shown + "!")
        assert "stands for a value that is not shown" in words(result)
        assert at.door.writes == []


async def test_an_undo_does_not_put_back_a_text_with_a_hidden_part() -> None:
    async with gatehouse("off") as at:
        at.door.sandbox.store.update("contact", 1, {"details": "Portal: Sommer2024! for Elsa"})
        await at.done("update_contact", contact_id=1, password="Sommer2024!", details="x")
        change = (await at.done("list_changes"))["items"][0]["id"]
        result = await at.call("undo_change", change_id=change)
        assert "secret" in words(result)
        assert "(hidden secret)" not in str(stored(at, "contact", 1).get("details"))
