"""The gate behind real HTTP on a loopback port: every way to serve, both eras, clients that can ask and that cannot.

Before 2026-07-28 a question is a request of the server. A stateless server has nobody to send it to, and one that
answers in plain JSON has no stream to send it on: there a client counts as unable to ask, whatever it declares.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.server import MCPServer
from mcp_types import CallToolResult, InputRequiredResult

from taskip_mcp import listen, register
from taskip_mcp.server import App, build_server
from tests.gatehouse import (
    ERAS,
    LEGACY,
    MODERN,
    NOTHING,
    SEALING,
    Door,
    Gatehouse,
    Person,
    accepts,
    ask,
    both_eras,
    declines,
    gatehouse,
    settings,
    words,
)
from tests.processes import bare, until
from tests.test_gate_states import YES, asked

pytestmark = pytest.mark.anyio

WAYS: dict[str, dict[str, Any]] = {
    "stateful": {},
    "json": {"json_response": True},
    "stateless": {"stateless_http": True},
    "stateless json": {"stateless_http": True, "json_response": True},
    "sse": {},
}
SILENT = {"json", "stateless", "stateless json"}
"""Ways on which the server cannot send a request of its own."""

HOST = "127.0.0.1"


def application(way: str, server: MCPServer, port: int) -> Any:
    make = server.sse_app if way == "sse" else server.streamable_http_app
    return make(transport_security=register.loopback_security(HOST, port), **WAYS[way])


@asynccontextmanager
async def serving(way: str, app: App) -> AsyncGenerator[str]:
    """A server on a free port; yields the address of its endpoint."""
    listener = listen.bind(HOST, 0)
    port: int = listener.getsockname()[1]
    made = application(way, build_server(app), port)
    config = uvicorn.Config(made, log_config=None, log_level="critical", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, [listener])
        await until(lambda: server.started)
        try:
            yield f"http://{HOST}:{port}/{'sse' if way == 'sse' else 'mcp'}"
        finally:
            server.should_exit = True
    await app.aclose()


@asynccontextmanager
async def visitor(way: str, url: str, era: str, app: App, person: Person | None) -> AsyncGenerator[Gatehouse]:
    """A client of that server, and its person."""
    questions: list[str] = []
    where: Any = sse_client(url) if way == "sse" else url
    callback = ask(person, questions)
    with bare() as failures:
        async with Client(
            where, mode="legacy" if era == LEGACY else MODERN, elicitation_callback=callback
        ) as client:
            with failures:
                door = app._transport  # pyright: ignore[reportPrivateUsage]
                assert isinstance(door, Door)
                yield Gatehouse(app, client, door, questions)


@both_eras
@pytest.mark.parametrize("way", list(WAYS))
async def test_exactly_the_allowed_calls_write(way: str, era: str) -> None:
    can_ask = era == MODERN or way not in SILENT
    for confirming in ("flag", "human"):
        door = Door()
        app = App(settings(confirming), door)
        with bare() as failures:
            async with serving(way, app) as url:
                with failures:
                    for contact, person in enumerate((accepts, declines, None), 1):
                        async with visitor(way, url, era, app, person) as at:
                            asks = can_ask and person is not None
                            await judge(at, confirming, contact, asks, agrees=person is accepts)


async def judge(at: Gatehouse, confirming: str, contact: int, asks: bool, *, agrees: bool) -> None:
    """What a model can bring about with all that previews ask for."""
    at.door.passed.clear()
    usual: dict[str, Any] = {"contact_id": contact}
    if asks and agrees:
        await at.done("delete_contact", **usual)
        assert len(at.questions) == 1
    elif asks:
        assert "said no" in await at.refused("delete_contact", **usual)
        assert "said no" in await at.refused("delete_contact", **usual, confirm=True)
        assert len(at.questions) == 2
    elif confirming == "human":
        assert "cannot ask" in await at.refused("delete_contact", **usual)
        assert "cannot ask" in await at.refused("delete_contact", **usual, confirm=True)
    else:
        code = (await at.shown("delete_contact", **usual)).get("confirm_code")
        assert (code is not None) is (confirming == "strict")
        await at.done("delete_contact", **usual, confirm=True, confirm_code=code)
    assert asks or at.questions == []
    allowed = agrees if asks else confirming != "human"
    assert at.door.writes == [f"DELETE /contact/{contact}"] * allowed


async def test_a_code_of_one_session_is_good_in_another_and_in_both_once() -> None:
    door = Door()
    app = App(settings("strict"), door)
    image = door.sandbox.store.dump()
    with bare() as failures:
        async with serving("stateful", app) as url:
            with failures:
                async with visitor("stateful", url, LEGACY, app, None) as at:
                    code = await at.code("delete_contact", contact_id=1)
                for era in ERAS:
                    async with visitor("stateful", url, era, app, None) as at:
                        given: dict[str, Any] = {"contact_id": 1, "confirm": True, "confirm_code": code}
                        if era == LEGACY:
                            await at.done("delete_contact", **given)
                            door.sandbox.store.restore(image)
                        else:
                            assert "used already" in await at.refused("delete_contact", **given)
    assert len(door.writes) == 1


async def test_a_person_who_thinks_does_not_hold_up_other_clients() -> None:
    door = Door()
    app = App(settings("human"), door)
    go_on = anyio.Event()

    async def thinking(_: str) -> Any:
        await go_on.wait()
        return YES

    with bare() as failures:
        async with serving("stateful", app) as url:
            with failures:
                async with (
                    visitor("stateful", url, LEGACY, app, thinking) as slow,
                    visitor("stateful", url, LEGACY, app, accepts) as quick,
                    anyio.create_task_group() as group,
                ):
                    group.start_soon(slow.client.call_tool, "delete_contact", {"contact_id": 1})
                    await until(lambda: len(slow.questions) == 1)
                    with anyio.fail_after(20):
                        await quick.done("delete_contact", contact_id=2)
                    assert door.writes == ["DELETE /contact/2"]
                    go_on.set()
    assert door.writes == ["DELETE /contact/2", "DELETE /contact/1"]


# --- several workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["stateless", "stateless json"])
async def test_a_second_worker_takes_the_answer_to_the_question_of_the_first(
    way: str, tmp_path: Path
) -> None:
    door, texts = Door(), list[str]()
    first, second = (App(settings("human", tmp_path), door) for _ in range(2))
    with bare() as failures:
        async with serving(way, first) as one, serving(way, second) as other:
            with failures:
                async with (
                    visitor(way, one, MODERN, first, accepts) as here,
                    visitor(way, other, MODERN, second, accepts) as there,
                ):
                    state = await asked(here, "delete_contact", {"contact_id": 1})
                    texts = [await answered(at, state) for at in (there, here, there)]
    assert '"done"' in texts[0]
    for text in texts[1:]:
        assert "used already" in text
        assert text.endswith(NOTHING)
    assert door.writes == ["DELETE /contact/1"]


async def answered(at: Gatehouse, state: str) -> str:
    result = await at.client.session.call_tool(
        "delete_contact",
        {"contact_id": 1},
        input_responses={"confirm": YES},
        request_state=state,
        allow_input_required=True,
    )
    assert not isinstance(result, InputRequiredResult)
    assert isinstance(result, CallToolResult)
    return words(result)


async def test_a_worker_with_another_key_does_not(tmp_path: Path) -> None:
    door = Door()
    first = App(settings("human", tmp_path), door)
    second = App(settings("human", tmp_path, confirm_key=SEALING), door)
    with bare() as failures:
        async with serving("stateless", first) as one, serving("stateless", second) as other:
            with failures:
                async with (
                    visitor("stateless", one, MODERN, first, accepts) as here,
                    visitor("stateless", other, MODERN, second, accepts) as there,
                ):
                    state = await asked(here, "delete_contact", {"contact_id": 1})
                    with pytest.raises(Exception, match="Invalid or expired requestState"):
                        await answered(there, state)
    assert door.writes == []


async def test_the_same_in_memory_asks_in_both_eras() -> None:
    """What the table above is compared with."""
    for era in ERAS:
        async with gatehouse("human", person=accepts, era=era) as at:
            await judge(at, "human", 1, True, agrees=True)
