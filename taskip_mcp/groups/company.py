"""Companies: the firms that contacts work for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Child, Found, Inverse
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    CompanyId,
    CountryId,
    Email,
    Limit,
    LookupId,
    Order,
    PageNumber,
    RecordId,
    ShortText,
)
from taskip_mcp.results import Page, Record, Written

Name = ShortText
CompanyEmail = Email
Phone = str | None
Website = Annotated[str | None, Field(max_length=191)]
Size = Annotated[LookupId, Field(description="Size class; copied from a record.")]
Type = Annotated[LookupId, Field(description="Industry; copied from a record.")]
Address = str | None
Clearable = Literal[
    "phone_number", "website", "c_size", "c_type", "country_id", "state_id", "city_id", "address",
]  # fmt: skip
WRITABLE = (
    "name", "email", "phone_number", "website", "c_size", "c_type", "country_id", "state_id", "city_id", "address",
)  # fmt: skip
# The update repeats the required set and may empty the rest (contract company.update); the read shows every field.
BACK = {name: merge.same(name) for name in WRITABLE}
REMADE = Inverse(
    contract="company.create",
    back=BACK,
    remake=True,
    lost="The id, the image and the contacts and projects that went with the company do not come back.",
)
CASCADE = "The company's contacts and projects are deleted with it."


def _works_there(contact: Record, companies: Sequence[Record], _: Any) -> bool:
    return contact.get("company_id") in {company.get("id") for company in companies}


def _is_for(project: Record, _: Any, before: Mapping[str, Sequence[Record]]) -> bool:
    """A project shows its clients, who are contacts (schema project)."""
    contacts = {contact.get("id") for contact in before["contacts deleted with it"]}
    return any(client.get("id") in contacts for client in cast("list[Record]", project.get("client") or []))


# The guide says that contacts and projects are removed too (contract company.delete).
CHILDREN = (
    Child(words="contacts deleted with it", read="contact.list", belongs=_works_there),
    Child(words="projects deleted with it", read="project.list", belongs=_is_for),
)


@operation("company.list", "GET /company", Effect.READ)
async def list_companies(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Name or domain.")] = None,
    sort: Literal["name", "domain", "created_at"] | None = None,
    order: Order = None,
    status: Literal["active", "inactive"] | None = None,
) -> Page:
    """List companies. For the people in them use list_contacts."""
    return await call.rows()


@operation(
    "company.create",
    "POST /company",
    Effect.CREATE,
    # The search looks at name and domain alone.
    found=Found("company.list", {"email": "email"}, {"search": "name"}, age="created_at", unique=True),
)
async def create_company(
    call: Call,
    name: Name,
    email: CompanyEmail,
    phone_number: Phone = None,
    website: Website = None,
    c_size: Size = None,
    c_type: Type = None,
    country_id: CountryId = None,
    state_id: LookupId = None,
    city_id: LookupId = None,
    address: Address = None,
) -> Written:
    """Create a company. Search first: name and email are unique."""
    return await call.write(f"Company {name} created")


@operation("company.get", "GET /company/{company_id:id}", Effect.READ, reads="company_id")
async def get_company(call: Call, company_id: CompanyId) -> Record:
    """Get one company with address, size and type."""
    return await call.record()


@operation("company.update", "PUT /company/{company_id:id}", Effect.UPDATE, undo=Inverse(back=BACK))
async def update_company(
    call: Call,
    company_id: CompanyId,
    name: Name | None = None,
    email: CompanyEmail | None = None,
    phone_number: Phone = None,
    website: Website = None,
    c_size: Size = None,
    c_type: Type = None,
    country_id: CountryId = None,
    state_id: LookupId = None,
    city_id: LookupId = None,
    address: Address = None,
    clear: Annotated[list[Clearable] | None, CLEAR] = None,
) -> Written:
    """Change fields of a company; the rest stays."""
    record = await call.read("company.get", company_id=company_id)
    return await call.write(f"Company {company_id} updated", id=company_id, body=call.merge(record, BACK))


@operation(
    "company.delete",
    "DELETE /company/{company_id:id}",
    Effect.DELETE,
    warns=CASCADE,
    undo=REMADE,
    children=CHILDREN,
)
async def delete_company(call: Call, company_id: CompanyId) -> Written:
    """Delete a company for good, with its contacts and projects."""
    return await call.write(f"Company {company_id} deleted", id=company_id)


@operation(
    "company.bulk_delete",
    "POST /company/bulk-delete",
    Effect.BULK,
    chunk="company_ids",
    possible={Consequence.DELETE, Consequence.BULK},
    warns=CASCADE,
    undo=REMADE,
    children=CHILDREN,
)
async def bulk_delete_companies(
    call: Call,
    company_ids: Annotated[list[RecordId], Field(min_length=1)],
) -> Written:
    """Delete several companies for good, with their contacts and projects."""
    return await call.write(f"{len(company_ids)} companies deleted", body={"ids": company_ids})
