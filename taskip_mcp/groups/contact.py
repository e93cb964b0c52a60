"""Contacts: the people that the agency works for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.errors import ArgumentError
from taskip_mcp.facts import Arguments, Back, Found, Inverse
from taskip_mcp.operation import Consequence, Effect, Route, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    CompanyId,
    ContactId,
    CountryId,
    Email,
    Limit,
    LookupId,
    MediaId,
    Order,
    PageNumber,
    RecordId,
    ShortText,
    Text,
    Timezone,
)
from taskip_mcp.results import Page, Record, Written

FirstName = ShortText | None
LastName = Annotated[str | None, Field(max_length=191)]
Position = Annotated[str | None, Field(max_length=191)]
PhoneCode = Annotated[str | None, Field(max_length=5, description="Country code, +49.")]
PhoneNumber = Annotated[str | None, Field(max_length=18, description="Without country code.")]
ZipCode = Annotated[str | None, Field(max_length=8, description="At most 8 characters.")]
Address = str | None
Portal = Annotated[bool | None, Field(description="May use the client portal.")]
Password = Annotated[
    str | None,
    Field(min_length=6, max_length=191, description="For the portal; required with access_portal."),
]
CustomFields = dict[str, Any] | None
Invite = Annotated[bool | None, Field(description="Mails an invitation to the portal.")]
Clearable = Literal[
    "last_name", "phone_code", "phone_number", "company_id", "position", "address", "zip_code", "timezone", "details",
]  # fmt: skip


def _closed(record: Record) -> bool:
    """The portal can be closed again; opening it takes a password, which TaskIP never shows."""
    if record.get("access_portal"):
        raise merge.UnmappableError("the portal was open, and to open it TaskIP wants a password")
    return False


PLAIN = (
    "first_name", "last_name", "email", "phone_number", "company_id", "position", "country_id", "state_id", "city_id",
    "address", "zip_code", "timezone", "custom_fields",
)  # fmt: skip
# What reads show (schema contact); they never show phone_code and password.
AGAIN: dict[str, Back] = {**{name: merge.same(name) for name in PLAIN}, "image": merge.one_id("image")}
BACK: dict[str, Back] = {**AGAIN, "details": merge.same("details"), "access_portal": _closed}
REMADE = Inverse(
    contract="contact.create",
    back=AGAIN,
    remake=True,
    lost="The id and user id, phone_code, portal access and password, details, billing data and languages do not come"
    " back, nor does what refers to the id.",
)


def _before(arguments: Arguments) -> Inverse:
    """An invitation opens the portal, too; whether custom_fields replaces the map or adds to it is not documented."""
    adds = "Keys that were added to custom_fields may stay." if arguments.get("custom_fields") else ""
    opens = {"access_portal": "invite_client"} if arguments.get("invite_client") else {}
    return Inverse(back=BACK, left=opens, lost=adds)


def _access(arguments: Arguments) -> set[Consequence]:
    """An invitation mails the contact; a portal login is access (contract: contact.create, contact.update)."""
    found: set[Consequence] = set()
    if arguments.get("invite_client"):
        found |= {Consequence.SEND, Consequence.ACCESS}
    if arguments.get("access_portal") or arguments.get("password"):
        found.add(Consequence.ACCESS)
    return found


INVITED = " and invited by mail"


def _invited(arguments: Arguments, contact: Record) -> list[str]:
    """Where an invitation goes."""
    to = arguments.get("email") or contact.get("email") or "an address that TaskIP does not show"
    return [f"The invitation goes to {to}."] if arguments.get("invite_client") else []


def _openable(arguments: Arguments) -> None:
    """The portal opens with a password alone (contract contact.create: 422 without)."""
    if arguments.get("access_portal") and not arguments.get("password"):
        raise ArgumentError(
            "password: required with access_portal. Nothing was sent. To let the contact choose one, use invite_client"
            " instead."
        )


def _portal(call: Call) -> dict[str, Any]:
    """`access_portal` goes out as 0 or 1 (contract enum contact_access_portal)."""
    value = call.given.get("access_portal")
    return {} if value is None else {"access_portal": int(value)}


@operation("contact.list", "GET /contact", Effect.READ)
async def list_contacts(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Name or email.")] = None,
    sort: Literal["name", "email", "created_at"] | None = None,
    order: Order = None,
) -> Page:
    """List contacts, without a total. For their firms use list_companies."""
    return await call.rows()


@operation(
    "contact.create",
    "POST /contact",
    Effect.CREATE,
    possible={Consequence.SEND, Consequence.ACCESS},
    judge=_access,
    follows=_invited,
    # Only the billing record in the row tells when it was made (schema contact).
    found=Found(
        "contact.list", {"email": "email"}, {"search": "email"}, age="billings.created_at", unique=True
    ),
    check=_openable,
)
async def create_contact(
    call: Call,
    first_name: ShortText,
    email: Email,
    last_name: LastName = None,
    phone_code: PhoneCode = None,
    phone_number: PhoneNumber = None,
    company_id: CompanyId | None = None,
    position: Position = None,
    country_id: CountryId = None,
    state_id: LookupId = None,
    city_id: LookupId = None,
    address: Address = None,
    zip_code: ZipCode = None,
    timezone: Timezone = None,
    image: MediaId = None,
    access_portal: Portal = None,
    password: Password = None,
    custom_fields: CustomFields = None,
    invite_client: Invite = None,
) -> Written:
    """Create a contact. Search first: emails are unique. Mails nobody unless invite_client is true."""
    done = f"Contact {email} created{INVITED if invite_client else ''}"
    return await call.write(done, body=call.given | _portal(call))


@operation("contact.get", "GET /contact/{contact_id:id}", Effect.READ, reads="contact_id")
async def get_contact(call: Call, contact_id: ContactId) -> Record:
    """Get one contact with company, address and billing details."""
    return await call.record()


@operation(
    "contact.update",
    "PUT /contact/{contact_id:id}",
    Effect.UPDATE,
    possible={Consequence.SEND, Consequence.ACCESS},
    judge=_access,
    follows=_invited,
    undo=_before,
    check=_openable,
)
async def update_contact(
    call: Call,
    contact_id: ContactId,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email | None = None,
    phone_code: PhoneCode = None,
    phone_number: PhoneNumber = None,
    company_id: CompanyId | None = None,
    position: Position = None,
    country_id: CountryId = None,
    state_id: LookupId = None,
    city_id: LookupId = None,
    address: Address = None,
    zip_code: ZipCode = None,
    timezone: Timezone = None,
    image: MediaId = None,
    access_portal: Portal = None,
    password: Password = None,
    custom_fields: CustomFields = None,
    invite_client: Invite = None,
    details: Annotated[str | None, Field(description="Notes.")] = None,
    clear: Annotated[list[Clearable] | None, CLEAR] = None,
) -> Written:
    """Change fields of a contact; the rest stays. Mails the contact only with invite_client."""
    done = f"Contact {contact_id} updated{INVITED if invite_client else ''}"
    return await call.write(done, id=contact_id, body=call.partial() | _portal(call))


@operation("contact.delete", "DELETE /contact/{contact_id:id}", Effect.DELETE, undo=REMADE)
async def delete_contact(call: Call, contact_id: ContactId) -> Written:
    """Delete a contact for good. For several use bulk_delete_contacts."""
    return await call.write(f"Contact {contact_id} deleted", id=contact_id)


@operation(
    "contact.bulk_delete",
    "POST /contact/bulk-delete",
    Effect.BULK,
    chunk="contact_ids",
    possible={Consequence.DELETE, Consequence.BULK},
    undo=REMADE,
)
async def bulk_delete_contacts(
    call: Call,
    contact_ids: Annotated[list[RecordId], Field(min_length=1)],
) -> Written:
    """Delete several contacts for good. TaskIP does not report each: check with list_contacts."""
    return await call.write(f"{len(contact_ids)} contacts deleted")


@operation(
    "contact.invite_client",
    "POST /contact/invite-client",
    Effect.SEND,
    guide="POST /contact/invite-client/{contact_id:id}",
    possible={Consequence.SEND, Consequence.ACCESS},
    warns="An invitation to the client portal is mailed to the contact.",
    follows=lambda _, contact: [
        f"It goes to {contact.get('email') or 'an address that TaskIP does not show'}."
    ],
)
async def invite_client(
    call: Call,
    contact_id: ContactId,
    message: Text | None = None,
    send_email: Annotated[bool | None, Field(description="Default true; false is undocumented.")] = None,
    access_level: Literal["basic", "standard", "premium"] | None = None,
) -> Written:
    """Invite a contact to the client portal: mails the contact and gives access."""

    def body(route: Route) -> dict[str, Any]:
        # The reference route has no place for the contact (contract contact.invite_client): it goes in the body.
        return call.given | ({"contact_id": contact_id} if route.origin == "reference" else {})

    return await call.write(f"Contact {contact_id} invited to the client portal", id=contact_id, body=body)
