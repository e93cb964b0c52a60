"""Everything that is open with one client: a contact, or a company with all its contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from taskip_mcp.call import Backend
from taskip_mcp.errors import ArgumentError
from taskip_mcp.operation import Effect
from taskip_mcp.overview import boards, facts
from taskip_mcp.overview.reading import Reading, Work
from taskip_mcp.own import own_tool
from taskip_mcp.params import CompanyId, ContactId
from taskip_mcp.results import Record
from taskip_mcp.views.forms import bare, name_of, named, objects_of
from taskip_mcp.wire import JsonObject

SHOWN = 5
"""Rows of a part; the count and the sums are of all."""

PEOPLE_PAGES = 5
"""Pages of contacts that are looked through for those of a company, by which TaskIP cannot filter."""

NEWEST: JsonObject = {"sort": "created_at", "order": "desc"}


@dataclass
class Client:
    """Who it is about: one contact, or the contacts of one company."""

    people: list[JsonObject]
    company: JsonObject = field(default_factory=lambda: JsonObject())

    @property
    def filters(self) -> JsonObject:
        """What the lists are asked for: they know the contact of a client, not its company."""
        return {} if self.company else {"client_id": self.people[0].get("id")}

    @property
    def emails(self) -> set[str]:
        """The addresses, in lower case."""
        return {str(person["email"]).lower() for person in self.people if person.get("email")}

    def _firm(self, row: JsonObject) -> bool:
        return facts.same_id(facts.inside(row.get("company")).get("id"), self.company.get("id"))

    def _is_one(self, shown: JsonObject) -> bool:
        """Whether a reference, whose number is that of a user, means one of them."""
        return any(facts.same_person(shown, person) for person in self.people)

    def bill(self, row: JsonObject) -> bool:
        """An invoice or a quotation has the contact's own id, and the company beside it."""
        number = row.get("contact_id") or facts.inside(row.get("contacts")).get("id")
        return self._firm(row) or any(facts.same_id(number, person.get("id")) for person in self.people)

    def deal(self, row: JsonObject) -> bool:
        """A deal shows both."""
        return self._firm(row) or self._is_one(facts.inside(row.get("contact")))

    def project(self, row: JsonObject) -> bool:
        """A project lists its clients."""
        return any(map(self._is_one, objects_of(row.get("client"))))

    def ticket(self, row: JsonObject) -> bool:
        """A ticket shows who asked, and who wrote it down."""
        shown = (facts.inside(row.get("user")), facts.inside(row.get("created_by")))
        return any(map(self._is_one, shown)) or str(row.get("email") or "").lower() in self.emails

    def booking(self, row: JsonObject) -> bool:
        """A booking is made by an address."""
        return str(row.get("email") or "").lower() in self.emails


@own_tool(Effect.READ, marked=True)
async def get_client_overview(
    backend: Backend, contact_id: ContactId | None = None, company_id: CompanyId | None = None
) -> Record:
    """What is open with one contact, or one company and its contacts: invoices, quotations, tickets, projects, deals,
    bookings. At most 33 requests, 38 for a company."""
    if (contact_id is None) == (company_id is None):
        raise ArgumentError("Give contact_id or company_id, one of the two. Nothing was sent.")
    reading = Reading(backend)
    if contact_id is not None:
        client = Client([await reading.record("contact.get", contact_id=contact_id) | {"id": contact_id}])
        about = {"contact": bare(_person(client.people[0]))}
    else:
        company = await reading.record("company.get", company_id=company_id) | {"id": company_id}
        client = Client(await _people(reading, company), company)
        about = {"company": bare({name: company.get(name) for name in ("id", "name", "email")})}
        about |= {"contacts": _contacts(client.people)}
    found = await reading.parts(_works(reading, client))
    return reading.told(about | found)


def _person(contact: JsonObject) -> JsonObject:
    shown = {"id": contact.get("id"), "name": name_of(contact)}
    return shown | {"email": contact.get("email"), "company": named(contact.get("company"))}


async def _people(reading: Reading, company: JsonObject) -> list[JsonObject]:
    rows = await reading.rows("contacts", "contact.list", most=PEOPLE_PAGES)
    return [
        row
        for row in rows
        if facts.same_id(row.get("company_id") or facts.inside(row.get("company")).get("id"), company["id"])
    ]


def _contacts(people: list[JsonObject]) -> JsonObject:
    return facts.listed([named(person) for person in people], 10)


def _works(reading: Reading, client: Client) -> dict[str, Work]:
    """The parts; each keeps only the client's rows, as not every filter can be relied on."""
    today = reading.today()

    async def some(
        part: str, contract: str, mine: Callable[[JsonObject], bool], **more: Any
    ) -> list[JsonObject]:
        rows = await reading.rows(part, contract, **client.filters, **more)
        return list(filter(mine, rows))

    async def invoices() -> JsonObject:
        part = "open_invoices"
        found = [await some(part, "invoice.list", client.bill, status=status) for status in facts.UNPAID]
        rows = list(filter(facts.unpaid, facts.once(row for rows in found for row in rows)))
        reading.incomplete |= facts.unread_amounts(rows)
        return _invoices(rows, today)

    async def quotations() -> JsonObject:
        return _quotations(await some("open_quotations", "quotation.list", client.bill, **NEWEST))

    async def tickets() -> JsonObject:
        rows = await some("open_tickets", "ticket.list", client.ticket, **NEWEST)
        return _kept(rows, facts.open_ticket, facts.ticket_row)

    async def projects() -> JsonObject:
        return _kept(
            await some("open_projects", "project.list", client.project, **NEWEST),
            facts.open_project,
            _project,
        )

    async def deals() -> JsonObject:
        only = {} if client.company else {"contact_id": client.people[0].get("id")}
        return _deals(list(filter(client.deal, await boards.deals(reading, **only))))

    async def bookings() -> JsonObject:
        return await _bookings(reading, client, today)

    return {
        "open_invoices": invoices,
        "open_quotations": quotations,
        "open_tickets": tickets,
        "open_projects": projects,
        boards.DEALS: deals,
        boards.BOOKINGS: bookings,
    }


def _kept(
    rows: list[JsonObject], wanted: Callable[[JsonObject], bool], shown: Callable[[JsonObject], JsonObject]
) -> JsonObject:
    return facts.listed([shown(row) for row in rows if wanted(row)], SHOWN)


def _invoices(rows: list[JsonObject], today: date) -> JsonObject:
    unpaid = sorted(rows, key=lambda row: facts.day(row.get("due_date")) or date.max)
    late = [row for row in unpaid if (facts.day(row.get("due_date")) or date.max) < today]
    shown = [
        bare({name: row.get(name) for name in ("id", "invoice_no", "due_date", "status")})
        | {"due_amount": facts.due_shown(row)}
        for row in unpaid
    ]
    amounts = {"due": facts.due_sums(unpaid), "overdue": facts.due_sums(late)}
    return facts.listed(shown, SHOWN) | {name: amount for name, amount in amounts.items() if amount}


def _quotations(rows: list[JsonObject]) -> JsonObject:
    def shown(row: JsonObject) -> JsonObject:
        names = ("id", "quotation_no", "subject", "status", "expire_date")
        total = facts.money(row.get("total"), facts.currency_of(row))
        return bare({name: row.get(name) for name in names} | {"total": total})

    return _kept(rows, facts.open_quotation, shown)


def _project(row: JsonObject) -> JsonObject:
    ends = facts.day(row.get("ended_at"), "d-M-Y")
    shown = {name: row.get(name) for name in ("id", "title", "status")}
    done = f"{row.get('completed_tasks')}/{row.get('total_tasks')}" if row.get("total_tasks") else None
    return bare(shown | {"ended_at": ends.isoformat() if ends else None, "tasks_done": done})


def _deals(rows: list[JsonObject]) -> JsonObject:
    open_ones = sorted(filter(facts.open_deal, rows), key=lambda row: facts.closing(row) or date.max)
    shown = facts.listed([facts.deal_row(row) for row in open_ones], SHOWN)
    return shown | ({"amount": facts.deal_amounts(open_ones)} if open_ones else {})


async def _bookings(reading: Reading, client: Client, today: date) -> JsonObject:
    if not client.emails:
        return facts.listed([], SHOWN)  # bookings are known by address alone
    search = {} if client.company else {"search": next(iter(client.emails))}
    pages = await boards.meeting_pages(reading)
    rows = await boards.bookings(reading, pages, date_from=today, **search)
    mine = facts.coming(filter(client.booking, rows), today)
    return facts.listed([facts.booking_row(row) for row in mine], SHOWN)
