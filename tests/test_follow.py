"""What is shown by default is enough to go on: every id that a tool takes is found in a concise result, and works."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from taskip_mcp import arguments, operation, schemas
from taskip_mcp.client import asgi_transport
from taskip_mcp.operation import Effect
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App
from taskip_mcp.settings import load
from tests.sandbox_calls import CONSEQUENT, arguments_for

pytestmark = pytest.mark.anyio

OPERATIONS = operation.load_all()
ENTRIES = {entry.name: entry for entry in schemas.load_entries()}
SHOWN_ID = re.compile(r"\((\w[\w-]*)\)$")

# Parameter -> the tool whose concise result shows the id, and where: `*` is each row, `()` the id in `Name (id)`.
SOURCES: dict[str, tuple[str, str]] = {
    "contact_id": ("list_contacts", "items.*.id"),
    "company_id": ("list_companies", "items.*.id"),
    "member_id": ("list_team_members", "items.*.id"),
    "invoice_id": ("list_invoices", "items.*.id"),
    "quotation_id": ("list_quotations", "items.*.id"),
    "ticket_id": ("list_tickets", "items.*.uuid items.*.id"),
    "document_id": ("list_documents", "items.*.id"),
    "project_id": ("list_projects", "items.*.uuid items.*.id"),
    "task_id": ("list_tasks", "items.*.tasks.*.id"),
    "container_id": ("list_tasks", "items.*.container_id"),
    "attribute_id": ("list_project_attributes", "items.*.id"),
    "pipeline_id": ("list_pipelines", "items.*.uuid"),
    "deal_id": ("list_deals", "items.*.id"),
    "stage_id": ("list_stages", "items.*.id"),
    "meeting_id": ("list_meetings", "items.*.uuid"),
    "booking_id": ("list_meeting_bookings", "items.*.id"),
    "conversation_id": ("list_conversations", "items.*.uuid"),
    "tag_id": ("list_conversations", "items.*.tags.*.()"),
    "file_id": ("list_project_files", "items.*.file_id"),
}
SAME = {
    "target_container_id": "container_id",
    "contact_ids": "contact_id",
    "company_ids": "company_id",
    "member_ids": "member_id",
    "invoice_ids": "invoice_id",
    "quotation_ids": "quotation_id",
    "ticket_ids": "ticket_id",
    "deal_ids": "deal_id",
    "deal_stage_id": "stage_id",
    "deal_owner_id": "member_id",
    "assigned_to": "member_id",
    "assignee_id": "member_id",
    "label_id": "attribute_id",
    "category_id": "attribute_id",
    "project_ids": "project_id",
}
# People and firms that rows name as `Name (id)` -> the tool that reads them.
PEOPLE = {
    "client": ("get_contact", "contact_id"),
    "clients": ("get_contact", "contact_id"),
    "company": ("get_company", "company_id"),
    "assignees": ("get_team_member", "member_id"),
    "project_managers": ("get_team_member", "member_id"),
    "deal_owner": ("get_team_member", "member_id"),
}


def found(value: Any, place: str) -> Iterator[str]:
    """The ids at a place of a result."""
    head, _, rest = place.partition(".")
    if not head:
        yield str(value)
    elif head == "()":
        match = SHOWN_ID.search(str(value))
        if match:
            yield match[1]
    elif head == "*":
        for item in cast("list[Any]", value or []):
            yield from found(item, rest)
    elif head in value:
        yield from found(value[head], rest)


class Reader:
    """A server on a sandbox that knows nothing but what concise results showed it."""

    def __init__(self, folder: Path) -> None:
        (folder / "note.txt").write_text("a note")
        self.sandbox = Sandbox(limits=False)
        plenty = dict.fromkeys(("TASKIP_LIMIT_MINUTE", "TASKIP_LIMIT_HOUR", "TASKIP_LIMIT_UPLOADS"), "100000")
        config = plenty | {"TASKIP_SANDBOX": "1", "TASKIP_CONFIRM": "off", "TASKIP_FILES_DIR": str(folder)}
        self.app = App(load(config), asgi_transport(self.sandbox.app))
        self.shown: dict[str, list[str]] = {}

    async def call(self, tool: str, **given: Any) -> dict[str, Any]:
        return (await self.app.perform(ENTRIES[tool], given)).value

    async def ids(self, parameter: str, given: Mapping[str, Any] = {}) -> list[str]:
        """All that concise results show of an id, such as it is shown; `given` says in which project or pipeline."""
        tool, place = SOURCES[SAME.get(parameter, parameter)]
        needed = await self.needed(tool, given)
        key = f"{parameter} {needed}"
        if key not in self.shown:
            self.shown[key] = []
            page: int | None = 1
            while page:
                more = {"page": page} if "page" in ENTRIES[tool].inputSchema["properties"] else {}
                result = await self.call(tool, **needed, **more)
                self.shown[key] += [each for part in place.split() for each in found(result, part)]
                page = result.get("next_page")
        return self.shown[key]

    async def needed(self, tool: str, given: Mapping[str, Any] = {}) -> dict[str, Any]:
        """The arguments that a tool must have, taken from what was shown."""
        required: list[str] = ENTRIES[tool].inputSchema.get("required", [])
        return {name: given.get(name) or (await self.ids(name))[0] for name in required}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def reader(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Reader]:
    made = Reader(tmp_path_factory.mktemp("files"))
    yield made
    await made.app.aclose()


READS = [name for name, each in OPERATIONS.items() if each.effect is Effect.READ and each.path]


@pytest.mark.parametrize("tool", READS)
async def test_a_read_works_with_the_ids_that_were_shown(tool: str, reader: Reader) -> None:
    result = await reader.call(tool, **await reader.needed(tool))
    assert result


def required_ids(tool: str) -> list[str]:
    required: list[str] = arguments.schema_of(OPERATIONS[tool]).get("required", [])
    return [name for name in required if SAME.get(name, name) in SOURCES]


WRITES = [name for name, each in OPERATIONS.items() if each.effect is not Effect.READ and required_ids(name)]


@pytest.mark.parametrize("tool", WRITES)
async def test_a_write_works_with_the_ids_that_were_shown(tool: str, reader: Reader) -> None:
    reader.sandbox.reset()
    given = arguments_for(tool, reader.sandbox) | CONSEQUENT.get(tool, {})
    for name in required_ids(tool):
        # The sandbox's calls say which of the records suits; it has to be among those that are shown.
        wanted = cast("list[Any]", given[name] if isinstance(given[name], list) else [given[name]])
        assert {str(each) for each in wanted} <= set(await reader.ids(name, given)), name
    result = await reader.call(tool, **given)
    assert result["done"]


def test_every_id_that_a_tool_must_have_is_followed() -> None:
    missing = {
        name
        for tool in OPERATIONS.values()
        for name in arguments.schema_of(tool).get("required", [])
        if name.endswith(("_id", "_ids")) and SAME.get(name, name) not in SOURCES
    }
    # TaskIP lists no roles (contract conventions.missing_lookups).
    assert missing == {"role_id"}


LISTS = [name for name, each in OPERATIONS.items() if each.contract.endswith(".list")]


@pytest.mark.parametrize("tool", LISTS)
async def test_people_and_firms_that_a_row_names_are_found_by_the_id_beside_them(
    tool: str, reader: Reader
) -> None:
    rows = (await reader.call(tool, **await reader.needed(tool)))["items"]
    for name, (get, parameter) in PEOPLE.items():
        texts = {text for row in rows[:5] for text in _texts(row.get(name))}
        for text in sorted(texts)[:2]:
            words, _, number = text.rpartition(" (")
            record = await reader.call(get, **{parameter: number.rstrip(")")})
            assert record["name"] == words


def _texts(value: Any) -> list[str]:
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [each for each in items if isinstance(each, str)]
