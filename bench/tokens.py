"""Tokens as models count them: o200k."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any


@cache
def _encoding() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # how the package reads its own vocabulary
        return importlib.import_module("bpe_openai").get_encoding("o200k_base")


def count(text: str) -> int:
    """Tokens of a text."""
    return len(_encoding().encode(text))


def of_tool(tool: Mapping[str, Any]) -> int:
    """Tokens of what a model reads of a listed tool: name, description, input schema."""
    return count(tool["name"]) + count(tool.get("description", "")) + count(minified(tool["inputSchema"]))


def minified(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
