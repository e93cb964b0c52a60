"""Tickets: words and numbers, what only one of the two routes can carry, uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskip_mcp import errors, results
from taskip_mcp.groups import ticket_words
from tests.support import NO_ROUTE, Script, backend, run

pytestmark = pytest.mark.anyio

TICKET = {
    "id": 5, "uuid": "tk-5", "subject": "Old", "priority": 3, "status": 4, "description": "<p>x</p>",
    "attachment": {"id": 8}, "created_by": {"id": 1}, "user": {"id": 102},
}  # fmt: skip
GUIDE = {"GET /support-ticket/5": (200, {"data": TICKET})}
OK = (200, {"msg": "ok"})


def test_words_and_numbers_are_those_of_the_live_system() -> None:
    fields = {"status": "closed", "priority": "urgent", "subject": "s"}
    assert ticket_words.numbers(fields) == {"status": 2, "priority": 3, "subject": "s"}
    shown = ticket_words.words({"status": 5, "priority": 0})
    assert shown == {"status": "queue", "status_raw": 5, "priority": "low", "priority_raw": 0}
    odd = ticket_words.words({"status": 9, "priority": True})
    assert odd == {"status": 9, "priority": "medium", "priority_raw": True}


async def test_an_update_repeats_what_the_live_system_requires() -> None:
    script = Script(GUIDE | {"PUT /support-ticket/5": (200, {"msg": "ok", "data": TICKET})})
    await run(backend(script), "update_ticket", ticket_id=5, subject="New")
    assert script.writes[0].body == {
        "subject": "New", "priority": 3, "status": 4, "description": "<p>x</p>", "attachment": 8, "created_by": 1,
        "user_id": 102,
    }  # fmt: skip


async def test_closing_sends_two_to_the_uuid() -> None:
    script = Script(GUIDE | {"POST /support-ticket/status-update/tk-5": OK})
    await run(backend(script), "update_ticket_status", ticket_id=5, status="closed")
    assert script.writes[0].body == {"status": 2}


async def test_notes_go_over_the_older_route_which_knows_them() -> None:
    script = Script({"POST /ticket/5/status-update": OK})
    notes = {"status": "resolved", "resolution_notes": "Fixed"}
    await run(backend(script), "update_ticket_status", ticket_id=5, **notes)
    assert [(each.line, each.body) for each in script.writes] == [("POST /ticket/5/status-update", notes)]


async def test_what_no_route_can_carry_is_refused_and_nothing_is_changed() -> None:
    script = Script({})
    with pytest.raises(errors.UnsupportedError, match=r"resolution_notes.*Nothing was changed"):
        await run(
            backend(script), "update_ticket_status", ticket_id="x", status="queue", resolution_notes="n"
        )
    assert script.writes == []


@pytest.mark.parametrize("more", [{"is_private": True}, {"notify_client": False}])
async def test_a_private_or_silent_reply_never_takes_the_public_route(more: dict[str, Any]) -> None:
    script = Script(GUIDE | {"POST /support-ticket/reply/tk-5": OK, "POST /ticket/5/add-reply": NO_ROUTE})
    with pytest.raises(errors.UnsupportedError, match="Nothing was changed"):
        await run(backend(script), "reply_ticket", ticket_id=5, message="m", confirm=True, **more)
    assert "POST /support-ticket/reply/tk-5" not in script.lines


async def test_a_public_reply_may_be_said_to_be_public() -> None:
    script = Script(GUIDE | {"POST /support-ticket/reply/tk-5": (200, {"msg": "ok", "reply": {"id": 77}})})
    done = await run(
        backend(script), "reply_ticket", ticket_id=5, message="m", is_private=False, confirm=True
    )
    assert (script.writes[0].body, done.id) == ({"description": "m"}, 77)


async def test_files_are_checked_before_any_is_sent(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    script = Script(
        {"POST /ticket/5/attachments": (200, {"success": True, "data": {"uploaded_files": [{"id": 3}]}})}
    )
    api = backend(script, folder=tmp_path)
    with pytest.raises(errors.FileError, match=r"b\.txt does not exist"):
        await run(api, "upload_ticket_attachments", ticket_id=5, file_paths=["a.txt", "b.txt"])
    assert script.sent == []
    done = await run(api, "upload_ticket_attachments", ticket_id=5, file_paths=["a.txt"], description="d")
    assert b'name="files[]"; filename="a.txt"' in script.sent[0].raw
    assert b'name="description"\r\n\r\nd' in script.sent[0].raw
    assert results.shape(done)["changed"] == {"uploaded_files": [{"id": 3}]}


async def test_a_bulk_action_says_which_argument_it_lacks() -> None:
    script = Script({})
    with pytest.raises(errors.ArgumentError, match="assigned_to: required with action assign"):
        await run(backend(script), "bulk_update_tickets", ticket_ids=[1], action="assign", confirm=True)
    assert script.sent == []
