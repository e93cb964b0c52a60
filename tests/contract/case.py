"""What one operation is called with, and what must leave: from the contract, except where the tool differs.

A plain operation needs `Case()`: each documented field is an argument of the same name, and its value is made up
here from the field's type. A case spells out only where arguments and wire fields differ, and why the contract
allows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract import sample, standin
from tests.contract.contract import ORIGINS, Field, Operation, Origin

PARAMETER: Mapping[str, str] = {
    "contact": "contact_id",
    "invite-client": "contact_id",
    "company": "company_id",
    "team-member": "member_id",
    "invoice": "invoice_id",
    "sent": "invoice_id",
    "quotation": "quotation_id",
    "ticket": "ticket_id",
    "support-ticket": "ticket_id",
    "status-update": "ticket_id",
    "reply": "ticket_id",
    "document": "document_id",
    "project": "project_id",
    "task": "task_id",
    "container": "container_id",
    "attribute": "attribute_id",
    "sales-pipeline": "pipeline_id",
    "deal": "deal_id",
    "deals": "deal_id",
    "bulk-actions": "deal_ids",  # unexplained; the first deal stands in
    "stage": "stage_id",
    "meeting": "meeting_id",
    "meeting/details": "meeting_id",
    "booking/details": "booking_id",
    "conversation": "conversation_id",
    "assign-tags": "tag_id",
}
"""The word of a path before an identifier -> the argument that holds it."""

RECORD_OF: Mapping[str, str] = {
    "ticket_id": "ticket",
    "project_id": "project",
    "pipeline_id": "pipeline_detail",
}
"""Arguments that may be an id or a uuid -> the schema whose example shows the other one."""

IDENTIFIERS: Mapping[str, Any] = {
    "ticket_id": 1901,
    "project_id": "pr-uuid-1",
    "pipeline_id": "pi-uuid-1",
    "meeting_id": "me-uuid-1",
    "conversation_id": "co-uuid-1",
}
ROWS = 25
"""The page size that a list asks for when the caller names none."""

DROP = object()
"""In `wire`: this field must not be sent."""


@dataclass(frozen=True)
class Try:
    """One call of a tool. `wire`, `reference` and `guide` change what is expected to leave."""

    args: Mapping[str, Any] = field(default_factory=dict[str, Any])
    without: frozenset[str] = frozenset()
    wire: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reference: Mapping[str, Any] = field(default_factory=dict[str, Any])
    guide: Mapping[str, Any] = field(default_factory=dict[str, Any])
    on: tuple[Origin, ...] = ORIGINS
    files: tuple[tuple[str, str], ...] = ()
    """(form field, file name) pairs of an upload."""
    changed: Mapping[str, Any] | None = None
    """The fields that the result shows, where they are neither TaskIP's record nor the arguments."""
    id: Any = None
    """The id that the result shows, where the answer lacks it and the tool looks it up."""


@dataclass(frozen=True)
class Case:
    """One operation. `renames` maps arguments to the wire fields that carry them."""

    full: tuple[Try, ...] = (Try(),)
    minimal: tuple[Try, ...] = (Try(),)
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    undocumented: frozenset[str] = frozenset()
    """Fields that are sent although the contract lists none of that name here."""
    optional: frozenset[str] = frozenset()
    """Arguments that may be left out although the field is required: the tool reads them back or knows them."""
    needed: frozenset[str] = frozenset()
    """Arguments that the tool requires although the field is optional."""
    refused: frozenset[str] = frozenset()
    """Documented filters that the tool refuses: no record shows what they filter by, or a newer part lacks them."""
    local: frozenset[str] = frozenset()
    """Filters that the tool carries out itself; they are not sent."""
    labels: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict[str, Mapping[Any, Any]])
    """Argument -> the word that the tool takes for each value of the contract's enum."""
    result: Callable[[Any], Any] | None = None
    """How the tool shows what the stand-in answered, where it is not the same."""
    sent_as: Mapping[Origin, str] = field(default_factory=dict[Origin, str])
    """The operation whose route carries the call in a document that lacks the own one."""
    appears: str = ""
    """The list whose first row is there only after the write, which a look-up must find."""


def path_arguments(operation: Operation) -> dict[str, Any]:
    """The arguments that name the records of the paths, with identifiers of the reference's kind."""
    names = [name for origin in ORIGINS for name, _ in _placeholders(operation.route(origin))]
    singular = [name for name in dict.fromkeys(names) if not name.endswith("_ids")]
    return {name: IDENTIFIERS.get(name, 11 + index) for index, name in enumerate(singular)}


def _placeholders(route: str) -> list[tuple[str, str]]:
    """(argument, kind) of each placeholder of a path."""
    found: list[tuple[str, str]] = []
    for match in re.finditer(r"([\w-]+)/([\w-]+)/\{(\w+)\}|([\w-]+)/\{(\w+)\}", route):
        pair = f"{match[1]}/{match[2]}"
        word = match[2] or match[4]
        found.append((PARAMETER[pair if pair in PARAMETER else word], match[3] or match[5]))
    return found


def arguments(operation: Operation, case: Case, attempt: Try, *, full: bool) -> dict[str, Any]:
    """All arguments of one call: identifiers, made-up values of the documented fields, then the case's own."""
    listed = operation.query + operation.body
    values: dict[str, Any] = {}
    for each in listed:
        if each.name in case.refused:
            continue
        name = argument_of(case, each.name)
        if name and (full or each.required):
            value = made_up(each)
            values[name] = case.labels[name].get(value, value) if name in case.labels else value
    values = path_arguments(operation) | values | dict(attempt.args)
    return {name: value for name, value in values.items() if name not in attempt.without}


def argument_of(case: Case, field: str) -> str | None:
    """The argument that carries a field; None where several make it up together."""
    names = [name for name, wire in case.renames.items() if wire == field]
    return field if not names else names[0] if len(names) == 1 else None


def made_up(field: Field) -> Any:
    """A value of a documented field."""
    if field.enum:
        return field.enum[-1]
    if field.fields and field.type == "array":
        return [{each.name: made_up(each) for each in field.fields}]
    if field.fields:
        return {each.name: made_up(each) for each in field.fields}
    match field.type:
        case "integer":
            return {"page": 1, "limit": 40, "priority": 2}.get(field.name, 20 + len(field.name))
        case "number":
            return 30.5 + len(field.name)
        case "boolean":
            return True
        case "array" if field.items == "string":
            return [f"my {field.name}"]
        case "array":
            return [20 + len(field.name), 21 + len(field.name)]
        case "object":
            return {"key": "value"}
        case _:
            return _text(field)


def _text(field: Field) -> str:
    name = field.name
    if field.format == "Y-m-d" or name.startswith("date_") or name.endswith(("_at", "_date")):
        return "2026-03-04"
    if name.endswith("email") or name == "participant":
        return f"{name}@x.example"
    known = {
        "order": "desc",
        "color": "#A1B2C3",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "phone_code": "+49",
        "zip_code": "10115",
        "website": "https://x.example",
    }
    if field.format == "H:i":
        return "10:30"
    return known.get(name, f"my {name}")


# --- what must leave --------------------------------------------------------------------------------------


def expected_path(operation: Operation, origin: Origin, values: Mapping[str, Any]) -> str:
    """The document's path with the identifiers of its kind in place."""
    path = operation.route(origin)
    for name, kind in _placeholders(path):
        wanted = operation.identifier(origin, kind)
        path = path.replace("{" + kind + "}", str(_identifier(operation, name, wanted, values)), 1)
    return path


def _identifier(operation: Operation, name: str, wanted: str, values: Mapping[str, Any]) -> Any:
    """The argument itself where it is of the wanted type, else what the record's example shows."""
    given = values[name]
    if name.endswith("_ids"):
        return given[0]
    kind = "integer" if isinstance(given, int) else "string"
    # Pipelines show their uuid alone, and the guide's integer stands in the same place: it goes as it is.
    if kind in wanted or operation.group == "pipeline":
        return given
    return sample.record(RECORD_OF[name])["id" if wanted == "integer" else "uuid"]


def expected_fields(
    operation: Operation, case: Case, attempt: Try, origin: Origin, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Query or body fields that must leave, by the document's names."""
    known = {each.name for each in operation.fields(origin)} - case.refused
    fields: dict[str, Any] = {"limit": ROWS} if "limit" in known else {}
    for name, value in values.items():
        wire = case.renames.get(name, name)
        if wire in known and argument_of(case, wire) == name and wire not in dict(attempt.files):
            fields[wire] = _unlabelled(case, name, value)
    own = attempt.reference if origin == "reference" else attempt.guide
    fields |= dict(attempt.wire) | dict(own)
    return {name: value for name, value in fields.items() if value is not DROP}


def _unlabelled(case: Case, name: str, label: Any) -> Any:
    """The contract's value of a label."""
    if name not in case.labels:
        return label
    return next((value for value, word in case.labels[name].items() if word == label), label)


def expected_result(
    operation: Operation, case: Case, attempt: Try, origin: Origin, values: Mapping[str, Any]
) -> Any:
    """Rows, record, or the `changed` of a write."""
    if attempt.changed is not None:
        return dict(attempt.changed)
    data = standin.answered(operation, origin)
    if data is not None:
        return case.result(data) if case.result else data
    in_path = path_arguments(operation)
    return {
        name: "(hidden secret)" if "password" in name else value
        for name, value in values.items()
        if name not in in_path
        and name not in {"confirm", "confirm_code", "allow_duplicate", "clear", "extra"}
    }
