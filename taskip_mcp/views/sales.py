"""Pipelines, stages, deals.

============  ===========================================  =================================================
view          rows have                                    never shown, and why
============  ===========================================  =================================================
pipeline      uuid, title, status; its stages with ids     colours and places of stages: they come in order
stage         title, its deals: what, how much, whom, when colour; what list_deals or get_deal have of a deal
deal          what, how much, whom, when, stage, owner     place in the stage
============  ===========================================  =================================================

Days of deals are d/m/y, which could be read as m/d/y: that form is declared here and read nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskip_mcp.views import declare
from taskip_mcp.views.forms import (
    Part,
    currency,
    first,
    list_of,
    money,
    named,
    objects_of,
    person,
    same,
    user,
)

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

DEAL_DATES = {
    "closing_date": "d/m/y",
    "created_at": "d/m/y",
    "files.created_at": "iso",
    "files.media.created_at": "iso",
    "documents.created_at": "d/M/Y",
    "documents.updated_at": "d/M/Y",
}

DEAL = declare.of(
    same("id deal_name")
    | money("deal_amount")
    | {"currency": currency("deal_amount")}
    | same("status deal_stage_id closing_date")
    | {
        "client": person("contact", "contact_id"),
        "company": person("company", "company_id"),
        "deal_owner": person("deal_owner", "deal_owner_id"),
        "tags": person("tags"),
    }
    | same("description created_at pipeline_uuid")
    | {"files": person("files"), "documents": person("documents")},
    row="id deal_name deal_amount currency status deal_stage_id closing_date client company deal_owner tags description"
    " created_at",
    drops="order",
    dates=DEAL_DATES,
)

IN_STAGE = declare.of(
    {
        name: part
        for name, part in DEAL.shows.items()
        if name in DEAL.row - {"deal_stage_id", "description", "created_at"}
    },
    row="id deal_name deal_amount currency status closing_date client company deal_owner tags",
)

STAGE = declare.of(
    same("id")
    | {"title": first("title", "name")}
    | same("order deals_count")
    | {"deals": declare.rows_of("deals", IN_STAGE)},
    row="id title order deals_count deals",
    drops="color created_at",
    dates={"created_at": "relative"} | declare.inside("deals", DEAL_DATES),
)

# Who changes a stage does not ask for its deals.
STAGE_ALONE = declare.of(
    {name: part for name, part in STAGE.shows.items() if name != "deals"},
    row="id title order deals_count",
    drops="color created_at deals",
    dates=STAGE.dates,
)


def _stages(record: JsonObject) -> Any:
    """From left to right."""
    rows = list_of(record.get("stages"))
    places = [row.get("position") for row in objects_of(rows)] if rows else []
    if rows is None or len(places) != len(rows) or not all(isinstance(place, int) for place in places):
        return named(record.get("stages"))
    return named(sorted(rows, key=lambda row: row["position"]))


PIPELINE = declare.of(
    same("uuid title status") | {"stages": Part(("stages",), _stages)} | same("stages_count created_at"),
    row="uuid title status stages_count created_at",
    dates={"created_at": "relative"},
)

NOTE = declare.of(
    same("id description") | {"user": user("createdBy"), "created_at": first("createdAt")},
    row="id description user created_at",
    # The month is missing (contract quirk 24).
    dates={"createdAt": "D d Y h:iA"},
)

VIEWS = {
    "deal.list deal.get deal.create deal.update deal.change_stage": DEAL,
    "deal.add_note": NOTE,
    "stage.list": STAGE,
    "stage.create stage.update": STAGE_ALONE,
    "pipeline.list pipeline.get pipeline.create pipeline.update": PIPELINE,
}
