"""What the tools cost before any is called: o200k tokens of names, descriptions and input schemas."""

from __future__ import annotations

import json
import re

import pytest

from taskip_mcp import schemas, server, toolsets
from taskip_mcp.settings import load
from tests.tokens import COMMITTED, SETTINGS, entries, figures, of_entry

FIGURES = figures()
BOUNDS = {"all": 16_000, "search": 1_200, "largest tool": 450, **dict.fromkeys(toolsets.PROFILES, 5_000)}
GROWTH = 1.03


@pytest.mark.parametrize("name", BOUNDS)
def test_the_tools_cost_no_more_than_was_promised(name: str) -> None:
    assert FIGURES[name] <= BOUNDS[name]


@pytest.mark.parametrize("name", FIGURES)
def test_the_tools_do_not_grow_unnoticed(name: str) -> None:
    committed = json.loads(COMMITTED.read_text("utf-8"))
    assert FIGURES[name] <= committed[name] * GROWTH, "see CONTRIBUTING.md: What tools cost"


def test_each_profile_has_at_most_forty_tools_and_fits_into_every_client_that_is_known() -> None:
    assert max(len(entries(name)) for name in toolsets.PROFILES) <= 40


def test_every_tool_is_small() -> None:
    assert {entry.name: of_entry(entry) for entry in entries("all") if of_entry(entry) > 450} == {}


def test_the_instructions_fit_and_begin_with_what_taskip_is() -> None:
    for name, given in SETTINGS.items():
        settings = load({"TASKIP_SECRET_KEY": "of-the-tests", **given})
        text = server.told(server.selected(settings), settings)
        assert len(text) <= 2_000, name
        assert text.startswith("TaskIP is the business system of an agency")


@pytest.mark.parametrize("name", SETTINGS)
def test_the_instructions_name_no_tool_that_is_not_there(name: str) -> None:
    settings = load({"TASKIP_SECRET_KEY": "of-the-tests", **SETTINGS[name]})
    there = server.selected(settings)
    known = {entry.name for entry in schemas.load_entries()}
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", server.told(there, settings))) & known
    assert named <= {entry.name for entry in there}
    assert named
