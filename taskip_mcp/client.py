"""The one HTTP client of an API key: sends a prepared request, answers with data or one typed error.

httpx is imported here and nowhere else, on the first request, so that it costs nothing at start.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import anyio

from taskip_mcp import __version__, errors, redact, retry, turn, wire
from taskip_mcp.budget import Budget, Grant, Seen, account_of, open_store, windows_of
from taskip_mcp.budget.windows import HOUR, MINUTE, QUOTATION_SENDS, UNANSWERED, UPLOADS, Store
from taskip_mcp.clock import Clock
from taskip_mcp.errors import Outcome
from taskip_mcp.settings import Settings, is_loopback

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

HOLD_MARGIN = 15.0
"""Seconds beyond its timeout after which a request that was never settled cannot be on its way any more."""

LOOK = 8.0
"""Seconds of a call that a write leaves for looking what came of it."""

LEAST, LEAST_WRITE = 0.5, 5.0
"""Seconds; with less left a read, or a write, is not begun: a write that is cut off leaves its outcome open."""


@dataclass(eq=False)
class Passage:
    """A write on its way: its scope is shielded from cancellation meanwhile, so that what left is waited for.

    `away` stays True when it left and no answer tells what came of it.
    """

    scope: anyio.CancelScope
    away: bool = False

    def leave(self) -> None:
        """The request may leave from now on."""
        self.away = self.scope.shield = True

    def land(self, *, certain: bool) -> None:
        """An answer is there, or nothing left (`certain`), or neither."""
        self.away, self.scope.shield = not certain, False


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart request: the form field, the file's name, its bytes."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out: `path` is built and encoded; `writes` tells whether it may change anything.

    `passage` is there for writes.
    """

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    body: Mapping[str, Any] | None = None
    uploads: Sequence[Upload] = ()
    writes: bool = False
    passage: Passage | None = None

    @property
    def special(self) -> tuple[str, ...]:
        """Rate windows beside the minute and the hour (contract: api.rate_limits)."""
        if self.uploads:
            return (UPLOADS,)
        sends = self.method == "POST" and self.path.startswith("/quotation/sent/")
        return (QUOTATION_SENDS,) if sends else ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A 404 or 405: `absence` is wire's reading of it, `error` what to raise if it is about the record."""

    absence: wire.Absence
    error: errors.StatusError


class TaskipClient:
    """Holds the connection pool and the budget of one key. Close it with `aclose`."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        clock: Clock | None = None,
        store: Store | None = None,
    ) -> None:
        """`transport` replaces the network: the sandbox and the tests come in here."""
        self.settings = settings
        self.clock = clock or Clock()
        redact.keep_settings(settings)
        self.account = account_of(settings)
        self.budget = Budget(
            store or open_store(settings, self.clock),
            self.account,
            windows_of(settings),
            clock=self.clock,
            connections=settings.connections,
            patience=settings.max_wait,
            hold=settings.timeout + HOLD_MARGIN,
        )
        self.skew = 0.0
        """Seconds by which TaskIP's clock is ahead of ours, by the date of its last answer."""
        self._transport = transport
        self._http: httpx.AsyncClient | None = None

    def now(self) -> float:
        """Seconds since 1970 by TaskIP's clock, which is known once it has answered."""
        return self.clock.now() + self.skew

    async def aclose(self) -> None:
        """Close the pool and the rate store."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()
        await self.budget.aclose()

    def _open(self) -> httpx.AsyncClient:
        import httpx

        if self._http is None:
            base = _trusted(self.settings.base_url)
            self._http = httpx.AsyncClient(
                base_url=base,
                headers={
                    "X-Secret-Key": self.settings.secret_key or "sandbox",
                    "Accept": "application/json",
                    "User-Agent": f"taskip-mcp/{__version__}",
                },
                timeout=self.settings.timeout,
                limits=httpx.Limits(max_connections=self.settings.connections),
                transport=self._transport,
                # A redirect could carry the key to another host, or turn a POST into a GET.
                follow_redirects=False,
                # A proxy of the environment is for the network, not for an application in this process. Without
                # encryption it would read the key, and such a request stays on this machine anyway.
                trust_env=self._transport is None and base.scheme == "https",
            )
        return self._http

    async def send(self, request: Request) -> wire.Answer | Refused:
        """One request, tried again only where that cannot do anything twice.

        A 404 or 405 comes back as `Refused`, since it may mean another route; every other failure is raised.
        """
        wire.refuse_hidden(request.body)
        redact.learn(request.body)
        refused: errors.ApiError | None = None
        for tries in count(1):
            try:
                return await self._once(request)
            except errors.BudgetError as error:
                if refused is None:
                    raise
                # The rate limit of TaskIP itself, which opens too late for this call.
                refused.seconds = error.seconds
                raise refused from None
            except errors.ApiError as error:
                refused = error
                pause = retry.pause(error, tries, writes=request.writes)
                if pause is None or pause > turn.current().left:
                    raise
                logger.info("%s: try %d failed: %s", request.operation, tries, type(error).__name__)
                await self.clock.sleep(pause)
        raise AssertionError("unreachable")

    async def _once(self, request: Request) -> wire.Answer | Refused:
        mine = turn.current()
        grant = await self.budget.acquire(
            request.special,
            bulk=mine.bulk,
            patience=self._left(request),
            report=mine.say if mine.tell else None,
        )
        response = await self._counted(request, grant)
        body, kind = response.content, response.headers.get("content-type", "")
        logger.info("%s %s %s -> %d", request.operation, request.method, request.path, response.status_code)
        if absence := wire.absence(response.status_code, kind, body):
            return Refused(absence, self._status_error(request, response))
        if not response.is_success:
            raise self._status_error(request, response)
        return self._answer(request, response)

    def _answer(self, request: Request, response: httpx.Response) -> wire.Answer:
        body, kind = response.content, response.headers.get("content-type", "")
        try:
            payload = wire.decode(kind, body)
            # Every documented success has a body, but for a 204. Without one nobody said that it was done, and a list
            # without rows would say that there are none.
            if response.status_code != 204 and not body.strip():
                raise wire.Malformed("an empty body, without the record or its list")
        except wire.Malformed as reason:
            raise errors.UnreadableError(
                f"TaskIP answered with {reason}",
                operation=request.operation,
                status=response.status_code,
                outcome=_outcome(request, "unknown"),
            ) from None
        # From here on nobody has to think of what may be shown.
        return wire.Answer(response.status_code, kind, redact.masked(payload))

    def _left(self, request: Request) -> float:
        """Seconds of the call that the request may use; raises `DeadlineError` when there are not enough.

        A write keeps some time back, to look what came of it should its answer be lost.
        """
        left = turn.current().left - (LOOK if request.writes else LEAST)
        if left < (LEAST_WRITE if request.writes else LEAST):
            raise errors.DeadlineError(
                "The time of this call is over before the request could leave. Nothing was sent. Call again."
            )
        return left

    async def _counted(self, request: Request, grant: Grant) -> httpx.Response:
        """Send under a grant, which is settled with what the answer tells, or given back if nothing left."""
        left = Departure(sure=self._transport is not None)
        seen = UNANSWERED
        if request.passage:
            request.passage.leave()
        try:
            response = await self._exchange(request, left)
            now = self.clock.now()
            seen = _seen(request, response, now)
            self.skew = retry.skew(response.headers, now)
        finally:
            if left.happened:
                turn.current().meter.sent += 1
                await self.budget.settle(grant, seen)
            else:
                await self.budget.give_back(grant)
            if request.passage:
                request.passage.land(certain=seen is not UNANSWERED or not left.happened)
        return response

    async def _exchange(self, request: Request, left: Departure) -> httpx.Response:
        """Send and read the whole answer; transport failures become typed errors."""
        import httpx

        limit = min(self._left(request), self.settings.timeout)
        http = self._open()
        made = _built(http, request, left)
        left.begin()
        try:
            with self.clock.fail_after(limit):
                return await http.send(made)
        except (httpx.TimeoutException, TimeoutError):
            lost = errors.LostError(f"TaskIP did not answer within {limit:.3g} seconds")
        except httpx.HTTPError as error:
            lost = _broken(error)
        if not left.happened and isinstance(lost, errors.LostError):
            lost = errors.ConnectError("TaskIP could not be reached")
        lost.operation = request.operation
        lost.outcome = _outcome(request, "unknown" if left.happened else "unchanged")
        raise lost

    def _status_error(self, request: Request, response: httpx.Response) -> errors.StatusError:
        status = response.status_code
        said = wire.complaint(response.headers.get("content-type", ""), response.content, redact.clean)
        words = wire.status_words(status)
        return errors.error_class(status)(
            f"{words}: {said.message}" if said.message else words,
            operation=request.operation,
            status=status,
            fields=said.fields,
            # From 400 to 499 TaskIP says that it refused. A server error may come after the change was made, and a
            # redirect is the usual answer to a form that was taken.
            outcome=_outcome(
                request, "unknown" if status >= 500 or status in {301, 302, 303} else "unchanged"
            ),
            retry_after=retry.retry_after(response.headers, self.clock.now()),
        )


class Departure:
    """Whether a request has begun to leave, as the connection pool traces it (httpx extension ``trace``).

    Until its first byte is written nothing can have been done. A transport that is no network does not trace: for it
    the request counts as having left (`sure`).
    """

    def __init__(self, *, sure: bool) -> None:
        self.happened = False
        self._sure = sure

    def begin(self) -> None:
        """The request is handed over."""
        self.happened = self._sure

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by the pool at each step, also of the CONNECT to a proxy, which is not the request yet."""
        if event.endswith("send_request_headers.started"):
            self.happened = self.happened or getattr(info.get("request"), "method", b"") != b"CONNECT"


def _trusted(base_url: str) -> httpx.URL:
    """The address as the HTTP library reads it, which is what counts for where the key goes."""
    import httpx

    try:
        base = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise errors.ConfigError(
            "TASKIP_BASE_URL is no address that can be used. Nothing was sent."
        ) from None
    encrypted = base.scheme == "https" or (base.scheme == "http" and is_loopback(base.host))
    if not encrypted or not base.host or base.userinfo or (base.port or 0) > 65_535:
        raise errors.ConfigError(
            "TASKIP_BASE_URL is not usable: only https:// is, and http:// to this machine. Nothing was sent."
        )
    return base


def _built(http: httpx.AsyncClient, request: Request, left: Departure) -> httpx.Request:
    """The request; one whose address is not below that of the API does not leave, since the key goes with it."""
    made = http.build_request(request.method, request.path, **_payload(request), extensions={"trace": left})
    base, url = http.base_url, made.url
    path = base.raw_path + request.path.lstrip("/").encode()
    if (url.scheme, url.netloc, url.raw_path.partition(b"?")[0]) != (base.scheme, base.netloc, path):
        raise errors.ArgumentError("The request would go to another address than TaskIP's. Nothing was sent.")
    return made


def _broken(error: httpx.HTTPError) -> errors.UntrustedError | errors.LostError:
    """What a failure of the transport means."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            return errors.UntrustedError(
                f"The server at TASKIP_BASE_URL could not prove that it is TaskIP ({why})"
            )
        cause = cause.__cause__ or cause.__context__
    return errors.LostError(f"The connection to TaskIP broke off ({type(error).__name__})")


def _seen(request: Request, response: httpx.Response, now: float) -> Seen:
    """What an answer tells about the rate windows."""
    headers = response.headers
    remaining = wire.whole(headers.get("x-ratelimit-remaining"))
    reset = retry.reset_in(headers, now)
    seen = Seen(wire.whole(headers.get("x-ratelimit-limit")), remaining, reset)
    if response.status_code != 429:
        return seen
    pause = retry.retry_after(headers, now)
    return replace(seen, closed=_closed(request, remaining, pause), closed_for=pause)


def _closed(request: Request, remaining: int | None, pause: float | None) -> str:
    """The window that a 429 is about; TaskIP does not say."""
    if remaining == 0:
        return HOUR
    if request.special:
        return request.special[0]
    return HOUR if pause is not None and pause > 60 else MINUTE


def _outcome(request: Request, outcome: Outcome) -> Outcome:
    return outcome if request.writes else "read"


def _payload(request: Request) -> dict[str, Any]:
    """Keyword arguments for httpx; a DELETE keeps its body (contract quirk 21)."""
    payload: dict[str, Any] = {"params": dict(request.query)} if request.query else {}
    if request.uploads:
        payload["files"] = [(part.field, (part.name, part.content)) for part in request.uploads]
        payload["data"] = wire.query_text(request.body or {})
    elif request.body is not None:
        payload["json"] = request.body
    return payload


def asgi_transport(app: Any) -> httpx.AsyncBaseTransport:
    """A transport that answers from an ASGI application in this process."""
    import httpx

    return httpx.ASGITransport(app=app)
