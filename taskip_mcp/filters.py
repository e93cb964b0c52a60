"""Filters that TaskIP does not have or may ignore: refused, checked on the rows, or done here.

========  ===================================================================================================
refused   the reference promises it for "many endpoints" and no document has it for this list, or no record
          shows what it filters by (contract api.filters, quirk 28): the error says what can be done instead
checked   TaskIP takes it; rows that surely do not match are left out, and a note says how many
local     the list always comes whole, or has no filter of its own: the rows are chosen here
========  ===================================================================================================

Pure functions over rows as operations return them, by contract id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from taskip_mcp.wire import JsonObject, Page, dig

Fits = Callable[[JsonObject, Any], bool | None]
"""Whether a row fits what was asked for; None where the row does not tell."""

# --- refused ----------------------------------------------------------------------------------------------

NEWEST = "Sort by created_at, order desc, and stop at that day."
PERIOD = "Use date_from and date_to."
COMPARE = "Read the list and compare its rows."
OTHERS = frozenset({"search", "status", "date_from", "date_to", "created_at", "sort", "order"})
"""The common filters of the reference (contract api.filters)."""

REST = OTHERS - {"search"}

DATES: tuple[str, ...] = ("date_from", "date_to", "created_at")
_SORTED_BY_AGE: Mapping[str, str] = dict.fromkeys(DATES, NEWEST)
_SEARCHED = {**dict.fromkeys(REST, COMPARE), "status": "Use search."}
_STAGES = "Read list_deals, which has stage_id, status and search."
_BOARD = "Use is_completed, container_id, assigned_to or search, and compare the due dates of the tasks."
_BOOKINGS = (
    "This lists pages to book; list_meeting_bookings shows who comes when, and has date_from and date_to."
)

REFUSED: Mapping[str, Mapping[str, str]] = {
    "contact.list": {**_SORTED_BY_AGE, "status": "Contacts have no status. Use search."},
    "company.list": {**_SORTED_BY_AGE, "industry": "Compare type in the rows."},
    "team_member.list": {**_SORTED_BY_AGE, "department": "Use role, or compare teams of the rows."},
    "invoice.list": {"created_at": PERIOD},
    "quotation.list": {"created_at": PERIOD},
    "ticket.list": {"created_at": PERIOD, "category": "Search for a word of the subject."},
    "ticket.list_attachments": dict.fromkeys(OTHERS, COMPARE),
    "document.list": {
        "created_at": PERIOD,
        "status": "Compare visibility and access of the rows.",
        "file_type": "Documents show no file type. Use search.",
    },
    "project.list": _SORTED_BY_AGE,
    "project.all_tasks": {**dict.fromkeys(REST, COMPARE), "status": "Use is_completed."},
    "project.activity": dict.fromkeys(
        ("from_date", "to_date", *DATES), "list_recent_activities has from_date and to_date."
    ),
    "project_attribute.list": {**dict.fromkeys(REST, COMPARE), "status": "Use type."},
    "task.list": {
        **dict.fromkeys(REST, _BOARD),
        **dict.fromkeys(("sort", "order"), "Sort the tasks yourself."),
    },
    "task_file.list": dict.fromkeys(OTHERS, COMPARE),
    "task_file.list_all_task_files": _SEARCHED,
    "task_file.list_project_files": _SEARCHED,
    "discussion.list": _SEARCHED,
    "discussion.list_files": _SEARCHED,
    "pipeline.list": _SORTED_BY_AGE,
    "deal.list": {
        **dict.fromkeys(("value_min", "value_max"), "Compare deal_amount of the rows."),
        **dict.fromkeys(("sort", "order"), "Sort the rows yourself."),
        **dict.fromkeys(DATES, "Compare created_at and closing_date of the rows."),
    },
    "stage.list": dict.fromkeys(OTHERS, _STAGES),
    "meeting.list": {
        **dict.fromkeys(("type", "participant", *DATES), _BOOKINGS),
        "search": "Compare the titles of the rows.",
    },
    "meeting.list_bookings": {
        "created_at": PERIOD,
        **dict.fromkeys(("sort", "order"), "Use date_from and date_to, and sort the rows yourself."),
    },
    "inbox.list": {"created_at": PERIOD},
}  # fmt: skip
"""Contract id -> filter -> what can be done instead."""


OF_CONTACTS = frozenset(
    {"contact.list", "invoice.list", "quotation.list", "ticket.list", "project.list", "deal.list"}
)
"""Lists whose rows show a company, by which people expect to filter."""

_OVERVIEW, _OVERDUE = "get_client_overview", "list_overdue_invoices"


def refusal(contract: str, name: str) -> str | None:
    """Why a list does not take this filter, and what helps; None for what nobody expects to be one."""
    instead = REFUSED.get(contract, {}).get(name)
    if name in {"company", "company_id"} and contract in OF_CONTACTS:
        instead = f"{_OVERVIEW} takes a company; lists know the contact."
    if instead is None:
        return None
    verb = "sort this list" if name in {"sort", "order"} else "filter this list by it"
    return f"TaskIP cannot {verb}. {instead}"


# --- checked ----------------------------------------------------------------------------------------------

_BETWEEN = re.compile(r"[\s_-]+")


def _plain(value: Any) -> str:
    return " ".join(str(value).casefold().split())


def folded(word: Any) -> str:
    """A status or the like in one spelling: ``On Hold`` and ``on-hold`` are ``on_hold`` (contract enums)."""
    return _BETWEEN.sub("_", str(word).strip().casefold())


def _same(path: str, read: Callable[[Any], str] = _plain) -> Fits:
    """Equality with one field, as text and without case, or as `read` takes both."""

    def fits(row: JsonObject, wanted: Any) -> bool | None:
        value = dig(row, path)
        return None if value is None or isinstance(value, dict | list) else read(value) == read(wanted)

    return fits


def _word(path: str, known: str, blurred: str = "") -> Fits:
    """Equality with a word of a list. Among the `blurred` ones TaskIP may derive one from another."""
    words, unsure = frozenset(known.split()), frozenset(blurred.split())

    def fits(row: JsonObject, wanted: Any) -> bool | None:
        value = dig(row, path)
        if (
            not isinstance(value, str)
            or value not in words
            or wanted not in words
            or {value, wanted} <= unsure
        ):
            return None
        return value == wanted

    return fits


def _ticket(row: JsonObject, wanted: Any) -> bool | None:
    # TaskIP has one number for a ticket that ended (contract enums.ticket_status).
    return _TICKET(row, "closed" if wanted == "resolved" else wanted)


# An open ticket may be stored as one that waits for a reply (contract enums.ticket_status).
_TICKET = _word(
    "status",
    "open in_progress closed replied waiting_for_reply queue",
    "open replied waiting_for_reply queue",
)


def _mail(row: JsonObject, wanted: Any) -> bool | None:
    """Rows show whether an email was read, not whether it is archived (schema conversation)."""
    read = row.get("is_read")
    return None if wanted == "archived" or not isinstance(read, bool) else read == (wanted == "read")


def _among(path: str) -> Fits:
    """Whether one of the records in a list has the id."""

    def fits(row: JsonObject, wanted: Any) -> bool | None:
        if not isinstance(row.get(path), list):
            return None
        return _plain(wanted) in {_plain(each.get("id")) for each in _nested(row, path)}

    return fits


def _one_of(row: JsonObject, wanted: Any) -> bool | None:
    """Whether a task is of one of the projects."""
    number = dig(row, "project.id")
    return None if number is None else number in wanted


CHECKED: Mapping[str, Mapping[str, Fits]] = {
    # What is sent becomes overdue or expired by itself.
    "invoice.list": {
        "status": _word("status", "draft sent paid overdue cancelled", "sent overdue"),
        "client_id": _same("contact_id"),
    },
    "quotation.list": {
        "status": _word("status", "draft sent accepted rejected expired", "sent expired"),
        "client_id": _same("contact_id"),
    },
    "ticket.list": {"status": _ticket, "priority": _word("priority", "low medium high urgent")},
    "project.list": {"status": _same("status", folded)},
    # Not assigned_to: it takes a member, and the people of tasks have numbers as users (contract user_ref).
    "project.all_tasks": {"project_ids": _one_of},
    "pipeline.list": {"status": _word("status", "active inactive archived")},
    "deal.list": {
        "stage_id": _same("deal_stage_id"),
        "status": _word("status", "active won lost"),
        "contact_id": _same("contact.id"),
    },
    "meeting.list_bookings": {"status": _word("status", "confirmed pending cancelled")},
    "inbox.list": {"status": _mail, "tag_id": _among("tags")},
}
"""Contract id -> filter -> how a row shows what it filters by; only where that is certain."""


def checked(contract: str, given: Mapping[str, Any], page: Page) -> Page:
    """The page without rows that contradict a filter that was sent; a note tells which TaskIP ignored."""
    kept, ignored = page.items, list[str]()
    for name, fits in CHECKED.get(contract, {}).items():
        if given.get(name) is None:
            continue
        left = [row for row in kept if fits(row, given[name]) is not False]
        ignored += [name] if len(left) < len(kept) else []
        kept = left
    if not ignored:
        return page
    gone = len(page.items) - len(kept)
    note = f"TaskIP ignored {' and '.join(ignored)}: {gone} of {len(page.items)} rows left out."
    return replace(page, items=kept, total=None, note=f"{page.note} {note}".strip())


def applied(
    contract: str, given: Mapping[str, Any], page: Page, offers: Callable[[str], bool] = lambda tool: True
) -> Page:
    """What a caller gets of a list: the rows that fit what was sent, and of these the ones that are chosen here.

    `offers` tells which tools a note may name.
    """
    found = local(contract, given, checked(contract, given, page))
    words = [] if found.items else list(_hints(contract, given, page, offers))
    return replace(found, note=" ".join(filter(None, [found.note, *words]))) if words else found


# --- nothing found ----------------------------------------------------------------------------------------

SEARCHES: Mapping[str, str] = {
    "contact.list": f"names and emails, not companies: {_OVERVIEW} takes a company and names its contacts.",
    "invoice.list": (f"numbers and contacts, not companies: {_OVERDUE} and {_OVERVIEW} take a company."),
    "quotation.list": f"numbers and contacts, not companies: {_OVERVIEW} takes a company.",
    "ticket.list": (
        f"subjects, texts and requesters' emails: client_id takes a contact, {_OVERVIEW} a company too."
    ),
    "project.list": f"titles and descriptions, not clients: client_id takes a contact, {_OVERVIEW} a company.",
}
"""Contract id -> what its search looks into (`operations[].query`), where people expect more, and what helps."""

_LISTED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "project.list": {"status": ("planning", "active", "on_hold", "completed", "cancelled")},
    "project_attribute.list": {"type": ("tag", "category", "priority", "label")},
    "team_member.list": {"role": ("admin", "project_manager", "developer", "designer", "client")},
}
SEEN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **_LISTED,
    **dict.fromkeys(("project.create", "project.update", "project.change_status"), _LISTED["project.list"]),
}
"""Contract id -> argument of any text -> the values that the contract has seen (`enums`); there may be others."""


def spelled(contract: str, name: str, value: str) -> str:
    """A word as TaskIP was seen to write it, if it is one of those in other spelling."""
    return next((word for word in SEEN.get(contract, {}).get(name, ()) if word == folded(value)), value)


def _hints(
    contract: str, given: Mapping[str, Any], page: Page, offers: Callable[[str], bool]
) -> Iterator[str]:
    """Why there may be no row: "none" is taken for the answer, though the search or a word was not what TaskIP knows.

    `page` is what TaskIP sent: with rows in it the search did find something.
    """
    first = given.get("page") in (None, 1)
    if first and not page.items and given.get("search") and contract in SEARCHES:
        what, way = SEARCHES[contract].split(": ")
        named = [tool for tool in (_OVERVIEW, _OVERDUE) if tool in way]
        yield f"Here TaskIP searches {what}" + (f": {way}" if all(map(offers, named)) else ".")
    for name, known in SEEN.get(contract, {}).items():
        if first and given.get(name) is not None and folded(given[name]) not in known:
            words = f"{name[:-1]}ies" if name.endswith("y") else f"{name}{'e' * name.endswith('s')}s"
            yield f"{words.capitalize()} seen: {', '.join(known)}."


# --- local ------------------------------------------------------------------------------------------------


def _text(*paths: str) -> Fits:
    """Whether one of the texts holds what is searched."""

    def fits(row: JsonObject, wanted: Any) -> bool:
        return any(_plain(wanted) in _plain(dig(row, path) or "") for path in paths)

    return fits


def _done(row: JsonObject, wanted: Any) -> bool:
    return bool(row.get("is_completed")) == wanted


@dataclass(frozen=True, slots=True)
class Local:
    """What is chosen here. `inside` filters are of the rows under that key; `cut` lists are paged here."""

    rows: Mapping[str, Fits]
    inside: str = ""
    inner: Mapping[str, Fits] | None = None
    cut: bool = True

    @property
    def names(self) -> frozenset[str]:
        """The parameters that are not sent."""
        return (
            frozenset(self.rows)
            | frozenset(self.inner or ())
            | ({"page", "limit"} if self.cut else set[str]())
        )


_TASK: Mapping[str, Fits] = {"is_completed": _done, "search": _text("title", "description")}
LOCAL: Mapping[str, Local] = {
    "task.list": Local(
        rows={"container_id": _same("container_id")},
        inside="items",
        inner={**_TASK, "assigned_to": _among("assignees")},
        cut=False,
    ),
    "project.all_tasks": Local(_TASK),
    "project_attribute.list": Local({"type": _same("type"), "search": _text("title")}, cut=False),
    "stage.list": Local({"stage_id": _same("id")}, cut=False),
    "discussion.list": Local({"search": _text("msg_content", "user.name")}),
    "discussion.list_files": Local({"search": _text("title")}),
    "task_file.list_all_task_files": Local({"search": _text("media.title")}),
    "task_file.list_project_files": Local({"search": _text("title")}),
}  # fmt: skip
"""Contract id -> what is chosen here."""


def local(contract: str, given: Mapping[str, Any], page: Page) -> Page:
    """The rows that were asked for, of a list that TaskIP does not filter."""
    found = LOCAL.get(contract)
    if found is None:
        return page
    rows = _chosen(page.items, found.rows, given)
    if found.inner and any(given.get(name) is not None for name in found.inner):
        inner = [
            {**row, found.inside: _chosen(_nested(row, found.inside), found.inner, given)} for row in rows
        ]
        rows = [row for row in inner if row[found.inside]]
    if found.cut:
        return _cut(replace(page, items=rows), given)
    return replace(page, items=rows, **_counts(page, rows))


def _chosen(
    rows: Sequence[JsonObject], tests: Mapping[str, Fits], given: Mapping[str, Any]
) -> list[JsonObject]:
    wanted = {name: fits for name, fits in tests.items() if given.get(name) is not None}
    return [row for row in rows if all(fits(row, given[name]) for name, fits in wanted.items())]


def _nested(row: JsonObject, key: str) -> list[JsonObject]:
    value = row.get(key)
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("JsonObject", each) for each in rows if isinstance(each, dict)]


def _counts(page: Page, rows: Sequence[JsonObject]) -> dict[str, Any]:
    """TaskIP's counters are of all rows; where pages follow, those are to be looked at as well."""
    if len(rows) == len(page.items):
        return {}
    more = (
        f" Only this page was searched; the rest is on page {page.next_page} and on."
        if page.next_page and not page.note
        else ""
    )
    return {"total": None, "note": f"{page.note}{more}".strip()}


def _cut(page: Page, given: Mapping[str, Any]) -> Page:
    """One page of rows that all came at once."""
    number, size, total = given.get("page") or 1, given.get("limit") or len(page.items), len(page.items)
    rows = page.items[(number - 1) * size : number * size]
    return replace(page, items=rows, total=total, next_page=number + 1 if number * size < total else None)
