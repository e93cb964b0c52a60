"""Names in lists that are too long to be read whole; and which parameters take names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from taskip_mcp import names, operation
from taskip_mcp.kinds import KINDS
from taskip_mcp.named import Name, Named, Opaque
from taskip_mcp.params import RecordId, Reference
from taskip_mcp.sandbox.store import Row
from tests.support import backend
from tests.test_names import READ, WRITE, refusal

pytestmark = pytest.mark.anyio

# --- lists that are long ----------------------------------------------------------------------------------


@dataclass
class Long:
    """A list of `count` contacts behind pages of 100; the search matches as `finds` says."""

    count: int
    finds: Callable[[Row, str], bool] = field(default=lambda row, text: True)
    fails: int = 0
    asked: list[dict[str, str]] = field(default_factory=lambda: list[dict[str, str]]())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.asked.append(query)
        number = int(query["page"])
        if number == self.fails:
            return httpx.Response(403, json={"message": "no"})
        rows = [
            {"id": each, "full_name": f"Person {each}", "email": f"p{each}@x.example"}
            for each in range(1, self.count + 1)
        ]
        found = [row for row in rows if self.finds(row, query.get("search", ""))]
        return httpx.Response(200, json={"data": found[(number - 1) * 100 : number * 100]})


def narrow(row: Row, text: str) -> bool:
    return text in row["full_name"]


def by_parts(row: Row, text: str) -> bool:
    return not text or text in row["full_name"].split()


async def test_a_search_that_narrows_costs_one_request_however_long_the_list() -> None:
    long = Long(10_000, narrow)
    assert await names.resolve(backend(long), WRITE, {"x": Name("Person 9999", "contact", True)}) == {
        "x": 9999
    }
    assert [each["search"] for each in long.asked] == ["Person 9999"]


async def test_a_search_that_does_not_find_full_names_is_made_up_for_by_the_list() -> None:
    long = Long(150, by_parts)
    assert await names.resolve(backend(long), WRITE, {"x": Name("Person 120", "contact", True)}) == {"x": 120}
    assert [each.get("search") for each in long.asked] == ["Person 120", None, None]


@pytest.mark.parametrize("tool", [READ, WRITE], ids=["read", "write"])
async def test_a_match_in_part_of_a_list_is_refused_since_there_may_be_another(tool: operation.Tool) -> None:
    told = await refusal(backend(Long(10_000)), {"contact_id": Name("Person 7", "contact", True)}, tool)
    assert told == (
        "contact_id: 1 contact is called 'Person 7': 7; only 500 contacts were looked at, so that there may be more."
        " Give the id. Nothing was changed."
    )


async def test_an_address_is_certain_wherever_it_is_found() -> None:
    values = {"contact_id": Name("p7@x.example", "contact", True)}
    assert await names.resolve(backend(Long(10_000)), WRITE, values) == {"contact_id": 7}


async def test_how_much_was_looked_at_is_told_when_nobody_was_found_in_it() -> None:
    long = Long(10_000)
    told = await refusal(backend(long), {"contact_id": Name("Jane Doe", "contact", True)})
    assert "Only 500 contacts were looked at. Take the id from list_contacts." in told
    assert len(long.asked) == 5 + 1  # and a look at the companies


async def test_a_page_that_fails_is_told_and_read_again_the_next_time() -> None:
    long = Long(150, by_parts, fails=2)
    api = backend(long)
    told = await refusal(api, {"contact_id": Name("Person 120", "contact", True)})
    assert "Only 100 contacts were looked at (" in told
    told = await refusal(api, {"contact_id": Name("Person 20", "contact", True)})
    assert "1 contact is called 'Person 20'" in told
    long.fails = 0
    for number in (20, 120):
        found = await names.resolve(api, WRITE, {"contact_id": Name(f"Person {number}", "contact", True)})
        assert found == {"contact_id": number}


# --- parameters -------------------------------------------------------------------------------------------


def taken(of: Any, value: Any) -> Any:
    return TypeAdapter[Any](of).validate_python(value)


def test_an_id_stays_an_id_and_any_other_text_becomes_a_name() -> None:
    number, text = Annotated[RecordId, Named("invoice")], Annotated[Reference, Named("ticket")]
    assert (taken(number, "12"), taken(number, 12), taken(text, 12)) == (12, 12, "12")
    contact = Annotated[RecordId, Named("contact")]
    assert (taken(contact, " #12 "), taken(text, "#12")) == (12, "12")
    assert taken(number, "#12") == Name("#12", "invoice", True), "an invoice has a number of its own"
    uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert type(taken(text, uuid)) is str
    opaque = taken(text, "tkt_12ab")
    assert isinstance(opaque, Opaque)
    assert (opaque, opaque.kind) == ("tkt_12ab", "ticket")
    for type_, value in (
        (number, " INV-030 "), (number, uuid), (number, "00012"), (number, "##12"), (number, "# 12"), (number, "1_2"),
        (number, "#012"), (number, "\u0661\u0662"), (number, "2026-001"), (text, "Help me"), (text, "Q3"),
        (text, "007"),
    ):  # fmt: skip
        name = taken(type_, value)
        assert isinstance(name, Name)
        assert (name, name.number) == (value.strip(), type_ is number)
    assert taken(Annotated[RecordId | None, Named("invoice")], "INV-030").number is True
    for wrong in ("0", "", "  ", True, -1):
        with pytest.raises(ValidationError):
            taken(number, wrong)


def test_a_kind_that_nobody_can_look_up_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="contactt"):
        Named("contactt")


def test_every_kind_reads_what_the_operations_have() -> None:
    for name, kind in KINDS.items():
        found = operation.find(kind.contract)
        assert found.effect is operation.Effect.READ, name
        takes = operation.parameters(kind.contract)
        assert not kind.search or "search" in takes, name
        assert not kind.scope or kind.scope in takes, name
        assert set(kind.touched_by) <= set(operation.GROUPS), name
        assert not kind.reader or operation.find(kind.reader).path, name
