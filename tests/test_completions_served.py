"""Completions through the protocol, in both eras: what is taken fills a prompt, and makes an address that is read."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from mcp.client import Client
from mcp_types import EmbeddedResource, PromptReference, ResourceTemplateReference, TextResourceContents

from taskip_mcp.sandbox import Sandbox
from tests.test_prompts_served import ERAS, connected

pytestmark = pytest.mark.anyio

CONTACT = "taskip://contacts/{contact_id}"
TASK = "taskip://projects/{project_id}/tasks/{task_id}"


async def taken(client: Client, uri: str, argument: str, typed: str, **context: str) -> str:
    """The first value for a variable of an address."""
    ref = ResourceTemplateReference(uri=uri)
    answer = await client.complete(ref, {"name": argument, "value": typed}, context)
    return answer.completion.values[0]


async def document(client: Client, uri: str, **values: str) -> dict[str, object]:
    for name, value in values.items():
        uri = uri.replace(f"{{{name}}}", quote(value, safe=""))
    (found,) = (await client.read_resource(uri)).contents
    assert isinstance(found, TextResourceContents)
    return json.loads(found.text)


@ERAS
async def test_what_was_completed_makes_an_address_that_is_read(era: str) -> None:
    async with connected(era) as client:
        person = await taken(client, CONTACT, "contact_id", "els")
        assert person == "Elsa Berg (1)"
        assert (await document(client, CONTACT, contact_id=person))["id"] == 1
        project = await taken(client, "taskip://projects/{project_id}", "project_id", "north")
        task = await taken(client, TASK, "task_id", "", project_id=project)
        read = await document(client, TASK, project_id=project, task_id=task)
    assert task == f"{read['title']} ({read['id']})"


@ERAS
async def test_what_was_completed_fills_a_prompt(era: str) -> None:
    async with connected(era) as client:
        ref = PromptReference(name="prepare_meeting")
        answer = await client.complete(ref, {"name": "client", "value": "els"})
        assert answer.completion.values == ["Elsa Berg (1)"]
        assert (answer.completion.total, answer.completion.has_more) == (1, False)
        messages = (await client.get_prompt(ref.name, {"client": answer.completion.values[0]})).messages
    first = messages[0].content
    assert isinstance(first, EmbeddedResource)
    assert str(first.resource.uri) == "taskip://client-overview?contact_id=1"


@ERAS
async def test_nothing_is_completed_and_nothing_fails_where_there_is_nothing(era: str) -> None:
    sandbox = Sandbox()
    async with connected(era, sandbox) as client:
        for ref in (PromptReference(name="none"), ResourceTemplateReference(uri="taskip://none/{client}")):
            answer = await client.complete(ref, {"name": "client", "value": "els"})
            assert answer.completion.values == []
    assert not sandbox.requests
