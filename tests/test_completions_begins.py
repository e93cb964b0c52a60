"""What of a record begins as somebody types: its name, a word of it, its number, address, domain or id."""

from __future__ import annotations

import pytest

from taskip_mcp import errors
from tests.budgets import CLOCK, virtual
from tests.support import Script, backend
from tests.test_completions import CONTACT, resolved, said, typed
from tests.test_names import World


@pytest.mark.parametrize("start", ["elsa", "ELSA B", "berg", "  Berg ", "elsa@", "1", "#1"])
@virtual
async def test_a_record_is_completed_by_the_start_of_its_name_a_word_of_it_its_address_or_id(
    start: str,
) -> None:
    found = await typed(World(clock=CLOCK).api, CONTACT, "contact_id", start)
    assert ("elsa@northwindbakery.example" if "@" in start else "Elsa Berg (1)") in found


@virtual
async def test_whose_name_begins_so_comes_before_whose_last_name_does() -> None:
    people = [
        {"id": 1, "full_name": "Ann Lee"},
        {"id": 2, "full_name": "Bo", "email": "lee@x.example"},
        {"id": 3, "full_name": "Lee Ho"},
    ]
    api = backend(Script({"GET /contact": (200, {"data": people})}))
    assert await typed(api, CONTACT, "contact_id", "lee") == ["Lee Ho (3)", "Ann Lee (1)", "lee@x.example"]


@pytest.mark.parametrize("start", ["ibanez", "IBA", "Ibáñ", "iba\u0301n", "ines i", "Inés"])
@virtual
async def test_accents_need_not_be_typed_but_a_name_is_looked_up_with_them(start: str) -> None:
    api = backend(Script({"GET /contact": (200, {"data": [{"id": 1, "full_name": "Inés Ibáñez"}]})}))
    assert await typed(api, CONTACT, "contact_id", start) == ["Inés Ibáñez (1)"]
    with pytest.raises(errors.ArgumentError):
        await resolved(api, "contact", "Ines Ibanez")


@virtual
async def test_a_company_is_completed_by_the_start_of_its_domain() -> None:
    rows = [
        {"id": 1, "name": "Acme", "website": "https://www.northwind.example/"},
        {"id": 2, "name": "Bolt", "domain": "bolt.example"},
    ]
    api = backend(Script({"GET /company": (200, {"data": rows})}))
    for start in ("northw", "www.northwind.example", "https://north", "http://www.Northwind.ex"):
        assert await said(api, "company", start) == ["Acme (1)"]
    assert await said(api, "company", "bolt.e") == ["Bolt (2)"]
    assert await said(api, "company", "wind") == []


@virtual
async def test_what_was_chosen_is_completed_by_itself() -> None:
    world = World(clock=CLOCK)
    for start in ("Elsa Berg (", "Elsa Berg (1)"):
        assert await said(world.api, "client", start) == ["Elsa Berg (1)"]


@virtual
async def test_an_invoice_is_completed_by_its_number_or_its_last_digits() -> None:
    world = World(clock=CLOCK)
    row = world.sandbox.store.rows("invoice")[0]
    invoice = "taskip://invoices/{invoice_id}/pdf"
    for start in (row["invoice_no"], row["invoice_no"].rpartition("-")[2]):
        assert row["invoice_no"] in await typed(world.api, invoice, "invoice_id", start)
