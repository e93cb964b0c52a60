"""Company endpoints (contract: company.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.groups import projects
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.store import Row, Store

RULES = {
    "name": "required|string|max:191",
    "email": "required|email|unique:company",
    "phone_number": "string",
    "website": "string|max:191",
    "c_size": "integer",
    "c_type": "integer",
    "country_id": "integer",
    "state_id": "integer",
    "city_id": "integer",
    "address": "string",
}
SIZES = {1: "1-10", 2: "11-50", 3: "51-200", 4: "201-500"}
TYPES = {
    1: "Agency",
    2: "Retail",
    3: "Manufacturing",
    4: "Health",
    5: "Education",
    6: "Hospitality",
    7: "Technology",
}
COUNTRIES = {
    1: "Germany",
    2: "Sweden",
    3: "United Kingdom",
    4: "United States",
    5: "Spain",
    6: "Japan",
    7: "Kenya",
}


def present(row: Row) -> Row:
    """The documented company record."""
    fields = (
        "id",
        "name",
        "email",
        "phone_number",
        "website",
        "c_size",
        "c_type",
        "country_id",
        "city_id",
        "state_id",
    )
    return shapes.select(row, *fields, "address") | {
        "size": SIZES.get(row.get("c_size") or 0),
        "type": TYPES.get(row.get("c_type") or 0),
        "country": COUNTRIES.get(row.get("country_id") or 0),
        "state": None,
        "city": row.get("city"),
        "created_at": shapes.iso(row["created_at"]),
        "image": row.get("image"),
    }


def brief(store: Store, number: int | None) -> Row | None:
    """``{id, name, email}`` as invoices and deals show it."""
    row = store.get("company", number) if number else None
    return shapes.select(row, "id", "name", "email") if row else None


@route("GET /company")
def index(call: Call) -> Row:
    """A Laravel page."""
    rows = shapes.matching(
        call.store.rows("company"),
        call.query,
        search=("name", "website"),
        sort={"name": "name", "domain": "website", "created_at": "created_at"},
    )
    return {"message": "Companies retrieved successfully"} | call.page(rows, present)


@route("POST /company")
def store(call: Call) -> Answer:
    """201 with the record under data."""
    row = call.store.insert("company", call.valid(RULES))
    return Answer({"msg": "Company created successfully", "data": present(row)}, 201)


@route("GET /company/{id}")
def show(call: Call) -> Row:
    """The message claims a creation (contract quirk 26)."""
    return {"msg": "Company created successfully", "data": present(call.find("company", "Company"))}


@route("PUT /company/{id}")
def update(call: Call) -> Row:
    """A replacement: what is left out is emptied; name and email are required."""
    row = call.find("company", "Company")
    fields = call.valid(RULES, itself=row["id"])
    call.store.update("company", row["id"], dict.fromkeys(RULES) | fields)
    return {"msg": "Company updated successfully"}


def remove(call: Call, row: Row) -> None:
    """Delete a company with its contacts and projects."""
    contacts = [contact["id"] for contact in call.store.rows("contact", company_id=row["id"])]
    for number in contacts:
        call.store.delete("contact", number)
    for project in call.store.rows("project"):
        if set(contacts) & set(project.get("client") or []):
            projects.remove(call.store, project)
    call.store.delete("company", row["id"])


@route("DELETE /company/{id}")
def destroy(call: Call) -> Answer:
    """204; contacts and projects go along."""
    remove(call, call.find("company", "Company"))
    return Answer(None, 204)


@route("POST /company/bulk-delete")
def bulk_delete(call: Call) -> Answer:
    """202; every id must exist."""
    ids = call.valid({"ids": "required|array", "ids.*": "integer|exists:company"})["ids"]
    for number in dict.fromkeys(ids):
        remove(call, call.find("company", "Company", number))
    return Answer({"msg": "Companies deleted successfully"}, 202)
