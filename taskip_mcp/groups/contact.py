"""Contacts: the people that the agency works for."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Unpack

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Arguments, Back, Found, Inverse
from taskip_mcp.operation import Consequence, Effect, Route, operation
from taskip_mcp.params import (
    CLEAR,
    CompanyId,
    ContactId,
    Email,
    Limit,
    LookupId,
    MediaId,
    Order,
    PageNumber,
    ShortText,
    Text,
    Timezone,
    UnverifiedDates,
    UnverifiedStatus,
)
from taskip_mcp.results import Page, Record, Written

FirstName = Annotated[ShortText | None, Field(description="First name.")]
LastName = Annotated[str | None, Field(max_length=191, description="Last name.")]
Position = Annotated[str | None, Field(max_length=191, description="Job title.")]
PhoneCode = Annotated[
    str | None, Field(max_length=5, description="Country calling code with plus sign, +49.")
]
PhoneNumber = Annotated[str | None, Field(max_length=18, description="Number without the country code.")]
ZipCode = Annotated[
    str | None, Field(max_length=8, description="Postal code; TaskIP takes 8 characters at most.")
]
Address = Annotated[str | None, Field(description="Street and number.")]
Portal = Annotated[bool | None, Field(description="Whether the contact may use the client portal.")]
Password = Annotated[
    str | None,
    Field(min_length=6, max_length=191, description="Portal password; required to open portal access."),
]
CustomFields = Annotated[dict[str, Any] | None, Field(description="Free key/value map of the workspace.")]
Invite = Annotated[
    bool | None, Field(description="true emails the contact an invitation to the client portal.")
]
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


def _invited(arguments: Arguments, contact: Record) -> list[str]:
    """Where an invitation goes."""
    to = arguments.get("email") or contact.get("email") or "an address that TaskIP does not show"
    return [f"The invitation goes to {to}."] if arguments.get("invite_client") else []


def _portal(call: Call) -> dict[str, Any]:
    """`access_portal` goes out as 0 or 1 (contract enum contact_access_portal)."""
    value = call.given.get("access_portal")
    return {} if value is None else {"access_portal": int(value)}


@operation("contact.list", "GET /contact", Effect.READ)
async def list_contacts(
    call: Call,
    page: PageNumber = None,
    limit: Limit = None,
    search: Annotated[str | None, Field(description="Name or email.")] = None,
    sort: Annotated[
        Literal["name", "email", "created_at"] | None, Field(description="Field to sort by.")
    ] = None,
    order: Order = None,
    status: UnverifiedStatus = None,
    **filters: Unpack[UnverifiedDates],
) -> Page:
    """List contacts, a page at a time; TaskIP gives no total. For the firms they work for use list_companies."""
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
)
async def create_contact(
    call: Call,
    first_name: Annotated[ShortText, Field(description="First name.")],
    email: Annotated[Email, Field(description="Unique in the workspace.")],
    last_name: LastName = None,
    phone_code: PhoneCode = None,
    phone_number: PhoneNumber = None,
    company_id: CompanyId | None = None,
    position: Position = None,
    country_id: LookupId = None,
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
    """Create a contact. Nobody is mailed unless invite_client is true. Emails are unique: search first."""
    return await call.write(f"Contact {email} created", body=call.given | _portal(call))


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
)
async def update_contact(
    call: Call,
    contact_id: ContactId,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Annotated[Email | None, Field(description="Unique in the workspace.")] = None,
    phone_code: PhoneCode = None,
    phone_number: PhoneNumber = None,
    company_id: CompanyId | None = None,
    position: Position = None,
    country_id: LookupId = None,
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
    details: Annotated[str | None, Field(description="Notes about the contact.")] = None,
    clear: Annotated[list[Clearable] | None, Field(description=CLEAR)] = None,
) -> Written:
    """Change fields of a contact; fields that are left out stay. Mails the contact only with invite_client."""
    return await call.write(
        f"Contact {contact_id} updated", id=contact_id, body=call.partial() | _portal(call)
    )


@operation("contact.delete", "DELETE /contact/{contact_id:id}", Effect.DELETE, undo=REMADE)
async def delete_contact(call: Call, contact_id: ContactId) -> Written:
    """Delete one contact for good. To remove several use bulk_delete_contacts."""
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
    contact_ids: Annotated[list[ContactId], Field(min_length=1, description="Contacts to delete.")],
) -> Written:
    """Delete several contacts for good. TaskIP does not say what became of each id; list them to check."""
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
    message: Annotated[Text | None, Field(description="Personal text in the invitation.")] = None,
    send_email: Annotated[
        bool | None, Field(description="Default true; TaskIP does not say what false does.")
    ] = None,
    access_level: Annotated[
        Literal["basic", "standard", "premium"] | None, Field(description="What the client may see.")
    ] = None,
) -> Written:
    """Invite a contact to the client portal: mails the contact and gives access. The contact must exist."""

    def body(route: Route) -> dict[str, Any]:
        # The reference route has no place for the contact (contract contact.invite_client): it goes in the body.
        return call.given | ({"contact_id": contact_id} if route.origin == "reference" else {})

    return await call.write(f"Contact {contact_id} invited to the client portal", id=contact_id, body=body)
