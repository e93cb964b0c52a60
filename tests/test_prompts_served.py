"""Prompts through the protocol, in both eras: listed, built, and their resources read again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, EmbeddedResource, TextContent, TextResourceContents
from starlette.requests import Request
from starlette.responses import Response

from taskip_mcp.client import asgi_transport
from taskip_mcp.prompts.table import PROMPTS
from taskip_mcp.resources import JSON
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import load
from tests.prompting import FILLED, NAMES

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("era", ["legacy", "auto"])


@asynccontextmanager
async def connected(
    era: Any = "auto", sandbox: Sandbox | None = None, **variables: str
) -> AsyncGenerator[Client]:
    settings = load({"TASKIP_SANDBOX": "1", **variables})
    app = App(settings, asgi_transport((sandbox or Sandbox()).app))
    async with Client(build_server(app), mode=era) as client:
        yield client
    await app.aclose()


@ERAS
async def test_all_prompts_are_listed_with_what_they_lead_to_and_take(era: str) -> None:
    async with connected(era) as client:
        listed = (await client.list_prompts()).prompts
    assert [each.name for each in listed] == NAMES
    for each, entry in zip(listed, PROMPTS, strict=True):
        assert each.title == entry.title
        assert each.description == entry.description(lambda _: True)
        arguments = [(one.name, one.description, one.required) for one in each.arguments or []]
        assert arguments == [(one.name, one.description, False) for one in entry.arguments]


@ERAS
@pytest.mark.parametrize("name", NAMES)
async def test_every_prompt_is_built_and_its_resources_can_be_read_again(era: str, name: str) -> None:
    async with connected(era) as client:
        messages = (await client.get_prompt(name, FILLED[name])).messages
        *before, last = [message.content for message in messages]
        assert isinstance(last, TextContent)
        assert before
        for content in before:
            assert isinstance(content, EmbeddedResource)
            assert isinstance(content.resource, TextResourceContents)
            assert content.resource.mime_type == JSON
            (again,) = (await client.read_resource(str(content.resource.uri))).contents
            assert isinstance(again, TextResourceContents)
            assert json.loads(again.text).keys() >= json.loads(content.resource.text).keys() - {
                "next_page",
                "_notice",
            }


@ERAS
@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("nothing", {}, "There is no prompt nothing"),
        ("pipeline_review", {"self": "x"}, "has no argument self"),
        ("onboard_client", {"agreed": "x" * 3000}, "agreed is too long"),
    ],
)
async def test_what_cannot_be_asked_for_is_the_clients_mistake_in_words(
    era: str, name: str, given: dict[str, str], words: str
) -> None:
    async with connected(era) as client:
        with pytest.raises(MCPError, match=words) as told:
            await client.get_prompt(name, given)
    assert told.value.code == INVALID_PARAMS


@ERAS
async def test_a_defect_of_ours_is_told_without_its_text(era: str) -> None:
    def broken(_: Request) -> Response | None:
        raise ValueError("secret detail")

    async with connected(era, Sandbox(fault=broken)) as client:
        with pytest.raises(MCPError, match="failed inside pipeline_review") as told:
            await client.get_prompt("pipeline_review", {})
    assert told.value.code == INTERNAL_ERROR
    assert "secret" not in str(told.value)


async def test_only_prompts_whose_tools_are_offered_are_listed() -> None:
    async with connected(TASKIP_READ_ONLY="1") as client:
        assert [each.name for each in (await client.list_prompts()).prompts] == NAMES[1:]
        with pytest.raises(MCPError, match="There is no prompt onboard_client"):
            await client.get_prompt("onboard_client", {})
