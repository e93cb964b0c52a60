"""What a preview says: one shape for every call that wants to pass the gate.

``preview``            the operation in words
``consequences``       the classes that the gate acts on
``records``, ``count`` the first ten records with name, amount and status, and how many there are
``with``               what would be sent
``follows``            what comes of it beside the change itself
``cannot_be_undone``   what `undo_change` cannot bring back
``cost``               requests of the confirmed call, and minutes until the last may leave, if it has to wait
``done``, ``next``     that nothing was changed, and what to do

The result of what was confirmed names what it was about in the same words: `of_result`, `of_job`.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from taskip_mcp import jobs, outside, redact
from taskip_mcp.call import Backend, Call
from taskip_mcp.operation import Consequence, Effect
from taskip_mcp.results import Report, Written
from taskip_mcp.target import ODD, SHOWN, Sight, brief, named
from taskip_mcp.wire import JsonObject, jsonable

NEXT = "Show this to the user; if they agree, call again with the same arguments and confirm: true."
NEXT_WITH_CODE = (
    "Show this to the user; if they agree, call again within ten minutes with the same arguments, confirm: true and"
    " this confirm_code."
)

WORDS: Mapping[Consequence, str] = {
    Consequence.DELETE: "deletes for good",
    Consequence.BULK: "changes many records at once",
    Consequence.SEND: "sends a message to people outside",
    Consequence.MONEY: "records or requests money",
    Consequence.ACCESS: "gives somebody access to the workspace",
}

BLIND = "TaskIP shows nothing of this record, so a change before the confirmation would not be noticed."
FIRST = f"Only the first {SHOWN} are read, and compared again before the write."
LONG, WHOLE = 300, 10_000
"""Characters of a question: of one value of a record, which must not push the rest out of the dialog, and of one value
that would be sent."""
ASKS = "An assistant asks to do this; nothing has been done yet."


async def of_call(call: Call, found: frozenset[Consequence], sight: Sight) -> JsonObject:
    """What an operation would do. Nothing is read here but the rate budget."""
    operation = call.operation
    again = {"allow_duplicate": True} if call.again else {}
    given = again | {name: value for name, value in call.given.items() if name != operation.chunk}
    if clear := call.arguments.get("clear"):  # steers the call, but empties fields: a person must see it
        given["clear"] = clear
    return shape(
        f"{operation.title}: this {effects(found)}",
        found,
        records=[each.shown for each in sight.targets],
        count=sight.count,
        sent=given,
        follows=_follows(call, sight),
        lost=_lost(call, found),
        cost=await cost(call.backend, _requests(call, sight)),
    )


def shape(
    words: str,
    found: frozenset[Consequence],
    *,
    records: Sequence[JsonObject] = (),
    count: int = 0,
    sent: Mapping[str, Any] | None = None,
    follows: Sequence[str] = (),
    lost: Sequence[str] = (),
    cost: JsonObject | None = None,
) -> JsonObject:
    """The one shape; what is empty is left out."""
    shown: JsonObject = {
        "preview": words,
        "consequences": sorted(found),
        "records": list(records[:SHOWN]),
        "count": count,
        "with": redact.masked(dict(sent or {})),
        "follows": list(follows),
        "cannot_be_undone": list(lost),
        "cost": cost,
        "done": "Nothing was changed.",
    }
    return {name: value for name, value in shown.items() if value not in (None, [], {}, "", 0)}


async def cost(backend: Backend, requests: int) -> JsonObject:
    """Requests that a call takes, and the minutes until the last of them may leave, if that is not now."""
    minutes = round(await backend.client.budget.cost(requests), 1)
    return {"requests": requests} | ({"minutes": minutes} if minutes else {})


def effects(found: frozenset[Consequence]) -> str:
    """``deletes for good and ...``, for what has consequences."""
    return f"{listed([WORDS[each] for each in sorted(found)])}." if found else ""


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]


def _requests(call: Call, sight: Sight) -> int:
    """The target is read again, then come the writes; a job reads each of its records before it changes it."""
    kept = call.operation.inverse(call.arguments)
    read = sum(1 for each in sight.targets if each.record)
    unread = sight.count - read if call.operation.chunk and kept else 0
    return sight.reads + unread + jobs.requests(call.operation, call.arguments)


def _follows(call: Call, sight: Sight) -> list[str]:
    """What the contract says of the operation, what goes with the target, and what this record tells."""
    said = [call.operation.warns] if call.operation.warns else []
    said += along(sight.children, sight.partial)
    said += [
        f"{words}: not known, TaskIP does not show them" for words in sight.partial - sight.children.keys()
    ]
    if sight.targets and sight.blind:
        said.append(BLIND)
    if sight.count > SHOWN:
        said.append(FIRST)
    return said + _told(call, next((each.record for each in sight.targets if each.record), None) or {})


def along(children: Mapping[str, Sequence[JsonObject]], partial: Container[str] = ()) -> list[str]:
    """What goes with a target, counted and named; of what is `partial` there may be more."""
    return [
        f"{words}: {'at least ' if words in partial else ''}{len(rows)}{named(rows)}"
        for words, rows in children.items()
    ]


def _told(call: Call, record: JsonObject) -> list[str]:
    """What the operation tells of its arguments and the record."""
    try:
        return list(call.operation.follows(call.arguments, record)) if call.operation.follows else []
    except ODD:
        return ["TaskIP shows this record in a form that is not known, so not all that follows can be told."]


def _lost(call: Call, found: frozenset[Consequence]) -> list[str]:
    """What cannot be taken back."""
    undo = call.operation.inverse(call.arguments)
    said = ["What is mailed cannot be called back."] if Consequence.SEND in found else []
    if undo is None and call.operation.effect not in {Effect.SEND, Effect.CREATE}:
        said.append("undo_change cannot take this back.")
    if undo and undo.remake:
        said.append("undo_change can only offer the call that creates it anew.")
    if undo and undo.lost:
        said.append(undo.lost)
    return said


# --- what was done ----------------------------------------------------------------------------------------


def of_result(call: Call, result: Any, *, known: bool) -> Any:
    """The result of one write: a delete names what went, a message whom it went to, if that is `known` from a read.

    All from what was read before it; where TaskIP answered with the record itself, that tells more.
    """
    if not isinstance(result, Written) or result.whole or call.closed is None:
        return result
    found, told = call.operation.consequences(call.arguments), JsonObject()
    if Consequence.DELETE in found:
        told = gone([call.before])
    elif Consequence.SEND in found and known:
        kept = cast("dict[str, JsonObject]", call.before.get("records") or {})
        told = {"follows": _told(call, next(iter(kept.values()), JsonObject()))}
    return replace(result, changed=result.changed | {name: each for name, each in told.items() if each})


def of_job(call: Call, report: Report) -> Report:
    """The same of a bulk delete: the journal has the records of its parts."""
    if Consequence.DELETE not in call.operation.consequences(call.arguments):
        return report
    done = set(map(str, report.items.get("done") or []))
    parts = [part.before for part in call.backend.log.of_job(report.job)]
    return replace(report, changed=report.changed | gone(parts, done))


def gone(before: Sequence[JsonObject], done: Container[str] | None = None) -> JsonObject:
    """``records`` and ``follows`` of deletes, out of what was there before them; with `done` of these ids alone."""
    records = [
        brief(record, name)
        for each in before
        for name, record in cast("dict[str, JsonObject]", each.get("records") or {}).items()
        if done is None or name in done
    ]
    children: dict[str, list[JsonObject]] = {}
    for each in before:
        for words, rows in cast("dict[str, list[JsonObject]]", each.get("children") or {}).items():
            known = children.setdefault(words, [])
            known += [row for row in rows if row not in known]
    partial = {words for each in before for words in each.get("partial") or ()}
    told = {"records": records[:SHOWN], "follows": along({k: v for k, v in children.items() if v}, partial)}
    return {name: value for name, value in told.items() if value}


# --- the question -----------------------------------------------------------------------------------------


def question(preview: JsonObject) -> str:
    """A preview as a question to a person, in plain lines."""
    rows: list[JsonObject] = preview.get("records", [])
    lines = ["- " + ", ".join(f"{name}: {_cell(value)}" for name, value in row.items()) for row in rows]
    if preview.get("count", 0) > len(rows):
        lines.append(f"... {preview['count']} in all")
    said = [*preview.get("follows", []), *preview.get("cannot_be_undone", [])]
    # What would be sent is what the person agrees to: it is shown whole, the longest last.
    sent = [f"{name} = {_short(value, WHOLE)}" for name, value in preview.get("with", {}).items()]
    first = " ".join(str(preview["preview"]).split())
    return outside.clean(
        "\n".join([ASKS, first, *lines, *(_short(each) for each in said), *sorted(sent, key=len)])
    )


def _cell(value: Any) -> str:
    """A value among others on one line: a name with a comma and a colon could pass for the field behind it."""
    text = _short(value)
    return (
        json.dumps(text, ensure_ascii=False) if isinstance(value, str) and set(',:="') & set(text) else text
    )


def _short(value: Any, most: int = LONG) -> str:
    """One line of any value: a name with a line break could pass for a line of ours."""
    text = value if isinstance(value, str) else json.dumps(jsonable(value), ensure_ascii=False)
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    # Of a list the number is told: somebody who was added behind the cut must not go unnoticed.
    many = f"{len(cast('list[Any]', value))} in all, " if isinstance(value, list) else ""
    return f"{text[:most]}... ({many}{len(text) - most} more characters)"
