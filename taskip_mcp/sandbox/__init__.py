"""The embedded TaskIP: a stateful, faithful stand-in of the public REST API, for trying, testing and demos.

It knows nothing of the MCP server; both know TaskIP only from its documents.
"""

from taskip_mcp.sandbox.app import Sandbox
from taskip_mcp.sandbox.limits import Limits
from taskip_mcp.sandbox.routing import BASE
from taskip_mcp.sandbox.webhooks import Post, Webhooks

__all__ = ["BASE", "Limits", "Post", "Sandbox", "Webhooks"]
