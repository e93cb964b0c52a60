"""Completions: which values come, that each selects the record it shows, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import httpx
import pytest
from pydantic import TypeAdapter

from taskip_mcp import arguments, completions, names, operation, outside, own, params, resources
from taskip_mcp.call import Backend
from taskip_mcp.completions import Completion, RefKind, complete
from taskip_mcp.keystrokes import QUIET
from taskip_mcp.named import Name
from taskip_mcp.operation import Tool
from taskip_mcp.prompts.table import PROMPTS
from taskip_mcp.resources import TEMPLATES, ResourceEntry
from taskip_mcp.wire import JsonObject
from tests.budgets import CLOCK, virtual
from tests.support import Script, backend
from tests.test_names import READ, SEEDS, World, seeded

CONTACT, CONTACTS = "taskip://contacts/{contact_id}", "taskip://contacts{?page,limit,search}"
TASK, DEAL = (
    "taskip://projects/{project_id}/tasks/{task_id}",
    "taskip://pipelines/{pipeline_id}/deals/{deal_id}",
)
ADDRESS, PROMPT = "ref/resource", "ref/prompt"
ARGUMENTS = {
    argument.name: argument.kind for entry in PROMPTS for argument in entry.arguments if argument.kind
}
PROMPT_OF = {argument.name: entry for entry in PROMPTS for argument in entry.arguments}
KICK_OFF = "Kick-off workshop (1)"

# Free text, days, yes or no, and the ids of what no list of names shows.
WITHOUT = {"search", "booking_id", "fields", "is_completed", "date_from", "date_to", "from_date"}


async def typed(api: Backend, uri: str, argument: str, value: str = "", **context: str) -> list[str]:
    return (await complete(api, ADDRESS, uri, argument, value, context)).values


async def said(api: Backend, argument: str, value: str = "") -> list[str]:
    """The values for an argument of a prompt."""
    return (await complete(api, PROMPT, PROMPT_OF[argument].name, argument, value)).values


def tool_of(entry: ResourceEntry) -> Tool:
    return own.tools()[entry.tool] if entry.tool else operation.find(entry.contract)


def kind_of(entry: ResourceEntry, argument: str) -> str:
    return completions.kind_of(tool_of(entry), argument)


async def read_by(api: Backend, entry: ResourceEntry, values: Mapping[str, Any]) -> JsonObject:
    """The arguments with which an address of these values is read."""
    tool, rest = tool_of(entry), dict.fromkeys(entry.path_variables, "1")
    return await names.resolve(api, tool, arguments.validate(tool, {**rest, **values}))


# --- addresses --------------------------------------------------------------------------------------------

VARIABLES = [(entry, name) for entry in TEMPLATES for name in (*entry.path_variables, *entry.query_variables)]
IDS = [(entry, name) for entry, name in VARIABLES if kind_of(entry, name)]
WORDS = [(entry, name) for entry, name in VARIABLES if not kind_of(entry, name)]


def where(value: Any) -> str:
    return value.uri if isinstance(value, ResourceEntry) else value


@pytest.mark.parametrize(("entry", "argument"), IDS, ids=where)
@virtual
async def test_every_value_of_an_address_shows_a_name_and_is_read_as_that_record(
    entry: ResourceEntry, argument: str
) -> None:
    world = World(clock=CLOCK)
    kind = kind_of(entry, argument)
    _, name, identifier, scope, above = SEEDS[kind]
    context = {scope: world.sandbox.store.rows(above, id=1)[0]["uuid"]} if scope else {}
    found = await typed(world.api, entry.uri, argument, **context)
    assert len(world.requests) == 1
    titles = {" ".join(outside.clean(name(row)).split()) for row in seeded(world, kind)}
    assert all(any(value.startswith(title) for title in titles) for value in found)
    read = [(await read_by(world.api, entry, context | {argument: value}))[argument] for value in found]
    assert sorted(map(str, read)) == sorted(str(row[identifier]) for row in seeded(world, kind))
    assert world.requests == [], "what was completed is known"


@pytest.mark.parametrize(("entry", "argument"), WORDS, ids=where)
@virtual
async def test_other_variables_have_the_words_of_the_schema_and_cost_nothing(
    entry: ResourceEntry, argument: str
) -> None:
    world = World(clock=CLOCK)
    found = await typed(world.api, entry.uri, argument)
    free = argument in WITHOUT or (argument == "status" and entry.contract == "project.list")
    assert bool(found) is not free
    assert world.requests == []


@virtual
async def test_words_are_completed_by_how_they_begin() -> None:
    api = World(clock=CLOCK).api
    (invoices,) = [each.uri for each in TEMPLATES if each.contract == "invoice.list"]
    assert await typed(api, invoices, "status") == ["draft", "sent", "paid", "overdue", "cancelled"]
    assert await typed(api, invoices, "status", " P") == ["paid"]
    assert await typed(api, invoices, "status", "pad") == []
    assert await typed(api, CONTACTS, "page") == ["1", resources.ALL]
    assert await typed(api, CONTACTS, "limit") == ["25", "100"]
    assert "invoice.paid" in await typed(api, "taskip://events{?since,event,group}", "event", "invoice.")
    assert len(await typed(api, "taskip://events{?since,event,group}", "event")) == 19
    assert await typed(api, "taskip://events{?since,event,group}", "group", "ti") == ["ticket"]


@virtual
async def test_tasks_and_deals_are_completed_within_what_was_chosen_before() -> None:
    world = World(clock=CLOCK)
    project, pipeline = (world.sandbox.store.rows(each, id=1)[0]["uuid"] for each in ("project", "pipeline"))
    assert await typed(world.api, TASK, "task_id", "kick", project_id=project) == [KICK_OFF]
    deals = await typed(world.api, DEAL, "deal_id", pipeline_id=pipeline)
    assert sorted(deals) == sorted(f"{row['deal_name']} ({row['id']})" for row in seeded(world, "deal"))
    world.sandbox.requests.clear()
    assert await typed(world.api, TASK, "task_id", "kick") == []
    assert world.requests == []


@pytest.mark.parametrize("form", ["{title}", "{title} ({id})"])
@virtual
async def test_what_was_chosen_before_may_be_a_name(form: str) -> None:
    world = World(clock=CLOCK)
    chosen = form.format_map(world.sandbox.store.rows("project", id=1)[0])
    # The first keystroke looks for the project, the next one for its tasks.
    began = CLOCK.ticks()
    assert await typed(world.api, TASK, "task_id", "k", project_id=chosen) == []
    assert CLOCK.ticks() == began + QUIET
    assert await typed(world.api, TASK, "task_id", "ki", project_id=chosen) == [KICK_OFF]
    assert CLOCK.ticks() == began + 2 * QUIET
    assert len(world.requests) == 2


@pytest.mark.parametrize("form", ["no such project", "{title} (2)", "no such project (1)"])
@virtual
async def test_what_was_chosen_before_must_be_there(form: str) -> None:
    world = World(clock=CLOCK)
    chosen = form.format_map(world.sandbox.store.rows("project", id=1)[0])
    for start in ("k", "ki"):
        assert await typed(world.api, TASK, "task_id", start, project_id=chosen) == []
    assert len(world.requests) == 1


@virtual
async def test_what_was_chosen_before_must_be_one() -> None:
    projects = [{"id": each, "uuid": f"pro-{each}", "title": "Shop"} for each in (1, 2)]
    board = [{"container_id": 1, "items": [{"id": 5, "title": "A"}]}]
    api = backend(
        Script({"GET /project": (200, {"data": projects}), "GET /project/pro-2/task": (200, {"data": board})})
    )
    for start in ("", "a"):
        assert await typed(api, TASK, "task_id", start, project_id="Shop") == []
    assert await typed(api, TASK, "task_id", project_id="Shop (2)") == ["A (5)"]


# --- prompts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ARGUMENTS)
@virtual
async def test_every_value_of_a_prompt_selects_one_record_by_the_name_that_it_shows(argument: str) -> None:
    world = World(clock=CLOCK)
    kind = ARGUMENTS[argument]
    _, name, identifier, _, _ = SEEDS[kind]
    found = await said(world.api, argument)
    assert len(world.requests) == 1
    got = [await resolved(world.api, kind, value) for value in found]
    assert world.requests == [], "what was completed is known"
    assert sorted(map(str, got)) == sorted(str(row[identifier]) for row in seeded(world, kind))
    titles = {" ".join(outside.clean(name(row)).split()) for row in seeded(world, kind)}
    assert all(any(value.startswith(title) for title in titles) for value in found)


TYPES: Mapping[str, Any] = {
    "contact": params.ContactId,
    "company": params.CompanyId,
    "member": params.MemberId,
    "invoice": params.InvoiceId,
    "quotation": params.QuotationId,
    "ticket": params.TicketId,
    "project": params.ProjectId,
    "pipeline": params.PipelineId,
    "meeting": params.MeetingId,
}


async def resolved(api: Backend, kind: str, value: str) -> Any:
    """What a tool makes of a value."""
    taken = TypeAdapter[Any](TYPES[kind]).validate_python(value)
    return (await names.resolve(api, READ, {"it": taken}))["it"] if isinstance(taken, Name) else taken


ODD: list[tuple[str, str, JsonObject]] = [
    ("contact", "Jane Doe (1)", {"full_name": "Jane Doe"}),
    ("contact", "jane doe (2)", {"full_name": "jane  doe"}),
    ("contact", "2024 (3)", {"full_name": "2024"}),
    ("contact", "Jo (3) (4)", {"full_name": "Jo (3)"}),
    ("contact", "other@x.example", {"full_name": "jo@x.example", "email": "other@x.example"}),
    ("contact", "Ann Lee (6)", {"full_name": "Ann\u200b\n Lee"}),
    ("company", "acme.example (7)", {"name": "acme.example", "domain": "other.example"}),
    ("project", "Relaunch-2026 (8)", {"title": "Relaunch-2026", "uuid": "pro-8"}),
    ("contact", "nameless@x.example", {"email": "nameless@x.example"}),
    ("contact", "10", {"email": "no address"}),
]


@virtual
async def test_an_odd_name_comes_with_its_id_or_gives_way_to_what_selects_the_record() -> None:
    lists = {"GET /contact": "contact", "GET /company": "company", "GET /project": "project"}
    rows = {
        kind: [{"id": number} | row for number, (of, _, row) in enumerate(ODD, 1) if of == kind]
        for kind in lists.values()
    }
    api = backend(Script({line: (200, {"data": rows[kind]}) for line, kind in lists.items()}))
    for kind, argument in {"contact": "client", "company": "company", "project": "project"}.items():
        assert await said(api, argument) == [value for of, value, _ in ODD if of == kind]
    for number, (kind, value, row) in enumerate(ODD, 1):
        assert await resolved(api, kind, value) == row.get("uuid", number)


@virtual
async def test_a_person_is_completed_by_their_address_unless_two_have_it() -> None:
    people = [
        {"id": 1, "full_name": "Ann", "email": "lee@x.example"},
        {"id": 2, "full_name": "Bo", "email": "team@x.example"},
        {"id": 3, "full_name": "Cy", "email": "team@x.example"},
    ]
    api = backend(Script({"GET /contact": (200, {"data": people})}))
    assert await said(api, "client", "lee@") == ["lee@x.example"]
    assert await said(api, "client", "team") == ["Bo (2)", "Cy (3)"]


@pytest.mark.parametrize(
    ("typed", "months"),
    [
        ("", ["2004-01", *(f"2003-{each:02}" for each in range(12, 1, -1))]),
        ("2004", ["2004-01"]),
        ("2003-1", ["2003-12", "2003-11", "2003-10"]),
        ("2003-2", ["2003-02"]),
        ("jan", ["2004-01"]),
        ("J", ["2004-01", "2003-07", "2003-06"]),
        ("February", ["2003-02"]),
        ("Nov", ["2003-11"]),
        ("nov. 2003", ["2003-11"]),
        ("november 20", ["2003-11"]),
        ("02/", ["2003-02"]),
        ("2/2", ["2003-02"]),
        ("02.2003", ["2003-02"]),
        ("1", ["2004-01", "2003-12", "2003-11", "2003-10"]),
        ("02/2001", []),
        ("Februar 2003!", []),
    ],
)
@virtual
async def test_a_month_is_one_of_the_last_twelve_by_the_clock_of_taskip_and_costs_nothing(
    typed: str, months: list[str]
) -> None:
    world = World(clock=CLOCK)
    assert await said(world.api, "month", typed) == months
    assert world.requests == []
    world.api.client.skew = 31 * 86_400.0
    assert (await said(world.api, "month"))[0] == "2004-02"


# --- what there is not ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "name", "argument", "value"),
    [
        (ADDRESS, "taskip://nothing/{contact_id}", "contact_id", ""),
        (ADDRESS, "taskip://contacts/12", "contact_id", ""),
        (ADDRESS, CONTACT, "page", ""),
        (ADDRESS, CONTACTS, "sort", ""),
        (ADDRESS, "taskip://events{?since,event,group}", "since", ""),
        (PROMPT, "month_end_billing", "months", ""),
        (PROMPT, "onboard_client", "agreed", ""),
        (PROMPT, "month_end_billing", "client", ""),
        (PROMPT, "no_such_prompt", "client", ""),
        (ADDRESS, CONTACT, "contact_id", "x" * 1000),
        (ADDRESS, CONTACT, "contact_id", "\ud800"),
    ],
)
@virtual
async def test_what_there_is_not_has_no_values_and_costs_nothing(
    ref: RefKind, name: str, argument: str, value: str
) -> None:
    world = World(clock=CLOCK)
    assert await complete(world.api, ref, name, argument, value) == Completion()
    assert world.requests == []


@virtual
async def test_nobody_is_told_what_a_tool_reads_that_is_not_offered() -> None:
    world = World(clock=CLOCK)
    world.api.selected = frozenset({"get_contact", "list_companies", "list_meeting_bookings"})
    assert await typed(world.api, CONTACT, "contact_id") == []
    assert await typed(world.api, "taskip://companies/{company_id}", "company_id") == []
    assert await said(world.api, "client") == []
    assert world.requests == []
    assert await said(world.api, "company") != []


# --- what it costs ----------------------------------------------------------------------------------------


@virtual
async def test_typing_a_name_costs_one_request() -> None:
    world = World(clock=CLOCK)
    for end in range(len("Elsa Berg") + 1):
        assert "Elsa Berg (1)" in await said(world.api, "client", "Elsa Berg"[:end])
    assert "Elsa Berg (1)" in await typed(world.api, CONTACT, "contact_id", "els")
    assert world.requests == ["GET /contact"]


@virtual
async def test_completions_at_the_same_time_cost_one_request() -> None:
    world = World(clock=CLOCK)
    found: list[list[str]] = []

    async def one() -> None:
        found.append(await said(world.api, "client", "Elsa"))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(one)
    assert found == [["Elsa Berg (1)"]] * 10
    assert len(world.requests) == 1


@virtual
async def test_a_completion_that_breaks_is_empty_and_says_nothing_of_what_was_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise RuntimeError("a bug")

    assert await complete(backend(broken), ADDRESS, CONTACT, "contact_id", "p") == Completion()
    assert "the completion of contact_id failed" in caplog.text
