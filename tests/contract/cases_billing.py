"""Invoices and quotations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.contract import sample
from tests.contract.case import Case, Try

INVOICE = sample.record("invoice")
LINES = [{"name": "Design", "qty": 2.5, "rate": 80.5, "label": "hour"}]
AMOUNTS = {"subtotal": 201.25, "total": 190.25}
IN_CENTS = {"subtotal": 20125, "total": 19025}

# Everything of an update travels under `invoice`, some of it under another name.
NEW_INVOICE: dict[str, Any] = {
    "invoice_no": "2026-7",
    "payment_gateway": "manual",
    "template": 2,
    "subject": "Website",
    "issue_date": "2026-03-04",
    "due_date": "2026-04-04",
    "currency": "EUR",
    "items": LINES,
    **AMOUNTS,
    "discount": 11.5,
    "discount_type": "fixed",
    "notes": [{"id": 4, "title": "Thanks", "description": "Soon", "enable": True}],
    "recurring_payment": {
        "is_payment_reccuring": True,
        "payment_recurring_type": "monthly",
        "recurring_until": "2026-12-31",
    },
    "payable": {"payable_amount": 5.5, "payable_amount_type": "fixed", "payment_type": "full-amount"},
}
UNDER_INVOICE = dict.fromkeys([*NEW_INVOICE, "contact_id", "tax_ids"], "invoice")
SAME_NAME = (
    "invoice_no", "payment_gateway", "template", "issue_date", "due_date", "currency", "subtotal", "discount",
    "discount_type", "total", "notes", "recurring_payment", "payable",
)  # fmt: skip
INVOICE_KEPT = {
    **{name: INVOICE[name] for name in SAME_NAME},
    "contacts": INVOICE["contact_id"],
    "items": [{name: value for name, value in line.items() if name != "id"} for line in INVOICE["items"]],
    "tax": [tax["id"] for tax in INVOICE["tax"]],
}
PAYMENT = {
    "status": "paid",
    "payment_date": "2026-03-04",
    "payment_method": "bank_transfer",
    "payment_amount": 99.5,
    "notes": "Thanks",
}

QUOTATION = sample.record("quotation_list_item")
OFFER = {
    "contact_id": QUOTATION["contact_id"],
    "subject": QUOTATION["subject"],
    "estimate_no": QUOTATION["quotation_no"],
}
ADVANCE = {"up_payment_status": {0: False, 1: True}}
INTERNAL = {"log_name", "subject_id", "subject_type", "causer_id", "causer_type", "properties"}


def _quotation(record: dict[str, Any]) -> dict[str, Any]:
    """Class names and change sets of the backend stay out of the activities."""
    plain = [
        {name: value for name, value in row.items() if name not in INTERNAL} for row in record["activities"]
    ]
    return record | {"activities": plain}


CASES: Mapping[str, Case] = {
    "invoice.list": Case(),
    # Lines travel as JSON text and amounts in cents; the answer has no id, so the invoice is found by its number.
    "invoice.create": Case(
        full=(
            Try(
                {"invoice_no": INVOICE["invoice_no"], "items": LINES, **AMOUNTS},
                wire={"items": json.dumps(LINES), **IN_CENTS},
                changed=INVOICE,
                id=INVOICE["id"],
            ),
        ),
    ),
    "invoice.get": Case(),
    # An update that replaces: what is left out is read from the record and sent along.
    "invoice.update": Case(
        full=(
            Try(
                {**NEW_INVOICE, "contact_id": 7, "tax_ids": [3, 4]},
                wire={"invoice": {**NEW_INVOICE, "id": 11, "contacts": 7, "tax": [3, 4]}},
            ),
        ),
        minimal=(Try({"subject": "New"}, wire={"invoice": {**INVOICE_KEPT, "id": 11, "subject": "New"}}),),
        renames=UNDER_INVOICE,
    ),
    "invoice.delete": Case(),
    "invoice.send_to_client": Case(),
    # Anything but paid is answered with bare text, so that the tool reads what has become of the status.
    "invoice.status_update": Case(
        full=(Try(PAYMENT, changed={**PAYMENT, "partial_paid_amount": 12.5, "due_amount": 12.5}),),
        minimal=(Try({"status": INVOICE["status"]}),),
    ),
    "invoice.download_pdf": Case(),
    "invoice.payment_gateway": Case(),
    "invoice.recurring_setup": Case(),
    # The table says ids, the examples invoice_ids; what goes with an action is under `data`.
    "invoice.bulk_actions": Case(
        full=(
            Try(
                {"action": "mark_paid", "payment_date": "2026-03-04", "payment_method": "cash"},
                wire={"data": {"payment_date": "2026-03-04", "payment_method": "cash"}},
            ),
            Try(
                {"action": "send", "email_template": "reminder"},
                wire={"data": {"email_template": "reminder"}},
            ),
        ),
        minimal=(Try({"action": "delete"}),),
        renames={
            "invoice_ids": "ids",
            **dict.fromkeys(["email_template", "payment_date", "payment_method"], "data"),
        },
    ),
    "quotation.list": Case(),
    # The answer has neither id nor number: what is new in the list afterwards, and fits, is the quotation.
    "quotation.create": Case(
        full=(Try(OFFER, changed=QUOTATION, id=QUOTATION["id"]),),
        labels=ADVANCE,
        appears="quotation.list",
    ),
    "quotation.get": Case(result=_quotation),
    "quotation.update": Case(labels=ADVANCE, minimal=(Try({"note": "x"}),)),
    "quotation.delete": Case(),
    "quotation.convert_to_invoice": Case(
        full=(Try(changed=INVOICE, id=INVOICE["id"]),),
        minimal=(Try(changed=INVOICE, id=INVOICE["id"]),),
        appears="invoice.list",
    ),
    "quotation.send_to_client": Case(full=(Try({"cc_emails": ["a@x.example", "b@x.example"]}),)),
    "quotation.status_update": Case(),
    "quotation.bulk_actions": Case(
        full=(
            Try(
                {"action": "status_update", "status": "accepted", "reason": "Call"},
                wire={"parameters": {"status": "accepted", "reason": "Call"}},
            ),
            Try(
                {"action": "send_to_clients", "email_template": "default", "custom_message": "Hello"},
                wire={"parameters": {"email_template": "default", "custom_message": "Hello"}},
            ),
        ),
        minimal=(Try({"action": "delete"}),),
        renames=dict.fromkeys(["status", "reason", "email_template", "custom_message"], "parameters"),
    ),
}
