"""What the embedded TaskIP does as oddly, and as strictly, as the documents say."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pypdf
import pytest

from taskip_mcp.sandbox import Sandbox
from tests.sandbox.support import client, mails

pytestmark = pytest.mark.anyio

PAID = {"status": "paid", "payment_date": "2026-01-02", "payment_method": "credit_card"}


async def ask(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    async with client(sandbox) as http:
        answer = await http.request(method, path, json=body)
        return answer.status_code, answer.json() if answer.content else None


async def test_a_deleted_company_takes_its_contacts_and_projects_along() -> None:
    sandbox = Sandbox()
    assert await ask(sandbox, "DELETE", "/company/1") == (204, None)
    assert [sandbox.store.get("contact", number) for number in (1, 2, 3, 4)] == [None] * 4
    assert sandbox.store.get("project", 1) is None
    assert sandbox.store.get("project", 2) is not None


async def test_a_deleted_company_leaves_no_task_of_its_projects_behind() -> None:
    sandbox = Sandbox()
    assert sandbox.store.rows("task", parent=1)
    await ask(sandbox, "DELETE", "/company/1")
    assert [sandbox.store.rows(kind, parent=1) for kind in ("task", "container", "discussion")] == [
        [],
        [],
        [],
    ]


@pytest.mark.parametrize("path", ["/company/bulk-delete", "/team-member/bulk-delete"])
async def test_an_id_given_twice_is_deleted_once_and_no_ids_are_refused(path: str) -> None:
    sandbox = Sandbox()
    assert (await ask(sandbox, "POST", path, {"ids": []}))[1]["errors"] == {
        "ids": ["The ids field is required."]
    }
    assert (await ask(sandbox, "POST", path, {"ids": [2, "2"]}))[0] in {200, 202}
    assert (await ask(sandbox, "POST", path, {"ids": [2]}))[0] == 422


async def test_numbers_sent_as_text_are_stored_as_numbers() -> None:
    sandbox = Sandbox()
    member = {"email": "n@n.example", "first_name": "N", "last_name": "N", "role_id": "3"}
    assert (await ask(sandbox, "POST", "/team-member", member))[0] == 201
    assert (await ask(sandbox, "GET", "/team-member?search=n@n"))[1]["data"][0]["role"] == "developer"
    assert (await ask(sandbox, "PUT", "/contact/40", {"company_id": "12"}))[0] == 200
    assert [row["id"] for row in sandbox.store.rows("contact", company_id=12)] == [39, 40]


async def test_members_are_found_by_the_state_of_their_invitation() -> None:
    _, pending = await ask(Sandbox(), "GET", "/team-member?status=pending")
    _, active = await ask(Sandbox(), "GET", "/team-member?status=active")
    assert [row["id"] for row in pending["data"]] == [8]
    assert active["meta"]["total"] == 7


async def test_an_invitation_is_mailed_unless_the_caller_says_otherwise() -> None:
    sandbox = Sandbox()
    assert (await ask(sandbox, "POST", "/contact/invite-client/2", {"send_email": False}))[0] == 200
    assert mails(sandbox) == []
    assert (await ask(sandbox, "POST", "/contact/invite-client", {"contact_id": 3}))[0] == 200
    assert mails(sandbox) == ["mira@northwindbakery.example"]


async def test_a_put_on_a_company_empties_what_is_left_out() -> None:
    sandbox = Sandbox()
    await ask(sandbox, "PUT", "/company/1", {"name": "N", "email": "n@n.example"})
    assert (await ask(sandbox, "GET", "/company/1"))[1]["data"]["website"] is None


async def test_an_invoice_arrives_in_cents_with_items_as_text() -> None:
    sandbox = Sandbox()
    items = [{"name": "A", "qty": 1, "rate": 12.5}]
    body = {"invoice_no": "N-1", "contact_id": 1, "subject": "S", "currency": "EUR", "total": 1250}
    status, _ = await ask(sandbox, "POST", "/invoice", body | {"items": items})
    assert status == 422
    status, answer = await ask(sandbox, "POST", "/invoice", body | {"items": json.dumps(items)})
    assert (status, answer) == (
        201,
        {"msg": "Invoice created successfully", "status": 200, "invoice_no": "N-1"},
    )
    _, listed = await ask(sandbox, "GET", "/invoice?search=N-1")
    assert listed["data"][0]["total"] == 12.5
    assert "Team members" in listed["message"]
    status, answer = await ask(sandbox, "POST", "/invoice", body)
    assert (status, list(answer["errors"])) == (422, ["invoice_no"])


async def test_payments_add_up_and_a_paid_invoice_is_locked() -> None:
    sandbox = Sandbox()
    heard: list[str] = []
    sandbox.listen(lambda event, data: heard.append(event))
    total = (await ask(sandbox, "GET", "/invoice/57"))[1]["data"]["total"]
    status, answer = await ask(sandbox, "POST", "/invoice/57/status-update", PAID | {"payment_amount": 100})
    assert (status, answer["due_amount"]) == (201, total - 100)
    status, answer = await ask(sandbox, "POST", "/invoice/57/status-update", PAID)
    assert (answer["partial_paid_amount"], answer["due_amount"]) == (total, 0)
    assert (await ask(sandbox, "DELETE", "/invoice/57"))[0] == 403
    assert (await ask(sandbox, "PUT", "/invoice/57", {"invoice": {"id": 57}}))[0] == 403
    answer = await ask(sandbox, "POST", "/invoice/57/status-update", {"status": "draft"})
    assert answer == (200, "A paid invoice cannot change its status.")
    assert heard == ["invoice.paid", "invoice.paid"]


async def test_sending_an_invoice_mails_the_client_or_the_override() -> None:
    sandbox = Sandbox()
    await ask(sandbox, "POST", "/invoice/sent/57")
    await ask(sandbox, "POST", "/invoice/57/send-to-client", {"email": "else@x.example"})
    assert mails(sandbox)[1] == "else@x.example"
    assert mails(sandbox)[0].endswith(".example")


async def test_the_pdf_is_one_that_a_reader_reads() -> None:
    async with client(Sandbox()) as http:
        answer = await http.get("/invoice/57/download")
    text = pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "Invoice INV-057" in text
    assert answer.headers["content-disposition"] == 'attachment; filename="INV-057.pdf"'


async def test_only_an_accepted_quotation_becomes_an_invoice() -> None:
    sandbox = Sandbox()
    assert (await ask(sandbox, "POST", "/quotation/1/convert-to-invoice", {"due_date": "2027-01-01"}))[
        0
    ] == 409
    answer = await ask(sandbox, "POST", "/quotation/3/convert-to-invoice", {"due_date": "2027-01-01"})
    assert answer == (200, {"msg": "Quotation converted to invoice successfully"})
    made = sandbox.store.rows("invoice")[-1]
    assert (made["invoice_no"], made["contact_id"]) == ("INV-061", 7)


async def test_a_quotation_has_three_layouts() -> None:
    sandbox = Sandbox()
    _, listed = await ask(sandbox, "GET", "/quotation?limit=1")
    _, alone = await ask(sandbox, "GET", "/quotation/1")
    assert listed["data"][0]["items"][0] == {
        "id": 1, "name": "Online shop redesign", "qty": 1, "rate": 18400.0, "label": "item",
    }  # fmt: skip
    assert alone["items"][0]["price"] == "18400.00"
    assert alone["activities"][0]["subject_type"] == "App\\Models\\Quotation"


async def test_three_does_not_close_a_ticket_and_two_does() -> None:
    sandbox = Sandbox()
    heard: list[str] = []
    sandbox.listen(lambda event, data: heard.append(event))
    ticket = sandbox.store.get("ticket", 1)
    assert ticket is not None
    url = f"/support-ticket/status-update/{ticket['uuid']}"
    await ask(sandbox, "POST", url, {"status": 3})
    assert heard == []
    await ask(sandbox, "POST", url, {"status": 2})
    assert heard == ["ticket.resolved"]


async def test_a_ticket_update_wants_subject_and_priority() -> None:
    answer = await ask(Sandbox(), "PUT", "/support-ticket/1", {"status": 2})
    assert (answer[0], set(answer[1]["errors"])) == (422, {"subject", "priority"})


async def test_a_private_reply_mails_nobody() -> None:
    sandbox = Sandbox()
    await ask(sandbox, "POST", "/ticket/1/add-reply", {"message": "m", "is_private": True})
    assert mails(sandbox) == []
    await ask(sandbox, "POST", "/ticket/1/add-reply", {"message": "m"})
    assert len(mails(sandbox)) == 1


async def test_a_board_has_columns_and_counts_tasks() -> None:
    sandbox = Sandbox()
    uuid = sandbox.store.rows("project")[0]["uuid"]
    _, board = await ask(sandbox, "GET", f"/project/{uuid}/task")
    assert [column["container_id"] for column in board["data"]] == [1, 2, 3, 4]
    assert board["meta"]["total"] == 12
    assert sum(len(column["items"]) for column in board["data"]) == 12


async def test_project_actions_answer_with_an_array_of_one_string() -> None:
    sandbox = Sandbox()
    uuid = sandbox.store.rows("project")[0]["uuid"]
    answer = await ask(sandbox, "POST", f"/project/{uuid}/change-priority", {"priority": "high"})
    assert answer == (200, ["Project priority changed successfully"])


async def test_dates_come_in_the_format_of_their_record() -> None:
    sandbox = Sandbox()
    uuid = sandbox.store.rows("project")[0]["uuid"]
    pipeline = sandbox.store.rows("pipeline")[0]["uuid"]
    formats = {
        "/project/1": ("data.started_at", r"\d\d-[A-Z][a-z]{2}-\d{4}"),
        f"/project/{uuid}/task/1": ("data.due_date", r"\d\d/[A-Z][a-z]{2}/\d{4}"),
        f"/sales-pipeline/{pipeline}/deals/1": ("data.closing_date", r"\d\d/\d\d/\d\d"),
        "/document/1": ("data.created_at", r"[A-Z][a-z]{2} \d+, \d{4}, \d+:\d\d [AP]M"),
        "/team-member/1": ("data.created_at", r"\d\d, [A-Z][a-z]{2}, \d{4}"),
        "/support-ticket/1": ("data.createAt", r"\d+ \w+ ago"),
    }
    for path, (place, pattern) in formats.items():
        value: Any = (await ask(sandbox, "GET", path))[1]
        for key in place.split("."):
            value = value[key]
        assert re.fullmatch(pattern, value), (path, value)


async def test_a_tag_is_deleted_everywhere() -> None:
    sandbox = Sandbox()
    await ask(sandbox, "DELETE", "/inbox/assign-tags/1")
    assert all(1 not in row["tags"] for row in sandbox.store.rows("conversation"))


async def test_a_taken_slot_cannot_be_booked_again() -> None:
    sandbox = Sandbox()
    uuid = sandbox.store.rows("meeting")[0]["uuid"]
    person = {"first_name": "A", "last_name": "B", "email": "a@b.example"}
    body = {
        "date": "2099-01-05",
        "time_slot_start": "09:00",
        "time_slot_end": "09:30",
        "booking_data": person,
    }
    status, answer = await ask(sandbox, "POST", f"/meeting/{uuid}/booking", body)
    assert (status, "success_msg" in answer, "id" in answer["data"]) == (200, True, False)
    assert (await ask(sandbox, "POST", f"/meeting/{uuid}/booking", body))[0] == 409
    assert mails(sandbox) == ["a@b.example"]


async def test_the_agency_is_as_large_as_it_says() -> None:
    counts = {
        kind: len(Sandbox().store.rows(kind)) for kind in ("company", "contact", "team_member", "invoice")
    }
    assert counts == {"company": 12, "contact": 40, "team_member": 8, "invoice": 60}
    kinds = ("quotation", "ticket", "project", "task", "pipeline", "deal", "booking", "conversation")
    assert all(len(Sandbox().store.rows(kind)) for kind in kinds)
    assert {row["status"] for row in Sandbox().store.rows("invoice")} == {
        "draft",
        "sent",
        "paid",
        "overdue",
        "cancelled",
    }
