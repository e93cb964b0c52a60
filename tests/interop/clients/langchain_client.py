"""LangChain: `load_mcp_tools` over stdio and streamable HTTP, and what Gemini's own package makes of the tools."""

# The packages lie in an environment of their own, which the type checker does not see.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from typing import Any

import common
from google.genai._mcp_utils import mcp_to_gemini_tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


def text_of(content: Any) -> str:
    """The text that a model would get."""
    if isinstance(content, str):
        return content
    return "\n".join(part if isinstance(part, str) else str(part.get("text", "")) for part in content)


def caller(tools: dict[str, Any]) -> common.Call:
    """Calls as an agent makes them: a tool call in, a tool message out."""

    async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
        asked = {"name": name, "args": arguments, "id": "call-1", "type": "tool_call"}
        message = await tools[name].ainvoke(asked)
        return message.status == "error", text_of(message.content)

    return call


def gemini(tool: Any) -> dict[str, Any]:
    """The parameters of a function declaration as JSON."""
    (declared,) = mcp_to_gemini_tool(tool).function_declarations
    return declared.parameters.model_dump(mode="json", exclude_none=True)


async def work(plan: dict[str, Any], report: common.Report) -> None:
    """Both transports."""
    stdio = {"transport": "stdio", **plan["stdio"]}
    http = {"transport": "streamable_http", "url": plan["http"]}
    client = MultiServerMCPClient({"stdio": stdio, "http": http})
    for transport in ("stdio", "http"):
        async with client.session(transport) as session:
            tools = {tool.name: tool for tool in await load_mcp_tools(session)}
            for name, tool in tools.items():
                report.convert(f"args_schema ({transport})", name, lambda tool=tool: tool.args_schema)
                if transport == "stdio":
                    made = convert_to_openai_tool(tool)["function"]
                    report.convert("OpenAI function", name, lambda made=made: made["parameters"])
            if transport == "stdio":
                for tool in (await session.list_tools()).tools:
                    report.convert("Gemini declaration", tool.name, lambda tool=tool: gemini(tool))
            await report.walk(transport, plan["steps"][transport], caller(tools))


if __name__ == "__main__":
    common.run(common.Report("langchain-mcp-adapters", "langchain-core", "mcp", "google-genai"), work)
