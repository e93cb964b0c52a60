"""What the model reads of a record: concise by default, everything on request.

Each kind of record is declared once, as a table, in the module of its groups: what is shown under which key, what rows
of lists have of it, what is never shown, how its dates are written (`taskip_mcp.views.declare`). Views come after
`outside.readable`: they join and cut texts, and what outsiders wrote stays marked.

The same thing has the same key everywhere: ``client``, ``company``, ``assignees``, ``due_date``, ``total``, ``status``,
``created_at``. What an update takes has the name of its argument. People, firms, files, tags and their like are
``Name (id)`` with the id that tools take. Who may be a client or of the team is ``Name (user 108)``: the number of the
user, which is none of a contact. Amounts have their currency; days and moments are ISO 8601; ages begin with ``~``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from taskip_mcp.views import billing, declare, people, projects, sales, support
from taskip_mcp.views.declare import Role

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

__all__ = ["DETAILED", "VIEWS", "WIDE", "Detail", "Role", "known", "missing", "view"]

Detail = Literal["concise", "full"]

VIEWS: Mapping[str, declare.View] = {
    contract: each
    for table in (people, billing, support, projects, sales)
    for contracts, each in table.VIEWS.items()
    for contract in contracts.split()
}
"""Contract ids of the operations that answer with records, and the view of those."""

WIDE = frozenset(
    {
        "contact.list", "company.list", "invoice.list", "quotation.list", "ticket.list", "project.list",
        "project.all_tasks", "deal.list",
    }
)  # fmt: skip
"""Contract ids of the lists with wide rows: their tools take `fields`."""

DETAILED = WIDE | frozenset(
    {
        "contact.get", "team_member.list", "invoice.get", "quotation.get", "ticket.get", "document.list",
        "document.get", "project.get", "task.list", "task.get", "deal.get", "stage.list", "meeting.list",
        "meeting.get", "meeting.list_bookings", "meeting.get_booking", "inbox.list",
    }
)  # fmt: skip
"""Contract ids of the reads whose records have more than is shown by default: their tools take `detail`."""


def view(
    contract: str, record: JsonObject, role: Role, *, detail: Detail = "concise", fields: Sequence[str] = ()
) -> JsonObject:
    """A record of an operation as the model reads it; as it is, where the operation has no view.

    `fields` of a row are looked for in all that the record has, in the form of the detail that is asked for, and then
    in the other one.
    """
    found = VIEWS.get(contract)
    if found is None:
        return {name: record[name] for name in fields if name in record} if fields else record

    def full() -> JsonObject:
        return declare.full(found, record)

    def concise() -> JsonObject:
        return declare.concise(found, record, role, whole=bool(fields))

    shown, rest = (full, concise) if detail == "full" else (concise, full)
    return declare.chosen(found, fields, shown(), rest) if fields else shown()


def known(contract: str) -> list[str]:
    """The names that `fields` can hold: those of both details."""
    found = VIEWS.get(contract)
    return list(dict.fromkeys((*found.shows, *sorted(found.taken)))) if found else []


def missing(contract: str, rows: Sequence[JsonObject], fields: Sequence[str]) -> list[str]:
    """The fields that no record of this kind has. `rows` are TaskIP's records; one that is empty is not missing."""
    names = {*known(contract), *(name for row in rows for name in row)}
    return [name for name in fields if name not in names]
