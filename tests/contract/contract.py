"""The contract as data: what the documents say, and nothing that the product says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import yaml

Origin = Literal["reference", "guide"]
ORIGINS: tuple[Origin, Origin] = ("reference", "guide")
DATA = Path(__file__).resolve().parent.parent / "data"

COMMON_FILTERS = frozenset({"search", "status", "date_from", "date_to", "created_at", "sort", "order"})
"""What the reference promises for "many endpoints", beside what each list documents."""


@dataclass(frozen=True)
class Field:
    """One documented query or body field; `fields` are those of its elements."""

    name: str
    type: str
    required: bool
    enum: tuple[Any, ...] = ()
    format: str = ""
    route: str = ""
    items: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One row of the API reference with everything that the documents add to it."""

    id: str
    method: str
    path: str
    guide_path: str
    path_params: Mapping[str, str]
    guide_path_params: Mapping[str, str]
    effect: str
    destructive: bool
    idempotent: bool
    query: tuple[Field, ...]
    body: tuple[Field, ...]
    body_known: bool
    encoding: str
    response: Mapping[str, Any]

    @property
    def group(self) -> str:
        """The section of the API reference."""
        return self.id.partition(".")[0]

    def route(self, origin: Origin) -> str:
        """The path that one document gives; the method is the same in both."""
        return self.path if origin == "reference" else self.guide_path

    def identifier(self, origin: Origin, kind: str) -> str:
        """The type of a placeholder, such as integer or ``integer|string(uuid)``."""
        return (self.path_params if origin == "reference" else self.guide_path_params)[kind]

    def fields(self, origin: Origin) -> tuple[Field, ...]:
        """The fields of one document's route, wherever they travel."""
        return self.query + tuple(field for field in self.body if field.route in {"", origin})

    @property
    def is_list(self) -> bool:
        """Whether the answer holds rows."""
        return bool(self.response.get("list"))


@dataclass(frozen=True)
class Contract:
    """All of it."""

    operations: Mapping[str, Operation]
    schemas: Mapping[str, Any]
    enums: Mapping[str, Any]


@cache
def load() -> Contract:
    """Read the contract once."""
    raw = cast("dict[str, Any]", yaml.safe_load((DATA / "contract.yaml").read_text("utf-8")))
    found = [_operation(row) for row in raw["operations"]]
    return Contract({each.id: each for each in found}, raw["schemas"], raw["enums"])


def _operation(row: Mapping[str, Any]) -> Operation:
    known = row["body"] != "unknown"
    return Operation(
        id=row["id"],
        method=row["method"],
        path=row["path"],
        guide_path=row.get("guide_path", row["path"]),
        path_params=row["path_params"],
        guide_path_params=row.get("guide_path_params", row["path_params"]),
        effect=row["effect"],
        destructive=row["destructive"],
        idempotent=row["idempotent"],
        query=_fields(row["query"]),
        body=_fields(row["body"]) if known else (),
        body_known=known,
        encoding=row["body_encoding"],
        response=row["response"],
    )


def _fields(rows: Sequence[Mapping[str, Any]]) -> tuple[Field, ...]:
    return tuple(
        Field(
            name=row["name"],
            type=row["type"],
            required=row["required"],
            enum=tuple(row.get("enum", ())),
            format=row.get("format", ""),
            route=row.get("route", ""),
            items=row.get("items", ""),
            fields=_fields(row.get("fields", ())),
        )
        for row in rows
    )


def reference_rows() -> list[str]:
    """``METHOD /path`` of each row of the API reference page, in its order."""
    found: list[str] = []
    for line in (DATA / "api-reference.txt").read_text("utf-8").splitlines():
        for method in ("GET", "POST", "PUT", "DELETE"):
            if line.startswith(method + "/"):
                found.append(f"{method} {_path_of(line.removeprefix(method))}")
    return found


def _path_of(text: str) -> str:
    """The page's tables lost their cell borders: a path ends where the description's capital letter begins."""
    end = next(index for index, sign in enumerate(text) if sign.isupper())
    return text[:end]
