"""TaskIP MCP: the TaskIP REST API as typed tools for language models."""

__version__ = "0.1.0"
