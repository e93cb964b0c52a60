"""What deals do differently from the plain case."""

from __future__ import annotations

import pytest

from taskip_mcp import results
from taskip_mcp.errors import ArgumentError, UnsupportedError
from tests.support import Script, backend, run

pytestmark = pytest.mark.anyio

ROOT = "/sales-pipeline/p-1"


async def test_deals_live_in_the_plural_and_their_children_in_the_singular() -> None:
    script = Script(
        {
            f"GET {ROOT}/deals/5": (200, {"msg": "ok", "status": 200, "data": {"id": 5}}),
            f"POST {ROOT}/deal/5/note": (201, {"msg": "ok", "data": {"id": 8, "description": "Called"}}),
        }
    )
    api = backend(script)
    assert await run(api, "get_deal", pipeline_id="p-1", deal_id=5) == {"id": 5}
    written = await run(api, "add_deal_note", pipeline_id="p-1", deal_id=5, description="Called")
    assert (written.id, script.sent[1].body) == (8, {"description": "Called"})


async def test_an_update_sends_the_day_as_a_date_and_only_what_was_given() -> None:
    script = Script({f"PUT {ROOT}/deals/5": (200, {"msg": "ok", "status": 200, "data": {"id": 5}})})
    fields = {"closing_date": "2026-12-01", "deal_amount": 1200.5}
    await run(backend(script), "update_deal", pipeline_id="p-1", deal_id=5, **fields, clear=["description"])
    assert [each.body for each in script.writes] == [fields | {"description": None}]


async def test_a_move_is_an_update_of_the_stage_where_the_guide_holds() -> None:
    script = Script({f"PUT {ROOT}/deals/5": (200, {"msg": "ok", "status": 200, "data": {"id": 5}})})
    written = await run(backend(script), "move_deal", pipeline_id="p-1", deal_id=5, stage_id=7)
    assert [each.body for each in script.writes] == [{"deal_stage_id": 7}]
    assert results.shape(written)["done"] == "Deal 5 moved to stage 7"


async def test_further_fields_of_a_move_go_to_the_reference_route_alone() -> None:
    script = Script({f"POST {ROOT}/deal/5/change-stage": (200, {"msg": "ok"})})
    ids = {"pipeline_id": "p-1", "deal_id": 5, "stage_id": 7}
    await run(backend(script), "move_deal", **ids, extra={"position": 1, "deal_stage_id": 99})
    [sent] = script.writes
    assert (sent.line, sent.body) == (f"POST {ROOT}/deal/5/change-stage", {"deal_stage_id": 7, "position": 1})
    with pytest.raises(UnsupportedError, match="extra"):
        await run(backend(Script({}), routes="guide"), "move_deal", **ids, extra={"position": 1})


async def test_an_activity_carries_fields_that_taskip_names() -> None:
    script = Script({f"POST {ROOT}/deal/5/activity": (201, {"msg": "ok"})})
    fields = {"type": "call", "description": "Asked for the budget"}
    await run(
        backend(script), "add_deal_activity", pipeline_id="p-1", deal_id=5, **fields, extra={"at": "10:00"}
    )
    assert script.sent[0].body == fields | {"at": "10:00"}


async def test_the_bulk_route_of_the_guide_names_the_first_deal() -> None:
    script = Script({f"POST {ROOT}/deal/bulk-actions": (200, {"msg": "ok", "status": 200})})
    call = {"pipeline_id": "p-1", "deal_ids": [5, 6], "action": "move_stage", "stage_id": 7, "confirm": True}
    written = await run(backend(script), "bulk_update_deals", **call)
    lines = [each.line for each in script.writes]
    assert lines == [f"POST {ROOT}/deals/bulk-actions/5", f"POST {ROOT}/deal/bulk-actions"]
    assert [each.body for each in script.writes] == [
        {"deal_ids": [5, 6], "action": "move_stage", "stage_id": 7}
    ] * 2
    assert results.shape(written)["done"] == "Bulk update deals: 2 of 2 accepted"


async def test_a_bulk_delete_is_previewed_deal_by_deal() -> None:
    script = Script({f"GET {ROOT}/deals/5": (200, {"data": {"id": 5, "deal_name": "Shop"}, "status": 200})})
    shown = await run(backend(script), "bulk_update_deals", pipeline_id="p-1", deal_ids=[5], action="delete")
    assert shown["consequences"] == ["bulk", "delete"]
    assert shown["records"] == [{"id": 5, "deal_name": "Shop"}]
    assert script.writes == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"action": "move_stage"}, "stage_id: required"),
        ({"action": "update_status"}, "status: required"),
        ({"action": "delete", "status": "won"}, "status: does not go"),
    ],
)
async def test_a_bulk_action_takes_its_own_field_and_no_other(fields: dict[str, str], complaint: str) -> None:
    script = Script(
        {
            f"GET {ROOT}/deals/5": (200, {"data": {"id": 5}, "status": 200}),
            f"GET {ROOT}/stage": (200, {"data": [{"id": 7, "deals": [{"id": 5}]}], "status": 200}),
        }
    )
    with pytest.raises(ArgumentError, match=complaint):
        await run(
            backend(script), "bulk_update_deals", pipeline_id="p-1", deal_ids=[5], confirm=True, **fields
        )
    assert script.writes == []
