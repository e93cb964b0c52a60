"""Nothing of the contract is left out: operations, fields, requirements, enums, effects."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from taskip_mcp import arguments as product
from taskip_mcp import filters
from taskip_mcp import operation as operations
from tests.contract import standin
from tests.contract.case import Case, argument_of, arguments, expected_fields, path_arguments
from tests.contract.cases import CASES
from tests.contract.contract import COMMON_FILTERS, ORIGINS, Field, Operation, load, reference_rows

TOOLS = {tool.contract: tool for tool in operations.load_all().values()}
CONTROL = {"confirm", "confirm_code", "allow_duplicate", "clear", "extra", "detail", "fields"}
BOTH = sorted(TOOLS.keys() & CASES.keys() & load().operations.keys())
every_operation = pytest.mark.parametrize("id", BOTH)


def test_every_row_of_the_reference_has_one_tool_and_one_case() -> None:
    assert set(TOOLS) == set(load().operations)
    assert set(CASES) == set(load().operations)
    assert [TOOLS[id].reference.endpoint for id in load().operations] == reference_rows()


def test_the_standin_and_the_cases_import_nothing_of_the_product() -> None:
    modules = [path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")]
    assert {"standin.py", "case.py", "cases.py"} <= {path.name for path in modules}
    for path in modules:
        tree = ast.parse(path.read_text("utf-8"))
        names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names += [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
        assert [name for name in names if name.startswith("taskip") or name == "tests.support"] == []


def test_the_standin_tells_all_routes_of_a_document_apart() -> None:
    for row in load().operations.values():
        for origin in ORIGINS:
            if standin.documented(row, origin):
                path = row.route(origin).replace("{id}", "5").replace("{uuid}", "a-b")
                assert standin.match(row.method, path, origin) is row


@every_operation
def test_effect_and_danger_are_those_of_the_contract(id: str) -> None:
    row, tool = load().operations[id], TOOLS[id]
    assert tool.effect.value == row.effect
    assert tool.idempotent == row.idempotent
    if row.destructive:
        assert tool.possible


@every_operation
def test_every_documented_field_is_exercised_and_nothing_else_is_sent(id: str) -> None:
    row, case = load().operations[id], CASES[id]
    for origin in ORIGINS:
        if origin in case.sent_as:
            continue
        sent = [
            expected_fields(row, case, attempt, origin, arguments(row, case, attempt, full=True))
            | dict(attempt.files)
            for attempt in case.full
            if origin in attempt.on
        ]
        allowed = {field.name for field in row.fields(origin)} | case.undocumented
        assert {name for fields in sent for name in fields} <= allowed
        assert set(_unsent(row.fields(origin), sent)) <= case.refused


@every_operation
def test_a_filter_that_is_not_taken_is_refused_with_words(id: str) -> None:
    row, case = load().operations[id], CASES[id]
    parameters = set(product.schema_of(TOOLS[id])["properties"])
    documented = {field.name for field in row.query + row.body}
    assert case.refused <= documented - parameters
    expected = COMMON_FILTERS if row.is_list and row.method == "GET" else frozenset[str]()
    for name in (case.refused | expected) - parameters:
        assert filters.refusal(id, name), f"{name} is neither taken nor refused with words"


@every_operation
def test_a_filter_that_is_ours_is_known_to_be_ours(id: str) -> None:
    ours = filters.LOCAL[id].names if id in filters.LOCAL else frozenset[str]()
    assert ours == CASES[id].local


def _unsent(fields: Iterable[Field], sent: Iterable[dict[str, Any]]) -> list[str]:
    """Documented fields that no call sends, at any depth."""
    lacking: list[str] = []
    for field in fields:
        values = [each[field.name] for each in sent if field.name in each]
        if not values:
            lacking.append(field.name)
        elif field.fields:
            lacking += [f"{field.name}.{name}" for name in _unsent(field.fields, _elements(values))]
    return lacking


def _elements(values: Iterable[Any]) -> list[dict[str, Any]]:
    """The objects inside objects, lists, and lists that are sent as JSON text."""
    found: list[dict[str, Any]] = []
    for value in values:
        plain = json.loads(value) if isinstance(value, str) else value
        found += cast("list[dict[str, Any]]", plain if isinstance(plain, list) else [plain])
    return found


@every_operation
def test_every_argument_reaches_the_wire_and_every_parameter_is_tried(id: str) -> None:
    row, case, tool = load().operations[id], CASES[id], TOOLS[id]
    tried: set[str] = set()
    for attempt in case.full:
        values = arguments(row, case, attempt, full=True)
        tried |= set(values)
        sent = set(dict(attempt.files))
        for origin in attempt.on:
            sent |= set(expected_fields(row, case, attempt, origin, values))
        for name in set(values) - set(path_arguments(row)) - CONTROL:
            assert name in sent or case.renames.get(name) in sent, f"{name} reaches no field"
    parameters = set(product.schema_of(tool)["properties"])
    assert parameters - CONTROL == (tried | case.local) - CONTROL


@every_operation
def test_required_is_what_the_contract_requires(id: str) -> None:
    row, case, tool = load().operations[id], CASES[id], TOOLS[id]
    required = {argument_of(case, field.name) for field in row.query + row.body if field.required} - {None}
    wanted = required | set(path_arguments(row)) | case.needed
    assert set(product.schema_of(tool).get("required", [])) == wanted - case.optional


@every_operation
def test_every_documented_value_is_accepted(id: str) -> None:
    row, case, tool = load().operations[id], CASES[id], TOOLS[id]
    properties = product.schema_of(tool)["properties"]
    for field in row.query + row.body:
        name = argument_of(case, field.name)
        if field.enum and name and name not in case.refused:
            _check_values(row, case, name, field, properties[name])


def _check_values(row: Operation, case: Case, name: str, field: Field, schema: dict[str, Any]) -> None:
    labels = case.labels.get(name, {})
    if schema["type"] == "boolean":
        assert set(field.enum) <= {0, 1}
        return
    accepted: list[Any] = schema.get("enum", [])
    assert accepted, f"{row.id}: {name} has values that its schema does not name"
    assert [value for value in field.enum if labels.get(value, value) not in accepted] == []
