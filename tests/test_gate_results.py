"""What a confirmed call says when it is done, and what is refused before it is shown: from what is known anyway."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import outside
from taskip_mcp.sandbox.store import Store
from tests.gatehouse import accepts, gatehouse, words
from tests.sandbox_calls import MEETING, PIPELINE, filled

pytestmark = pytest.mark.anyio


def bookable_until(store: Store, day: str) -> None:
    for row in store.rows("meeting"):
        store.update("meeting", row["id"], {"applicable_from": "2026-01-01", "applicable_to": day})


@pytest.mark.parametrize("previewed", [True, False])
async def test_a_delete_names_what_went_without_a_request_for_it(previewed: bool) -> None:
    async with gatehouse("flag") as at:
        preview = await at.shown("delete_company", company_id=2) if previewed else {}
        at.door.passed.clear()
        result = await at.call("delete_company", company_id=2, confirm=True)
        done = outside.unfenced(words(result))
        assert at.door.passed == [
            "GET /company/2", "GET /contact", "GET /project", "DELETE /company/2",
        ]  # fmt: skip
        assert words(result).startswith(outside.NOTICE), "names of clients are outsiders' text"
        assert '"done":"Company 2 deleted"' in done
        (text,) = (each for each in done.split('"') if each.startswith("contacts deleted with it: "))
        if previewed:
            assert text in preview["follows"]


async def test_a_bulk_delete_names_the_first_of_what_went() -> None:
    async with gatehouse("flag") as at:
        ids = [row["id"] for row in at.door.sandbox.store.rows("contact")][:12]
        done = await at.done("bulk_delete_contacts", contact_ids=ids, confirm=True)
        assert [row["id"] for row in done["changed"]["records"]] == ids[:10]
    async with gatehouse("flag") as at:
        company = await at.done("bulk_delete_companies", company_ids=[1, 2], confirm=True)
        assert [row["id"] for row in company["changed"]["records"]] == [1, 2]
        assert company["changed"]["follows"][0].startswith("contacts deleted with it: ")


async def test_a_message_tells_whom_it_went_to_where_that_was_read_for_the_preview() -> None:
    async with gatehouse("flag") as at:
        preview = await at.shown("send_invoice", invoice_id=57)
        (to,) = (each for each in preview["follows"] if each.startswith("It goes to "))
        assert to in (await at.done("send_invoice", invoice_id=57, confirm=True))["changed"]["follows"]
        unread = await at.done("send_invoice", invoice_id=58, confirm=True)
        assert "follows" not in unread["changed"], "nothing was read, so nothing is known"
        again = await at.done("send_invoice", invoice_id=58, confirm=True)
        assert again["changed"] == {}, "nothing was sent, so nothing went anywhere"


ALONE: list[tuple[str, dict[str, Any], str]] = [
    ("update_invoice_status", {"invoice_id": 57, "status": "paid"}, "payment_date, payment_method: required"),
    ("bulk_update_quotations", {"quotation_ids": [1], "action": "status_update"}, "status: required with action"),
    ("bulk_update_tickets", {"ticket_ids": [1], "action": "assign"}, "assigned_to: required with action assign"),
    ("bulk_update_deals", PIPELINE | {"deal_ids": [1], "action": "move_stage"}, "stage_id: required"),
    ("send_message", {"to_emails": ["x@y.example"], "subject": "Hi"}, "message or template_id"),
    ("create_contact", {"first_name": "A", "email": "a@x.example", "access_portal": True}, "password: required"),
    ("update_contact", {"contact_id": 1, "access_portal": True}, "password: required"),
    (
        "update_contact",
        {"contact_id": 1, "invite_client": True, "position": "CEO", "clear": ["position"]},
        "position is both given and in clear",
    ),
    (
        "book_meeting",
        {
            "meeting_id": "@meeting:1", "date": "2099-01-05", "time_slot_start": "10:00", "time_slot_end": "10:00",
            "first_name": "A", "last_name": "B", "email": "a@x.example",
        },
        "later than time_slot_start",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "given", "complaint"), ALONE)
async def test_what_the_arguments_alone_tell_is_refused_before_anything_is_read_or_asked(
    tool: str, given: dict[str, Any], complaint: str
) -> None:
    async with gatehouse("human", person=accepts) as at:
        text = words(await at.call(tool, **filled(given, at.door.sandbox)))
        assert complaint in text
        assert "Nothing was sent" in text
        assert (at.door.passed, at.questions) == ([], [])


@pytest.mark.parametrize(
    ("slot", "warning"),
    [
        ({"date": "2099-01-05", "time_slot_start": "10:00", "time_slot_end": "10:30"}, ""),
        (
            {"date": "2099-01-05", "time_slot_start": "05:00", "time_slot_end": "05:30"},
            "That is outside the page's hours: on Monday ",
        ),
        (
            {"date": "2099-01-04", "time_slot_start": "10:00", "time_slot_end": "10:30"},
            "That is outside the page's hours: on Sunday it is closed.",
        ),
        (
            {
                "date": "2099-01-04", "time_slot_start": "10:00", "time_slot_end": "10:30",
                "timezone": "Asia/Kathmandu",
            },
            "",
        ),
    ],
)  # fmt: skip
async def test_a_booking_shows_day_and_page_and_whether_the_page_is_open_then(
    slot: dict[str, Any], warning: str
) -> None:
    person = {"first_name": "A", "last_name": "B", "email": "a@x.example"}
    async with gatehouse("flag") as at:
        bookable_until(at.door.sandbox.store, "2099-12-31")
        shown = await at.shown("book_meeting", **filled(MEETING, at.door.sandbox), **person, **slot)
    weekday = "Sunday" if slot["date"].endswith("04") else "Monday"
    said = shown["follows"]
    assert any(
        each.startswith(f"It books {weekday} {slot['date']} {slot['time_slot_start']}-") and " for " in each
        for each in said
    )
    outside_ = [each for each in said if "outside the page's hours" in each]
    assert [each.startswith(warning) for each in outside_] == ([True] if warning else [])


async def test_a_booking_after_the_last_day_of_a_page_is_told() -> None:
    given = {"date": "2150-01-05", "time_slot_start": "10:00", "time_slot_end": "10:30"}
    person = {"first_name": "A", "last_name": "B", "email": "a@x.example"}
    async with gatehouse("flag") as at:
        bookable_until(at.door.sandbox.store, "2026-12-31")
        shown = await at.shown("book_meeting", **filled(MEETING, at.door.sandbox), **person, **given)
    assert "The page takes bookings from 2026-01-01 to 2026-12-31 alone." in shown["follows"]
