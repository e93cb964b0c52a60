"""The list of changes: what was changed through this server, narrowed down, in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskip_mcp.sandbox import Sandbox
from tests.processes import FILE, Hands, contacts, down_from_the_write, query, server

pytestmark = pytest.mark.anyio

DAY = 86_400.0

# --- the list of changes ----------------------------------------------------------------------------------


async def test_changes_are_listed_newest_first_and_cost_no_request(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        await asked.ask("update_contact", contact_id=1, position="CTO")
        made = await asked.ask("create_company", name="Ltd", email="hi@ltd.example")
        report = await asked.ask("bulk_delete_contacts", contact_ids=[2, 3], confirm=True)
        before = len(sandbox.requests)
        listed = await asked.ask("list_changes")
        assert len(sandbox.requests) == before
    job, create, update = listed["items"]
    assert listed["returned"] == 3, "a chunk is a part of its job"
    assert (job["tool"], job["id"], job["arguments"]) == (
        "bulk_delete_contacts", report["job"], {"contact_ids": [2, 3]},
    )  # fmt: skip
    assert (create["tool"], create["record"]) == ("create_company", made["id"])
    assert (update["tool"], update["record"]) == ("update_contact", 1)
    assert update["arguments"] == {"contact_id": 1, "position": "CTO"}
    assert {each["outcome"] for each in listed["items"]} == {"done"}
    assert [each.get("confirmed") for each in listed["items"]] == ["confirm: true", None, None]
    assert all(datetime.fromisoformat(each["at"]).tzinfo for each in listed["items"])
    assert [each["undo"] for each in listed["items"]] == ["call", "call", "yes"]
    assert (update["name"], "name" in job) == ("Elsa Berg", False)
    assert not any("client" in each for each in listed["items"])


async def test_the_outcome_is_told_in_words(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        await asked.ask("update_contact", contact_id=1, position="CTO")
        taken = sandbox.store.rows("contact")[0]["email"]
        await asked.refused("create_contact", first_name="A", email=taken)
        sandbox.fault = down_from_the_write()
        await asked.refused("send_invoice", invoice_id=57, confirm=True)
        items = (await asked.ask("list_changes"))["items"]
    assert [(each["tool"], each["outcome"]) for each in items] == [
        ("send_invoice", "not known"),
        ("create_contact", "not done"),
        ("update_contact", "done"),
    ]


async def test_days_a_tool_and_a_record_narrow_the_list(tmp_path: Path) -> None:
    hands = Hands()
    async with server(Sandbox(), tmp_path, clock=hands.clock) as asked:
        for days, contact, tool in ((3, 1, "update"), (2, 2, "update"), (1, 1, "delete"), (0, 11, "update")):
            hands.ahead = -days * DAY
            more = {"confirm": True} if tool == "delete" else {"position": "CTO"}
            await asked.ask(f"{tool}_contact", contact_id=contact, **more)
        ids = contacts_of(await asked.ask("list_changes"))
        assert ids == [11, 1, 2, 1]
        days_of = [each["at"][:10] for each in (await asked.ask("list_changes"))["items"]]
        cases: list[tuple[dict[str, Any], list[int]]] = [
            ({"since": days_of[1]}, [11, 1]),
            ({"until": days_of[2]}, [2, 1]),
            ({"since": days_of[2], "until": days_of[1]}, [1, 2]),
            ({"until": before(days_of[3])}, []),
            ({"tool": "delete_contact"}, [1]),
            ({"tool": "create_contact"}, []),
            ({"record": "1"}, [1, 1]),
            ({"record": "1", "tool": "update_contact"}, [1]),
            ({"record": "9"}, []),
            ({"limit": 2}, [11, 1]),
        ]
        for filters, wanted in cases:
            assert contacts_of(await asked.ask("list_changes", **filters)) == wanted, filters
        said = await asked.refused("list_changes", tool="get_contacts")
        assert "There is no tool get_contacts" in said


def contacts_of(listed: dict[str, Any]) -> list[int]:
    return [each["arguments"]["contact_id"] for each in listed["items"]]


def before(day: str) -> str:
    return (datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(days=1)).date().isoformat()


async def test_a_list_that_was_cut_says_so_and_a_whole_one_does_not(tmp_path: Path) -> None:
    async with server(Sandbox(), tmp_path) as asked:
        for position in ("A", "B", "C"):
            await asked.ask("update_contact", contact_id=1, position=position)
        cut = await asked.ask("list_changes", limit=2)
        assert [each["arguments"]["position"] for each in cut["items"]] == ["C", "B"]
        assert "There are more" in cut["note"]
        assert "note" not in await asked.ask("list_changes", limit=3)


async def test_a_record_is_found_among_the_ids_of_a_job_and_as_what_was_made(tmp_path: Path) -> None:
    sandbox = Sandbox(limits=False)
    ids = contacts(sandbox, 3)
    async with server(sandbox, tmp_path) as asked:
        report = await asked.ask("bulk_delete_contacts", contact_ids=ids, confirm=True)
        made = await asked.ask("create_contact", first_name="Ada", email="ada@new.example")
        (job,) = (await asked.ask("list_changes", record=str(ids[1])))["items"]
        (create,) = (await asked.ask("list_changes", record=str(made["id"])))["items"]
    assert (job["id"], create["tool"]) == (report["job"], "create_contact")


async def test_a_long_argument_is_cut_in_the_list_and_whole_in_the_journal(tmp_path: Path) -> None:
    text = "x" * 900
    async with server(Sandbox(), tmp_path) as asked:
        await asked.ask("reply_ticket", ticket_id="1", message=text, confirm=True)
        (change,) = (await asked.ask("list_changes"))["items"]
    assert change["arguments"]["message"].endswith("(700 more characters)")
    assert json.loads(query(tmp_path, "SELECT arguments FROM journal")[0][0])["message"] == text


async def test_each_key_has_a_journal_of_its_own(tmp_path: Path) -> None:
    async with server(Sandbox(), tmp_path) as asked:
        await asked.ask("update_contact", contact_id=1, position="CTO")
    async with server(Sandbox(), tmp_path, secret_key="another-key-1234567890") as other:
        assert (await other.ask("list_changes"))["items"] == []
    assert (tmp_path / FILE).exists()


async def test_a_row_tells_whether_and_how_it_can_be_taken_back(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        ticket = (await asked.ask("list_tickets", limit=1))["items"][0]["id"]
        await asked.ask("reply_ticket", ticket_id=str(ticket), message="Hi", confirm=True)
        await asked.ask("update_contact", contact_id=1, position="CTO")
        await asked.ask("update_contact", contact_id=1, position="CTO")
        await asked.ask("delete_contact", contact_id=2, confirm=True)
        delete, same, update, reply = (await asked.ask("list_changes"))["items"]
        assert [each["undo"] for each in (delete, same, update, reply)] == ["call", "no", "yes", "no"]
        assert reply["record"] == str(ticket), "not the number of the reply, which no tool takes"
        before = len(sandbox.requests)
        said = await asked.refused("undo_change", change_id=same["id"])
        assert "All was so before" in said
        assert len(sandbox.requests) == before, "no is known without a request"
        await asked.ask("undo_change", change_id=update["id"])
        taken = (await asked.ask("list_changes", tool="update_contact"))["items"]
        assert [each["undo"] for each in taken] == ["yes", "no", "no"]
