"""Invoices and quotations.

============  ===========================================  =================================================
view          rows have                                    never shown, and why
============  ===========================================  =================================================
invoice       number, subject, status, client, company,    logo, signature, slug; ``generatedId`` repeats the
              due_date, total, due_amount                  number; ``publish`` repeats the status; activities;
                                                           who wrote it; ids of lines, which nothing takes
quotation     number, subject, status, client, company,    the same, and the backend's class names
              expire_date, total
============  ===========================================  =================================================

Amounts carry the currency, which is shown alone only where there is none. Quotations come in three shapes (contract
quirk 14); they are shown in one, with the names that their updates take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskip_mcp.views import declare
from taskip_mcp.views.forms import (
    Part,
    amount,
    currency,
    discount,
    each,
    either,
    first,
    inner,
    money,
    number,
    person,
    picked,
    same,
    shaped,
)

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

NOISE = "generatedId slug logo signature publish activities created_by updated_by"
COMPANY = {"company": person("company", "company_id")}
STAMPS = {"created_at": "iso", "updated_at": "iso", "deleted_at": "iso"}
NOTES = declare.inside("notes", {"created_at": "iso", "updated_at": "iso"})


def _line(row: JsonObject, record: JsonObject) -> JsonObject:
    shown = {name: value for name, value in row.items() if name != "id"}
    return shown | {"rate": amount(row.get("rate"), record.get("currency"))}


def _tax(row: JsonObject, record: JsonObject) -> JsonObject:
    return row | {"amount": amount(row.get("amount"), record.get("currency"))}


def _recurring(found: JsonObject) -> JsonObject | None:
    return found if found.get("is_payment_reccuring") else None


def _payable(found: JsonObject) -> JsonObject | None:
    """What the client is asked to pay, unless it is all of it."""
    whole = found.get("payable_amount") is None and found.get("payment_type") in {None, "", "full-amount"}
    return None if whole else found


def _reminders(found: JsonObject) -> JsonObject | None:
    """When they are off, the rest of them says nothing."""
    return (
        {name: value for name, value in found.items() if name != "enabled"} if found.get("enabled") else None
    )


TERMS = {
    "reminders": shaped("reminders", _reminders),
    "folder": person("folder", "folder_id"),
    "notes": picked("notes", "id title description enable"),
}

INVOICE = declare.of(
    same("id invoice_no subject status")
    | {"client": person("contacts", "contact_id")}
    | COMPANY
    | same("issue_date due_date")
    | {"items": each("items", _line)}
    | money("subtotal")
    | {"discount": discount(), "tax": each("tax", _tax)}
    | money("total partial_paid_amount due_amount")
    | {
        "currency": currency("total", "due_amount", "subtotal"),
        "note": inner("currentNote", "note"),
        "terms": inner("currentNote", "term"),
    }
    | same("template payment_gateway payment_infos")
    | {"payable": shaped("payable", _payable), "recurring_payment": shaped("recurring_payment", _recurring)}
    | TERMS
    | same("created_at updated_at deleted_at"),
    row="id invoice_no subject status client company due_date total due_amount currency deleted_at",
    drops=NOISE,
    dates=STAMPS
    | NOTES
    | {"issue_date": "Y-m-d", "due_date": "Y-m-d", "recurring_payment.recurring_until": "Y-m-d"}
    | {"activities.created_at": "iso"},
)


def _offered(row: JsonObject, record: JsonObject) -> JsonObject:
    """A line of either read with the names of quotation.update; the title is told where it says something else."""
    texts = [text for name in ("name", "title", "description") if (text := row.get(name))]
    about = texts[-1] if texts else None
    shown: JsonObject = {
        "title": texts[0] if texts and texts[0] != about else None,
        "description": about,
        "quantity": number(row.get("qty", row.get("quantity"))),
        "unit_price": amount(row.get("rate", row.get("price")), record.get("currency")),
    }
    known = {"id", "name", "title", "description", "qty", "quantity", "rate", "price"}
    return shown | {name: value for name, value in row.items() if name not in known}


def _taxes(record: JsonObject) -> object:
    """A list in lists; unknown in the single read (contract schema quotation_detail)."""
    return each("tax", _tax).make(record) if isinstance(record.get("tax"), list) else record.get("tax")


def _in_advance(record: JsonObject) -> object:
    """An amount or, as its type says, a percentage; none where it is 0."""
    value, kind = number(record.get("up_payment_amount")), record.get("up_payment_type")
    if kind == "percentage" and isinstance(value, int | float):
        return f"{value}%" if value else None
    return amount(value, record.get("currency")) if value else None


QUOTATION = declare.of(
    same("id quotation_no subject status")
    | {"client": either(person("contacts", "contact_id"), person("contact", "contact_id"))}
    | COMPANY
    | same("expire_date")
    | {"items": each("items", _offered)}
    | {
        "subtotal": either(money("subtotal")["subtotal"], money("sub_total")["sub_total"]),
        "discount": discount(),
        "tax": Part(("tax",), _taxes),
    }
    | money("total")
    | {"currency": currency("total", "subtotal", "sub_total")}
    | same("up_payment_status")
    | {
        "up_payment_amount": Part(("up_payment_amount", "up_payment_type"), _in_advance),
        "turnaround_times": Part(
            ("turnaround_times",), lambda record: number(record.get("turnaround_times"))
        ),
        "note": either(first("note"), inner("currentNote", "note")),
        "terms_condition": either(first("terms_condition"), inner("currentNote", "term")),
    }
    | same("template")
    | TERMS
    | same("created_at updated_at deleted_at"),
    row="id quotation_no subject status client company expire_date total currency deleted_at",
    drops=f"{NOISE} uuid",
    dates=STAMPS
    | NOTES
    | {"expire_date": "Y-m-d", "activities.created_at": "iso", "activities.updated_at": "iso"},
    labels={"up_payment_status": {0: "off", 1: "on"}},
)

VIEWS = {
    "invoice.list invoice.get invoice.create invoice.update quotation.convert_to_invoice": INVOICE,
    "quotation.list quotation.get quotation.create quotation.update": QUOTATION,
}
