"""Stages: the columns of a sales pipeline."""

from __future__ import annotations

from typing import Annotated, Unpack

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Arguments, Child, Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import (
    Color,
    Nested,
    PipelineId,
    Position,
    StageId,
    Text,
    UnverifiedFilters,
)
from taskip_mcp.results import Page, Written

StagePosition = Annotated[Position | None, Field(description="Place in the pipeline, from left to right.")]


class StageOrder(Nested):
    """One entry of a new order."""

    stage_id: StageId
    order: Annotated[Position, Field(description="Its new place, from left to right.")]


BACK = {name: merge.same(name) for name in ("title", "color", "order")}
RENUMBERS = "TaskIP may have given other stages other places."


def _places(arguments: Arguments) -> Inverse:
    """The list shows the places; only those of the named stages are put back."""
    places = merge.places("stage_id", "id", lambda: [each["stage_id"] for each in arguments["order"]])
    return Inverse(back={"order": places}, read="stage.list")


@operation("stage.list", "GET /sales-pipeline/{pipeline_id:uuid}/stage", Effect.READ, reads="stage_id")
async def list_stages(
    call: Call,
    pipeline_id: PipelineId,
    **filters: Unpack[UnverifiedFilters],
) -> Page:
    """List all stages of a pipeline with every deal in them, which can be long. For ids and names use get_pipeline."""
    return await call.rows(paged=False)


@operation(
    "stage.create",
    "POST /sales-pipeline/{pipeline_id:uuid}/stage",
    Effect.CREATE,
    found=Found("stage.list", {"title": "title"}, age="created_at"),
)
async def create_stage(
    call: Call,
    pipeline_id: PipelineId,
    title: Annotated[Text, Field(description="Name of the stage.")],
    color: Color | None = None,
    order: StagePosition = None,
) -> Written:
    """Add a stage to a sales pipeline. To rearrange the existing ones use reorder_stages."""
    return await call.write(f"Stage {title} created")


@operation(
    "stage.update",
    "PUT /sales-pipeline/{pipeline_id:uuid}/stage/{stage_id:id}",
    Effect.UPDATE,
    undo=lambda given: Inverse(back=BACK, lost=RENUMBERS if given.get("order") is not None else ""),
)
async def update_stage(
    call: Call,
    pipeline_id: PipelineId,
    stage_id: StageId,
    title: Annotated[Text | None, Field(description="Name of the stage.")] = None,
    color: Color | None = None,
    order: StagePosition = None,
) -> Written:
    """Rename, recolour or move one stage; what is left out stays. To order several use reorder_stages."""
    return await call.write(f"Stage {stage_id} updated", id=stage_id)


@operation(
    "stage.delete",
    "DELETE /sales-pipeline/{pipeline_id:uuid}/stage/{stage_id:id}",
    Effect.DELETE,
    warns="TaskIP does not say what becomes of the deals in the stage; expect to lose them.",
    children=(
        Child(
            words="deals in it",
            read="stage.list",
            query={"pipeline_id": "pipeline_id"},
            belongs=lambda deal, stages, _: (
                deal.get("deal_stage_id") in {stage.get("id") for stage in stages}
            ),
            rows="deals",
        ),
    ),
    undo=Inverse(
        contract="stage.create",
        back=BACK,
        remake=True,
        lost="The id and the deals that were in the stage do not come back.",
    ),
)
async def delete_stage(call: Call, pipeline_id: PipelineId, stage_id: StageId) -> Written:
    """Delete one stage for good. Move its deals out first, with bulk_update_deals: their fate is unknown."""
    return await call.write(f"Stage {stage_id} deleted", id=stage_id)


@operation(
    "stage.reorder",
    "POST /sales-pipeline/{pipeline_id:uuid}/stage/reorder",
    Effect.UPDATE,
    guide="POST /sales-pipeline/{pipeline_id:uuid}/stage/order-change",
    undo=_places,
)
async def reorder_stages(
    call: Call,
    pipeline_id: PipelineId,
    order: Annotated[list[StageOrder], Field(min_length=1, description="Stages with their new places.")],
) -> Written:
    """Put the stages of a pipeline in a new order. Name every stage, so that no two share a place."""
    return await call.write(f"{len(order)} stages reordered")
