"""How the sandbox delivers its webhooks: after the answer, in order, without holding anybody up; and on the wire."""

from __future__ import annotations

import json
import logging
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest
import trustme
from anyio.streams.tls import TLSListener

from taskip_mcp import cli
from taskip_mcp.sandbox import Post, Sandbox, Webhooks
from taskip_mcp.sandbox.webhooks import NotTakenError
from taskip_mcp.settings import without_taskip
from tests.processes import until
from tests.sandbox.support import client
from tests.sandbox.test_happenings import PAYMENT, listening, running
from tests.test_tls import right

pytestmark = pytest.mark.anyio

SECRET = "canary-hook-3d9a61"


async def create(sandbox: Sandbox, name: str) -> int:
    async with client(sandbox) as http:
        answer = await http.post("/contact", json={"first_name": name, "email": f"{name}@x.example"})
    return answer.status_code


def names(bodies: Sequence[bytes]) -> list[str]:
    return [json.loads(raw)["data"]["name"] for raw in bodies]


async def test_the_envelope_is_the_documented_one() -> None:
    async with listening() as (sandbox, heard), client(sandbox) as http:
        await http.post("/invoice/57/status-update", json={"payment_amount": 1500, **PAYMENT})
    assert heard == [
        {
            "event": "invoice.paid",
            "timestamp": "2026-05-04T12:00:05Z",
            "data": {"invoice_id": 57, "amount": 1500.0, "client_id": 33},
        }
    ]


async def test_the_answer_goes_first_even_if_it_goes_slowly() -> None:
    order: list[str] = []

    async def send(message: Mapping[str, Any]) -> None:
        for _ in range(5):
            await anyio.sleep(0)
        order.append(str(message["type"]))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "DELETE", "path": "/api/public-v1/contact/1",
        "query_string": b"", "headers": [(b"x-secret-key", b"any")],
    }  # fmt: skip
    hooks = Webhooks(lambda _: order.append("webhook"))
    async with running(hooks):
        await Sandbox(webhooks=hooks).app(scope, receive, send)
        await hooks.drained()
    assert order == ["http.response.start", "http.response.body", "webhook"]


async def test_a_change_is_told_even_if_its_answer_is_lost() -> None:
    def lose(_event: str, _data: Any) -> None:
        raise httpx.ReadError("gone")

    async with listening() as (sandbox, heard):
        sandbox.listen(lose)
        with pytest.raises(httpx.ReadError):
            await create(sandbox, "a")
    assert [each["event"] for each in heard] == ["contact.created"]


async def test_no_request_waits_for_a_receiver_and_the_order_is_kept() -> None:
    taken: list[bytes] = []
    gate = anyio.Event()

    async def slow(raw: bytes) -> None:
        await gate.wait()
        taken.append(raw)

    hooks = Webhooks(slow)
    sandbox = Sandbox(webhooks=hooks)
    async with running(hooks):
        assert [await create(sandbox, name) for name in "abc"] == [201] * 3
        assert (taken, hooks.pending) == ([], 3)
        gate.set()
        await hooks.drained()
    assert names(taken) == ["a", "b", "c"]


async def test_what_waits_is_bounded_and_what_is_dropped_is_counted() -> None:
    taken: list[bytes] = []
    hooks = Webhooks(taken.append, capacity=2)
    sandbox = Sandbox(webhooks=hooks)
    assert [await create(sandbox, name) for name in "abcd"] == [201] * 4
    async with running(hooks):
        await hooks.drained()
    assert (names(taken), hooks.sent, hooks.dropped) == (["a", "b"], 2, 2)


async def test_a_failed_delivery_is_counted_told_once_and_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried: list[bytes] = []

    def sink(raw: bytes) -> None:
        tried.append(raw)
        if b'"c"' not in raw:
            raise OSError(SECRET)

    hooks = Webhooks(sink)
    sandbox = Sandbox(webhooks=hooks)
    async with running(hooks):
        for name in "abcd":
            assert await create(sandbox, name) == 201
        await hooks.drained()
    assert (names(tried), hooks.sent, hooks.failed) == (["a", "b", "c", "d"], 1, 3)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2  # for a, and for d after c
    assert "OSError" in caplog.text
    assert SECRET not in caplog.text


# --- on the wire ------------------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Receiver:
    """Takes one request a connection and answers it with given bytes; remembers each as it came."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def handle(self, stream: anyio.abc.ByteStream) -> None:
        raw = b""
        async with stream:
            while b"\r\n\r\n" not in raw:
                raw += await stream.receive()
            head, _, rest = raw.partition(b"\r\n\r\n")
            length = int(head.decode().lower().partition("content-length: ")[2].splitlines()[0])
            while len(rest) < length:
                rest += await stream.receive()
            self.heads.append(head.decode())
            self.bodies.append(rest)
            if self.answer is None:
                await anyio.sleep_forever()
            await stream.send(self.answer or b"")


@asynccontextmanager
async def receiver(answer: bytes | None = OK, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Receiver]:
    """On a free loopback port."""
    made = Receiver(answer)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/webhooks/taskip/{SECRET}"
    served = TLSListener(listener, tls, standard_compatible=False) if tls else listener
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(served.serve, made.handle)
        yield made
        tasks.cancel_scope.cancel()
    await served.aclose()


async def test_a_body_is_posted_as_json_over_a_connection_of_its_own() -> None:
    async with receiver() as taker:
        hooks = Webhooks(Post(f"{taker.url}?a={{}}"))
        sandbox = Sandbox(webhooks=hooks)
        async with running(hooks):
            for name in "ab":
                await create(sandbox, name)
            await hooks.drained()
    assert (names(taker.bodies), hooks.sent) == (["a", "b"], 2)
    first, *headers = taker.heads[0].split("\r\n")
    assert first == f"POST /webhooks/taskip/{SECRET}?a={{}} HTTP/1.1"
    assert {"Content-Type: application/json", "Connection: close"} <= set(headers)
    assert f"Host: {taker.url.split('/')[2]}" in headers


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "status 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "status 302"),
        (b"HTTP/1.1 503\r\n\r\n", "status 503"),
    ],
    ids=["404", "redirect", "503"],
)
async def test_any_other_answer_than_2xx_is_a_failure(answer: bytes, words: str) -> None:
    async with receiver(answer) as taker:
        with pytest.raises(NotTakenError, match=words):
            await Post(taker.url)(b"{}")


@pytest.mark.parametrize("answer", [b"220 mail.example ESMTP\r\n", b"x" * 200_000, b""])
async def test_what_is_no_answer_of_http_is_a_failure(answer: bytes) -> None:
    async with receiver(answer) as taker:
        with pytest.raises(httpx.RemoteProtocolError):
            await Post(taker.url)(b"{}")


async def test_an_answer_that_never_ends_is_not_read() -> None:
    async with receiver(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx") as taker:
        await Post(taker.url)(b"{}")


async def test_a_receiver_that_hangs_or_is_not_there_is_a_failure() -> None:
    async with receiver(None) as taker:
        with pytest.raises(TimeoutError):
            await Post(taker.url, seconds=0.2)(b"{}")
    with pytest.raises(httpx.ConnectError):
        await Post(taker.url)(b"{}")


async def test_a_receiver_over_https_has_to_prove_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    right(authority, context)
    async with receiver(tls=context) as taker:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await Post(taker.url)(b"{}")
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            await Post(taker.url)(b"{}")
    assert taker.bodies == [b"{}"]


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:9/x", "ftp://127.0.0.1/x", "http:///x", "http://127.0.0.1:99999/x", "http://127.0.0.1:0/x", "http://me:pw@127.0.0.1/x",
     f"http://127.0.0.1/{SECRET} HTTP/1.1", f"http://127.0.0.1/{SECRET}\r\nX: y", f"http://127.0.0.1/{SECRET}é"],
)  # fmt: skip
def test_the_command_refuses_what_is_no_address_and_does_not_repeat_it(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["sandbox", "--webhook-url", url]) == cli.CONFIG_EXIT
    said = capsys.readouterr().err
    assert "--webhook-url" in said
    assert SECRET not in said


def test_the_command_says_where_its_file_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["sandbox", "--db", str(tmp_path / "missing" / "x.db")]) == cli.CONFIG_EXIT
    assert "--db" in capsys.readouterr().err


async def test_the_command_posts_what_happens_also_when_it_is_told_to_stop() -> None:
    """A process of its own, which is told to stop as soon as it has answered."""
    async with receiver() as taker:
        command = [sys.executable, "-m", "taskip_mcp", "sandbox", "--port", "0", "--webhook-url", taker.url]
        async with await anyio.open_process(command, stderr=subprocess.PIPE, env=without_taskip()) as child:
            assert child.stderr is not None
            said = (await child.stderr.receive()).decode()
            base = said.split()[-1]
            async with httpx.AsyncClient(base_url=base, headers={"X-Secret-Key": "any"}) as http:
                ids = list(range(1, 31))
                await http.post("/contact/bulk-delete", json={"contact_ids": ids})
            child.send_signal(signal.SIGTERM)
            async for more in child.stderr:
                said += more.decode()
        await until(lambda: len(taker.bodies) == len(ids))
    assert [json.loads(raw)["data"]["contact_id"] for raw in taker.bodies] == ids
    assert SECRET not in said
