"""OpenAI Agents: `MCPServerStdio` and `MCPServerStreamableHttp`, its function tools plain and strict."""

# The packages lie in an environment of their own, which the type checker does not see.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import copy
import json
from typing import Any

import common
from agents import RunContextWrapper
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp, MCPUtil
from agents.strict_schema import ensure_strict_json_schema
from agents.tool_context import ToolContext


def caller(tools: dict[str, Any]) -> common.Call:
    """Calls as the runner makes them. It does not tell a failed call from another: the text has to say it."""

    async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
        given = json.dumps(arguments)
        context = ToolContext.from_agent_context(
            RunContextWrapper(None), "call-1", tool_name=name, tool_arguments=given
        )
        output = await tools[name].on_invoke_tool(context, given)
        text = output if isinstance(output, str) else json.dumps(output)
        parts = output if isinstance(output, list) else [output]
        words = "\n".join(part["text"] if isinstance(part, dict) else str(part) for part in parts)
        return "Nothing was sent" in words or words.startswith("An error occurred"), words or text

    return call


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The conversion by itself: inside the framework a failure only falls back to the plain schema.

    So it does for a tool without arguments, unless the schema forbids others in words. Ours cannot: on those words
    Gemini's package breaks, and nothing is lost, for there is nothing to make required.
    """
    if not schema["properties"]:
        return schema
    return ensure_strict_json_schema(copy.deepcopy(schema), _reject_open_objects=True)


async def work(plan: dict[str, Any], report: common.Report) -> None:
    """Both transports."""
    servers = {
        "stdio": MCPServerStdio(plan["stdio"], client_session_timeout_seconds=60),
        "http": MCPServerStreamableHttp({"url": plan["http"]}, client_session_timeout_seconds=60),
    }
    for transport, server in servers.items():
        async with server:
            listed = await server.list_tools()
            tools = {tool.name: MCPUtil.to_function_tool(tool, server, False) for tool in listed}
            for tool in listed:
                plain = tools[tool.name].params_json_schema
                report.convert(f"function tool ({transport})", tool.name, lambda plain=plain: plain)
                report.convert("strict function tool", tool.name, lambda plain=plain: strict(plain))
            await report.walk(transport, plan["steps"][transport], caller(tools))


if __name__ == "__main__":
    common.run(common.Report("openai-agents", "mcp"), work)
