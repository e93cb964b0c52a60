"""Quotations: creates without an id, the second sender, class names."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import errors, results
from tests.support import Reply, Script, backend, run

pytestmark = pytest.mark.anyio

NEW: dict[str, Any] = {
    "contact_id": 4,
    "subject": "Site",
    "items": [{"description": "Work", "quantity": 1, "unit_price": 5}],
}
OLD = {"id": 1, "contact_id": 4, "subject": "Site", "quotation_no": "Q-1"}
MADE = {"id": 2, "contact_id": 4, "subject": "Site", "quotation_no": "Q-2"}
OTHER = {"id": 3, "contact_id": 9, "subject": "Site", "quotation_no": "Q-3"}


def rows(*found: dict[str, Any]) -> Reply:
    return (200, {"data": list(found)})


@pytest.mark.parametrize(
    ("after", "number"),
    [((OLD, MADE, OTHER), 2), ((OLD,), None), ((OLD, MADE, MADE | {"id": 7}), None)],
)
async def test_the_new_quotation_is_the_one_that_was_not_there_before(after: Any, number: int | None) -> None:
    script = Script({"POST /quotation": (201, {"msg": "ok"}), "GET /quotation": [rows(OLD), rows(*after)]})
    done = results.shape(await run(backend(script), "create_quotation", **NEW))
    assert done.get("id") == number
    assert ("could not be looked up" in done["done"]) is (number is None)
    assert [each.line for each in script.writes] == ["POST /quotation"]


async def test_a_converted_quotation_answers_with_the_new_invoice_of_its_client() -> None:
    script = Script(
        {
            "GET /quotation/1": (200, {"id": 1, "contact_id": 4}),
            "GET /invoice": [
                rows({"id": 8, "contact_id": 4}),
                rows({"id": 9, "contact_id": 4}, {"id": 8, "contact_id": 4}),
            ],
            "POST /quotation/1/convert-to-invoice": (200, {"msg": "ok"}),
        }
    )
    done = await run(backend(script), "convert_quotation", quotation_id=1, due_date="2027-01-01")
    assert done.id == 9
    assert script.sent[1].query["client_id"] == "4"


async def test_the_second_sender_is_used_only_for_what_it_knows() -> None:
    script = Script({"POST /quotation/sent/1": (200, {"success": True, "message": "sent", "data": {}})})
    await run(backend(script), "send_quotation", quotation_id=1, custom_message="Hi", confirm=True)
    assert script.lines == ["POST /quotation/1/send-to-client", "POST /quotation/sent/1"]
    with pytest.raises(errors.UnsupportedError, match="email_template"):
        await run(backend(script), "send_quotation", quotation_id=1, email_template="x", confirm=True)
    assert script.lines[2:] == ["POST /quotation/1/send-to-client"]


async def test_class_names_of_the_backend_are_not_shown() -> None:
    activity: dict[str, Any] = {
        "id": 1,
        "description": "created",
        "subject_type": "App\\Models\\Quotation",
        "properties": {},
    }
    script = Script({"GET /quotation/1": (200, {"id": 1, "activities": [activity]})})
    record = await run(backend(script), "get_quotation", quotation_id=1)
    assert record["activities"] == [{"id": 1, "description": "created"}]
