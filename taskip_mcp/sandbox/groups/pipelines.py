"""Sales pipelines and their stages (contract: pipeline.*, stage.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.groups import deals
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.rules import invalid
from taskip_mcp.sandbox.store import Row

RULES = {"title": "required|string|max:191", "status": "string|in:active,inactive,archived"}
STAGE_RULES = {"title": "required|string", "color": "string", "order": "integer"}
DEFAULT_COLOR = "#64748B"


def present(call: Call, row: Row) -> Row:
    """A pipeline shows its uuid and never its integer id."""
    return {
        "title": row["title"],
        "status": row["status"],
        "uuid": row["uuid"],
        "created_at": shapes.relative(row["created_at"], call.now),
        "stages_count": len(call.store.rows("stage", parent=row["id"])),
    }


def _announced(call: Call) -> Row:
    return call.find("pipeline", "SalesPipeline", call.params["uuid"])


@route("GET /sales-pipeline")
def index(call: Call) -> Row:
    """No counters."""
    rows = shapes.matching(
        call.store.rows("pipeline"),
        call.query,
        search=("title",),
        equal={"status": "status"},
        sort={"name": "title"},
    )
    data = call.plain(rows, lambda row: present(call, row))
    return {"msg": "Pipelines retrieved successfully", "data": data, "status": 200}


@route("POST /sales-pipeline")
def create(call: Call) -> Answer:
    """201; a new pipeline has no stages."""
    row = call.store.insert("pipeline", {"status": "active"} | call.valid(RULES))
    return Answer({"msg": "Pipeline created successfully", "data": present(call, row)}, 201)


@route("GET /sales-pipeline/{uuid}")
def show(call: Call) -> Row:
    """A bare record; its stages are name and position here, title and order elsewhere."""
    row = _announced(call)
    stages = _stages(call, row)
    shown = {name: value for name, value in present(call, row).items() if name != "stages_count"}
    return shown | {
        "stages": [shapes.select(stage, "id", "color", name="title", position="order") for stage in stages]
    }


@route("PUT /sales-pipeline/{uuid}")
def update(call: Call) -> Row:
    """Partial."""
    row = _announced(call)
    partial = {name: line.replace("required|", "") for name, line in RULES.items()}
    changed = call.store.update("pipeline", row["id"], call.valid(partial))
    return {"msg": "Pipeline updated successfully", "data": present(call, changed)}


@route("DELETE /sales-pipeline/{uuid}")
def destroy(call: Call) -> Row:
    """Stages and deals go along."""
    row = _announced(call)
    for stage in _stages(call, row):
        call.store.delete("stage", stage["id"])
    for deal in call.store.rows("deal", parent=row["id"]):
        call.store.delete("deal", deal["id"])
    call.store.delete("pipeline", row["id"])
    return {"msg": "Pipeline deleted successfully", "status": 200}


def _stages(call: Call, pipeline: Row) -> list[Row]:
    return sorted(call.store.rows("stage", parent=pipeline["id"]), key=lambda stage: stage["order"] or 0)


def _stage(call: Call, row: Row) -> Row:
    """A stage with all its deals inside, without what lists of deals add (contract: stage.list, deal._list_only)."""
    inside = call.store.rows("deal", deal_stage_id=row["id"])
    return shapes.select(row, "id", "title", "order", "color") | {
        "created_at": shapes.relative(row["created_at"], call.now),
        "deals": [deals.present(call, deal) for deal in inside],
        "deals_count": len(inside),
    }


@route("GET /sales-pipeline/{uuid}/stage")
def list_stages(call: Call) -> Row:
    """Every stage, no pages."""
    return {"data": [_stage(call, row) for row in _stages(call, _announced(call))], "status": 200}


@route("POST /sales-pipeline/{uuid}/stage")
def create_stage(call: Call) -> Answer:
    """201; goes to the end unless an order is given."""
    pipeline = _announced(call)
    fields = call.valid(STAGE_RULES)
    last = max((stage["order"] for stage in _stages(call, pipeline)), default=0)
    row = call.store.insert(
        "stage", {"color": DEFAULT_COLOR, "order": last + 1} | fields, parent=pipeline["id"]
    )
    return Answer({"msg": "Stage created successfully", "data": _stage(call, row)}, 201)


@route("PUT /sales-pipeline/{uuid}/stage/{id}")
def update_stage(call: Call) -> Row:
    """Partial."""
    row = call.find("stage", "DealStage", parent=_announced(call)["id"])
    partial = {name: line.replace("required|", "") for name, line in STAGE_RULES.items()}
    changed = call.store.update("stage", row["id"], call.valid(partial))
    return {"msg": "Stage updated successfully", "data": _stage(call, changed)}


@route("DELETE /sales-pipeline/{uuid}/stage/{id}")
def destroy_stage(call: Call) -> Row:
    """The fate of its deals is undocumented; here they go along, so that a test sees the loss."""
    row = call.find("stage", "DealStage", parent=_announced(call)["id"])
    for deal in call.store.rows("deal", deal_stage_id=row["id"]):
        call.store.delete("deal", deal["id"])
    call.store.delete("stage", row["id"])
    return {"msg": "Stage deleted successfully", "status": 200}


@route(
    "reference POST /sales-pipeline/{uuid}/stage/reorder",
    "guide POST /sales-pipeline/{uuid}/stage/order-change",
)
def reorder(call: Call) -> Row:
    """All or nothing: an unknown stage changes none."""
    pipeline = _announced(call)
    rules = {
        "order": "required|array",
        "order.*.stage_id": "required|integer",
        "order.*.order": "required|integer",
    }
    known = {stage["id"] for stage in _stages(call, pipeline)}
    for index, each in enumerate(call.valid(rules)["order"]):
        if each["stage_id"] not in known:
            raise invalid({f"order.{index}.stage_id": ["The selected stage id is invalid."]})
        call.store.update("stage", each["stage_id"], {"order": each["order"]})
    return {"msg": "Stage order changed successfully"}
