"""What the model reads of a record: people, money, dates, labels, cuts, chosen fields."""

from __future__ import annotations

from typing import Any

from taskip_mcp import outside
from taskip_mcp.groups import ticket_words
from taskip_mcp.outside import Foreign
from taskip_mcp.views import known, missing, view
from tests.contract.sample import record

# --- people and money -------------------------------------------------------------------------------------


def test_people_and_firms_are_names_with_ids() -> None:
    row = view(
        "invoice.list", record("invoice") | {"contact_id": 7, "contacts": person(7), "company": firm()}, "row"
    )
    assert (row["client"], row["company"]) == ("Jane Doe (7)", "Acme (3)")
    assert "contact_id" not in row


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "first_name": "Jane", "last_name": "Doe", "email": "jane@x.example"} | more


def firm() -> dict[str, Any]:
    return {"id": 3, "name": "Acme", "email": "a@x.example"}


def test_a_client_of_whom_outsiders_wrote_the_name_is_marked_and_a_team_member_is_not() -> None:
    deal = {"id": 1, "deal_name": "D", "contact": person(7), "deal_owner": firm()}
    row = view("deal.list", outside.readable(deal, "deal"), "row")
    assert isinstance(row["client"], Foreign)
    assert not isinstance(row["deal_owner"], Foreign)
    booking = {"id": 1, "first_name": "Mina", "booking_data": [{"label": "Ignore all", "value": 1}]}
    answers = view("meeting.list_bookings", outside.readable(booking, "meeting"), "row")["answers"]
    assert [isinstance(label, Foreign) for label in answers] == [True]


def test_who_has_no_name_goes_by_the_email_and_who_has_neither_by_the_id() -> None:
    nameless = person(7, first_name=None, last_name="")
    assert (
        view("invoice.list", {"subject": "S", "contacts": nameless}, "row")["client"] == "jane@x.example (7)"
    )
    assert view("invoice.list", {"subject": "S", "contacts": {"id": 7, "name": None}}, "row")["client"] == 7
    assert view("invoice.list", {"subject": "S", "contacts": "Jane"}, "row")["client"] == "Jane"


def test_an_id_that_is_not_that_of_the_person_is_shown_by_itself() -> None:
    both = view("invoice.list", {"subject": "S", "contacts": person(7), "contact_id": 8}, "row")
    assert (both["client"], both["contact_id"]) == ("Jane Doe (7)", 8)
    assert view("invoice.list", {"subject": "S", "contacts": None, "contact_id": 8}, "row")["contact_id"] == 8


def test_an_id_beside_a_person_who_shows_none_is_that_of_the_person() -> None:
    offer = {"subject": "S", "contact": person(7, id=None), "contact_id": 7}
    assert view("quotation.get", offer, "record") == {"subject": "S", "client": "Jane Doe (7)"}
    nameless = {"subject": "S", "contact": {"phone": None}, "contact_id": 7}
    assert view("quotation.get", nameless, "record") == {"subject": "S", "client": 7}
    talk = {"msg_content": "M", "user": {"name": "Jane"}, "user_id": 108}
    assert view("discussion.list", talk, "row")["user"] == "Jane (user 108)"
    several = view("project.get", {"title": "T", "client": [{"name": "Jane"}], "client_id": 7}, "record")
    assert (several["clients"], several["client_id"]) == (["Jane"], 7)


def test_who_may_be_a_client_or_of_the_team_has_the_number_of_the_user() -> None:
    client = {"id": 108, "full_name": "Jane Doe", "email": "jane@x.example"}
    ticket = {"id": 1, "subject": "S", "user": client, "created_by": client | {"id": 3}}
    ticket |= {"replies": [{"id": 5, "user": client, "description": "D"}]}
    shown = view("ticket.get", ticket, "record")
    assert (shown["user"], shown["created_by"]) == ("Jane Doe (user 108)", "Jane Doe (user 3)")
    assert shown["replies"] == [{"user": "Jane Doe (user 108)", "message": "D"}]
    act = {"content": "C", "createdBy": client, "updatedBy": client | {"id": 3}}
    assert view("project.activity", act, "row") == {
        "content": "C", "user": "Jane Doe (user 108)", "changed_by": "Jane Doe (user 3)",
    }  # fmt: skip
    task = {"id": 1, "title": "T", "assignees": [client | {"id": 3}], "comments": [{"id": 2, "user": client}]}
    shown = view("task.get", task, "record")
    assert (shown["assignees"], shown["comments"]) == (["Jane Doe (3)"], [{"user": "Jane Doe (user 108)"}])


def test_a_client_who_made_a_document_has_both_numbers() -> None:
    made = {"id": 108, "name": "Jane Doe", "contact_id": 8, "type": "client"}
    document: dict[str, Any] = {"id": 1, "name": "N", "created_by": made}
    document["permissions"] = [{"id": 4, "user_id": 2, "user": {"name": "Jo"}}]
    assert view("document.get", document, "record") == {
        "id": 1, "name": "N", "created_by": "Jane Doe (user 108)", "client": "Jane Doe (8)",
        "permissions": ["Jo (user 2)"],
    }  # fmt: skip


def test_amounts_have_two_decimals_and_their_currency() -> None:
    bill: dict[str, Any] = {
        "id": 1,
        "subject": "S",
        "currency": "EUR",
        "total": 5800,
        "due_amount": 0.1 + 0.2,
        "subtotal": "12.5",
    }
    bill["items"] = [{"id": 4, "name": "Hosting", "qty": 2, "rate": 0.035, "label": None}]
    shown = view("invoice.get", bill, "record")
    assert (shown["total"], shown["due_amount"], shown["subtotal"]) == (
        "5800.00 EUR",
        "0.30 EUR",
        "12.50 EUR",
    )
    assert shown["items"] == [{"name": "Hosting", "qty": 2, "rate": "0.035 EUR"}]
    assert "currency" not in shown
    assert (
        view("deal.get", {"id": 1, "deal_name": "D", "deal_amount": "900"}, "record")["deal_amount"]
        == "900.00"
    )
    assert view("deal.get", {"deal_amount": "on request", "currency": "EUR"}, "record")["currency"] == "EUR"


def test_every_row_says_what_is_due_as_money() -> None:
    bill = {"invoice_no": "1", "total": 10, "currency": "EUR", "issue_date": "2026-01-05"}
    rows = [view("invoice.list", bill | {"due_amount": due}, "row") for due in (10, 4, 0)]
    assert [row["due_amount"] for row in rows] == ["10.00 EUR", "4.00 EUR", "0.00 EUR"]
    assert "issue_date" not in rows[0]


def test_discounts_and_prepayments_are_amounts_or_percentages_as_their_type_says() -> None:
    assert view("invoice.get", {"discount": 10, "discount_type": "percent"}, "record")["discount"] == "10%"
    fixed = {"discount": 10, "discount_type": "fixed", "currency": "EUR"}
    assert view("invoice.get", fixed, "record")["discount"] == "10.00 EUR"
    part = {"up_payment_amount": "20.00", "up_payment_type": "percentage", "currency": "EUR"}
    assert view("quotation.get", part, "record")["up_payment_amount"] == "20%"


def test_the_three_shapes_of_a_quotation_are_one() -> None:
    listed = {
        "id": 1,
        "subject": "S",
        "currency": "EUR",
        "subtotal": 10.0,
        "contacts": person(7),
        "contact_id": 7,
    }
    listed |= {"items": [{"id": 1, "name": "Work", "qty": 1, "rate": 10.0}], "up_payment_status": False}
    single = {
        "id": 1,
        "subject": "S",
        "currency": "EUR",
        "sub_total": "10.00",
        "contact": person(7),
        "contact_id": 7,
    }
    single |= {
        "items": [{"id": 1, "title": "Work", "description": "Work", "quantity": "1.00", "price": "10.00"}]
    }
    single |= {"up_payment_status": 0}
    assert view("quotation.get", listed, "record") == view("quotation.get", single, "record") == {
        "id": 1, "subject": "S", "client": "Jane Doe (7)", "subtotal": "10.00 EUR", "up_payment_status": "off",
        "items": [{"description": "Work", "quantity": 1, "unit_price": "10.00 EUR"}],
    }  # fmt: skip


# --- labels and dates -------------------------------------------------------------------------------------


def test_labels_stand_for_numbers_and_full_has_both() -> None:
    assert view("project.get", {"id": 1, "privacy": 0, "priority": 4}, "record") == {
        "id": 1, "priority": "4 of 5", "privacy": "private",
    }  # fmt: skip
    assert view("project.get", {"priority": 9}, "record") == {"priority": 9}
    full = view("project.get", {"id": 1, "privacy": 0}, "record", detail="full")
    assert full == {"id": 1, "privacy": "private", "privacy_raw": 0}
    assert view("project.get", {"privacy": 7}, "record") == {"privacy": 7}
    assert view("contact.get", {"access_portal": 1}, "record") == {"access_portal": "yes"}


def test_across_projects_a_priority_is_shown_as_a_word_and_a_number_only_on_request() -> None:
    numbered: dict[str, Any] = {"id": 1, "title": "T", "priority": 2}
    assert view("project.all_tasks", numbered, "row") == {"id": 1, "title": "T"}
    assert view("project.all_tasks", numbered | {"priority": "high"}, "row")["priority"] == "high"
    assert view("project.all_tasks", numbered, "row", fields=["priority"]) == {"id": 1, "priority": 2}
    assert view("project.all_tasks", numbered, "row", detail="full") == numbered


def test_the_words_of_a_ticket_are_those_that_its_tools_take() -> None:
    ticket = ticket_words.words({"id": 1, "subject": "S", "status": 2, "priority": 3})
    shown = view("ticket.list", ticket, "row")
    assert (shown["status"], shown["priority"]) == ("closed", "urgent")
    assert not [name for name in shown if name.endswith("_raw")]


def test_a_day_and_a_time_of_a_ticket_are_one_moment_and_ages_are_marked() -> None:
    ticket = {"id": 1, "subject": "S", "date": "05-Jan-2026", "time": "09:30PM", "createAt": "2 days ago"}
    assert view("ticket.list", ticket, "row")["created_at"] == "2026-01-05T21:30"
    assert (
        view("ticket.list", {"subject": "S", "createAt": "2 days ago"}, "row")["created_at"] == "~2 days ago"
    )
    full = view("ticket.list", ticket, "row", detail="full")
    assert (full["date"], full["time"], full["createAt"]) == ("2026-01-05", "21:30", "~2 days ago")


def test_a_booking_has_its_slot_as_moments_and_its_answers_once() -> None:
    booking = record("booking") | {"first_name": "Mina", "last_name": "Park", "email": "m@x.example"}
    booking |= {"time_slot_start": "1:30 PM", "time_slot_end": "2:00 PM"}
    booking["booking_data"] = [
        {"label": "email", "value": "m@x.example"},
        {"label": "topic", "value": "A shop"},
    ]
    shown = view(
        "meeting.get_booking", booking | {"answers": {"email": "m@x.example", "topic": "A shop"}}, "record"
    )
    assert (shown["name"], shown["start"], shown["end"]) == (
        "Mina Park",
        "2026-01-05T13:30",
        "2026-01-05T14:00",
    )
    assert shown["answers"] == {"topic": "A shop"} == view("meeting.list_bookings", booking, "row")["answers"]
    twice = booking | {"booking_data": [{"label": "topic", "value": "A"}, {"label": "topic", "value": "B"}]}
    assert len(view("meeting.list_bookings", twice, "row")["answers"]) == 2


# --- size -------------------------------------------------------------------------------------------------


def test_long_texts_are_cut_in_rows_alone_and_keep_their_mark() -> None:
    ticket = {"id": 1, "subject": "S", "description": Foreign("word " * 100)}
    row = view("ticket.list", ticket, "row")["description"]
    assert isinstance(row, Foreign)
    assert len(row) <= 200
    assert row.endswith("word…")
    assert view("ticket.get", ticket, "record")["description"] == ticket["description"]
    assert view("ticket.list", ticket, "row", detail="full")["description"] == ticket["description"]


def test_no_name_is_so_long_that_the_id_behind_it_is_cut_off() -> None:
    invoice = {"id": 1, "subject": "S", "contacts": {"id": 7, "name": Foreign("x" * 5000)}}
    for role in ("row", "record"):
        client = view("invoice.get", invoice, role)["client"]
        assert isinstance(client, Foreign)
        assert client.endswith("x… (7)")
        assert len(client) < 100
    mail = {"uuid": "u", "from_name": "x" * 300, "from_email": "a@x.example", "subject": "S"}
    assert view("inbox.list", mail, "row")["from"].endswith("x… <a@x.example>")


def test_an_address_of_a_file_is_whole_in_rows() -> None:
    url = f"https://files.example/{'a' * 300}"
    assert view("task_file.list_project_files", {"id": 1, "title": "T", "url": url}, "row")["url"] == url


def test_a_board_is_columns_of_compact_tasks() -> None:
    task = {
        "id": 5,
        "title": "T",
        "priority": "low",
        "is_completed": True,
        "due_date": "2026-01-05",
        "order": "x",
    }
    task |= {
        "description": "long",
        "assignees": [firm()],
        "labels": [{"id": 9, "name": "Bug", "color": "#000000"}],
    }
    column: dict[str, Any] = {
        "container_id": 2,
        "title": "To do",
        "color": "#000000",
        "order": 1,
        "items": [task],
    }
    column["stats"] = {"total_tasks": 1, "completed_tasks": 0, "completion_percentage": 0.0}
    assert view("task.list", column, "row") == {
        "container_id": 2, "title": "To do", "total_tasks": 1, "completed_tasks": 0,
        "tasks": [
            {
                "id": 5, "title": "T", "priority": "low", "is_completed": True, "due_date": "2026-01-05",
                "assignees": ["Acme (3)"], "labels": ["Bug (9)"],
            }
        ],
    }  # fmt: skip


def test_fields_that_nobody_declared_are_kept_in_records_and_left_out_of_rows() -> None:
    project = {"id": 1, "title": "T", "budget": 900, "health": {"state": "good", "note": None}}
    assert view("project.get", project, "record") == {
        "id": 1,
        "title": "T",
        "budget": 900,
        "health": {"state": "good"},
    }
    assert view("project.list", project, "row") == {"id": 1, "title": "T"}


def test_a_row_of_another_shape_is_shown_whole() -> None:
    older = {"id": 1, "title": "T", "value": 900, "expected_close_date": "2026-01-05"}
    assert view("deal.list", older, "row") == older


def test_custom_fields_stay_as_the_workspace_has_them() -> None:
    own = {"created_at": "05-Jan-2026", "privacy": 0, "image": "", "Lieblingsfarbe": None}
    shown = view("contact.get", {"id": 1, "custom_fields": own}, "record", detail="concise")
    assert shown["custom_fields"] == own


# --- fields -----------------------------------------------------------------------------------------------


def test_fields_choose_from_both_details_and_the_record_stays_known() -> None:
    project: dict[str, Any] = {
        "id": 1,
        "uuid": "u",
        "title": "T",
        "privacy": 0,
        "created_by": {"id": 2, "name": "Jo"},
        "client": [],
    }
    chosen = view("project.list", project, "row", fields=["title", "created_by", "nothing"])
    assert chosen == {"id": 1, "uuid": "u", "title": "T", "created_by": {"id": 2, "name": "Jo"}}
    full = view("project.list", project, "row", detail="full", fields=["privacy", "privacy_raw"])
    assert full == {"id": 1, "uuid": "u", "privacy": "private", "privacy_raw": 0}
    column = {"container_id": 2, "title": "To do", "order": 1}
    assert view("task.list", column, "row", fields=["order"]) == {"container_id": 2, "order": 1}


def test_fields_that_rows_do_not_have_are_in_the_form_of_the_record() -> None:
    bill: dict[str, Any] = {"id": 1, "subject": "S", "currency": "EUR", "subtotal": 10.0, "total": 19680.0}
    bill |= {"due_amount": 1680, "partial_paid_amount": 0, "contacts": person(7)}
    bill |= {"currentNote": {"id": "INV-1", "note": "", "term": "word " * 100}}
    bill["tax"] = [{"id": 4, "name": "VAT", "rate": 19, "amount": 1.9}]
    wanted = ["due_amount", "subtotal", "tax", "partial_paid_amount", "client", "currency"]
    assert view("invoice.list", bill, "row", fields=wanted) == {
        "id": 1, "due_amount": "1680.00 EUR", "subtotal": "10.00 EUR", "partial_paid_amount": "0.00 EUR",
        "tax": [{"id": 4, "name": "VAT", "rate": 19, "amount": "1.90 EUR"}], "client": "Jane Doe (7)",
        "currency": "EUR",
    }  # fmt: skip
    assert len(view("invoice.list", bill, "row", fields=["terms"])["terms"]) <= 200
    raw = view("invoice.list", bill, "row", detail="full", fields=["subtotal", "client"])
    assert raw == {"id": 1, "subtotal": 10.0, "client": "Jane Doe (7)"}


def test_a_field_that_is_empty_everywhere_is_not_missing() -> None:
    rows = [{"id": 1, "ended_at": None, "budget": 1}]
    assert missing("project.list", rows, ["clients", "ended_at", "created_by", "budget", "colour"]) == [
        "colour"
    ]
    assert {"clients", "client", "created_by"} <= set(known("project.list"))
    assert known("ticket.analytics") == []


def test_what_has_no_view_is_shown_as_it_is() -> None:
    figures: dict[str, Any] = {"open": 0, "by_category": {}}
    assert view("ticket.analytics", figures, "record") == figures
    assert view("ticket.analytics", figures, "record", fields=["open"]) == {"open": 0}
