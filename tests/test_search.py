"""What people ask for finds the tool that does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from taskip_mcp import schemas, search
from taskip_mcp.operation import GROUPS, OWN_GROUP
from taskip_mcp.synonyms import HINTS, PHRASES, VERBS, WORDS

ENTRIES = schemas.load_entries()
INDEX = search.Index(ENTRIES)
REQUESTS = cast(
    "list[dict[str, Any]]",
    yaml.safe_load((Path(__file__).parent / "data" / "requests.yaml").read_text("utf-8")),
)
TUNED = [each for each in REQUESTS if not each.get("held_out")]
HELD_OUT = [each for each in REQUESTS if each.get("held_out")]


def names(query: str, limit: int = 5) -> list[str]:
    """Names of the tools that a query finds."""
    return [each.entry.name for each in INDEX.find(query, limit)]


def wanted(request: dict[str, Any]) -> set[str]:
    """The tools that are right for a request."""
    tool: str | list[str] = request["tool"]
    return {tool} if isinstance(tool, str) else set(tool)


# --- the requests -----------------------------------------------------------------------------------------


def test_the_requests_cover_every_group_and_name_tools_that_exist() -> None:
    groups = {entry.name: entry.group for entry in ENTRIES}
    asked = {name for each in REQUESTS for name in wanted(each)}
    assert not asked - groups.keys()
    assert {groups[name] for name in asked} == {*GROUPS, OWN_GROUP}
    assert len(TUNED) >= 60
    assert len(HELD_OUT) >= 25
    assert len({each["ask"] for each in REQUESTS}) == len(REQUESTS)


@pytest.mark.parametrize("requests", [TUNED, HELD_OUT], ids=["tuned", "held out"])
def test_the_right_tool_is_found(requests: list[dict[str, Any]]) -> None:
    missed = [each["ask"] for each in requests if not wanted(each) & set(names(each["ask"]))]
    second = [each["ask"] for each in requests if not wanted(each) & set(names(each["ask"], 1))]
    assert len(missed) <= 0.05 * len(requests), missed
    assert len(second) <= 0.25 * len(requests), second


def test_a_tool_is_found_by_its_own_name() -> None:
    for name in (entry.name for entry in ENTRIES):
        assert names(name.replace("_", " "), 1) == names(name, 1) == [name]


# --- how it searches --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("delete the invioce", "delete_invoice"),
        ("creat a contct", "create_contact"),
        ("list compnies", "list_companies"),
        ("reply to the tiket", "reply_ticket"),
    ],
)
def test_a_slip_of_the_fingers_finds_the_same(wrong: str, right: str) -> None:
    assert names(wrong, 1) == [right]


def test_words_in_quotes_and_addresses_are_data_and_no_wish() -> None:
    assert names("create a task 'delete the invoice'") == names("create a task")
    assert names("create a task for delete@invoice.example") == names("create a task for")


def test_a_query_that_is_all_quoted_is_searched_all_the_same() -> None:
    assert names("'delete invoice'", 1) == ["delete_invoice"]


def test_accents_and_capitals_make_no_difference() -> None:
    assert names("DELETE the Ínvoice") == names("delete the invoice")


@pytest.mark.parametrize("query", ["", "  ", "the of and", "zzqx wvvk", "?!", "\u4f60\u597d", "'"])
def test_what_no_tool_has_to_do_with_finds_nothing(query: str) -> None:
    assert names(query) == []


def test_a_plural_asks_for_the_list_and_a_singular_for_the_one() -> None:
    assert names("show our funnels", 1) == ["list_pipelines"]
    assert names("show the funnel", 1) == ["get_pipeline"]


def test_of_two_siblings_the_plainer_is_meant() -> None:
    assert names("delete the contact", 1) == ["delete_contact"]
    assert names("delete several contacts", 1) == ["bulk_delete_contacts"]


def test_as_many_are_found_as_were_asked_for_and_never_more_than_the_most() -> None:
    assert len(names("invoice", 3)) == 3
    assert len(names("invoice", 1_000)) == search.MOST
    assert names("invoice", 3) == names("invoice", 10)[:3]


def test_of_equals_the_first_in_the_order_of_the_tools_comes_first() -> None:
    first, *others = INDEX.find("invoice", 10)
    scores = [first.score, *(each.score for each in others)]
    assert scores == sorted(scores, reverse=True)
    twins = [schemas.ToolEntry("get_x", "", "", "g", "", "", "read") for _ in range(3)]
    assert [each.entry for each in search.find(twins, "get x")] == twins
    assert all(found.entry is twin for found, twin in zip(search.find(twins, "get x"), twins, strict=True))


def test_a_query_of_any_length_is_cut_and_answered() -> None:
    assert names("invoice " * 100_000, 1) == names("invoice", 1)


def test_only_the_tools_that_were_given_are_found() -> None:
    some = [entry for entry in ENTRIES if entry.group == "deal"]
    assert {each.entry.group for each in search.find(some, "delete the invoice", 10)} <= {"deal"}


@pytest.mark.parametrize(
    ("word", "same"),
    [
        ("invoices", "invoice"),
        ("companies", "company"),
        ("tagging", "tag"),
        ("tagged", "tag"),
        ("closing", "close"),
        ("statuses", "status"),
        ("boxes", "box"),
    ],
)
def test_forms_of_a_word_have_one_stem(word: str, same: str) -> None:
    assert search.stem(word) == search.stem(same)


# --- the tables -------------------------------------------------------------------------------------------


def test_the_tables_speak_of_tools_that_exist() -> None:
    assert not HINTS.keys() - {entry.name for entry in ENTRIES}
    assert not VERBS.keys() - {entry.name.split("_")[0] for entry in ENTRIES}
    parts = {search.stem(part) for entry in ENTRIES for part in entry.name.split("_")[1:]}
    assert not {word for word in WORDS if search.stem(word) not in parts}


def test_the_tables_are_plain_words() -> None:
    for text in [*HINTS.values(), *VERBS.values(), *WORDS.values(), *PHRASES, *PHRASES.values()]:
        assert search.words(text) == text.split()
    for said in [*HINTS.values(), *VERBS.values(), *WORDS.values()]:
        assert len(said.split()) == len(set(said.split())), said
