"""Deals: possible sales in the stages of a pipeline.

The guide has the deals themselves under ``/deals`` and what belongs to them under ``/deal``; the reference uses
``/deal`` throughout (contract quirk 23).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call, InexpressibleError
from taskip_mcp.errors import ArgumentError
from taskip_mcp.facts import Arguments, Found, Inverse
from taskip_mcp.operation import Consequence, Effect, Route, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    CompanyId,
    ContactId,
    Day,
    DealId,
    Extra,
    Limit,
    MemberId,
    Money,
    PageNumber,
    PipelineId,
    RecordId,
    StageId,
    Text,
)
from taskip_mcp.results import Page, Record, Written

Status = Literal["active", "won", "lost"]

DealName = Text
Description = str | None
ClosingDate = Day


def _closing(record: Record) -> str | None:
    """Reads show two digits of the year (contract conventions.date_formats): those of this century."""
    found = merge.day("closing_date", "%d/%m/%y")(record)
    return f"20{found[2:]}" if found else None


# What the single read shows of each field (schema deal).
BACK = {
    "deal_name": merge.same("deal_name"),
    "company_id": merge.one_id("company"),
    "contact_id": merge.one_id("contact"),
    "deal_owner_id": merge.one_id("deal_owner"),
    "deal_stage_id": merge.same("deal_stage_id"),
    "deal_amount": merge.amount("deal_amount"),
    "closing_date": _closing,
    "description": merge.same("description"),
}
REMADE = Inverse(
    contract="deal.create",
    back=BACK,
    remake=True,
    lost="The id, status, currency, tags and place in the stage, notes, activities, tasks, meetings and files do"
    " not come back.",
)


@operation(
    "deal.list",
    "GET /sales-pipeline/{pipeline_id:uuid}/deal",
    Effect.READ,
    guide="GET /sales-pipeline/{pipeline_id:uuid}/deals",
)
async def list_deals(
    call: Call,
    pipeline_id: PipelineId,
    page: PageNumber = None,
    limit: Limit = ROWS,
    stage_id: StageId | None = None,
    # An older part of the guide has these two; the rows are checked (see `taskip_mcp.filters`).
    status: Status | None = None,
    contact_id: ContactId | None = None,
    search: str | None = None,
) -> Page:
    """List a pipeline's deals with stage, amount and status, without a total."""
    return await call.rows()


@operation(
    "deal.create",
    "POST /sales-pipeline/{pipeline_id:uuid}/deal",
    Effect.CREATE,
    found=Found(
        "deal.list",
        {"deal_name": "deal_name", "contact_id": "contact.id", "deal_stage_id": "deal_stage_id"},
        {"search": "deal_name"},
        age="created_at",
    ),
    guide="POST /sales-pipeline/{pipeline_id:uuid}/deals",
)
async def create_deal(
    call: Call,
    pipeline_id: PipelineId,
    deal_name: DealName,
    company_id: CompanyId,
    contact_id: ContactId,
    deal_owner_id: MemberId,
    deal_stage_id: StageId,
    deal_amount: Money,
    closing_date: ClosingDate,
    description: Description = None,
) -> Written:
    """Create a deal in a stage of a pipeline. The currency cannot be set."""
    return await call.write(f"Deal {deal_name} created")


@operation(
    "deal.get",
    "GET /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}",
    Effect.READ,
    guide="GET /sales-pipeline/{pipeline_id:uuid}/deals/{deal_id:id}",
    reads="deal_id",
)
async def get_deal(call: Call, pipeline_id: PipelineId, deal_id: DealId) -> Record:
    """Get one deal. Only list_deals shows status, currency and tags."""
    return await call.record()


@operation(
    "deal.update",
    "PUT /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}",
    Effect.UPDATE,
    guide="PUT /sales-pipeline/{pipeline_id:uuid}/deals/{deal_id:id}",
    undo=Inverse(back=BACK),
)
async def update_deal(
    call: Call,
    pipeline_id: PipelineId,
    deal_id: DealId,
    deal_name: DealName | None = None,
    company_id: CompanyId | None = None,
    contact_id: ContactId | None = None,
    deal_owner_id: MemberId | None = None,
    deal_stage_id: StageId | None = None,
    deal_amount: Money | None = None,
    closing_date: ClosingDate | None = None,
    description: Description = None,
    clear: Annotated[list[Literal["description"]] | None, CLEAR] = None,
) -> Written:
    """Change fields of a deal; the rest stays. To move it use move_deal, to win or lose it bulk_update_deals."""
    return await call.write(f"Deal {deal_id} updated", id=deal_id, body=call.partial())


@operation(
    "deal.delete",
    "DELETE /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}",
    Effect.DELETE,
    guide="DELETE /sales-pipeline/{pipeline_id:uuid}/deals/{deal_id:id}",
    undo=REMADE,
)
async def delete_deal(call: Call, pipeline_id: PipelineId, deal_id: DealId) -> Written:
    """Delete a deal for good. For several use bulk_update_deals."""
    return await call.write(f"Deal {deal_id} deleted", id=deal_id)


STAGE = Inverse(back={"stage_id": merge.same("deal_stage_id")})


@operation(
    "deal.change_stage",
    "POST /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}/change-stage",
    Effect.UPDATE,
    shows={"stage_id": "deal_stage_id"},
    # The reference row has no description anywhere; an update of the stage is the documented way.
    guide="PUT /sales-pipeline/{pipeline_id:uuid}/deals/{deal_id:id}",
    undo=STAGE,
)
async def move_deal(
    call: Call, pipeline_id: PipelineId, deal_id: DealId, stage_id: StageId, extra: Extra = None
) -> Written:
    """Move a deal to another stage. For several use bulk_update_deals."""

    def body(route: Route) -> dict[str, Any]:
        if extra and route.origin != "reference":
            raise InexpressibleError("extra")
        return {**(extra or {}), "deal_stage_id": stage_id}

    return await call.write(f"Deal {deal_id} moved to stage {stage_id}", id=deal_id, body=body)


@operation(
    "deal.add_note",
    "POST /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}/add-note",
    Effect.CREATE,
    guide="POST /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}/note",
)
async def add_deal_note(
    call: Call,
    pipeline_id: PipelineId,
    deal_id: DealId,
    description: Text,
) -> Written:
    """Add a note to a deal, for the team. For calls and the like use add_deal_activity."""
    return await call.write(f"Note added to deal {deal_id}")


@operation(
    "deal.add_activity",
    "POST /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}/add-activity",
    Effect.CREATE,
    guide="POST /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}/activity",
)
async def add_deal_activity(
    call: Call,
    pipeline_id: PipelineId,
    deal_id: DealId,
    type: Annotated[Text | None, Field(description="Such as call.")] = None,
    description: Text | None = None,
    extra: Extra = None,
) -> Written:
    """Record an activity on a deal. Its fields are undocumented: if TaskIP names others, pass those in extra.
    For text use add_deal_note."""
    return await call.write(f"Activity added to deal {deal_id}", body={**(extra or {}), **call.given})


def _bulk(arguments: Arguments) -> set[Consequence]:
    found = {Consequence.BULK}
    return found | {Consequence.DELETE} if arguments.get("action") == "delete" else found


# Only the list of deals shows their status (schema deal, _list_only).
STATUS = Inverse(
    each="deal_ids",
    keep=("action",),
    back={"status": merge.same("status")},
    read="deal.list",
    rows="items",
    lost="TaskIP documents no field for a deal's status: check with list_deals.",
)


def _undo_bulk(arguments: Arguments) -> Inverse:
    moved = replace(STAGE, contract="deal.change_stage", each="deal_id")
    return {"delete": REMADE, "move_stage": moved, "update_status": STATUS}[arguments["action"]]


def _check_bulk(arguments: Arguments) -> None:
    """Each action takes its own field and no other (contract deal.bulk_actions)."""
    action = str(arguments["action"])
    wants = {"move_stage": "stage_id", "update_status": "status"}.get(action)
    for name in ("stage_id", "status"):
        given = arguments.get(name) is not None
        if name == wants and not given:
            raise ArgumentError(f"{name}: required with action {action}. Nothing was sent.")
        if name != wants and given:
            raise ArgumentError(f"{name}: does not go with action {action}. Nothing was sent.")


@operation(
    "deal.bulk_actions",
    "POST /sales-pipeline/{pipeline_id:uuid}/deal/bulk-actions",
    Effect.BULK,
    # The trailing id is unexplained (a deal or an action): the first deal stands in.
    guide="POST /sales-pipeline/{pipeline_id:uuid}/deals/bulk-actions/{deal_id:id}",
    chunk="deal_ids",
    shows={"stage_id": "deal_stage_id", "status": "status"},
    computed=("deal_id",),
    possible={Consequence.BULK, Consequence.DELETE},
    judge=_bulk,
    undo=_undo_bulk,
    check=_check_bulk,
)
async def bulk_update_deals(
    call: Call,
    pipeline_id: PipelineId,
    deal_ids: Annotated[list[RecordId], Field(min_length=1)],
    action: Literal["delete", "move_stage", "update_status"],
    stage_id: Annotated[StageId | None, Field(description="With move_stage.")] = None,
    status: Annotated[Status | None, Field(description="With update_status.")] = None,
) -> Written:
    """Delete deals for good, move them to a stage, or set active, won or lost (undocumented: check with
    list_deals)."""
    done = {
        "delete": "deleted",
        "move_stage": f"moved to stage {stage_id}",
        "update_status": f"set to {status}",
    }
    return await call.write(f"{len(deal_ids)} deals {done[action]}", path={"deal_id": deal_ids[0]})
