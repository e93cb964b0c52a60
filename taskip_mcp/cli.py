"""Command line: arguments and environment -> one command. Nothing but the protocol goes to stdout when serving."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskip_mcp import __version__, redact
from taskip_mcp import settings as settings_module
from taskip_mcp.errors import ConfigError, StateError
from taskip_mcp.settings import Settings, is_loopback

if TYPE_CHECKING:
    import argparse
    from datetime import date

    from taskip_mcp.events import Heard
    from taskip_mcp.register import Server
    from taskip_mcp.server import App

CONFIG_EXIT = 2


@dataclass
class Serve:
    """What is served without arguments, and the defaults of those."""

    transport: str = "stdio"
    host: str = "127.0.0.1"
    port: int = 8000
    webhook_host: str = "127.0.0.1"
    webhook_port: int = 0
    """Of the listener for webhooks; 0: none beside the protocol."""


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    import argparse

    root = argparse.ArgumentParser(
        prog="taskip-mcp",
        description="MCP server for TaskIP. Without a command it serves; settings come from the environment.",
    )
    root.add_argument("--version", action="version", version=f"taskip-mcp {__version__}")
    root.add_argument(
        "--transport", choices=["stdio", "http", "sse"], default=Serve.transport, help="default: stdio"
    )
    root.add_argument("--host", default=Serve.host, help="loopback address for http and sse")
    root.add_argument(
        "--port", type=int, default=Serve.port, help=f"port for http and sse; default: {Serve.port}"
    )
    root.add_argument(
        "--webhook-port", type=_port, default=Serve.webhook_port, help="take webhooks on a port of their own"
    )
    root.add_argument(
        "--webhook-host",
        default=Serve.webhook_host,
        help="its address, which may be public; default: loopback",
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND")
    schemas = commands.add_parser(
        "schemas", help="write tool_schemas/ and the compiled file from the functions"
    )
    schemas.add_argument("--check", action="store_true", help="only compare; exit 1 on any difference")
    sandbox = commands.add_parser("sandbox", help="serve the embedded TaskIP on a loopback port")
    sandbox.add_argument("--host", dest="sandbox_host", default="127.0.0.1", help="loopback address")
    sandbox.add_argument("--port", dest="sandbox_port", type=int, default=8765, help="default: 8765")
    sandbox.add_argument("--db", help="SQLite file that keeps the data; default: memory")
    sandbox.add_argument(
        "--routes", choices=["both", "reference", "guide"], default="both", help="default: both"
    )
    sandbox.add_argument("--no-limits", action="store_true", help="no rate limits")
    sandbox.add_argument("--webhook-url", metavar="URL", help="post a webhook there for what happens")
    journal = commands.add_parser("journal", help="print what was changed through this server, or export it")
    journal.add_argument("--since", type=_day, help="from this day on, YYYY-MM-DD (UTC)")
    journal.add_argument("--until", type=_day, help="up to this day, YYYY-MM-DD (UTC)")
    journal.add_argument("--tool", default="", help="only changes by this tool")
    journal.add_argument("--record", default="", help="only changes of the record with this id")
    journal.add_argument("--limit", type=_count, default=1000, help="at most so many changes; default: 1000")
    journal.add_argument(
        "--export", metavar="FILE", type=Path, help="write JSON lines, with what was there before each change"
    )
    commands.add_parser("demo", help="a business day on the sandbox, through a real client over stdio")
    return root


def run(arguments: Sequence[str], loaded: Callable[[], None] = lambda: None) -> int:
    """Run a command; the exit status is 0, 1 for differences, 2 for wrong settings.

    `loaded` is called when a server is about to serve, and before any other command.
    """
    try:
        # As clients start it: then there is nothing to parse, and no parser to load.
        if not arguments:
            return _serve(Serve(), loaded)
        options = parser().parse_args(arguments)
        if options.command:
            loaded()
        match options.command:
            case "schemas":
                return _schemas(check=options.check)
            case "sandbox":
                return _sandbox(options)
            case "journal":
                return _journal(options)
            case "demo":
                return _demo()
            case _:
                names = ("transport", "host", "port", "webhook_host", "webhook_port")
                return _serve(Serve(*[getattr(options, name) for name in names]), loaded)
    except ConfigError as error:
        sys.stderr.write(f"taskip-mcp: {error}\n")
        return CONFIG_EXIT
    except KeyboardInterrupt:
        return 130


def _serve(options: Serve, loaded: Callable[[], None]) -> int:
    import anyio

    if options.transport != "stdio":
        _refuse_public(options.host)
    settings = settings_module.from_process()
    _log_to_stderr(settings)
    if unknown := settings_module.unknown():
        sys.stderr.write(f"taskip-mcp: no such setting, so it has no effect: {', '.join(unknown)}\n")
    if settings.policy.open:
        sys.stderr.write(f"taskip-mcp: {unconfirmed(settings)}\n")
    _check_webhooks(options, settings)
    anyio.run(_serve_async, options, settings, loaded)
    return 0


def _check_webhooks(options: Serve, settings: Settings) -> None:
    """Raises `ConfigError` for what cannot be meant; says on stderr what has no effect."""
    if options.webhook_port and not settings.webhook_secret:
        raise ConfigError("--webhook-port needs TASKIP_WEBHOOK_SECRET, which is a part of the address.")
    if options.webhook_host != Serve.webhook_host and not options.webhook_port:
        raise ConfigError("--webhook-host needs --webhook-port: without it there is no listener of its own.")
    here, there = (options.host, options.port), (options.webhook_host, options.webhook_port)
    if options.transport != "stdio" and options.webhook_port and here == there:
        raise ConfigError(
            "--port and --webhook-port are the same: give webhooks a port of their own, or none."
        )
    if settings.webhook_secret and options.transport == "stdio" and not options.webhook_port:
        sys.stderr.write(
            "taskip-mcp: TASKIP_WEBHOOK_SECRET: over stdio webhooks need --webhook-port as well\n"
        )


async def _serve_async(options: Serve, settings: Settings, loaded: Callable[[], None]) -> None:
    from taskip_mcp.server import App, build_server

    app = App(settings)
    server = build_server(app)
    loaded()
    try:
        async with app.following() as beside:
            if options.webhook_port:
                beside.start_soon(_webhooks(app, options))
            await _answer(app, server, options)
    finally:
        await app.aclose()


def _webhooks(app: App, options: Serve) -> Callable[[], Coroutine[Any, Any, None]]:
    """The listener for webhooks. Where another server of this machine has the port already, that one keeps them, this
    one reads what it kept, and takes over when it ends."""
    from taskip_mcp import listen
    from taskip_mcp.events import receiver

    where = options.webhook_host, options.webhook_port
    keeper, listener = _deliveries(app), None
    try:
        listener = receiver.bind(*where)
    except listen.TakenError:
        sys.stderr.write(
            f"taskip-mcp: another program takes the webhooks on {where[0]}:{where[1]}; if it is a server with the same"
            " settings, its events show here too, and this one takes over when it ends. Else choose another"
            " --webhook-port.\n"
        )
    secret, level = app.settings.webhook_secret, app.settings.log_level
    return partial(receiver.serve, keeper, secret, *where, level, listener=listener)


def _deliveries(app: App) -> Heard:
    try:
        return app.deliveries()
    except StateError as error:
        raise ConfigError(str(error)) from None


async def _answer(app: App, server: Server, options: Serve) -> None:
    """Over the transport that was chosen, until it ends."""
    if options.transport == "stdio":
        await server.run_stdio_async()
        return
    from taskip_mcp import listen, register

    sse, settings = options.transport == "sse", app.settings
    make = server.sse_app if sse else server.streamable_http_app

    def application(port: int) -> Any:
        made = make(transport_security=register.loopback_security(options.host, port))
        if settings.webhook_secret and not options.webhook_port:
            from taskip_mcp.events import receiver

            taking = receiver.app(_deliveries(app), settings.webhook_secret, clock=app.clock)
            made.router.routes.append(receiver.route(taking))
            sys.stderr.write(f"taskip-mcp: webhooks at {receiver.PREFIX}<TASKIP_WEBHOOK_SECRET>\n")
        return made

    path = "/sse" if sse else "/mcp"
    stopping = app.subscriptions.close
    await listen.serve(application, options.host, options.port, path, settings.log_level, stopping=stopping)


def unconfirmed(settings: Settings) -> str:
    """What to say of classes that need no confirmation."""
    return (
        f"TASKIP_CONFIRM: calls that {', '.join(settings.policy.open)} are carried out without confirmation."
    )


def _refuse_public(host: str) -> None:
    if not is_loopback(host):
        raise ConfigError(
            f"--host {host} is not a loopback address. The server has no authentication of its own yet, so anyone"
            " who reaches it could use the API key. Use 127.0.0.1."
        )


def _log_to_stderr(settings: Settings) -> None:
    redact.keep_settings(settings)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(redact.HidingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    # Their lines carry search words, addresses and whole messages; ours name operation and path.
    for name in (
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "mcp.server.sse",
        "sse_starlette",
        "python_multipart",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)


def _schemas(*, check: bool) -> int:
    from taskip_mcp import schemas

    if not check:
        changed = schemas.write()
        sys.stdout.write(f"{len(changed)} files written: {schemas.folder()}, {schemas.COMPILED}\n")
        return 0
    changed = schemas.differences()
    for name in changed:
        sys.stderr.write(f"differs from its function: {name}\n")
    return 1 if changed else 0


def _sandbox(options: argparse.Namespace) -> int:
    import sqlite3

    import anyio

    from taskip_mcp import listen
    from taskip_mcp.sandbox import BASE, Post, Sandbox, Webhooks

    _refuse_public(options.sandbox_host)
    try:
        webhooks = None if options.webhook_url is None else Webhooks(Post(options.webhook_url))
    except ValueError:
        # The address itself is not repeated: it holds the receiver's secret.
        raise ConfigError("--webhook-url is no address: use http://host:port/path") from None
    try:
        sandbox = Sandbox(
            db=options.db, routes=options.routes, limits=not options.no_limits, webhooks=webhooks
        )
    except sqlite3.Error as error:
        raise ConfigError(f"--db {options.db} cannot be used: {error}.") from None

    async def serve() -> None:
        host, port = options.sandbox_host, options.sandbox_port
        await listen.serve(lambda port: sandbox.app, host, port, BASE, "warning", dated=True)

    anyio.run(serve)
    return 0


def _day(text: str) -> date:
    import argparse
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("use YYYY-MM-DD") from None


def _port(text: str) -> int:
    import argparse

    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("use a port, 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    import argparse

    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("use a whole number of 1 or more")
    return int(text)


def _journal(options: argparse.Namespace) -> int:
    from taskip_mcp import journal

    return journal.run(
        settings_module.from_process(),
        since=options.since,
        until=options.until,
        tool=options.tool,
        record=options.record,
        limit=options.limit,
        export=options.export,
    )


def _demo() -> int:
    from taskip_mcp import demo

    return demo.main()
