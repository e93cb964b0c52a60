"""Everything that can go wrong, as plain Python. Nothing here knows the MCP SDK.

::

    TaskipError
    ├── ConfigError           a setting is missing or wrong; the process cannot start (exit code 2)
    ├── ArgumentError         the caller's arguments; nothing was sent
    ├── UnsupportedError      no documented route can carry what was asked; nothing was sent
    ├── BudgetError           our own rate windows are full; nothing was sent
    │   └── DeadlineError     the call's time is over before the request could leave
    ├── RepeatedError         an identical write came before and its end is not known; nothing was sent
    ├── RefusedError          the gate did not let it pass; nothing was changed
    ├── StateError            the state directory or the rate store cannot be used; nothing was sent
    ├── FileError             a path to read or to write is not allowed or not usable
    └── ApiError              a request was tried: operation, status, message, field errors, outcome
        ├── ConnectError      no connection; nothing was sent
        ├── UntrustedError    the server could not prove that it is TaskIP; nothing was sent
        ├── LostError         sent, but no complete answer: timeout, reset
        ├── UnreadableError   an answer that is not what TaskIP documents: HTML, truncated JSON
        ├── RouteError        TaskIP has none of the routes that are documented for the operation
        └── StatusError       an error status
            ├── AuthError 401, ForbiddenError 403, MissingError 404, ConflictError 409
            ├── TooLargeError 413, InvalidError 422, RateLimitError 429
            └── ServerError   5xx

Every error says what happened, whether anything was changed, and what to do next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

Outcome = Literal["read", "unchanged", "unknown"]
"""What a failed call did: it was a read, it changed nothing, or nobody can tell."""

OUTCOME_WORDS: Mapping[Outcome, str] = {
    "read": "",
    "unchanged": "Nothing was changed.",
    "unknown": "It is not known whether the change was made: read the record before you try again.",
}


class TaskipError(Exception):
    """Base of all errors that are meant for the caller's eyes."""


class ConfigError(TaskipError):
    """A setting is missing or wrong."""


class ArgumentError(TaskipError):
    """The arguments cannot be used; nothing was sent.

    The words are ours and the caller's. What TaskIP has instead is others' text, and stands in ``shown``. ``absent``
    tells that it is for certain that no record is called so.
    """

    def __init__(self, message: str, shown: Mapping[str, Any] | None = None, *, absent: bool = False) -> None:
        super().__init__(message)
        self.shown, self.absent = shown, absent


class UnsupportedError(TaskipError):
    """TaskIP documents no route that can carry these arguments; nothing was sent."""


class BudgetError(TaskipError):
    """A rate window is full and would not open in time; nothing was sent.

    ``seconds`` tells when a request could leave, 0 if that is not known.
    """

    def __init__(self, message: str, seconds: int = 0) -> None:
        super().__init__(message)
        self.seconds = seconds


class DeadlineError(BudgetError):
    """The time of the tool call is over; what had not left was not sent."""


class RepeatedError(TaskipError):
    """An identical write came before, and nobody knows what became of it; nothing was sent."""


class RefusedError(TaskipError):
    """The gate did not let a call pass; nothing was changed.

    ``shown`` is the new preview where there is one, as the model is to see it.
    """

    def __init__(self, message: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{message.rstrip()} Nothing was changed.")
        self.reason, self.shown = message, shown


class StateError(TaskipError):
    """The state directory or the rate store cannot be used; nothing was sent."""


class FileError(TaskipError):
    """A file or folder that cannot be used."""


class ApiError(TaskipError):
    """A request to TaskIP failed.

    ``operation`` is the contract id (``invoice.create``), ``status`` the HTTP status or None,
    ``message`` TaskIP's own words cleaned up, ``fields`` its complaints field by field, ``retry_after`` the seconds of
    its Retry-After. ``seconds`` is when the rate limit opens again, ``looked`` what was looked at to find out what a
    lost write did, in words, ``finding`` the finding itself; ``again`` is what another try needs first.
    """

    advice = "Try again later."

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        status: int | None = None,
        fields: Mapping[str, list[str]] | None = None,
        outcome: Outcome = "read",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.status = status
        self.fields = dict(fields or {})
        self.outcome: Outcome = outcome
        self.retry_after = retry_after
        self.seconds = 0
        self.looked = ""
        self.again = ""
        self.finding: Any = None

    def __str__(self) -> str:
        """All that the caller needs, in one paragraph."""
        # With an open outcome the only advice is to look: "try again" could do it twice.
        advice = "" if self.outcome == "unknown" else f"{self._next()} {self.again}"
        return f"{self.facts} {advice}".strip()

    @property
    def facts(self) -> str:
        """What happened, what was looked at, and whether anything was changed; without what to do next."""
        status = f" (HTTP {self.status})" if self.status is not None else ""
        parts = [f"{self.message.rstrip('.')}{status}."]
        parts += [f"{name}: {' '.join(texts)}" for name, texts in self.fields.items()]
        parts += [f"Looked at {self.looked}." if self.looked else "", self._changed()]
        return " ".join(part for part in parts if part)

    def _changed(self) -> str:
        """Whether anything was changed."""
        if self.outcome == "unknown" and getattr(self.finding, "record", None):
            # The record was read already, and does not tell.
            return "It is not known whether the change was made: ask the user before you try again."
        return OUTCOME_WORDS[self.outcome]

    def _next(self) -> str:
        """What to do next."""
        if self.seconds:
            return f"TaskIP lets requests in again in {self.seconds} seconds: wait that long, then repeat the call."
        if self.retry_after:
            return f"TaskIP asks to be left alone for {math.ceil(self.retry_after)} seconds: call again after that."
        return "You may call again." if self.looked else self.advice


class ConnectError(ApiError):
    """TaskIP could not be reached; the request did not leave."""

    advice = "Check the network and TASKIP_BASE_URL, then try again."


class UntrustedError(ApiError):
    """The certificate of the server could not be verified; the request did not leave."""

    advice = (
        "Check TASKIP_BASE_URL and the clock of this machine. Where a proxy of the company opens encrypted"
        " connections, name the file of its certificates in SSL_CERT_FILE."
    )


class LostError(ApiError):
    """The request left, and no complete answer came back."""

    advice = "It can simply be repeated."


class UnreadableError(ApiError):
    """The answer is not in any form that TaskIP documents."""

    advice = "If it happens again, TaskIP or a proxy before it has a problem."


class RouteError(ApiError):
    """None of the documented routes exists on this TaskIP."""

    advice = "This TaskIP does not offer the operation; look for a sibling tool or use the TaskIP website."


class StatusError(ApiError):
    """TaskIP answered with an error status."""


class AuthError(StatusError):
    """401."""

    advice = (
        "The API key is missing, wrong or expired (keys expire after one year by default). Ask the user to make"
        " a new one in TaskIP under Settings > API Application and to set it as TASKIP_SECRET_KEY."
    )


class ForbiddenError(StatusError):
    """403."""

    advice = "The record's state or the key's account does not allow it; trying again will not help."


class MissingError(StatusError):
    """404 about a record."""

    advice = "Check the id with the list tool of the same group."


class ConflictError(StatusError):
    """409."""

    advice = "Read the record: it exists already, or its status does not allow the change."


class TooLargeError(StatusError):
    """413."""

    advice = "Send a smaller file."


class InvalidError(StatusError):
    """422."""

    advice = "Correct these fields and call again."


class RateLimitError(StatusError):
    """429."""

    advice = "Wait before the next call: get_rate_budget shows what is left."


class ServerError(StatusError):
    """5xx."""

    advice = "Try again in a minute."


BY_STATUS: Mapping[int, type[StatusError]] = {
    401: AuthError,
    403: ForbiddenError,
    404: MissingError,
    409: ConflictError,
    413: TooLargeError,
    422: InvalidError,
    429: RateLimitError,
}


def legible(text: str, most: int = 60) -> str:
    """What a caller gave, as an error repeats it: without characters that nobody sees, and not too long."""
    plain = text if text.isprintable() else ascii(text)[1:-1]
    return plain if len(plain) <= most else f"{plain[: most - 3]}..."


def error_class(status: int) -> type[StatusError]:
    """The class for an error status; anything unlisted below 500 is a plain `StatusError`."""
    return BY_STATUS.get(status, ServerError if status >= 500 else StatusError)
