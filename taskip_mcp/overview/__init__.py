"""Tools that answer across groups in one call. Each states what it costs; what could not be read is said in its place.

Importing the package registers them (see `taskip_mcp.own`).
"""

from taskip_mcp.overview import client, day, invoices, pipelines, search

__all__ = ["client", "day", "invoices", "pipelines", "search"]
