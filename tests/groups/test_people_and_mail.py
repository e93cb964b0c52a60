"""Companies, team members, documents, meetings and the inbox, where they differ from the plain case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskip_mcp import errors, results
from tests.support import Script, backend, run

pytestmark = pytest.mark.anyio

OK = (200, {"msg": "ok"})


async def test_a_company_update_repeats_what_it_reads() -> None:
    record = {
        "id": 3,
        "name": "Old",
        "email": "a@b.example",
        "website": "w",
        "c_size": 2,
        "size": "11-50",
        "image": None,
    }
    script = Script({"GET /company/3": (200, {"msg": "m", "data": record}), "PUT /company/3": OK})
    await run(backend(script), "update_company", company_id=3, name="New", clear=["website"])
    assert script.writes[0].body == {"name": "New", "email": "a@b.example", "c_size": 2, "website": None}


async def test_a_member_in_several_teams_is_not_moved_by_accident() -> None:
    record: dict[str, Any] = {
        "id": 3,
        "email": "a@b.example",
        "first_name": "A",
        "last_name": "B",
        "teams": [{"id": 1}, {"id": 2}],
    }
    script = Script({"GET /team-member/3": (200, {"data": record}), "PUT /team-member/3": OK})
    with pytest.raises(errors.ArgumentError, match="team_id cannot be kept"):
        await run(backend(script), "update_team_member", member_id=3, role_id=2, position="X", confirm=True)
    assert script.writes == []
    await run(
        backend(script), "update_team_member", member_id=3, role_id=2, position="X", team_id=1, confirm=True
    )
    assert script.writes[0].body["team_id"] == 1


async def test_a_new_member_is_access_and_mail() -> None:
    fields = {"email": "a@b.example", "first_name": "A", "last_name": "B", "role_id": 1}
    shown = await run(backend(Script({})), "create_team_member", **fields)
    assert shown["consequences"] == ["access", "send"]
    assert shown["with"] == fields


async def test_a_document_is_uploaded_only_with_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    script = Script({"POST /document": (201, {"msg": "ok", "document": {"id": 4}})})
    api = backend(script, folder=tmp_path)
    await run(api, "create_document", name="N", visibility="public")
    assert script.sent[0].body == {"name": "N", "visibility": 2}
    await run(api, "create_document", name="N", visibility="team", file_path="a.pdf")
    assert b'name="file"; filename="a.pdf"' in script.sent[1].raw
    assert b'name="visibility"\r\n\r\n1' in script.sent[1].raw


async def test_the_plural_document_routes_are_found_when_the_singular_are_missing(tmp_path: Path) -> None:
    script = Script(
        {
            "GET /documents/4": (200, {"success": True, "data": {"id": 4, "uuid": "doc-4"}}),
            "POST /documents/download/doc-4": (200, None),
        }
    )
    api = backend(script, folder=tmp_path)
    assert (await run(api, "get_document", document_id=4))["uuid"] == "doc-4"
    assert script.lines == ["GET /document/4", "GET /documents/4"]
    with pytest.raises(errors.UnreadableError):
        await run(api, "download_document", document_id=4)
    assert script.lines[-1] == "POST /documents/download/doc-4"


BOOKING = {
    "id": 6, "email": "a@b.example", "date": "05-Jan-2099", "ip": "203.0.113.7", "browser": "x", "os": "y",
    "device": "z", "meeting": {"uuid": "m", "title": "T", "host": {"name": "H"}},
}  # fmt: skip
SLOT = {"date": "2099-01-05", "time_slot_start": "09:00", "time_slot_end": "09:30"}
PERSON = {"first_name": "A", "last_name": "B", "email": "a@b.example"}


async def test_a_booking_shows_no_traces_of_the_visitor() -> None:
    reply = {"data": BOOKING, "availibility": [{"day": "monday"}], "booking_data": {"topic": "x"}}
    script = Script({"GET /meeting/m/booking/details/6": (200, reply)})
    record = await run(backend(script), "get_meeting_booking", meeting_id="m", booking_id=6)
    assert record == {
        "id": 6, "email": "a@b.example", "date": "05-Jan-2099", "meeting": {"uuid": "m", "title": "T"},
        "availability": [{"day": "monday"}], "answers": {"topic": "x"},
    }  # fmt: skip


async def test_a_booking_carries_the_attendee_in_its_data_and_finds_its_id() -> None:
    script = Script(
        {
            "POST /meeting/m/booking": (200, {"success_msg": "ok", "data": {"date": "2099-01-05"}}),
            "GET /meeting/m/booking-list": (200, {"data": [BOOKING]}),
        }
    )
    done = await run(
        backend(script),
        "book_meeting",
        meeting_id="m",
        **SLOT,
        **PERSON,
        answers={"topic": "x"},
        confirm=True,
    )
    assert script.sent[0].body == SLOT | {"booking_data": {"topic": "x"} | PERSON}
    assert done.id == 6


async def test_a_slot_that_ends_before_it_starts_is_refused() -> None:
    script = Script({})
    with pytest.raises(errors.ArgumentError, match="later than time_slot_start"):
        await run(
            backend(script),
            "book_meeting",
            meeting_id="m",
            **PERSON,
            **(SLOT | {"time_slot_end": "08:00"}),
            confirm=True,
        )
    assert script.sent == []


async def test_copies_go_out_as_text_and_recipients_as_a_list() -> None:
    script = Script({"POST /inbox/conversation/new-message": (200, {"msg": "ok", "data": {"uuid": "c"}})})
    fields = {"to_emails": ["a@b.example"], "subject": "S", "message": "m"}
    done = await run(
        backend(script), "send_message", **fields, cc=["c@d.example", "e@f.example"], confirm=True
    )
    assert script.sent[0].body == fields | {"cc": "c@d.example,e@f.example"}
    assert results.shape(done)["id"] == "c"


async def test_an_empty_email_is_not_sent() -> None:
    script = Script({})
    with pytest.raises(errors.ArgumentError, match="message or template_id"):
        await run(backend(script), "send_message", to_emails=["a@b.example"], subject="S", confirm=True)
    assert script.sent == []
