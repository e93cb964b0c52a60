"""The two identifiers of a record, number and uuid, as far as they were seen together. They never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskip_mcp.operation import Operation

KINDS = ("id", "uuid")


class Identifiers:
    """What is known, by the parameter that takes it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], str] = {}

    def find(self, parameter: str, value: Any, kind: str) -> str | None:
        """The identifier of this kind of the record that `value` names."""
        return self._known.get((parameter, str(value), kind))

    def learn(self, parameter: str, value: Any, record: Mapping[str, Any]) -> None:
        """The identifiers that a record shows, which `value` names."""
        shown = {kind: str(record[kind]) for kind in KINDS if record.get(kind) not in (None, "")}
        for name in {str(value), *shown.values()}:
            for kind, identifier in shown.items():
                self._known[parameter, name, kind] = identifier

    def forms(self, operation: Operation, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The arguments with the other identifiers of the records in the path: it is the same call with these."""
        forms: list[dict[str, Any]] = []
        for kind in KINDS:
            others = {name: self.find(name, arguments.get(name), kind) for name in operation.path}
            known = {name: other for name, other in others.items() if other}
            forms += [dict(arguments) | known] if known else []
        return forms
