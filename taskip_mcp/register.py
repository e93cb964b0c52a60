"""The only module that knows the SDK's internals: entries become SDK tools and resources, errors become results.

Tools are built from the generated schemas; validation and the group modules come in with the first call.
"""

from __future__ import annotations

import inspect
import logging
import operator
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, RequestStateSecurity
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import (
    INVALID_PARAMS,
    CacheableResult,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    ContentBlock,
    ElicitRequest,
    InputRequiredResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    PromptReference,
    ResourceLink,
    ResourceTemplateReference,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    TextContent,
    ToolAnnotations,
    UnsubscribeRequestParams,
)
from mcp_types.methods import CacheableMethod

from taskip_mcp import structured as structured_
from taskip_mcp.asking import QUESTION, caller_of, client_of, form_of
from taskip_mcp.caller import AskError, Caller
from taskip_mcp.errors import ArgumentError, MissingError, RefusedError, TaskipError, legible
from taskip_mcp.resources import JSON, ResourceEntry, unknown_variable
from taskip_mcp.schemas import ToolEntry

if TYPE_CHECKING:
    from taskip_mcp import completions
    from taskip_mcp.show import Answer
    from taskip_mcp.subscriptions import Subscriptions

logger = logging.getLogger(__name__)

NOTHING = "Nothing was changed."

Perform = Callable[[ToolEntry, dict[str, Any], Caller], Awaitable["Answer"]]
Complete = Callable[[Any, str, str, str, Mapping[str, str]], Awaitable["completions.Completion"]]
ReadResource = Callable[[ResourceEntry, dict[str, Any]], Awaitable[str | bytes]]


class RawArguments(FuncMetadata):
    """Hands the arguments over as they came: the operation validates them itself, strictly and in its words."""

    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        """One keyword argument that holds them all."""
        return {"raw": arguments_to_validate}


def tool(entry: ToolEntry, perform: Perform, ask_timeout: float, *, structured: bool = False) -> Tool:
    """The SDK tool of an entry. A question of its gate may stay open for `ask_timeout` seconds.

    With `structured` results are structured content with an output schema, and one line of text.
    """

    async def handler(raw: dict[str, Any], context: Context) -> CallToolResult | InputRequiredResult:
        caller = caller_of(context, ask_timeout)
        return await answer(entry, raw, perform, caller, structured=structured)

    return Tool(
        fn=handler,
        name=entry.name,
        title=entry.title,
        description=entry.description,
        parameters=entry.inputSchema,
        fn_metadata=RawArguments(
            arg_model=ArgModelBase, output_schema=structured_.output_schema(entry) if structured else None
        ),
        is_async=True,
        context_kwarg="context",
        annotations=ToolAnnotations.model_validate(entry.annotations),
        meta={
            "taskip/endpoint": entry.endpoint,
            "taskip/effect": entry.effect,
            "taskip/contract": entry.contract,
        },
    )


async def answer(
    entry: ToolEntry, raw: dict[str, Any], perform: Perform, caller: Caller, *, structured: bool = False
) -> CallToolResult | InputRequiredResult:
    """Run a call; every failure becomes a result that the model can read, never a protocol error."""
    try:
        return _result(await perform(entry, raw, caller), structured)
    except AskError as asked:
        return InputRequiredResult(
            input_requests={QUESTION: ElicitRequest(params=form_of(asked.question))},
            request_state=asked.state,
        )
    except RefusedError as refused:
        if refused.shown is None:
            return _failure(str(refused))
        from taskip_mcp.show import preview

        return _failure(f"{refused.reason}\n{preview(refused.shown, entry.group)}\n{NOTHING}")
    except ArgumentError as error:
        if error.shown is None:
            return _failure(str(error))
        from taskip_mcp.show import preview

        return _failure(f"{error}\n{preview(error.shown, entry.group)}")
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


def _result(shown: Answer, structured: bool) -> CallToolResult:
    """The text once: minified, or one line beside the structured content."""
    content: list[ContentBlock] = [TextContent(type="text", text=shown.line if structured else shown.text)]
    if saved := shown.saved:
        content.append(
            ResourceLink(type="resource_link", uri=saved.uri, name=saved.path.name, mime_type=saved.type)
        )
    return CallToolResult(content=content, structured_content=shown.document if structured else None)


def state_security(key: bytes, seconds: float) -> RequestStateSecurity:
    """What seals the state of a question on its way through the client; the same key in all servers of an account."""
    return RequestStateSecurity(keys=[key], ttl=seconds)


def _failure(text: str) -> CallToolResult:
    """An error in words, which may quote TaskIP and with it anybody."""
    from taskip_mcp.outside import clean

    return CallToolResult(content=[TextContent(type="text", text=clean(text))], is_error=True)


# --- lists and resources ----------------------------------------------------------------------------------


class Server(MCPServer[Any]):
    """The SDK's server, answering lists from what was compiled instead of making and validating objects for each row.

    The envelope of these answers, and their check against the protocol's version, stay the SDK's. When somebody adds a
    tool or a template, or takes one away, lists go the SDK's way again.
    """

    _make_templates: Callable[[], None] | None = None
    _absent: Callable[[str], str | None] | None = None

    def list_compiled(
        self,
        entries: Sequence[ToolEntry],
        templates: Sequence[dict[str, Any]],
        make_templates: Callable[[], None],
        *,
        listed: Callable[[str], None] = lambda client: None,
        absent: Callable[[str], str | None] = lambda name: None,
    ) -> None:
        """List `entries`, of which this server's tools were made, and `templates`, which are made with the first read:
        the SDK builds a pydantic model for each. `listed` is told the name of a client that asks for the tools;
        `absent` gives the words for a tool that is called and not here."""
        tools = self._tool_manager.list_tools()
        rows = [_row(entry, made) for entry, made in zip(entries, tools, strict=True)]
        all_tools = self._envelope("tools/list", ListToolsResult(tools=[])) | {"tools": rows}
        nothing = ListResourceTemplatesResult(resource_templates=[])
        all_templates = self._envelope("resources/templates/list", nothing) | {"resourceTemplates": templates}
        self._make_templates, self._absent = make_templates, absent

        async def list_tools(context: Any, parameters: PaginatedRequestParams) -> Any:
            listed(client_of(context))
            present = self._tool_manager.list_tools()
            if len(present) == len(tools) and all(map(operator.is_, present, tools)):
                return all_tools
            return await self._handle_list_tools(context, parameters)

        async def list_templates(context: Any, parameters: PaginatedRequestParams) -> Any:
            if self._make_templates and not self._resource_manager.list_templates():
                return all_templates
            return await self._handle_list_resource_templates(context, parameters)

        add = self._lowlevel_server.add_request_handler
        add("tools/list", PaginatedRequestParams, list_tools)
        add("resources/templates/list", PaginatedRequestParams, list_templates)

    def tell_updates(self, subscriptions: Subscriptions) -> None:
        """Let clients watch resources; the SDK's own stream would hear of no address with a query."""
        add = self._lowlevel_server.add_request_handler
        add("subscriptions/listen", SubscriptionsListenRequestParams, subscriptions.listen)
        add("resources/subscribe", SubscribeRequestParams, subscriptions.subscribe)
        add("resources/unsubscribe", UnsubscribeRequestParams, subscriptions.unsubscribe)

    def _envelope(self, method: CacheableMethod, nothing: CacheableResult) -> dict[str, Any]:
        """What the SDK puts around an empty list; how long it may be cached is left to the SDK where it was told."""
        told = {"ttl_ms", "cache_scope"} if method in self._lowlevel_server.cache_hints else set[str]()
        return nothing.model_dump(by_alias=True, mode="json", exclude_none=True, exclude=told)

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call a tool; one that these settings leave out is told apart from one that does not exist."""
        if self._absent and self._tool_manager.get_tool(name) is None and (why := self._absent(name)):
            return _failure(why)
        return await super().call_tool(name, arguments, context)

    async def list_resource_templates(self) -> Any:
        """Those of the SDK's own making."""
        self._with_templates()
        return await super().list_resource_templates()

    async def read_resource(self, uri: Any, context: Any = None) -> Any:
        """Read by address. The SDK would leave out a variable that it does not know, and with it a filter."""
        if why := unknown_variable(str(uri)):
            raise ResourceNotFoundError(why)
        self._with_templates()
        return await super().read_resource(uri, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Any = None
    ) -> Any:
        """A prompt by name; one that there is not is the client's mistake, not a failure of the server."""
        if self._prompt_manager.get_prompt(name) is None:
            raise MCPError(code=INVALID_PARAMS, message=f"There is no prompt {legible(name)}.")
        return await super().get_prompt(name, arguments, context)

    def _with_templates(self) -> None:
        make, self._make_templates = self._make_templates, None
        if make:
            make()


def _row(entry: ToolEntry, made: Tool) -> dict[str, Any]:
    """A tool as it is listed."""
    row = {
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "inputSchema": entry.inputSchema,
        "annotations": entry.annotations,
        "_meta": made.meta,
    }
    return row if made.output_schema is None else row | {"outputSchema": made.output_schema}


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


def add_completions(server: MCPServer, complete: Complete) -> None:
    """Complete arguments of addresses and prompts."""

    @server.completion()
    async def handler(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        name = ref.uri if isinstance(ref, ResourceTemplateReference) else ref.name
        given = (context.arguments if context else None) or {}
        try:
            found = await complete(ref.type, name, argument.name, argument.value, given)
        except TaskipError:  # the backend cannot be opened
            return Completion(values=[])
        return Completion(values=found.values, total=found.total, has_more=found.has_more)

    assert handler is not None


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
