"""Who calls: the client on the other side of the protocol, and the person behind it, as the gate sees them.

`register` makes one for each call; nothing here knows the SDK.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from taskip_mcp.turn import Tell

Action = Literal["accept", "decline", "cancel", "silent", "failed"]
"""What a client answered; ``silent``: nothing within `TASKIP_ASK_TIMEOUT`, ``failed``: it refused the question."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question. `agreed` only if the person accepted and ticked the box."""

    action: Action
    agreed: bool = False


class AskError(Exception):
    """The question must travel with the result of this call, as MCP 2026-07-28 has it; the call then comes again."""

    def __init__(self, question: str, state: str) -> None:
        super().__init__(question)
        self.question, self.state = question, state


Ask = Callable[[str, str], Awaitable[Reply]]
"""``(question, state)``: waits for the answer, or raises `AskError`; ``state`` then comes back with the answer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`ask` is None where nobody can be asked. `reply` and `state` are there when a question was answered before."""

    name: str = ""
    tell: Tell | None = None
    ask: Ask | None = None
    reply: Reply | None = None
    state: str | None = None


NOBODY = Caller()
"""A program that calls without the protocol."""
