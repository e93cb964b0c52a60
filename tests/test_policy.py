"""`TASKIP_CONFIRM`: what is written, what it demands, and where it is announced."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mcp.client import Client
from mcp_types import TextResourceContents

from taskip_mcp import policy, settings
from taskip_mcp.errors import ConfigError
from taskip_mcp.operation import Consequence
from taskip_mcp.policy import Mode
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import Settings

DELETE, BULK, SEND, MONEY = Consequence.DELETE, Consequence.BULK, Consequence.SEND, Consequence.MONEY


def test_the_default_is_a_flag_for_all_classes_and_asks_first() -> None:
    assert Settings().policy == policy.parse("") == policy.parse("flag")
    assert all(Settings().policy.mode([each]) is Mode.FLAG for each in Consequence)
    assert Settings().policy.ask


def test_each_class_can_be_set_apart_and_of_several_the_strictest_counts() -> None:
    found = policy.parse("flag, send=human ,money=strict,bulk=off")
    assert [found.mode([each]) for each in (DELETE, SEND, MONEY, BULK)] == [1, 3, 2, 0]
    assert found.mode([BULK, DELETE]) is Mode.FLAG
    assert found.mode([BULK, MONEY, SEND]) is Mode.HUMAN
    assert found.mode([]) is Mode.OFF, "what has no consequence needs nothing"


@pytest.mark.parametrize(
    "text", ["flag", "strict,ask=never", "off,send=human", "human,bulk=flag,delete=strict"]
)
def test_a_policy_is_told_as_it_is_written(text: str) -> None:
    assert policy.parse(text).words == text
    assert policy.parse(policy.parse(text).words) == policy.parse(text)


@pytest.mark.parametrize(
    ("text", "helps"),
    [
        ("yes", "use flag, strict, human or off"),
        ("flag,send=maybe", "use flag, strict, human or off"),
        ("flag,mail=human", "the classes are delete, bulk, send, money, access"),
        ("flag,ask=always", "ask takes never or first"),
        ("send", "use flag"),
    ],
)
def test_a_wrong_policy_stops_the_start_and_says_what_it_takes(text: str, helps: str) -> None:
    with pytest.raises(ConfigError, match=helps) as caught:
        settings.load({"TASKIP_SANDBOX": "1", "TASKIP_CONFIRM": text})
    assert "TASKIP_CONFIRM" in str(caught.value)


def test_lockdown_wins_over_every_class() -> None:
    found = settings.load({"TASKIP_SANDBOX": "1", "TASKIP_CONFIRM": "off,send=flag", "TASKIP_LOCKDOWN": "1"})
    assert {found.policy.mode([each]) for each in Consequence} == {Mode.HUMAN}
    assert found.policy.open == []


@pytest.mark.parametrize("text", ["short", "x" * 31])
def test_a_weak_key_for_confirmations_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ConfigError, match="32 characters or more") as caught:
        settings.load({"TASKIP_SANDBOX": "1", "TASKIP_CONFIRM_KEY": text})
    assert text not in str(caught.value)


def _start(tmp_path: Path, **variables: str) -> str:
    """What a server says on stderr before its client hangs up."""
    child = subprocess.run(
        [sys.executable, "-m", "taskip_mcp"],
        input=b"",
        capture_output=True,
        env=settings.without_taskip()
        | {"TASKIP_SANDBOX": "1", "TASKIP_STATE_DIR": str(tmp_path)}
        | variables,
        check=True,
        timeout=60,
    )
    assert child.stdout == b""
    return child.stderr.decode()


def test_what_needs_no_confirmation_is_said_on_stderr_at_the_start(tmp_path: Path) -> None:
    said = _start(tmp_path, TASKIP_CONFIRM="flag,bulk=off,money=off")
    assert "bulk, money are carried out without confirmation" in said
    assert "without confirmation" not in _start(tmp_path)


@pytest.mark.anyio
async def test_the_about_page_tells_the_policy() -> None:
    app = App(Settings(sandbox=True, confirm=policy.parse("off,send=human"), confirm_key="k" * 32))
    async with Client(build_server(app)) as client:
        (page,) = (await client.read_resource("taskip://about")).contents
        assert isinstance(page, TextResourceContents)
        gate = json.loads(page.text)["gate"]
    assert gate == {
        "confirm": "off,send=human",
        "lockdown": False,
        "not_confirmed_at_all": ["delete", "bulk", "money", "access"],
    }
    assert "k" * 32 not in page.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "coded"),
    [
        ("flag", set[str]()),
        ("flag,money=strict", {"set_invoice_recurring"}),
        ("strict", {"set_invoice_recurring", "delete_contact"}),
    ],
)
async def test_only_tools_that_a_code_confirms_take_one(text: str, coded: set[str]) -> None:
    app = App(Settings(sandbox=True, confirm=policy.parse(text)))
    async with Client(build_server(app)) as client:
        offered = {tool.name: tool.input_schema["properties"] for tool in (await client.list_tools()).tools}
    for name in ("set_invoice_recurring", "delete_contact", "get_contact"):
        assert ("confirm_code" in offered[name]) == (name in coded)
    assert "confirm" in offered["delete_contact"]


@pytest.mark.parametrize(
    ("text", "helps"), [("flag,strict", "stands alone"), ("delete=human,delete=off", "there twice")]
)
def test_a_policy_that_says_two_things_is_refused(text: str, helps: str) -> None:
    with pytest.raises(ConfigError, match=helps):
        settings.load({"TASKIP_SANDBOX": "1", "TASKIP_CONFIRM": text})


def test_a_misspelt_setting_is_said_at_the_start(tmp_path: Path) -> None:
    assert "no effect: TASKIP_CONFRIM" in _start(tmp_path, TASKIP_CONFRIM="strict")
    assert "no effect" not in _start(tmp_path)
