"""What cannot simply be put back: deletes and creates get a call that is only offered, the rest says why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from taskip_mcp import undo
from taskip_mcp.operation import Effect, Operation
from taskip_mcp.undo import MAILED, NO_WAY, PAID
from tests.sandbox_calls import filled
from tests.test_undo import CASES, WRITES
from tests.undoing import OPERATIONS, World, columns, differences

pytestmark = pytest.mark.anyio

NEVER = {"id", "uuid", "created_at", "city", "client_id"}
"""What a record that is made anew has of its own; that the id does not come back is said each time.

Towns without an id and clients of tickets beside the user are of the sandbox alone: TaskIP does not show such fields.
"""


@dataclass(frozen=True)
class Delete:
    """A delete; `lost` maps columns of the new record that differ to the words that announce it."""

    tool: str
    kind: str
    given: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    lost: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    ask: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    """What the user answers."""

    def __str__(self) -> str:
        return f"{self.tool}-{'-'.join(self.given) or 'plain'}"


MEMBER = {"invitation": "new invitation", "role_id": "role_id"}
CONTACT = {"access_portal": "portal access", "user_id": "user id"}
DELETES = [
    Delete("delete_contact", "contact", lost=CONTACT),
    Delete("bulk_delete_contacts", "contact", lost=CONTACT),
    Delete("delete_company", "company", {"company_id": 12}),
    Delete("bulk_delete_companies", "company", {"company_ids": [11, 12]}),
    Delete("delete_team_member", "team_member", lost=MEMBER, ask={"role_id": 3}),
    Delete("bulk_delete_team_members", "team_member", lost=MEMBER, ask={"role_id": 3}),
    Delete("delete_invoice", "invoice", lost={"payment_gateway": "payment gateway"}),
    Delete(
        "bulk_update_invoices",
        "invoice",
        {"invoice_ids": [57, 58], "action": "delete"},
        lost={"payment_gateway": "payment gateway"},
    ),
    Delete("delete_quotation", "quotation", lost={"status": "status: a new quotation is no sent one"}),
    Delete("bulk_update_quotations", "quotation", {"quotation_ids": [2, 8], "action": "delete"}),
    Delete("delete_ticket", "ticket", {"ticket_id": "3"}, lost={"attachment": "attachments"}),
    Delete(
        "bulk_update_tickets",
        "ticket",
        {"ticket_ids": [2, 4], "action": "delete"},
        lost={"assigned_to": "assignment"},
    ),
    Delete("delete_document", "document", lost={"text": "content"}),
    Delete("delete_project", "project"),
    Delete("delete_task", "task", lost={"files": "files", "created_by": "creator"}),
    Delete("delete_task", "task", {"project_id": 5, "task_id": 50},
           lost={"is_completed": "completed", "created_by": "creator"}),
    Delete("delete_container", "container"),
    Delete("delete_project_attribute", "attribute"),
    Delete("delete_pipeline", "pipeline"),
    Delete("delete_deal", "deal"),
    Delete("bulk_update_deals", "deal", {"pipeline_id": "@pipeline:1", "deal_ids": [9, 10], "action": "delete"},
           lost={"status": "status", "order": "place in the stage"}),
    Delete("delete_stage", "stage"),
]  # fmt: skip


@pytest.mark.parametrize("case", DELETES, ids=str)
async def test_a_deleted_record_can_be_made_again_but_for_what_is_called_lost(
    case: Delete, tmp_path: Path
) -> None:
    world = World(tmp_path)
    given = world.given(case.tool, case.given)
    before = world.state
    change = await world.change(case.tool, given)
    gone = [row for key, row in sorted(before.items()) if key[0] == case.kind and key not in world.state]
    made = change.plan
    assert (made.steps, made.refused) == ([], "")
    assert len(made.ready) == len(gone)
    for call in made.ready:
        assert set(call["ask"]) == case.ask.keys()
        known = world.state
        await world.run(call["tool"], call["arguments"] | case.ask)
        new = next(row for key, row in world.state.items() if key[0] == case.kind and key not in known)
        old = gone.pop(0)
        assert columns(old, new) - NEVER <= case.lost.keys(), (old, new)
    assert any("id" in line for line in made.lost)
    for words in case.lost.values():
        assert any(words in line for line in made.lost) or words in case.ask


async def test_a_company_names_the_contacts_and_projects_that_went_with_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    change = await world.change("delete_company", {"company_id": 1})
    said = " ".join(change.plan.lost)
    assert "contacts deleted with it: 4 (Elsa Berg, Jonas Ek, Mira Holm, Oskar Lund)" in said
    assert "projects deleted with it: 1 (Northwind website relaunch)" in said


async def test_a_tag_of_the_inbox_is_offered_for_one_conversation(tmp_path: Path) -> None:
    world = World(tmp_path)
    made = (await world.change("delete_inbox_tag", {"tag_id": 1})).plan
    assert made.ready == [
        {
            "tool": "assign_conversation_tags",
            "arguments": {"tags": [{"label": "Lead", "color": "#0EA5E9"}]},
            "ask": ["conversation_id"],
        }
    ]
    answered = filled({"conversation_id": "@conversation:1"}, world.sandbox)
    await world.run("assign_conversation_tags", made.ready[0]["arguments"] | answered)
    tags = [row["title"] for (kind, _), row in world.state.items() if kind == "inbox_tag"]
    assert "Lead" in tags


async def test_a_file_that_was_taken_off_a_task_can_be_attached_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.state
    made = (await world.change("delete_task_file", world.given("delete_task_file", {}))).plan
    [call] = made.ready
    await world.run(call["tool"], call["arguments"])
    assert differences(before, world.state) == set()


# --- creates ----------------------------------------------------------------------------------------------

CREATES = [
    name for name, each in WRITES.items() if each.effect is Effect.CREATE and each.contract not in NO_WAY
]


@pytest.mark.parametrize("name", CREATES)
async def test_what_was_created_can_be_deleted_by_the_call_that_is_offered(name: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.state
    change = await world.change(name, world.given(name, {}))
    made = change.plan
    assert (made.steps, made.refused) == ([], "")
    [call] = made.ready
    assert call["ask"] == []
    assert OPERATIONS[call["tool"]].effect is Effect.DELETE
    await world.run(call["tool"], call["arguments"])
    # A board remembers what happened on it.
    assert differences(before, world.state) <= {"mail+", "activity+"}
    assert ("mail+" in differences(before, world.state)) <= (MAILED in made.lost)


async def test_a_create_whose_id_nobody_knows_asks_for_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    change = await world.change("create_stage", world.given("create_stage", {}))
    entry = replace(change.entry, detail={"done": "Stage created"})
    assert undo.plan(entry).ready == [
        {
            "tool": "delete_stage",
            "arguments": {"pipeline_id": entry.arguments["pipeline_id"]},
            "ask": ["stage_id"],
        }
    ]


# --- no way back ------------------------------------------------------------------------------------------

NONE: dict[str, tuple[dict[str, Any], str]] = {
    "invite_client": ({}, MAILED),
    "send_invoice": ({}, MAILED),
    "send_quotation": ({}, MAILED),
    "reply_ticket": ({}, MAILED),
    "send_message": ({}, MAILED),
    "reply_conversation": ({}, MAILED),
    "book_meeting": ({}, "cannot cancel a booking"),
    "update_invoice_status": ({}, PAID),
    "bulk_update_invoices": ({}, MAILED),
    "update_quotation_status": ({}, "accepted or rejected"),
    "bulk_update_quotations": ({"quotation_ids": [1], "action": "send_to_clients"}, MAILED),
    "assign_ticket": ({}, "does not show to whom"),
    "bulk_update_tickets": (
        {"ticket_ids": [1], "action": "assign", "assigned_to": 6},
        "neither assignee nor tags",
    ),
    "upload_ticket_attachments": ({}, "cannot remove the files"),
    "create_discussion": ({}, "cannot delete a message"),
    "add_deal_note": ({}, "None of the tools"),
    "add_deal_activity": ({}, "None of the tools"),
    "bulk_update_project_tags": ({}, "which tags"),
    "assign_conversation_tags": ({}, "cannot take a tag off"),
}


@pytest.mark.parametrize("name", NONE)
async def test_what_has_no_way_back_says_why(name: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    given, words = NONE[name]
    made = (await world.change(name, world.given(name, given))).plan
    assert (made.steps, made.ready) == ([], [])
    assert words in made.refused


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("bulk_update_invoices", {"invoice_ids": [57], "action": "mark_paid", "payment_date": "2026-01-02",
                                  "payment_method": "card"}, PAID),
        ("update_quotation", {"quotation_id": 2, "status": "accepted"}, "accepted or rejected"),
        ("bulk_update_quotations", {"quotation_ids": [1], "action": "status_update", "status": "rejected"},
         "accepted or rejected"),
        ("update_contact", {"contact_id": 40, "country_id": 3}, "country_id: it was empty"),
        ("update_ticket", {"ticket_id": "1", "email": "x@y.example"}, "email: TaskIP does not show"),
        ("update_team_member", {"member_id": 3, "role_id": 2}, "Nothing can be put back"),
    ],
)  # fmt: skip
async def test_arguments_that_have_no_way_back_say_why(
    name: str, given: dict[str, Any], words: str, tmp_path: Path
) -> None:
    made = (await World(tmp_path).change(name, given)).plan
    assert (made.steps, made.ready) == ([], [])
    assert words in made.refused


# --- every write ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", WRITES.values(), ids=list(WRITES))
def test_every_write_has_a_way_back_or_says_why_not(each: Operation) -> None:
    offered = each.effect is Effect.CREATE and f"{each.group}.delete" in {x.contract for x in WRITES.values()}
    assert each.undo or offered or each.effect is Effect.SEND or each.contract in NO_WAY
    assert not (each.undo and each.effect is Effect.SEND)


@pytest.mark.parametrize("each", WRITES.values(), ids=list(WRITES))
def test_every_way_back_is_walked_by_a_test(each: Operation) -> None:
    walked = {case.tool for case in CASES} | {case.tool for case in DELETES} | {*CREATES, *NONE}
    assert each.name in walked | {"delete_inbox_tag", "delete_task_file"}


def test_the_reasons_name_operations_that_exist_and_write() -> None:
    assert NO_WAY.keys() <= {each.contract for each in WRITES.values()}
