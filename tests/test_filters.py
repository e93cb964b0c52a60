"""Filters that TaskIP lacks or ignores: refused with words, checked on the rows, or done here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from taskip_mcp import arguments, calls, errors, filters, operation, show
from taskip_mcp.call import Backend, Call
from taskip_mcp.client import TaskipClient
from taskip_mcp.files import Files
from taskip_mcp.operation import Effect
from taskip_mcp.results import Page
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from tests.support import BASE, Reply, Script, alone, backend

pytestmark = pytest.mark.anyio

TOOLS = {each.contract: each for each in operation.load_all().values()}
NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)


def page(*rows: dict[str, Any], **more: Any) -> Page:
    return Page([*rows], **more)


def ids(found: Page) -> list[Any]:
    return [row["id"] for row in found.items]


# --- the tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contract", filters.REFUSED)
def test_what_is_refused_is_no_argument_and_what_helps_instead_exists(contract: str) -> None:
    taken = set(arguments.schema_of(TOOLS[contract])["properties"])
    tools = operation.load_all()
    assert not filters.REFUSED[contract].keys() & taken
    for instead in filters.REFUSED[contract].values():
        words = {word.strip(".,;") for word in instead.split()}
        for other in (word for word in words if word.startswith("list_")):
            assert other in tools
            taken |= set(arguments.schema_of(tools[other])["properties"])
        named = {word for word in words if "_" in word and not word.startswith("list_")}
        shown = {"created_at", "closing_date", "deal_amount"}
        assert named <= taken | shown
        if "Sort by created_at" in instead:
            assert "created_at" in arguments.schema_of(TOOLS[contract])["properties"]["sort"]["enum"]


@pytest.mark.parametrize("contract", [*filters.CHECKED, *filters.LOCAL])
def test_what_is_checked_or_chosen_here_is_an_argument_of_a_list(contract: str) -> None:
    found = TOOLS[contract]
    names = set(filters.CHECKED.get(contract, {}))
    names |= filters.LOCAL[contract].names if contract in filters.LOCAL else frozenset[str]()
    assert found.effect is Effect.READ
    assert names <= set(arguments.schema_of(found)["properties"])


# --- refused ----------------------------------------------------------------------------------------------


def test_a_filter_that_taskip_lacks_is_refused_with_what_can_be_done_instead() -> None:
    with pytest.raises(errors.ArgumentError) as caught:
        arguments.validate(TOOLS["project.list"], {"date_from": "2026-01-01"})
    words = str(caught.value)
    assert words.startswith("date_from: TaskIP cannot filter this list by it. Sort by created_at")
    assert words.endswith("Nothing was sent.")


def test_a_misspelt_argument_is_no_filter() -> None:
    assert filters.refusal("invoice.list", "statsu") is None
    assert filters.refusal("contact.create", "status") is None


# --- checked ----------------------------------------------------------------------------------------------


def test_rows_that_contradict_a_filter_are_left_out_and_told() -> None:
    rows = [{"id": 1, "status": "paid"}, {"id": 2, "status": "draft"}, {"id": 3, "status": "draft"}]
    found = filters.checked("invoice.list", {"status": "paid"}, page(*rows, total=3, next_page=2))
    assert ids(found) == [1]
    assert found.note == "TaskIP ignored status: 2 of 3 rows left out."
    assert (found.total, found.next_page) == (None, 2)


def test_rows_that_all_fit_come_as_they_are() -> None:
    rows = page({"id": 1, "status": "paid", "contact_id": 4}, total=1)
    assert filters.checked("invoice.list", {"status": "paid", "client_id": 4, "search": "x"}, rows) is rows
    assert filters.checked("contact.list", {"search": "x"}, rows) is rows


@pytest.mark.parametrize(
    ("contract", "given", "row"),
    [
        ("invoice.list", {"status": "overdue"}, {"status": "sent"}),
        ("invoice.list", {"status": "paid"}, {"status": "partially paid"}),
        ("invoice.list", {"client_id": 4}, {"subject": "shows no contact"}),
        ("quotation.list", {"status": "sent"}, {"status": "expired"}),
        ("ticket.list", {"status": "open"}, {"status": "waiting_for_reply"}),
        ("ticket.list", {"status": "resolved"}, {"status": "closed"}),
        ("ticket.list", {"priority": "high"}, {"priority": 4}),
        ("project.list", {"status": "On_Hold"}, {"status": "on_hold"}),
        ("project.list", {"status": "on_hold"}, {"status": " On-hold"}),
        ("project.list", {"status": "in progress"}, {"status": "In_Progress"}),
        ("project.all_tasks", {"assigned_to": 3}, {"assignees": [{"id": 501, "email": "three@x.example"}]}),
        ("pipeline.list", {"status": "active"}, {"status": ["active"]}),
        ("inbox.list", {"status": "archived"}, {"is_read": False}),
        ("inbox.list", {"tag_id": 3}, {"tags": None}),
        ("deal.list", {"contact_id": 3}, {"contact": None}),
        ("project.all_tasks", {"project_ids": [1]}, {"project": None}),
    ],
)
def test_a_row_that_may_fit_stays(contract: str, given: dict[str, Any], row: dict[str, Any]) -> None:
    assert filters.checked(contract, given, page(row)).items == [row]


@pytest.mark.parametrize(
    ("contract", "given", "row"),
    [
        ("invoice.list", {"status": "overdue"}, {"status": "paid"}),
        ("invoice.list", {"client_id": 4}, {"contact_id": 5}),
        ("quotation.list", {"status": "accepted"}, {"status": "sent"}),
        ("ticket.list", {"status": "resolved"}, {"status": "open"}),
        ("ticket.list", {"priority": "high"}, {"priority": "low"}),
        ("project.list", {"status": "active"}, {"status": "completed"}),
        ("inbox.list", {"status": "unread"}, {"is_read": True}),
        ("inbox.list", {"tag_id": 3}, {"tags": [{"id": 4}]}),
        ("pipeline.list", {"status": "active"}, {"status": "archived"}),
        ("deal.list", {"stage_id": 3}, {"deal_stage_id": 4}),
        ("deal.list", {"status": "won"}, {"status": "lost"}),
        ("deal.list", {"contact_id": 3}, {"contact": {"id": 4}}),
        ("meeting.list_bookings", {"status": "confirmed"}, {"status": "cancelled"}),
        ("project.all_tasks", {"project_ids": [1]}, {"project": {"id": 2}}),
    ],
)
def test_a_row_that_contradicts_goes(contract: str, given: dict[str, Any], row: dict[str, Any]) -> None:
    found = filters.checked(contract, given, page(row))
    assert found.items == []
    assert found.note == f"TaskIP ignored {next(iter(given))}: 1 of 1 rows left out."


def _asked() -> list[tuple[str, dict[str, Any]]]:
    """Every filter that is checked, with each of its values."""
    values: Mapping[str, list[Any]] = {
        "client_id": [1, 2, 3], "tag_id": [1, 2], "project_ids": [[1], [2, 3]],
        "stage_id": [1, 2, 3], "contact_id": [1, 2, 3], "status": ["active", "completed"],
    }  # fmt: skip
    asked: list[tuple[str, dict[str, Any]]] = []
    for contract, tests in filters.CHECKED.items():
        published = arguments.schema_of(TOOLS[contract])["properties"]
        for name in tests:
            asked += [(contract, {name: each}) for each in published[name].get("enum") or values[name]]
    return asked


async def test_a_taskip_that_filters_is_never_said_to_ignore_a_filter(tmp_path: Path) -> None:
    sandbox = Sandbox(limits=False, clock=lambda: NOW)
    settings = Settings(
        secret_key="test-key-1234567890", base_url=BASE, files_dir=tmp_path, limit_minute=10**6, limit_hour=10**6
    )  # fmt: skip
    client = TaskipClient(settings, httpx.ASGITransport(app=sandbox.app))
    api = Backend(client, RouteBook(), Files(settings))
    pipeline = (await Call(api, TOOLS["pipeline.list"], {}).rows()).items[0]["uuid"]
    meeting = (await Call(api, TOOLS["meeting.list"], {}).rows()).items[0]["uuid"]
    scopes = {"deal.list": {"pipeline_id": pipeline}, "meeting.list_bookings": {"meeting_id": meeting}}
    seen = 0
    for contract, given in _asked():
        tool = TOOLS[contract]
        found = await alone(api, tool.name, **{**scopes.get(contract, {}), **given})
        assert filters.checked(contract, given, found).note == "", (contract, given)
        seen += len(found.items)
    assert seen > 50


# --- nothing found ----------------------------------------------------------------------------------------


async def found_in(api: Backend, contract: str, **raw: Any) -> Page:
    """What a caller gets of a list."""
    tool = TOOLS[contract]
    values = arguments.validate(tool, raw)
    show.Ask.take(tool, values)
    found = await calls.run(api, tool, values)
    assert isinstance(found, Page)
    return found


@pytest.mark.parametrize("contract", filters.SEARCHES)
async def test_a_search_that_found_nothing_says_what_is_searched_and_the_way_by_company(
    contract: str,
) -> None:
    tool = TOOLS[contract]
    (line,) = (f"{route.method} {route.path}" for route in tool.routes[-1:])
    api = backend(Script({line: (200, {"data": []})}))
    found = await found_in(api, contract, search="Kestrel Health")
    assert found.items == []
    assert found.note == f"Here TaskIP searches {filters.SEARCHES[contract]}"
    assert "get_client_overview" in found.note
    assert "compan" in found.note
    assert "client_id" not in found.note or "client_id" in arguments.schema_of(tool)["properties"]
    for quiet in ({"search": "x", "page": 2}, {}):
        assert (await found_in(api, contract, **quiet)).note == ""


def test_a_search_that_found_something_says_nothing_even_if_a_filter_leaves_no_row() -> None:
    rows = page({"id": 1, "status": "paid"})
    assert filters.applied("invoice.list", {"search": "x", "status": "paid"}, rows).note == ""
    found = filters.applied("invoice.list", {"search": "x", "status": "draft"}, rows)
    assert (found.items, found.note) == ([], "TaskIP ignored status: 1 of 1 rows left out.")


def test_the_values_that_are_told_are_those_of_the_contract() -> None:
    enums = yaml.safe_load((Path(__file__).parent / "data" / "contract.yaml").read_text("utf-8"))["enums"]
    statuses, types = enums["project_status"], enums["project_attribute_type"]
    assert set(statuses["seen"]) <= set(statuses["history"])
    told = {name: known for values in filters.SEEN.values() for name, known in values.items()}
    values = {"status": statuses["history"], "type": types["seen"], "role": enums["team_role"]}
    assert told == {name: tuple(known) for name, known in values.items()}


@pytest.mark.parametrize(
    ("contract", "given", "note"),
    [
        ("project.list", {"status": "running"}, "Statuses seen: planning, active, on_hold, completed, cancelled."),
        ("project_attribute.list", {"type": "labels"}, "Types seen: tag, category, priority, label."),
        ("team_member.list", {"role": "boss"}, "Roles seen: admin, project_manager, developer, designer, client."),
        ("project.list", {"status": "Planning"}, ""),
        ("project.list", {"status": "on hold"}, ""),
        ("project.list", {"status": "running", "page": 2}, ""),
        ("project.list", {"status": None}, ""),
    ],
)  # fmt: skip
def test_a_value_that_nobody_has_seen_is_told_with_those_that_were(
    contract: str, given: dict[str, Any], note: str
) -> None:
    assert filters.applied(contract, given, page(total=0)).note == note
    (name,) = given.keys() - {"page"}
    some = page({"id": 1, name: given[name]})
    assert filters.applied(contract, given, some).note == ""


def test_a_status_that_TaskIP_ignored_is_told_with_those_that_were_seen() -> None:
    found = filters.applied("project.list", {"status": "running"}, page({"id": 1, "status": "active"}))
    assert found.note.startswith("TaskIP ignored status: 1 of 1 rows left out. Statuses seen: planning,")


# --- local ------------------------------------------------------------------------------------------------

BOARD = page(
    {
        "container_id": 1,
        "items": [
            {"id": 1, "title": "Fix the Logo", "is_completed": False, "assignees": [{"id": 3}]},
            {"id": 2, "title": "Pay", "description": None, "is_completed": True, "assignees": []},
        ],
    },
    {"container_id": 2, "items": [{"id": 3, "title": "Logo", "is_completed": True}]},
    {"container_id": 3, "items": []},
)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, {1: [1, 2], 2: [3], 3: []}),
        ({"container_id": 3}, {3: []}),
        ({"assigned_to": 3}, {1: [1]}),
        ({"is_completed": False}, {1: [1]}),
        ({"search": "logo"}, {1: [1], 2: [3]}),
        ({"search": "logo", "is_completed": True, "container_id": 1}, {}),
    ],
)
def test_a_board_is_narrowed_to_the_columns_and_tasks_that_fit(
    given: dict[str, Any], left: dict[int, list[int]]
) -> None:
    found = filters.local("task.list", given, BOARD)
    assert {row["container_id"]: [task["id"] for task in row["items"]] for row in found.items} == left
    assert len(BOARD.items[0]["items"]) == 2


def test_a_list_that_comes_whole_is_shown_in_pages() -> None:
    rows = page(*({"id": number, "msg_content": f"message {number % 2}"} for number in range(7)))
    first = filters.local("discussion.list", {"limit": 2, "search": "MESSAGE 1"}, rows)
    second = filters.local("discussion.list", {"limit": 2, "search": "message 1", "page": 2}, rows)
    assert (ids(first), first.total, first.next_page) == ([1, 3], 3, 2)
    assert (ids(second), second.total, second.next_page) == ([5], 3, None)


def test_one_page_of_attributes_tells_that_the_rest_was_not_searched() -> None:
    rows = page({"id": 1, "type": "tag"}, {"id": 2, "type": "label"}, total=40, next_page=2)
    found = filters.local("project_attribute.list", {"type": "Label", "page": 1}, rows)
    assert (ids(found), found.total, found.next_page) == ([2], None, 2)
    assert found.note == "Only this page was searched; the rest is on page 2 and on."


def attributes(*pages: list[dict[str, Any]], missing: int = 0) -> Script:
    """A list in pages of 15; what comes after them is refused."""
    total = sum(map(len, pages)) + missing
    meta = {"per_page": 15, "total": total, "last_page": -(-total // 15)}
    replies: list[Reply] = [
        (200, {"data": rows, "meta": meta | {"current_page": number}}) for number, rows in enumerate(pages, 1)
    ]
    return Script({"GET /project/attribute/all": [*replies, (403, {})]})


async def test_attributes_of_a_type_are_chosen_from_all_pages() -> None:
    first = [{"id": each, "type": "tag", "title": f"T{each}"} for each in range(1, 16)]
    script = attributes(first, [{"id": 16, "type": "label", "title": "Bug"}])
    found = await found_in(backend(script), "project_attribute.list", type="label")
    assert (ids(found), found.next_page, found.note) == ([16], None, "")
    assert [each.query for each in script.sent] == [{}, {"page": "2"}]


async def test_attributes_without_a_filter_come_page_by_page() -> None:
    script = attributes([{"id": each, "type": "tag"} for each in range(1, 16)], [{"id": 16, "type": "tag"}])
    found = await found_in(backend(script), "project_attribute.list")
    assert (len(found.items), found.total, found.next_page) == (15, 16, 2)
    assert len(script.sent) == 1


async def test_attributes_that_fit_on_a_page_cost_one_request_and_show_no_next_page() -> None:
    script = attributes([{"id": each, "type": "tag"} for each in range(1, 11)])
    found = await found_in(backend(script), "project_attribute.list", type="tag")
    assert (len(found.items), found.total, found.next_page, len(script.sent)) == (10, 10, None, 1)


async def test_attributes_that_could_not_all_be_read_say_where_the_rest_is() -> None:
    first = [{"id": each, "type": "tag"} for each in range(1, 16)]
    script = attributes(first, missing=1)
    found = await found_in(backend(script), "project_attribute.list", type="label")
    assert (found.items, found.total, found.next_page) == ([], None, 2)
    assert found.note.startswith("Only 1 pages were searched. ")
    assert "Only this page" not in found.note


def test_what_taskip_ignored_and_what_is_chosen_here_go_together() -> None:
    task = {"title": "Pay", "is_completed": False, "project": {"id": 1}}
    rows = page(
        {**task, "id": 1}, {**task, "id": 2, "project": {"id": 2}}, {**task, "id": 3, "is_completed": True}
    )
    given = {"project_ids": [1], "is_completed": False, "limit": 25}
    found = filters.applied("project.all_tasks", given, rows)
    assert (ids(found), found.total) == ([1], 1)
    assert found.note == "TaskIP ignored project_ids: 1 of 3 rows left out."


@pytest.mark.parametrize(
    ("tool", "line", "given"),
    [
        ("list_tasks", "GET /project/p-7/task", {"search": "x", "is_completed": True, "container_id": 3}),
        ("list_all_tasks", "POST /project/all-tasks/list", {"search": "x", "is_completed": True, "page": 2}),
        ("list_stages", "GET /sales-pipeline/p-7/stage", {"stage_id": 3}),
        ("list_discussions", "GET /project/p-7/discussion", {"search": "x", "page": 2}),
        ("list_discussion_files", "GET /project/p-7/discussion/files", {"search": "x"}),
        ("list_all_task_files", "GET /project/p-7/task/files", {"search": "x"}),
        ("list_project_files", "GET /project/p-7/files", {"limit": 3}),
        ("list_project_attributes", "GET /project/attribute/all", {"type": "tag"}),
    ],
)
async def test_what_is_chosen_here_is_not_sent(tool: str, line: str, given: dict[str, Any]) -> None:
    script = Script({line: (200, {"data": []})})
    required = arguments.schema_of(operation.load_all()[tool]).get("required", [])
    await alone(backend(script), tool, **dict.fromkeys(required, "p-7"), **given)
    assert script.lines == [line]
    assert (script.sent[0].query, script.sent[0].body or {}) == ({}, {})


@pytest.mark.parametrize("contract", sorted(filters.OF_CONTACTS))
def test_who_wants_to_filter_by_company_is_told_who_can(contract: str) -> None:
    for name in ("company", "company_id"):
        assert "get_client_overview takes a company" in (filters.refusal(contract, name) or "")
    assert filters.refusal("document.list", "company_id") is None
