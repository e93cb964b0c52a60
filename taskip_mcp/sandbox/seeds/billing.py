"""Invoices 1-60 over a year in every status, quotations 1-12, documents 1-10."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from taskip_mcp.sandbox.store import Store

WORK = (
    ("Website maintenance", 480.0),
    ("Brand workshop", 1850.0),
    ("Landing page", 2400.0),
    ("Product photography", 1320.0),
    ("Search campaign", 960.0),
    ("App sprint", 6400.0),
    ("Content package", 740.0),
    ("Server hosting", 120.0),
)
CURRENCIES = ("EUR", "EUR", "USD", "GBP")
QUOTATIONS = (
    ("Online shop redesign", 18400.0, "sent"),
    ("Annual report layout", 5200.0, "draft"),
    ("Customer portal phase two", 27500.0, "accepted"),
    ("Trade fair stand graphics", 3900.0, "rejected"),
    ("Newsletter automation", 2250.0, "expired"),
    ("Patient information films", 9800.0, "sent"),
    ("Booking form rebuild", 7600.0, "accepted"),
    ("E-learning pilot", 12300.0, "draft"),
    ("Client intake forms", 1900.0, "sent"),
    ("Packaging refresh", 4450.0, "expired"),
    ("Route map microsite", 6100.0, "rejected"),
    ("Data room interface", 15200.0, "sent"),
)
DOCUMENTS = (
    ("Brand guidelines", 1, "Logo, colours and typefaces of the agency."),
    ("Client onboarding checklist", 1, "Access, contacts, first meeting, kick-off."),
    ("Retainer agreement template", 0, "Scope, hours, notice period, payment terms."),
    ("Privacy policy", 2, "How the agency handles personal data."),
    ("Incident playbook", 1, "Who is called, in which order, when a site is down."),
    ("Rate card", 0, "Rates by role and by region."),
    ("Case study Kestrel Health", 2, "A booking app for four clinics."),
    ("Meeting notes template", 1, "Agenda, decisions, next steps."),
    ("Hosting overview", 1, "Servers, owners, renewal dates."),
    ("Press kit", 2, "Portraits, logos, boilerplate."),
)


def seed(store: Store) -> None:
    """Fill invoices, quotations and documents."""
    for index in range(60):
        _invoice(store, index)
    for index, (subject, price, status) in enumerate(QUOTATIONS):
        _quotation(store, index, subject, price, status)
    for index, (name, visibility, text) in enumerate(DOCUMENTS):
        stamp = (store.now - timedelta(days=250 - index * 20)).isoformat()
        fields = {"name": name, "visibility": visibility, "text": text, "owner_id": 1 + index % 4}
        store.insert("document", fields | {"created_at": stamp})


def _status(index: int, age: int) -> str:
    """Old ones are paid, a few cancelled or overdue; the newest are sent or drafts."""
    if index % 17 == 11:
        return "cancelled"
    if age > 75:
        return "overdue" if index % 13 == 5 else "paid"
    if age > 32:
        return "overdue" if index % 3 == 0 else "paid"
    return ("sent", "draft", "sent", "paid")[index % 4]


def _invoice(store: Store, index: int) -> None:
    age = 360 - index * 6
    issued = store.now - timedelta(days=age)
    first, second = WORK[index % 8], WORK[(index * 3 + 1) % 8]
    items: list[dict[str, Any]] = [
        {"id": 1, "name": first[0], "qty": 1 + index % 3, "rate": first[1], "label": "unit"},
        {"id": 2, "name": second[0], "qty": 1, "rate": second[1], "label": "unit"},
    ]
    total = round(sum(item["qty"] * item["rate"] for item in items), 2)
    status = _status(index, age)
    store.insert(
        "invoice",
        {
            "invoice_no": f"INV-{index + 1:03d}",
            "contact_id": (index * 7) % 36 + 1,
            "subject": first[0],
            "issue_date": issued.date().isoformat(),
            "due_date": (issued + timedelta(days=30)).date().isoformat(),
            "currency": CURRENCIES[index % 4],
            "subtotal": total,
            "discount": 0,
            "discount_type": "fixed",
            "total": total,
            "items": items,
            "tax": [],
            "notes": [],
            "status": status,
            "payments": _payments(index, status, total, (issued + timedelta(days=21)).isoformat()),
            "payment_gateway": "stripe" if index % 2 else "manual",
            "terms": "Payable within 30 days.",
            "created_at": issued.isoformat(),
        },
    )


def _payments(index: int, status: str, total: float, at: str) -> list[dict[str, Any]]:
    """In full when paid; a third now and then when overdue."""
    if status == "paid":
        return [{"amount": total, "method": "bank_transfer", "at": at}]
    if status == "overdue" and index % 2 == 0:
        return [{"amount": round(total / 3, 2), "method": "credit_card", "at": at}]
    return []


def _quotation(store: Store, index: int, subject: str, price: float, status: str) -> None:
    created = store.now - timedelta(days=130 - index * 10)
    items = [
        {"description": subject, "quantity": 1, "unit_price": price},
        {"description": "Project management", "quantity": 4 + index, "unit_price": 95.0},
    ]
    store.insert(
        "quotation",
        {
            "estimate_no": f"QUO-{index + 1:03d}",
            "contact_id": (index * 3) % 36 + 1,
            "subject": subject,
            "currency": "EUR",
            "status": status,
            "items": items,
            "expire_date": (created + timedelta(days=45)).date().isoformat(),
            "turnaround_times": str(14 + index),
            "note": "",
            "terms_condition": "Valid for 45 days.",
            "created_at": created.isoformat(),
        },
    )
