"""Which prompts there are with which tools, and that each row of the table can be true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from taskip_mcp import errors, operation, own, prompts, resources, schemas
from taskip_mcp.operation import Effect, Tool
from taskip_mcp.prompts import PromptEntry, Read, building, filled
from taskip_mcp.prompts.table import PROMPTS
from taskip_mcp.settings import Settings
from taskip_mcp.toolsets import select
from tests.overviews import agency
from tests.prompting import BY_NAME, FILLED, NAMES, all_reads, backend, build

pytestmark = pytest.mark.anyio

TOOLS: dict[str, Tool] = {**operation.load_all(), **own.tools()}

# --- only what is offered ---------------------------------------------------------------------------------


def chosen(**settings: Any) -> frozenset[str]:
    made = Settings(secret_key="k", **settings)
    return frozenset(entry.name for entry in select(schemas.load_entries(), made))


def test_all_prompts_are_offered_with_all_tools() -> None:
    assert [entry.name for entry in prompts.offered(chosen().__contains__)] == NAMES


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"read_only": True}, NAMES[1:]),
        ({"toolsets": ("billing",)}, ["onboard_client", "chase_overdue_invoices", "month_end_billing"]),
        ({"toolsets": ("support",)}, ["onboard_client", "triage_tickets", "triage_inbox", "prepare_meeting"]),
        ({"toolsets": ("document",)}, []),
    ],
)
def test_a_prompt_is_offered_with_the_tools_that_it_needs(settings: dict[str, Any], names: list[str]) -> None:
    assert [entry.name for entry in prompts.offered(chosen(**settings).__contains__)] == names


@pytest.mark.parametrize("name", NAMES[1:])
async def test_a_server_that_only_reads_leads_to_no_write(name: str) -> None:
    tools = chosen(read_only=True)
    built = await build(backend(agency(), tools), name, FILLED[name])
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", built.text)) & TOOLS.keys()
    assert named <= tools
    assert "confirm" not in built.text
    assert building.NO_WRITES in built.text
    assert set(BY_NAME[name].tools_with(tools.__contains__)) <= named


async def test_what_a_left_out_tool_reads_is_not_read_for_a_prompt() -> None:
    sandbox, tools = agency(), chosen(exclude_tools=("list_team_members", "list_meetings"))
    built = await build(backend(sandbox, tools), "onboard_client")
    assert built.embedded == []
    assert not sandbox.requests
    assert "list_team_members" not in built.text


async def test_a_prompt_whose_tools_are_left_out_is_none() -> None:
    api = backend(agency(), chosen(read_only=True))
    with pytest.raises(errors.ArgumentError, match="There is no prompt onboard_client"):
        await build(api, "onboard_client")


async def test_behind_the_search_mode_a_prompt_says_how_its_tools_are_run() -> None:
    assert "find_tools" in (await build(backend(agency(), mode="search"), "pipeline_review")).text
    assert "find_tools" not in (await build(backend(agency()), "pipeline_review")).text


# --- the table --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", PROMPTS, ids=NAMES)
def test_a_row_names_tools_that_there_are_and_arguments_that_are_looked_up(entry: PromptEntry) -> None:
    tools = entry.tools_with(lambda _: True)
    assert {*tools, *entry.needs} <= TOOLS.keys()
    assert len(tools) >= 4
    for tool in tools:
        assert tool.startswith(prompts.READS) is (TOOLS[tool].effect is Effect.READ)
    assert (
        entry.description(lambda _: True) == f"{entry.does_with(lambda _: True)} Leads to {', '.join(tools)}."
    )
    assert entry.does.endswith(".")
    assert entry.title[0].isupper()
    for argument in entry.arguments:
        assert argument.description.endswith(".")
        assert not argument.kind or argument.kind in filled.FOUND_BY


@pytest.mark.parametrize("entry", PROMPTS, ids=NAMES)
def test_whatever_is_filled_in_a_prompt_only_reads(entry: PromptEntry) -> None:
    sources = {read.source for read in all_reads(entry)}
    found = [operation.find(source) if "." in source else TOOLS[source] for source in sources]
    assert {tool.effect for tool in found} == {Effect.READ}


@pytest.mark.parametrize("entry", PROMPTS, ids=NAMES)
def test_an_address_has_no_more_than_its_template_takes(entry: PromptEntry) -> None:
    known = [each.uri for each in resources.TEMPLATES]
    for read in all_reads(entry):
        path, _, query = building.address(read).partition("?")
        shapes = {re.sub(r"\{\w+\}", "[^/]+", uri.partition("{?")[0]): uri for uri in known}
        (template,) = [uri for shape, uri in shapes.items() if re.fullmatch(shape, path)]
        assert set(re.findall(r"(\w+)=", query)) <= set(re.findall(r"\w+", template.partition("{?")[2]))


def test_an_identifier_cannot_leave_its_place_in_an_address() -> None:
    read = Read("project.get", {"project_id": "../x?y=1#z"})
    assert building.address(read) == "taskip://projects/..%2Fx%3Fy%3D1%23z"


def test_the_table_is_loaded_without_anything_that_only_calls_need() -> None:
    program = (
        "import sys; from taskip_mcp import prompts;"
        "there = prompts.offered(['list_invoices'].__contains__);"
        "print([each.description({'get_invoice'}.__contains__) for each in there]);"
        "print([name for name in sys.modules if name.startswith(('pydantic', 'anyio', 'taskip_mcp.'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    described, loaded = map(json.loads, done.stdout.replace("'", '"').splitlines())
    assert described[0].endswith("Leads to list_invoices, get_invoice.")
    assert sorted(loaded) == ["taskip_mcp.prompts", "taskip_mcp.prompts.reads", "taskip_mcp.prompts.table"]
