"""What is in the sales pipelines, by stage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field

from taskip_mcp import errors
from taskip_mcp.call import Backend
from taskip_mcp.operation import Effect
from taskip_mcp.overview import boards, facts
from taskip_mcp.overview.reading import Reading, why
from taskip_mcp.own import own_tool
from taskip_mcp.params import PipelineId
from taskip_mcp.results import Record
from taskip_mcp.views.forms import bare, named, objects_of
from taskip_mcp.wire import JsonObject

SHOWN = 5
"""Deals past their closing date that are shown of a pipeline; the count and the sum are of all."""

PAGES = 3
"""Pages of the deals of a pipeline."""


@own_tool(Effect.READ, marked=True)
async def get_pipeline_summary(
    backend: Backend,
    pipeline_id: Annotated[PipelineId | None, Field(description="Default: all active ones.")] = None,
) -> Record:
    """Count and sum up the deals of sales pipelines: open ones by stage, won, lost, closing this month, past their
    closing date. At most 21 requests."""
    reading = Reading(backend)
    if pipeline_id is None:
        chosen = await boards.pipelines(reading, "pipelines")
    else:
        chosen = [await reading.record("pipeline.get", pipeline_id=pipeline_id) | {"uuid": pipeline_id}]
    shown = await reading.parts({each["uuid"]: lambda each=each: _one(reading, each) for each in chosen})
    return reading.told({"as_of": reading.today().isoformat(), "pipelines": list(shown.values())})


async def _one(reading: Reading, pipeline: JsonObject) -> JsonObject:
    """The stages hold all deals, but only the list of deals shows status and currency (schema deal, _list_only)."""
    uuid = pipeline["uuid"]
    stages = await reading.rows_unpaged("stage.list", pipeline_id=uuid)
    listed: list[JsonObject] = []
    try:
        listed = await reading.rows(uuid, "deal.list", most=PAGES, pipeline_id=uuid)
    except errors.TaskipError as error:
        reading.gap(uuid, f"list_deals: {why(error)}")
    deals = together(stages, listed)
    if unknown := sum(facts.state(deal) not in STATES for deal in deals):
        reading.gap(uuid, f"{unknown} deals show no known status and are only in status_unknown")
    return {"pipeline_id": uuid, "title": pipeline.get("title")} | summary(stages, deals, reading.today())


def together(stages: Sequence[JsonObject], listed: Sequence[JsonObject]) -> list[JsonObject]:
    """Each deal once, in the stage that holds it, with what the list of deals tells."""
    known = {str(deal.get("id")): deal for deal in listed}
    held = [
        deal | known.pop(str(deal.get("id")), {}) | {"deal_stage_id": stage.get("id")}
        for stage in stages
        for deal in objects_of(stage.get("deals"))
    ]
    return facts.once([*held, *known.values()])


# --- figures ----------------------------------------------------------------------------------------------

ACTIVE = "active"
STATES = frozenset({ACTIVE, facts.WON, facts.LOST})


def summary(stages: Sequence[JsonObject], deals: Sequence[JsonObject], today: date) -> JsonObject:
    """The figures of one pipeline; of deals of which nothing is known no zeros, which would be read as none."""
    live = [deal for deal in deals if facts.state(deal) == ACTIVE]
    unknown = [deal for deal in deals if facts.state(deal) not in STATES]
    if unknown and len(unknown) == len(deals):
        return {"status_unknown": _sum(unknown)}
    dated = sorted(((day, deal) for deal in live if (day := facts.closing(deal))), key=lambda pair: pair[0])
    month = [deal for day, deal in dated if (day.year, day.month) == (today.year, today.month)]
    late = [deal for day, deal in dated if day < today]
    figures: JsonObject = {
        "open": _sum(live),
        "won": _sum([deal for deal in deals if facts.state(deal) == facts.WON]),
        "lost": _sum([deal for deal in deals if facts.state(deal) == facts.LOST]),
        "status_unknown": _sum(unknown) if unknown else None,
        "closing_this_month": _sum(month),
        "past_closing_date": _sum(late) | ({"items": [_late(deal) for deal in late[:SHOWN]]} if late else {}),
        "without_closing_date": len(live) - len(dated) or None,
    }
    return {"stages": [_stage(stage, live) for stage in stages]} | bare(figures)


def _stage(stage: JsonObject, live: Sequence[JsonObject]) -> JsonObject:
    number = stage.get("id")
    inside = [deal for deal in live if facts.same_id(deal.get("deal_stage_id"), number)]
    name = named({"id": number, "title": stage.get("title")})
    return {"stage": name} | _sum(inside)


def _sum(deals: Sequence[JsonObject]) -> JsonObject:
    return {"count": len(deals)} | ({"amount": facts.deal_amounts(deals)} if deals else {})


def _late(deal: JsonObject) -> JsonObject:
    """Without its pipeline, which stands above."""
    shown = facts.deal_row(deal | {"pipeline_uuid": None})
    return bare(shown | {"owner": named(deal.get("deal_owner"))})
