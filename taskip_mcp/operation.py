"""What an operation is: one row of the API reference, one typed function, and the facts policy needs.

A group module declares each operation with `@operation`; everything else (schemas, annotations, the gate,
routes, documentation) follows from the `Operation` that is registered here.

Route templates name the parameter and the identifier that TaskIP wants in its place:
``/support-ticket/reply/{ticket_id:uuid}``. The part after the colon is the placeholder of the API reference, so
``/ticket/{ticket_id:id}`` is the reference's ``/ticket/{id}``. ``{project_id:id|uuid}`` takes either.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from taskip_mcp.facts import Arguments, Check, Child, Follows, Found, Inverse, Undo

GROUPS: tuple[str, ...] = (
    "contact",
    "company",
    "team_member",
    "invoice",
    "quotation",
    "ticket",
    "document",
    "project",
    "task",
    "task_label",
    "task_file",
    "discussion",
    "container",
    "project_attribute",
    "pipeline",
    "deal",
    "stage",
    "meeting",
    "inbox",
)
"""The sections of the API reference, in its order; each is a module of `taskip_mcp.groups`."""

OWN_GROUP = "server"
"""The group of the tools that are no operations of TaskIP (module `taskip_mcp.own`)."""

Origin = Literal["reference", "guide", "swagger"]
Function = Callable[..., Coroutine[Any, Any, Any]]

PLACEHOLDER = re.compile(r"\{(\w+):([\w|]+)\}")


class Effect(StrEnum):
    """What an operation does to TaskIP; exactly one each."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SEND = "send"
    BULK = "bulk"


class Consequence(StrEnum):
    """What the gate acts on; a set each call, possibly empty."""

    DELETE = "delete"
    BULK = "bulk"
    SEND = "send"
    MONEY = "money"
    ACCESS = "access"


BY_EFFECT: Mapping[Effect, frozenset[Consequence]] = {
    Effect.DELETE: frozenset({Consequence.DELETE}),
    Effect.SEND: frozenset({Consequence.SEND}),
    Effect.BULK: frozenset({Consequence.BULK}),
}

REPEATABLE = frozenset({Effect.READ, Effect.UPDATE, Effect.DELETE, Effect.BULK})

Judge = Callable[[Arguments], Iterable[Consequence]]


@dataclass(frozen=True, slots=True)
class Route:
    """One documented way to call an operation."""

    method: str
    path: str
    origin: Origin

    @property
    def placeholders(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(parameter, identifier kinds) in the order of the path."""
        return tuple((name, tuple(kinds.split("|"))) for name, kinds in PLACEHOLDER.findall(self.path))

    @property
    def endpoint(self) -> str:
        """``METHOD /path`` with the placeholders of the API reference."""
        return f"{self.method} " + PLACEHOLDER.sub(
            lambda found: "{" + found[2].split("|")[0] + "}", self.path
        )


def parse_route(text: str, origin: Origin) -> Route:
    """`"GET /contact/{contact_id:id}"` -> `Route`."""
    method, _, path = text.partition(" ")
    if method not in {"GET", "POST", "PUT", "DELETE"} or not path.startswith("/"):
        raise ValueError(f"not a route: {text!r}")
    if "{" in PLACEHOLDER.sub("", path):
        raise ValueError(f"a placeholder without an identifier kind: {text!r}")
    return Route(method, path, origin)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tool:
    """What every tool has: a typed function, its effect, and the consequences that some arguments have.

    `marked` is for tools of the server that read records of TaskIP: their results come with outsiders' text marked.
    """

    function: Function
    effect: Effect
    possible: frozenset[Consequence] = frozenset()
    idempotent: bool = True
    judge: Judge | None = None
    marked: bool = False

    @property
    def name(self) -> str:
        """The tool's name: the function's."""
        return self.function.__name__

    @property
    def title(self) -> str:
        """The name in words."""
        words = self.name.replace("_", " ")
        return (words[0].upper() + words[1:]).replace("pdf", "PDF")

    @property
    def description(self) -> str:
        """The function's docstring, unwrapped: what the model reads."""
        return " ".join(inspect.cleandoc(self.function.__doc__ or "").split())

    @property
    def gated(self) -> bool:
        """Whether some arguments have consequences, so that the tool carries `confirm`."""
        return bool(self.possible)

    @property
    def guarded(self) -> bool:
        """Whether a repetition would do it twice, so that the tool carries `allow_duplicate`."""
        return False

    def consequences(self, arguments: Arguments) -> frozenset[Consequence]:
        """What these arguments would set off; pure."""
        if self.judge is None:
            return self.possible
        found = frozenset(self.judge(arguments))
        if not found <= self.possible:
            raise ValueError(f"{self.name}: {found - self.possible} is not declared")
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation(Tool):
    """One row of the API reference, as the rest of the program sees it.

    `routes` are in the order in which they are tried. `reads` names the parameters whose record this operation
    returns; `warns` is what happens outside the record, in words for the preview. `found` and `shows` tell where
    one sees what a write did, `chunk` the list of ids by which a bulk call may be cut. `undo` tells how a write is
    taken back, `children` what a delete takes with it, `follows` what comes of a call beside the change itself.
    `check` refuses arguments that do not go together.
    """

    contract: str
    reference: Route
    routes: tuple[Route, ...]
    reads: tuple[str, ...] = ()
    warns: str = ""
    found: Found | None = None
    shows: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    chunk: str = ""
    undo: Undo | None = None
    children: tuple[Child, ...] = ()
    follows: Follows | None = None
    check: Check | None = None

    @property
    def group(self) -> str:
        """The group that the contract id names."""
        return self.contract.partition(".")[0]

    @property
    def guarded(self) -> bool:
        """See `Tool.guarded`: creates, messages, payments, and bulk calls of any of these.

        Other updates are not: set, set back and set again is a sequence that people mean.
        """
        made = self.effect in {Effect.CREATE, Effect.SEND, Effect.BULK} or Consequence.MONEY in self.possible
        return made and not self.idempotent

    @property
    def path(self) -> list[str]:
        """The parameters that its routes have in their paths; the last one names the record."""
        return [name for route in self.routes for name, _ in route.placeholders]

    def inverse(self, arguments: Arguments) -> Inverse | None:
        """How a write with these arguments is taken back; None where it cannot be."""
        return self.undo(arguments) if self.undo else None

    def guards(self, arguments: Arguments) -> bool:
        """Whether a repetition with these arguments would do it twice; of updates only those that move money."""
        return self.guarded and (
            self.effect is not Effect.UPDATE or Consequence.MONEY in self.consequences(arguments)
        )


_registry: dict[str, Operation] = {}


def operation(
    contract: str,
    reference: str,
    effect: Effect,
    *,
    guide: str | None = None,
    swagger: str | None = None,
    possible: Iterable[Consequence] | None = None,
    judge: Judge | None = None,
    idempotent: bool | None = None,
    reads: str | tuple[str, ...] = (),
    warns: str = "",
    computed: Iterable[str] = (),
    found: Found | None = None,
    shows: Mapping[str, str] | None = None,
    chunk: str = "",
    undo: Inverse | Undo | None = None,
    children: Iterable[Child] = (),
    follows: Follows | None = None,
    check: Check | None = None,
) -> Callable[[Function], Function]:
    """Register a typed function as an operation.

    `guide` is a differing route of the guides: the contract calls it the likely live one wherever it differs, so
    it is tried first. `swagger` is a further candidate, tried after the reference route. `possible` holds the
    consequences that some arguments have (default: those of the effect) and `judge` tells which these have.
    `idempotent` (an identical second call leaves the same state) is stated where the effect does not tell it.
    `computed` names placeholders that are no parameter: the function passes them as `path` of the call.
    `found` tells where a create shows (see `Found`). `shows` maps arguments of an update to the fields of the record
    that show them where the names differ: dotted, with ``+`` before a list that then holds the value, ``-`` before one
    that does not. `chunk` names the parameter with the ids of a bulk call. `undo` is the inverse, or a function of the
    arguments that gives it; `children` and `follows` are for the preview and the journal of what goes with it. `check`
    raises `ArgumentError` for what needs no request to be refused: it runs before anything is shown or asked.
    """
    routes = [parse_route(reference, "reference")]
    if guide:
        routes.insert(0, parse_route(guide, "guide"))
    if swagger:
        routes.append(parse_route(swagger, "swagger"))

    def register(function: Function) -> Function:
        made = Operation(
            contract=contract,
            effect=effect,
            reference=next(route for route in routes if route.origin == "reference"),
            routes=tuple(routes),
            function=function,
            possible=BY_EFFECT.get(effect, frozenset()) if possible is None else frozenset(possible),
            judge=judge,
            idempotent=effect in REPEATABLE if idempotent is None else idempotent,
            reads=(reads,) if isinstance(reads, str) else reads,
            warns=warns,
            found=found,
            shows=dict(shows or {}),
            chunk=chunk,
            undo=_always(undo) if isinstance(undo, Inverse) else undo,
            children=tuple(children),
            follows=follows,
            check=check,
        )
        _check(made, frozenset(computed))
        _registry[made.name] = made
        return function

    return register


def _always(inverse: Inverse) -> Undo:
    return lambda _: inverse


def _check(made: Operation, computed: frozenset[str]) -> None:
    """Refuse what would only show at the first call."""
    parameters = inspect.signature(made.function).parameters
    for route in made.routes:
        for name, _ in route.placeholders:
            if name not in parameters and name not in computed:
                raise ValueError(f"{made.name}: {route.endpoint} wants {name}, which is no parameter")
    known = _registry.get(made.name)
    if known and known.function.__module__ != made.function.__module__:
        raise ValueError(f"{made.name} is declared twice")
    if known and known.contract != made.contract:
        raise ValueError(f"{made.name} is declared for {known.contract} and {made.contract}")
    if next(iter(parameters), None) != "call":
        raise ValueError(f"{made.name}: the first parameter is call")


def load_group(group: str) -> None:
    """Import the module of one group; its operations register themselves."""
    importlib.import_module(f"taskip_mcp.groups.{group}")


def load_all() -> dict[str, Operation]:
    """Every operation by name, in the order of the API reference."""
    for group in GROUPS:
        load_group(group)
    order = {group: index for index, group in enumerate(GROUPS)}
    return dict(sorted(_registry.items(), key=lambda item: order[item[1].group]))


def find(contract: str) -> Operation:
    """The operation of a contract id; imports its group."""
    load_group(contract.partition(".")[0])
    for candidate in _registry.values():
        if candidate.contract == contract:
            return candidate
    raise LookupError(contract)


def by_name(name: str, group: str) -> Operation:
    """The operation behind a tool name; imports its group."""
    load_group(group)
    return _registry[name]


def reader_of(parameter: str, group: str | None = None) -> Operation | None:
    """The operation that returns the record which `parameter` names, if TaskIP has one."""
    for candidate in load_all().values():
        if parameter in candidate.reads and group in {None, candidate.group}:
            return candidate
    return None


def parameters(contract: str) -> list[str]:
    """The parameters of an operation's function."""
    return list(inspect.signature(find(contract).function).parameters)[1:]
