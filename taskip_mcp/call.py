"""`Call`: an operation's own routes bound to the shared client. It is all that a group module talks to."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from taskip_mcp import errors, wire
from taskip_mcp import operation as operations
from taskip_mcp.client import Passage, Request, TaskipClient, Upload
from taskip_mcp.identifiers import Identifiers
from taskip_mcp.lookups import Lookups
from taskip_mcp.merge import Readback, merged
from taskip_mcp.operation import Effect, Operation, Route
from taskip_mcp.results import Page, Record, Written, written
from taskip_mcp.routes import RouteBook
from taskip_mcp.seal import Sealer
from taskip_mcp.wire import Answer, JsonObject
from taskip_mcp.writelog import Confirmation, Event, WriteLog

if TYPE_CHECKING:
    from taskip_mcp.events import EventStore
    from taskip_mcp.files import Files

CONTROL = frozenset({"confirm", "confirm_code", "allow_duplicate", "clear", "extra"})
"""Parameters that steer a call and are never sent as fields."""

State = Literal["unsent", "accepted", "unclear"]
"""What is known of a write by its answer: ``unclear`` is one that neither accepts nor refuses."""

Body = Mapping[str, Any] | Callable[[Route], Mapping[str, Any]]


class InexpressibleError(Exception):
    """Raised by a body builder: this route cannot carry these parameters."""

    def __init__(self, *parameters: str) -> None:
        super().__init__(", ".join(parameters))
        self.parameters = parameters


def fields_of(operation: Operation, arguments: Mapping[str, Any]) -> JsonObject:
    """The arguments that are fields to send, as JSON values: neither None, nor of the path, nor control."""
    return {
        name: wire.jsonable(value)
        for name, value in arguments.items()
        if value is not None and name not in CONTROL.union(operation.path)
    }


class Backend:
    """What all calls of one API key share."""

    def __init__(
        self, client: TaskipClient, book: RouteBook, files: Files, log: WriteLog | None = None
    ) -> None:
        self.client = client
        settings = client.settings
        self.log = log or WriteLog(settings.state_folder, client.account, client.clock, settings.journal_days)
        self.sealer = Sealer(client.settings, client.account)
        self.book = book
        self.files = files
        self.lookups = Lookups()
        self.selected: frozenset[str] | None = None
        """Names of the tools that the settings left; None for all."""
        self.identifiers = Identifiers()

    def offers(self, tool: str) -> bool:
        """Whether a tool may be run: by itself, as the rest of a job, or to take a change back."""
        return self.selected is None or tool in self.selected

    @cached_property
    def events(self) -> EventStore:
        """What was reported by webhook; opened when it is first asked for. Raises `StateError`."""
        from taskip_mcp.events.store import opened

        return opened(self.client)

    async def aclose(self) -> None:
        """Close connections and files."""
        await self.client.aclose()
        if "events" in self.__dict__:
            await self.events.aclose()
        self.log.close()

    async def identifier(self, group: str, parameter: str, value: Any, kinds: Sequence[str]) -> Any:
        """`value` as the kind of identifier that a route wants; reads the record when it is the other kind.

        A record's uuid never changes, so what was read once is kept.
        """
        given = "id" if str(value).isdigit() else "uuid"
        if given in kinds:
            return value
        reader = operations.reader_of(parameter)
        # A list that stands in for a read (conversations) cannot turn one identifier into the other.
        if reader is None or parameter not in {name for name, _ in reader.reference.placeholders}:
            return value
        known = self.identifiers.find(parameter, value, kinds[0])
        if known is None:
            record = await Call(self, reader, {parameter: value}).record(resolving=True)
            if record.get(kinds[0]) in {None, ""}:
                raise errors.UnsupportedError(
                    f"{parameter}: TaskIP wants the {kinds[0]} of the {group} here and the record does not show"
                    f" one. Nothing was sent. Take the {kinds[0]} from a list."
                )
            self.identifiers.learn(parameter, value, record)
            known = str(record[kinds[0]])
        return known

    def identified(self, reader: Operation, parameter: str, value: Any, record: Mapping[str, Any]) -> None:
        """Keep the other identifier of a record that was read anyway."""
        if parameter in {name for name, _ in reader.reference.placeholders}:
            self.identifiers.learn(parameter, value, record)


class Call:
    """One call of one operation with validated arguments.

    ``given`` are the fields to send: the arguments that are neither None, nor part of the path, nor control
    parameters, as JSON values. Reads send them as query parameters, writes as the JSON body.
    """

    def __init__(
        self, backend: Backend, operation: Operation, arguments: Mapping[str, Any], *, job: str = "",
        again: bool = False, confirmation: Confirmation | None = None,
    ) -> None:  # fmt: skip
        """`job` is the bulk job that the call is a part of; `again` sends it even if it is a repetition."""
        self.confirmation = confirmation or Confirmation()
        self.before: JsonObject = {}
        """What was there before the write, for the journal."""
        self.seen: dict[str, Any] = {}
        """What this call has read, so that it reads nothing twice before it writes."""
        self.reads = 0
        self.backend = backend
        self.operation = operation
        self.arguments = dict(arguments)
        self.job, self.again = job, again
        self.passage: Passage | None = None
        self.words = ""
        self.state: State = "unsent"
        self.left_at = 0.0
        self.closed: Event | None = None
        """How the log closed it."""
        self._entry = ""
        self.given = fields_of(operation, arguments)

    # --- sending ------------------------------------------------------------------------------------------

    async def __call__(
        self,
        *,
        body: Body | None = None,
        query: Mapping[str, Any] | None = None,
        path: Mapping[str, Any] | None = None,
        uploads: Sequence[Upload] = (),
        resolving: bool = False,
    ) -> Answer:
        """Send over the first route that exists.

        Without `body` and `query` the given fields are sent. `body` may be a function of the route where the
        documents name fields differently; it raises `InexpressibleError` for a route that cannot carry them.
        `path` holds the values of computed placeholders. `resolving` marks a read that looks up an identifier,
        so that it does not look itself up.
        """
        self.arguments |= path or {}
        stuck: list[str] = []
        refused: list[Route] = []
        nameless: errors.UnsupportedError | None = None
        for route in self.backend.book.candidates(self.operation):
            try:
                fields = self._fields(route, body)
                request = await self._request(route, fields, query, uploads, resolving)
                self._note()
            except InexpressibleError as error:
                stuck += error.parameters
                continue
            except errors.UnsupportedError as error:
                nameless = error  # the record shows no uuid; another route may take the id
                continue
            answer = await self._try(route, request)
            if isinstance(answer, Answer):
                self.state = "accepted"
                return answer
            refused.append(route)
        raise nameless or self._no_route(refused, stuck)

    def _note(self) -> None:
        """Into the write log, before anything leaves; raises `Duplicate` for a repetition."""
        if self.operation.effect is Effect.READ or self._entry:
            return
        guard = self.operation.guards(self.arguments) and not self.again and not self.job
        self.left_at = self.backend.client.clock.now()
        self._entry = self.backend.log.begin(
            self.operation.contract,
            self.arguments,
            guard=guard,
            job=self.job,
            confirmation=self.confirmation,
            before=self.before,
            same=self.backend.identifiers.forms(self.operation, self.arguments),
        )

    def close(self, event: Event, detail: Mapping[str, Any]) -> str:
        """What came of the write, into the log, unless it was never begun or is closed; returns its name there."""
        write, self._entry = self._entry, ""
        if write:
            self.closed = event
            self.backend.log.end(write, event, detail)
            self.backend.lookups.forget(self.operation.group)
        return write

    async def _try(self, route: Route, request: Request) -> Answer | None:
        """The answer over this route, None if TaskIP does not have the route, the error otherwise."""
        book = self.backend.book
        try:
            answer = await self.backend.client.send(request)
        except (errors.ConflictError, errors.InvalidError):
            book.worked(self.operation, route)
            raise
        if isinstance(answer, Answer):
            book.worked(self.operation, route)
            return answer
        alone = len(self.operation.routes) == 1
        absence = answer.absence
        if absence == "open":
            absence = "record" if alone or await self._route_exists(route) else "route"
        if absence == "record":
            book.worked(self.operation, route)
            raise answer.error
        book.refused(route)
        return None

    async def _route_exists(self, route: Route) -> bool:
        """Decide an unclear 404 with reads alone: does the family's list live, and is the record there?

        No list: the whole family lives elsewhere. The record is there, or none is named: what is missing is the
        route. The record is missing too: the 404 was about the record.
        """
        lister = operations.find(f"{self.operation.group}.list")
        own = self.operation.routes[0].placeholders
        reader = operations.reader_of(own[-1][0], self.operation.group) if own else None
        with self._before_or_after():
            if lister is not self.operation and not await self._answers(lister, route):
                return False
            if reader is None or lister is self.operation:
                return False
            return reader is self.operation or not await self._answers(reader, route)

    async def _answers(self, other: Operation, like: Route) -> bool:
        """Whether a read of the same document answers; False for a 404 or 405, other failures are raised."""
        route = next((each for each in other.routes if each.origin == like.origin), other.reference)
        call = Call(self.backend, other, self.arguments)
        limit = {"limit": 1} if other.contract.endswith(".list") else {}
        request = await call._request(route, None, limit, (), resolving=True)
        return isinstance(await self.backend.client.send(request), Answer)

    def _fields(self, route: Route, body: Body | None) -> JsonObject | None:
        if body is None:
            if route.method == "GET":
                return None
            # POST and PUT have a JSON body, if an empty one (also the reads by POST); a DELETE only with fields.
            return self.given or ({} if route.method in {"POST", "PUT"} else None)
        fields = body(route) if callable(body) else body
        return cast("JsonObject", wire.jsonable(fields))

    async def _request(
        self,
        route: Route,
        body: JsonObject | None,
        query: Mapping[str, Any] | None,
        uploads: Sequence[Upload],
        resolving: bool,
    ) -> Request:
        values: JsonObject = {}
        for name, kinds in route.placeholders:
            value = self.arguments[name]
            if not (resolving and name in self.operation.reads):
                with self._before_or_after():
                    value = await self.backend.identifier(self.operation.group, name, value, kinds)
            values[name] = value
        fields = query if query is not None else (self.given if route.method == "GET" else {})
        return Request(
            operation=self.operation.contract,
            method=route.method,
            path=wire.build_path(route.path, values),
            query=wire.query_text(fields),
            body=body,
            uploads=uploads,
            passage=self.passage,
            writes=self.operation.effect is not Effect.READ,
        )

    def _no_route(self, refused: Sequence[Route], stuck: Sequence[str]) -> errors.TaskipError:
        if stuck:
            names = ", ".join(dict.fromkeys(stuck))
            return errors.UnsupportedError(
                f"No route that this TaskIP offers can carry {names}. Nothing was changed. Leave {names} out if the"
                " call means the same without, or do this on the TaskIP website."
            )
        tried = ", ".join(route.endpoint for route in refused)
        return errors.RouteError(
            f"This TaskIP has no route for {self.operation.name} (tried {tried})",
            operation=self.operation.contract,
            status=404,
            outcome="read" if self.operation.effect is Effect.READ else "unchanged",
        )

    # --- answers in the shapes that the model reads ---------------------------------------------------------

    async def record(self, key: str = "data", **sending: Any) -> Record:
        """Send and return the one record of the answer."""
        answer = await self(**sending)
        return self.one(answer, key)

    async def rows(self, key: str = "data", *, paged: bool = True, **sending: Any) -> Page:
        """Send and return the rows; `paged=False` for lists that have no pages."""
        answer = await self(**sending)
        if not wire.holds_rows(answer.payload, key):
            raise errors.UnreadableError(
                "TaskIP answered without the list", operation=self.operation.contract, status=answer.status
            )
        return self.page(answer, key, paged=paged)

    def page(self, answer: Answer, key: str = "data", *, paged: bool = False) -> Page:
        """The rows inside an answer."""
        asked = (self.arguments.get("page") or 1) if paged else None
        return wire.page_of(answer.payload, key, asked=asked, limit=self.arguments.get("limit"))

    async def write(self, done: str, *, key: str = "data", id: Any = None, **sending: Any) -> Written:
        """Send a write and report it: `done` in words, the id, and the record or else the fields that were sent.

        The words are ours: TaskIP's messages report other operations at times (contract quirk 26).
        """
        self.words = done
        answer = await self(**sending)
        return written(done, id=id, record=wire.record_of(answer.payload, key), sent=self.partial())

    def one(self, answer: Answer, key: str = "data") -> Record:
        """The record inside an answer; an answer without one is an error, not an empty record."""
        record = wire.record_of(answer.payload, key)
        if record is not None:
            return record
        raise errors.UnreadableError(
            "TaskIP answered without the record",
            operation=self.operation.contract,
            status=answer.status,
            outcome="read" if self.operation.effect is Effect.READ else "unknown",
        )

    # --- helpers of operations that need more than one request ----------------------------------------------

    async def read(self, contract: str, **arguments: Any) -> Any:
        """Run another operation, which must be a read, and return its result.

        Until the write leaves the same read is made once; what comes after it is to show what the write did.
        """
        other = operations.find(contract)
        if other.effect is not Effect.READ:
            raise ValueError(f"{contract} is not a read")
        fresh = self.state != "unsent" or bool(self._entry) or self.closed is not None
        key = json.dumps([contract, wire.jsonable(arguments)], sort_keys=True, default=str)
        if fresh or key not in self.seen:
            self.reads += 1
            with self._before_or_after():
                self.seen[key] = await other.function(Call(self.backend, other, arguments), **arguments)
        return self.seen[key]

    @contextmanager
    def _before_or_after(self) -> Generator[None]:
        """A read that fails on the way of a write tells what that means for the write."""
        try:
            yield
        except errors.ApiError as error:
            if self.operation.effect is not Effect.READ and error.outcome == "read":
                error.outcome = "unchanged" if self.state == "unsent" else "unknown"
            raise
        except (errors.BudgetError, errors.StateError) as error:
            if self.operation.effect is Effect.READ or self.state == "unsent":
                raise
            # "Nothing was sent" is true of this read alone.
            reason = str(error).partition(". ")[0]
            raise errors.ApiError(
                f"TaskIP answered, but what it did could not be read back: {reason}",
                operation=self.operation.contract,
                outcome="unknown",
            ) from None

    def merge(self, record: Record, back: Readback) -> JsonObject:
        """The full body of an update that replaces: the record's own values under what was given.

        See `taskip_mcp.merge.merged`.
        """
        return merged(record, self.given, back, cast("list[str]", self.arguments.get("clear") or []))

    def partial(self) -> JsonObject:
        """The body of an update that is partial: what was given, and null for what is to be cleared."""
        return self.given | dict.fromkeys(cast("list[str]", self.arguments.get("clear") or []))
