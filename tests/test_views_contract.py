"""All views against the schemas of the contract: no field is forgotten, no date misread, no shape too odd."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskip_mcp import dates, operation
from taskip_mcp.operation import Effect
from taskip_mcp.outside import Foreign
from taskip_mcp.views import DETAILED, VIEWS, WIDE, view
from tests.contract.contract import load
from tests.contract.sample import record

OPERATIONS = {each.contract: each for each in operation.load_all().values()}
SCHEMAS = load().schemas
EXTRAS = ("_create_only", "_detail_only", "_list_only")
UNDOCUMENTED = {"ticket.analytics", "invoice.download_pdf", "document.download"}
"""Reads whose answers are no records: figures by name, and files."""


def schema_of(contract: str) -> str | None:
    return cast("str | None", load().operations[contract].response.get("record"))


KINDS = [(contract, schema) for contract in VIEWS if (schema := schema_of(contract))]
EACH_KIND = pytest.mark.parametrize(("contract", "schema"), KINDS, ids=[contract for contract, _ in KINDS])


def sample(schema: str) -> dict[str, Any]:
    return record(schema, 1, *EXTRAS)


def values(node: Any) -> Iterator[Any]:
    yield node
    if isinstance(node, dict):
        for child in cast("dict[str, Any]", node).values():
            yield from values(child)
    if isinstance(node, list):
        for child in cast("list[Any]", node):
            yield from values(child)


def test_every_read_of_records_has_a_view() -> None:
    reads = {contract for contract, each in OPERATIONS.items() if each.effect is Effect.READ}
    assert reads - VIEWS.keys() == UNDOCUMENTED
    assert VIEWS.keys() <= OPERATIONS.keys()


def test_details_and_fields_are_offered_by_reads_alone() -> None:
    assert VIEWS.keys() >= DETAILED
    assert WIDE <= DETAILED
    assert all(OPERATIONS[contract].effect is Effect.READ for contract in DETAILED)
    assert all(contract.endswith(".list") or contract == "project.all_tasks" for contract in WIDE)


@EACH_KIND
def test_every_documented_field_is_shown_or_dropped_on_purpose(contract: str, schema: str) -> None:
    assert sample(schema).keys() - VIEWS[contract].taken <= UNLISTED.get(schema, set())


# The file-based document of an older guide: what it has beside the present one is shown as it comes (contract
# document.get).
UNLISTED = {"document_legacy": set(sample("document_legacy"))}


@EACH_KIND
def test_a_concise_record_holds_nothing_empty_and_no_picture(contract: str, schema: str) -> None:
    shown = view(contract, sample(schema), "record")
    assert not [each for each in values(shown) if each in (None, "", [], {})]
    names = {
        name for each in values(shown) if isinstance(each, dict) for name in cast("dict[str, Any]", each)
    }
    assert not names & {"image", "logo", "signature", "slug", "thumbnail", "original_url", "activities"}


@EACH_KIND
def test_a_record_of_nulls_is_shown_as_what_it_has(contract: str, schema: str) -> None:
    for role in ("row", "record"):
        assert view(contract, dict.fromkeys(sample(schema)), cast("Any", role)) == {}
    assert view(contract, dict.fromkeys(sample(schema)), "record", detail="full") == {}


def dated(shape: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every date that a schema documents: its place and form."""
    if isinstance(shape, list):
        for each in cast("list[Any]", shape):
            yield from dated(each, path)
    elif isinstance(shape, dict):
        for name, each in cast("dict[str, Any]", shape).items():
            if name in EXTRAS:
                yield from dated(each, path)
            elif not name.startswith("_"):
                yield from dated(each, (*path, name))
    elif found := re.match(r"(?:list:)?ref:(\w+)", str(shape)):
        yield from dated(SCHEMAS[found[1]], path)
    elif (found := re.match(r"string\((.*?)(, microseconds)?\)", str(shape))) and found[1] in dates.FORMS:
        yield path, found[1]


def at(node: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from at(each, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from at(cast("dict[str, Any]", node)[path[0]], path[1:])


@EACH_KIND
def test_full_has_every_field_under_its_own_name_with_documented_dates_in_iso(
    contract: str, schema: str
) -> None:
    given = sample(schema)
    shown = view(contract, given, "record", detail="full")
    assert {name for name, value in given.items() if value is not None} == {
        name for name in shown if not name.endswith("_raw")
    }
    for path, form in dated(SCHEMAS[schema]):
        for raw, value in zip(at(given, path), at(shown, path), strict=True):
            assert value == dates.iso(raw, form), path
            assert value != raw or form in {"iso", "Y-m-d", "H:i"}, path


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "title"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_odd_shapes_are_shown_and_never_raise(kind: tuple[str, str], data: st.DataObject) -> None:
    contract, schema = kind
    given = sample(schema)
    for name in data.draw(st.lists(st.sampled_from(sorted(given)), max_size=4)):
        inner = [given[name], *(given[name] if isinstance(given[name], list) else ())]
        objects = [cast("dict[str, Any]", each) for each in inner if isinstance(each, dict) and each]
        target, key = (
            (objects[0], next(iter(objects[0]))) if objects and data.draw(st.booleans()) else (given, name)
        )
        target[key] = data.draw(JUNK)
    before = copy.deepcopy(given)
    for role in ("row", "record"):
        for detail in ("concise", "full"):
            view(contract, given, cast("Any", role), detail=cast("Any", detail), fields=())
    assert given == before


LABELS = {"yes", "on", "public", "3 of 5"}
"""Words of our own for the numbers in the samples."""


@EACH_KIND
def test_a_text_that_outsiders_wrote_stays_marked_whatever_is_made_of_it(contract: str, schema: str) -> None:
    given = foreign(sample(schema))
    for role in ("row", "record"):
        for detail in ("concise", "full"):
            shown = view(contract, given, cast("Any", role), detail=cast("Any", detail))
            texts = [each for each in values(shown) if isinstance(each, str) and any(map(str.isalpha, each))]
            assert {each for each in texts if not isinstance(each, Foreign)} <= LABELS


def foreign(node: Any) -> Any:
    """Every text marked."""
    if isinstance(node, dict):
        return {name: foreign(each) for name, each in cast("dict[str, Any]", node).items()}
    if isinstance(node, list):
        return [foreign(each) for each in cast("list[Any]", node)]
    return Foreign(node) if isinstance(node, str) else node
