"""`build_server`: tools and resources over one shared backend."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server import MCPServer

from taskip_mcp import (
    __version__,
    caps,
    instructions,
    prompts,
    protocol,
    register,
    resources,
    schemas,
    seal,
    turn,
)  # fmt: skip
from taskip_mcp.caller import NOBODY, Caller
from taskip_mcp.clock import Clock
from taskip_mcp.events import Heard
from taskip_mcp.events.updates import Again, Watched, follow
from taskip_mcp.policy import Mode
from taskip_mcp.settings import Settings
from taskip_mcp.subscriptions import Subscriptions

if TYPE_CHECKING:
    import httpx
    from anyio.abc import TaskGroup

    from taskip_mcp import completions
    from taskip_mcp.call import Backend
    from taskip_mcp.finder import Finder
    from taskip_mcp.show import Answer

logger = logging.getLogger(__name__)

ABOUT = "This server: version, live or sandbox, routes in use."
BUDGET = "Requests that the API key has left in each rate window."


class App:
    """The backend, opened on the first call so that starting costs nothing."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        """`transport` replaces the network, `clock` the time; tests and benchmarks come in there."""
        self.settings = settings
        self.clock = clock or Clock()
        self.backend: Backend | None = None
        self.offered = 0
        """Tools that a client sees."""
        self.selected: frozenset[str] | None = None
        """Names of the tools that can be run; None for all."""
        self.watched = Watched(self.clock.now)
        """Resources that clients want to hear of."""
        self.subscriptions = Subscriptions(self.watched)
        self._again = Again(self.watched, self.subscriptions.publish)
        self._transport = transport
        self._beside: TaskGroup | None = None

    def open(self) -> Backend:
        """The one backend of this process."""
        if self.backend is None:
            from taskip_mcp.budget import account_of
            from taskip_mcp.call import Backend
            from taskip_mcp.client import TaskipClient
            from taskip_mcp.files import Files
            from taskip_mcp.routes import RouteBook
            from taskip_mcp.writelog import WriteLog

            settings = self.settings
            log = WriteLog(settings.state_folder, account_of(settings), self.clock, settings.journal_days)
            try:
                transport = self._transport or self._sandbox()
                client = TaskipClient(self.settings, transport, clock=self.clock)
            except BaseException:
                log.close()
                raise
            self.backend = Backend(client, RouteBook(self.settings.routes), Files(self.settings), log)
            self.backend.selected = self.selected
        return self.backend

    async def perform(self, entry: schemas.ToolEntry, raw: dict[str, Any], caller: Caller = NOBODY) -> Answer:
        """One tool call: validate, names to ids, gate, run, show. `caller` is the client, which may be asked and told
        of progress."""
        with turn.begin(self.clock, self.settings.call_deadline, caller.tell):
            from taskip_mcp import calls

            return await calls.perform(self.open(), entry.name, entry.group, raw, caller)

    async def about(self) -> str:
        """What ``taskip://about`` shows."""
        return resources.about(self.settings, self.backend, self.offered)

    async def budget(self) -> str:
        """What ``taskip://budget`` shows."""
        from taskip_mcp import own
        from taskip_mcp.results import minified

        with turn.begin(self.clock, self.settings.call_deadline):
            return minified(await own.budget(self.open()))

    async def read(self, entry: resources.ResourceEntry, variables: dict[str, Any]) -> str | bytes:
        """One resource read."""
        with turn.begin(self.clock, self.settings.call_deadline):
            return await resources.read(self.open(), entry, variables)

    def _sandbox(self) -> httpx.AsyncBaseTransport | None:
        """The embedded TaskIP as a transport, or None for the network. What happens in it is told as by webhook."""
        if not self.settings.sandbox:
            return None
        from taskip_mcp.client import asgi_transport
        from taskip_mcp.sandbox import Sandbox, Webhooks

        if self._beside is None:
            return asgi_transport(Sandbox().app)
        webhooks = Webhooks(self._told)
        self._beside.start_soon(webhooks.run)
        return asgi_transport(Sandbox(webhooks=webhooks).app)

    async def _told(self, raw: bytes) -> None:
        """A webhook of the embedded TaskIP."""
        await self.deliveries().add(raw, json.loads(raw)["event"])

    def deliveries(self) -> Heard:
        """What takes webhooks; raises `StateError` where they cannot be kept."""
        return Heard(self.open().events, self._arrived, self._repeated)

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> list[prompts.Message]:
        """The messages of one prompt."""
        with turn.begin(self.clock, self.settings.call_deadline):
            return await prompts.build(self.open(), name, arguments)

    async def complete(
        self, kind: Any, name: str, argument: str, value: str, context: Mapping[str, str]
    ) -> completions.Completion:
        """Values for an argument that somebody types."""
        from taskip_mcp import completions

        return await completions.complete(self.open(), kind, name, argument, value, context)

    @asynccontextmanager
    async def following(self) -> AsyncGenerator[TaskGroup]:
        """While a server runs: clients are told of the resources that events make stale, and the embedded TaskIP sends
        its webhooks. The group takes what else runs beside the server."""
        failed: Exception | None = None
        async with anyio.create_task_group() as group:
            self._beside = self.subscriptions.group = group
            group.start_soon(self._again.run)
            group.start_soon(
                follow, lambda: self.open().events, self.watched, self.subscriptions.publish, self._arrived
            )
            try:
                yield group
            except Exception as error:  # as it is, not as one of a group of the task beside it
                failed = error
            group.cancel_scope.cancel()
        if failed:
            raise failed

    def _arrived(self, group: str) -> None:
        """Something happened in a group: names that were looked up may mean other records now."""
        self.open().lookups.forget(group)

    def _repeated(self, raw: bytes, name: str) -> None:
        """A delivery came that is there already."""
        from taskip_mcp.events.body import event_of

        self._again.put(event_of(0, 0.0, name, raw))

    async def aclose(self) -> None:
        """Close the connections."""
        if self.backend is not None:
            await self.backend.aclose()


def build_server(app: App) -> register.Server:
    """The tools and resources that the settings select, in the order of the API reference."""
    settings, compiled = app.settings, schemas.load()
    selected = _published(compiled.tools, settings)
    finder = _finder(selected, app.perform) if settings.mode == "search" else None
    entries, perform = (finder.tools, finder.perform) if finder else (selected, app.perform)
    server = register.Server(
        "taskip",
        title="TaskIP",
        instructions=told(selected, settings),
        version=__version__,
        log_level=_level(settings),
        tools=[
            register.tool(entry, perform, settings.ask_timeout, structured=settings.structured)
            for entry in entries
        ],
        request_state_security=register.state_security(
            seal.derived(settings, "request state"), seal.LIFE + settings.ask_timeout
        ),
    )
    server.tell_updates(app.subscriptions)
    app.offered, app.selected = len(entries), frozenset(entry.name for entry in selected)
    shown = _resources(selected)
    server.list_compiled(
        entries,
        [row for row in compiled.templates if row["uriTemplate"] in {each.uri for each in shown}],
        lambda: _add_resources(server, app, [each for each in shown if each.is_template]),
        listed=Capped(len(entries)),
        absent=Absent(compiled.tools, selected, settings),
    )
    _add_resources(server, app, [each for each in shown if not each.is_template])
    for prompt in prompts.offered(app.selected.__contains__):
        protocol.add_prompt(server, prompt, prompt.description(app.selected.__contains__), app.prompt)
    register.add_completions(server, app.complete)
    register.add_page(server, "taskip://about", "about", ABOUT, app.about)
    register.add_page(server, "taskip://budget", "budget", BUDGET, app.budget)
    return server


def told(selected: list[schemas.ToolEntry], settings: Settings) -> str:
    """The instructions with these tools."""
    return instructions.text(
        [entry.name for entry in selected],
        writes=any(entry.effect != "read" for entry in selected),
        search=settings.mode == "search",
    )


def selected(settings: Settings) -> list[schemas.ToolEntry]:
    """The tools that can be run with these settings."""
    return _published(schemas.load_entries(), settings)


def offered(settings: Settings) -> list[schemas.ToolEntry]:
    """The tools that a client sees with these settings."""
    entries = selected(settings)
    return _finder(entries, App(settings).perform).tools if settings.mode == "search" else entries


def _finder(entries: list[schemas.ToolEntry], perform: register.Perform) -> Finder:
    from taskip_mcp.finder import Finder

    return Finder(entries, perform)


def _published(entries: list[schemas.ToolEntry], settings: Settings) -> list[schemas.ToolEntry]:
    return [_offered(entry, settings) for entry in _selected(entries, settings)]


def _resources(entries: list[schemas.ToolEntry]) -> list[resources.ResourceEntry]:
    """A resource shows what a tool reads: one whose tool is left out is left out as well."""
    read = {entry.contract or entry.name for entry in entries}
    events = [resources.EVENTS] if any(entry.name == "list_events" for entry in entries) else []
    return [each for each in resources.TEMPLATES if (each.contract or each.tool) in read] + events


class Absent:
    """Says of a tool that there is, but not with these settings, why it cannot be called."""

    def __init__(
        self, entries: list[schemas.ToolEntry], selected: list[schemas.ToolEntry], settings: Settings
    ) -> None:
        self.known = {entry.name: entry.effect for entry in entries}
        self.selected = {entry.name for entry in selected}
        self.search = settings.mode == "search"

    def __call__(self, name: str) -> str | None:
        """None for a name that no tool has."""
        if name not in self.known:
            return None
        if self.search and name in self.selected:
            return f"Run {name} with {'read_with' if self.known[name] == 'read' else 'write_with'}. Nothing was sent."
        return (
            f"{name} is not offered here: TASKIP_TOOLSETS, TASKIP_TOOLS, TASKIP_EXCLUDE_TOOLS or TASKIP_READ_ONLY leave"
            " it out. Only the user can change that. Nothing was sent."
        )


class Capped:
    """Tells once, on stderr, that a client takes fewer tools than are offered."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.told: set[str] = set()

    def __call__(self, client: str) -> None:
        """A client asked for the tools."""
        cap = caps.cap_of(client)
        if cap is None or self.count <= cap or client in self.told:
            return
        from taskip_mcp import toolsets

        self.told.add(client)
        logger.warning(toolsets.warning(client, self.count))


def _selected(entries: list[schemas.ToolEntry], settings: Settings) -> list[schemas.ToolEntry]:
    """The tools that these settings offer; without any selection no code for one is loaded."""
    if not (settings.toolsets or settings.tools or settings.exclude_tools or settings.read_only):
        return entries
    from taskip_mcp import toolsets

    return toolsets.select(entries, settings)


def _add_resources(server: MCPServer, app: App, entries: list[resources.ResourceEntry]) -> None:
    for entry in entries:
        register.add_resource(server, entry, app.read)


def _offered(entry: schemas.ToolEntry, settings: Settings) -> schemas.ToolEntry:
    """The tool as these settings make it: a code is for those that are confirmed by one."""
    if settings.policy.uses(Mode.STRICT, entry.consequences):
        return entry
    properties = {
        name: schema
        for name, schema in entry.inputSchema.get("properties", {}).items()
        if name != "confirm_code"
    }
    return replace(entry, inputSchema=entry.inputSchema | {"properties": properties})


def _level(settings: Settings) -> Any:
    return settings.log_level
