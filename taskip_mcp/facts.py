"""What is known of an operation beyond its route: where a write shows, how it is taken back, what goes with it.

Declared beside the operation in its group; used by the look after a lost answer, the gate and the undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskip_mcp.errors import ArgumentError

Arguments = Mapping[str, Any]
Record = dict[str, Any]

Back = Callable[[Record], Any]
"""A record -> the value of one argument that would set it so; None where the field was empty.

Raises `merge.UnmappableError` where the record shows the field in a way that cannot be sent back; the record itself
raises it for a field that it lacks, as that one need not have been empty.
"""

Follows = Callable[[Arguments, Record], Iterable[str]]
"""(arguments, the record as it is) -> sentences on what follows, for the preview; pure."""

Check = Callable[[Arguments], None]
"""Raises `errors.ArgumentError` for arguments that do not go together; pure."""


def needs(choice: str, needed: Mapping[str, Sequence[str]]) -> Check:
    """The check that a value of `choice` comes with the arguments that it needs."""

    def check(arguments: Arguments) -> None:
        value = str(arguments.get(choice))
        missing = [name for name in needed.get(value, ()) if arguments.get(name) is None]
        if missing:
            raise ArgumentError(f"{', '.join(missing)}: required with {choice} {value}. Nothing was sent.")

    return check


@dataclass(frozen=True, slots=True)
class Found:
    """Where a record shows that a create made, and by what one knows it. Used when the answer was lost.

    `read` is the contract id of a read that shows it: a list, or a record with `rows` inside. `match` maps arguments to
    fields of a row, `query` parameters of the read to arguments or, behind ``=``, to fixed values. `age` is the field
    that tells when the row was made; `unique` says that no two records of the workspace share what is matched. Fields
    may be dotted.
    """

    read: str
    match: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    rows: str = ""
    age: str = ""
    unique: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverse:
    """How a write is taken back, from the record as it was before.

    `contract` is the operation that does it; empty: the operation itself. `back` maps its arguments to functions of
    the record; `keep` names arguments that are taken over as they were. Of `back` only what the write gave or cleared
    is put back, with `whole` everything. `left` maps arguments of the inverse to those of the write where the names
    differ, or to a fixed value behind ``=``: it tells what the write left there; ``=`` alone, that nobody knows.

    `each` is the parameter that takes each id of a bulk call. `read` is the contract id of the read that shows the
    state before, where that is not the record named by the last identifier of the path. With `rows` the records are
    inside the state (or the record), under that name; each of them is put back, of a bulk call those of its ids.
    `remake`: it makes a new record, so it is only offered, never carried out by itself. `lost` says in words what does
    not come back.
    """

    back: Mapping[str, Back] = field(default_factory=lambda: dict[str, Back]())
    contract: str = ""
    keep: tuple[str, ...] = ()
    whole: bool = False
    left: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    each: str = ""
    read: str = ""
    rows: str = ""
    remake: bool = False
    lost: str = ""


Undo = Callable[[Arguments], Inverse | None]
"""The inverse of a write with these arguments; None where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """Records that a delete takes with it: counted in the preview, kept in the journal.

    `read` is the contract id of the list that shows them, `query` its arguments (names of the delete's arguments, or
    fixed values behind ``=``). `belongs` tells of a row whether it goes with one of the targets; it also gets the
    children that were found before, by their `words`. With `rows` the records are inside the rows, under that name.
    """

    words: str
    read: str
    query: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    belongs: Callable[[Record, Sequence[Record], Mapping[str, Sequence[Record]]], bool] | None = None
    rows: str = ""
