"""Pydantic AI: an agent with an `MCPToolset` and a scripted model, which makes every call; schemas per vendor."""

# The packages lie in an environment of their own, which the type checker does not see.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import copy
from typing import Any

import common
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from pydantic_ai import Agent, UsageLimits
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, RetryPromptPart, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer
from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer


class Script:
    """A model that makes the calls it is handed, one a turn, and notes the tools that it is offered."""

    def __init__(self) -> None:
        self.offered: dict[str, dict[str, Any]] = {}
        self.call: tuple[str, dict[str, Any]] = ("", {})

    def __call__(self, messages: list[Any], info: AgentInfo) -> ModelResponse:
        self.offered = {tool.name: tool.parameters_json_schema for tool in info.function_tools}
        last = messages[-1].parts[-1]
        if last.part_kind in {"tool-return", "retry-prompt"}:
            return ModelResponse(parts=[TextPart("done")])
        name, arguments = self.call
        return ModelResponse(parts=[ToolCallPart(name, arguments)])


def caller(agent: Agent, script: Script) -> common.Call:
    """Calls as the agent makes them for its model."""

    async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
        script.call = (name, arguments)
        ran = await agent.run("go", usage_limits=UsageLimits(request_limit=None))
        part = next(
            part
            for message in ran.all_messages()
            for part in message.parts
            if part.part_kind in {"tool-return", "retry-prompt"}
        )
        if isinstance(part, RetryPromptPart):
            return True, part.model_response()
        return part.outcome != "success", part.model_response_str()

    return call


async def work(plan: dict[str, Any], report: common.Report) -> None:
    """Both transports."""
    stdio = plan["stdio"]
    transports = {
        "stdio": StdioTransport(stdio["command"], stdio["args"], env=stdio["env"], cwd=stdio["cwd"]),
        "http": StreamableHttpTransport(plan["http"]),
    }
    for transport, connection in transports.items():
        script = Script()
        agent = Agent(FunctionModel(script), toolsets=[MCPToolset(connection, init_timeout=60)])
        async with agent:
            await report.walk(transport, plan["steps"][transport], caller(agent, script))
        for name, schema in script.offered.items():
            report.convert(f"tool definition ({transport})", name, lambda schema=schema: schema)
            kept = copy.deepcopy(schema)
            report.convert("Google", name, lambda kept=kept: GoogleJsonSchemaTransformer(kept).walk())
            kept = copy.deepcopy(schema)
            report.convert(
                "OpenAI strict", name, lambda kept=kept: OpenAIJsonSchemaTransformer(kept, strict=True).walk()
            )


if __name__ == "__main__":
    common.run(common.Report("pydantic-ai-slim", "fastmcp-slim", "mcp"), work)
