"""Prompts through the protocol, in both eras: listed, built, and their resources read again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

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


OF_THE_CALL = {"_notice", "requests", "returned", "left_out", "next_page"}


def begins(short: Any, whole: Any) -> bool:
    """Whether one value is the other, or what is embedded of it where that is too large."""
    if isinstance(short, dict):
        fields = cast("dict[str, Any]", short)
        return fields.keys() == whole.keys() and all(begins(fields[name], whole[name]) for name in fields)
    if isinstance(short, list):
        rows = cast("list[Any]", short)
        if rows and str(rows[-1]).startswith("… "):
            return begins(rows[:-1], whole[: len(rows) - 1])
        return len(rows) == len(whole) and all(map(begins, rows, whole))
    return short == whole or (str(short)[-1:] == "…" and str(whole).startswith(str(short)[:-1]))


def agree(embedded: dict[str, Any], again: dict[str, Any]) -> bool:
    """Whether the same is read again: the same rows in the same order, and all of them unless some were left out."""
    short, whole = (
        {name: value for name, value in each.items() if name not in OF_THE_CALL} for each in (embedded, again)
    )
    if "left_out" in embedded:
        whole["items"] = whole["items"][: embedded["returned"]]
    return begins(short, whole)


@ERAS
@pytest.mark.parametrize(
    ("name", "given"),
    [(name, given) for name in NAMES for given in ({}, FILLED[name])],
    ids=[f"{name}-{way}" for name in NAMES for way in ("bare", "filled")],
)
async def test_at_the_address_of_what_is_embedded_the_same_is_read(
    era: str, name: str, given: dict[str, str]
) -> None:
    async with connected(era) as client:
        messages = (await client.get_prompt(name, given)).messages
        *before, last = [message.content for message in messages]
        assert isinstance(last, TextContent)
        addresses: list[str] = []
        for content in before:
            assert isinstance(content, EmbeddedResource)
            assert isinstance(content.resource, TextResourceContents)
            assert content.resource.mime_type == JSON
            addresses.append(str(content.resource.uri))
            (again,) = (await client.read_resource(addresses[-1])).contents
            assert isinstance(again, TextResourceContents)
            assert agree(json.loads(content.resource.text), json.loads(again.text)), addresses[-1]
    assert addresses
    assert len(set(addresses)) == len(addresses)


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
