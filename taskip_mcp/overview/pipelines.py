"""What is in the sales pipelines, by stage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field

from taskip_mcp.call import Backend
from taskip_mcp.operation import Effect
from taskip_mcp.overview import boards, facts
from taskip_mcp.overview.reading import Reading
from taskip_mcp.own import own_tool
from taskip_mcp.params import PipelineId
from taskip_mcp.results import Record
from taskip_mcp.wire import JsonObject

SHOWN = 5
"""Deals past their closing date that are shown of a pipeline; the count and the sum are of all."""


@own_tool(Effect.READ, marked=True)
async def get_pipeline_summary(
    backend: Backend,
    pipeline_id: Annotated[PipelineId | None, Field(description="Default: all active ones.")] = None,
) -> Record:
    """Count and sum up the deals of sales pipelines: open ones by stage, won, lost, closing this month, past their
    closing date. At most 6 requests."""
    reading = Reading(backend)
    if pipeline_id is None:
        chosen = await boards.pipelines(reading, "pipelines")
    else:
        found = await reading.record("pipeline.get", pipeline_id=pipeline_id)
        chosen = [{"uuid": pipeline_id} | found]
    shown = await reading.parts({str(each["uuid"]): lambda each=each: _one(reading, each) for each in chosen})
    return reading.told({"as_of": reading.today().isoformat(), "pipelines": list(shown.values())})


async def _one(reading: Reading, pipeline: JsonObject) -> JsonObject:
    """One request tells all: every stage embeds its deals (contract stage.list)."""
    stages = await reading.rows_unpaged("stage.list", pipeline_id=pipeline["uuid"])
    deals = [
        {"pipeline_uuid": pipeline["uuid"]} | deal
        for stage in stages
        for deal in facts.each(stage.get("deals"))
    ]
    return {"pipeline_id": pipeline["uuid"], "title": pipeline.get("title")} | summary(
        stages, deals, reading.today()
    )


def summary(stages: Sequence[JsonObject], deals: Sequence[JsonObject], today: date) -> JsonObject:
    """The figures of one pipeline."""
    live = [deal for deal in deals if facts.open_deal(deal)]
    dated = sorted(((day, deal) for deal in live if (day := facts.closing(deal))), key=lambda pair: pair[0])
    month = [deal for day, deal in dated if (day.year, day.month) == (today.year, today.month)]
    late = [deal for day, deal in dated if day < today]
    figures: JsonObject = {
        "open": _sum(live),
        "won": _sum([deal for deal in deals if deal.get("status") == "won"]),
        "lost": _sum([deal for deal in deals if deal.get("status") == "lost"]),
        "closing_this_month": _sum(month),
        "past_closing_date": _sum(late) | ({"items": [_late(deal) for deal in late[:SHOWN]]} if late else {}),
        "without_closing_date": len(live) - len(dated) or None,
    }
    return {"stages": [_stage(stage) for stage in stages]} | facts.slim(figures)


def _stage(stage: JsonObject) -> JsonObject:
    live = [deal for deal in facts.each(stage.get("deals")) if facts.open_deal(deal)]
    return {"stage": facts.named(stage, "title")} | _sum(live)


def _sum(deals: Sequence[JsonObject]) -> JsonObject:
    return {"count": len(deals)} | ({"amount": facts.deal_amounts(deals)} if deals else {})


def _late(deal: JsonObject) -> JsonObject:
    shown = facts.deal_row(deal) | {"owner": facts.named(deal.get("deal_owner"))}
    del shown["pipeline_id"]  # it stands above
    return facts.slim(shown)
