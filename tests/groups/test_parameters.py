"""Parameters that all groups share: ids that may be names, page sizes, fields to empty."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import arguments, errors, operation
from taskip_mcp.named import Name
from tests.support import Script, alone, backend

pytestmark = pytest.mark.anyio

TOOLS = operation.load_all()
NAMELESS = {
    "country_id", "state_id", "city_id", "complete_status_id", "team_id", "role_id", "folder_id", "template_id",
    "tax_ids", "file_id", "attachment_ids", "user_id", "reply_by_user_id", "owner_id", "booking_id",
}  # fmt: skip
"""Ids of what the API does not list, or what nobody knows by a name."""


@pytest.mark.parametrize("name", TOOLS)
def test_an_id_may_be_a_name_except_in_a_job_and_where_there_is_none(name: str) -> None:
    tool = TOOLS[name]
    for parameter, schema in arguments.schema_of(tool)["properties"].items():
        if not parameter.endswith(("_id", "_ids", "assigned_to")):
            continue
        kind = schema["items"]["type"] if schema["type"] == "array" else schema["type"]
        if parameter == tool.chunk:
            assert kind == "integer", parameter
        elif parameter not in NAMELESS:
            assert kind == "string", parameter


@pytest.mark.parametrize(
    ("tool", "given", "kind"),
    [
        ("get_contact", {"contact_id": "Ada B"}, "contact"),
        ("list_invoices", {"client_id": "ada@x.example"}, "contact"),
        ("list_conversations", {"tag_id": "urgent"}, "inbox_tag"),
        ("add_task_label", {"label_id": "Bug", "project_id": 1, "task_id": 2}, "label"),
        ("update_project", {"project_manager_ids": ["Ada B"], "project_id": 1}, "member"),
        ("get_pipeline", {"pipeline_id": "Sales"}, "pipeline"),
        ("list_all_tasks", {"project_ids": ["Relaunch"]}, "project"),
    ],
)
def test_a_name_comes_through_with_its_kind(tool: str, given: dict[str, Any], kind: str) -> None:
    value: Any = arguments.validate(TOOLS[tool], given)[next(iter(given))]
    name: Any = value[0] if isinstance(given[next(iter(given))], list) else value
    assert isinstance(name, Name)
    assert name.kind == kind


@pytest.mark.parametrize("number", [7, "7"])
def test_an_id_comes_through_as_a_number(number: Any) -> None:
    assert arguments.validate(TOOLS["get_contact"], {"contact_id": number})["contact_id"] == 7


def test_a_job_takes_no_names() -> None:
    with pytest.raises(errors.ArgumentError, match=r"contact_ids\.0"):
        arguments.validate(TOOLS["bulk_delete_contacts"], {"contact_ids": ["Ada B"]})


async def test_a_list_asks_for_25_rows_unless_it_is_told_otherwise() -> None:
    script = Script({"GET /contact": (200, {"data": []})})
    await alone(backend(script), "list_contacts")
    await alone(backend(script), "list_contacts", limit=100)
    assert [each.query["limit"] for each in script.sent] == ["25", "100"]


def test_a_field_that_cannot_be_emptied_is_refused_with_those_that_can() -> None:
    with pytest.raises(
        errors.ArgumentError, match=r"clear\.0: must be one of .*turnaround_times.*expire_date"
    ):
        arguments.validate(TOOLS["update_quotation"], {"quotation_id": 1, "clear": ["subject"]})


def test_every_field_that_can_be_emptied_is_an_argument_of_its_tool() -> None:
    for tool in TOOLS.values():
        properties = arguments.model_of(tool).model_json_schema()["properties"]
        if "clear" in properties:
            accepted = arguments.model_of(tool).model_fields["clear"]
            names = [name for name in properties if f"'{name}'" in str(accepted.annotation)]
            assert len(names) == str(accepted.annotation).count("'") // 2
