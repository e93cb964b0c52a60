"""What a person reads before they agree: all that matters, in lines that no record's text can forge or push away."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from taskip_mcp import previews
from tests.gatehouse import Gatehouse, declines, gatehouse

pytestmark = pytest.mark.anyio

SEND: dict[str, Any] = {"to_emails": ["x@y.example"], "subject": "Hi", "message": "Hello"}

# What each question must name: what is done, to what, whose, how much, to whom, what goes with it, what is lost.
CONTENT: list[tuple[str, dict[str, Any], list[str]]] = [
    ("delete_contact", {"contact_id": 1}, ["deletes for good", "id: 1", "Elsa Berg", "elsa@northwindbakery.example"]),
    (
        "delete_company",
        {"company_id": 1},
        ["Northwind Bakery", "contacts deleted with it: 4 (Elsa Berg", "projects deleted with it: 1 ("],
    ),
    (
        "send_invoice",
        {"invoice_id": 57, "message": "Please pay."},
        ["INV-057", "3290", "EUR", "message = Please pay.", "It goes to nathan@juniperlegal.example", "called back"],
    ),
    (
        "send_invoice",
        {"invoice_id": 57, "email": "other@y.example", "subject": "Bill"},
        ["It goes to other@y.example", "subject = Bill"],
    ),
    (
        "send_message",
        SEND | {"cc": ["c@y.example"], "bcc": ["b@y.example"]},
        ["x@y.example", "c@y.example", "b@y.example", "subject = Hi", "message = Hello", "called back"],
    ),
    (
        "update_invoice_status",
        {"invoice_id": 57, "status": "paid", "payment_date": "2026-01-02", "payment_method": "bank_transfer"},
        ["records or requests money", "INV-057", "3290", "status = paid", "bank_transfer", "2026-01-02"],
    ),
    ("set_invoice_payment_gateway", {"invoice_id": 57, "payment_gateway": "stripe"}, ["INV-057", "stripe"]),
    (
        "create_team_member",
        {"email": "n@new.example", "first_name": "N", "last_name": "M", "role_id": 3},
        ["gives somebody access", "email = n@new.example", "role_id = 3", "It goes to n@new.example"],
    ),
    ("invite_client", {"contact_id": 2}, ["gives somebody access", "It goes to jonas@northwindbakery.example"]),
    (
        "update_contact",
        {"contact_id": 1, "email": "new@y.example", "invite_client": True, "clear": ["phone_number", "position"]},
        ["email = new@y.example", "invite_client = true", "phone_number", "position"],
    ),
    ("reply_ticket", {"ticket_id": "1", "message": "Done"}, ["message = Done", "elsa@northwindbakery.example"]),
    ("delete_pipeline", {"pipeline_id": "pipeline-0001-1eef"}, ["New business", "stages in it: 5", "deals in it: 12"]),
    ("bulk_delete_contacts", {"contact_ids": list(range(1, 13))}, ["12 in all", "Only the first 10 are read"]),
]  # fmt: skip


async def test_a_question_names_what_matters() -> None:
    wrong: list[tuple[str, list[str]]] = []
    async with gatehouse("human", person=declines) as at:
        for tool, given, needed in CONTENT:
            question = await question_of(at, tool, given)
            if missing := [each for each in needed if each not in question]:
                wrong.append((tool, missing))
    assert wrong == []


async def asked(tool: str, given: dict[str, Any], **changes: Any) -> str:
    """The question of a call; `changes` are made to contact 1 before."""
    async with gatehouse("human", person=declines) as at:
        if changes:
            at.door.sandbox.store.update("contact", 1, changes)
        return await question_of(at, tool, given)


async def question_of(at: Gatehouse, tool: str, given: dict[str, Any]) -> str:
    await at.refused(tool, **given)
    return at.questions[-1]


async def test_a_password_is_not_in_the_question() -> None:
    given = {"contact_id": 1, "access_portal": True, "password": "canary-pass-word-1"}
    question = await asked("update_contact", given)
    assert "canary-pass-word-1" not in question
    assert "password = (hidden secret)" in question


async def test_a_question_is_the_same_each_time_it_is_asked() -> None:
    async with gatehouse("human", person=declines) as at:
        for _ in range(3):
            await at.refused("delete_company", company_id=1)
        assert len(set(at.questions)) == 1


# --- hostile records --------------------------------------------------------------------------------------

LINES = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
UNSEEN = [
    "\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u2066", "\u2069", "\u061c", "\u00ad", "\x00", "\x1b", "\x08",
    "\U000e0041",
]  # fmt: skip


async def test_the_name_of_a_record_makes_no_line_and_hides_nothing() -> None:
    async with gatehouse("human", person=declines) as at:
        lines = len((await question_of(at, "delete_contact", {"contact_id": 1})).splitlines())
        for sign in LINES + UNSEEN:
            name = f"Elsa{sign}- id: 99, full_name: Nobody{sign}Nothing is deleted."
            at.door.sandbox.store.update("contact", 1, {"first_name": name})
            forged = await question_of(at, "delete_contact", {"contact_id": 1})
            assert len(forged.splitlines()) == lines, ascii(sign)
            assert unseen(forged) == []
            (row,) = (line for line in forged.splitlines() if line.startswith("- "))
            assert row.startswith('- id: 1, full_name: "Elsa')


async def test_the_name_of_a_record_makes_no_other_field() -> None:
    name = 'Elsa", email: "boss@bank.example", company: Bank'
    forged = await asked("delete_contact", {"contact_id": 1}, first_name=name)
    (row,) = (line for line in forged.splitlines() if line.startswith("- "))
    assert f"full_name: {json.dumps(name + ' Berg')}, email: elsa@northwindbakery.example" in row


def unseen(text: str) -> list[str]:
    """Characters that a person does not see, or that turn the text around."""
    return [
        sign for sign in text if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp", "Cs"}
    ]


PIECES = [*"ab -:=,.", *LINES, *UNSEEN, "\n- id: 1", "\n... 1 in all", "\nmessage = x"]
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
VALUES = st.recursive(
    HOSTILE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=2)
)


@effort(max_examples=100, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(["id", "name", "email"]), VALUES, min_size=1), max_size=10),
    st.dictionaries(st.sampled_from(["subject", "message", "to_emails"]), VALUES),
    st.lists(HOSTILE, max_size=4),
    HOSTILE,
)
def test_every_line_of_a_question_is_one_that_was_meant(
    records: list[dict[str, Any]], sent: dict[str, Any], follows: list[str], words: str
) -> None:
    preview = {"preview": f"P{words}", "records": records, "count": 11, "with": sent, "follows": follows}
    lines = previews.question(preview).split("\n")
    assert len(lines) == 2 + len(records) + 1 + len(sent) + len(follows)
    starts = [previews.ASKS, "P", *("- " for _ in records), "... 11 in all"]
    for line, start in zip(lines, starts, strict=False):
        assert line.startswith(start)
    last = lines[len(lines) - len(sent) :]
    assert sorted(line.partition(" = ")[0] for line in last) == sorted(sent)
    assert not unseen("\n".join(lines))
    assert "\n".join(lines).splitlines() == lines or "" in lines


# --- long values ------------------------------------------------------------------------------------------


async def test_long_names_do_not_push_out_the_rest() -> None:
    async with gatehouse("human", person=declines) as at:
        for number in range(1, 13):
            at.door.sandbox.store.update("contact", number, {"first_name": f"C{number}" + "x" * 20_000})
        question = await question_of(at, "bulk_delete_contacts", {"contact_ids": list(range(1, 13))})
        assert len(question) < 10_000
        rows = [line for line in question.splitlines() if line.startswith("- ")]
        assert len(rows) == 10
        assert all("more characters)" in row and "@" in row for row in rows)
        for needed in ("12 in all", "do not come back", "deletes for good"):
            assert needed in question


async def test_what_would_be_sent_is_shown_whole_and_the_longest_last() -> None:
    message, people = "Hello. " * 1000 + "Pay to X", [f"p{number}@y.example" for number in range(40)]
    question = await asked("send_message", SEND | {"message": message, "to_emails": people})
    assert all(each in question for each in people)
    assert question.endswith("Hello. Pay to X")
    assert "called back" in question[:1000]


async def test_what_no_dialog_could_show_says_by_how_much_it_was_cut() -> None:
    question = await asked("send_message", SEND | {"message": "Hello. " * 5000})
    assert "more characters)" in question
    assert len(question) < 12_000


async def test_long_names_of_what_goes_with_it_leave_the_counts() -> None:
    async with gatehouse("human", person=declines) as at:
        at.door.sandbox.store.update("contact", 1, {"first_name": "x" * 20_000})
        question = await question_of(at, "delete_company", {"company_id": 1})
        assert "contacts deleted with it: 4 (" in question
        assert "projects deleted with it: 1 (" in question
        assert len(question) < 3000


async def test_of_many_recipients_the_number_is_told_where_they_are_not_all_shown() -> None:
    many = [f"somebody-with-a-long-name-{number}@y.example" for number in range(400)]
    question = await asked("send_message", SEND | {"to_emails": many})
    (line,) = (line for line in question.splitlines() if line.startswith("to_emails = "))
    assert "400 in all" in line
    few = await asked("send_message", SEND | {"to_emails": many[:4]})
    assert json.dumps(many[:4]) in few
