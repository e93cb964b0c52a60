"""Contacts, companies, team members.

============  =========================================  ===================================================
view          rows have                                  never shown, and why
============  =========================================  ===================================================
contact       name, address, position, company, user_id  image; first and last name: `name` has both;
                                                         ``billings`` ids and times, which nothing takes
company       name, address, place                       image
team member   name, email, position, role, teams         image, uuid (tools take the id), when invited
============  =========================================  ===================================================

A country and its like show the number that updates take: ``Sweden (2)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskip_mcp.views import declare
from taskip_mcp.views.forms import first, lookup, own_name, person, same, shaped

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

PLACE = {name: lookup(name, f"{name}_id") for name in ("country", "state", "city")}
STAMPS = {"created_at": "iso", "updated_at": "iso"}


BILLING_NOISE = frozenset({"id", "contact_id", "created_at", "updated_at"})


def _billing(found: JsonObject) -> JsonObject:
    kept = {name: value for name, value in found.items() if name not in BILLING_NOISE}
    return {name.removeprefix("billing_"): value for name, value in kept.items()}


CONTACT = declare.of(
    same("id")
    | {"name": own_name()}
    | same("email position phone_code phone_number")
    | {"company": person("company", "company_id")}
    | same("address zip_code")
    | PLACE
    | same("timezone details")
    | {"reference": first("reference_name", "reference")}
    | same("access_portal user_id")
    | {"billing": shaped("billings", _billing), "languages": person("languages", key="code")}
    | same("custom_fields created_at updated_at"),
    row="id name email position phone_number company city country user_id",
    drops="image",
    dates=STAMPS | declare.inside("billings", STAMPS),
    labels={"access_portal": {0: "no", 1: "yes"}},
)

COMPANY = declare.of(
    same("id name email phone_number website")
    # The numbers are what updates take (contract company.update).
    | {"c_size": lookup("size", "c_size"), "c_type": lookup("type", "c_type")}
    | same("address")
    | PLACE
    | same("created_at"),
    row="id name email phone_number website city country",
    drops="image",
    dates=STAMPS,
)


def _invitation(found: JsonObject) -> Any:
    """That an invitation was accepted says nothing about a member."""
    return None if found.get("status") == "accepted" else found.get("status")


MEMBER = declare.of(
    same("id")
    | {"name": own_name()}
    | same("email position role")
    | {"teams": person("teams"), "invitation": shaped("invitation", _invitation)}
    | same("created_at"),
    row="id name email position role teams invitation",
    drops="image uuid",
    dates={"created_at": "d, M, Y", "invitation.sent_at": "iso", "invitation.accepted_at": "iso"},
)

VIEWS = {
    "contact.list contact.get contact.create contact.update": CONTACT,
    "company.list company.get company.create company.update": COMPANY,
    "team_member.list team_member.get team_member.create team_member.update": MEMBER,
}
