"""Why a name cannot be used, in words: which records there are, and what is called so instead. Pure functions.

The words are ours, the caller's and ids. What others call their records stands beside them, in `Problem.candidates`;
only the names that the workspace alone gives are told in the words.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from taskip_mcp import errors, kinds, outside, redact
from taskip_mcp import operation as operations
from taskip_mcp.kinds import FULL, KINDS, PERSON, Kind
from taskip_mcp.named import Name
from taskip_mcp.wire import JsonObject

CLOSE, CANDIDATES, ALL = 5, 10, 12
"""Close names, records of one name, and records of a short list, as an error tells them."""

WIDE = 191
"""Signs of a name that are searched for: more than TaskIP's names have."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A name among the arguments: where it stands, and within what it is looked for."""

    name: Name
    where: str
    scope: Any

    @property
    def kind(self) -> Kind:
        """What it names."""
        return KINDS[self.name.kind]

    @property
    def key(self) -> tuple[str, ...]:
        """The same for all that come to the same record."""
        return self.name.kind, str(self.name), str(self.name.number), str(self.scope)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look for a name came to: the records that have it, and all that were looked at."""

    kind: Kind
    matches: list[JsonObject]
    looked: list[JsonObject]
    complete: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a name cannot be used, and what may be meant, each candidate as it is shown, with the word for its kind.

    `absent` tells that no record is called so, for certain.
    """

    words: str
    candidates: tuple[JsonObject, ...] = ()
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A name that no record has, and where it was looked for."""

    asked: Asked
    found: Found


def ids_of(asked: Asked, row: JsonObject) -> list[Any]:
    """The identifiers that a row shows, the best one first."""
    return [row[name] for name in kinds.ids(asked.kind, row)]


def identifier(asked: Asked, row: JsonObject) -> int | str | None:
    """What the parameter takes; None where the list shows nothing of the sort."""
    shown = [str(each) for each in ids_of(asked, row)]
    if asked.name.number:
        return next((int(each) for each in shown if each.isdecimal()), None)
    return shown[0]


# --- words ------------------------------------------------------------------------------------------------


def none(
    asked: Asked, found: Found, more: Problem = Problem(""), offers: Callable[[str], bool] = lambda tool: True
) -> Problem:
    """No record is called so; `more` may tell what is. `offers` tells which tools may be named."""
    lister = operations.find(asked.kind.contract).name
    told, rows = "Close", _close(asked, found)[:CLOSE]
    if asked.kind.short and found.complete and len(found.looked) <= ALL:
        told, rows = asked.kind.words.capitalize(), found.looked
    listed = ", ".join(_label(asked, row) for row in rows)
    return Problem(
        f"{asked.where}: no {asked.kind.word} is called '{quoted(asked.name)}'.{more.words}"
        + (f" {told}: {listed}." if listed else "")
        + (f" Only {_looked(found)}." if not found.complete else "")
        + (f" Take the id from {lister}." if offers(lister) else ""),
        (*_candidates(asked, rows), *more.candidates),
        absent=found.complete,
    )


def several(asked: Asked, found: Found) -> Problem:
    """More than one record is called so, or may be."""
    count, kind = len(found.matches), asked.kind
    called = f"1 {kind.word} is" if count == 1 else f"{count} {kind.words} are"
    listed = ", ".join(_label(asked, row) for row in found.matches[:CANDIDATES])
    return Problem(
        f"{asked.where}: {called} called '{quoted(asked.name)}': {listed}"
        + (", ..." if count > CANDIDATES else "")
        + (f"; only {_looked(found)}, so that there may be more" if not found.complete else "")
        + ". Give the id.",
        _candidates(asked, found.matches[:CANDIDATES]),
    )


def other(asked: Asked, found: Found, identifier: str) -> Problem:
    """``Name (id)`` is the whole name of records with another id: who is called so wants to be taken for somebody."""
    listed = ", ".join(_label(asked, row) for row in found.matches[:CANDIDATES])
    return Problem(
        f"{asked.where}: '{quoted(asked.name)}' is not how {asked.kind.word} {identifier} is shown, but all of another"
        f" name: {listed}. Give the id.",
        _candidates(asked, found.matches[:CANDIDATES]),
    )


def no_id(asked: Asked, row: JsonObject) -> Problem:
    """What looks like an identifier is none, but a name."""
    return Problem(
        f"{asked.where}: '{quoted(asked.name)}' is no id, it is the name of {asked.kind.word}"
        f" {quoted(identifier(asked, row))}. Give the id."
    )


def firm(company: JsonObject, missed: Unmatched, way: str) -> Problem:
    """It is a company that is called so, which way there is with it, and who of the contacts belongs to it."""
    people = [
        row
        for row in missed.found.looked
        if isinstance(row.get("company"), dict) and row["company"].get("id") == company["id"]
    ]
    more = f" and {len(people) - CLOSE} more" if len(people) > CLOSE else ""
    told = [way] if way else []
    listed = ", ".join(str(row["id"]) for row in people[:CLOSE])
    told += [f"its contacts: {listed}{more}"] if people else []
    words = "; ".join(told) or "give one of its contacts"
    return Problem(
        f" Company {company['id']} is called so: {words}.", _candidates(missed.asked, people[:CLOSE])
    )


def shown(problems: Sequence[Problem]) -> JsonObject | None:
    """The candidates of all problems, each once; their kind is told where there are several."""
    each = list(
        {(row["kind"], row["id"]): row for problem in problems for row in problem.candidates}.values()
    )
    if len({row["kind"] for row in each}) == 1:
        each = [{name: value for name, value in row.items() if name != "kind"} for row in each]
    return {"candidates": each} if each else None


def _looked(found: Found) -> str:
    why = f" ({quoted(found.reason, 120)})" if found.reason else ""
    return f"{len(found.looked)} {found.kind.words} were looked at{why}"


def _close(asked: Asked, found: Found) -> list[JsonObject]:
    """Records with a similar name, and with one that has this in it. None is ever selected for that."""
    kind, wanted = asked.kind, kinds.key(asked.name)
    known: dict[str, JsonObject] = {}
    for row in found.looked:
        mail = [str(row[name]) for name in kind.emails if kinds.is_email(kind, asked.name) and row.get(name)]
        for name in mail or kinds.names(kind, row):
            known.setdefault(kinds.key(name), row)
    near = difflib.get_close_matches(wanted[:WIDE], known, n=CLOSE)
    near += [name for name in known if wanted in name]
    return list({id(known[name]): known[name] for name in near}.values())


def _label(asked: Asked, row: JsonObject) -> str:
    """What to give instead; of records that the workspace names, with the name and what tells them apart."""
    number = quoted(identifier(asked, row) or "(no id)")
    if not asked.kind.ours:
        return number
    told = [number, *(quoted(_told(row[name])) for name in asked.kind.shown if row.get(name))]
    return f"{quoted(next(kinds.names(asked.kind, row), ''))} ({', '.join(told)})"


def _candidates(asked: Asked, rows: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    """Records as they are shown beside the words, where others may have named them or what they belong to."""
    return () if asked.kind.ours else tuple(_candidate(asked, row) for row in rows)


def _candidate(asked: Asked, row: JsonObject) -> JsonObject:
    told = {"name": next(kinds.names(asked.kind, row), "")}
    told |= {name: _told(row[name]) for name in asked.kind.shown if row.get(name)}
    texts = {name: outside.Foreign(quoted(value)) for name, value in told.items() if value}
    return {"id": identifier(asked, row), "kind": asked.kind.word} | texts


def _told(value: Any) -> Any:
    """A field in a word or two: of a person or firm the name, of several the first."""
    if isinstance(value, list):
        return _told(cast("list[Any]", value)[0]) if value else ""
    if isinstance(value, dict):
        row = cast("JsonObject", value)
        name = next((row[each] for each in FULL if row.get(each)), "")
        return name or " ".join(str(row[part]) for part in PERSON if row.get(part))
    return value


def quoted(value: Any, most: int = 60) -> str:
    """Others' text on one line: without secrets, characters that nobody sees, or more than a name needs."""
    return errors.legible(redact.clean(" ".join(outside.clean(str(value)).split())), most)
