"""Each operation on the routes of both documents: the request is the contract's, the answer is the record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from taskip_mcp import operation as operations
from taskip_mcp import results
from taskip_mcp.operation import Effect
from taskip_mcp.settings import RouteSet
from tests import support
from tests.contract.case import (
    Case,
    Try,
    arguments,
    expected_fields,
    expected_path,
    expected_result,
)
from tests.contract.cases import CASES
from tests.contract.contract import ORIGINS, Field, Operation, Origin, load
from tests.contract.standin import PDF, Seen, Standin

pytestmark = pytest.mark.anyio

TOOLS = {tool.contract: tool for tool in operations.load_all().values()}


def _attempts() -> Iterator[Any]:
    """Each call on the pinned routes of each document; the first full one also without a pin."""
    for id, case in CASES.items():
        if id not in TOOLS:  # told by test_coverage
            continue
        for origin in ORIGINS:
            tries = [(True, attempt) for attempt in case.full] + [
                (False, attempt) for attempt in case.minimal
            ]
            there = [(full, attempt) for full, attempt in tries if origin in attempt.on]
            for index, (full, attempt) in enumerate(there):
                name = f"{id}-{origin}-{'full' if full else 'minimal'}-{index}"
                yield pytest.param(id, origin, origin, full, attempt, id=name)
            yield pytest.param(id, origin, "auto", *there[0], id=f"{id}-{origin}-found")


@pytest.mark.parametrize(("id", "origin", "routes", "full", "attempt"), list(_attempts()))
async def test_request_and_answer_are_those_of_the_contract(
    id: str, origin: Origin, routes: RouteSet, full: bool, attempt: Try, tmp_path: Path
) -> None:
    row, case, tool = load().operations[id], CASES[id], TOOLS[id]
    values = arguments(row, case, attempt, full=full)
    taskip = Standin(origin, case.appears)
    for _, name in attempt.files:
        (tmp_path / name).write_bytes(b"content")
    api = support.backend(taskip, routes=routes, folder=tmp_path)
    result = await support.alone(api, tool.name, **values)

    carrier = load().operations[case.sent_as.get(origin, id)]
    if routes != "auto":
        assert [each.path for each in taskip.seen if not each.operation] == []
    request = _primary(taskip, carrier)
    assert request.method == carrier.method
    assert request.path == expected_path(carrier, origin, values)
    wanted = expected_fields(row, case, attempt, origin, values)
    if row.method == "GET":
        assert request.query == {name: _query_text(value) for name, value in wanted.items()}
        assert request.body is None
    else:
        # As JSON text, where true is not 1.
        assert _comparable(row, request.body or {}) == _comparable(row, wanted)
        assert request.query == {}
        if not attempt.files:  # in a form everything is text
            _check_types(row.fields(origin), wanted)
    assert request.files == attempt.files
    _check_result(row, case, attempt, origin, values, result)


def _first_writes() -> Iterator[Any]:
    """The first full call of each write on the pinned routes of each document."""
    for id, case in CASES.items():
        for origin in ORIGINS:
            there = [attempt for attempt in case.full if origin in attempt.on]
            if there and id in TOOLS and TOOLS[id].effect is not Effect.READ:
                yield pytest.param(id, origin, there[0], id=f"{id}-{origin}")


@pytest.mark.parametrize(("id", "origin", "attempt"), list(_first_writes()))
async def test_through_the_gate_the_same_request_leaves_after_documented_reads(
    id: str, origin: Origin, attempt: Try, tmp_path: Path
) -> None:
    row, case, tool = load().operations[id], CASES[id], TOOLS[id]
    values = arguments(row, case, attempt, full=True)
    for _, name in attempt.files:
        (tmp_path / name).write_bytes(b"content")
    confirm = {"confirm": True} if tool.gated else {}
    carrier, sent = load().operations[case.sent_as.get(origin, id)], list[Seen]()
    for run, more in ((support.alone, {}), (support.run, confirm)):
        taskip = Standin(origin, case.appears)
        result = await run(
            support.backend(taskip, routes=origin, folder=tmp_path), tool.name, **values, **more
        )
        assert [each.path for each in taskip.seen if not each.operation] == []
        sent.append(_primary(taskip, carrier))
        if run is support.run and tool.chunk:
            assert results.shape(result)["items"] == {"done": values[tool.chunk]}
    assert sent[0] == sent[1]


def _comparable(row: Operation, fields: Mapping[str, Any]) -> str:
    """A body as text; a field that holds JSON as text of its own counts by its content."""
    nested = {each.name for each in row.body if each.fields and each.type == "string"}
    plain = {name: json.loads(value) if name in nested else value for name, value in fields.items()}
    return json.dumps(plain, sort_keys=True)


def _primary(taskip: Standin, row: Operation) -> Seen:
    """The request of the operation itself; whatever else TaskIP took is a documented read."""
    own = [each for each in taskip.seen if each.operation == row.id]
    assert own, taskip.seen
    others = {each.operation for each in taskip.seen if each.operation} - {row.id}
    assert {load().operations[each].effect for each in others} <= {"read"}
    if row.effect != "read":
        assert len(own) == 1, "a write is sent once"
    return own[-1]


JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _check_types(fields: Iterable[Field], sent: Mapping[str, Any]) -> None:
    """Each field travels as the type that the contract gives it; null empties a field."""
    for field in fields:
        value = sent.get(field.name)
        if value is None:
            continue
        allowed = [each for name in field.type.split("|") for each in JSON_TYPES[name]]
        assert type(value) in allowed, f"{field.name} is {value!r}, not {field.type}"
        elements = cast("list[Any]", value if isinstance(value, list) else [value])
        for each in elements:
            if field.items in JSON_TYPES:
                assert type(each) in JSON_TYPES[field.items], (
                    f"{field.name} holds {each!r}, not {field.items}"
                )
            if field.fields and isinstance(each, dict):
                _check_types(field.fields, cast("dict[str, Any]", each))


def _query_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _check_result(
    row: Operation, case: Case, attempt: Try, origin: Origin, values: Mapping[str, Any], result: Any
) -> None:
    shown = results.shape(result)
    if row.response["shape"] == "binary":
        assert Path(shown["saved"]).read_bytes() == PDF
        return
    carrier = load().operations[case.sent_as.get(origin, row.id)]
    wanted = results.tidy(expected_result(carrier, case, attempt, origin, values))
    if row.is_list and row.effect == "read":
        assert shown["items"] == wanted
        assert shown.get("next_page") == (2 if _paged(row, case) else None)
    elif row.effect == "read":
        assert shown == wanted
    else:
        assert shown["done"]
        assert shown["changed"] == wanted
        if TOOLS[row.id].chunk:  # many records have no id
            return
        named = [value for name, value in values.items() if name.endswith("_id")]
        known = [attempt.id] if attempt.id else [wanted.get("id"), wanted.get("uuid"), *named]
        assert str(shown.get("id")) in map(str, known)


def _paged(row: Operation, case: Case) -> bool:
    """Whether TaskIP counts the pages and the tool can ask for one."""
    names = {each.name for each in row.query + row.body} | case.undocumented
    return row.response["pagination"] == "laravel" and "page" in names
