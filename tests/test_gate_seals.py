"""Codes of ``TASKIP_CONFIRM=strict``: good once, for ten minutes, for the one call and the one state they were made of.

Whatever is tried with another one: nothing but reads leaves for TaskIP, and the answer says that nothing was changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp import seal
from tests.gatehouse import BASE, KEY, NOTHING, SEALING, Door, Hands, gatehouse, renewed, settings, words

pytestmark = pytest.mark.anyio

SEND: dict[str, Any] = {"to_emails": ["x@y.example"], "subject": "Hi", "message": "Hello"}
INVOICE: dict[str, Any] = {"invoice_id": 57, "message": "Attached.", "subject": "Bill", "attach_pdf": True}
REPEATED: dict[str, Any] = {"invoice_id": 57, "is_recurring": True, "frequency": "monthly"}
USED = "used already"
OTHER = "belongs to another call"
FOREIGN = "not one of this server"
BROKEN = "not complete"
VOID = "has changed since it was shown"


# --- once -------------------------------------------------------------------------------------------------


async def test_a_code_carries_out_one_call_and_is_refused_from_then_on() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("send_message", **SEND)
        await at.done("send_message", **SEND, confirm=True, confirm_code=code)
        for _ in range(3):
            text = await at.refused("send_message", **SEND, confirm=True, confirm_code=code)
            assert USED in text
            assert "new preview" in text
        assert len(at.door.writes) == 1


async def test_a_used_code_does_not_come_back_when_the_target_is_as_it_was() -> None:
    async with gatehouse("strict") as at:
        image = at.door.sandbox.store.dump()
        code = await at.code("delete_contact", contact_id=1)
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=code)
        at.door.sandbox.store.restore(image)
        assert USED in await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)


async def test_used_is_used_after_a_restart_and_what_was_not_used_is_still_good(tmp_path: Path) -> None:
    door = Door()
    async with gatehouse("strict", door, state=tmp_path) as at:
        used = await at.code("delete_contact", contact_id=1)
        kept = await at.code("delete_contact", contact_id=2)
        image = door.sandbox.store.dump()
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=used)
    door.sandbox.store.restore(image)
    async with gatehouse("strict", door, state=tmp_path) as at:
        assert USED in await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=used)
        await at.done("delete_contact", contact_id=2, confirm=True, confirm_code=kept)


async def test_every_preview_has_a_code_of_its_own_and_each_is_good_once() -> None:
    async with gatehouse("strict") as at:
        codes = [await at.code("set_invoice_recurring", **REPEATED) for _ in range(3)]
        assert len(set(codes)) == 3
        await at.done("set_invoice_recurring", **REPEATED, confirm=True, confirm_code=codes[0])
        # What it did is a change like any other: the other codes were made of another state.
        text = await at.refused("set_invoice_recurring", **REPEATED, confirm=True, confirm_code=codes[1])
        assert VOID in text


async def test_a_code_whose_write_taskip_refused_is_used_and_the_words_say_what_to_do() -> None:
    def locked(request: Request) -> Response | None:
        told = {"message": "Invalid.", "errors": {"frequency": ["It is locked."]}}
        return JSONResponse(told, 422) if request.method == "POST" else None

    async with gatehouse("strict") as at:
        code = await at.code("set_invoice_recurring", **REPEATED)
        at.door.sandbox.fault = locked
        failed = words(await at.call("set_invoice_recurring", **REPEATED, confirm=True, confirm_code=code))
        assert "It is locked." in failed
        assert NOTHING in failed
        assert failed.endswith(
            "This confirmation is used up. Call without confirm and confirm_code for a new preview."
        )
        at.door.sandbox.fault = None
        again = await at.refused("set_invoice_recurring", **REPEATED, confirm=True, confirm_code=code)
        assert USED in again
        assert "new preview" in again
        fresh = await at.code("set_invoice_recurring", **REPEATED)
        await at.done("set_invoice_recurring", **REPEATED, confirm=True, confirm_code=fresh)


async def test_a_code_is_not_used_up_by_refusals() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("delete_contact", contact_id=1)
        await at.refused("delete_contact", contact_id=2, confirm=True, confirm_code=code)
        await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code[:-1])
        await at.shown("delete_contact", contact_id=1, confirm_code=code)  # without confirm: a preview
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=code)


# --- ten minutes ------------------------------------------------------------------------------------------


async def test_a_code_is_good_for_ten_minutes_and_not_a_second_longer() -> None:
    hands = Hands()
    async with gatehouse("strict", clock=hands.clock) as at:
        kept, late = [await at.code("delete_contact", contact_id=number) for number in (1, 2)]
        hands.at += 599
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=kept)
        hands.at += 1
        text = await at.refused("delete_contact", contact_id=2, confirm=True, confirm_code=late)
        assert "is over" in text
        assert "new preview" in text


@pytest.mark.parametrize("days", [0, 1, 2, 400])
async def test_a_used_code_is_refused_however_late_it_comes_and_however_often_servers_start(
    days: int, tmp_path: Path
) -> None:
    hands, door = Hands(), Door()
    image = door.sandbox.store.dump()
    async with gatehouse("strict", door, state=tmp_path, clock=hands.clock) as at:
        code = await at.code("delete_contact", contact_id=1)
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=code)
    door.sandbox.store.restore(image)
    hands.at += days * 86_400
    async with gatehouse("strict", door, state=tmp_path, clock=hands.clock) as at:
        await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)


# --- this call --------------------------------------------------------------------------------------------

RETARGETED: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("delete_contact", {"contact_id": 1}, "delete_contact", {"contact_id": 2}),
    ("delete_contact", {"contact_id": 1}, "delete_company", {"company_id": 1}),
    ("delete_invoice", {"invoice_id": 57}, "send_invoice", {"invoice_id": 57}),
    ("bulk_delete_contacts", {"contact_ids": [1]}, "delete_contact", {"contact_id": 1}),
    ("bulk_delete_contacts", {"contact_ids": [1]}, "bulk_delete_contacts", {"contact_ids": [1, 2]}),
    ("bulk_delete_contacts", {"contact_ids": [1, 2]}, "bulk_delete_contacts", {"contact_ids": [2, 1]}),
    ("bulk_delete_contacts", {"contact_ids": [1]}, "bulk_delete_companies", {"company_ids": [1]}),
    ("send_message", SEND, "send_message", SEND | {"to_emails": ["x@y.example", "z@y.example"]}),
    ("send_message", SEND, "send_message", SEND | {"bcc": ["z@y.example"]}),
    ("send_message", SEND, "send_message", SEND | {"message": "Hello "}),
    ("send_message", SEND, "send_message", SEND | {"message": "Hell\u043e"}),  # a Cyrillic letter
    ("send_message", SEND, "send_message", SEND | {"allow_duplicate": True}),
    ("send_message", SEND | {"cc": ["a@b.example"]}, "send_message", SEND | {"bcc": ["a@b.example"]}),
    ("send_invoice", INVOICE, "send_invoice", INVOICE | {"email": "z@y.example"}),
    ("send_invoice", INVOICE, "send_invoice", {"invoice_id": 57}),
    ("send_invoice", INVOICE, "send_invoice", INVOICE | {"attach_pdf": False}),
    ("set_invoice_recurring", REPEATED, "set_invoice_recurring", REPEATED | {"frequency": "weekly"}),
    ("set_invoice_recurring", REPEATED, "set_invoice_recurring", REPEATED | {"max_cycles": 3}),
]  # fmt: skip


async def test_a_code_belongs_to_one_tool_and_exactly_its_arguments() -> None:
    async with gatehouse("strict") as at:
        for tool, usual, other, changed in RETARGETED:
            code = await at.code(tool, **usual)
            text = await at.refused(other, **changed, confirm=True, confirm_code=code)
            assert OTHER in text, (tool, usual, other, changed)


# As JSON has them: null and "left out" are the same to the server, so both are here.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text('ab[]",:', max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["contact_id", "message", "cc", "allow_duplicate"]), VALUES)


def meant(value: Any) -> Any:
    """What tells two sets of arguments apart, with their types: Python takes True for 1."""
    if isinstance(value, dict):
        return {key: meant(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [meant(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return (type(value).__name__, value)


@effort(max_examples=150, deadline=None)
@given(ARGUMENTS, ARGUMENTS)
def test_two_calls_have_the_same_digest_only_if_they_are_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    sealer = seal.Sealer(settings("strict"), "account")
    first, second = (
        {key: value for key, value in each.items() if value is not None} for each in (one, other)
    )
    same = meant(first) == meant(second)
    assert (sealer.call("tool", one) == sealer.call("tool", other)) is same
    assert sealer.call("tool", one) != sealer.call("loot", one)


FORMS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("delete_contact", {"contact_id": 1}, {"contact_id": "1"}),
    ("delete_contact", {"contact_id": 1}, {"contact_id": 1.0}),
    ("delete_ticket", {"ticket_id": "1"}, {"ticket_id": 1}),
    ("bulk_delete_contacts", {"contact_ids": [1, 2]}, {"contact_ids": "[1, 2]"}),
    ("bulk_delete_contacts", {"contact_ids": [1, 2]}, {"contact_ids": ["1", 2.0]}),
    ("send_message", SEND, SEND | {"cc": None, "template_id": None}),
    ("send_message", SEND, SEND | {"allow_duplicate": False}),
    ("send_message", SEND, dict(reversed(SEND.items()))),
    ("set_invoice_recurring", REPEATED, REPEATED | {"is_recurring": "true"}),
]


async def test_a_code_holds_for_the_same_values_in_another_form() -> None:
    hands = Hands()
    async with gatehouse("strict", clock=hands.clock) as at:
        for tool, usual, other in FORMS:
            hands.at += 300  # long enough for an identical call not to be taken for a repetition
            at.door.sandbox.reset()
            at.door.passed.clear()
            code = await at.code(tool, **usual)
            await at.done(tool, **other, confirm="true", confirm_code=code)
            assert len(at.door.writes) == 1, (tool, other)


# --- this server's ----------------------------------------------------------------------------------------

SERVERS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {}, ""),
    ({"confirm_key": SEALING}, {"confirm_key": SEALING}, ""),
    ({}, {"secret_key": "another-key-of-another-account"}, FOREIGN),
    ({"confirm_key": SEALING}, {"confirm_key": SEALING[::-1]}, FOREIGN),
    ({"confirm_key": SEALING}, {}, FOREIGN),
    ({"confirm_key": SEALING}, {"confirm_key": SEALING, "secret_key": "another-key"}, OTHER),
    ({"confirm_key": SEALING}, {"confirm_key": SEALING, "base_url": BASE.replace(":1/", ":2/")}, OTHER),
    ({"confirm_key": SEALING}, {"confirm_key": KEY, "secret_key": SEALING}, FOREIGN),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "refusal"), SERVERS)
async def test_a_code_holds_on_every_server_of_the_same_account_and_key_and_on_no_other(
    one: dict[str, Any], other: dict[str, Any], refusal: str, tmp_path: Path
) -> None:
    door = Door()
    async with (
        gatehouse("strict", door, state=tmp_path, **one) as first,
        gatehouse("strict", door, state=tmp_path, **other) as second,
    ):
        code = await first.code("delete_contact", contact_id=1)
        if refusal:
            text = await second.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)
            assert refusal in text
            return
        image = door.sandbox.store.dump()
        await second.done("delete_contact", contact_id=1, confirm=True, confirm_code=code)
        door.sandbox.store.restore(image)
        for each in (first, second):
            text = await each.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)
            assert USED in text


async def test_the_embedded_taskip_has_a_key_that_no_other_process_shares() -> None:
    door = Door()
    async with (
        gatehouse("strict", door, sandbox=True, secret_key="") as first,
        gatehouse("strict", door, sandbox=True, secret_key="") as second,
    ):
        code = await first.code("delete_contact", contact_id=1)
        text = await second.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)
        assert FOREIGN in text


# --- this state -------------------------------------------------------------------------------------------


async def test_a_changed_target_voids_the_code_and_the_new_preview_has_one_that_works() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("delete_contact", contact_id=1)
        at.door.sandbox.store.update("contact", 1, {"first_name": "Somebody"})
        text = await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)
        assert VOID in text
        preview = renewed(text)
        assert "Somebody" in preview["records"][0]["full_name"]
        assert preview["confirm_code"] != code
        assert VOID in await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=preview["confirm_code"])
        assert len(at.door.writes) == 1


async def test_a_job_that_went_on_meanwhile_voids_the_code_of_its_resumption() -> None:
    async with gatehouse("strict") as at:
        log = at.backend.log
        ids = {"contact_ids": [1, 2]}
        job = log.begin_job("contact.bulk_delete", ids, guard=False)
        log.end(job, "paused", {"reason": "a test"})
        code = await at.code("resume_job", job_id=job)
        part = log.begin("contact.bulk_delete", {"contact_ids": [1]}, guard=False, job=job)
        log.end(part, "done")
        text = await at.refused("resume_job", job_id=job, confirm=True, confirm_code=code)
        assert VOID in text
        new = renewed(text)["confirm_code"]
        await at.done("resume_job", job_id=job, confirm=True, confirm_code=new)
        assert len(at.door.writes) == 1
        # Finished is finished: here the arguments are wrong, which the words say as well.
        again = await at.call("resume_job", job_id=job, confirm=True, confirm_code=new)
        assert "Nothing was sent" in words(again)


async def test_a_code_for_taking_a_change_back_is_good_once_and_for_no_other_change() -> None:
    async with gatehouse("strict") as at:
        for invoice in (57, 55):
            given = REPEATED | {"invoice_id": invoice}
            code = await at.code("set_invoice_recurring", **given)
            await at.done("set_invoice_recurring", **given, confirm=True, confirm_code=code)
        other, change = (entry.write for entry in at.backend.log.changes(limit=2))
        back = await at.code("undo_change", change_id=change)
        assert OTHER in await at.refused("undo_change", change_id=other, confirm=True, confirm_code=back)
        await at.done("undo_change", change_id=change, confirm=True, confirm_code=back)
        assert "taken back already" in await at.refused(
            "undo_change", change_id=change, confirm=True, confirm_code=back
        )


async def test_a_target_that_is_gone_is_said_to_be_gone() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("delete_contact", contact_id=1)
        at.door.sandbox.store.delete("contact", 1)
        gone = words(await at.call("delete_contact", contact_id=1, confirm=True, confirm_code=code))
        assert "no such record" in gone
        assert NOTHING in gone
        assert at.door.writes == []
