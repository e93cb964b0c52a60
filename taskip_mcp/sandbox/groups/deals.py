"""Deals, their notes and activities (contract: deal.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.rules import Fields, invalid
from taskip_mcp.sandbox.store import Row

RULES = {
    "deal_name": "required|string",
    "company_id": "required|integer|exists:company",
    "deal_owner_id": "required|integer|exists:team_member",
    "contact_id": "required|integer|exists:contact",
    "deal_stage_id": "required|integer|exists:stage",
    "deal_amount": "required|numeric",
    "closing_date": "required|date",
    "description": "string",
}
PARTIAL = {name: line.replace("required|", "") for name, line in RULES.items()}
STATUSES = "active,won,lost"


def present(call: Call, row: Row, *, listed: bool = False) -> Row:
    """A deal; lists split the contact's name and add status, currency, order, tags and files."""
    company = call.store.get("company", row["company_id"])
    contact = call.store.get("contact", row["contact_id"])
    pipeline = call.store.get("pipeline", row["parent"])
    shown = shapes.select(row, "id", "deal_name", "deal_stage_id", "description") | {
        "company": shapes.select(company, "id", "name", "email") if company else None,
        "contact": shapes.user_ref(contact),
        "deal_amount": f"{float(row['deal_amount']):.2f}",
        "closing_date": shapes.php(row["closing_date"], "d/m/y"),
        "created_at": shapes.php(row["created_at"], "d/m/y"),
        "pipeline_uuid": pipeline["uuid"] if pipeline else None,
        "deal_owner": shapes.user_ref(call.store.get("team_member", row["deal_owner_id"])),
    }
    if not listed:
        return shown
    none: list[Row] = []
    extras = shapes.select(row, "status", "currency", "order") | {
        "documents": none,
        "files": none,
        "tags": none,
    }
    split = shapes.select(contact, "id", "first_name", "last_name", "email") if contact else None
    return shown | extras | {"contact": split}


def _pipeline(call: Call) -> Row:
    return call.find("pipeline", "SalesPipeline", call.params["uuid"])


def _deal(call: Call) -> Row:
    return call.find("deal", "Deal", parent=_pipeline(call)["id"])


def _in_pipeline(call: Call, fields: Fields) -> Fields:
    """A stage must be one of this pipeline's."""
    stage = call.store.get("stage", fields.get("deal_stage_id", 0))
    if "deal_stage_id" in fields and (stage is None or stage["parent"] != _pipeline(call)["id"]):
        raise invalid({"deal_stage_id": ["The selected deal stage id is invalid."]})
    return fields


@route("reference GET /sales-pipeline/{uuid}/deal", "guide GET /sales-pipeline/{uuid}/deals")
def index(call: Call) -> Row:
    """No counters, although page and limit are accepted."""
    rows = call.store.rows("deal", parent=_pipeline(call)["id"])
    low, high = call.query.get("value_min"), call.query.get("value_max")
    rows = [row for row in rows if not low or float(row["deal_amount"]) >= float(low)]
    rows = [row for row in rows if not high or float(row["deal_amount"]) <= float(high)]
    rows = shapes.matching(
        rows,
        call.query,
        search=("deal_name", "description"),
        equal={"stage_id": "deal_stage_id", "status": "status", "contact_id": "contact_id"},
        sort={"title": "deal_name", "value": "deal_amount", "created_at": "created_at"},
    )
    return {
        "msg": "Deals retrieved successfully",
        "data": call.plain(rows, lambda row: present(call, row, listed=True)),
    }


@route("reference POST /sales-pipeline/{uuid}/deal", "guide POST /sales-pipeline/{uuid}/deals")
def create(call: Call) -> Answer:
    """201."""
    pipeline = _pipeline(call)
    fields = {"status": "active", "currency": "EUR", "order": 1} | _in_pipeline(call, call.valid(RULES))
    row = call.store.insert("deal", fields, parent=pipeline["id"])
    return Answer({"msg": "Deal created successfully", "data": present(call, row), "status": 201}, 201)


@route("reference GET /sales-pipeline/{uuid}/deal/{id}", "guide GET /sales-pipeline/{uuid}/deals/{id}")
def show(call: Call) -> Row:
    """msg, data, status."""
    return {"msg": "Deal retrieved successfully", "data": present(call, _deal(call)), "status": 200}


@route("reference PUT /sales-pipeline/{uuid}/deal/{id}", "guide PUT /sales-pipeline/{uuid}/deals/{id}")
def update(call: Call) -> Row:
    """Partial; also the documented way to another stage."""
    row = _deal(call)
    changed = call.store.update("deal", row["id"], _in_pipeline(call, call.valid(PARTIAL)))
    return {"msg": "Deal updated successfully", "data": present(call, changed), "status": 200}


@route("reference DELETE /sales-pipeline/{uuid}/deal/{id}", "guide DELETE /sales-pipeline/{uuid}/deals/{id}")
def destroy(call: Call) -> Row:
    """For good."""
    call.store.delete("deal", _deal(call)["id"])
    return {"msg": "Deal deleted successfully", "status": 200}


@route("reference POST /sales-pipeline/{uuid}/deal/{id}/change-stage")
def change_stage(call: Call) -> Row:
    """A reference row alone; body and answer are those of the neighbours."""
    row = _deal(call)
    fields = _in_pipeline(call, call.valid({"deal_stage_id": "required|integer|exists:stage"}))
    call.store.update("deal", row["id"], fields)
    return {"msg": "Deal stage changed successfully"}


@route(
    "reference POST /sales-pipeline/{uuid}/deal/{id}/add-note",
    "guide POST /sales-pipeline/{uuid}/deal/{id}/note",
)
def add_note(call: Call) -> Answer:
    """201; the note's time lacks the month."""
    row = _deal(call)
    note = call.store.insert("deal_note", call.valid({"description": "required|string"}), parent=row["id"])
    data = shapes.select(note, "id", "description") | {
        "createdBy": shapes.user_ref(call.store.get("team_member", 1)),
        "createdAt": shapes.php(note["created_at"], "D d Y h:iA"),
    }
    return Answer({"msg": "Note added successfully", "data": data}, 201)


@route(
    "reference POST /sales-pipeline/{uuid}/deal/{id}/add-activity",
    "guide POST /sales-pipeline/{uuid}/deal/{id}/activity",
)
def add_activity(call: Call) -> Answer:
    """201; no document names a field, so whatever comes is kept and answered."""
    row = _deal(call)
    if not call.body:
        raise invalid({"description": ["The description field is required."]})
    note = call.store.insert("deal_activity", {"fields": call.body}, parent=row["id"])
    return Answer({"msg": "Activity added successfully", "data": {"id": note["id"], **call.body}}, 201)


@route(
    "reference POST /sales-pipeline/{uuid}/deal/bulk-actions",
    "guide POST /sales-pipeline/{uuid}/deals/bulk-actions/{id}",
)
def bulk(call: Call) -> Row:
    """delete, move_stage, update_status; all ids must be deals of this pipeline. The trailing id is not used."""
    pipeline = _pipeline(call)
    fields = call.valid(
        {
            "deal_ids": "required|array",
            "deal_ids.*": "integer",
            "action": "required|in:delete,move_stage,update_status",
            "stage_id": "required_if:action,move_stage|integer|exists:stage",
            "status": f"required_if:action,update_status|in:{STATUSES}",
        }
    )
    for number in fields["deal_ids"]:
        row = call.find("deal", "Deal", number, parent=pipeline["id"])
        match fields["action"]:
            case "delete":
                call.store.delete("deal", row["id"])
            case "move_stage":
                call.store.update("deal", row["id"], {"deal_stage_id": fields["stage_id"]})
            case _:
                call.store.update("deal", row["id"], {"status": fields["status"]})
    return {"msg": "Bulk action completed successfully", "status": 200}
