"""What can be named instead of by its id: the lists that show it, and what of a row is its name. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from taskip_mcp import outside
from taskip_mcp.wire import JsonObject

SIZE, PAGES = 100, 5
"""Rows of a page, and pages of a list that are read for a name."""

FULL, PERSON = ("full_name", "name"), ("first_name", "last_name")

EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?((?:[\w-]+\.)+[^\W\d]{2,})(/[^\s?#]*)?(\?[^\s#]+)?\??(?:#\S*)?", re.IGNORECASE
)

SITE = re.compile(r"(https?://)?(www\.)?")
"""What stands before the domain of an address."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Records that can be named, and the list that shows them.

    `names` and `emails` are the fields that are compared, `hosts` those with a web address. `scope` is the parameter
    of the same call within which they are named. `search` tells that the documents have a search of the list that
    looks into the names (and the emails, with `finds_emails`); `small` lists are read as a whole first all the same.
    `inside` is the field of a row that has the records, `only` what their type must be. `ids` are the fields with the
    identifier, the first one that is there counts. `unique` names cannot be given twice. `shown` tells records of one
    name apart. Writes in `groups` change the names; `reader` has the identifier in its path. Of a `short`
    list all records are told when a name fails. `ours` tells that nobody but the workspace writes what an error shows
    of them (`outside.FIELDS`).
    """

    word: str
    contract: str
    names: tuple[str, ...] = ("title",)
    emails: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    scope: str = ""
    search: bool = False
    finds_emails: bool = False
    small: bool = False
    inside: str = ""
    only: str = ""
    ids: tuple[str, ...] = ("id",)
    unique: bool = False
    shown: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    size: int = SIZE
    pages: int = PAGES
    reader: str = ""
    short: bool = False
    ours: bool = False

    @property
    def words(self) -> str:
        """Several of them."""
        return f"{self.word[:-1]}ies" if self.word.endswith("y") else f"{self.word}s"

    @property
    def touched_by(self) -> tuple[str, ...]:
        """The groups whose writes change what its names mean."""
        return self.groups or (self.contract.partition(".")[0],)


def _attribute(word: str, only: str = "") -> Kind:
    # One list for all types, 15 rows a page and without a limit (contract project_attribute.list).
    return Kind(word, "project_attribute.list", only=only, shown=("type",), size=15, pages=20, ours=True)


# Searches are those that the contract documents for the list (`operations[].query`), fields those of its schemas.
KINDS: Mapping[str, Kind] = {
    "contact": Kind(
        "contact", "contact.list", names=FULL, emails=("email",), search=True, finds_emails=True,
        shown=("email", "company"), groups=("contact", "company"),
    ),
    "company": Kind(
        "company", "company.list", names=("name",), emails=("email",), hosts=("domain", "website"), search=True,
        shown=("email",),
    ),
    "member": Kind(
        "team member", "team_member.list", names=FULL, emails=("email",), search=True, finds_emails=True, small=True,
        shown=("email",), ours=True,
    ),
    # A deleted company takes its projects with it (contract company.delete).
    "project": Kind(
        "project", "project.list", search=True, ids=("uuid", "id"), shown=("client", "status"),
        groups=("project", "company"), reader="project.get",
    ),
    "pipeline": Kind(
        "pipeline", "pipeline.list", search=True, small=True, ids=("uuid",), shown=("status",), ours=True,
    ),
    # stage.list would show every deal as well.
    "stage": Kind(
        "stage", "pipeline.get", names=("name", "title"), scope="pipeline_id", inside="stages",
        groups=("stage", "pipeline"), short=True, ours=True,
    ),
    "container": Kind(
        "column", "task.list", scope="project_id", ids=("container_id",), groups=("container", "project"),
        short=True, ours=True,
    ),
    "task": Kind(
        "task", "task.list", scope="project_id", inside="items", shown=("_in", "due_date"),
        groups=("task", "container", "project"), ours=True,
    ),
    "label": _attribute("label", "label"),
    "tag": _attribute("tag", "tag"),
    "category": _attribute("category", "category"),
    "attribute": _attribute("project attribute"),
    # A tag shows only where it is in use.
    "inbox_tag": Kind("inbox tag", "inbox.list", inside="tags", ours=True),
    "meeting": Kind(
        "meeting", "meeting.list", ids=("uuid", "id"), shown=("host", "status"), reader="meeting.get", ours=True,
    ),
    "invoice": Kind(
        "invoice", "invoice.list", names=("invoice_no",), search=True, unique=True, shown=("contacts", "status"),
        groups=("invoice", "quotation"),
    ),
    "quotation": Kind(
        "quotation", "quotation.list", names=("quotation_no",), search=True, unique=True, shown=("contacts", "status"),
    ),
    "deal": Kind(
        "deal", "deal.list", names=("deal_name",), scope="pipeline_id", search=True, shown=("contact",),
        groups=("deal", "stage", "pipeline"),
    ),
    "document": Kind("document", "document.list", names=("name",), search=True, shown=("created_by", "folder")),
    "ticket": Kind(
        "ticket", "ticket.list", names=("subject",), search=True, ids=("id", "uuid"), shown=("created_by", "status"),
        reader="ticket.get",
    ),
}  # fmt: skip

KEPT = frozenset({"id", "type", *PERSON, *FULL}).union(
    *({*k.names, *k.emails, *k.hosts, *k.ids, *k.shown, k.inside} for k in KINDS.values())
)
"""The fields of rows that are of use here."""


def slim(value: Any) -> Any:
    """A row with the fields that are of use here."""
    if isinstance(value, list):
        return [slim(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {name: slim(each) for name, each in cast("JsonObject", value).items() if name in KEPT}


# --- rows ---------------------------------------------------------------------------------------------------


def place(kind: Kind, scope: Mapping[str, Any]) -> tuple[Any, ...]:
    """The list that shows them, as its rows are kept under."""
    return kind.contract, *sorted(scope.items())


def records(kind: Kind, rows: Sequence[JsonObject]) -> list[JsonObject]:
    """The records that the rows are or hold, each once."""
    if kind.inside:
        rows = [
            each | {"_in": row.get("title")}
            for row in rows
            for each in cast("list[JsonObject]", row.get(kind.inside) or [])
        ]
    known = {str(row[name]): row for row in rows for name in ids(kind, row)[:1]}
    return [row for row in known.values() if not kind.only or row.get("type") == kind.only]


def ids(kind: Kind, row: JsonObject) -> list[str]:
    """The fields that have an identifier."""
    return [name for name in kind.ids if isinstance(row.get(name), int | str) and row[name] != ""]


def matching(kind: Kind, rows: Sequence[JsonObject], text: str) -> list[JsonObject]:
    """The records that are called so, or have this address or identifier."""
    if is_email(kind, text):
        wanted = _plain(text).lower()
        return [row for row in rows if wanted in {_plain(row.get(name)).lower() for name in kind.emails}]
    wanted, at = key(text), address(text) if kind.hosts else ""
    return [
        row
        for row in rows
        if wanted in {key(name) for name in names(kind, row)}
        or str(text) in {str(row[name]) for name in ids(kind, row)}
        or (at and at in {address(row.get(name)) for name in kind.hosts})
    ]


def is_email(kind: Kind, text: str) -> bool:
    """Whether a text can only be the address of such a record."""
    return bool(kind.emails) and EMAIL.fullmatch(text.strip()) is not None


def key(text: Any) -> str:
    """What is compared: names are shown without characters that nobody sees, and so they come back."""
    return _plain(text).casefold()


def _plain(text: Any) -> str:
    # Addresses are lowered from here: casefold would make one of straße.example and strasse.example.
    return " ".join(unicodedata.normalize("NFC", outside.clean(str(text or ""))).split())


def address(text: Any) -> str:
    """A web address or domain as it is compared; empty for any other text.

    The path counts: many have their page on the host of somebody else.
    """
    found = ADDRESS.fullmatch(_plain(text))
    return f"{found[1].lower()}{(found[2] or '').rstrip('/')}{found[3] or ''}" if found else ""


def named_by_us(kind: Kind) -> bool:
    """Whether the workspace alone gives the names."""
    named = outside.readable(dict.fromkeys(kind.names, "a name"), kind.contract.partition(".")[0])
    return not outside.holds_foreign(named)


def names(kind: Kind, row: JsonObject) -> Iterator[str]:
    """All that a record is called by."""
    yield from (str(row[name]) for name in kind.names if row.get(name))
    if kind.names == FULL and (parts := [str(row[part]) for part in PERSON if row.get(part)]):
        yield " ".join(parts)


# --- what begins so -----------------------------------------------------------------------------------------


class By(IntEnum):
    """What of a record begins as somebody types, the best first."""

    NAME = 0
    WORD = 1
    EMAIL = 2
    HOST = 3
    ID = 4


def plain(text: Any) -> str:
    """What is compared while somebody types: without accents, which not everybody can type."""
    signs = unicodedata.normalize("NFD", key(text))
    return "".join(each for each in signs if not unicodedata.combining(each))


def begins(kind: Kind, row: JsonObject, start: str) -> By | None:
    """What of a record begins with this `plain` text: its name, also as it is shown with the id, or another."""
    called, numbers = [plain(name) for name in names(kind, row)], [str(row[name]) for name in ids(kind, row)]
    shown = [f"{name} ({number})" for name in called for number in numbers]
    hosts = [address(row[name]) for name in kind.hosts if row.get(name)]
    if any(name.startswith(start) for name in (*called, *shown)):
        return By.NAME
    if any(map(re.compile(rf"[\W_]{re.escape(start)}").search, called)):
        return By.WORD
    if any(plain(row[name]).startswith(start) for name in kind.emails if row.get(name)):
        return By.EMAIL
    if any(host.startswith(SITE.sub("", start)) for host in hosts):
        return By.HOST
    return By.ID if any(number.startswith(start.removeprefix("#")) for number in numbers) else None
