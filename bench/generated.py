"""An MCP server that `fastmcp` generates from an OpenAPI document, over stdio; it runs in a venv of its own.

.venv-bench/bin/python bench/generated.py openapi.json
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import httpx2


def main(file: str, key: str = "bench") -> None:
    """Serve the operations of a document."""
    document: dict[str, Any] = json.loads(Path(file).read_text("utf-8"))
    address = document["servers"][0]["url"]
    http = httpx2.AsyncClient(base_url=address, headers={"X-Secret-Key": key}, trust_env=False)
    fastmcp: Any = importlib.import_module("fastmcp")  # not there where the other files are checked
    server = fastmcp.FastMCP.from_openapi(document, client=http, name="taskip")
    server.run(transport="stdio", show_banner=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
