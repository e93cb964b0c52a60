"""Sales pipelines: boards of stages, through which deals move.

Pipelines show only their uuid (contract quirk 22). The guide's integer goes into the same place of the same
path, so on the top-level routes an integer is passed on as it is.
"""

from __future__ import annotations

from typing import Literal

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Child, Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import (
    ROWS,
    Limit,
    Order,
    PageNumber,
    PipelineId,
    ShortText,
)
from taskip_mcp.results import Page, Record, Written

Status = Literal["active", "inactive", "archived"]
PipelineStatus = Status | None
BACK = {"title": merge.same("title"), "status": merge.same("status")}


@operation("pipeline.list", "GET /sales-pipeline", Effect.READ)
async def list_pipelines(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: str | None = None,
    status: Status | None = None,
    sort: Literal["name", "created_at", "deals_count"] | None = None,
    order: Order = None,
) -> Page:
    """List sales pipelines, without a total. For stages use get_pipeline, for deals list_deals."""
    return await call.rows()


@operation(
    "pipeline.create",
    "POST /sales-pipeline",
    Effect.CREATE,
    found=Found("pipeline.list", {"title": "title"}, {"search": "title"}, age="created_at"),
)
async def create_pipeline(
    call: Call,
    title: ShortText,
    status: PipelineStatus = None,
) -> Written:
    """Create a sales pipeline, without stages: add them with create_stage."""
    return await call.write(f"Pipeline {title} created")


@operation("pipeline.get", "GET /sales-pipeline/{pipeline_id:uuid|id}", Effect.READ, reads="pipeline_id")
async def get_pipeline(call: Call, pipeline_id: PipelineId) -> Record:
    """Get one sales pipeline with its stages. For stages with their deals use list_stages."""
    return await call.record()


@operation(
    "pipeline.update",
    "PUT /sales-pipeline/{pipeline_id:uuid|id}",
    Effect.UPDATE,
    undo=Inverse(back=BACK),
)
async def update_pipeline(
    call: Call,
    pipeline_id: PipelineId,
    title: ShortText | None = None,
    status: PipelineStatus = None,
) -> Written:
    """Rename a sales pipeline or change its status; the rest stays. For stages use update_stage."""
    return await call.write(f"Pipeline {pipeline_id} updated", id=pipeline_id)


@operation(
    "pipeline.delete",
    "DELETE /sales-pipeline/{pipeline_id:uuid|id}",
    Effect.DELETE,
    warns="TaskIP does not say what becomes of the stages and deals in the pipeline; expect to lose them.",
    children=(
        Child(words="stages in it", read="stage.list", query={"pipeline_id": "pipeline_id"}),
        Child(words="deals in it", read="stage.list", query={"pipeline_id": "pipeline_id"}, rows="deals"),
    ),
    undo=Inverse(
        contract="pipeline.create",
        back=BACK,
        remake=True,
        lost="The uuid, the stages and the deals in them do not come back.",
    ),
)
async def delete_pipeline(call: Call, pipeline_id: PipelineId) -> Written:
    """Delete a sales pipeline for good, likely with stages and deals. To keep them set it to archived."""
    return await call.write(f"Pipeline {pipeline_id} deleted", id=pipeline_id)
