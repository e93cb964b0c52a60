"""What a person fills in: ids that are none, companies given as clients, new records, months."""

from __future__ import annotations

from datetime import date

import anyio
import httpx
import pytest

from taskip_mcp.prompts import filled
from tests.overviews import agency, forbidden
from tests.prompting import backend, build, part

pytestmark = pytest.mark.anyio

CHASE = "chase_overdue_invoices"

# --- ids --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        (CHASE, {"client": "99999"}, "client: there is no contact 99999. Take the id from list_contacts."),
        (CHASE, {"company": "#77"}, "company: there is no company 77. Take the id from list_companies."),
        ("triage_tickets", {"member": "99"}, "member: there is no team member 99."),
        ("triage_inbox", {"member": "99"}, "member: there is no team member 99."),
        ("weekly_project_review", {"project": "99"}, "project: there is no project 99."),
        ("weekly_project_review", {"project": "No-such-1"}, "project: there is no project No-such-1."),
        ("pipeline_review", {"pipeline": "99"}, "pipeline: there is no pipeline 99."),
        ("prepare_meeting", {"meeting": "99"}, "meeting: there is no meeting 99."),
        ("onboard_client", {"client": "99999"}, "client: there is no contact 99999."),
    ],
)
async def test_an_id_of_which_there_is_no_record_is_told_and_not_taken_for_one_without_any(
    name: str, given: dict[str, str], words: str
) -> None:
    built = await build(backend(agency()), name, given)
    assert words in part(built.text, "Missing;")
    assert {each.uri.partition("?")[0] for each in built.embedded} <= {
        "taskip://team-members",
        "taskip://inbox-address",
        "taskip://meetings",
    }


@pytest.mark.parametrize(
    ("name", "given", "shown", "left"),
    [
        (
            "month_end_billing",
            {"month": "2026-13"},
            ["invoices?status=draft", "quotations", "projects", "overdue-invoices"],
            "list_invoices",
        ),
        ("triage_inbox", {"member": "Nobody"}, ["inbox-address"], "list_conversations"),
        ("triage_tickets", {"member": "Nobody"}, ["team-members"], "list_tickets"),
        (
            "weekly_project_review",
            {"project": "1", "member": "99"},
            ["projects/1", "projects/1/activity"],
            "list_tasks",
        ),
        ("weekly_project_review", {"member": "99"}, ["activity"], "list_projects, list_all_tasks"),
        ("prepare_meeting", {"client": "Nobody"}, ["meetings"], "get_client_overview"),
        ("onboard_client", {"client": "99999"}, ["team-members", "meetings"], "get_client_overview"),
    ],
)
async def test_only_what_depends_on_an_argument_that_nobody_can_use_is_not_read(
    name: str, given: dict[str, str], shown: list[str], left: str
) -> None:
    built = await build(backend(agency()), name, given)
    addresses = [each.uri.removeprefix("taskip://") for each in built.embedded]
    assert len(addresses) == len(shown)
    assert all(map(str.startswith, addresses, shown)), addresses
    assert f"- Not called without that: {left}." in part(built.text, "Missing;")


async def test_an_id_of_which_there_is_a_record_costs_one_read() -> None:
    sandbox = agency()
    await build(backend(sandbox), "triage_tickets", {"member": "6"})
    assert [each.path for each in sandbox.requests if "team-member/" in each.path] == ["/team-member/6"]


async def test_what_looks_like_an_identifier_and_is_a_name_is_taken_as_that() -> None:
    sandbox = agency()
    sandbox.store.update("project", 2, {"title": "Relaunch-2026"})
    built = await build(backend(sandbox), "weekly_project_review", {"project": "Relaunch-2026"})
    assert built.documents[0]["title"] == "Relaunch-2026"


async def test_an_id_that_could_not_be_looked_at_is_told_as_that() -> None:
    sandbox = agency()
    sandbox.fault = forbidden("/contact/1")
    built = await build(backend(sandbox), CHASE, {"client": "1"})
    assert "client: not looked up. TaskIP refused" in part(built.text, "Missing;")
    assert built.embedded == []


async def test_a_look_up_that_waits_for_that_of_another_ends_with_the_time_of_its_own_call() -> None:
    class Stuck(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

    api = backend(agency(), transport=Stuck())
    async with anyio.create_task_group() as group:
        group.start_soon(build, api, CHASE, {"client": "Elsa Berg"})
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(10):
            text = (await build(api, CHASE, {"client": "Elsa Berg"}, seconds=0.05)).text
            assert f"client: not looked up. {filled.LATE}" in part(text, "Missing;")
        group.cancel_scope.cancel()


# --- client and company -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [CHASE, "prepare_meeting", "onboard_client"])
async def test_a_company_that_is_given_as_client_is_taken_as_company(name: str) -> None:
    built = await build(backend(agency()), name, {"client": "northwind bakery"})
    assert part(built.text, "Taken as:") == "- client: company 1; no contact is called so"
    assert "Missing" not in built.text
    assert "company_id=1" in built.embedded[0].uri


async def test_a_company_that_is_given_as_client_beside_another_is_told_with_where_to_give_it() -> None:
    given = {"client": "Northwind Bakery", "company": "Juniper Legal"}
    built = await build(backend(agency()), CHASE, given)
    assert "client: no contact is called so, but company 1 is. Give it as company" in built.text
    assert built.embedded == []


@pytest.mark.parametrize("client", ["Elsa Berg", "1"])
async def test_a_client_of_another_company_is_told_as_a_mismatch(client: str) -> None:
    given = {"client": client, "company": "Juniper Legal"}
    built = await build(backend(agency()), "prepare_meeting", given)
    told = "client: contact 1 belongs to company 1, not to company 9. Ask which one is meant."
    assert told in part(built.text, "Missing;")
    assert [each.uri for each in built.embedded] == ["taskip://meetings?limit=10"]


async def test_of_two_that_do_not_belong_together_neither_is_shown_where_a_new_one_might_be_meant() -> None:
    built = await build(backend(agency()), "onboard_client", {"client": "2", "company": "3"})
    missing = part(built.text, "Missing;")
    assert "client: contact 2 belongs to company 1, not to company 3. Ask which one is meant." in missing
    assert "Not called without that: get_client_overview." in missing
    assert [each.uri.partition("?")[0] for each in built.embedded] == [
        "taskip://team-members",
        "taskip://meetings",
    ]


async def test_a_client_of_no_company_is_told_as_a_mismatch_as_well() -> None:
    sandbox = agency()
    sandbox.store.update("contact", 1, {"company": None, "company_id": None})
    built = await build(backend(sandbox), CHASE, {"client": "1", "company": "9"})
    assert "client: contact 1 belongs to no company, not to company 9." in built.text


async def test_whether_they_belong_together_is_said_to_be_unknown_where_it_cannot_be_read() -> None:
    sandbox = agency()
    sandbox.fault = forbidden("/contact/1")
    built = await build(backend(sandbox), CHASE, {"client": "Elsa Berg", "company": "Northwind Bakery"})
    assert "client: not looked up. TaskIP refused" in built.text


# --- new records ------------------------------------------------------------------------------------------

NEW = {"client": "new@client.example", "company": "Quite New Ltd"}


async def test_a_client_that_is_to_be_taken_in_is_told_as_not_there_yet_and_not_as_missing() -> None:
    built = await build(backend(agency()), "onboard_client", NEW)
    assert "- company: create_company makes it." in part(built.text, "Not there yet:")
    assert "- client: create_contact makes it" in part(built.text, "Not there yet:")
    assert "Missing" not in built.text
    assert [each.uri.partition("?")[0] for each in built.embedded] == [
        "taskip://team-members",
        "taskip://meetings",
    ]


async def test_records_of_a_similar_name_are_shown_with_what_is_not_there_yet() -> None:
    built = await build(backend(agency()), "onboard_client", {"client": "Elsa Bergg"})
    told = part(built.text, "Not there yet:")
    assert "- client: create_contact makes it, unless one of these is meant:" in told
    assert '"name":"Elsa Berg"' in told


async def test_a_tool_that_is_left_out_makes_nothing() -> None:
    api = backend(agency(), frozenset({"create_contact", "list_team_members"}))
    built = await build(api, "onboard_client", NEW)
    assert "- company: none." in part(built.text, "Not there yet:")


async def test_a_name_that_several_have_is_missing_and_not_new() -> None:
    sandbox = agency()
    sandbox.store.update("contact", 2, {"first_name": "Elsa", "last_name": "Berg", "name": "Elsa Berg"})
    built = await build(backend(sandbox), "onboard_client", {"client": "Elsa Berg"})
    assert "2 contacts are called 'Elsa Berg'" in part(built.text, "Missing;")
    assert "Not there yet" not in built.text


async def test_a_name_that_was_not_looked_for_everywhere_is_missing_and_not_new() -> None:
    sandbox = agency()
    row = sandbox.store.rows("contact")[0]
    for number in range(600):
        sandbox.store.insert("contact", {**row, "first_name": f"N{number}", "email": f"n{number}@b.example"})
    built = await build(backend(sandbox), "onboard_client", {"client": "Quite New"})
    assert "no contact is called 'Quite New'. Only 500 contacts were looked at" in part(
        built.text, "Missing;"
    )
    assert "Not there yet" not in built.text


# --- months -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "month"),
    [
        ("2026-03-01", (2026, 2)),
        ("2026-03-07", (2026, 2)),
        ("2026-03-08", (2026, 2)),
        ("2026-03-19", (2026, 2)),
        ("2026-03-20", (2026, 3)),
        ("2026-03-31", (2026, 3)),
        ("2026-01-19", (2025, 12)),
        ("2026-12-20", (2026, 12)),
    ],
)
def test_until_the_nineteenth_the_month_before_is_billed_and_then_the_current_one(
    today: str, month: tuple[int, int]
) -> None:
    assert filled.usual_month(date.fromisoformat(today)) == month


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2024-02", (2024, 2)),
        ("2024-2", (2024, 2)),
        ("10/2025", (2025, 10)),
        ("1.2026", (2026, 1)),
        ("2025/12", (2025, 12)),
        ("October", (2025, 10)),
        ("march", (2026, 3)),
        ("Apr", (2025, 4)),
        ("Sept. 2024", (2024, 9)),
        ("january, 2027", (2027, 1)),
        *(
            (text, None)
            for text in ("last", "2026-13", "2026-00", "0000-01", "２０２６-01", "Octobre 2026", "1")
        ),
        *((text, None) for text in ("mayor", "2026-02-01", "02", "february february")),
    ],
)
def test_a_month_is_taken_as_people_write_it(text: str, month: tuple[int, int] | None) -> None:
    assert filled.month_of(text, date(2026, 3, 18)) == month


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "- month: 2026-02-01 to 2026-02-28, by default"),
        ({"month": "2024-02"}, "- month: 2024-02-01 to 2024-02-29"),
        ({"month": "October"}, "- month: 2025-10-01 to 2025-10-31"),
        ({"month": "march"}, "- month: 2026-03-01 to 2026-03-31"),
        (
            {"month": "04/2026"},
            "- month: 2026-04-01 to 2026-04-30, which is in the future; ask whether it is meant",
        ),
    ],
)
async def test_the_text_says_which_month_it_is_about(given: dict[str, str], told: str) -> None:
    built = await build(backend(agency()), "month_end_billing", given)
    assert part(built.text, "Taken as:") == told
    first, last = told.partition(",")[0].removeprefix("- month: ").split(" to ")
    assert f'date_from: "{first}", date_to: "{last}"' in built.text


async def test_a_month_that_is_none_is_told_with_how_to_write_one() -> None:
    built = await build(backend(agency()), "month_end_billing", {"month": "the last one"})
    assert '- month: "the last one" is not understood. Give it as YYYY-MM, such as 2026-02.' in built.text
