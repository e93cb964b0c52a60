"""The answer of a person on its way through a client of 2026-07-28: question and state travel with the result.

The client is trusted to ask, and with nothing else: a state that it sends again, changes, or puts under another call
carries nothing out.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    InputResponse,
    ListRootsResult,
    TextContent,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.gatehouse import NOTHING, SEALING, Door, Gatehouse, Hands, accepts, gatehouse, words

pytestmark = pytest.mark.anyio

SEND: dict[str, Any] = {"to_emails": ["x@y.example"], "subject": "Hi", "message": "Hello"}
DELETE: dict[str, Any] = {"contact_id": 1}
YES = ElicitResult(action="accept", content={"confirm": True})
USED = "used already"
BROKEN = "Invalid or expired requestState"


async def told(
    at: Gatehouse,
    tool: str,
    arguments: dict[str, Any],
    state: str | None = None,
    answer: InputResponse | None = None,
    under: str = "confirm",
) -> CallToolResult | InputRequiredResult:
    """One round of a call, by hand."""
    answers = {under: answer} if answer else None
    return await at.client.session.call_tool(
        tool, arguments, input_responses=answers, request_state=state, allow_input_required=True
    )


async def asked(at: Gatehouse, tool: str, arguments: dict[str, Any], *rest: Any, **more: Any) -> str:
    """The state of a round that asks; nothing but reads may have left."""
    before = len(at.door.writes)
    result = await told(at, tool, arguments, *rest, **more)
    assert isinstance(result, InputRequiredResult), result
    assert len(at.door.writes) == before
    (request,) = (result.input_requests or {}).values()
    assert isinstance(request, ElicitRequest)
    assert isinstance(request.params, ElicitRequestFormParams)
    assert request.params.message
    assert result.request_state
    return result.request_state


async def answered(at: Gatehouse, tool: str, arguments: dict[str, Any], state: str) -> str:
    """The words of a round with a yes."""
    result = await told(at, tool, arguments, state, YES)
    assert isinstance(result, CallToolResult)
    return words(result)


async def turned_away(at: Gatehouse, tool: str, arguments: dict[str, Any], state: str) -> None:
    """A yes with a state that the protocol itself refuses."""
    before = len(at.door.passed)
    with pytest.raises(MCPError, match=BROKEN):
        await told(at, tool, arguments, state, YES)
    assert len(at.door.passed) == before


def invalid(_: Request) -> Response:
    """A fault: TaskIP refuses."""
    return JSONResponse({"message": "Invalid."}, 422)


human = partial(gatehouse, "human", person=accepts)
"""Its person is never asked by the client itself: the rounds are driven by hand."""


# --- once -------------------------------------------------------------------------------------------------


async def test_an_accepted_answer_that_is_sent_three_times_writes_once() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        assert '"done"' in await answered(at, "send_message", SEND, state)
        for _ in range(2):
            text = await answered(at, "send_message", SEND, state)
            assert USED in text
            assert text.endswith(NOTHING)
        assert len(at.door.writes) == 1


async def test_a_no_cannot_be_followed_by_a_yes_to_the_same_question() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        result = await told(at, "send_message", SEND, state, ElicitResult(action="decline"))
        assert isinstance(result, CallToolResult)
        assert words(result).endswith(NOTHING)
        assert USED in await answered(at, "send_message", SEND, state)
        assert at.door.writes == []
        fresh = await asked(at, "send_message", SEND)
        assert '"done"' in await answered(at, "send_message", SEND, fresh)


@pytest.mark.parametrize(("tool", "arguments"), [("send_message", SEND), ("delete_contact", DELETE)])
async def test_an_accepted_answer_that_is_sent_three_times_at_once_writes_once(
    tool: str, arguments: dict[str, Any]
) -> None:
    async with human() as at:
        state = await asked(at, tool, arguments)
        texts: list[str] = []

        async def send() -> None:
            texts.append(await answered(at, tool, arguments, state))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(send)
        assert len(at.door.writes) == 1
        assert sum(USED in text or "Nothing was sent" in text for text in texts) == 2


async def test_an_accepted_answer_is_used_when_taskip_refused_the_write() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        at.door.sandbox.fault = invalid
        assert NOTHING in await answered(at, "send_message", SEND, state)
        at.door.sandbox.fault = None
        assert USED in await answered(at, "send_message", SEND, state)
        assert len(at.door.writes) == 1


async def test_the_clients_own_way_asks_once_and_writes_once() -> None:
    async with human() as at:
        await at.done("send_message", **SEND)
        assert (len(at.questions), len(at.door.writes)) == (1, 1)


# --- this call --------------------------------------------------------------------------------------------

OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("send_message", SEND | {"bcc": ["z@y.example"]}),
    ("send_message", SEND | {"message": "Other"}),
    ("send_message", SEND | {"allow_duplicate": True}),
    ("send_message", SEND | {"confirm": True}),
    ("delete_contact", DELETE),
    ("delete_contact", {"contact_id": 2}),
    ("list_jobs", {}),
]


async def test_the_state_of_one_call_is_turned_away_by_every_other() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        for tool, arguments in OTHERS:
            await turned_away(at, tool, arguments, state)
        assert '"done"' in await answered(at, "send_message", SEND, state)


async def test_a_code_is_no_state_and_a_state_is_no_code() -> None:
    async with gatehouse("strict,send=human,ask=never", person=accepts) as at:
        code = await at.code("delete_contact", **DELETE)
        await turned_away(at, "delete_contact", DELETE, code)
        state = await asked(at, "send_message", SEND)
        forged = SEND | {"confirm": True, "confirm_code": state[:200]}
        # Under human the arguments do not count at all: the person is asked.
        await asked(at, "send_message", forged)
        assert at.door.writes == []


# --- this server's ----------------------------------------------------------------------------------------


async def test_a_state_with_another_character_anywhere_is_turned_away() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        for place, sign in enumerate(state):
            for other in {"A", "_", "=", "\n", "", sign * 2} - {sign}:
                await turned_away(at, "send_message", SEND, state[:place] + other + state[place + 1 :])
        assert at.door.writes == []


async def test_what_is_no_state_is_turned_away() -> None:
    async with human() as at:
        for state in ("x", "v1.", "v1.AAAA", "{}", "null", " ", "A" * 100_000):
            await turned_away(at, "send_message", SEND, state)


async def test_a_state_is_good_for_the_time_that_a_person_has() -> None:
    hands = Hands()
    async with human(clock=hands.clock, ask_timeout=60.0) as at:
        states = [await asked(at, "delete_contact", {"contact_id": number}) for number in (1, 2)]
        hands.at += 60
        assert '"done"' in await answered(at, "delete_contact", {"contact_id": 1}, states[0])
        hands.at += 3
        text = await answered(at, "delete_contact", {"contact_id": 2}, states[1])
        assert "is over" in text
        assert "asked anew" in text
        assert text.endswith(NOTHING)
        assert at.door.writes == ["DELETE /contact/1"]


async def test_the_envelope_of_a_state_is_as_old_as_the_gate_lets_it_become(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The SDK goes by the system's clock, and must not turn away what the gate would still take."""
    hands = Hands(time.time())
    async with human(clock=hands.clock, ask_timeout=60.0) as at:
        state = await asked(at, "delete_contact", DELETE)
        hands.at += 60
        monkeypatch.setattr(time, "time", lambda: hands.at)
        assert '"done"' in await answered(at, "delete_contact", DELETE, state)


# --- answers that are none --------------------------------------------------------------------------------


async def test_an_answer_without_a_state_is_no_answer() -> None:
    async with human() as at:
        await asked(at, "send_message", SEND, None, YES)
        await asked(at, "send_message", SEND | {"confirm": True}, None, YES)


async def test_a_state_without_an_answer_is_asked_again() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        second = await asked(at, "send_message", SEND, state)
        assert second != state
        # Both questions were asked of the same person about the same call; each answer is good once.
        assert '"done"' in await answered(at, "send_message", SEND, second)


async def test_an_answer_under_another_name_is_asked_again() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        for under in ("Confirm", "confirm ", "yes", "0", "", "send_message"):
            await asked(at, "send_message", SEND, state, YES, under=under)


WRONG: list[InputResponse] = [
    ListRootsResult(roots=[]),
    CreateMessageResult(role="user", content=TextContent(type="text", text="yes"), model="m"),
]


async def test_an_answer_to_another_kind_of_question_is_asked_again() -> None:
    async with human() as at:
        state = await asked(at, "send_message", SEND)
        for answer in WRONG:
            await asked(at, "send_message", SEND, state, answer)


NO: list[ElicitResult] = [
    ElicitResult(action="decline"),
    ElicitResult(action="cancel"),
    ElicitResult(action="decline", content={"confirm": True}),
    ElicitResult(action="cancel", content={"confirm": True}),
    ElicitResult(action="accept"),
    ElicitResult(action="accept", content={}),
    ElicitResult(action="accept", content={"confirm": False}),
    ElicitResult(action="accept", content={"confirm": "true"}),
    ElicitResult(action="accept", content={"confirm": 1}),
    ElicitResult(action="accept", content={"confirm": ["true"]}),
    ElicitResult(action="accept", content={"Confirm": True, "yes": True}),
]


async def test_only_an_accepted_form_with_the_box_ticked_is_a_yes() -> None:
    given = SEND | {"confirm": True}
    async with human() as at:
        for answer in NO:
            state = await asked(at, "send_message", given)
            result = await told(at, "send_message", given, state, answer)
            assert isinstance(result, CallToolResult)
            assert result.is_error
            assert "said no" in words(result)
            assert words(result).endswith(NOTHING)
        assert at.door.writes == []


# --- this state -------------------------------------------------------------------------------------------


async def test_a_yes_for_a_target_that_changed_meanwhile_is_void_and_asked_anew() -> None:
    async with human() as at:
        state = await asked(at, "delete_contact", DELETE)
        at.door.sandbox.store.update("contact", 1, {"first_name": "Somebody"})
        text = await answered(at, "delete_contact", DELETE, state)
        assert "has changed since it was shown" in text
        assert "Somebody" in text
        assert "asked anew" in text
        assert "confirm_code" not in text
        assert text.endswith(NOTHING)
        assert at.door.writes == []
        fresh = await asked(at, "delete_contact", DELETE)
        assert '"done"' in await answered(at, "delete_contact", DELETE, fresh)
        assert at.door.writes == ["DELETE /contact/1"]


# --- several workers --------------------------------------------------------------------------------------


async def test_another_worker_with_the_same_settings_takes_the_answer_and_takes_it_once(
    tmp_path: Path,
) -> None:
    door = Door()
    async with human(door, state=tmp_path) as first, human(door, state=tmp_path) as second:
        state = await asked(first, "send_message", SEND)
        assert '"done"' in await answered(second, "send_message", SEND, state)
        for each in (first, second):
            assert USED in await answered(each, "send_message", SEND, state)
        assert len(door.writes) == 1


@pytest.mark.parametrize(
    "other",
    [{"secret_key": "another-account"}, {"confirm_key": SEALING}, {"sandbox": True, "secret_key": ""}],
)
async def test_a_worker_with_another_key_turns_the_answer_away(other: dict[str, Any], tmp_path: Path) -> None:
    door = Door()
    async with human(door, state=tmp_path) as first, human(door, state=tmp_path, **other) as second:
        state = await asked(first, "send_message", SEND)
        await turned_away(second, "send_message", SEND, state)
        assert door.writes == []


async def test_one_sealing_key_does_not_make_two_accounts_one(tmp_path: Path) -> None:
    door = Door()
    key: dict[str, Any] = {"confirm_key": SEALING}
    async with (
        human(door, state=tmp_path, **key) as first,
        human(door, state=tmp_path, secret_key="another-account", **key) as second,
    ):
        state = await asked(first, "send_message", SEND)
        text = await answered(second, "send_message", SEND, state)
        assert "belongs to another call" in text
        assert text.endswith(NOTHING)
        assert door.writes == []
