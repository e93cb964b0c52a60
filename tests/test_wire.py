"""The protocol without I/O, table by table."""

from __future__ import annotations

import json
import posixpath
import unicodedata
from datetime import date
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskip_mcp import wire
from taskip_mcp.errors import ArgumentError

LARAVEL = {"current_page": 2, "last_page": 4, "per_page": 15, "total": 60, "from": 16, "to": 30}


@pytest.mark.parametrize(
    "value",
    [
        "", " ", ".", "..", "...", ". .", "a/b", "/", "//evil.example", "..\\x", "a\\b", "5?x=1", "5#x", "5&x", "5;x=1",
        "..;", "@evil.example", "5:80", "%2e%2e", "..%2f..%2f5", "..%252f5", "%5c", "5%00", "5\n", "5\r\nX-Y: z", "5 ",
        "\x00", "5\x00", "\x7f", "５", "．．", "‥", "…", "a／b", "a∕b", "a⁄b", "a⧸b", "a＼b", "a∖b", "a﹨b", "a％2fb",
        "5\u200b", "\u202e5", "5\ufeff", "é", "\ud800", "x" * 101, ["a"], {"a": 1},
    ],
)  # fmt: skip
def test_a_path_segment_that_could_leave_its_place_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="Nothing was sent") as caught:
        wire.build_path("/contact/{contact_id:id}", {"contact_id": value})
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "value", [5, "prj_1-2.x", "~x", "8c6f1b0e-2f0a-4b0e-9d57-0a8a6f6f2c11", "5.", ".5", "x" * 100]
)
def test_an_identifier_is_one_segment_as_it_is(value: Any) -> None:
    assert wire.build_path("/contact/{contact_id:id}", {"contact_id": value}) == f"/contact/{value}"


@given(st.text(max_size=110), st.sampled_from(["NFC", "NFKC", "NFKD"]))
def test_whatever_stands_in_a_path_stays_one_segment_under_every_reading(value: str, form: Any) -> None:
    try:
        path = wire.build_path("/contact/{contact_id:id}/notes", {"contact_id": value})
    except ArgumentError:
        return
    read = unicodedata.normalize(form, unquote(unquote(path)))
    assert read == path
    assert posixpath.normpath(read) == path
    assert path.split("/") == ["", "contact", value, "notes"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"a": ["x", "\ud800y"]}, "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ([float("nan")], "NaN"),
        (float("-inf"), "NaN"),
        ({"n": 2**63}, "too large"),
        ([-(10**5000)], "too large"),
    ],
)
def test_what_no_json_can_carry_is_named(value: Any, why: str) -> None:
    assert why in (wire.unsendable(value) or "")


def test_an_argument_may_be_deep_but_not_endless() -> None:
    deep: Any = "x"
    for _ in range(wire.DEEPEST):
        deep = {"a": deep}
    assert wire.unsendable(deep) is None
    assert "levels deep" in (wire.unsendable([deep]) or "")
    assert wire.unsendable({"a": [1, 2.5, "ü", True, None, 2**63 - 1, "😀"]}) is None


def test_a_hidden_value_is_not_sent_back() -> None:
    wire.refuse_hidden({"custom_fields": {"api_key": "abc"}, "note": "(hidden) is a word here"})
    with pytest.raises(ArgumentError, match=r"custom_fields\.api_key: .* Nothing was sent"):
        wire.refuse_hidden({"custom_fields": {"api_key": "(hidden secret)"}})
    with pytest.raises(ArgumentError, match=r"note: .* Nothing was sent"):
        wire.refuse_hidden({"note": "the key is (hidden secret), as you know"})


def test_query_values_are_what_laravel_reads() -> None:
    query = wire.query_text({"page": 2, "shared_with_me": True, "x": False, "none": None, "d": "2026-01-02"})
    assert query == {"page": "2", "shared_with_me": "1", "x": "0", "d": "2026-01-02"}


def test_values_become_json() -> None:
    assert wire.jsonable({"d": date(2026, 1, 2), "l": [date(2026, 1, 3)]}) == {
        "d": "2026-01-02",
        "l": ["2026-01-03"],
    }


RECORD = {"id": 7, "title": "x"}


@pytest.mark.parametrize(
    ("payload", "key", "record"),
    [
        ({"success": True, "data": RECORD, "message": "m", "meta": {}}, "data", RECORD),
        ({"message": "m", "data": RECORD}, "data", RECORD),
        ({"msg": "m", "data": RECORD}, "data", RECORD),
        ({"msg": "m", "data": RECORD, "status": 201}, "data", RECORD),
        ({"msg": "m"}, "data", None),
        ({"msg": "m", "status": 200}, "data", None),
        ({"status": True, "message": "m"}, "data", None),
        ({"data": RECORD, "status": 200}, "data", RECORD),
        ({"data": RECORD}, "data", RECORD),
        (RECORD, "data", RECORD),
        (["Priority changed"], "data", None),
        ("The invoice was not updated", "data", None),
        ({"msg": "m", "task": RECORD}, "task", RECORD),
        ({"msg": "m", "document": RECORD, "status": 200}, "document", RECORD),
        ({"msg": "m", "reply": RECORD, "status": 201}, "reply", RECORD),
        ({"msg": "m", "stats": {"total_tasks": 3}}, "stats", {"total_tasks": 3}),
        ({"success_msg": "m", "data": RECORD}, "data", RECORD),
        ({"data": RECORD, "availibility": [], "booking_data": {}}, "data", RECORD),
        ({"msg": "m", "task": RECORD}, "data", RECORD),
        ({"success": True, "data": RECORD, "message": "m"}, "reply", RECORD),
        (None, "data", None),
        ({"title": "Sales", "status": "active", "uuid": "u", "stages": []}, "data",
         {"title": "Sales", "status": "active", "uuid": "u", "stages": []}),
    ],
)  # fmt: skip
def test_every_documented_envelope_gives_its_record(payload: Any, key: str, record: Any) -> None:
    assert wire.record_of(payload, key) == record


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"msg": "a"}, "a"),
        ({"message": "b", "status": True}, "b"),
        ({"success_msg": "c", "data": {}}, "c"),
        ("d", "d"),
        (["e"], "e"),
        ([{"id": 1}], ""),
        ({"data": {}}, ""),
        (None, ""),
    ],
)
def test_the_message_is_found_under_any_key(payload: Any, message: str) -> None:
    assert wire.message_of(payload) == message


@pytest.mark.parametrize(
    ("payload", "key", "asked", "limit", "page"),
    [
        ({"data": [RECORD], "links": {}, "meta": LARAVEL}, "data", 2, 15, wire.Page([RECORD], 60, 3)),
        ({"data": [RECORD], "meta": LARAVEL | {"current_page": 4}}, "data", 4, 15, wire.Page([RECORD], 60, None)),
        ({"data": [RECORD], "meta": {"current_page": 1, "total": 3, "total_pages": 2}}, "data", 1, 2,
         wire.Page([RECORD], 3, 2)),
        ({"message": "m", "data": [RECORD], "meta": {"search": None}}, "data", 1, 50, wire.Page([RECORD])),
        ({"data": [RECORD, RECORD]}, "data", 3, 2, wire.Page([RECORD, RECORD], None, 4)),
        ({"data": [RECORD, RECORD]}, "data", None, None, wire.Page([RECORD, RECORD])),
        ({"data": [], "meta": LARAVEL}, "data", 2, 15, wire.Page([], 60, None)),
        ([RECORD], "data", 1, 50, wire.Page([RECORD])),
        ([], "data", 1, 50, wire.Page([])),
        ({"data": {"data": [RECORD], "current_page": 1, "last_page": 2, "total": 2}}, "data", 1, 1,
         wire.Page([RECORD], 2, 2)),
        ({"success": True, "data": {"attachments": [RECORD], "ticket_id": 1}}, "data.attachments", None, None,
         wire.Page([RECORD])),
        ({"data": [RECORD], "meta": {"total": "60", "last_page": "2"}}, "data", 1, 15, wire.Page([RECORD], 60, 2)),
    ],
)  # fmt: skip
def test_every_paging_style_gives_one_page(
    payload: Any, key: str, asked: int | None, limit: int | None, page: wire.Page
) -> None:
    assert wire.page_of(payload, key, asked=asked, limit=limit) == page


@pytest.mark.parametrize(
    ("payload", "holds"),
    [
        ([], True), (None, True), ({"data": []}, True), ({"data": None, "msg": "none yet"}, True),
        ({"data": {"data": [], "total": 0}}, True), ({"data": {"total": 0}}, False),
        ({"message": "ok"}, False), ({"foo": 1}, False), ({}, False), ("text", False), ({"data": {"id": 1}}, False),
    ],
)  # fmt: skip
def test_an_answer_without_a_place_for_rows_is_no_empty_list(payload: Any, holds: bool) -> None:
    assert wire.holds_rows(payload) is holds
    assert wire.page_of(payload).items == []


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("application/json", b'{"a":1}', {"a": 1}),
        ("text/html; charset=UTF-8", b"", None),
        ("application/json", b"", None),
        ("text/plain", b'{"a":1}', {"a": 1}),
        ("application/json", b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        ("application/json", b'"done"', "done"),
        ("application/pdf", b"%PDF-1.7 x", b"%PDF-1.7 x"),
        ("application/json", b"%PDF-1.7 x", b"%PDF-1.7 x"),
    ],
)
def test_a_body_is_read_for_what_it_is(kind: str, body: bytes, value: Any) -> None:
    assert wire.decode(kind, body) == value


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("text/html", b"<!doctype html><html>Server Error</html>", "HTML"),
        ("application/json", b"<html></html>", "HTML"),
        ("application/json", b'{"data": [{"id": 1', "complete JSON"),
        ("application/json", b"Fatal error: out of memory", "complete JSON"),
        ("application/json", b"[" * 100_000, "complete JSON"),
    ],
)
def test_an_unreadable_body_is_named(kind: str, body: bytes, reason: str) -> None:
    with pytest.raises(wire.Malformed, match=reason):
        wire.decode(kind, body)


@pytest.mark.parametrize(
    ("payload", "message", "fields"),
    [
        ({"success": False, "error": "Validation Error", "message": "Wrong.", "errors": {"email": ["Taken."]},
          "status_code": 422}, "Wrong.", {"email": ["Taken."]}),
        ({"error": "Unauthorized", "message": "No key.", "status_code": 401}, "No key.", {}),
        ({"status": 422, "error": "e", "message": "m", "errors": {"a": "b"}}, "m", {"a": ["b"]}),
        ({"msg": "Stage is not empty"}, "Stage is not empty", {}),
        ({"error": "Forbidden"}, "Forbidden", {}),
        ("Payment failed", "Payment failed", {}),
        ({"message": "<b>No</b> &amp; never\n\x1b[31m"}, "No & never [31m", {}),
        ({"errors": []}, "", {}),
    ],
)  # fmt: skip
def test_every_error_envelope_gives_message_and_fields(
    payload: Any, message: str, fields: dict[str, list[str]]
) -> None:
    found = wire.complaint("application/json", json.dumps(payload).encode())
    assert (found.message, found.fields) == (message, fields)


def test_secrets_are_hidden_before_a_text_is_cut_or_cleaned_and_afterwards() -> None:
    def hide(text: str) -> str:
        return text.replace("a<b>&c  d", "***").replace("secret", "***")

    told = {
        "message": "x" * 496 + "secret",
        "errors": {"secret": ["a<b>&c  d", {"deep": "sec\x00ret"}, "se<i></i>cret"]},
    }
    found = wire.complaint("application/json", json.dumps(told).encode(), hide)
    assert found.message == "x" * 496 + "***"
    assert found.fields == {"***": ["***", '{"deep": "sec\\u0000ret"}', "se cret"]}


def test_an_html_error_page_never_reaches_the_caller() -> None:
    assert wire.complaint("text/html", b"<html><h1>Whoops</h1><pre>stack</pre></html>").message == ""


@pytest.mark.parametrize(
    ("status", "payload", "absence"),
    [
        (404, {"message": "The route api/public-v1/ticket could not be found."}, "route"),
        (405, {"message": "The GET method is not supported for route x. Supported methods: POST."}, "route"),
        (405, "", "route"),
        (404, {"message": "No query results for model [App\\Models\\Contact] 5"}, "record"),
        (
            404,
            {"success": False, "error": "Not Found", "message": "Contact not found", "status_code": 404},
            "record",
        ),
        (404, {"msg": "Ticket does not exist"}, "record"),
        (404, {"message": ""}, "open"),
        (404, {"message": "Not Found"}, "open"),
        (404, {"message": "404 Not Found"}, "open"),
        (404, {"message": "Resource not found"}, "open"),
        (404, {"message": "Page not found"}, "open"),
        (200, {"message": "x not found"}, None),
        (500, {"message": "x not found"}, None),
    ],
)
def test_a_404_is_about_a_route_a_record_or_open(status: int, payload: Any, absence: str | None) -> None:
    assert wire.absence(status, "application/json", json.dumps(payload).encode()) == absence


def test_an_html_404_is_open() -> None:
    assert wire.absence(404, "text/html", b"<html>404 Not Found</html>") == "open"
