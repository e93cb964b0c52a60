"""What a server has beside tools and resources, in the SDK's terms: prompts."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver.prompts.base import Message, Prompt, PromptArgument
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, EmbeddedResource, TextResourceContents

from taskip_mcp import prompts
from taskip_mcp.errors import ArgumentError, TaskipError

logger = logging.getLogger(__name__)

Build = Callable[[str, Mapping[str, str]], Awaitable[list[prompts.Message]]]


def add_prompt(server: MCPServer, entry: prompts.PromptEntry, description: str, build: Build) -> None:
    """Register a prompt. All its arguments are optional; what cannot be used is told in the messages."""

    async def messages(**filled: Any) -> list[Message]:
        try:
            return [_message(each) for each in await build(entry.name, filled)]
        except ArgumentError as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
        except TaskipError as error:
            raise MCPError(code=INTERNAL_ERROR, message=str(error)) from None
        except Exception:
            # Its text may hold anything; it goes to the log on stderr alone.
            logger.exception("%s failed", entry.name)
            words = f"The TaskIP server failed inside {entry.name}; its log on stderr has the details."
            raise MCPError(code=INTERNAL_ERROR, message=words) from None

    server.add_prompt(
        Prompt(
            name=entry.name,
            title=entry.title,
            description=description,
            arguments=[
                PromptArgument(name=each.name, description=each.description) for each in entry.arguments
            ],
            fn=messages,
            context_kwarg=None,
        )
    )


def _message(made: prompts.Message) -> Message:
    content = made.content
    if isinstance(content, prompts.Embedded):
        inside = TextResourceContents(uri=content.uri, mime_type=content.mime_type, text=content.text)
        return Message(EmbeddedResource(type="resource", resource=inside), role=made.role)
    return Message(content, role=made.role)
