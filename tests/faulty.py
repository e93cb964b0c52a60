"""A real TCP server before the embedded sandbox that breaks the network on purpose.

    async with faulty(Sandbox(), Plan(Fault.RESET_AFTER, on("POST", "/contact"))) as front:
        ...  # speak HTTP to front.url
        assert len(front.writes(on("POST", "/contact"))) == 1

On plain sockets, because anyio's streams close with a FIN before the RST: an end where a reset should be seen.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from typing import NamedTuple

import anyio
import anyio.abc
import h11
import httpx

from taskip_mcp.sandbox.app import Sandbox
from taskip_mcp.sandbox.routing import BASE

HOST = "127.0.0.1"
ABORT = bytes([1, 0, 0, 0, 0, 0, 0, 0])  # struct linger: on, for no time
# About this connection alone; h11 has already undone the chunks.
HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding"})

Match = Callable[[str, str], bool]
"""(method, path below the base) -> whether it is meant."""


def anything(_method: str, _path: str) -> bool:
    """Every request."""
    return True


def writing(method: str, _path: str) -> bool:
    """Every request that may change something."""
    return method in {"POST", "PUT", "PATCH", "DELETE"}


def on(method: str, path: str = "*") -> Match:
    """Requests of a method whose path matches a pattern such as ``/contact/*`` (``*`` crosses slashes)."""
    return lambda asked, at: asked == method and fnmatchcase(at, path)


# --- what breaks ------------------------------------------------------------------------------------------


class Fault(Enum):
    """What the client gets; what the sandbox gets is up to `Plan.applied`."""

    # Reset as soon as it is accepted. To the client it was open: it may have written its request before it notices
    # (`Faulty.down` is surer). There is no request yet: `when` is not asked, and `times` counts new connections.
    REFUSE = auto()
    RESET_BEFORE = auto()  # reset when the head was read, the body perhaps still on its way
    RESET_AFTER = auto()  # reset without a byte of the answer
    HANG = auto()  # no answer until the client closes
    TRUNCATED = auto()  # the head of the real answer and half of its body, then the end of the connection
    EMPTY = auto()  # 200, application/json, no body
    HTML_502 = auto()  # the page of a proxy
    STATUS_500 = auto()  # Laravel's {"message": "Server Error"}
    UNAVAILABLE_503 = auto()  # Retry-After: 1
    TOO_MANY_429 = auto()  # no Retry-After
    TOO_MANY_429_FAR = auto()  # Retry-After: 3000


# The others stand before the application and stop the request unless told otherwise.
APPLIED = frozenset({Fault.RESET_AFTER, Fault.HANG, Fault.TRUNCATED, Fault.EMPTY})
# A client may believe these that nothing has happened.
CERTAIN = frozenset({Fault.REFUSE, Fault.TOO_MANY_429, Fault.TOO_MANY_429_FAR})


@dataclass(frozen=True, slots=True)
class Plan:
    """The first `times` requests (`math.inf`: all) that match `when` meet the fault.

    `applied` says whether the sandbox gets the request all the same (None: what is usual for the fault), and
    `retry_after` replaces the header of 503 and 429.
    """

    fault: Fault
    when: Match = anything
    times: float = 1
    applied: bool | None = None
    retry_after: int | str | None = None

    def __post_init__(self) -> None:
        if self.applied and self.fault in CERTAIN:
            raise ValueError(f"{self.fault.name} is never applied")

    @property
    def forwards(self) -> bool:
        """Whether the request takes effect before the fault shows."""
        return self.fault in APPLIED if self.applied is None else self.applied


Chooser = Callable[[str, str], Plan | None]
"""(method, path) -> what to break; asked once for each request. Its `when` and `times` are its own affair."""


def counted(plan: Plan) -> Chooser:
    """Choose the plan as often as it says. A plan itself counts nothing, so that tests may share it."""
    left = plan.times

    def choose(method: str, path: str) -> Plan | None:
        nonlocal left
        chosen = left >= 1 and plan.when(method, path)
        left -= chosen
        return plan if chosen else None

    return choose


class Answer(NamedTuple):
    """An HTTP answer as it stands on the wire."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def made_up(status: int, body: bytes, retry_after: int | str | None = None) -> Answer:
    """An answer that the sandbox did not give."""
    kind = b"text/html; charset=UTF-8" if body.startswith(b"<") else b"application/json"
    headers = [(b"Content-Type", kind), (b"Content-Length", str(len(body)).encode())]
    if retry_after is not None:
        headers.append((b"Retry-After", str(retry_after).encode()))
    return Answer(status, headers, body)


CANNED = {
    Fault.EMPTY: made_up(200, b""),
    Fault.HTML_502: made_up(502, b"<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"),
    Fault.STATUS_500: made_up(500, b'{"message": "Server Error"}'),
    Fault.UNAVAILABLE_503: made_up(503, b'{"message": "Service Unavailable"}', 1),
    Fault.TOO_MANY_429: made_up(429, b'{"message": "Too Many Attempts."}'),
    Fault.TOO_MANY_429_FAR: made_up(429, b'{"message": "Too Many Attempts."}', 3000),
}
UNASKED = made_up(200, b'{"message": "The sandbox was not asked", "data": {}}')


# --- one connection ---------------------------------------------------------------------------------------


class Peer:
    """The client's end: HTTP/1.1 over a socket that we can also break."""

    def __init__(self, raw: socket.socket) -> None:
        raw.setblocking(False)
        self._raw, self.close = raw, raw.close
        self._http = h11.Connection(h11.SERVER)

    async def head(self) -> h11.Request | None:
        """The next request; None when the client has closed."""
        event = await self._event()
        return event if isinstance(event, h11.Request) else None

    async def body(self) -> bytes:
        """The body of the request whose head was read."""
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
        return bytes(body)

    async def answer(self, answer: Answer) -> bool:
        """Send it whole; whether the connection can carry another request."""
        head, body = self._encoded(answer)
        await self._send(head + body)
        if reusable := self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return reusable

    async def half(self, answer: Answer) -> None:
        """Send the head and half of the body; half of the head, if that is all there is."""
        head, body = self._encoded(answer)
        await self._send(head + body[: len(body) // 2] if body else head[: len(head) // 2])

    async def gone(self) -> None:
        """Wait until the client closes."""
        while await self._receive():
            pass

    def reset(self) -> None:
        """RST, and what was not yet sent is lost."""
        # Some systems refuse options on a socket that the client has already reset.
        with suppress(OSError):
            self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        self.close()

    def _encoded(self, answer: Answer) -> tuple[bytes, bytes]:
        head = self._http.send(h11.Response(status_code=answer.status, headers=answer.headers))
        body = self._http.send(h11.Data(data=answer.body)) if answer.body else b""
        end = self._http.send(h11.EndOfMessage())
        return head or b"", (body or b"") + (end or b"")

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._receive())
        return event

    async def _receive(self) -> bytes:
        await anyio.wait_readable(self._raw)
        return self._raw.recv(65536)

    async def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            await anyio.wait_writable(self._raw)
            rest = rest[self._raw.send(rest) :]


async def show(peer: Peer, plan: Plan, real: Answer) -> bool:
    """Break the answer as planned; whether the connection can carry another request."""
    match plan.fault:
        case Fault.RESET_BEFORE | Fault.RESET_AFTER | Fault.REFUSE:
            peer.reset()
        case Fault.HANG:
            await peer.gone()
        case Fault.TRUNCATED:
            await peer.half(real)
        case _:
            usual, wait = CANNED[plan.fault], plan.retry_after
            return await peer.answer(usual if wait is None else made_up(usual.status, usual.body, wait))
    return False


# --- the server -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Arrival:
    """One request that reached the server."""

    method: str
    path: str
    query: str
    fault: Fault | None
    forwarded: bool = False
    status: int | None = None  # the sandbox's, whatever the client has seen
    body: bytes = b""

    @property
    def outcome(self) -> str | int | None:
        """The name of the fault or the status; None as long as neither is known."""
        return self.fault.name if self.fault else self.status


class Faulty:
    """The server that `faulty` runs."""

    def __init__(self, sandbox: Sandbox, group: anyio.abc.TaskGroup) -> None:
        self.seen: list[Arrival] = []
        self.connections = self.refused = 0
        self._sandbox, self._group = sandbox, group
        self._choosers: list[Chooser] = []
        self._refusals = 0.0  # connections still to refuse
        self._listener = bound(0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}{BASE}"

    def arrived(self, when: Match = anything) -> list[Arrival]:
        """The requests that came, faults or not."""
        return [each for each in self.seen if when(each.method, each.path)]

    def writes(self, when: Match = anything) -> list[Arrival]:
        """The writes that the sandbox got, whatever the client was told."""
        return [each for each in self.arrived(when) if each.forwarded and writing(each.method, each.path)]

    def plan(self, *plans: Plan | Chooser) -> None:
        """Break more; the first plan that wants a request gets it."""
        for each in plans:
            if isinstance(each, Plan) and each.fault is Fault.REFUSE:
                self._refusals += each.times
            else:
                self._choosers.append(counted(each) if isinstance(each, Plan) else each)

    def heal(self) -> None:
        """Forget all plans."""
        self._choosers, self._refusals = [], 0.0

    async def up(self) -> None:
        """Listen (again), on the same port."""
        self._listener.listen()
        self._stopped = anyio.Event()
        self._scope: anyio.CancelScope = await self._group.start(self._serve)

    async def down(self) -> None:
        """Die as a process does: every connection is closed and new ones are refused."""
        self._scope.cancel()
        await self._stopped.wait()
        self._listener.close()
        # Bound without listening, the port refuses and nobody else can get it.
        self._listener = bound(self.port)

    def close(self) -> None:
        """Give the port back; the server has ended."""
        self._listener.close()

    async def _serve(self, *, task_status: anyio.abc.TaskStatus[anyio.CancelScope]) -> None:
        # The peers are closed here as well: a task that is cancelled before it starts closes nothing.
        with ExitStack() as peers:
            async with anyio.create_task_group() as group:
                task_status.started(group.cancel_scope)
                while True:
                    await anyio.wait_readable(self._listener)
                    # Who connects and leaves at once may be gone before we look.
                    with suppress(BlockingIOError, ConnectionError):
                        self._accept(peers, group)
        self._stopped.set()

    def _accept(self, peers: ExitStack, group: anyio.abc.TaskGroup) -> None:
        peer = peers.enter_context(closing(Peer(self._listener.accept()[0])))
        self.connections += 1
        if self._refusals >= 1:
            self._refusals -= 1
            self.refused += 1
            peer.reset()
        else:
            group.start_soon(self._attend, peer)

    async def _attend(self, peer: Peer) -> None:
        # The client may leave at any point, also in the middle of its request.
        with closing(peer), suppress(ConnectionError, h11.RemoteProtocolError):
            while await self._exchange(peer):
                pass

    async def _exchange(self, peer: Peer) -> bool:
        """One request and what becomes of it; whether another may follow."""
        head = await peer.head()
        if head is None:
            return False
        arrival, plan = self._arrive(head)
        if plan and plan.fault is Fault.RESET_BEFORE and not plan.forwards:
            return await show(peer, plan, UNASKED)
        arrival.body = await peer.body()
        real = await self._forward(head, arrival) if plan is None or plan.forwards else UNASKED
        return await show(peer, plan, real) if plan else await peer.answer(real)

    def _arrive(self, head: h11.Request) -> tuple[Arrival, Plan | None]:
        path, _, query = head.target.decode("ascii").partition("?")
        method, path = head.method.decode("ascii"), path.removeprefix(BASE)
        plan = next((plan for choose in self._choosers if (plan := choose(method, path))), None)
        self.seen.append(Arrival(method, path, query, plan.fault if plan else None))
        return self.seen[-1], plan

    async def _forward(self, head: h11.Request, arrival: Arrival) -> Answer:
        """Ask the sandbox. What it raises ends the test: it is a bug, not a network."""
        url = httpx.URL(f"http://{HOST}:{self.port}").copy_with(raw_path=head.target)
        headers = [(name, value) for name, value in head.headers if name not in HOP_BY_HOP]
        request = httpx.Request(arrival.method, url, headers=headers, content=arrival.body)
        arrival.forwarded = True
        response = await httpx.ASGITransport(self._sandbox.app).handle_async_request(request)
        arrival.status = response.status_code
        raw = b"".join([part async for part in response.aiter_raw()])
        return Answer(response.status_code, response.headers.raw, raw)


def bound(port: int) -> socket.socket:
    """A socket that holds a port of the loopback but does not listen."""
    raw = socket.socket()
    raw.setblocking(False)
    if os.name == "posix":  # elsewhere the option lets two servers share a port
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    raw.bind((HOST, port))
    return raw


@contextmanager
def closed_port() -> Generator[str]:
    """The base URL of an API where nobody listens, and where nobody will as long as the context lasts."""
    with bound(0) as raw:
        yield f"http://{HOST}:{raw.getsockname()[1]}{BASE}"


@asynccontextmanager
async def faulty(sandbox: Sandbox, *plans: Plan | Chooser) -> AsyncGenerator[Faulty]:
    """Serve the sandbox on a free port of the loopback and break what the plans say."""
    failure: BaseException | None = None
    with ExitStack() as end:
        async with anyio.create_task_group() as group:
            front = Faulty(sandbox, group)
            end.callback(front.close)
            try:
                front.plan(*plans)
                await front.up()
                yield front
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as error:  # raised below: the group would wrap a failed assertion
                failure = error
            group.cancel_scope.cancel()
    if failure is not None:
        raise failure
