"""The one HTTP client of an API key: sends a prepared request, answers with data or one typed error.

httpx is imported here and nowhere else, on the first request, so that it costs nothing at start.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskip_mcp import __version__, errors, wire
from taskip_mcp.budget import Budget
from taskip_mcp.errors import Outcome
from taskip_mcp.settings import Settings

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

STATUS_WORDS: Mapping[int, str] = {
    400: "TaskIP could not read the request",
    401: "TaskIP did not accept the API key",
    403: "TaskIP refused",
    404: "TaskIP has no such record",
    409: "TaskIP reports a conflict",
    413: "The file is too large for TaskIP",
    422: "TaskIP did not accept the values",
    429: "TaskIP's rate limit is reached",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart request: the form field, the file's name, its bytes."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out: `path` is built and encoded; `writes` tells whether it may change anything."""

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    body: Mapping[str, Any] | None = None
    uploads: Sequence[Upload] = ()
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A 404 or 405: `absence` is wire's reading of it, `error` what to raise if it is about the record."""

    absence: wire.Absence
    error: errors.StatusError


class TaskipClient:
    """Holds the connection pool and the budget of one key. Close it with `aclose`."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` replaces the network: the sandbox and the tests come in here."""
        self.settings = settings
        self.budget = Budget(settings)
        self._transport = transport
        self._http: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the pool; the client may be used again afterwards."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    def _open(self) -> httpx.AsyncClient:
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                base_url=self.settings.base_url,
                headers={
                    "X-Secret-Key": self.settings.secret_key or "sandbox",
                    "Accept": "application/json",
                    "User-Agent": f"taskip-mcp/{__version__}",
                },
                timeout=self.settings.timeout,
                limits=httpx.Limits(max_connections=8),
                transport=self._transport,
                # A redirect could carry the key to another host, or turn a POST into a GET.
                follow_redirects=False,
                # A proxy of the environment is for the network, not for an application in this process.
                trust_env=self._transport is None,
            )
        return self._http

    async def send(self, request: Request) -> wire.Answer | Refused:
        """One request, never repeated.

        A 404 or 405 comes back as `Refused`, since it may mean another route; every other failure is raised.
        """
        await self.budget.acquire(upload=bool(request.uploads))
        response = await self._exchange(request)
        body, kind = response.content, response.headers.get("content-type", "")
        logger.info("%s %s %s -> %d", request.operation, request.method, request.path, response.status_code)
        if absence := wire.absence(response.status_code, kind, body):
            return Refused(absence, self._status_error(request, response))
        if not response.is_success:
            raise self._status_error(request, response)
        try:
            return wire.Answer(response.status_code, kind, wire.decode(kind, body))
        except wire.Malformed as reason:
            raise errors.UnreadableError(
                f"TaskIP answered with {reason}",
                operation=request.operation,
                status=response.status_code,
                outcome=_outcome(request, "unknown"),
            ) from None

    async def _exchange(self, request: Request) -> httpx.Response:
        """Send and read the whole answer; transport failures become typed errors."""
        import httpx

        try:
            return await self._open().request(request.method, request.path, **_payload(request))
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            raise errors.ConnectError(
                f"TaskIP could not be reached ({type(error).__name__})",
                operation=request.operation,
                outcome=_outcome(request, "unchanged"),
            ) from None
        except httpx.TimeoutException:
            raise errors.LostError(
                f"TaskIP did not answer within {self.settings.timeout:g} seconds",
                operation=request.operation,
                outcome=_outcome(request, "unknown"),
            ) from None
        except httpx.HTTPError as error:
            raise errors.LostError(
                f"The connection to TaskIP broke off ({type(error).__name__})",
                operation=request.operation,
                outcome=_outcome(request, "unknown"),
            ) from None

    def _status_error(self, request: Request, response: httpx.Response) -> errors.StatusError:
        status = response.status_code
        said = wire.complaint(response.headers.get("content-type", ""), response.content)
        words = STATUS_WORDS.get(
            status, "TaskIP has a problem" if status >= 500 else "TaskIP refused the request"
        )
        if 300 <= status < 400:
            words = "TaskIP answered with a redirect, which is not followed; check TASKIP_BASE_URL"
        message = self._masked(said.message)
        return errors.error_class(status)(
            f"{words}: {message}" if message else words,
            operation=request.operation,
            status=status,
            fields={
                self._masked(name): [self._masked(text) for text in texts]
                for name, texts in said.fields.items()
            },
            # Below 500 TaskIP says that it refused; a server error may come after the change was made.
            outcome=_outcome(request, "unknown" if status >= 500 else "unchanged"),
        )

    def _masked(self, text: str) -> str:
        """TaskIP may repeat the key; nobody else may see it."""
        return text.replace(self.settings.secret_key, "***") if self.settings.secret_key else text


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
