"""A confirmed call runs on the record that was shown for its name, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp.kinds import KINDS
from tests.gatehouse import Gatehouse, gatehouse, renewed

pytestmark = pytest.mark.anyio

NAMED: dict[str, Any] = {"contact_id": "Elsa Berg"}


def swap(at: Gatehouse) -> None:
    """Contact 2 gets the name of contact 1, and what was read for it is forgotten, as after a minute."""
    at.door.sandbox.store.update("contact", 1, {"first_name": "Elsa", "last_name": "Lind"})
    at.door.sandbox.store.update("contact", 2, {"first_name": "Elsa", "last_name": "Berg"})
    for group in KINDS["contact"].touched_by:
        at.backend.lookups.forget(group)


@pytest.mark.parametrize("text", ["Elsa Berg", "elsa  BERG"])
async def test_a_name_that_is_anothers_by_now_is_shown_anew_before_anything_is_done(text: str) -> None:
    async with gatehouse("flag") as at:
        await at.shown("delete_contact", **NAMED)
        swap(at)
        told = await at.refused("delete_contact", contact_id=text, confirm=True)
        assert renewed(told)["records"][0]["id"] == 2
        assert (await at.done("delete_contact", **NAMED, confirm=True))["id"] == 2


async def test_that_the_other_record_was_shown_for_its_id_does_not_confirm_its_name() -> None:
    async with gatehouse("flag") as at:
        await at.shown("delete_contact", contact_id=2)
        await at.shown("delete_contact", **NAMED)
        swap(at)
        await at.refused("delete_contact", **NAMED, confirm=True)


@pytest.mark.parametrize("shown", [True, False])
async def test_a_name_that_is_still_the_same_records_is_confirmed(shown: bool) -> None:
    async with gatehouse("flag") as at:
        if shown:
            await at.shown("delete_contact", **NAMED)
        assert (await at.done("delete_contact", **NAMED, confirm=True))["id"] == 1


async def test_a_code_for_one_record_does_not_confirm_another_of_the_name() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("delete_contact", **NAMED)
        swap(at)
        told = await at.refused("delete_contact", **NAMED, confirm=True, confirm_code=code)
        assert "belongs to another call" in told
