"""Contacts, companies, team members."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract import sample
from tests.contract.case import Case, Try

PORTAL = {"access_portal": {0: False, 1: True}}

COMPANY = sample.record("company")
COMPANY_KEPT = (
    "name",
    "email",
    "website",
    "c_size",
    "c_type",
    "country_id",
    "state_id",
    "city_id",
    "address",
)
MEMBER = sample.record("team_member")
MEMBER_KEPT = {
    "email": MEMBER["email"],
    "first_name": MEMBER["first_name"],
    "last_name": MEMBER["last_name"],
    "team_id": MEMBER["teams"][0]["id"],
    "image": MEMBER["image"]["id"],
}

CASES: Mapping[str, Case] = {
    "contact.list": Case(),
    "contact.create": Case(labels=PORTAL),
    "contact.get": Case(),
    # The portal switch is yes or no for the model and 1 or 0 for TaskIP.
    "contact.update": Case(labels=PORTAL, minimal=(Try({"position": "x"}),)),
    "contact.delete": Case(),
    "contact.bulk_delete": Case(),
    # The reference route cannot name the contact, so that the body does.
    "contact.invite_client": Case(
        full=(Try(reference={"contact_id": 11}),),
        minimal=(Try(reference={"contact_id": 11}),),
        undocumented=frozenset({"contact_id"}),
    ),
    "company.list": Case(refused=frozenset({"industry"})),
    "company.create": Case(),
    "company.get": Case(),
    # Updates that replace: what is left out is read from the record and sent along.
    "company.update": Case(
        minimal=(
            Try(
                {"phone_number": "123"},
                without=frozenset({"name", "email"}),
                wire={name: COMPANY[name] for name in COMPANY_KEPT},
            ),
        ),
        optional=frozenset({"name", "email"}),
    ),
    "company.delete": Case(),
    "company.bulk_delete": Case(renames={"company_ids": "ids"}),
    "team_member.list": Case(refused=frozenset({"department"})),
    "team_member.create": Case(),
    "team_member.get": Case(),
    "team_member.update": Case(
        minimal=(
            Try(
                {"role_id": 5, "position": "CTO"},
                without=frozenset({"email", "first_name", "last_name"}),
                wire=MEMBER_KEPT,
            ),
        ),
        optional=frozenset({"email", "first_name", "last_name"}),
    ),
    "team_member.delete": Case(),
    "team_member.bulk_delete": Case(renames={"member_ids": "ids"}),
}
