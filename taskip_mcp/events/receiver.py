"""What takes TaskIP's webhooks: ``POST /webhooks/taskip/<secret>``, an ASGI application with a listener of its own.

TaskIP documents no signature: who knows the path may deliver, and nobody else learns whether there is one. It documents
no retries either: what was answered 200 is on the disk, and what cannot be kept is answered so that a sender that does
repeat can (429, 503). Any object of JSON with a text as its ``event`` is a delivery, however odd (`body.name_of`); it
is stored as it came and neither believed nor logged.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import math
import socket
import sys
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import uvicorn

from taskip_mcp import listen, redact
from taskip_mcp.clock import Clock
from taskip_mcp.errors import ConfigError, StateError
from taskip_mcp.events import Keeper
from taskip_mcp.events.body import name_of
from taskip_mcp.events.connections import CONNECTIONS, FIRST_SECONDS, Crowd, protocol

if TYPE_CHECKING:
    from starlette.routing import Route

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX = "/webhooks/taskip/"

LARGEST = 256 * 1024
"""Bytes of a body; the one that is documented has 120."""

BURST, PER_SECOND = 10_000, 50.0
"""Deliveries that are let through at once, and how fast there is room for more."""

WEIGHT = 4096
"""Bytes of a body that count as a delivery more, so that large ones do not fill the disk."""

AT_ONCE = 64
"""Bodies that are held in memory; the others wait in their connections."""

BODY_SECONDS = 10.0
"""Seconds in which a body must be there."""

LINGER = 2.0
"""Seconds in which is read, and thrown away, what a sender goes on to send after it was refused: a connection that is
closed under it would take the answer along."""

RETRY = 0.25
"""Seconds between two tries for a port that another program has: what is sent while nobody has it is lost."""


# --- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sender is told. Nothing of what it sent is in it."""

    status: int
    words: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


KEPT = Answer(200, "kept")
KNOWN = Answer(200, "kept already")
NOWHERE = Answer(404, "not found")
NOT_POSTED = Answer(405, "only POST", ((b"allow", b"POST"),))
SLOW = Answer(408, "the body did not come in time")
TOO_LARGE = Answer(413, f"more than {LARGEST} bytes")
NO_DELIVERY = Answer(422, "not a JSON object with the name of an event")
NOT_KEPT = Answer(503, "not kept; send it again", ((b"retry-after", b"10"),))


def _flood(seconds: float) -> Answer:
    return Answer(429, "too many", ((b"retry-after", str(math.ceil(seconds)).encode()),))


class Bucket:
    """A token bucket. Its times are seconds of any clock; one that is set back costs nothing."""

    def __init__(self, size: int, per_second: float) -> None:
        self._size, self._rate = float(size), per_second
        self._left, self._at = self._size, -math.inf

    def take(self, now: float) -> float:
        """Take one: 0, or the seconds until there is one."""
        self._left = min(self._size, self._left + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0

    def charge(self, count: int) -> None:
        """Take more on credit, for one that turned out to be heavy."""
        self._left -= count


# --- the application --------------------------------------------------------------------------------------


class Receiver:
    """The ASGI application. Its `path` is a secret."""

    def __init__(
        self,
        store: Keeper,
        secret: str,
        clock: Clock,
        bucket: Bucket,
        *,
        patience: float,
        linger: float,
        dense: Callable[[], bool],
    ) -> None:
        if not secret:
            raise ConfigError("TASKIP_WEBHOOK_SECRET is empty: anybody could deliver.")
        redact.keep(secret)
        self._store = store
        self._path = _digest(PREFIX + secret)
        self._clock, self._bucket = clock, bucket
        self._patience, self._linger, self._dense = patience, linger, dense
        self._slots = anyio.Semaphore(AT_ONCE)

    def knows(self, path: str) -> bool:
        """Whether it is the one with the secret. Digests have one length, and are compared in constant time: no answer
        tells how much of a path was right."""
        return hmac.compare_digest(_digest(path), self._path)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP")
        if early := self._refusal(scope):
            await self._refuse(early, receive, send)
            return
        try:
            answer = await self._take(receive)
        except _GoneError:
            return
        if answer in {SLOW, TOO_LARGE}:
            await self._refuse(answer, receive, send)
        else:
            await _answer(answer, send)

    def _refusal(self, scope: Message) -> Answer | None:
        """What the head of a request decides, before anything of its body is read."""
        if not self.knows(scope["path"]):
            return NOWHERE
        if scope["method"] != "POST":
            return NOT_POSTED
        if _declared(scope) > LARGEST:
            return TOO_LARGE
        seconds = self._bucket.take(self._clock.now())
        return _flood(seconds) if seconds else None

    async def _take(self, receive: Receive) -> Answer:
        """Read a delivery and keep it."""
        async with self._slots:
            try:
                with anyio.fail_after(self._patience):
                    raw = await _body(receive)
            except TimeoutError:
                return SLOW
            if len(raw) > LARGEST:
                return TOO_LARGE
            self._bucket.charge(len(raw) // WEIGHT)
            try:
                name = name_of(raw)
            except ValueError:
                return NO_DELIVERY
            try:
                return KNOWN if await self._store.add(raw, name) is None else KEPT
            except StateError as error:
                logger.warning("a delivery of TaskIP was not kept: %s", error)
                return NOT_KEPT

    async def _refuse(self, answer: Answer, receive: Receive, send: Send) -> None:
        """Answer a sender that may be sending still, and be done with its connection."""
        await _answer(answer, send, last=False)
        with anyio.move_on_after(0 if self._dense() else self._linger):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _GoneError(Exception):
    """The sender hung up."""


def app(
    store: Keeper,
    secret: str,
    *,
    clock: Clock | None = None,
    burst: int = BURST,
    per_second: float = PER_SECOND,
    patience: float = BODY_SECONDS,
    linger: float = LINGER,
    dense: Callable[[], bool] = lambda: False,
) -> Receiver:
    """The application that keeps in `store` what is posted to the path with this secret. `dense` tells that connections
    are wanted for others."""
    times: dict[str, Any] = {"patience": patience, "linger": linger}
    return Receiver(store, secret, clock or Clock(), Bucket(burst, per_second), dense=dense, **times)


def route(receiver: Receiver) -> Route:
    """For ``app.router.routes`` of a Starlette application: all below ``/webhooks/`` is answered by the receiver."""
    from starlette.routing import Route

    return Route("/webhooks/{path:path}", receiver)


def _digest(path: str) -> bytes:
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()


def _declared(scope: Message) -> int:
    """The Content-Length; 0 where there is none that can be read."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value) if len(value) <= 20 else LARGEST + 1
    return 0


async def _body(receive: Receive) -> bytes:
    """The body; of one that is too large no more than shows that."""
    parts, size = list[bytes](), 0
    while size <= LARGEST:
        message = await receive()
        if message["type"] != "http.request":
            raise _GoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _answer(answer: Answer, send: Send, *, last: bool = True) -> None:
    body = json.dumps({"message": answer.words}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *answer.headers,
        *(() if last else ((b"connection", b"close"),)),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": not last})


# --- a listener of its own --------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """Beside another server, which hears the signals of the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them alone."""
        yield


async def serve(
    store: Keeper,
    secret: str,
    host: str,
    port: int,
    log_level: str,
    *,
    listener: socket.socket | None = None,
    connections: int = CONNECTIONS,
    patience: float = FIRST_SECONDS,
    linger: float = LINGER,
) -> None:
    """Take webhooks on any address until it is cancelled; what is being taken then is brought to its end. `listener` is
    what `bind` gave for the address; without one it waits until there can be one."""
    crowd = Crowd(connections)
    receiver = app(store, secret, linger=linger, dense=lambda: crowd.dense)
    listener = listener or await _bound(host, port)
    config = uvicorn.Config(
        receiver,
        http=protocol(crowd, receiver.knows, patience),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=log_level.lower(),
        access_log=False,  # its lines hold the path
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    name = f"[{host}]" if ":" in host else host
    actual: int = listener.getsockname()[1]
    sys.stderr.write(f"taskip-mcp: webhooks on http://{name}:{actual}{PREFIX}<TASKIP_WEBHOOK_SECRET>\n")
    sys.stderr.flush()
    server = _Server(config)
    try:
        await server.serve(sockets=[listener])
    finally:
        with anyio.CancelScope(shield=True):
            if server.started:
                await server.shutdown(sockets=[listener])
        listener.close()


async def _bound(host: str, port: int) -> socket.socket:
    while True:
        # Whatever stands in the way meanwhile, such as too many open files, must not end the server.
        with suppress(ConfigError, OSError):
            return bind(host, port)
        await anyio.sleep(RETRY)


def bind(host: str, port: int) -> socket.socket:
    """See `listen.bind`."""
    return listen.bind(host, port, "--webhook-")
