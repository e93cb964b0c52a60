"""The only module that knows the SDK's internals: entries become SDK tools and resources, errors become results.

Tools are built from the generated schemas; validation and the group modules come in with the first call.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, ContentBlock, ResourceLink, TextContent, ToolAnnotations

from taskip_mcp.errors import ArgumentError, MissingError, TaskipError
from taskip_mcp.resources import JSON, ResourceEntry
from taskip_mcp.schemas import ToolEntry
from taskip_mcp.turn import Tell

logger = logging.getLogger(__name__)

Perform = Callable[[ToolEntry, dict[str, Any], Tell], Awaitable[Any]]
ReadResource = Callable[[ResourceEntry, dict[str, Any]], Awaitable[str | bytes]]


class RawArguments(FuncMetadata):
    """Hands the arguments over as they came: the operation validates them itself, strictly and in its words."""

    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        """One keyword argument that holds them all."""
        return {"raw": arguments_to_validate}


def tool(entry: ToolEntry, perform: Perform) -> Tool:
    """The SDK tool of an entry."""

    async def handler(raw: dict[str, Any], context: Context) -> CallToolResult:
        return await answer(entry, raw, perform, context.report_progress)

    return Tool(
        fn=handler,
        name=entry.name,
        title=entry.title,
        description=entry.description,
        parameters=entry.inputSchema,
        fn_metadata=RawArguments(arg_model=ArgModelBase),
        is_async=True,
        context_kwarg="context",
        annotations=ToolAnnotations.model_validate(entry.annotations),
        meta={
            "taskip/endpoint": entry.endpoint,
            "taskip/effect": entry.effect,
            "taskip/contract": entry.contract,
        },
    )


async def answer(entry: ToolEntry, raw: dict[str, Any], perform: Perform, tell: Tell) -> CallToolResult:
    """Run a call; every failure becomes a result that the model can read, never a protocol error."""
    from taskip_mcp.results import Saved, render

    try:
        result = await perform(entry, raw, tell)
    except TaskipError as error:
        return _failure(str(error))
    except Exception:
        # Its text may hold anything; it goes to the log on stderr alone.
        logger.exception("%s failed", entry.name)
        return _failure(
            f"The TaskIP server failed inside {entry.name}; its log on stderr has the details."
            + (
                ""
                if entry.effect == "read"
                else " It is not known whether anything was changed: read the record."
            )
        )
    content: list[ContentBlock] = [TextContent(type="text", text=render(result))]
    if isinstance(result, Saved):
        content.append(
            ResourceLink(type="resource_link", uri=result.uri, name=result.path.name, mime_type=result.type)
        )
    return CallToolResult(content=content)


def _failure(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def add_resource(server: MCPServer, entry: ResourceEntry, read: ReadResource) -> None:
    """Register a template; its variables become the function's parameters, as the SDK expects them."""

    async def function(**variables: Any) -> str | bytes:
        try:
            return await read(entry, variables)
        except (ArgumentError, MissingError) as error:
            raise ResourceNotFoundError(str(error)) from None
        except TaskipError as error:
            raise ResourceError(str(error)) from None

    function.__name__ = entry.name
    parameters = [_parameter(name, inspect.Parameter.empty) for name in entry.path_variables]
    parameters += [_parameter(name, "") for name in entry.query_variables]
    # The SDK reads the variables off the signature; they all arrive as text.
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: str for parameter in parameters}
    decorate = server.resource(
        entry.uri, name=entry.name, description=entry.description, mime_type=entry.mime_type
    )
    decorate(function)


def add_page(
    server: MCPServer, uri: str, name: str, description: str, read: Callable[[], Awaitable[str]]
) -> None:
    """Register a resource without variables."""

    @server.resource(uri, name=name, description=description, mime_type=JSON)
    async def page() -> str:
        try:
            return await read()
        except TaskipError as error:
            raise ResourceError(str(error)) from None

    assert page is not None


def _parameter(name: str, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=str)


def loopback_security(host: str, port: int) -> TransportSecuritySettings:
    """Host and Origin checks for a server on this machine: a web page must not reach it by DNS rebinding."""
    names = sorted({"localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host})
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[f"{name}:{port}" for name in names] + names,
        allowed_origins=[f"http://{name}:{port}" for name in names],
    )
