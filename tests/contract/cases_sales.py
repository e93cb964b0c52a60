"""Pipelines, deals, stages."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.case import Case, Try

MOVE = {"deal_id": 12, "stage_id": 7}

CASES: Mapping[str, Case] = {
    "pipeline.list": Case(),
    "pipeline.create": Case(full=(Try({"status": "archived"}),)),
    "pipeline.get": Case(minimal=(Try({"pipeline_id": "12"}),)),
    "pipeline.update": Case(full=(Try({"status": "archived"}),), minimal=(Try({"title": "x"}),)),
    "pipeline.delete": Case(),
    "deal.list": Case(refused=frozenset({"value_min", "value_max", "sort", "order"})),
    "deal.create": Case(),
    "deal.get": Case(),
    "deal.update": Case(minimal=(Try({"description": "x"}),)),
    "deal.delete": Case(),
    # No body is documented. The guide has no such row: an update of deal_stage_id is its way to move a deal.
    "deal.change_stage": Case(
        full=(
            Try(MOVE, wire={"deal_stage_id": 7}),
            Try(
                {**MOVE, "extra": {"position": 1}},
                wire={"deal_stage_id": 7, "position": 1},
                on=("reference",),
            ),
        ),
        minimal=(Try(MOVE, wire={"deal_stage_id": 7}),),
        renames={"stage_id": "deal_stage_id"},
        undocumented=frozenset({"deal_stage_id", "position"}),
        needed=frozenset({"stage_id"}),
        sent_as={"guide": "deal.update"},
    ),
    "deal.add_note": Case(),
    # No body is documented: the fields are those of notes and activities next door.
    "deal.add_activity": Case(
        full=(
            Try(
                {"type": "call", "description": "Asked", "extra": {"at": "10:00"}},
                wire={"type": "call", "description": "Asked", "at": "10:00"},
            ),
        ),
        undocumented=frozenset({"type", "description", "at"}),
    ),
    "deal.bulk_actions": Case(
        full=(
            Try({"action": "move_stage"}),
            # update_status has no documented field for the new status.
            Try(
                {"action": "update_status", "status": "won"},
                without=frozenset({"stage_id"}),
                wire={"status": "won"},
            ),
        ),
        minimal=(Try({"action": "delete"}),),
        undocumented=frozenset({"status"}),
    ),
    "stage.list": Case(local=frozenset({"stage_id"}), minimal=(Try({"pipeline_id": 12}),)),
    "stage.create": Case(),
    "stage.update": Case(minimal=(Try({"title": "x"}),)),
    "stage.delete": Case(),
    "stage.reorder": Case(),
}
