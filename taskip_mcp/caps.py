"""How many tools clients take. A client that gets more leaves some out, or refuses them all."""

from __future__ import annotations

import re
from collections.abc import Mapping

CAPS: Mapping[str, int] = {
    # A chat request takes 128 tools (code.visualstudio.com/docs/chat/chat-tools).
    "visual studio code": 128,
    "visual-studio-code": 128,
    "visual studio code - insiders": 128,
    # Its models answer "array too long ... maximum length 128" (github.com/anomalyco/opencode/issues/4909).
    "github-copilot-developer": 128,
    # It warns above 80 tools of all servers together (github.com/Snowflake-Labs/mcp/issues/77).
    "cursor-vscode": 80,
    # "would exceed max limit of 100" (github.com/DaxianLee/cocos-mcp-server/issues/11).
    "antigravity-client": 100,
    # 50 (github.com/Zhwt/go-mcp-mysql/issues/3); 100 since (docs.windsurf.com/windsurf/cascade/mcp). The name does
    # not tell which, and a warning too many costs less than tools that silently lack.
    "windsurf": 50,
    "windsurf-client": 50,
}
"""Tools that a client takes, by the name it gives (in small letters).

The names are those of github.com/apify/mcp-client-capabilities; for Claude none was found.
"""

THROUGH = re.compile(r"\s*\(via [^)]*\)\s*$")
"""What a bridge appends to the name of the client behind it."""


def cap_of(client: str) -> int | None:
    """The most tools of a client, if any is known of it."""
    return CAPS.get(name_of(client).lower())


def name_of(client: str) -> str:
    """A client's name without its bridge."""
    return THROUGH.sub("", client).strip()
