"""`TASKIP_LOCKDOWN`: what is sent goes to people that the workspace knew before, whoever asks for it.

A preset, not taint tracking. A message may go to the address of a contact, or to the people of the conversation or
ticket that it answers. An address that came into TaskIP through this server within the last day does not count: a text
that wants its author mailed could have had it entered first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from taskip_mcp import outside
from taskip_mcp.call import Call
from taskip_mcp.errors import RefusedError
from taskip_mcp.operation import Consequence
from taskip_mcp.results import Page
from taskip_mcp.wire import JsonObject, dig
from taskip_mcp.writelog import DAY

ADDRESS = re.compile(r"[^\s,;<>()\"']+@[^\s,;<>()\"']+")
PAGES = 5
"""Pages of a search that are read for one address."""

ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "inbox.new_message": ("to_emails", "cc", "bcc"),
    "invoice.send_to_client": ("email",),
    "quotation.send_to_client": ("cc_emails",),
    "meeting.book": ("email",),
    "contact.create": ("email",),
    "contact.update": ("email",),
    "team_member.create": ("email",),
    "ticket.create": ("email",),
}
"""Parameters of operations that may send: the addresses to which they would."""

FORMS: Mapping[str, str] = {"meeting.book": "answers"}
"""Parameters that may hold addresses among other things: a page that allows guests mails them as well."""

NO_ADDRESSES = frozenset(
    {
        "contact.invite_client",
        "discussion.create",
        "inbox.reply",
        "invoice.bulk_actions",
        "project.create",
        "project.update",
        "quotation.bulk_actions",
        "ticket.add_reply",
        "ticket.status_update",
    }
)
"""Operations that may send and name no address: TaskIP takes it from the record."""

ENTERED: Mapping[str, str] = {
    "contact.create": "email",
    "contact.update": "email",
    "ticket.create": "email",
    "ticket.update": "email",
}
"""Operations that enter an address to which others send later, and its parameter."""

HINT = "Let a person do this on the TaskIP website."


async def check_recipients(call: Call) -> None:
    """Raise `RefusedError` if this call would send to anybody but contacts and the people of what it answers.

    Reads only, and each address once.
    """
    if Consequence.SEND not in call.operation.consequences(call.arguments):
        return
    fresh = _entered(call)
    named = _named(call)
    unknown = [address for address in named if same(address) in fresh or not await _known(call, address)]
    if unknown:
        raise RefusedError(
            f"TASKIP_LOCKDOWN is on: {_listed(unknown)} {'belongs' if len(unknown) == 1 else 'belong'} to no contact"
            f" that was there a day ago. {_advice(call)}"
        )
    if fresh:
        await _check_stored(call, fresh)


def _named(call: Call) -> list[str]:
    """The addresses among the arguments, each once."""
    contract, found = call.operation.contract, dict[str, str]()
    for name in ADDRESSES.get(contract, ()):
        value: Any = call.arguments.get(name)
        for address in cast("list[str]", value if isinstance(value, list) else [value] if value else []):
            found.setdefault(same(address), address)
    if contract in FORMS:
        # As JSON text: they may stand under any label, at any depth.
        text = json.dumps(call.given.get(FORMS[contract]), ensure_ascii=False)
        for address in ADDRESS.findall(text):
            found.setdefault(same(address), address)
    return list(found.values())


def same(address: str) -> str:
    """An address for comparison. Only ASCII is folded: other letters that fold to the same can be two mailboxes."""
    text = address.strip()
    return text.lower() if text.isascii() else text


async def _known(call: Call, address: str) -> bool:
    """Whether a contact has exactly this address; TaskIP's search also finds what is only like it."""
    turn: dict[str, int] = {}
    for _ in range(PAGES):
        page: Page = await call.read("contact.list", search=address, limit=100, **turn)
        if any(same(str(row.get("email") or "")) == same(address) for row in page.items):
            return True
        if page.next_page is None:
            return False
        turn = {"page": page.next_page}
    return False


def _entered(call: Call) -> set[str]:
    """Addresses that came in through this server within the last day, or may have: also of writes with an open end."""
    entries = call.backend.log.since(ENTERED, DAY)
    given = (entry.arguments.get(ENTERED[entry.operation]) for entry in entries)
    return {same(str(address)) for address in given if address}


def _advice(call: Call) -> str:
    if call.operation.contract == "contact.create":
        return "Create the contact without invite_client; a person can invite it later."
    return HINT


def _listed(addresses: Iterable[str]) -> str:
    return ", ".join(outside.clean(address) for address in addresses)


# --- recipients that the record names ---------------------------------------------------------------------

Stored = Callable[[Call], Awaitable[list[str] | None]]
"""The addresses to which TaskIP would send by itself; None where it does not show them."""


async def _check_stored(call: Call, fresh: set[str]) -> None:
    """Refuse what would go to an address that was entered within the last day; asked only when there are such."""
    stored = STORED.get(call.operation.contract)
    if stored is None:
        return
    found = await stored(call)
    if found is None:
        raise RefusedError(
            "TASKIP_LOCKDOWN is on, and this could go to an address that was entered through this server within the"
            f" last day: TaskIP does not show to which it goes. {HINT}"
        )
    if new := [address for address in found if same(address) in fresh]:
        raise RefusedError(
            f"TASKIP_LOCKDOWN is on: this goes to {_listed(new)}, which was entered through this server within the last"
            f" day. {HINT}"
        )


def _texts(record: JsonObject, *names: str) -> list[str] | None:
    found = [str(value) for name in names if (value := dig(record, name))]
    return found or None


async def _of_contact(call: Call) -> list[str] | None:
    return _texts(await call.read("contact.get", contact_id=call.arguments["contact_id"]), "email")


async def _of_invoice(call: Call) -> list[str] | None:
    if call.arguments.get("email"):
        return []  # it goes there instead
    record = await call.read("invoice.get", invoice_id=call.arguments["invoice_id"])
    return _texts(record, "contacts.email", "contact.email")


async def _of_quotation(call: Call) -> list[str] | None:
    record = await call.read("quotation.get", quotation_id=call.arguments["quotation_id"])
    return _texts(record, "contact.email", "contacts.email")


async def _of_ticket(call: Call) -> list[str] | None:
    record = await call.read("ticket.get", ticket_id=call.arguments["ticket_id"])
    return _texts(record, "user.email", "created_by.email", "email")


async def _of_clients(call: Call) -> list[str] | None:
    """The clients that a project is to have, or has."""
    numbers: Any = call.arguments.get("client_ids")
    if numbers is not None:
        rows = [await call.read("contact.get", contact_id=number) for number in cast("list[Any]", numbers)]
    elif "project_id" in call.arguments:
        record = await call.read("project.get", project_id=call.arguments["project_id"])
        rows = cast("list[JsonObject]", record.get("client") or [])
    else:
        rows = []
    return [str(row["email"]) for row in rows if row.get("email")]


async def _not_shown(_: Call) -> list[str] | None:
    """Of many records none is read: one by one they can be sent all the same."""
    return None


STORED: Mapping[str, Stored] = {
    "contact.invite_client": _of_contact,
    "contact.update": _of_contact,
    "invoice.send_to_client": _of_invoice,
    "invoice.bulk_actions": _not_shown,
    "quotation.send_to_client": _of_quotation,
    "quotation.bulk_actions": _not_shown,
    "ticket.add_reply": _of_ticket,
    "ticket.status_update": _of_ticket,
    "discussion.create": _of_clients,
    "project.create": _of_clients,
    "project.update": _of_clients,
}
"""By contract id. A conversation has the address that its mail came from; nothing of this server can change that."""
