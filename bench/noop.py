"""An MCP server of the SDK alone, over stdio: one tool that does nothing."""

from mcp.server import MCPServer

server = MCPServer("noop", log_level="WARNING")


@server.tool()
async def nothing() -> str:
    """Do nothing."""
    return "ok"


if __name__ == "__main__":
    server.run()
