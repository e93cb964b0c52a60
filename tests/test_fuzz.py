"""Whatever arrives as arguments: words or a result, requests on known routes only, nothing on stdout.

`TASKIP_FUZZ=500` runs so many random examples a tool; without it a few that are always the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import unicodedata
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp_types import CallToolResult, TextContent

from taskip_mcp import operation, register, results
from taskip_mcp.caller import NOBODY
from taskip_mcp.clock import scaled
from taskip_mcp.errors import TaskipError
from taskip_mcp.operation import PLACEHOLDER, Effect, Operation
from taskip_mcp.resources import TEMPLATES, ResourceEntry
from taskip_mcp.sandbox import BASE, Sandbox
from taskip_mcp.server import App
from taskip_mcp.settings import Settings, without_taskip
from tests.hostile import ENTRIES, Call, arguments, calls, resolved, texts

EXAMPLES = int(os.environ.get("TASKIP_FUZZ", "0"))
FUZZ = settings(
    max_examples=EXAMPLES or 10,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    phases=(Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,),
)
KEY = "fuzz-key-1234567890"
LONGEST = 6_000
"""Characters of an error; more would be a value that was repeated at full length."""

OPERATIONS = operation.load_all()


def pattern(path: str) -> str:
    """What a route's path matches: one plain segment for each placeholder."""
    parts = re.split(r"\{[^}]*\}", PLACEHOLDER.sub("{}", path))
    return "[A-Za-z0-9._~-]+".join(re.escape(part) for part in parts)


READS = [
    re.compile(f"{route.method} {pattern(route.path)}")
    for each in OPERATIONS.values()
    if each.effect is Effect.READ
    for route in each.routes
]


def own(found: Operation | None) -> list[re.Pattern[str]]:
    """Where a tool may send to beside the reads."""
    routes = found.routes if found else ()
    return [re.compile(f"{route.method} {pattern(route.path)}") for route in routes]


VARIED = [entry for entry in TEMPLATES if entry.path_variables or entry.query_variables]


class Recorder(httpx.AsyncBaseTransport):
    """The embedded TaskIP, and each request that reached it."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(limits=False)
        self.sent: list[str] = []
        self._inner = httpx.ASGITransport(self.sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on."""
        assert request.url.host == "127.0.0.1"
        assert request.headers["x-secret-key"] == KEY
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        assert path.startswith(f"{BASE}/")
        self.sent.append(f"{request.method} {path.removeprefix(BASE)}")
        return await self._inner.handle_async_request(request)

    def reset(self) -> None:
        """As at the start."""
        self.sandbox.reset()
        self.sent.clear()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Recorder, asyncio.Runner, Path]]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "note.txt").write_text("a note")
    with asyncio.Runner() as runner:
        yield Recorder(), runner, folder


async def using(network: Recorder, folder: Path, do: Callable[[App], Awaitable[Any]]) -> Any:
    """Something done with a server of its own."""
    config = Settings(
        secret_key=KEY, base_url=f"http://127.0.0.1:1{BASE}", files_dir=folder, limit_minute=1000, limit_hour=1000
    )  # fmt: skip
    app = App(config, network, clock=scaled(50, time.time()))
    try:
        return await do(app)
    finally:
        await app.aclose()


async def ask(network: Recorder, folder: Path, name: str, raw: dict[str, Any]) -> Any:
    """One call, as the protocol makes it."""
    return await using(network, folder, lambda app: register.answer(ENTRIES[name], raw, app.perform, NOBODY))


def message(number: int | None, method: str, **params: Any) -> str:
    """One line of the protocol."""
    head = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})
    return json.dumps(head) + "\n"


HELLO = [
    message(
        1,
        "initialize",
        protocolVersion="2025-11-25",
        capabilities={},
        clientInfo={"name": "t", "version": "1"},
    ),
    message(None, "notifications/initialized"),
]


def assert_words(text: str) -> None:
    """Sentences for a model: nothing of the program's inside, and nothing that cannot be read."""
    for sign in ("failed inside", "Traceback", "site-packages", "object at 0x", "pydantic", "<html", KEY):
        assert sign not in text
    assert re.search(r"[a-z]{3}.*\.", text, re.DOTALL)
    assert len(text) <= LONGEST
    # Controls, directions and zero widths: what nobody sees, or what steers a terminal.
    unseen = {sign for sign in text if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert unseen <= {"\n", "\t"}


def assert_sound(result: Any) -> None:
    """A result that a model can read: JSON that was made for it, or one sentence after the other."""
    assert isinstance(result, CallToolResult)
    block = result.content[0]
    assert isinstance(block, TextContent)
    block.text.encode()  # no half characters
    if not result.is_error:
        assert isinstance(results.parse(block.text), dict)
    else:
        assert_words(block.text)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_any_arguments_come_to_a_result_or_to_words_and_leave_no_route(
    name: str, bench: tuple[Recorder, asyncio.Runner, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    network, runner, folder = bench
    allowed = [*READS, *own(OPERATIONS.get(name))]

    @FUZZ
    @given(arguments(name))
    def check(raw: dict[str, Any]) -> None:
        network.reset()
        assert_sound(runner.run(ask(network, folder, name, resolved(raw, network.sandbox))))
        strays = [line for line in network.sent if not any(route.fullmatch(line) for route in allowed)]
        assert strays == []

    check()
    assert (
        capfd.readouterr().out == ""
    )  # the SDK turns stdout away while it serves, so it would not show there


@pytest.mark.parametrize("entry", VARIED, ids=[entry.name for entry in VARIED])
def test_any_address_of_a_resource_comes_to_content_or_to_words_and_only_reads(
    entry: ResourceEntry, bench: tuple[Recorder, asyncio.Runner, Path]
) -> None:
    network, runner, folder = bench
    names = [*entry.path_variables, *entry.query_variables]

    @FUZZ
    @given(st.fixed_dictionaries({name: texts | st.sampled_from(["1", "2", "all"]) for name in names}))
    def check(variables: dict[str, str]) -> None:
        network.reset()
        try:
            content = runner.run(using(network, folder, lambda app: app.read(entry, variables)))
            assert isinstance(content, bytes) or isinstance(json.loads(content), dict)
        except TaskipError as error:
            assert_words(str(error))
        assert [line for line in network.sent if not any(route.fullmatch(line) for route in READS)] == []

    check()


# --- a real child -----------------------------------------------------------------------------------------


def collected(count: int) -> list[Call]:
    """So many calls of any tools; some hold what JSON itself cannot carry."""
    found: list[Call] = []

    @settings(FUZZ, max_examples=count)
    @given(calls)
    def collect(call: Call) -> None:
        found.append(call)

    collect()
    return found


def is_json(call: Call) -> bool:
    """Whether a strict reader takes it; the others may be answered with an error that names no request."""
    try:
        json.dumps(call, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def test_a_real_child_answers_in_the_protocol_and_writes_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a note")
    asked = [(*call, is_json(call)) for call in collected(max(EXAMPLES, 120))]
    lines = [
        message(number, "tools/call", name=name, arguments=raw)
        for number, (name, raw, _) in enumerate(asked, 2)
    ]
    owed = {number for number, (*_, strict) in enumerate(asked, 2) if strict}
    environment = {"TASKIP_SANDBOX": "1", "TASKIP_FILES_DIR": str(tmp_path), "TASKIP_LOG_LEVEL": "DEBUG"}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "taskip_mcp"], env=without_taskip() | environment, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        ) as child,
    ):  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        said: list[dict[str, Any]] = []
        # One at a time: the pipes must not fill up, and the rate limit of the sandbox is that of TaskIP.
        for line in [*HELLO, *lines]:
            child.stdin.write(line)
            child.stdin.flush()
            number = json.loads(line).get("id")
            while number == 1 or number in owed:
                said.append(json.loads(child.stdout.readline()))
                if said[-1].get("id") == number:
                    break
        child.stdin.close()
        rest = child.stdout.read()
    said += [json.loads(line) for line in rest.splitlines()]
    assert {each["jsonrpc"] for each in said} == {"2.0"}
    assert owed <= {each.get("id") for each in said}
    assert len(owed) > len(asked) // 2
    for each in said:
        if "content" in each.get("result", {}):
            assert_sound(CallToolResult.model_validate(each["result"]))
    assert b"Traceback" not in (tmp_path / "log").read_bytes()
