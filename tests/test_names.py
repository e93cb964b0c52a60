"""Names in the place of ids: what selects a record, what is refused, and what that costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from taskip_mcp import arguments, errors, names, operation
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient, asgi_transport
from taskip_mcp.clock import Clock
from taskip_mcp.files import Files
from taskip_mcp.kinds import KINDS
from taskip_mcp.named import Name, Named
from taskip_mcp.params import RecordId
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.sandbox.store import Row
from taskip_mcp.settings import Settings
from tests.support import BASE, Reply, Script, backend

pytestmark = pytest.mark.anyio

OPERATIONS = operation.load_all()
READ, WRITE = OPERATIONS["get_contact"], OPERATIONS["update_contact"]


@dataclass
class World:
    """The seeded sandbox, and a backend on it."""

    sandbox: Sandbox = field(default_factory=lambda: Sandbox(limits=False))
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        settings = Settings(
            secret_key="test-key-1234567890",
            base_url=BASE,
            files_dir=Path("/nonexistent"),
            rate_store="memory",
            limit_minute=100_000,
            limit_hour=100_000,
        )
        client = TaskipClient(settings, asgi_transport(self.sandbox.app), clock=self.clock)
        self.api = Backend(client, RouteBook("auto"), Files(settings))

    @property
    def requests(self) -> list[str]:
        """What was asked, as ``METHOD /path search``."""
        seen = [
            f"{each.method} {each.path} {each.query.get('search', '')}".strip()
            for each in self.sandbox.requests
        ]
        self.sandbox.requests.clear()
        return seen

    async def one(self, kind: str, text: str, number: bool = True, **given: Any) -> Any:
        """What a write gets for one name."""
        return (await names.resolve(self.api, WRITE, given | {"it": Name(text, kind, number)}))["it"]


async def refusal(api: Backend, values: Mapping[str, Any], tool: operation.Tool = WRITE) -> str:
    with pytest.raises(errors.ArgumentError) as told:
        await names.resolve(api, tool, values)
    return str(told.value)


# --- every record that can be named -----------------------------------------------------------------------


def person(row: Row) -> str:
    return f"{row['first_name']} {row['last_name']}"


def of(name: str) -> Callable[[Row], str]:
    return lambda row: str(row[name])


Seeds = tuple[str, Callable[[Row], str], str, str, str]
SEEDS: Mapping[str, Seeds] = {
    # kind: (table of the sandbox, name of a row, its identifier, scope, table of the scope)
    "contact": ("contact", person, "id", "", ""),
    "company": ("company", of("name"), "id", "", ""),
    "member": ("team_member", person, "id", "", ""),
    "project": ("project", of("title"), "uuid", "", ""),
    "pipeline": ("pipeline", of("title"), "uuid", "", ""),
    "stage": ("stage", of("title"), "id", "pipeline_id", "pipeline"),
    "container": ("container", of("title"), "id", "project_id", "project"),
    "task": ("task", of("title"), "id", "project_id", "project"),
    "attribute": ("attribute", of("title"), "id", "", ""),
    "label": ("attribute", of("title"), "id", "", ""),
    "tag": ("attribute", of("title"), "id", "", ""),
    "category": ("attribute", of("title"), "id", "", ""),
    "inbox_tag": ("inbox_tag", of("title"), "id", "", ""),
    "meeting": ("meeting", of("title"), "uuid", "", ""),
    "invoice": ("invoice", of("invoice_no"), "id", "", ""),
    "quotation": ("quotation", of("estimate_no"), "id", "", ""),
    "deal": ("deal", of("deal_name"), "id", "pipeline_id", "pipeline"),
    "document": ("document", of("name"), "id", "", ""),
    "ticket": ("ticket", of("subject"), "id", "", ""),
}


def seeded(world: World, kind: str) -> list[Row]:
    store = world.sandbox.store
    table, _, _, _, above = SEEDS[kind]
    rows = store.rows(table)
    if kind == "inbox_tag":
        used = {tag for row in store.rows("conversation") for tag in row["tags"]}
        return [row for row in rows if row["id"] in used]
    if kind in {"label", "tag", "category"}:
        return [row for row in rows if row["type"] == kind]
    return [row for row in rows if row["parent"] == 1] if above else rows


@pytest.mark.parametrize("kind", KINDS)
async def test_every_record_with_a_name_of_its_own_is_found_by_it_and_no_other_is(kind: str) -> None:
    world = World()
    table, name, identifier, scope, above = SEEDS[kind]
    rows = seeded(world, kind)
    called = Counter(name(row).casefold() for row in rows)
    alone = [row for row in rows if called[name(row).casefold()] == 1]
    number = identifier == "id" and kind != "ticket"
    given: dict[str, Any] = {}
    if scope:
        (parent,) = world.sandbox.store.rows(above, id=1)
        given = {scope: parent["uuid"]}
    values = given | {"them": [Name(name(row).upper(), kind, number) for row in alone]}
    found = (await names.resolve(world.api, WRITE, values))["them"]
    assert alone, table
    assert found == [row[identifier] if number else str(row[identifier]) for row in alone]
    for twice in sorted({text for text, count in called.items() if count > 1})[:1]:
        told = await refusal(world.api, given | {"it": Name(twice, kind, number)})
        assert f"{called[twice]} {KINDS[kind].words} are called" in told
    assert not [line for line in world.requests if not line.startswith("GET ")]


async def test_an_email_names_a_contact_a_company_and_a_member() -> None:
    world = World()
    assert await world.one("contact", "ELSA@northwindbakery.example") == 1
    assert await world.one("company", "hello@northwindbakery.example") == 1
    assert await world.one("member", "alex@brightside.example") == 1


async def test_a_company_is_named_by_the_domain_of_its_website() -> None:
    world = World()
    (row,) = world.sandbox.store.rows("company", id=2)
    domain = row["website"].removeprefix("https://").removeprefix("www.").strip("/")
    for text in (domain, f"https://www.{domain.upper()}/", f"http://{domain}#top"):
        assert await world.one("company", text) == 2


async def test_case_and_spaces_do_not_count_but_every_word_does() -> None:
    world = World()
    assert await world.one("contact", "  elsa   BERG ") == 1
    told = await refusal(world.api, {"contact_id": Name("Elsa", "contact", True)})
    assert "contact_id: no contact is called 'Elsa'. Close: 1. Take the id" in told


async def test_an_identifier_that_looks_like_a_name_is_found_as_what_it_is() -> None:
    api = backend(
        Script({"GET /sales-pipeline": listed({"uuid": "salespipe", "title": "New", "status": "a"})})
    )
    values = await names.resolve(api, WRITE, {"pipeline_id": Name("salespipe", "pipeline")})
    assert values == {"pipeline_id": "salespipe"}


async def test_a_uuid_stands_for_a_number_where_only_numbers_are_taken() -> None:
    world = World()
    (project,) = world.sandbox.store.rows("project", id=3)
    assert await world.one("project", project["uuid"], number=True) == 3
    assert await world.one("project", project["title"], number=False) == project["uuid"]


async def test_a_project_found_by_name_needs_no_request_for_its_other_identifier() -> None:
    world = World()
    uuid = await world.one("project", "Northwind website relaunch", number=False)
    subjects = Counter(row["subject"] for row in world.sandbox.store.rows("ticket"))
    ticket = await world.one("ticket", min(subjects, key=lambda each: subjects[each]), number=False)
    assert len(world.requests) == 2
    assert await world.api.identifier("project", "project_id", uuid, ["uuid"]) == uuid
    assert await world.api.identifier("ticket", "ticket_id", ticket, ["uuid"]) != ticket
    assert world.requests == []


# --- where names stand ------------------------------------------------------------------------------------


class Step(BaseModel):
    """A nested item with names, as operations have them."""

    task_id: Annotated[RecordId, Named("task")]
    container_id: Annotated[RecordId, Named("container")] | None = None
    note: str = ""


async def test_names_are_found_in_lists_models_and_maps_and_the_rest_stays_as_it_is() -> None:
    world = World()
    step = Step.model_validate({"task_id": "kick-off workshop", "container_id": "To do", "note": "Elsa Berg"})
    plain = Step(task_id=7)
    values = {
        "project_id": Name("Northwind website relaunch", "project"),
        "steps": [step, plain],
        "more": {"member": [Name("Alex Morgan", "member", True), 5]},
        "title": "Elsa Berg",
        "nothing": None,
    }
    found = await names.resolve(world.api, WRITE, values)
    uuid = found.pop("project_id")
    assert uuid == world.sandbox.store.rows("project", id=1)[0]["uuid"]
    assert found["steps"] == [Step(task_id=1, container_id=1, note="Elsa Berg"), plain]
    assert found["more"] == {"member": [1, 5]}
    assert (found["title"], found["nothing"]) == ("Elsa Berg", None)
    assert isinstance(values["project_id"], Name), "what was given is not changed"
    assert isinstance(step.task_id, Name)


async def test_the_names_in_a_models_arguments_are_ids_before_the_operation_sees_them() -> None:
    world = World()
    raw = {
        "project_id": "Northwind website relaunch",
        "title": "Elsa Berg",
        "container_id": "To do",
        "assignee_ids": ["Ravi Menon", "4"],
        "label_ids": ["Bug"],
    }
    create = OPERATIONS["create_task"]
    found = await names.resolve(world.api, create, arguments.validate(create, raw))
    assert (found["container_id"], found["assignee_ids"], found["label_ids"]) == (1, [3, 4], [10])
    assert (found["project_id"], found["title"]) == (
        world.sandbox.store.rows("project", id=1)[0]["uuid"],
        "Elsa Berg",
    )
    assert not [line for line in world.requests if not line.startswith("GET ")]


async def test_arguments_without_names_cost_nothing() -> None:
    world = World()
    values = {"contact_id": 1, "steps": [Step(task_id=7)], "text": "Elsa Berg"}
    assert await names.resolve(world.api, WRITE, values) == values
    assert world.requests == []


async def test_the_project_and_what_is_in_it_can_both_be_named() -> None:
    world = World()
    values = {
        "project_id": Name("northwind WEBSITE relaunch", "project"),
        "container_id": Name("To do", "container", True),
        "assignee_ids": [Name("Ravi Menon", "member", True), Name("Chloe Dubois", "member", True)],
    }
    found = await names.resolve(world.api, WRITE, values)
    assert (found["container_id"], found["assignee_ids"]) == (1, [3, 4])
    assert sorted(line.partition(" n")[0] for line in world.requests) == [
        "GET /project",
        f"GET /project/{found['project_id']}/task",
        "GET /team-member",
    ]


async def test_a_stage_costs_the_pipeline_and_not_all_deals() -> None:
    world = World()
    (row,) = world.sandbox.store.rows("pipeline", id=1)
    assert await world.one("stage", "Qualified", pipeline_id=row["uuid"]) == 2
    assert world.requests == [f"GET /sales-pipeline/{row['uuid']}"]


async def test_what_is_named_within_a_project_wants_the_project() -> None:
    told = await refusal(
        World().api, {"task_id": Name("Kick-off workshop", "task", True), "project_id": None}
    )
    assert told == (
        "task_id: a task is known by name only with project_id. Give that too, or the id. Nothing was changed."
    )


async def test_names_within_a_project_that_is_not_there_are_not_looked_for() -> None:
    world = World()
    values = {"project_id": Name("Nowhere", "project"), "task_id": Name("Kick-off workshop", "task", True)}
    told = await refusal(world.api, values)
    assert "project_id: no project is called 'Nowhere'" in told
    assert "task_id" not in told


# --- what is refused --------------------------------------------------------------------------------------


def listed(*rows: Row, **meta: Any) -> Reply:
    return 200, {"data": list(rows)} | ({"meta": meta} if meta else {})


JANE = {
    "id": 12,
    "first_name": "Jane",
    "last_name": "Doe",
    "email": "jane@x.example",
    "company": {"name": "Acme"},
}
JOHN = {"id": 13, "full_name": "John Roe", "email": "john@x.example", "company": None}
OTHER = JANE | {"id": 14, "email": "jd@y.example", "company": {"name": "Bolt"}}


async def test_a_name_that_two_contacts_share_is_refused_with_both() -> None:
    script = Script({"GET /contact": listed(JANE, JOHN, OTHER)})
    told = await refusal(backend(script), {"contact_id": Name("jane doe", "contact", True)})
    assert told == ("contact_id: 2 contacts are called 'jane doe': 12, 14. Give the id. Nothing was changed.")


async def test_a_name_that_nobody_has_is_refused_with_the_close_ones() -> None:
    script = Script({"GET /contact": listed(JANE, JOHN)})
    told = await refusal(backend(script), {"contact_id": Name("Jane Do", "contact", True)})
    assert told == (
        "contact_id: no contact is called 'Jane Do'. Close: 12. Take the id from list_contacts. Nothing was changed."
    )


async def test_a_close_name_never_selects_even_if_it_is_the_only_record() -> None:
    api = backend(Script({"GET /contact": listed(JANE)}))
    for text in ("Jane", "Jane Doe.", "Jane  D oe", "JaneDoe", "ane Doe"):
        assert "no contact is called" in await refusal(api, {"contact_id": Name(text, "contact", True)})


async def test_who_is_called_like_anothers_address_is_not_taken_for_them() -> None:
    imposter = {"id": 66, "full_name": "jane@x.example", "email": "evil@z.example"}
    api = backend(Script({"GET /contact": listed(imposter)}))
    told = await refusal(api, {"contact_id": Name("jane@x.example", "contact", True)})
    assert "no contact is called 'jane@x.example'" in told


async def test_characters_that_nobody_sees_make_no_other_name_and_do_not_come_back() -> None:
    hidden = {"id": 15, "full_name": "Jane\u200b Doe", "email": "h@x.example"}
    script = Script({"GET /contact": listed(JANE, hidden)})
    told = await refusal(backend(script), {"contact_id": Name("Jane Doe", "contact", True)})
    assert "2 contacts are called" in told


async def test_all_names_that_cannot_be_used_are_told_at_once() -> None:
    world = World()
    values = {
        "contact_id": Name("Nobody", "contact", True),
        "assignee_ids": [Name("Alex Morgan", "member", True), *[Name("No One", "member", True)] * 2],
    }
    told = await refusal(world.api, values)
    assert "contact_id: no contact is called 'Nobody'" in told
    assert told.count("assignee_ids.1: no team member is called 'No One'") == 1
    assert told.endswith("Nothing was changed.")


async def test_what_taskip_answers_to_the_look_is_told_with_what_it_means_for_the_call() -> None:
    api = backend(Script({"GET /contact": (403, {"message": "no"})}))
    for tool, outcome in ((READ, "read"), (WRITE, "unchanged")):
        with pytest.raises(errors.ForbiddenError) as told:
            await names.resolve(api, tool, {"contact_id": Name("Jane Doe", "contact", True)})
        assert told.value.outcome == outcome


# --- a name as results show it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text"),
    [("contact", "Elsa Berg (1)"), ("company", "Northwind Bakery (1)"), ("member", "Ravi Menon (3)")],
)
async def test_a_name_with_its_id_as_results_show_it_is_that_record(kind: str, text: str) -> None:
    assert await World().one(kind, text) == int(text.rpartition("(")[2].rstrip(")"))


async def test_a_name_with_the_id_of_somebody_else_is_refused() -> None:
    assert "no contact is called 'Elsa Berg (2)'" in await refusal(
        World().api, {"it": Name("Elsa Berg (2)", "contact", True)}
    )
