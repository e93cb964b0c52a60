"""What of `make interop` needs no network: the plan covers every tool, the judge sees losses, the rules bite."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from mcp.client import Client

from taskip_mcp.server import App, build_server
from taskip_mcp.settings import load
from tests.interop import judge, plan, portable
from tests.interop.plan import Listed, Step

pytestmark = pytest.mark.anyio

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "contact_id": {"type": "string", "description": "Id or email."},
        "status": {"type": "string", "enum": ["open", "paid"]},
        "items": {
            "type": "array",
            "items": {"type": "object", "properties": {"qty": {"type": "number"}}, "required": ["qty"]},
        },
    },
    "required": ["contact_id"],
}
TOOL = Listed("get_contact", "Get one contact.", SCHEMA, reads=True, gated=False)
STEPS = [
    Step("list_invoices", {}, "answer"),
    Step("delete_contact", {"contact_id": 1}, "preview"),
    Step("undo_change", {"change_id": "x"}, "refusal"),
]


def report(change: Callable[[dict[str, Any]], object] = lambda _: None) -> dict[str, Any]:
    """A report in which all is well, but for one change."""
    made: dict[str, Any] = {
        "schemas": {"plain": {TOOL.name: copy.deepcopy(SCHEMA)}},
        "refused": {},
        "calls": {
            "stdio": [
                {"tool": "list_invoices", "error": False, "text": '{"items":[]}'},
                {"tool": "delete_contact", "error": False, "text": '{"done":"Nothing was changed."}'},
                {"tool": "undo_change", "error": True, "text": "There is no change x. Nothing was sent."},
            ]
        },
    }
    change(made)
    return made


def schema_of(made: dict[str, Any]) -> dict[str, Any]:
    return made["schemas"]["plain"][TOOL.name]


def call(made: dict[str, Any], number: int) -> dict[str, Any]:
    return made["calls"]["stdio"][number]


def test_a_report_in_which_all_is_well_passes() -> None:
    assert judge.failures(report(), [TOOL], {"stdio": STEPS}) == []


LOSSES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a tool": (lambda made: made["schemas"]["plain"].clear(), "get_contact is missing"),
    "a stranger": (lambda made: made["schemas"]["plain"].update(more=SCHEMA), "more is not a tool"),
    "an argument": (lambda made: schema_of(made)["properties"].pop("status"), "arguments differ"),
    "what is required": (lambda made: schema_of(made).pop("required"), "required are"),
    "a type": (lambda made: schema_of(made)["properties"]["contact_id"].update(type="integer"), "type is"),
    "values": (lambda made: schema_of(made)["properties"]["status"].pop("enum"), "values are"),
    "a description": (
        lambda made: schema_of(made)["properties"]["contact_id"].pop("description"),
        "description was lost",
    ),
    "elements": (lambda made: schema_of(made)["properties"]["items"].pop("items"), r"items\[\]: type is"),
    "a field of an element": (
        lambda made: schema_of(made)["properties"]["items"]["items"]["properties"].clear(),
        r"items\[\]: arguments differ",
    ),
    "a conversion": (lambda made: made["refused"].update(strict={"get_contact": "no"}), "strict: get_contact: no"),
    "a call": (lambda made: made["calls"]["stdio"].pop(), "2 of 3 calls"),
    "a transport": (lambda made: made["calls"].clear(), "0 of 3 calls"),
    "an answer": (lambda made: call(made, 0).update(error=True, text="boom"), "an error: boom"),
    "its text": (lambda made: call(made, 0).update(text=" "), "an empty answer"),
    "its own call": (lambda made: call(made, 0).update(tool="get_contact"), "in place of"),
    "a preview": (lambda made: call(made, 1).update(text='{"done":"Contact 1 deleted"}'), "no preview"),
    "a write": (lambda made: call(made, 0).update(text="Nothing was changed."), "a preview instead"),
    "a refusal": (lambda made: call(made, 2).update(error=False), "no refusal"),
}  # fmt: skip


@pytest.mark.parametrize("lost", LOSSES)
def test_what_a_client_loses_is_found(lost: str) -> None:
    change, words = LOSSES[lost]
    found = judge.failures(report(change), [TOOL], {"stdio": STEPS})
    assert any(re.search(words, each) for each in found), found


def test_a_strict_schema_requires_every_argument() -> None:
    strict = copy.deepcopy(SCHEMA) | {"required": list(SCHEMA["properties"])}
    assert list(judge.of_schemas({TOOL.name: strict}, [TOOL], strict=True)) == []
    assert list(judge.of_schemas({TOOL.name: strict}, [TOOL], strict=False)) != []


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({}, "type None"),
        ({"type": ["string", "null"]}, "type"),
        ({"type": "array"}, "items"),
        ({"type": "string", "items": {"type": "string"}}, "items"),
        ({"type": "object"}, "without properties"),
        ({"type": "string", "required": ["a"]}, "without type object"),
        ({"type": "integer", "enum": [1, 2]}, "enum"),
        ({"type": "string", "enum": ["a", ""]}, "enum"),
        ({"type": "string", "format": "uri"}, "format uri"),
        ({"type": "string", "const": "a"}, "keyword const"),
        ({"type": "string", "additionalProperties": False}, "additionalProperties"),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}, "required"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}]}}, "anyOf"),
        ({"type": "object", "properties": {"a b": {"type": "string"}}}, "the name"),
    ],
)  # fmt: skip
def test_a_schema_that_some_vendor_refuses_is_found(node: dict[str, Any], words: str) -> None:
    tool = Listed(
        "get_it", "Get it.", {"type": "object", "properties": {"it": node}}, reads=True, gated=False
    )
    assert any(words in problem for problem in portable.problems(tool))


def test_a_tool_without_arguments_is_portable() -> None:
    assert (
        list(
            portable.problems(Listed("get_it", "Get it.", {"type": "object", "properties": {}}, True, False))
        )
        == []
    )
    assert list(portable.problems(TOOL)) == []


async def tools(**variables: str) -> list[Listed]:
    async with Client(build_server(App(load({"TASKIP_SANDBOX": "1", **variables})))) as client:
        return await plan.listed(client)


@pytest.mark.parametrize("variables", [{"TASKIP_CONFIRM": "strict"}, {"TASKIP_MODE": "search"}], ids=str)
async def test_every_tool_of_the_server_is_portable(variables: dict[str, str]) -> None:
    offered = await tools(**variables)
    assert [f"{tool.name}: {problem}" for tool in offered for problem in portable.problems(tool)] == []


async def test_every_tool_has_one_call_that_its_published_schema_allows() -> None:
    offered = {tool.name: tool for tool in await tools()}
    steps = plan.every_tool(list(offered.values()))
    assert sorted(step.tool for step in steps) == sorted([*offered, plan.GATED])
    for step in [*steps, *plan.few(list(offered.values()))]:
        schema = offered[step.tool].schema
        assert set(schema.get("required", ())) <= step.arguments.keys()
        assert unfit(step.arguments, schema, step.tool) == []
    assert json.loads(json.dumps(plan.exported(steps))) == plan.exported(steps)


async def test_nothing_is_written_before_the_reads_and_previews() -> None:
    offered = await tools()
    harmless = {tool.name: tool.reads or tool.gated for tool in offered}
    steps = plan.every_tool(offered)
    order = [harmless[step.tool] for step in steps[:-1]]
    assert order == sorted(order, reverse=True)
    assert {step.expected for step in steps} == {"answer", "preview", "refusal"}


KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def unfit(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    """Where a value is not what a schema says."""
    if not isinstance(value, KINDS[schema["type"]]):
        return [f"{where} is no {schema['type']}"]
    found = [f"{where} is not one of the values"] if value not in schema.get("enum", [value]) else []
    if schema["type"] == "array":
        return found + [each for part in value for each in unfit(part, schema["items"], f"{where}[]")]
    if schema["type"] == "object" and "properties" in schema:
        inside = schema["properties"]
        found += [f"{where}.{name} is unknown" for name in value if name not in inside]
        parts = ((name, part) for name, part in value.items() if name in inside)
        return found + [each for name, part in parts for each in unfit(part, inside[name], f"{where}.{name}")]
    return found
