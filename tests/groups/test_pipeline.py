"""What pipelines and their stages do differently from the plain case."""

from __future__ import annotations

import pytest

from tests.support import Script, backend, run

pytestmark = pytest.mark.anyio

PIPELINE = {"title": "New business", "status": "active", "uuid": "p-1", "stages": [{"id": 3, "name": "Lead"}]}


async def test_a_pipeline_answers_as_a_bare_record_and_takes_an_integer_as_it_is() -> None:
    script = Script({"GET /sales-pipeline/12": (200, PIPELINE)})
    assert await run(backend(script), "get_pipeline", pipeline_id=12) == PIPELINE
    assert script.lines == ["GET /sales-pipeline/12"]


async def test_below_a_pipeline_an_integer_becomes_the_uuid_that_the_record_shows() -> None:
    script = Script(
        {
            "GET /sales-pipeline/12": (200, PIPELINE),
            "GET /sales-pipeline/p-1/stage": (200, {"data": [{"id": 3, "title": "Lead"}], "status": 200}),
        }
    )
    api = backend(script)
    page = await run(api, "list_stages", pipeline_id="12")
    assert [row["id"] for row in page.items] == [3]
    assert page.next_page is None
    await run(api, "list_stages", pipeline_id="12")
    assert script.lines.count("GET /sales-pipeline/12") == 1


async def test_an_unconfirmed_delete_finds_the_stage_in_the_list() -> None:
    rows = [{"id": 3, "title": "Lead", "deals_count": 4, "deals": [{"id": 1}]}, {"id": 4, "title": "Won"}]
    script = Script({"GET /sales-pipeline/p-1/stage": (200, {"data": rows, "status": 200})})
    shown = await run(backend(script), "delete_stage", pipeline_id="p-1", stage_id=3)
    assert shown["records"] == [{"id": 3, "title": "Lead", "deals_count": 4}]
    assert script.writes == []


async def test_a_new_order_goes_to_the_guide_route_first() -> None:
    script = Script(
        {
            "GET /sales-pipeline/p-1/stage": (200, {"data": [{"id": 3}, {"id": 4}], "status": 200}),
            "POST /sales-pipeline/p-1/stage/reorder": (200, {"msg": "ok"}),
        }
    )
    order = [{"stage_id": 4, "order": 0}, {"stage_id": 3, "order": 1}]
    await run(backend(script), "reorder_stages", pipeline_id="p-1", order=order)
    assert [each.line for each in script.writes] == [
        "POST /sales-pipeline/p-1/stage/order-change",
        "POST /sales-pipeline/p-1/stage/reorder",
    ]
    assert [each.body for each in script.writes] == [{"order": order}] * 2
