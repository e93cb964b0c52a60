"""What never comes into a log, a preview or a result: values whose name says that they are secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

SECRET = re.compile(r"password|passwd|secret|token|api_?key|private_?key|access_?key", re.IGNORECASE)
HIDDEN = "(hidden)"


def is_secret(name: str) -> bool:
    """Whether a field of this name may hold a secret."""
    return SECRET.search(name) is not None


def masked(value: Any) -> Any:
    """JSON values with every secret replaced, at any depth; empty ones stay, as they tell nothing."""
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if item and is_secret(name) else masked(item)
            for name, item in cast("Mapping[str, Any]", value).items()
        }
    return [masked(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value
