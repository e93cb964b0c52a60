"""What contacts do differently from the plain case."""

from __future__ import annotations

import pytest

from taskip_mcp import results
from tests.support import Script, backend, run

pytestmark = pytest.mark.anyio


async def test_portal_access_goes_out_as_a_number_and_is_previewed_first() -> None:
    script = Script({"POST /contact": (200, {"success": True, "data": {"id": 9}, "message": "ok"})})
    api = backend(script)
    fields = {"first_name": "Ada", "email": "ada@x.example", "access_portal": True, "password": "secret7"}
    shown = await run(api, "create_contact", **fields)
    assert shown["consequences"] == ["access"]
    assert "secret7" not in str(shown)
    assert script.sent == []
    written = await run(api, "create_contact", **fields, confirm=True)
    assert script.sent[0].body == fields | {"access_portal": 1}
    assert results.shape(written) == {"done": "Contact ada@x.example created", "id": 9, "changed": {"id": 9}}


async def test_a_cleared_field_is_sent_as_null_and_nothing_else_is_touched() -> None:
    script = Script({"PUT /contact/5": (200, {"msg": "updated"})})
    written = await run(backend(script), "update_contact", contact_id=5, position="CTO", clear=["address"])
    assert [each.body for each in script.writes] == [{"position": "CTO", "address": None}]
    assert results.shape(written)["changed"] == {"position": "CTO", "address": None}


async def test_the_reference_route_of_an_invitation_names_the_contact_in_the_body() -> None:
    script = Script({"POST /contact/invite-client": (200, {"msg": "sent"})})
    await run(backend(script), "invite_client", contact_id=5, message="Hi", confirm=True)
    assert script.lines == ["POST /contact/invite-client/5", "POST /contact/invite-client"]
    assert script.sent[1].body == {"message": "Hi", "contact_id": 5}


async def test_an_unconfirmed_delete_reads_the_contact_and_names_it() -> None:
    script = Script({"GET /contact/5": (200, {"success": True, "data": {"id": 5, "full_name": "Ada B"}})})
    shown = await run(backend(script), "delete_contact", contact_id=5)
    assert script.lines == ["GET /contact/5"]
    assert shown["records"] == [{"id": 5, "full_name": "Ada B"}]
    assert shown["done"] == "Nothing was changed."


@pytest.mark.parametrize("tool", ["create_contact", "update_contact"])
async def test_what_mailed_an_invitation_says_so(tool: str) -> None:
    script = Script(
        {"POST /contact": (200, {"data": {"id": 9}}), "PUT /contact/5": (200, {"msg": "updated"})}
    )
    given = {"first_name": "Ada", "email": "a@x.example"} | ({"contact_id": 5} if "update" in tool else {})
    plain = await run(backend(script), tool, **given)
    invited = await run(backend(script), tool, **given, invite_client=True, confirm=True)
    assert invited.done == f"{plain.done} and invited by mail"
