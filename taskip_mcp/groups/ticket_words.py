"""Ticket status and priority: words for the model, numbers for TaskIP.

The guide's labels are wrong: closing with its 3 leaves a ticket open on the live system. These are the numbers that
the vendor's own site uses (contract enums.ticket_status and ticket_priority, observed).
"""

from __future__ import annotations

from typing import Any, Literal, cast

from taskip_mcp.results import Record

Status = Literal["open", "in_progress", "closed", "replied", "waiting_for_reply", "queue"]
Priority = Literal["low", "medium", "high", "urgent"]

STATUS = {"open": 0, "in_progress": 1, "closed": 2, "replied": 3, "waiting_for_reply": 4, "queue": 5}
PRIORITY = {"low": 0, "medium": 1, "high": 2, "urgent": 3}
STATUS_WORDS = {number: word for word, number in STATUS.items()}
PRIORITY_WORDS = {number: word for word, number in PRIORITY.items()}


def numbers(fields: Record) -> Record:
    """Body fields with the numbers that TaskIP wants; numbers stay as they are."""
    changed: Record = {}
    for name, table in (("status", STATUS), ("priority", PRIORITY)):
        if fields.get(name) in table:
            changed[name] = table[fields[name]]
    return fields | changed


def words(record: Record) -> Record:
    """A record with words, and the numbers that they stand for as ``status_raw``; one without a word stays a number."""
    changed: Record = {}
    for name, table in (("status", STATUS_WORDS), ("priority", PRIORITY_WORDS)):
        value = cast("Any", record.get(name))
        if isinstance(value, int) and value in table:
            changed |= {name: table[value], f"{name}_raw": value}
    return record | changed
