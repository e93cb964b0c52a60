"""The steps: what they name is there, nothing is written before the user was asked, and no promise is made in vain."""

from __future__ import annotations

import re

import pytest

from taskip_mcp import arguments, instructions, operation, own, prompts
from taskip_mcp.operation import Tool
from taskip_mcp.prompts import APPROVAL, PromptEntry, tools_of, writes
from taskip_mcp.prompts.table import PROMPTS
from tests.overviews import agency
from tests.prompting import BY_NAME, FILLED, NAMES, backend, build
from tests.test_prompts_table import chosen

pytestmark = pytest.mark.anyio

EACH = pytest.mark.parametrize("entry", PROMPTS, ids=NAMES)
TOOLS: dict[str, Tool] = {**operation.load_all(), **own.tools()}
WRITES = [
    (entry, tool) for entry in PROMPTS for step in entry.steps for tool in tools_of(step) if writes([tool])
]


def everything(_: str) -> bool:
    return True


# --- what a step names ------------------------------------------------------------------------------------


@EACH
def test_an_argument_that_a_step_names_is_one_of_its_tools(entry: PromptEntry) -> None:
    for step in entry.steps:
        taken = {name for tool in tools_of(step) for name in arguments.schema_of(TOOLS[tool])["properties"]}
        assert set(re.findall(r"`([^`]*)`", step)) <= taken, step


@EACH
def test_no_argument_is_named_without_its_mark(entry: PromptEntry) -> None:
    for step in entry.steps:
        bare = re.sub(r"`[^`]*`|\{\w+\}", "", step)
        # What is left with an underscore is a value.
        assert set(re.findall(r"\w*_\w*", bare)) <= {"created_at"}, step
        assert "`" not in bare


def test_what_a_tool_cannot_do_without_and_no_list_shows_is_named() -> None:
    steps = {tool: step for entry in PROMPTS for step in entry.steps for tool in tools_of(step)}
    for tool, name in (
        ("convert_quotation", "due_date"),
        ("create_invoice", "invoice_no"),
        ("list_deals", "pipeline_id"),
        ("list_meeting_bookings", "meeting_id"),
    ):
        assert name in arguments.schema_of(TOOLS[tool])["required"]
        assert f"`{name}`" in steps[tool]


@EACH
def test_whose_record_is_looked_for_is_known_by_address_alone(entry: PromptEntry) -> None:
    for step in entry.steps:
        if "list_contacts" in tools_of(step):
            assert "not by the name" in step
            assert "`search`" in step


# --- approval ---------------------------------------------------------------------------------------------


@EACH
def test_the_user_is_asked_before_the_first_step_that_writes(entry: PromptEntry) -> None:
    steps = entry.steps_with(everything)
    asked = steps.index(APPROVAL)
    named = [re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", step) for step in steps]
    written = [writes([each for each in names if each in TOOLS]) for names in named]
    assert written[asked + 1]
    assert not any(written[: asked + 1])
    assert steps.count(APPROVAL) == 1


@EACH
def test_what_the_user_is_asked_about_was_shown_to_them(entry: PromptEntry) -> None:
    steps = entry.steps_with(everything)
    assert re.search(r"\b([Ss]how|[Pp]ropose|Draft)", steps[steps.index(APPROVAL) - 1])


@pytest.mark.parametrize(("entry", "tool"), WRITES, ids=lambda each: getattr(each, "name", each))
async def test_whatever_write_is_left_out_the_user_is_asked_before_the_others(
    entry: PromptEntry, tool: str
) -> None:
    if tool in entry.needs:
        return
    built = await build(backend(agency(), chosen(exclude_tools=(tool,))), entry.name)
    steps = built.text.partition("Steps:\n")[2].partition("\n\n")[0].splitlines()
    named = [set(re.findall(r"\w+", step)) & TOOLS.keys() for step in steps]
    first = next(place for place, tools in enumerate(named) if writes(sorted(tools)))
    asked = [place for place, step in enumerate(steps) if step == f"{place + 1}. {APPROVAL}"]
    assert asked == [first - 1]
    assert not any(tool in tools for tools in named)


@pytest.mark.parametrize("name", NAMES[1:])
def test_where_nothing_can_be_written_nobody_is_asked(name: str) -> None:
    assert APPROVAL not in BY_NAME[name].steps_with(chosen(read_only=True).__contains__)


def test_the_words_of_the_approval_say_to_ask_to_wait_and_to_do_no_more() -> None:
    for words in ("Ask the user", "wait for the answer", "only that"):
        assert words in APPROVAL


@EACH
async def test_the_rules_of_the_gate_are_whole_in_the_text(entry: PromptEntry) -> None:
    text = (await build(backend(agency()), entry.name, FILLED[entry.name])).text
    assert instructions.GATE in text
    for words in ("answers with a preview", "Show the preview to the user", "only for what they agreed to"):
        assert words in text


# --- promises ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES[1:])
async def test_a_server_that_only_reads_promises_no_more_than_to_find_and_to_draft(name: str) -> None:
    tools = chosen(read_only=True)
    told = BY_NAME[name].description(tools.__contains__)
    assert not re.search(r"\b(send|make|approve|pay|mail)", told.partition(" Leads to ")[0], re.IGNORECASE)
    assert told.partition(" Leads to ")[0] in (await build(backend(agency(), tools), name)).text


def test_what_a_prompt_promises_needs_all_the_tools_of_the_promise() -> None:
    entry = BY_NAME["month_end_billing"]
    assert "Make and send the invoices that you approve." in entry.description(everything)
    for tool in ("send_invoice", "create_invoice"):
        assert "that you approve" not in entry.description(chosen(exclude_tools=(tool,)).__contains__)


def test_the_tools_of_a_promise_are_among_those_of_the_steps() -> None:
    promised = [(entry, entry.promise) for entry in PROMPTS if entry.promise]
    assert len(promised) == 2
    for entry, promise in promised:
        assert set(promise.tools) <= set(entry.tools_with(everything))
        assert prompts.writes(promise.tools)
