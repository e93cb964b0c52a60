"""What an error says of a name that nobody has: a company that is called so, and all of a short list."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import arguments, errors, names, operation, own
from taskip_mcp.named import Name
from taskip_mcp.sandbox.store import Row
from tests.support import Script, backend
from tests.test_names import READ, WRITE, World, listed, refusal

pytestmark = pytest.mark.anyio

LUMEN = {"id": 2, "name": "Lumen Optics", "email": "hello@lumen.example", "website": "https://lumen.example"}
BOLT = {"id": 3, "name": "Bolt", "email": "hi@bolt.example"}


def person(number: int, name: str, company: Row | None) -> Row:
    return {"id": number, "full_name": name, "email": f"p{number}@x.example", "company": company}


PEOPLE = (
    person(5, "Anke Vogel", LUMEN),
    person(6, "Bo Bolt", BOLT),
    person(7, "Tobias Kern", LUMEN),
    person(8, "Free Lance", None),
)


def contact(text: str) -> Name:
    return Name(text, "contact", True)


def agency(*people: Row, companies: Any = None) -> Script:
    return Script({"GET /contact": listed(*people), "GET /company": companies or listed(LUMEN, BOLT)})


# --- a company in the place of a contact ------------------------------------------------------------------


@pytest.mark.parametrize("text", ["lumen  OPTICS", "Lumen Optics (2)", "lumen.example"])
async def test_a_company_in_the_place_of_a_contact_is_told_with_its_contacts(text: str) -> None:
    script = agency(*PEOPLE)
    told = await refusal(backend(script), {"client_id": contact(text)}, READ)
    assert told == (
        f"client_id: no contact is called '{' '.join(text.split())}'. Company 2 is called so: get_client_overview"
        " takes company_id; its contacts: 5, 7. Take the id from list_contacts. Nothing was changed."
    )
    assert script.lines.count("GET /company") == 1


async def test_a_tool_that_takes_companies_itself_says_so() -> None:
    tool = own.tools()["list_overdue_invoices"]
    told = await refusal(backend(agency(*PEOPLE)), {"contact_id": contact("Lumen Optics")}, tool)
    assert "Company 2 is called so: give it as company_id; its contacts: 5, 7." in told


async def test_a_write_is_not_told_to_give_the_company_which_would_be_a_field_of_its_record() -> None:
    told = await refusal(backend(agency(*PEOPLE)), {"contact_id": contact("Lumen Optics")}, WRITE)
    assert "Company 2 is called so: its contacts: 5, 7. Take the id" in told
    told = await refusal(backend(agency(PEOPLE[1])), {"contact_id": contact("Lumen Optics")}, WRITE)
    assert "Company 2 is called so: give one of its contacts. Take the id" in told


async def test_the_contacts_of_a_company_are_told_as_far_as_they_were_looked_at() -> None:
    told = await refusal(backend(agency(PEOPLE[1])), {"contact_id": contact("Lumen Optics")}, READ)
    assert "Company 2 is called so: get_client_overview takes company_id. Take the id" in told
    many = [person(number, f"Person {number}", LUMEN) for number in range(1, 9)]
    told = await refusal(backend(agency(*many)), {"contact_id": contact("Lumen Optics")})
    assert "its contacts: 1, 2, 3, 4, 5 and 3 more. Take" in told


@pytest.mark.parametrize("text", ["Lumen", "Lumen Optic", "hello@lumen.example"])
async def test_a_company_that_is_not_called_exactly_so_is_not_told(text: str) -> None:
    told = await refusal(backend(agency(*PEOPLE)), {"contact_id": contact(text)})
    assert f"no contact is called '{text}'" in told
    assert "Company" not in told


async def test_of_two_companies_of_one_name_none_is_told() -> None:
    script = agency(*PEOPLE, companies=listed(LUMEN, BOLT | {"name": "Lumen Optics"}))
    assert "Company" not in await refusal(backend(script), {"contact_id": contact("Lumen Optics")})


async def test_companies_that_cannot_be_read_leave_the_error_as_it_is() -> None:
    script = agency(*PEOPLE, companies=(403, {"message": "no"}))
    told = await refusal(backend(script), {"contact_id": contact("Lumen Optics")})
    assert told.startswith("contact_id: no contact is called 'Lumen Optics'. ")


async def test_the_companies_cost_one_request_a_name_and_two_at_most_and_none_without_an_error() -> None:
    script = agency(*PEOPLE)
    wrong = [contact(f"Nobody {number}") for number in range(5)]
    await refusal(backend(script), {"client_ids": [contact("Bo Bolt"), *wrong]})
    assert script.lines.count("GET /company") == 2
    script.sent.clear()
    assert await names.resolve(backend(script), READ, {"contact_id": contact("Bo Bolt")}) == {"contact_id": 6}
    assert script.lines == ["GET /contact"]


async def test_another_kind_of_record_is_not_looked_for_among_the_companies() -> None:
    script = Script({"GET /team-member": listed()})
    await refusal(backend(script), {"member_id": Name("Lumen Optics", "member", True)})
    assert set(script.lines) == {"GET /team-member"}


# --- all of a short list ----------------------------------------------------------------------------------


async def test_all_columns_and_all_stages_are_told() -> None:
    world = World()
    (project,) = world.sandbox.store.rows("project", id=1)
    told = await refusal(
        world.api, {"project_id": project["uuid"], "container_id": Name("Doing", "container", True)}
    )
    assert "Columns: To do (1), In progress (2), Review (3), Done (4). Take the id from list_tasks." in told
    (pipeline,) = world.sandbox.store.rows("pipeline", id=1)
    told = await refusal(world.api, {"pipeline_id": pipeline["uuid"], "stage_id": Name("To", "stage", True)})
    stages = [f"{row['title']} ({row['id']})" for row in world.sandbox.store.rows("stage", parent=1)]
    assert f"Stages: {', '.join(stages)}. Take the id" in told


@pytest.mark.parametrize(("count", "word"), [(12, "Columns: Column 1 (1), "), (13, "Close: ")])
async def test_of_more_than_twelve_columns_the_close_ones_are_told(count: int, word: str) -> None:
    rows = [{"container_id": each, "title": f"Column {each}"} for each in range(1, count + 1)]
    api = backend(Script({"GET /project/p-1/task": listed(*rows)}))
    told = await refusal(api, {"project_id": "p-1", "container_id": Name("Column", "container", True)})
    assert f"no column is called 'Column'. {word}" in told
    assert told.count("Column ") == (12 if count == 12 else 5)


# --- names that a list takes ------------------------------------------------------------------------------


async def test_the_tasks_of_a_project_are_listed_by_its_name_uuid_or_number() -> None:
    world = World()
    tool = operation.load_all()["list_all_tasks"]
    (project,) = world.sandbox.store.rows("project", id=3)
    given = ["Northwind website relaunch", project["uuid"], "4", 5]
    found = await names.resolve(world.api, tool, arguments.validate(tool, {"project_ids": given}))
    assert found["project_ids"] == [1, 3, 4, 5]
    with pytest.raises(errors.ArgumentError, match=r"project_ids\.0: no project is called 'Nowhere'"):
        await names.resolve(world.api, tool, arguments.validate(tool, {"project_ids": ["Nowhere"]}))
