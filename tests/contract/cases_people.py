"""Contacts, companies, team members."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.case import Case, Try

PORTAL = Try({"access_portal": True, "password": "secret7"}, wire={"access_portal": 1})

CASES: Mapping[str, Case] = {
    "contact.list": Case(),
    "contact.create": Case(full=(PORTAL,)),
    "contact.get": Case(),
    # The portal switch is yes or no for the model and 1 or 0 for TaskIP.
    "contact.update": Case(full=(PORTAL,)),
    "contact.delete": Case(),
    "contact.bulk_delete": Case(),
    # The reference route cannot name the contact, so that the body does.
    "contact.invite_client": Case(
        full=(Try(reference={"contact_id": 11}),),
        minimal=(Try(reference={"contact_id": 11}),),
        undocumented=frozenset({"contact_id"}),
    ),
    "company.list": Case(),
    "company.create": Case(),
    "company.get": Case(),
    "company.update": Case(),
    "company.delete": Case(),
    "company.bulk_delete": Case(),
    "team_member.list": Case(),
    "team_member.create": Case(),
    "team_member.get": Case(),
    "team_member.update": Case(),
    "team_member.delete": Case(),
    "team_member.bulk_delete": Case(),
}
