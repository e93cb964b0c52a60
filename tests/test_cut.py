"""Nothing above 20,000 tokens: where a result ends, and what it says of the rest."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskip_mcp import cut, outside, tokens
from taskip_mcp.outside import Foreign
from taskip_mcp.results import minified
from tests.tokens import count

ROOT = Path(__file__).parent.parent
DRAWN = random.Random(5)


def letters(of: str, most: int) -> str:
    return " ".join("".join(DRAWN.choices(of, k=DRAWN.randint(1, most))) for _ in range(2000))


def drawn(first: int, last: int, count: int) -> str:
    return "".join(chr(DRAWN.randint(first, last)) for _ in range(count))


RANGES = (
    (0xC0, 0xFF), (0x100, 0x17F), (0x250, 0x2AF), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x621, 0x64A),
    (0x710, 0x72F), (0x7C0, 0x7EA), (0x905, 0x939), (0xE01, 0xE3A), (0x2000, 0x206F), (0x3041, 0x30FE),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFF01, 0xFF5E),
)  # fmt: skip

TEXTS = {
    "prose": (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
    "code": (ROOT / "taskip_mcp" / "call.py").read_text("utf-8"),
    "schemas": (ROOT / "tool_schemas" / "update_invoice.json").read_text("utf-8"),
    "uuids": json.dumps([str(uuid.UUID(int=DRAWN.getrandbits(128))) for _ in range(300)]),
    "base64": base64.b64encode(DRAWN.randbytes(6000)).decode(),
    "money": json.dumps([{"id": at, "total": f"{DRAWN.random() * 9999:.2f} EUR"} for at in range(400)]),
    "noise": letters(string.ascii_lowercase, 9),
    "capitals": letters(string.ascii_uppercase, 9),
    "signs": "".join(DRAWN.choices(string.punctuation, k=4000)),
    "german": "Die Rechnungsübersicht enthält überfällige Beträge für Großkunden. " * 50,
    "russian": "Привет, как дела у вашего нового проекта и счета на оплату? " * 50,
    "chinese": "你好，这个项目的发票已经逾期，请尽快付款。" * 100,
    "ideographs": "".join(chr(DRAWN.randint(0x4E00, 0x9FFF)) for _ in range(2000)),
    "hindi": "यह परियोजना का चालान अतिदेय है, कृपया भुगतान करें।" * 60,
    "amharic": "ይህ ደረሰኝ ጊዜው አልፎበታል እባክዎን ይክፈሉ" * 60,
    "phone numbers": "; ".join(
        f"+49 30 {DRAWN.randint(0, 999):03} {DRAWN.randint(0, 99):02}" for _ in range(600)
    ),
    "single digits": " ".join(str(DRAWN.randint(0, 9)) for _ in range(2000)),
    "signs between letters": "".join(
        DRAWN.choice("abcdefg") + "".join(DRAWN.choices(string.punctuation, k=3)) for _ in range(1500)
    ),
    "syllables": " ".join(
        "".join(DRAWN.choice("bcdfglmnprstv") + DRAWN.choice("aeiou") for _ in range(DRAWN.randint(2, 7)))
        for _ in range(800)
    ),
    "marks upon marks": "".join("a" + "".join(drawn(0x300, 0x36F, 4)) for _ in range(500)),
    "arabic digits": "١٢٣٤٥٦٧٨٩٠ " * 200,
    **{f"drawn from {start:x}": drawn(start, end, 2000) for start, end in RANGES},
    "pictures": "".join(chr(DRAWN.randint(0x1F300, 0x1F6FF)) for _ in range(1000)),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_no_text_costs_more_than_the_estimate_leaves_room_for(text: str) -> None:
    assert count(text) <= tokens.estimate(text) * tokens.MOST / tokens.LIMIT


@pytest.mark.parametrize("kind", ["prose", "schemas", "money"])
def test_what_companies_write_is_not_counted_much_too_high(kind: str) -> None:
    assert tokens.estimate(TEXTS[kind]) <= count(TEXTS[kind]) * 1.4


def row(number: int, size: int = 40) -> dict[str, Any]:
    return {"id": number, "subject": "a word " * size}


def size(value: Any) -> int:
    return count(minified(value))


# --- lists ------------------------------------------------------------------------------------------------


def test_what_fits_is_shown_as_it_is() -> None:
    value = {"items": [row(at) for at in range(25)], "returned": 25, "total": 30, "next_page": 2}
    assert cut.to_size(value, page=1, limit=25) is value


@pytest.mark.parametrize(
    ("page", "limit", "width"), [(1, 100, 250), (3, 100, 150), (2, 60, 600), (1, 7, 3000)]
)
def test_rows_that_are_left_out_of_a_page_come_with_the_page_that_is_named(
    page: int, limit: int, width: int
) -> None:
    everything = [row(at, width) for at in range(1000)]
    value: dict[str, Any] = {
        "items": everything[(page - 1) * limit : page * limit],
        "returned": limit,
        "next_page": page + 1,
    }
    shown = cut.to_size(value, page=page, limit=limit)
    kept = shown["items"]
    assert size(shown) <= tokens.MOST
    assert kept == value["items"][: len(kept)]
    assert shown["returned"] == len(kept) < limit
    found = re.search(r"limit=(\d+), page=(\d+)", shown["left_out"])
    assert found
    smaller, following = int(found[1]), int(found[2])
    assert everything[(following - 1) * smaller] == value["items"][len(kept)]
    assert "next_page" not in shown


def test_a_last_page_that_is_short_is_gone_on_with_in_smaller_pages() -> None:
    everything = [row(at, 700) for at in range(60)]
    shown = cut.to_size({"items": everything, "returned": 60, "total": 60}, page=1, limit=100)
    kept = shown["returned"]
    assert 100 % kept == 0
    assert f"Go on with limit={kept}, page=2." in shown["left_out"]


def test_where_taskip_pages_as_it_likes_the_rows_that_are_left_out_are_named() -> None:
    value = {"items": [row(at, 700) for at in range(1, 16)], "returned": 15, "next_page": 2}
    shown = cut.to_size(value, page=1, limit=25)
    kept = len(shown["items"])
    assert shown["next_page"] == 2
    assert f"Read these by their ids: {', '.join(map(str, range(kept + 1, 16)))}." in shown["left_out"]


def test_a_list_without_pages_is_asked_for_in_smaller_pieces() -> None:
    value = {"items": [row(at, 700) for at in range(20)], "returned": 20, "note": "older ones with before=19"}
    shown = cut.to_size(value, limit=20)
    assert shown["returned"] == len(shown["items"]) < 20
    assert shown["left_out"].endswith(f"Ask with limit={shown['returned']}, or narrow the call.")
    assert "note" not in shown  # it was about the last row


def test_a_row_that_is_too_long_by_itself_loses_the_end_of_its_text() -> None:
    value = {"items": [{"id": 1, "subject": "a word " * 50_000}], "returned": 1}
    shown = cut.to_size(value, page=1, limit=25)
    assert size(shown) <= tokens.MOST
    assert shown["items"][0]["id"] == 1
    assert shown["items"][0]["subject"].endswith("…")
    assert "items.0.subject (350,000 characters)" in shown["left_out"]


def test_the_longest_column_of_a_board_is_cut_and_said_so() -> None:
    columns: list[dict[str, Any]] = [
        {"container_id": at, "items": [row(each) for each in range(many)]} for at, many in ((1, 900), (2, 5))
    ]
    shown = cut.to_size({"items": columns, "returned": 2})
    assert size(shown) <= tokens.MOST
    assert [each["container_id"] for each in shown["items"]] == [1, 2]
    assert len(shown["items"][1]["items"]) == 5
    first = shown["items"][0]["items"]
    assert first == columns[0]["items"][: len(first)]
    assert f"{900 - len(first)} of 900 in items.0.items" in shown["left_out"]
    assert len(columns[0]["items"]) == 900  # what came from TaskIP stays whole


@pytest.mark.parametrize("where", ["custom_fields", ""])
def test_a_form_with_very_many_fields_loses_some_and_says_of_how_many(where: str) -> None:
    fields = {f"field {at}": "lorem ipsum dolor " * 4 for at in range(1500)}
    shown = cut.to_size({"id": 1, where: fields} if where else {"id": 1, **fields})
    assert size(shown) <= tokens.MOST
    assert shown["id"] == 1
    assert re.search(rf"of 150[01] in {where or 'the record'}", shown["left_out"])


def test_counts_are_those_of_the_rows_that_are_left() -> None:
    value = {
        "items": [row(1, 60_000), *(row(at, 500) for at in range(2, 26))],
        "returned": 25,
        "next_page": 2,
    }
    shown = cut.to_size(value, page=1, limit=25)
    assert size(shown) <= tokens.MOST
    assert shown["returned"] == len(shown["items"])


def test_a_text_of_outsiders_is_still_one_when_it_is_cut() -> None:
    shown = cut.to_size({"id": 1, "description": Foreign("a word " * 50_000)})
    assert outside.holds_foreign(shown)
    assert size(shown) <= tokens.MOST


VALUES = st.recursive(
    st.text(max_size=50) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=15, deadline=None)
@given(VALUES, st.integers(1, 4), st.sampled_from(["word ", "f3a9", "发票", '\n"', "Größe "]))
def test_any_value_fits_afterwards(value: Any, depth: int, text: str) -> None:
    big: Any = [{"value": value, "text": text * 300} for _ in range(200)]
    for _ in range(depth):
        big = {"inner": big, "beside": value}
    shown = cut.to_size({"id": 1, "big": big})
    assert size(shown) <= tokens.MOST
    assert shown["id"] == 1
