"""What a preview says: one shape for every call that wants to pass the gate.

``preview``            the operation in words
``consequences``       the classes that the gate acts on
``records``, ``count`` the first ten records with name, amount and status, and how many there are
``with``               what would be sent
``follows``            what comes of it beside the change itself
``cannot_be_undone``   what `undo_change` cannot bring back
``cost``               requests of the confirmed call, and minutes until the last may leave
``done``, ``next``     that nothing was changed, and what to do
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from taskip_mcp import jobs, outside, redact
from taskip_mcp.call import Backend, Call
from taskip_mcp.operation import Consequence, Effect
from taskip_mcp.target import ODD, SHOWN, Sight, named
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
    """Requests that a call takes, and the minutes until the last of them may leave."""
    return {"requests": requests, "minutes": round(await backend.client.budget.cost(requests), 1)}


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
    for words, rows in sight.children.items():
        least = "at least " if words in sight.partial else ""
        said.append(f"{words}: {least}{len(rows)}{named(rows)}")
    said += [
        f"{words}: not known, TaskIP does not show them" for words in sight.partial - sight.children.keys()
    ]
    if sight.targets and sight.blind:
        said.append(BLIND)
    if sight.count > SHOWN:
        said.append(FIRST)
    if call.operation.follows:
        record = next((each.record for each in sight.targets if each.record), None) or {}
        try:
            said += call.operation.follows(call.arguments, record)
        except ODD:
            said.append(
                "TaskIP shows this record in a form that is not known, so not all that follows can be told."
            )
    return said


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
