"""What the journal knows of a write, and how a call came to be allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from taskip_mcp.wire import JsonObject

Event = Literal["begun", "done", "not_done", "unknown", "job", "resumed", "paused"]

OPEN = frozenset({"begun", "job", "resumed"})
"""Events after which a process has the write or the job in hand."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One write (or job) as the log has it.

    `kind` is the first event, ``begun`` or ``job``; `event` the last one, at `changed`, noted by the process `owner`.
    `opening` holds ``how`` it was confirmed, the ``client``, and what was there ``before``. Times are seconds since
    1970.
    """

    write: str
    kind: str
    begun: float
    operation: str
    arguments: JsonObject
    job: str
    opening: JsonObject
    owner: str
    event: str
    changed: float
    detail: JsonObject

    @property
    def open(self) -> bool:
        """Whether a process is at it, if it still runs."""
        return self.event in OPEN

    @property
    def before(self) -> JsonObject:
        """What was there before the write: ``records`` by id, ``children`` by what they are, or ``state``."""
        return cast("JsonObject", self.opening.get("before") or {})


@dataclass
class Confirmation:
    """How a call came to be allowed. `nonce` is consumed by the first write or job that is noted with it.

    `how` is ``flag``, ``code``, ``person`` or ``off``, empty where the call has no consequences; `undoes` is the change
    that the call takes back. A nonce that was used refuses every further write until it `expires` (seconds since 1970),
    when its code is void anyway.
    """

    how: str = ""
    client: str = ""
    undoes: str = ""
    nonce: str = ""
    expires: float = 0.0

    def opening(self, before: JsonObject) -> JsonObject:
        """What the journal keeps of it, and of what was there before."""
        told: JsonObject = {
            "how": self.how,
            "client": self.client,
            "undoes": self.undoes,
            "before": before,
        }
        return {name: value for name, value in told.items() if value}


class Duplicate(Exception):
    """The same write was begun before; `entry` is that one."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.write)
        self.entry = entry
