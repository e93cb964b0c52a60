"""Asking a person of a client before 2026-07-28: a request of the server, while the call stays open.

Nothing but a ticked and accepted form lets a call pass; silence, errors, nonsense and a client that is gone do not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client._memory import InMemoryTransport  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
from mcp_types import (
    ElicitResult,
    ErrorData,
    JSONRPCResponse,
)

from taskip_mcp import confirm
from taskip_mcp.clock import scaled
from taskip_mcp.server import App, build_server
from tests.gatehouse import (
    LEGACY,
    NOTHING,
    Door,
    Said,
    accepts,
    ask,
    both_eras,
    declines,
    gatehouse,
    settings,
    words,
)
from tests.processes import until

pytestmark = pytest.mark.anyio

SEND: dict[str, Any] = {"to_emails": ["x@y.example"], "subject": "Hi", "message": "Hello"}
DELETE: dict[str, Any] = {"contact_id": 1}
YES = ElicitResult(action="accept", content={"confirm": True})
NO_QUESTION = "said no, or your client did not show them the question. Do not try again by yourself."


# --- answers that are no yes ------------------------------------------------------------------------------

NO: dict[str, Said] = {
    "decline": ElicitResult(action="decline"),
    "cancel": ElicitResult(action="cancel"),
    "untick": ElicitResult(action="accept", content={"confirm": False}),
    "unseen": ElicitResult(action="accept"),
    "empty": ElicitResult(action="accept", content={}),
    "text": ElicitResult(action="accept", content={"confirm": "true"}),
    "number": ElicitResult(action="accept", content={"confirm": 1}),
    "other field": ElicitResult(action="accept", content={"yes": True}),
    "declined with a tick": ElicitResult(action="decline", content={"confirm": True}),
    "error": ErrorData(code=-32603, message="boom"),
    "unsupported": ErrorData(code=-32601, message="Method not found"),
    "refusal": ErrorData(code=-1, message="User rejected"),
}


async def test_what_is_no_ticked_and_accepted_form_is_no_yes() -> None:
    answers = list(NO)

    async def person(_: str) -> Said:
        return NO[answers[0]]

    async with gatehouse("human", person=person, era=LEGACY) as at:
        while answers:
            text = await at.refused("delete_contact", **DELETE, confirm=True)
            assert NO_QUESTION in text, answers[0]
            assert "boom" not in text
            del answers[0]
        assert len(at.questions) == len(NO)


REMEDIES: list[tuple[str, dict[str, Any], str]] = [
    ("flag", {}, "ask=never in TASKIP_CONFIRM"),
    ("strict", {}, "ask=never in TASKIP_CONFIRM"),
    ("human", {}, "use another client"),
    ("human,ask=never", {}, "use another client"),
    ("flag,delete=human", {}, "use another client"),
    ("flag", {"lockdown": True}, "use another client"),
]


@both_eras
@pytest.mark.parametrize(("confirming", "more", "remedy"), REMEDIES)
async def test_a_decline_tells_the_operator_what_helps_and_the_model_nothing_that_switches_the_person_off(
    confirming: str, more: dict[str, Any], remedy: str, era: str, caplog: pytest.LogCaptureFixture
) -> None:
    confirm.tell_operator.cache_clear()
    async with gatehouse(confirming, person=declines, era=era, **more) as at:
        for _ in range(2):
            text = await at.refused("delete_contact", **DELETE, confirm=True)
            assert NO_QUESTION in text
            assert not re.search(r"TASKIP_|ask=|never|client that|another", text)
    told = [each.getMessage() for each in caplog.records if each.name == "taskip_mcp.confirm"]
    assert len(told) == 1, "once per process"
    assert remedy in told[0]
    assert ("ask=never" in told[0]) is ("ask=never" in remedy)


@both_eras
@pytest.mark.parametrize("confirming", ["flag,ask=never", "strict,ask=never"])
async def test_ask_never_leaves_the_question_out_and_the_confirmation_in(confirming: str, era: str) -> None:
    async with gatehouse(confirming, person=declines, era=era) as at:
        preview = await at.shown("delete_contact", **DELETE)
        await at.done("delete_contact", **DELETE, confirm=True, confirm_code=preview.get("confirm_code"))
        assert (at.questions, len(at.door.writes)) == ([], 1)


@both_eras
async def test_ask_never_does_not_count_where_a_person_is_demanded(era: str) -> None:
    async with gatehouse("human,ask=never", person=accepts, era=era) as at:
        await at.done("delete_contact", **DELETE)
        assert (len(at.questions), len(at.door.writes)) == (1, 1)


@both_eras
@pytest.mark.parametrize("confirming", ["flag", "strict", "human"])
async def test_whatever_the_model_says_the_person_is_asked(confirming: str, era: str) -> None:
    async with gatehouse("flag,ask=never" if confirming == "flag" else "strict,ask=never", era=era) as at:
        code = (await at.shown("delete_contact", **DELETE)).get("confirm_code")
    async with gatehouse(confirming, person=declines, era=era) as at:
        for given in ({}, {"confirm": True}, {"confirm": "true"}, {"confirm": True, "confirm_code": code}):
            await at.refused("delete_contact", **DELETE, **given)
        assert len(at.questions) == 4


# --- clients that misbehave -------------------------------------------------------------------------------


class Outgoing:
    """What a client sends, changed on its way."""

    def __init__(self, inside: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.inside, self.change = inside, change

    async def send(self, item: Any, /) -> None:
        answer = item.message
        if isinstance(answer, JSONRPCResponse) and "action" in answer.result:
            answer.result = self.change(answer.result)
        await self.inside.send(item)

    async def aclose(self) -> None:
        await self.inside.aclose()

    async def __aenter__(self) -> Outgoing:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class Twisted:
    """A transport on which the client's answers are changed."""

    def __init__(self, app: App, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.inside, self.change = InMemoryTransport(build_server(app)), change

    async def __aenter__(self) -> Any:
        read, write = await self.inside.__aenter__()
        return read, Outgoing(write, self.change)

    async def __aexit__(self, *error: Any) -> None:
        await self.inside.__aexit__(*error)


NONSENSE: list[dict[str, Any]] = [
    {},
    {"action": "yes", "content": {"confirm": True}},
    {"action": "ACCEPT", "content": {"confirm": True}},
    {"action": ["accept"], "content": {"confirm": True}},
    {"action": None, "content": {"confirm": True}},
    {"action": "accept", "content": "confirm"},
    {"action": "accept", "content": [{"confirm": True}]},
    {"action": "accept", "content": {"confirm": {"confirm": True}}},
    {"content": {"confirm": True}},
]


async def test_an_answer_that_is_none_is_a_refusal_in_words() -> None:
    door, left = Door(), list(NONSENSE)
    app = App(settings("human"), door)
    transport: Any = Twisted(app, lambda _: left.pop())
    async with Client(transport, mode="legacy", elicitation_callback=ask(accepts, [])) as client:
        while left:
            result = await client.call_tool("delete_contact", DELETE)
            assert result.is_error
            assert NO_QUESTION in words(result)
            assert words(result).endswith(NOTHING)
    await app.aclose()
    assert door.writes == []


async def test_a_client_that_never_answers_is_waited_for_no_longer_than_the_setting_says() -> None:
    async def never(_: str) -> Said:
        await anyio.sleep(60)
        return YES

    async with gatehouse("human", person=never, era=LEGACY, ask_timeout=0.2) as at:
        began = time.monotonic()
        text = await at.refused("delete_contact", **DELETE)
        assert time.monotonic() - began < 20
        assert "did not answer within 0.2 seconds (TASKIP_ASK_TIMEOUT)" in text


async def test_a_yes_that_comes_too_late_is_no_yes() -> None:
    answered = anyio.Event()

    async def late(_: str) -> Said:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.4)
            answered.set()
        return YES

    async with gatehouse("human", person=late, era=LEGACY, ask_timeout=0.1) as at:
        await at.refused("delete_contact", **DELETE)
        with anyio.fail_after(20):
            await answered.wait()
        await at.done("get_contact", contact_id=2)  # the server goes on
        await anyio.sleep(0.05)
        assert at.door.writes == []


async def test_a_client_that_goes_away_while_it_is_asked_changes_nothing(tmp_path: Path) -> None:
    door = Door()
    app = App(settings("human", tmp_path), door)
    asked = anyio.Event()

    async def thinking(_: str) -> Said:
        asked.set()
        await anyio.sleep(60)
        return YES

    async def leave(group: anyio.abc.TaskGroup) -> None:
        with anyio.fail_after(20):
            await asked.wait()
        group.cancel_scope.cancel()

    async with (
        anyio.create_task_group() as group,
        Client(build_server(app), mode="legacy", elicitation_callback=ask(thinking, [])) as client,
    ):
        group.start_soon(leave, group)
        await client.call_tool("delete_contact", DELETE)
    assert door.writes == []
    assert app.open().log.changes() == []
    async with Client(build_server(app), mode="legacy", elicitation_callback=ask(accepts, [])) as client:
        assert not (await client.call_tool("delete_contact", DELETE)).is_error
    assert door.writes == ["DELETE /contact/1"]
    await app.aclose()


# --- time -------------------------------------------------------------------------------------------------


async def test_the_deadline_of_a_call_waits_while_the_question_is_open() -> None:
    async def slow(_: str) -> Said:
        await anyio.sleep(1.0)  # 60 seconds of the server's clock
        return YES

    clock = scaled(60, time.time())
    async with gatehouse("human", person=slow, era=LEGACY, clock=clock, deadline=20.0) as at:
        await at.done("delete_contact", **DELETE)
        assert len(at.door.writes) == 1


async def test_the_deadline_goes_on_when_the_question_was_answered() -> None:
    async def hang(_: Any) -> None:
        await anyio.sleep(60)

    async def slow(_: str) -> Said:
        await anyio.sleep(1.0)
        at.door.sandbox.fault = hang
        return YES

    clock = scaled(60, time.time())
    async with gatehouse("human", person=slow, era=LEGACY, clock=clock, deadline=20.0) as at:
        began = time.monotonic()
        result = await at.call("delete_contact", **DELETE)
        assert time.monotonic() - began < 15
        assert result.is_error
        assert at.door.writes == []


async def test_the_time_of_a_person_is_not_shortened_by_the_deadline() -> None:
    async def slow(_: str) -> Said:
        await anyio.sleep(0.5)  # 30 seconds
        return YES

    clock = scaled(60, time.time())
    more: dict[str, Any] = {"deadline": 20.0, "ask_timeout": 3600.0}
    async with gatehouse("human", person=slow, era=LEGACY, clock=clock, **more) as at:
        await at.done("send_message", **SEND)


# --- meanwhile --------------------------------------------------------------------------------------------


@both_eras
async def test_a_target_that_changes_while_the_question_is_open_voids_the_answer(era: str) -> None:
    async def hesitant(question: str) -> Said:
        if "Meanwhile" not in question:
            at.door.sandbox.store.update("contact", 1, {"first_name": "Meanwhile"})
        return YES

    async with gatehouse("human", person=hesitant, era=era) as at:
        text = await at.refused("delete_contact", **DELETE)
        assert "has changed since it was shown" in text
        assert "Meanwhile" in text
        await at.done("delete_contact", **DELETE)
        assert len(at.questions) == 2
        assert "Meanwhile" in at.questions[1]


async def test_other_calls_go_on_while_a_question_is_open_and_a_decline_is_for_one_call() -> None:
    go_on = anyio.Event()

    async def person(question: str) -> Said:
        if "Elsa" not in question:
            return YES
        await go_on.wait()
        return ElicitResult(action="decline")

    async with gatehouse("human", person=person, era=LEGACY) as at:
        texts: list[str] = []

        async def first() -> None:
            texts.append(await at.refused_alone("delete_contact", **DELETE))

        async with anyio.create_task_group() as group:
            group.start_soon(first)
            await until(lambda: len(at.questions) == 1)
            with anyio.fail_after(20):
                await at.done("get_contact", contact_id=1)
                await at.done("delete_contact", contact_id=2)
                await at.done("send_message", **SEND)
            assert texts == []
            go_on.set()
        assert NO_QUESTION in texts[0]
        assert at.door.writes == ["DELETE /contact/2", "POST /inbox/conversation/new-message"]
