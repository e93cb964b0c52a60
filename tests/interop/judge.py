"""Whether what came out of a client is what the server published and should have answered.

A client's report: ``client`` (name and versions), ``schemas`` (kind of conversion -> tool -> JSON schema as a model
would get it), ``refused`` (kind -> tool -> why the conversion failed), ``calls`` (transport -> list of ``tool``,
``error``, ``text``, in the order of the steps).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, cast

from tests.interop.plan import JsonObject, Listed, Step

NOTHING = "Nothing was changed."


def failures(report: JsonObject, tools: Sequence[Listed], steps: Mapping[str, Sequence[Step]]) -> list[str]:
    """All that is wrong with a report; empty is good."""
    found: list[str] = []
    for kind, schemas in report["schemas"].items():
        rest = [tool for tool in tools if tool.name not in report["refused"].get(kind, {})]
        found += [f"{kind}: {problem}" for problem in of_schemas(schemas, rest, strict="strict" in kind)]
    for kind, refused in report["refused"].items():
        found += [f"{kind}: {tool}: {why}" for tool, why in refused.items()]
    for transport, expected in steps.items():
        given = report["calls"].get(transport, [])
        found += [f"{transport}: {problem}" for problem in of_calls(given, expected)]
    return found


# --- schemas ----------------------------------------------------------------------------------------------


def of_schemas(schemas: Mapping[str, JsonObject], tools: Sequence[Listed], *, strict: bool) -> Generator[str]:
    """What a conversion lost or bent. A strict one makes every argument required, as its model demands."""
    names = [tool.name for tool in tools]
    for name in (name for name in names if name not in schemas):
        yield f"{name} is missing"
    for name in (name for name in schemas if name not in names):
        yield f"{name} is not a tool of the server"
    for tool in tools:
        if tool.name in schemas:
            where = tool.name
            yield from (f"{where}{problem}" for problem in _bent(tool.schema, schemas[tool.name], strict))


def _bent(ours: JsonObject, theirs: JsonObject, strict: bool) -> Generator[str]:
    """Differences in what a model must know: type, arguments, which are required, values, elements."""
    kind = str(theirs.get("type", "")).lower()
    if kind != ours.get("type"):
        yield f": type is {theirs.get('type')!r} instead of {ours.get('type')!r}"
    wanted, given = _names(ours, "properties"), _names(theirs, "properties")
    if wanted != given:
        yield f": arguments differ: {sorted(wanted ^ given)}"
    required = set(cast("list[str]", theirs.get("required") or []))
    if required != (wanted if strict else set(ours.get("required") or [])):
        yield f": required are {sorted(required)}"
    if set(ours.get("enum") or []) != set(theirs.get("enum") or []):
        yield f": values are {theirs.get('enum')}"
    if (
        ours.get("description")
        and ours["description"] not in str(theirs.get("description"))
        and kind != "object"
    ):
        yield ": the description was lost"
    for name in sorted(wanted & given):
        inside = _bent(ours["properties"][name], theirs["properties"][name], strict)
        yield from (f".{name}{problem}" for problem in inside)
    if "items" in ours:
        yield from (f"[]{problem}" for problem in _bent(ours["items"], theirs.get("items") or {}, strict))


def _names(schema: JsonObject, key: str) -> set[str]:
    return set(schema.get(key) or {})


# --- calls ------------------------------------------------------------------------------------------------


def of_calls(given: Sequence[JsonObject], steps: Sequence[Step]) -> Generator[str]:
    """Calls whose answers are not what their steps expect."""
    if len(given) != len(steps):
        yield f"{len(given)} of {len(steps)} calls were made"
    for call, step in zip(given, steps, strict=False):
        if call["tool"] != step.tool:
            yield f"{call['tool']} was called in place of {step.tool}"
        elif problem := _wrong(call, step):
            yield f"{step.tool}: {problem}: {_short(call['text'])}"


def _wrong(call: JsonObject, step: Step) -> str:
    text = str(call["text"])
    if not text.strip():
        return "an empty answer"
    if call["error"] is not (step.expected == "refusal"):
        return "an error" if call["error"] else "no refusal"
    nothing = NOTHING in text
    if step.expected == "preview" and not nothing:
        return "no preview"
    if step.expected == "answer" and nothing:
        return "a preview instead of an answer"
    return ""


def _short(text: Any) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= 300 else words[:297] + "..."
