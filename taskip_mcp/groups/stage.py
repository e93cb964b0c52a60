"""Stages: the columns of a sales pipeline."""

from __future__ import annotations

from typing import Annotated

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
)
from taskip_mcp.results import Page, Written

StagePosition = Annotated[Position | None, Field(description="Place from the left.")]


class StageOrder(Nested):
    """One entry of a new order."""

    stage_id: StageId
    order: Annotated[Position, Field(description="New place from the left.")]


BACK = {name: merge.same(name) for name in ("title", "color", "order")}
RENUMBERS = "TaskIP may have given other stages other places."


def _places(arguments: Arguments) -> Inverse:
    """The list shows the places; only those of the named stages are put back."""
    places = merge.places("stage_id", "id", lambda: [each["stage_id"] for each in arguments["order"]])
    return Inverse(back={"order": places}, read="stage.list")


@operation("stage.list", "GET /sales-pipeline/{pipeline_id:uuid}/stage", Effect.READ, reads="stage_id")
async def list_stages(call: Call, pipeline_id: PipelineId, stage_id: StageId | None = None) -> Page:
    """List a pipeline's stages with all their deals. For ids and names use get_pipeline."""
    return await call.rows(paged=False, query={})  # chosen by `taskip_mcp.filters`


@operation(
    "stage.create",
    "POST /sales-pipeline/{pipeline_id:uuid}/stage",
    Effect.CREATE,
    found=Found("stage.list", {"title": "title"}, age="created_at"),
)
async def create_stage(
    call: Call,
    pipeline_id: PipelineId,
    title: Text,
    color: Color | None = None,
    order: StagePosition = None,
) -> Written:
    """Add a stage to a sales pipeline. To rearrange stages use reorder_stages."""
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
    title: Text | None = None,
    color: Color | None = None,
    order: StagePosition = None,
) -> Written:
    """Rename, recolour or move one stage; the rest stays. For several use reorder_stages."""
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
    """Delete a stage for good; its deals may be lost: move them first with bulk_update_deals."""
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
    order: Annotated[list[StageOrder], Field(min_length=1)],
) -> Written:
    """Change the order of a pipeline's stages. Name every stage."""
    return await call.write(f"{len(order)} stages reordered")
