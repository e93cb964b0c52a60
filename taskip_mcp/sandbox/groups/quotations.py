"""Quotation endpoints (contract: quotation.*): one record, three layouts."""

from __future__ import annotations

from typing import cast

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.groups import companies, contacts
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.rules import conflict, invalid, missing
from taskip_mcp.sandbox.store import Row, Store

RULES = {
    "estimate_no": "string|max:191",
    "contact_id": "required|integer|exists:contact",
    "folder_id": "integer",
    "subject": "required|string|max:191",
    "up_payment_status": "integer|in:0,1",
    "up_payment_amount": "numeric",
    "up_payment_type": "string",
    "turnaround_times": "string",
    "expire_date": "date",
    "currency": "string|min:3|max:3",
    "status": "string",
    "note": "string",
    "terms_condition": "string",
    "items": "required|array",
    "items.*.description": "required|string",
    "items.*.quantity": "required|numeric",
    "items.*.unit_price": "required|numeric",
}
PARTIAL = {name: line if "." in name else line.replace("required|", "") for name, line in RULES.items()}
STATUSES = "draft,sent,accepted,rejected,expired"


def total(row: Row) -> float:
    """The sum of the items."""
    return round(sum(float(item["quantity"]) * float(item["unit_price"]) for item in row["items"]), 2)


def _shared(store: Store, row: Row) -> Row:
    contact = store.get("contact", row["contact_id"])
    fields = ("id", "contact_id", "subject", "up_payment_type", "expire_date", "status", "currency")
    return shapes.select(row, *fields, quotation_no="estimate_no", generatedId="estimate_no") | {
        "company": companies.brief(store, contact["company_id"] if contact else None),
        "up_payment_amount": f"{float(row.get('up_payment_amount') or 0):.2f}",
    }


def listed(store: Store, row: Row) -> Row:
    """The list's layout: numbers, name/qty/rate/label."""
    person = {"id": 1, "name": "Alex Morgan"}
    items = [
        {
            "id": place,
            "name": item["description"],
            "qty": item["quantity"],
            "rate": item["unit_price"],
            "label": "item",
        }
        for place, item in enumerate(row["items"], 1)
    ]
    days = str(row.get("turnaround_times") or "")
    none: list[Row] = []
    return _shared(store, row) | {
        "slug": row["uuid"],
        "folder_id": str(row.get("folder_id") or ""),
        "folder": None,
        "contacts": contacts.brief(store, row["contact_id"]),
        "up_payment_status": bool(row.get("up_payment_status")),
        "turnaround_times": int(days) if days.isdigit() else 0,
        "subtotal": total(row),
        "tax": none,
        "currentNote": {
            "id": row["estimate_no"],
            "note": row.get("note") or "",
            "term": row.get("terms_condition") or "",
        },
        "notes": none,
        "total": total(row),
        "items": items,
        "logo": None,
        "signature": None,
        "discount": 0,
        "discount_type": "fixed",
        "template": 1,
        "publish": row["status"] != "draft",
        "activities": none,
        "reminders": {"enabled": False, "days_before": none, "template": "default"},
        "created_by": person,
        "updated_by": person,
        "created_at": shapes.iso(row["created_at"]),
        "updated_at": shapes.iso(row["updated_at"]),
        "deleted_at": None,
    }


def alone(store: Store, row: Row) -> Row:
    """The single read's layout: text instead of numbers, title/description/quantity/price, class names."""
    contact = contacts.brief(store, row["contact_id"]) or {}
    items = [
        {
            "id": place,
            "title": item["description"],
            "description": item["description"],
            "quantity": f"{float(item['quantity']):.2f}",
            "price": f"{float(item['unit_price']):.2f}",
        }
        for place, item in enumerate(row["items"], 1)
    ]
    activity: Row = {
        "id": row["id"],
        "log_name": "quotation",
        "description": "created",
        "subject_id": row["id"],
        "subject_type": "App\\Models\\Quotation",
        "causer_id": 1,
        "causer_type": "App\\Models\\User",
        "properties": {},
        "created_at": shapes.iso(row["created_at"]),
        "updated_at": shapes.iso(row["created_at"]),
    }
    return _shared(store, row) | shapes.select(row, "uuid", "note", "terms_condition", "folder_id") | {
        "up_payment_status": int(row.get("up_payment_status") or 0),
        "turnaround_times": str(row.get("turnaround_times") or ""),
        "total": f"{total(row):.2f}",
        "sub_total": f"{total(row):.2f}",
        "tax": None,
        "discount": None,
        "created_at": shapes.iso(row["created_at"]),
        "updated_at": shapes.iso(row["updated_at"]),
        "contact": contact | {"phone": None},
        "folder": None,
        "items": items,
        "activities": [activity],
    }  # fmt: skip


@route("GET /quotation")
def index(call: Call) -> Row:
    """A Laravel page without a message."""
    rows = shapes.matching(
        [
            row
            | {
                "client": shapes.full_name(contacts.brief(call.store, row["contact_id"]) or {}),
                "total": total(row),
            }
            for row in call.store.rows("quotation")
        ],
        call.query,
        search=("estimate_no", "client", "subject"),
        equal={"status": "status", "client_id": "contact_id"},
        sort={"quotation_number": "estimate_no", "total_amount": "total", "created_at": "created_at"},
    )
    return call.page(rows, lambda row: listed(call.store, row), search=call.query.get("search"))


@route("POST /quotation")
def create(call: Call) -> Answer:
    """201 with a message alone: neither id nor number."""
    fields = call.valid(RULES)
    number = f"QUO-{len(call.store.rows('quotation')) + 1:03d}"
    call.store.insert("quotation", {"estimate_no": number, "currency": "USD", "status": "draft"} | fields)
    return Answer({"msg": "Quotation created successfully"}, 201)


@route("GET /quotation/{id}")
def show(call: Call) -> Row:
    """A bare record."""
    return alone(call.store, call.find("quotation", "Quotation"))


@route("PUT /quotation/{id}")
def update(call: Call) -> Row:
    """Partial; not once the client has decided."""
    row = call.find("quotation", "Quotation")
    if row["status"] in {"accepted", "rejected"}:
        raise conflict("A decided quotation cannot be changed.")
    call.store.update("quotation", row["id"], call.valid(PARTIAL))
    return {"msg": "Quotation updated successfully"}


@route("DELETE /quotation/{id}")
def destroy(call: Call) -> Row:
    """For good."""
    call.store.delete("quotation", call.find("quotation", "Quotation")["id"])
    return {"msg": "Quotation deleted successfully"}


@route("POST /quotation/{id}/convert-to-invoice")
def convert(call: Call) -> Row:
    """Only an accepted one; the answer does not name the invoice."""
    row = call.find("quotation", "Quotation")
    fields = call.valid({"due_date": "required|date", "payment_terms": "string"})
    if row["status"] != "accepted":
        raise conflict("Only an accepted quotation can be converted.")
    numbers = [
        int(str(each["invoice_no"]).rpartition("-")[2])
        for each in call.store.rows("invoice")
        if _counted(each)
    ]
    invoice = {
        "invoice_no": f"INV-{max(numbers, default=0) + 1:03d}",
        "contact_id": row["contact_id"],
        "subject": row["subject"],
        "issue_date": call.now.date().isoformat(),
        "due_date": fields["due_date"],
        "currency": row["currency"],
        "subtotal": total(row),
        "total": total(row),
        "items": [
            {"id": place, "name": item["description"], "qty": item["quantity"], "rate": item["unit_price"]}
            for place, item in enumerate(row["items"], 1)
        ],
        "status": "draft",
        "payments": [],
    }
    call.store.insert("invoice", invoice)
    return {"msg": "Quotation converted to invoice successfully"}


def _counted(invoice: Row) -> bool:
    return str(invoice["invoice_no"]).rpartition("-")[2].isdigit()


def _mail(call: Call, row: Row, to: str | None = None, copies: list[str] | None = None) -> list[str]:
    contact = contacts.brief(call.store, row["contact_id"]) or {}
    addresses = [to or str(contact.get("email")), *(copies or [])]
    for address in addresses:
        call.store.insert("mail", {"to": address, "subject": f"Quotation {row['estimate_no']}"})
    if row["status"] == "draft":
        call.store.update("quotation", row["id"], {"status": "sent"})
    return addresses


@route("POST /quotation/{id}/send-to-client")
def send(call: Call) -> Row:
    """Mails the client and the copies."""
    row = call.find("quotation", "Quotation")
    fields = call.valid(
        {
            "email_template": "string",
            "custom_message": "string",
            "cc_emails": "array",
            "cc_emails.*": "email",
            "send_copy_to_self": "boolean",
        }
    )
    _mail(call, row, copies=fields.get("cc_emails"))
    return {"msg": "Quotation sent successfully"}


@route("guide POST /quotation/sent/{id}")
def send_limited(call: Call) -> Row:
    """The second sender: ten a minute, fields and answer of its own."""
    row = call.find("quotation", "Quotation")
    fields = call.valid(
        {
            "recipient_email": "email",
            "custom_message": "string",
            "cc_emails": "array",
            "cc_emails.*": "email",
            "attach_pdf": "boolean",
        }
    )
    addresses = _mail(call, row, fields.get("recipient_email"), fields.get("cc_emails"))
    data = {
        "quotation_id": row["id"],
        "sent_to": addresses[0],
        "cc_emails": addresses[1:],
        "sent_at": shapes.iso(call.now),
        "email_tracking_id": f"trk-{row['uuid']}",
    }
    return {"success": True, "message": "Quotation sent successfully", "data": data}


def _set_status(call: Call, row: Row, status: str) -> None:
    if row["status"] in {"accepted", "rejected"} and status != row["status"]:
        raise conflict(f"A quotation that is {row['status']} cannot become {status}.")
    call.store.update("quotation", row["id"], {"status": status})


@route("POST /quotation/{id}/status-update")
def set_status(call: Call) -> Row:
    """Nothing is mailed."""
    row = call.find("quotation", "Quotation")
    fields = call.valid({"status": f"required|in:{STATUSES}", "reason": "string", "notes": "string"})
    _set_status(call, row, fields["status"])
    return {"msg": "Quotation status updated successfully"}


@route("POST /quotation/bulk-actions")
def bulk(call: Call) -> Row:
    """delete, status_update, send_to_clients; extras under parameters; all or nothing."""
    fields = call.valid(
        {
            "quotation_ids": "required|array",
            "quotation_ids.*": "integer",
            "action": "required|in:delete,status_update,send_to_clients",
        }
    )
    extras = cast("Row", call.body.get("parameters") or {})
    if fields["action"] == "status_update" and extras.get("status") not in STATUSES.split(","):
        raise invalid({"parameters.status": ["The selected parameters.status is invalid."]})
    for number in fields["quotation_ids"]:
        row = call.store.get("quotation", number)
        if row is None:
            raise missing("Quotation", number)
        match fields["action"]:
            case "delete":
                call.store.delete("quotation", number)
            case "status_update":
                _set_status(call, row, extras["status"])
            case _:
                _mail(call, row)
    return {"msg": "Bulk action completed successfully"}
