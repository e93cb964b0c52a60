"""The benches compare like with like: the document of the generated server holds every operation, and what must hold
is what the figures say."""

from __future__ import annotations

from typing import Any

from bench.openapi import OURS, document
from bench.startup import Server, Start, broken, compare, ratio
from bench.tokens import of_tool
from taskip_mcp import operation

OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    described["operationId"]: (method, path, described)
    for path, methods in document()["paths"].items()
    for method, described in methods.items()
}


def test_the_generated_server_gets_every_operation_under_its_route_and_in_our_words() -> None:
    assert OPERATIONS.keys() == operation.load_all().keys()
    for name, found in operation.load_all().items():
        method, path, described = OPERATIONS[name]
        assert f"{method.upper()} {path}".count("{") == found.reference.endpoint.count("{")
        assert described["description"] == found.description


def test_what_is_in_the_path_is_a_parameter_and_what_is_sent_is_a_body() -> None:
    for method, path, described in OPERATIONS.values():
        places = {each["name"]: each["in"] for each in described["parameters"]}
        assert {name for name, where in places.items() if where == "path"} == {
            part[1:-1] for part in path.split("/") if part.startswith("{")
        }
        if method == "get":
            assert "requestBody" not in described
        else:
            assert "query" not in places.values()
    body = OPERATIONS["create_contact"][2]["requestBody"]["content"]["application/json"]["schema"]
    assert "first_name" in body["required"]
    assert not body["properties"].keys() & OURS


def test_a_ratio_is_the_median_of_the_turns_and_what_exceeds_it_is_named() -> None:
    tools: list[dict[str, Any]] = [{"name": "nothing", "inputSchema": {}}]
    ours = Server("ours", [], "sdk")
    runs = {
        "sdk": [Start(100, 50, tools), Start(200, 50, tools), Start(300, 50, tools)],
        "ours": [Start(110, 55, tools), Start(260, 55, tools), Start(360, 55, tools)],
    }
    times = ratio(runs, ours)
    assert times == (1.2, 1.1)
    assert broken("2026-07-28", times) == ["2026-07-28: 1.20 times the start of the SDK alone"]
    assert ratio(runs, Server("sdk", [])) is None


def test_each_turn_begins_with_another_server_and_the_first_of_all_is_not_counted() -> None:
    begun: list[str] = []

    class Fake(Server):
        def start(self, era: str) -> Start:
            begun.append(self.name)
            return Start(len(begun), None, [])

    runs = compare([Fake("a", []), Fake("b", [])], "2026-07-28", 2)
    assert begun[2:] == ["a", "b", "b", "a"]
    assert {name: [each.milliseconds for each in starts] for name, starts in runs.items()} == {
        "a": [3, 6],
        "b": [4, 5],
    }


def test_tokens_of_a_tool_are_those_of_its_name_description_and_schema() -> None:
    tool = {"name": "get", "description": "Read one.", "inputSchema": {"type": "object"}}
    assert of_tool(tool) == of_tool(tool | {"title": "Get", "annotations": {"readOnlyHint": True}}) > 0
