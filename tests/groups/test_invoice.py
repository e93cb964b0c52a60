"""Invoices: cents and units, items as text and as list, totals, the bare-string failure, look-ups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskip_mcp import errors, results
from tests.support import Script, backend, run

pytestmark = pytest.mark.anyio

LINE = {"name": "Design", "qty": 3, "rate": 33.33}
NEW = {"invoice_no": "INV-9", "contact_id": 4, "subject": "S", "currency": "EUR"}
CREATED = (201, {"msg": "ok", "status": 200, "invoice_no": "INV-9"})
RECORD: dict[str, Any] = {
    "id": 5, "invoice_no": "INV-5", "contact_id": 4, "contacts": {"id": 4, "first_name": "A"}, "subject": "Old",
    "issue_date": "2026-01-01", "due_date": "2026-02-01", "currency": "EUR", "subtotal": 100, "total": 100,
    "discount": 0, "discount_type": "fixed", "items": [{"id": 1, "name": "A", "qty": 1, "rate": 100, "label": "h"}],
    "tax": [], "notes": [], "status": "sent", "template": 2, "payment_gateway": "stripe",
    "payable": {"payment_type": "full-amount"}, "recurring_payment": {"is_payment_reccuring": False},
}  # fmt: skip
TAXED = RECORD | {"tax": [{"id": 7, "name": "VAT", "rate": 20, "amount": 20}], "total": 120}


def created(*rows: dict[str, Any]) -> Script:
    return Script({"POST /invoice": CREATED, "GET /invoice": (200, {"data": list(rows)})})


async def test_amounts_leave_in_cents_and_items_as_text() -> None:
    script = created({"id": 31, "invoice_no": "INV-9"})
    await run(backend(script), "create_invoice", **NEW, items=[LINE], subtotal=99.99, total=0.29)
    body = script.sent[0].body
    assert (body["subtotal"], body["total"]) == (9999, 29)
    assert json.loads(body["items"]) == [LINE]


async def test_totals_that_are_left_out_are_those_of_the_items() -> None:
    script = created({"id": 31, "invoice_no": "INV-9"})
    await run(backend(script), "create_invoice", **NEW, items=[LINE], discount=10, discount_type="percent")
    assert (script.sent[0].body["subtotal"], script.sent[0].body["total"]) == (9999, 8999)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"total": 1.005}, "more than two decimals"),
        ({"items": [LINE], "discount": 1000}, "larger than the items"),
    ],
)
async def test_an_amount_that_cannot_be_right_is_refused(more: dict[str, Any], words: str) -> None:
    script = created()
    with pytest.raises(errors.ArgumentError, match=words):
        await run(backend(script), "create_invoice", **NEW, **more)
    assert script.sent == []


async def test_the_new_invoice_is_found_by_its_exact_number() -> None:
    script = created({"id": 30, "invoice_no": "INV-99"}, {"id": 31, "invoice_no": "INV-9"})
    done = results.shape(await run(backend(script), "create_invoice", **NEW))
    assert script.sent[1].query == {"search": "INV-9"}
    assert (done["done"], done["id"]) == ("Invoice INV-9 created", 31)


@pytest.mark.parametrize(
    "listing", [(200, {"data": [{"id": 1, "invoice_no": "X"}]}), (500, {"message": "down"})]
)
async def test_a_failed_look_up_does_not_fail_the_write(listing: Any) -> None:
    script = Script({"POST /invoice": CREATED, "GET /invoice": listing})
    done = results.shape(await run(backend(script), "create_invoice", **NEW))
    assert "could not be looked up" in done["done"]
    assert "id" not in done


async def test_an_update_sends_the_whole_invoice_under_one_key_with_its_id() -> None:
    script = Script({"GET /invoice/5": (200, {"data": RECORD}), "PUT /invoice/5": (200, {"msg": "ok"})})
    await run(backend(script), "update_invoice", invoice_id=5, subject="New", clear=["due_date"])
    invoice = script.writes[0].body["invoice"]
    assert (invoice["id"], invoice["subject"], invoice["due_date"], invoice["contacts"]) == (
        5,
        "New",
        None,
        4,
    )
    assert invoice["items"] == [{"name": "A", "qty": 1, "rate": 100, "label": "h"}]
    assert (invoice["total"], invoice["template"], invoice["payment_gateway"]) == (100, 2, "stripe")


async def test_new_items_bring_new_totals() -> None:
    script = Script({"GET /invoice/5": (200, {"data": RECORD}), "PUT /invoice/5": (200, {"msg": "ok"})})
    await run(backend(script), "update_invoice", invoice_id=5, items=[LINE])
    invoice = script.writes[0].body["invoice"]
    assert (invoice["subtotal"], invoice["total"]) == (99.99, 99.99)


async def test_new_items_of_a_taxed_invoice_want_the_amounts_from_the_caller() -> None:
    script = Script({"GET /invoice/5": (200, {"data": TAXED}), "PUT /invoice/5": (200, {"msg": "ok"})})
    with pytest.raises(errors.ArgumentError, match="subtotal and total"):
        await run(backend(script), "update_invoice", invoice_id=5, items=[LINE])
    assert script.writes == []
    await run(backend(script), "update_invoice", invoice_id=5, subject="New")
    assert (script.writes[0].body["invoice"]["tax"], script.writes[0].body["invoice"]["total"]) == ([7], 120)


async def test_a_field_that_cannot_be_mapped_back_is_refused_by_name() -> None:
    odd = RECORD | {"tax": [{"name": "VAT"}]}
    script = Script({"GET /invoice/5": (200, {"data": odd}), "PUT /invoice/5": (200, {"msg": "ok"})})
    with pytest.raises(errors.ArgumentError, match="tax cannot be kept"):
        await run(backend(script), "update_invoice", invoice_id=5, subject="New")
    assert script.writes == []


async def test_paid_wants_date_and_method_before_anything_is_sent() -> None:
    script = Script({})
    with pytest.raises(errors.ArgumentError, match="payment_date, payment_method: required with status paid"):
        await run(backend(script), "update_invoice_status", invoice_id=5, status="paid", confirm=True)
    assert script.sent == []


@pytest.mark.parametrize(("status", "fails"), [("sent", True), ("cancelled", False)])
async def test_a_bare_string_is_checked_against_the_invoice(status: str, fails: bool) -> None:
    script = Script(
        {
            "POST /invoice/5/status-update": (200, "Something about the status"),
            "GET /invoice/5": (200, {"data": RECORD | {"status": status}}),
        }
    )
    call = run(backend(script), "update_invoice_status", invoice_id=5, status="cancelled")
    if fails:
        with pytest.raises(errors.ConflictError, match=r"Something about the status\. The invoice is sent"):
            await call
    else:
        assert (await call).done == "Invoice 5 set to cancelled"


@pytest.mark.parametrize(
    ("action", "consequences"),
    [
        ("delete", ["bulk", "delete"]),
        ("send", ["bulk", "send"]),
        ("mark_paid", ["bulk", "money"]),
        ("mark_sent", ["bulk"]),
    ],
)
async def test_what_a_bulk_action_sets_off_depends_on_the_action(
    action: str, consequences: list[str]
) -> None:
    script = Script(
        {"GET /invoice/5": (200, {"data": RECORD}), "GET /invoice/6": (404, {"message": "Invoice not found"})}
    )
    shown = await run(backend(script), "bulk_update_invoices", invoice_ids=[5, 6], action=action)
    assert shown["consequences"] == consequences
    assert (shown["count"], shown["records"][1]) == (2, {"id": 6, "note": "does not exist"})
    assert script.writes == []


async def test_a_pdf_is_saved_and_anything_else_is_an_error(tmp_path: Path) -> None:
    script = Script({"GET /invoice/5/download": (200, {"msg": "no"})})
    with pytest.raises(errors.UnreadableError, match="without a PDF"):
        await run(backend(script, folder=tmp_path), "download_invoice_pdf", invoice_id=5)
    assert list(tmp_path.iterdir()) == []
