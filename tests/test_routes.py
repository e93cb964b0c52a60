"""Two documented routes, one TaskIP: which is tried, what is learned, and that no write goes out twice."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import errors
from tests.support import NO_ROUTE, Reply, Script, alone, backend, run

pytestmark = pytest.mark.anyio

OK = (200, {"msg": "done"})
EMPTY_404 = (404, {"message": ""})
NO_RECORD = (404, {"message": "No query results for model [App\\Models\\Invoice] 5"})
INVOICE = (200, {"data": {"id": 5, "invoice_no": "INV-5", "status": "draft"}})
ROWS: Reply = (200, {"data": list[Any]()})


async def send(script: Script, **settings: Any) -> Any:
    return await run(backend(script, **settings), "send_invoice", invoice_id=5, confirm=True)


async def test_the_likely_live_route_is_tried_first() -> None:
    script = Script({"POST /invoice/sent/5": OK})
    await send(script)
    assert script.lines == ["POST /invoice/sent/5"]


@pytest.mark.parametrize(
    "refusal", [NO_ROUTE, (405, {"message": "The POST method is not supported for this route."})]
)
async def test_a_refused_route_is_followed_by_the_next(refusal: Any) -> None:
    script = Script({"POST /invoice/sent/5": refusal, "POST /invoice/5/send-to-client": OK})
    await send(script)
    assert script.lines == ["POST /invoice/sent/5", "POST /invoice/5/send-to-client"]


async def test_what_worked_is_remembered_for_the_family() -> None:
    script = Script({"POST /invoice/5/send-to-client": OK, "POST /invoice/5/recurring-setup": OK})
    api = backend(script)
    await run(api, "send_invoice", invoice_id=5, confirm=True)
    await run(api, "set_invoice_recurring", invoice_id=5, is_recurring=False, confirm=True)
    assert script.lines[-1] == "POST /invoice/5/recurring-setup"
    assert script.lines.count("POST /invoice/5/recurring") == 0


async def test_a_missing_record_is_an_error_and_no_reason_to_try_elsewhere() -> None:
    script = Script({"POST /invoice/sent/5": NO_RECORD, "POST /invoice/5/send-to-client": OK})
    with pytest.raises(errors.MissingError, match=r"Nothing was changed"):
        await send(script)
    assert script.lines == ["POST /invoice/sent/5"]


async def test_an_unclear_404_is_decided_by_reads_before_another_write_leaves() -> None:
    script = Script(
        {
            "POST /invoice/sent/5": EMPTY_404,
            "GET /invoice": ROWS,
            "GET /invoice/5": INVOICE,
            "POST /invoice/5/send-to-client": OK,
        }
    )
    await send(script)
    assert script.lines == [
        "POST /invoice/sent/5", "GET /invoice", "GET /invoice/5", "POST /invoice/5/send-to-client",
    ]  # fmt: skip


async def test_an_unclear_404_about_a_missing_record_stays_an_error() -> None:
    script = Script({"POST /invoice/sent/5": EMPTY_404, "GET /invoice": ROWS, "GET /invoice/5": EMPTY_404})
    with pytest.raises(errors.MissingError):
        await send(script)
    assert [each.line for each in script.writes] == ["POST /invoice/sent/5"]


async def test_an_unclear_404_where_the_whole_family_is_elsewhere_moves_on() -> None:
    script = Script(
        {"PUT /support-ticket/5": EMPTY_404, "GET /support-ticket": EMPTY_404, "DELETE /ticket/5": OK}
    )
    script.replies = {**script.replies, "DELETE /support-ticket/5": EMPTY_404}
    await alone(backend(script), "delete_ticket", ticket_id="5")
    assert script.lines == ["DELETE /support-ticket/5", "GET /support-ticket", "DELETE /ticket/5"]


async def test_an_error_that_may_hide_a_done_write_is_never_followed_by_another_route() -> None:
    for status in (400, 401, 403, 409, 422, 429, 500, 503):
        script = Script(
            {"POST /invoice/sent/5": (status, {"message": "no"}), "POST /invoice/5/send-to-client": OK}
        )
        with pytest.raises(errors.StatusError):
            await send(script)
        assert [each.line for each in script.writes] == ["POST /invoice/sent/5"]


@pytest.mark.parametrize(
    ("routes", "line"), [("reference", "POST /invoice/5/send-to-client"), ("guide", "POST /invoice/sent/5")]
)
async def test_a_pinned_set_is_the_only_one(routes: Any, line: str) -> None:
    script = Script({})
    with pytest.raises(errors.RouteError, match="Nothing was changed"):
        await send(script, routes=routes)
    assert script.lines == [line]


async def test_without_any_route_the_error_names_what_was_tried() -> None:
    with pytest.raises(
        errors.RouteError, match=r"POST /invoice/sent/\{id\}, POST /invoice/\{id\}/send-to-client"
    ):
        await send(Script({}))


async def test_an_identifier_that_nothing_can_turn_goes_out_as_it_is() -> None:
    script = Script({})
    with pytest.raises(errors.RouteError):
        await run(backend(script), "reply_conversation", conversation_id="5", message="m", confirm=True)
    assert script.lines == ["POST /inbox/conversation/5/reply"]


@pytest.mark.parametrize(
    ("given", "path"), [("prj_65a-1", "/project/prj_65a-1"), ("x.y", "/project/x.y"), ("~1", "/project/~1")]
)
async def test_an_identifier_leaves_as_one_segment(given: str, path: str) -> None:
    script = Script({f"GET {path}": (200, {"data": {"id": 1}})})
    await run(backend(script), "get_project", project_id=given)
    assert script.lines == [f"GET {path}"]


async def test_a_record_without_a_uuid_is_reached_over_the_route_that_takes_its_id() -> None:
    script = Script({"GET /ticket/5": (200, {"id": 5, "subject": "S"}), "POST /ticket/5/status-update": OK})
    await run(backend(script), "update_ticket_status", ticket_id=5, status="closed")
    assert [each.line for each in script.writes] == ["POST /ticket/5/status-update"]


async def test_an_integer_is_turned_into_the_uuid_that_the_route_wants_and_kept() -> None:
    script = Script(
        {
            "GET /project/7": (200, {"data": {"id": 7, "uuid": "prj-7"}, "status": 200}),
            "GET /project/prj-7/discussion": (200, {"data": []}),
        }
    )
    api = backend(script)
    await run(api, "list_discussions", project_id=7)
    await run(api, "list_discussions", project_id="7")
    await run(api, "list_discussions", project_id="prj-7")
    assert script.lines == ["GET /project/7", *["GET /project/prj-7/discussion"] * 3]
