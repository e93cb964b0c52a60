"""The server must prove that it is TaskIP before it gets the key: real HTTPS servers on the loopback."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import pytest
import trustme
from anyio.streams.tls import TLSStream

from taskip_mcp.client import Request, TaskipClient
from taskip_mcp.errors import ConnectError, UntrustedError
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from taskip_mcp.wire import Answer
from tests.faulty import faulty
from tests.processes import child

pytestmark = pytest.mark.anyio

KEY = "canary-key-77b0e1f4"
READ = Request("contact.get", "GET", "/contact/1")
WRITE = Request("contact.delete", "DELETE", "/contact/1", writes=True)
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"msg": "ok"}'
DAY = timedelta(days=1)

Certify = Callable[[trustme.CA, ssl.SSLContext], None]


def issue(authority: trustme.CA, context: ssl.SSLContext, name: str, **validity: Any) -> None:
    made: Any = authority.issue_cert(name, **validity)
    made.configure_cert(context)


def right(authority: trustme.CA, context: ssl.SSLContext) -> None:
    issue(authority, context, "127.0.0.1")


def other_name(authority: trustme.CA, context: ssl.SSLContext) -> None:
    issue(authority, context, "public-api.taskip.net")


def expired(authority: trustme.CA, context: ssl.SSLContext) -> None:
    now = datetime.now(UTC)
    issue(authority, context, "127.0.0.1", not_before=now - 3 * DAY, not_after=now - DAY)


def self_signed(_authority: trustme.CA, context: ssl.SSLContext) -> None:
    """A certificate that vouches for itself."""
    own = trustme.CA()
    with own.cert_pem.tempfile() as certificate, own.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)


class Server:
    """Answers each request alike; remembers the connections, and every byte that was meant for it."""

    def __init__(self, certify: Certify) -> None:
        self.authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certify(self.authority, self.context)
        self.url = ""
        self.connections = 0
        self.seen = bytearray()

    async def attend(self, raw: anyio.abc.SocketStream) -> None:
        """One connection; a client that does not trust us leaves in the middle of the handshake."""
        self.connections += 1
        async with raw:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
                stream = await TLSStream.wrap(
                    raw, server_side=True, ssl_context=self.context, standard_compatible=False
                )
                while not self.seen.endswith(b"\r\n\r\n"):
                    self.seen += await stream.receive()
                await stream.send(ANSWER)


@asynccontextmanager
async def https(certify: Certify) -> AsyncGenerator[Server]:
    """A server whose certificate is made by `certify`."""
    server = Server(certify)
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        server.url = f"https://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}/api"
        group.start_soon(listener.serve, server.attend)
        yield server
        group.cancel_scope.cancel()


async def ask(url: str, request: Request) -> object:
    """What one request comes to: the answer, or the error."""
    client = TaskipClient(Settings(secret_key=KEY, base_url=url))
    try:
        return await client.send(request)
    except (ConnectError, UntrustedError) as error:
        return error
    finally:
        await client.aclose()


def trust(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a company does that has an authority of its own."""
    server.authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))


async def test_a_certificate_that_vouches_for_itself_is_refused_with_words_and_without_the_key() -> None:
    async with https(self_signed) as server:
        error = await ask(server.url, WRITE)
        assert server.seen == b""
        # Another try would come to the same.
        assert server.connections == 1
    assert isinstance(error, UntrustedError)
    for words in (
        "could not prove that it is TaskIP",
        "self-signed certificate",
        "Nothing was changed",
        "TASKIP_BASE_URL",
    ):
        assert words in str(error)


async def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    async with https(right) as server:
        error = await ask(server.url, READ)
        assert server.seen == b""
    assert isinstance(error, UntrustedError)
    assert "issuer certificate" in str(error)
    assert "changed" not in str(error)


@pytest.mark.parametrize(
    ("certify", "why"), [(other_name, "127.0.0.1"), (expired, "certificate has expired")]
)
async def test_a_certificate_of_another_host_or_time_is_refused_even_from_a_trusted_authority(
    certify: Certify, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with https(certify) as server:
        trust(server, tmp_path, monkeypatch)
        error = await ask(server.url, WRITE)
        assert server.seen == b""
    assert isinstance(error, UntrustedError)
    assert why in str(error)


async def test_a_certificate_of_a_trusted_authority_for_this_host_gets_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with https(right) as server:
        trust(server, tmp_path, monkeypatch)
        assert isinstance(await ask(server.url, WRITE), Answer)
        assert server.seen.startswith(b"DELETE /api/contact/1 HTTP/1.1\r\n")
        assert f"X-Secret-Key: {KEY}".encode() in server.seen


async def test_a_server_that_speaks_no_tls_gets_nothing() -> None:
    async with faulty(Sandbox()) as front:
        assert isinstance(await ask(front.url.replace("http://", "https://"), WRITE), ConnectError)
        assert front.seen == []


async def test_the_model_is_told_in_words_by_the_whole_server(tmp_path: Path) -> None:
    async with https(self_signed) as server, child(server.url, tmp_path / "state", key=KEY) as asked:
        said = await asked.refused("create_company", name="Acme", email="a@acme.example")
        assert server.seen == b""
    assert "could not prove that it is TaskIP (self-signed certificate)" in said
    assert "Nothing was changed" in said
