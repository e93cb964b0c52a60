"""Invoice endpoints (contract: invoice.*). Amounts are stored in currency units."""

from __future__ import annotations

import json
from typing import Any, cast

from taskip_mcp.sandbox import pdf, shapes
from taskip_mcp.sandbox.groups import companies, contacts
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.rules import Fields, forbidden, invalid, missing
from taskip_mcp.sandbox.store import Row, Store

CREATE = {
    "invoice_no": "required|string|max:191",
    "contact_id": "required|integer|exists:contact",
    "project_id": "string",
    "subject": "required|string|max:191",
    "issue_date": "date",
    "due_date": "date",
    "currency": "required|string|min:3|max:3",
    "subtotal": "integer",
    "discount": "numeric",
    "discount_type": "in:percent,fixed",
    "total": "integer",
    "items": "string",
    "logo": "integer",
    "signature": "integer",
    "terms": "string",
    "status": "in:draft,publish",
}
UPDATE = {
    "id": "required|integer|exists:invoice",
    "invoice_no": "string|max:191",
    "contacts": "integer|exists:contact",
    "payment_gateway": "string|max:191",
    "template": "integer",
    "subject": "string|max:191",
    "issue_date": "date",
    "due_date": "date",
    "currency": "string",
    "items": "array",
    "items.*.name": "required|string",
    "items.*.qty": "required|numeric",
    "items.*.rate": "required|numeric",
    "subtotal": "numeric",
    "discount": "numeric",
    "discount_type": "in:percent,fixed",
    "tax": "array",
    "total": "numeric",
    "notes": "array",
    "recurring_payment": "object",
    "payable": "object",
}
TAXES = {1: {"id": 1, "name": "VAT", "rate": 20}, 2: {"id": 2, "name": "Reduced VAT", "rate": 7}}
STATUSES = "draft,sent,paid,overdue,cancelled"
NO_RECURRENCE = {"is_payment_reccuring": False, "payment_recurring_type": None, "recurring_until": None}
FULL = {"payable_amount": None, "payable_amount_type": None, "payment_type": "full-amount"}


def paid(row: Row) -> float:
    """What was paid so far."""
    return round(sum(float(each["amount"]) for each in shapes.rows(row, "payments")), 2)


def due(row: Row) -> float:
    """What is still open."""
    return round(float(row.get("total") or 0) - paid(row), 2)


def present(store: Store, row: Row) -> Row:
    """The documented invoice record, in lists and alone."""
    contact = store.get("contact", row["contact_id"]) if row.get("contact_id") else None
    person = shapes.user_ref(store.get("team_member", 1)) or {}
    author = {"id": person.get("id"), "name": person.get("name")}
    fields = ("id", "invoice_no", "contact_id", "subject", "issue_date", "due_date", "currency", "status")
    return shapes.select(row, *fields) | {
        "generatedId": row["invoice_no"],
        "slug": row["uuid"],
        "folder": None,
        "company": companies.brief(store, contact["company_id"] if contact else None),
        "contacts": contacts.brief(store, row.get("contact_id")),
        "subtotal": row.get("subtotal") or 0,
        "tax": _taxes(row),
        "currentNote": {"id": row["invoice_no"], "note": "", "term": row.get("terms") or ""},
        "notes": row.get("notes") or [],
        "total": row.get("total") or 0,
        "partial_paid_amount": paid(row),
        "due_amount": due(row),
        "items": row.get("items") or [],
        "logo": None,
        "signature": None,
        "discount": row.get("discount") or 0,
        "discount_type": row.get("discount_type") or "fixed",
        "template": row.get("template") or 1,
        "payment_gateway": row.get("payment_gateway") or "manual",
        "payment_infos": [],
        "publish": row["status"] != "draft",
        "deleted_at": None,
        "activities": _activities(row),
        "reminders": {"enabled": True, "days_before": [3, 1], "template": "reminder"},
        "payable": row.get("payable") or FULL,
        "recurring_payment": row.get("recurring_payment") or NO_RECURRENCE,
        "created_by": author,
        "updated_by": author,
        "created_at": shapes.iso(row["created_at"]),
        "updated_at": shapes.iso(row["updated_at"]),
    }


def _taxes(row: Row) -> list[Row]:
    base = float(row.get("subtotal") or 0)
    found = [TAXES[number] for number in shapes.numbers(row, "tax") if number in TAXES]
    return [tax | {"amount": round(base * float(cast("int", tax["rate"])) / 100, 2)} for tax in found]


def _activities(row: Row) -> list[Row]:
    payments = shapes.rows(row, "payments")
    return [
        {"id": index, "action": "payment", "amount": each["amount"], "created_at": shapes.iso(each["at"])}
        for index, each in enumerate(payments, 1)
    ]


@route("GET /invoice")
def index(call: Call) -> Row:
    """A Laravel page with a message about team members (contract quirk 26)."""
    rows = shapes.matching(
        [row | {"client": _client(call.store, row)} for row in call.store.rows("invoice")],
        call.query,
        search=("invoice_no", "client", "subject"),
        equal={"status": "status", "client_id": "contact_id"},
        sort={
            "invoice_number": "invoice_no",
            "amount": "total",
            "date": "issue_date",
            "due_date": "due_date",
        },
        dated="issue_date",
    )
    page = call.page(rows, lambda row: present(call.store, row))
    return {"message": "Team members retrieved successfully"} | page


def _client(store: Store, row: Row) -> str:
    contact = contacts.brief(store, row.get("contact_id"))
    return f"{shapes.full_name(contact)} {contact['email']}" if contact else ""


def _refuse_taken(call: Call, number: str, itself: int | None = None) -> None:
    """A duplicate number is a field error here, not a conflict (contract invoice.create)."""
    if any(row["id"] != itself for row in call.store.rows("invoice", invoice_no=number)):
        raise invalid({"invoice_no": ["The invoice no has already been taken."]})


def _lines(text: str | None) -> list[Row]:
    """Items come as a JSON array inside a string."""
    if text is None:
        return []
    try:
        lines: Any = json.loads(text)
    except ValueError:
        lines = None
    if not isinstance(lines, list):
        raise invalid({"items": ["The items must be a valid JSON string."]})
    for index, line in enumerate(cast("list[Row]", lines)):
        if absent := [name for name in ("name", "qty", "rate") if line.get(name) is None]:
            raise invalid({f"items.{index}.{absent[0]}": [f"The {absent[0]} field is required."]})
    return [{"id": place, **line} for place, line in enumerate(cast("list[Row]", lines), 1)]


@route("POST /invoice")
def create(call: Call) -> Answer:
    """201 without an id; amounts arrive in cents."""
    fields = call.valid(CREATE)
    _refuse_taken(call, fields["invoice_no"])
    lines = _lines(fields.get("items"))
    amounts = {
        name: int(fields[name]) / 100 for name in ("subtotal", "total") if fields.get(name) is not None
    }
    status = "draft" if fields.get("status") != "publish" else "sent"
    row = call.store.insert("invoice", fields | amounts | {"items": lines, "status": status, "payments": []})
    return Answer(
        {"msg": "Invoice created successfully", "status": 200, "invoice_no": row["invoice_no"]}, 201
    )


@route("GET /invoice/{id}")
def show(call: Call) -> Row:
    """data alone."""
    return {"data": present(call.store, call.find("invoice", "Invoice"))}


def _editable(row: Row) -> None:
    if row["status"] not in {"draft", "sent"} or paid(row):
        raise forbidden("Only draft and sent invoices without payments can be changed.")


@route("PUT /invoice/{id}")
def update(call: Call) -> Row:
    """A replacement of everything under `invoice`; what is left out is emptied."""
    row = call.find("invoice", "Invoice")
    _editable(row)
    call.body = cast("Fields", call.body.get("invoice") or {})
    fields = call.valid(UPDATE)
    if fields["id"] != row["id"]:
        raise invalid({"invoice.id": ["The selected invoice.id is invalid."]})
    if number := fields.get("invoice_no"):
        _refuse_taken(call, number, row["id"])
    whole = dict.fromkeys(name for name in UPDATE if "." not in name) | fields
    changes = {name: value for name, value in whole.items() if name not in {"id", "contacts"}}
    changes |= {
        "contact_id": fields.get("contacts"),
        "invoice_no": fields.get("invoice_no") or row["invoice_no"],
    }
    if changes.get("items"):
        changes["items"] = [
            line | {"id": place} for place, line in enumerate(shapes.rows(changes, "items"), 1)
        ]
    call.store.update("invoice", row["id"], changes)
    return {"msg": "Invoice updated successfully"}


@route("DELETE /invoice/{id}")
def destroy(call: Call) -> Row:
    """Not once it is paid, wholly or in part."""
    row = call.find("invoice", "Invoice")
    _editable(row)
    call.store.delete("invoice", row["id"])
    return {"msg": "Invoice deleted successfully", "status": 200}


def _mail(call: Call, row: Row, to: str | None = None, subject: str | None = None) -> None:
    contact = contacts.brief(call.store, row.get("contact_id"))
    address = to or (contact or {}).get("email")
    words = subject or f"Invoice {row['invoice_no']}"
    call.store.insert("mail", {"to": address, "subject": words, "invoice_id": row["id"]})
    if row["status"] == "draft":
        call.store.update("invoice", row["id"], {"status": "sent"})


@route("reference POST /invoice/{id}/send-to-client", "guide POST /invoice/sent/{id}")
def send(call: Call) -> Row:
    """Mails the client, or the override."""
    row = call.find("invoice", "Invoice")
    fields = call.valid(
        {
            "email": "email",
            "subject": "string",
            "message": "string",
            "template": "in:default,reminder,overdue",
            "attach_pdf": "boolean",
            "send_copy_to_self": "boolean",
        }
    )
    _mail(call, row, fields.get("email"), fields.get("subject"))
    return {"msg": "Invoice sent successfully"}


def _pay(call: Call, row: Row, amount: float, method: str) -> Row:
    """Record a payment; the invoice is paid once nothing is due."""
    made: Row = {"amount": amount, "method": method, "at": call.now.isoformat()}
    payments = [*shapes.rows(row, "payments"), made]
    open_ = due(row | {"payments": payments})
    status = "paid" if open_ <= 0 else row["status"]
    return call.store.update("invoice", row["id"], {"payments": payments, "status": status})


@route("POST /invoice/{id}/status-update")
def set_status(call: Call) -> Answer:
    """201 with the figures; a failure is a bare JSON string."""
    row = call.find("invoice", "Invoice")
    fields = call.valid(
        {
            "status": f"required|in:{STATUSES}",
            "payment_date": "required_if:status,paid|date",
            "payment_method": "required_if:status,paid|string",
            "payment_amount": "numeric",
            "notes": "string",
        }
    )
    if row["status"] == "paid" and fields["status"] != "paid":
        return Answer("A paid invoice cannot change its status.")
    if fields["status"] == "paid":
        row = _pay(call, row, float(fields.get("payment_amount") or due(row)), fields["payment_method"])
    else:
        row = call.store.update("invoice", row["id"], {"status": fields["status"]})
    figures = {"partial_paid_amount": paid(row), "due_amount": due(row), "activities": _activities(row)}
    return Answer({"message": "Invoice status updated successfully"} | figures, 201)


@route("reference GET /invoice/{id}/download-pdf", "guide GET /invoice/{id}/download")
def download(call: Call) -> Answer:
    """A PDF named after the invoice number."""
    row = present(call.store, call.find("invoice", "Invoice"))
    lines = [f"{each['qty']} x {each['name']}: {each['rate']} {row['currency']}" for each in row["items"]]
    client: Row = row["contacts"] or {}
    head = [f"To: {shapes.full_name(client)} {client.get('email', '')}", f"Due: {row['due_date']}", ""]
    foot = ["", f"Total: {row['total']} {row['currency']}", f"Open: {row['due_amount']} {row['currency']}"]
    content = pdf.make(f"Invoice {row['invoice_no']}", [*head, *lines, *foot])
    return Answer(content, content_type="application/pdf", filename=f"{row['invoice_no']}.pdf")


@route("POST /invoice/{id}/payment-gateway")
def gateway(call: Call) -> Row:
    """One of the known gateways."""
    row = call.find("invoice", "Invoice")
    rule = "required|in:stripe,paypal,razor,manual,mollie,xendit,fastspring"
    call.store.update("invoice", row["id"], call.valid({"payment_gateway": rule}))
    return {"msg": "Payment gateway updated successfully"}


@route("reference POST /invoice/{id}/recurring-setup", "guide POST /invoice/{id}/recurring")
def recurring(call: Call) -> Row:
    """Written under other names than those of the read block."""
    row = call.find("invoice", "Invoice")
    fields = call.valid(
        {
            "is_recurring": "required|boolean",
            "frequency": "in:weekly,monthly,quarterly,yearly",
            "interval": "integer",
            "end_date": "date",
            "max_cycles": "integer",
        }
    )
    block = {
        "is_payment_reccuring": bool(fields["is_recurring"]),
        "payment_recurring_type": fields.get("frequency"),
        "recurring_until": fields.get("end_date"),
    }
    call.store.update("invoice", row["id"], {"recurring_payment": block})
    return {"msg": "Recurring setup saved successfully"}


@route("POST /invoice/bulk-actions")
def bulk(call: Call) -> Row:
    """delete, send, mark_sent, mark_paid; all or nothing."""
    rules = {
        "ids": "required|array",
        "ids.*": "integer",
        "action": "required|in:delete,send,mark_sent,mark_paid",
    }
    fields = call.valid(rules)
    data = cast("Row", call.body.get("data") or {})
    for number in fields["ids"]:
        row = call.store.get("invoice", number)
        if row is None:
            raise missing("Invoice", number)
        match fields["action"]:
            case "delete":
                _editable(row)
                call.store.delete("invoice", number)
            case "send":
                _mail(call, row)
            case "mark_sent":
                call.store.update("invoice", number, {"status": "sent"})
            case _:
                _pay(call, row, due(row), str(data.get("payment_method") or "manual"))
    return {"msg": "Bulk action completed successfully"}
