"""What an event tells, and what is kept of a delivery when it is read: little, and all that is used."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from taskip_mcp.events import EVENTS, Event
from taskip_mcp.events.body import DIGITS, FIELDS, LONG, event_of, name_of
from taskip_mcp.events.updates import project_of

# --- what an event tells ----------------------------------------------------------------------------------


def event(name: str, data: Any) -> Event:
    return event_of(1, 0.0, name, json.dumps({"event": name, "data": data}).encode())


def test_the_reference_lists_19_events() -> None:
    assert sum(map(len, EVENTS.values())) == 19


@pytest.mark.parametrize(
    ("name", "data", "record"),
    [
        ("invoice.paid", {"client_id": 3, "invoice_id": 57}, "57"),
        ("ticket.created", {"ticket_id": "9b1d", "id": 4}, "9b1d"),
        ("project.created", {"id": 12}, "12"),
        ("project.created", {"uuid": "prj-1"}, "prj-1"),
        ("contact.created", {"company_id": 3}, ""),
        ("contact.created", {"contact_id": True}, ""),
        ("contact.created", {"contact_id": {"id": 3}}, ""),
        ("contact.created", {"contact_id": "x" * 101}, ""),
        ("contact.created", [3], ""),
        ("contact.created", "3", ""),
        ("contact.created", None, ""),
    ],
)
def test_the_record_is_read_as_far_as_it_can_be_told(name: str, data: Any, record: str) -> None:
    assert event(name, data).record == record


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("invoice.paid", True),
        ("invoice.lost", False),
        ("invoice", False),
        ("deal.won", False),
        (".paid", False),
    ],
)
def test_an_event_that_the_reference_does_not_list_is_told_from_the_others(name: str, known: bool) -> None:
    assert event(name, {}).known is known


# --- what is kept of it ------------------------------------------------------------------------------------


def read(data: Any) -> Any:
    return event("invoice.paid", data).data


def test_single_values_are_kept_in_their_order_and_the_rest_is_not() -> None:
    data = {"b": 1, "list": [1], "a": "x", "nothing": None, "object": {"id": 3}, "c": True, "d": 0.5}
    assert list(read(data).items()) == [("b", 1), ("a", "x"), ("c", True), ("d", 0.5)]


@pytest.mark.parametrize("data", [None, [1], "text", 3])
def test_data_that_are_no_object_are_left_out(data: Any) -> None:
    assert read(data) == {}


@pytest.mark.parametrize("body", [b"", b"[1]", b"\xff", b"[" * 100_000, b'{"data":NaN}'])
def test_what_is_no_delivery_reads_as_an_empty_one(body: bytes) -> None:
    assert event_of(1, 0.0, "invoice.paid", body).data == {}


@pytest.mark.parametrize(
    "ids",
    [
        {"invoice_id": 57},
        {"id": "57"},
        {"uuid": "9b1d", "project_id": 3},
        {"invoice": {"deep": [1], "id": 57}},
        {"invoice": {"id": [57]}, "invoice_id": {"id": 57}, "id": [57], "uuid": None},
        {"id": 10**30},
    ],
    ids=repr,
)
@pytest.mark.parametrize("many", [0, 1000])
def test_the_ids_are_read_as_from_the_whole_wherever_they_stand(ids: dict[str, Any], many: int) -> None:
    data = {f"field_{number}": number for number in range(many)} | ids
    whole, kept = Event(1, 0.0, "invoice.paid", data), event("invoice.paid", data)
    assert (kept.record, project_of(kept)) == (whole.record, project_of(whole))
    assert len(kept.data) <= FIELDS + len(ids)


def test_long_texts_and_names_are_cut() -> None:
    ((name, value),) = read({"x" * 100_000: "y" * 100_000}).items()
    assert (name, value) == ("x" * LONG, "y" * LONG)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 5000, "9" * (DIGITS + 1)])
def test_a_number_that_python_has_no_room_for_is_text(number: str) -> None:
    body = f'{{"event":"a.b","data":{{"n":{number}}}}}'.encode()
    assert name_of(body) == "a.b"
    assert event_of(1, 0.0, "a.b", body).data["n"] == number[:LONG]


def test_little_is_left_of_a_large_body() -> None:
    many = {f"name_{number}": "x" for number in range(15_000)}
    tracemalloc.start()
    try:
        kept = [read(many), read({"all": [{}] * 60_000}), read({"text": "x" * 250_000})]
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept
    assert left < 500_000
