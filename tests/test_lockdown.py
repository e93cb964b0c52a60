"""TASKIP_LOCKDOWN: to whom something may be sent, and what is looked at to know it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from taskip_mcp import arguments, errors, lockdown, operation
from taskip_mcp.call import Call
from taskip_mcp.operation import Consequence
from tests.support import Reply, Script, backend

pytestmark = pytest.mark.anyio

KNOWN = {"email": "Anke@LumenOptics.example", "id": 5}
ALIKE = {"email": "not.anke@lumenoptics.example", "id": 6}
STRANGER = "stranger@else.example"


def contacts(*rows: dict[str, Any]) -> Reply:
    return (200, {"data": list(rows), "meta": {"search": None}})


def call_of(script: Script, tool: str, /, **raw: Any) -> Call:
    found = operation.load_all()[tool]
    return Call(backend(script), found, arguments.validate(found, raw))


def enter(call: Call, contract: str, **given: Any) -> None:
    """Note a write of this server that was carried out just now."""
    log = call.backend.log
    log.end(log.begin(contract, given, guard=False), "done")


async def refused(call: Call) -> str:
    with pytest.raises(errors.RefusedError) as caught:
        await lockdown.check_recipients(call)
    text = str(caught.value)
    assert "Nothing was changed." in text
    return text


# --- the table --------------------------------------------------------------------------------------------


def test_every_operation_that_may_send_names_its_addresses_or_has_none() -> None:
    sending = {
        each.contract: each for each in operation.load_all().values() if Consequence.SEND in each.possible
    }
    named = set(lockdown.ADDRESSES)
    assert named | lockdown.NO_ADDRESSES == sending.keys()
    assert not named & lockdown.NO_ADDRESSES
    for contract, each in sending.items():
        properties = arguments.schema_of(each)["properties"]
        mails = {name for name in properties if "email" in name or name in {"cc", "bcc"}}
        taken = set(lockdown.ADDRESSES.get(contract, ()))
        # from_email is the sender, email_template and send_email belong to no contactes.
        assert mails - {"from_email", "email_template", "send_email"} == taken, contract


def test_every_address_that_a_record_can_be_given_is_known_to_be_entered() -> None:
    for each in operation.load_all().values():
        if each.group in {"contact", "ticket"} and "email" in arguments.schema_of(each)["properties"]:
            assert lockdown.ENTERED[each.contract] == "email"
    assert set(lockdown.STORED) - {
        "contact.update",
        "invoice.send_to_client",
        "quotation.send_to_client",
    } == (lockdown.NO_ADDRESSES - {"inbox.reply"})


# --- addresses among the arguments ------------------------------------------------------------------------

SENDS: list[tuple[str, dict[str, Any]]] = [
    ("send_message", {"to_emails": ["{}"], "subject": "S", "message": "M"}),
    ("send_message", {"to_emails": ["anke@lumenoptics.example"], "subject": "S", "message": "M", "cc": ["{}"]}),
    ("send_message", {"to_emails": ["anke@lumenoptics.example"], "subject": "S", "message": "M", "bcc": ["{}"]}),
    ("send_invoice", {"invoice_id": 1, "email": "{}"}),
    ("send_quotation", {"quotation_id": 1, "cc_emails": ["{}"]}),
    ("book_meeting", {"meeting_id": "m", "date": "2026-12-01", "time_slot_start": "10:00", "time_slot_end": "11:00",
                      "first_name": "A", "last_name": "B", "email": "{}"}),
    ("book_meeting", {"meeting_id": "m", "date": "2026-12-01", "time_slot_start": "10:00", "time_slot_end": "11:00",
                      "first_name": "A", "last_name": "B", "email": "anke@lumenoptics.example",
                      "answers": {"Guests": [{"mail": "Guest <{}>"}]}}),
    ("create_contact", {"first_name": "A", "email": "{}", "invite_client": True}),
    ("update_contact", {"contact_id": 5, "email": "{}", "invite_client": True}),
    ("create_team_member", {"first_name": "A", "last_name": "B", "email": "{}", "role_id": 3}),
]  # fmt: skip
EACH_SEND = pytest.mark.parametrize(("tool", "raw"), SENDS, ids=[tool for tool, _ in SENDS])


def filled(raw: Any, address: str) -> Any:
    """The arguments with an address in their place."""
    if isinstance(raw, dict):
        return {name: filled(value, address) for name, value in raw.items()}  # pyright: ignore
    if isinstance(raw, list):
        return [filled(value, address) for value in raw]  # pyright: ignore
    return raw.replace("{}", address) if isinstance(raw, str) else raw


def searched(script: Script) -> list[str]:
    return [each.query["search"] for each in script.sent]


@EACH_SEND
async def test_an_address_of_no_contact_is_refused(tool: str, raw: dict[str, Any]) -> None:
    script = Script({"GET /contact": [contacts(KNOWN, ALIKE), contacts(KNOWN, ALIKE)]})
    text = await refused(call_of(script, tool, **filled(raw, STRANGER)))
    assert STRANGER in text
    assert "anke" not in text
    assert script.writes == []
    assert STRANGER in searched(script)


@EACH_SEND
async def test_an_address_of_a_contact_passes_in_any_case(tool: str, raw: dict[str, Any]) -> None:
    script = Script({"GET /contact": [contacts(ALIKE, KNOWN), contacts(KNOWN)]})
    await lockdown.check_recipients(call_of(script, tool, **filled(raw, "ANKE@lumenoptics.example")))
    assert script.writes == []
    # One search for each mailbox, however often and in whatever case it is named.
    assert len(script.sent) == 1


async def test_an_address_that_search_finds_only_as_part_of_another_is_refused() -> None:
    script = Script({"GET /contact": contacts(ALIKE)})
    await refused(call_of(script, "send_invoice", invoice_id=1, email="anke@lumenoptics.example"))


async def test_letters_beyond_ascii_are_never_folded() -> None:
    # The sign of Kelvin becomes a k in lower case, and is another mailbox.
    script = Script({"GET /contact": contacts(KNOWN)})
    await refused(call_of(script, "send_invoice", invoice_id=1, email="an\u212ae@lumenoptics.example"))


async def test_a_search_is_read_on_until_the_address_is_found() -> None:
    full = contacts(*({"email": f"{number}@x.example"} for number in range(100)))
    script = Script({"GET /contact": [full, contacts(KNOWN)]})
    await lockdown.check_recipients(
        call_of(script, "send_invoice", invoice_id=1, email="anke@lumenoptics.example")
    )
    assert [each.query.get("page") for each in script.sent] == [None, "2"]


async def test_all_strangers_are_named_at_once() -> None:
    script = Script({"GET /contact": [contacts()] * 2})
    text = await refused(
        call_of(
            script, "send_message", to_emails=["a@x.example"], cc=["b@x.example"], subject="S", message="M"
        )
    )
    assert "a@x.example, b@x.example belong to no contact" in text


async def test_a_refused_invitation_says_what_can_be_done_instead() -> None:
    script = Script({"GET /contact": contacts()})
    text = await refused(
        call_of(script, "create_contact", first_name="A", email=STRANGER, invite_client=True)
    )
    assert text.endswith("a person can invite it later. Nothing was changed.")


@pytest.mark.parametrize(
    ("tool", "raw"),
    [
        ("create_contact", {"first_name": "A", "email": STRANGER}),
        ("reply_conversation", {"conversation_id": "c", "message": "M"}),
        ("reply_ticket", {"ticket_id": "5", "message": "M"}),
        ("send_invoice", {"invoice_id": 1}),
        ("send_quotation", {"quotation_id": 1}),
        ("bulk_update_invoices", {"invoice_ids": [1], "action": "send"}),
        ("delete_company", {"company_id": 1}),
    ],
)
async def test_what_goes_to_nobody_new_is_not_looked_up(tool: str, raw: dict[str, Any]) -> None:
    script = Script({})
    await lockdown.check_recipients(call_of(script, tool, **raw))
    assert script.sent == []


async def test_a_search_that_fails_stops_the_call() -> None:
    script = Script({"GET /contact": (500, {"message": "Server Error"})})
    with pytest.raises(errors.ServerError) as caught:
        await lockdown.check_recipients(call_of(script, "send_invoice", invoice_id=1, email=STRANGER))
    assert "Nothing was changed." in str(caught.value)


# --- addresses that were entered through this server ------------------------------------------------------


@pytest.mark.parametrize("entered", ["contact.create", "contact.update"])
async def test_an_address_that_was_entered_today_does_not_count(entered: str) -> None:
    script = Script({"GET /contact": contacts({"email": STRANGER})})
    call = call_of(script, "send_invoice", invoice_id=1, email=STRANGER.upper())
    enter(call, entered, email=STRANGER, first_name="S")
    await refused(call)
    assert script.sent == []


async def test_only_what_was_entered_within_a_day_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"GET /contact": contacts(KNOWN)})
    call = call_of(script, "send_invoice", invoice_id=1, email=KNOWN["email"])
    asked: list[tuple[set[str], float]] = []

    def since(contracts: Collection[str], seconds: float) -> list[Any]:
        asked.append((set(contracts), seconds))
        return []

    monkeypatch.setattr(call.backend.log, "since", since)
    await lockdown.check_recipients(call)
    assert asked == [({"contact.create", "contact.update", "ticket.create", "ticket.update"}, 86_400.0)]


FRESH = {"email": STRANGER, "id": 5}
STORED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("invite_client", {"contact_id": 5}, "GET /contact/5", FRESH),
    ("update_contact", {"contact_id": 5, "invite_client": True}, "GET /contact/5", FRESH),
    ("send_invoice", {"invoice_id": 7}, "GET /invoice/7", {"id": 7, "contacts": FRESH}),
    ("send_quotation", {"quotation_id": 7}, "GET /quotation/7", {"id": 7, "contact": FRESH}),
    ("reply_ticket", {"ticket_id": "7", "message": "M"}, "GET /support-ticket/7", {"id": 7, "user": FRESH}),
    ("update_ticket_status", {"ticket_id": "7", "status": "closed", "notify_client": True}, "GET /support-ticket/7",
     {"id": 7, "user": None, "created_by": FRESH}),
    ("create_project", {"title": "T", "priority": 3, "privacy": "private", "status": "active", "client_ids": [5],
                        "notify_client": True}, "GET /contact/5", FRESH),
    ("update_project", {"project_id": "p", "title": "T", "notify_client": True}, "GET /project/p",
     {"id": 9, "client": [FRESH]}),
]  # fmt: skip
EACH_STORED = pytest.mark.parametrize(
    ("tool", "raw", "read", "record"), STORED, ids=[row[0] for row in STORED]
)


@EACH_STORED
async def test_a_record_with_an_address_that_was_entered_today_is_not_sent_to(
    tool: str, raw: dict[str, Any], read: str, record: dict[str, Any]
) -> None:
    script = Script({read: (200, {"data": record})})
    call = call_of(script, tool, **raw)
    enter(call, "contact.update", contact_id=5, email=STRANGER)
    assert STRANGER in await refused(call)
    assert script.lines == [read]


@EACH_STORED
async def test_a_record_whose_address_is_older_is_sent_to(
    tool: str, raw: dict[str, Any], read: str, record: dict[str, Any]
) -> None:
    script = Script({read: (200, {"data": record})})
    call = call_of(script, tool, **raw)
    enter(call, "contact.create", first_name="A", email="somebody@else.example")
    await lockdown.check_recipients(call)


@pytest.mark.parametrize(
    ("tool", "raw", "replies"),
    [
        (
            "reply_ticket",
            {"ticket_id": "7", "message": "M"},
            {"GET /support-ticket/7": (200, {"data": {"id": 7}})},
        ),
        ("bulk_update_invoices", {"invoice_ids": [1, 2], "action": "send"}, {}),
        ("bulk_update_quotations", {"quotation_ids": [1, 2], "action": "send_to_clients"}, {}),
    ],
)
async def test_what_does_not_show_its_address_waits_for_a_person_on_such_a_day(
    tool: str, raw: dict[str, Any], replies: dict[str, Reply]
) -> None:
    call = call_of(Script(replies), tool, **raw)
    enter(call, "ticket.create", subject="S", email=STRANGER)
    assert "TaskIP does not show" in await refused(call)
