"""Parameters that take a record's id or the exact name that people use for it.

`Named` marks such a parameter type. Validation lets a name through as a `Name`; `taskip_mcp.names` puts the id in its
place before anything else sees the arguments, so that operations, gate and journal know ids alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from taskip_mcp.kinds import KINDS

NUMBER = re.compile(r"#?([1-9][0-9]*)")
"""An id, also as people write it. With zeros before it is the number on a document, which is a name."""

NUMBERED = frozenset({"invoice", "quotation"})
"""Kinds that have a number of their own, which people write with the same sign."""

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
OPAQUE = re.compile(r"(?=[^\s]*\d)[A-Za-z0-9]+([_-][A-Za-z0-9]+)+")
"""What may be one of TaskIP's prefixed opaque identifiers (contract conventions.identifiers)."""

SHOWN = re.compile(r"(.+) \((\d+)\)")
"""A name as results show it, with its id: both have to be those of one record."""


class Name(str):
    """A name that stands where an id is wanted; `kind` tells what of, `number` that only a number will do."""

    kind: str
    number: bool

    def __new__(cls, text: str, kind: str, number: bool = False) -> Name:
        """The name, as it was given."""
        made = super().__new__(cls, text)
        made.kind, made.number = kind, number
        return made


class Opaque(str):
    """A text that looks like an opaque identifier and may be a name, such as Relaunch-2026.

    It goes out as it is; only where TaskIP has no such record it is looked up (`names.reconsidered`).
    """

    kind: str

    def __new__(cls, text: str, kind: str) -> Opaque:
        """The text, as it was given."""
        made = super().__new__(cls, text)
        made.kind = kind
        return made


@dataclass(frozen=True, slots=True)
class Named:
    """Annotation of a parameter type: the record of this kind may be named."""

    kind: str

    def __post_init__(self) -> None:
        """A kind that nobody can look up would show at the first call only."""
        if self.kind not in KINDS:
            raise ValueError(f"no kind of record: {self.kind}")

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Ids are validated as without the mark; any other text is a name."""
        schema = handler(source)
        number = _wants_number(schema)

        def take(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            text = value.strip() if isinstance(value, str) else ""
            found = NUMBER.fullmatch(text)
            if found and not (text[0] == "#" and self.kind in NUMBERED):
                return inner(found[1])
            if text == "0" or not any(map(str.isalnum, text)):
                return inner(value)
            if not number and UUID.fullmatch(text):
                return inner(text)
            # Where a number is wanted, a text such as INV-030 can only be a name.
            if not number and OPAQUE.fullmatch(text):
                return Opaque(inner(text), self.kind)
            return Name(text, self.kind, number)

        return core_schema.no_info_wrap_validator_function(take, schema)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Text, which clients can fill with either; numbers are taken as well."""
        described = handler(schema).get("description")
        return {"type": "string"} | ({"description": described} if described else {})


def _wants_number(schema: Any) -> bool:
    """Whether an integer is inside the validators of a parameter."""
    while "schema" in schema:
        schema = schema["schema"]
    return schema["type"] == "int"
