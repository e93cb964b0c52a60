"""Prompts: the everyday jobs of an agency, each one choice in the client's menu.

A prompt is a row of `taskip_mcp.prompts.table`: its arguments, what is read for it, and the steps. `build` makes
the messages: what was read, embedded as resources, and after it the text. The text names the tools of this server
alone, so that a prompt never leads to one that its settings leave out. Nothing is loaded for it before the first call.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from taskip_mcp.call import Backend

JsonObject = dict[str, Any]

READS = ("get_", "list_", "search_")
"""How the names of tools begin that change nothing; `tests/test_prompts_table.py` holds them to it."""

APPROVAL = "Ask the user what of this is to be done, and wait for the answer. Do only that:"
"""The step before the first one that writes: no row of the table has it, so that none can forget it."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What a person may fill in; none has to be.

    `kind` is what it names (`taskip_mcp.kinds`), empty for other text. A record that `may_be_new` need not exist.
    """

    name: str
    description: str
    kind: str = ""
    may_be_new: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What a person filled in: of a record the id by which it was found, of a month its days, of text the text."""

    today: date
    values: Mapping[str, Any] = field(default_factory=lambda: dict[str, Any]())

    def as_argument(self, **names: str) -> JsonObject:
        """Arguments of a tool, each with what was filled in under another name: ``contact_id="client"``."""
        return {name: self.values[own] for name, own in names.items() if own in self.values}


class Finding(str):
    """What a read comes to, in words."""


@dataclass(frozen=True, slots=True)
class Read:
    """Data of a prompt: the contract id of a read, or the name of a tool of the server, with its arguments.

    `then` tells what else to read, now that this is known, a `Finding`, or in words what is not read. A list of which a
    part would lead astray is shown `whole` or not at all.
    """

    source: str
    arguments: JsonObject = field(default_factory=lambda: JsonObject())
    then: Callable[[JsonObject], Sequence[Read | str]] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """What a prompt does besides, where all these tools are offered."""

    words: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """One prompt. Without the tools that it `needs` there is none; a step that names any other which is not offered
    is left out. Steps name tools in braces and their arguments between backticks."""

    name: str
    title: str
    does: str
    needs: tuple[str, ...]
    arguments: tuple[Argument, ...]
    reads: Callable[[Given], Sequence[Read]]
    steps: tuple[str, ...]
    promise: Promise | None = None

    def steps_with(self, offered: Callable[[str], bool]) -> list[str]:
        """The steps whose tools are all offered. Before the first one that writes the user is asked."""
        kept = self._kept(offered)
        first = next((place for place, step in enumerate(kept) if writes(tools_of(step))), None)
        asked = kept if first is None else [*kept[:first], APPROVAL, *kept[first:]]
        return [_named(step) for step in asked]

    def tools_with(self, offered: Callable[[str], bool]) -> list[str]:
        """The tools that it needs, and those that these steps lead to."""
        return list(
            dict.fromkeys([*self.needs, *(tool for step in self._kept(offered) for tool in tools_of(step))])
        )

    def does_with(self, offered: Callable[[str], bool]) -> str:
        """What it does with these tools."""
        if self.promise is None or not all(map(offered, self.promise.tools)):
            return self.does
        return f"{self.does} {self.promise.words}"

    def description(self, offered: Callable[[str], bool]) -> str:
        """What it does, and which tools it leads to."""
        return f"{self.does_with(offered)} Leads to {', '.join(self.tools_with(offered))}."

    def _kept(self, offered: Callable[[str], bool]) -> list[str]:
        return [step for step in self.steps if all(map(offered, tools_of(step)))]


def writes(tools: Sequence[str]) -> bool:
    """Whether any of them changes something."""
    return any(not tool.startswith(READS) for tool in tools)


def tools_of(step: str) -> list[str]:
    """The tools that a step names."""
    return [name for _, name, _, _ in string.Formatter().parse(step) if name]


def _named(step: str) -> str:
    return step.format_map({name: name for name in tools_of(step)})


def offered(offers: Callable[[str], bool]) -> list[PromptEntry]:
    """The prompts whose tools a server offers, in their order."""
    from taskip_mcp.prompts.table import PROMPTS

    return [entry for entry in PROMPTS if all(map(offers, entry.needs))]


# --- what a client gets -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Embedded:
    """A resource inside a message: JSON text under its address."""

    uri: str
    text: str
    mime_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt."""

    content: str | Embedded
    role: Literal["user", "assistant"] = "user"


async def build(backend: Backend, name: str, arguments: Mapping[str, str] | None = None) -> list[Message]:
    """The messages of a prompt, with data of this moment.

    What could not be read is told in the text. Raises `ArgumentError` for a prompt or an argument that there is not,
    and for a value that is far too long.
    """
    from taskip_mcp.prompts import building

    return await building.build(backend, name, arguments or {})
