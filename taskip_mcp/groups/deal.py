"""Deals: possible sales in the stages of a pipeline.

The guide has the deals themselves under ``/deals`` and what belongs to them under ``/deal``; the reference uses
``/deal`` throughout (contract quirk 23).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Unpack

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call, InexpressibleError
from taskip_mcp.errors import ArgumentError
from taskip_mcp.facts import Arguments, Found, Inverse
from taskip_mcp.operation import Consequence, Effect, Route, operation
from taskip_mcp.params import (
    CLEAR,
    CompanyId,
    ContactId,
    Day,
    DealId,
    Extra,
    Limit,
    MemberId,
    Money,
    Number,
    Order,
    PageNumber,
    PipelineId,
    StageId,
    Text,
    UnverifiedDates,
)
from taskip_mcp.results import Page, Record, Written

Status = Literal["active", "won", "lost"]
# The guide describes the list twice; these are in its older part alone (contract deal.list).
OLDER = "From an older part of the guide: may be ignored."

DealName = Annotated[Text, Field(description="Name of the deal.")]
Owner = Annotated[MemberId, Field(description="Team member who owns the deal (list_team_members).")]
Description = Annotated[str | None, Field(description="What the deal is about.")]
ClosingDate = Annotated[Day, Field(description="Expected closing day, YYYY-MM-DD.")]


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
    limit: Limit = None,
    stage_id: StageId | None = None,
    status: Annotated[Status | None, Field(description=f"Status. {OLDER}")] = None,
    search: Annotated[str | None, Field(description="Text search.")] = None,
    contact_id: Annotated[ContactId | None, Field(description=f"Contact id. {OLDER}")] = None,
    value_min: Annotated[Number | None, Field(description=f"Least amount. {OLDER}")] = None,
    value_max: Annotated[Number | None, Field(description=f"Greatest amount. {OLDER}")] = None,
    sort: Annotated[
        Literal["title", "value", "created_at"] | None, Field(description=f"Order by. {OLDER}")
    ] = None,
    order: Order = None,
    **filters: Unpack[UnverifiedDates],
) -> Page:
    """List the deals of a pipeline with stage, amount and status; dates are day/month/year. TaskIP gives no total."""
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
    deal_owner_id: Owner,
    deal_stage_id: StageId,
    deal_amount: Money,
    closing_date: ClosingDate,
    description: Description = None,
) -> Written:
    """Create a deal in a stage of a pipeline. Company, contact, owner and stage must exist; no currency can be set."""
    return await call.write(f"Deal {deal_name} created")


@operation(
    "deal.get",
    "GET /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}",
    Effect.READ,
    guide="GET /sales-pipeline/{pipeline_id:uuid}/deals/{deal_id:id}",
    reads="deal_id",
)
async def get_deal(call: Call, pipeline_id: PipelineId, deal_id: DealId) -> Record:
    """Get one deal. Status, currency and tags are only in list_deals; dates are day/month/year."""
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
    deal_owner_id: Owner | None = None,
    deal_stage_id: StageId | None = None,
    deal_amount: Money | None = None,
    closing_date: ClosingDate | None = None,
    description: Description = None,
    clear: Annotated[list[Literal["description"]] | None, Field(description=CLEAR)] = None,
) -> Written:
    """Change fields of a deal; what is left out stays. Only to move it use move_deal; to mark it won or lost,
    bulk_update_deals."""
    return await call.write(f"Deal {deal_id} updated", id=deal_id, body=call.partial())


@operation(
    "deal.delete",
    "DELETE /sales-pipeline/{pipeline_id:uuid}/deal/{deal_id:id}",
    Effect.DELETE,
    guide="DELETE /sales-pipeline/{pipeline_id:uuid}/deals/{deal_id:id}",
    undo=REMADE,
)
async def delete_deal(call: Call, pipeline_id: PipelineId, deal_id: DealId) -> Written:
    """Delete one deal for good. For several use bulk_update_deals."""
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
    """Move one deal to another stage of its pipeline. For several use bulk_update_deals."""

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
    description: Annotated[Text, Field(description="Text of the note.")],
) -> Written:
    """Add a note to a deal, for the team. For calls, mails and the like use add_deal_activity."""
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
    type: Annotated[Text | None, Field(description="Kind of activity, such as call; not documented.")] = None,
    description: Annotated[
        Text | None, Field(description="What happened or is to happen; not documented.")
    ] = None,
    extra: Extra = None,
) -> Written:
    """Record an activity on a deal. TaskIP documents no field of it: type and description follow its siblings, so
    expect a complaint that names the right ones and pass those in extra. For plain text use add_deal_note."""
    return await call.write(f"Activity added to deal {deal_id}", body={**(extra or {}), **call.given})


def _bulk(arguments: Arguments) -> set[Consequence]:
    found = {Consequence.BULK}
    return found | {Consequence.DELETE} if arguments.get("action") == "delete" else found


# Only lists show the status of a deal, and the list of the stages shows all deals at once (schema deal, _list_only).
STATUS = Inverse(
    each="deal_ids",
    keep=("action",),
    back={"status": merge.same("status")},
    read="stage.list",
    rows="deals",
    lost="TaskIP documents no field for a deal's status: check with list_deals.",
)


def _undo_bulk(arguments: Arguments) -> Inverse:
    moved = replace(STAGE, contract="deal.change_stage", each="deal_id")
    return {"delete": REMADE, "move_stage": moved, "update_status": STATUS}[arguments["action"]]


def _check_bulk(action: str, stage_id: int | None, status: str | None) -> None:
    """Each action takes its own field and no other (contract deal.bulk_actions)."""
    wants = {"move_stage": "stage_id", "update_status": "status"}.get(action)
    for name, value in {"stage_id": stage_id, "status": status}.items():
        if name == wants and value is None:
            raise ArgumentError(f"{name}: required with action {action}. Nothing was sent.")
        if name != wants and value is not None:
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
)
async def bulk_update_deals(
    call: Call,
    pipeline_id: PipelineId,
    deal_ids: Annotated[list[DealId], Field(min_length=1, description="Deals of this pipeline.")],
    action: Annotated[
        Literal["delete", "move_stage", "update_status"], Field(description="What to do with all of them.")
    ],
    stage_id: Annotated[StageId | None, Field(description="Target stage; with move_stage only.")] = None,
    status: Annotated[Status | None, Field(description="New status; with update_status only.")] = None,
) -> Written:
    """Delete several deals for good, move them to a stage, or mark them active, won or lost. TaskIP documents no
    field for that status, so check with list_deals afterwards."""
    _check_bulk(action, stage_id, status)
    done = {
        "delete": "deleted",
        "move_stage": f"moved to stage {stage_id}",
        "update_status": f"set to {status}",
    }
    return await call.write(f"{len(deal_ids)} deals {done[action]}", path={"deal_id": deal_ids[0]})
