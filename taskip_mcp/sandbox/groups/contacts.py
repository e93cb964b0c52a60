"""Contact endpoints (contract: contact.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.groups.companies import COUNTRIES
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.store import Row, Store

RULES = {
    "first_name": "required|string|max:191",
    "last_name": "string|max:191",
    "email": "required|email|unique:contact",
    "phone_code": "string|max:5",
    "phone_number": "string|max:18",
    "company_id": "integer|exists:company",
    "position": "string",
    "country_id": "integer",
    "state_id": "integer",
    "city_id": "integer",
    "address": "string",
    "zip_code": "string|max:8",
    "timezone": "string",
    "image": "integer",
    "access_portal": "integer|in:0,1",
    "password": "required_if:access_portal,1|string|min:6|max:191",
    "custom_fields": "object",
    "invite_client": "boolean",
    "details": "string",
}
PARTIAL = {name: line.replace("required|", "") for name, line in RULES.items()}
HIDDEN = ("password", "invite_client")
BILLING = (
    "billing_address",
    "billing_city",
    "billing_state",
    "billing_country",
    "billing_zip",
    "billing_phone",
)


def present(store: Store, row: Row) -> Row:
    """The documented contact record of list and single read."""
    company = store.get("company", row["company_id"]) if row.get("company_id") else None
    fields = (
        "id", "user_id", "company_id", "first_name", "last_name", "email", "position", "phone_number", "country_id",
        "state_id", "city_id", "address", "zip_code", "timezone", "details", "reference",
    )  # fmt: skip
    stamps = {"created_at": shapes.iso(row["created_at"]), "updated_at": shapes.iso(row["updated_at"])}
    billing = dict.fromkeys(BILLING) | {"id": row["id"], "contact_id": row["id"], "tax_number": None}
    return shapes.select(row, *fields) | {
        "company": company and shapes.select(company, "id", "name", "email", domain="website"),
        "full_name": shapes.full_name(row),
        "country": COUNTRIES.get(row.get("country_id") or 0),
        "state": None,
        "city": row.get("city"),
        "reference_name": None,
        "access_portal": row.get("access_portal") or 0,
        "billings": billing | stamps,
        "languages": [{"id": 1, "code": "en", "name": "English", "is_default": True}],
        "image": None,
        "custom_fields": row.get("custom_fields") or {},
    }


def brief(store: Store, number: int | None) -> Row | None:
    """``{id, first_name, last_name, email}`` as invoices and quotations show it."""
    row = store.get("contact", number) if number else None
    return shapes.select(row, "id", "first_name", "last_name", "email") if row else None


@route("GET /contact")
def index(call: Call) -> Row:
    """No counters: meta holds the search text alone."""
    rows = shapes.matching(
        [row | {"full_name": shapes.full_name(row)} for row in call.store.rows("contact")],
        call.query,
        search=("full_name", "email"),
        sort={"name": "full_name", "email": "email", "created_at": "created_at"},
    )
    return {
        "message": "Contacts retrieved successfully",
        "data": call.plain(rows, lambda row: present(call.store, row)),
        "meta": {"search": call.query.get("search")},
    }


@route("POST /contact")
def store(call: Call) -> Answer:
    """201; the record lacks details and carries its times."""
    fields = call.valid(RULES)
    row = call.store.insert("contact", _kept(fields))
    if fields.get("invite_client"):
        _invite(call, row)
    stamps = {"created_at": shapes.iso(row["created_at"]), "updated_at": shapes.iso(row["updated_at"])}
    record = {
        name: value
        for name, value in present(call.store, row).items()
        if name not in {"details", "reference"}
    }
    return Answer({"success": True, "data": record | stamps, "message": "Contact created successfully"}, 201)


@route("GET /contact/{id}")
def show(call: Call) -> Row:
    """success and data, no message."""
    return {"success": True, "data": present(call.store, call.find("contact", "Contact"))}


@route("PUT /contact/{id}")
def update(call: Call) -> Row:
    """Partial."""
    row = call.find("contact", "Contact")
    fields = call.valid(PARTIAL, itself=row["id"])
    changed = call.store.update("contact", row["id"], _kept(fields))
    if fields.get("invite_client"):
        _invite(call, changed)
    return {"msg": "Contact updated successfully"}


@route("DELETE /contact/{id}")
def destroy(call: Call) -> Row:
    """For good."""
    call.store.delete("contact", call.find("contact", "Contact")["id"])
    return {"msg": "Contact deleted successfully"}


@route("POST /contact/bulk-delete")
def bulk_delete(call: Call) -> Row:
    """Unknown ids are passed over: the answer does not tell what became of each."""
    ids = call.valid({"contact_ids": "required|array", "contact_ids.*": "integer"})["contact_ids"]
    for number in ids:
        if call.store.get("contact", number):
            call.store.delete("contact", number)
    return {"msg": "Contacts deleted successfully"}


@route("reference POST /contact/invite-client", "guide POST /contact/invite-client/{id}")
def invite(call: Call) -> Row:
    """The reference route has no place for the contact but the body."""
    rules = {"message": "string", "send_email": "boolean", "access_level": "in:basic,standard,premium"}
    if call.docs == "reference":
        rules["contact_id"] = "required|integer|exists:contact"
    fields = call.valid(rules)
    row = call.find("contact", "Contact", fields.get("contact_id"))
    _invite(call, row, mail=fields.get("send_email") not in {False, "0"})
    return {"msg": "Invitation sent successfully"}


def _kept(fields: Row) -> Row:
    return {name: value for name, value in fields.items() if name not in HIDDEN}


def _invite(call: Call, row: Row, *, mail: bool = True) -> None:
    call.store.update("contact", row["id"], {"access_portal": 1})
    if not mail:
        return
    call.store.insert("mail", {"to": row["email"], "subject": "You are invited to the client portal"})
