"""The key goes to the host that was set and nowhere else: not by an odd address, a redirect, a path or a proxy."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.requests import Request as Asked
from starlette.responses import RedirectResponse, Response

from taskip_mcp import __version__, settings
from taskip_mcp.client import Request, TaskipClient
from taskip_mcp.clock import scaled
from taskip_mcp.errors import ArgumentError, ConfigError, ConnectError, StatusError, TaskipError
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from taskip_mcp.wire import Answer
from tests.faulty import Faulty, faulty
from tests.processes import child
from tests.support import BASE

pytestmark = pytest.mark.anyio

KEY = "canary-key-9a41d7e2"
READ = Request("contact.get", "GET", "/contact/1")
WRITE = Request("contact.delete", "DELETE", "/contact/1", writes=True)
EVIL = "evil.example"


async def ask(
    url: str,
    request: Request = READ,
    transport: httpx.AsyncBaseTransport | None = None,
    key: str = KEY,
    pace: float = 1.0,
) -> Any:
    """What one request comes to."""
    config = Settings(secret_key=key, base_url=url, limit_minute=1000)
    client = TaskipClient(config, transport, clock=scaled(pace, time.time()))
    try:
        return await client.send(request)
    finally:
        await client.aclose()


def never(_request: httpx.Request) -> httpx.Response:
    raise AssertionError("it left")


# --- the address ------------------------------------------------------------------------------------------

NOT_HERE = [
    f"http://{EVIL}", f"http://127.0.0.1.{EVIL}", f"http://localhost.{EVIL}", f"http://localhost@{EVIL}",
    f"http://127.0.0.1:80@{EVIL}", f"http://127.0.0.1\\@{EVIL}", f"http://{EVIL}\\@127.0.0.1", f"http://{EVIL}#@127.0.0.1",
    f"http://127.0.0.1;{EVIL}", f"http://127.0.0.1,{EVIL}", f"http://127.0.0.1%2e{EVIL}", f"http://127.0.0.1\t.{EVIL}",
    "http://2130706433", "http://0x7f000001", "http://0177.0.0.1", "http://127.1", "http://0.0.0.0", "http://[::]",
    "http://[::ffff:8.8.8.8]", "http://[::ffff:127.0.0.1]", "http://8.8.8.8", "http://10.0.0.1", "http://localhost.",
    "http://\u24dbocalhost", "http://\uff11\uff12\uff17.0.0.1", f"//{EVIL}", f"ftp://{EVIL}", "file:///etc/passwd",
    f"ws://{EVIL}", f"http:{EVIL}", "https://", "https:///x", f"https://user@{EVIL}", f"https://user:pw@{EVIL}",
]  # fmt: skip


@pytest.mark.parametrize("url", NOT_HERE)
def test_clear_text_to_anywhere_but_this_machine_is_refused_at_start(url: str) -> None:
    with pytest.raises(ConfigError, match="TASKIP_BASE_URL"):
        settings.load({"TASKIP_SECRET_KEY": KEY, "TASKIP_BASE_URL": url})


@pytest.mark.parametrize(
    "url",
    [
        *(each for each in NOT_HERE if "#" not in each and "https" not in each),
        # Two libraries read these differently; what counts is the one that sends.
        f"http://[::1]{EVIL}", f"http://[::1].{EVIL}", "http://:pw@127.0.0.1", "http://127.0.0.1:x", "http://127.0.0.1/\n",
        "http://127.0.0.1:99999", "https://taskip.invalid:65536",
        "https://u:p@127.0.0.1", "https://",
    ],
)  # fmt: skip
async def test_an_address_that_the_http_library_reads_otherwise_is_refused_before_anything_leaves(
    url: str,
) -> None:
    with pytest.raises(ConfigError, match="TASKIP_BASE_URL") as caught:
        await ask(url, transport=httpx.MockTransport(never))
    assert "Nothing was sent" in str(caught.value)


# --- the path ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        f"http://{EVIL}/contact", f"https://{EVIL}/contact", f"HTTP://{EVIL}", "/contact/../../../admin",
        "/contact/./1", "/../other", "/contact/1?x=1", "/contact/1#x", "/contact/\n1", "/contact/1\r\nX-Y: z",
        "/contact/a b",
        "/contact/\u00e9", "contact/1/..", "http:///contact",
    ],
)  # fmt: skip
async def test_a_path_that_would_leave_the_api_is_not_sent(path: str) -> None:
    with pytest.raises((ArgumentError, httpx.InvalidURL)):
        await ask(BASE, Request("contact.get", "GET", path), httpx.MockTransport(never))


@pytest.mark.parametrize("path", [f"//{EVIL}/contact", f"/\\{EVIL}", f"/@{EVIL}/", f"/:80@{EVIL}/"])
async def test_a_path_that_looks_like_a_host_stays_a_path(path: str) -> None:
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json={"data": {"id": 1}})

    with suppress(ArgumentError):
        await ask(BASE, Request("contact.get", "GET", path), httpx.MockTransport(handler))
    for url in seen:
        assert (url.host, url.port, url.userinfo) == ("127.0.0.1", 1, b"")
        assert url.path.startswith("/api/public-v1/")


# --- redirects --------------------------------------------------------------------------------------------


Misleads = Callable[[Asked, str], Response]
"""(request, address of the other server) -> an answer that points there."""


@asynccontextmanager
async def two_hosts(answer: Misleads) -> AsyncGenerator[tuple[Faulty, Faulty]]:
    """A TaskIP that answers as told, and another server."""
    sandbox = Sandbox()
    async with faulty(sandbox) as front, faulty(Sandbox()) as other:

        def fault(request: Asked) -> Response:
            return answer(request, other.url)

        sandbox.fault = fault
        yield front, other


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304, 305])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
async def test_a_redirect_is_not_followed_to_another_host(status: int, request_: Request) -> None:
    def answer(_request: Asked, url: str) -> Response:
        return RedirectResponse(f"{url}/contact/1", status)

    async with two_hosts(answer) as (front, other):
        with pytest.raises(StatusError, match="redirect, which is not followed; check TASKIP_BASE_URL"):
            await ask(front.url, request_)
        assert len(front.seen) == 1
        assert other.connections == 0


@pytest.mark.parametrize("place", ["/api/public-v1/contact/2", "//127.0.0.1/x", "?again=1"])
async def test_a_redirect_is_not_followed_on_the_same_host_either(place: str) -> None:
    def answer(_request: Asked, _url: str) -> Response:
        return RedirectResponse(place, 307)

    async with two_hosts(answer) as (front, _):
        with pytest.raises(StatusError, match="redirect"):
            await ask(front.url)
        assert len(front.seen) == 1


@pytest.mark.parametrize("header", ["Refresh", "Alt-Svc", "Link", "Content-Location"])
async def test_a_header_that_names_another_host_leads_nowhere(header: str) -> None:
    def answer(_request: Asked, url: str) -> Response:
        value = {"Refresh": f"0; url={url}", "Alt-Svc": f'h2="{url}"', "Link": f"<{url}>; rel=next"}.get(
            header, url
        )
        return Response('{"data": {"id": 1}}', headers={header: value}, media_type="application/json")

    async with two_hosts(answer) as (front, other):
        assert isinstance(await ask(front.url), Answer)
        assert isinstance(await ask(front.url), Answer)
        assert other.connections == 0


# --- proxies ----------------------------------------------------------------------------------------------


async def test_a_proxy_of_the_environment_never_gets_a_request_in_clear_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with faulty(Sandbox()) as front, faulty(Sandbox()) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(await ask(front.url), Answer)
        async with child(front.url, tmp_path / "state", key=KEY) as server:
            assert (await server.ask("get_contact", contact_id=1))["id"] == 1
        assert len(front.seen) == 2
        assert proxy.connections == 0


async def test_a_proxy_sees_of_an_encrypted_request_only_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = bytearray()

    async def attend(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            while b"\r\n\r\n" not in seen:
                seen.extend(await stream.receive())

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, attend)
        proxy = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(ConnectError):
            await ask("https://taskip.invalid/api", WRITE, pace=20)
        group.cancel_scope.cancel()
    assert seen.startswith(b"CONNECT taskip.invalid:443 ")
    assert KEY.encode() not in seen
    assert b"contact" not in seen


# --- headers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "a\r\nX-Injected: 1",
        "a\nb",
        "a\x00b",
        "two words",
        "tab\there",
        "\u00e9",
        "a\u2028b",
        "\x7f",
        "\u200b",
    ],
)
def test_a_key_that_could_write_headers_is_refused_at_start(key: str) -> None:
    with pytest.raises(ConfigError, match="TASKIP_SECRET_KEY"):
        settings.load({"TASKIP_SECRET_KEY": f"x{key}x"})


async def test_a_key_that_was_not_checked_cannot_write_headers_either() -> None:
    async with faulty(Sandbox()) as front:
        with pytest.raises(TaskipError) as caught:
            await ask(front.url, WRITE, key="abcdefgh\r\nX-Injected: 1", pace=20)
        assert "abcdefgh" not in str(caught.value)
        assert front.seen == []


async def test_the_headers_of_a_request_are_these_and_no_more() -> None:
    seen: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(204)

    await ask(BASE, WRITE, httpx.MockTransport(handler))
    assert dict(seen[0]) == {
        "host": "127.0.0.1:1", "accept": "application/json", "accept-encoding": seen[0]["accept-encoding"],
        "connection": "keep-alive", "user-agent": f"taskip-mcp/{__version__}", "x-secret-key": KEY,
    }  # fmt: skip
