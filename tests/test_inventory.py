"""Rules that every operation and every module keeps; a new one that breaks a rule fails here."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from taskip_mcp import arguments, operation, own, resources, schemas
from taskip_mcp.operation import Consequence, Effect, Operation, Tool

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "taskip_mcp"
DATA = Path(__file__).parent / "data"
OPERATIONS = operation.load_all()
CONTRACT: dict[str, dict[str, Any]] = {
    row["id"]: row for row in yaml.safe_load((DATA / "contract.yaml").read_text("utf-8"))["operations"]
}
EACH = pytest.mark.parametrize("each", OPERATIONS.values(), ids=list(OPERATIONS))
TOOLS: dict[str, Tool] = {**OPERATIONS, **own.tools()}
EACH_TOOL = pytest.mark.parametrize("each", TOOLS.values(), ids=list(TOOLS))
VERBS = {
    "add", "assign", "attach", "book", "bulk", "complete", "convert", "create", "delete", "download", "get", "invite",
    "list", "move", "remove", "rename", "reorder", "reply", "resume", "search", "send", "set", "undo", "update",
    "upload", "wait",
}  # fmt: skip


def reference_rows() -> list[str]:
    """``METHOD /path`` of every row of the API reference."""
    text = (DATA / "api-reference.txt").read_text("utf-8")
    return [
        f"{method} {path}"
        for method, path in re.findall(r"^(GET|POST|PUT|DELETE)(/[a-z\-/{}]+?)(?=[A-Z])", text, re.MULTILINE)
    ]


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every JSON schema inside a schema."""
    if isinstance(schema, dict):
        node = cast("dict[str, Any]", schema)
        yield node
        for child in node.get("properties", {}).values():
            yield from nodes(child)
        yield from nodes(node.get("items"))
        yield from nodes(node.get("additionalProperties"))


# --- the reference ----------------------------------------------------------------------------------------


def test_every_row_of_the_api_reference_is_exactly_one_tool() -> None:
    endpoints = [each.reference.endpoint for each in OPERATIONS.values()]
    assert len(reference_rows()) == 132
    assert sorted(endpoints) == sorted(reference_rows())


def test_the_names_that_the_owner_gave_are_there() -> None:
    assert {"create_invoice", "reply_conversation", "list_tasks"} <= OPERATIONS.keys()


def test_every_operation_of_the_contract_is_declared_once() -> None:
    assert sorted(each.contract for each in OPERATIONS.values()) == sorted(CONTRACT)


@EACH
def test_effect_and_routes_are_those_of_the_contract(each: Operation) -> None:
    row = CONTRACT[each.contract]
    assert each.effect == row["effect"]
    endpoints = [route.endpoint for route in each.routes]
    assert f"{row['method']} {row['path']}" in endpoints
    if guide := row.get("guide_path"):
        # Pipelines differ in the identifier alone: the address is the same.
        shapes = [re.sub(r"\{\w+\}", "{}", endpoint) for endpoint in endpoints]
        assert re.sub(r"\{\w+\}", "{}", f"{row['method']} {guide}") == shapes[0]


@EACH
def test_what_the_contract_calls_destructive_is_gated(each: Operation) -> None:
    row = CONTRACT[each.contract]
    if row["destructive"] or row["effect"] in {"delete", "send", "bulk"}:
        assert each.possible
    if row["effect"] == "delete":
        assert Consequence.DELETE in each.possible
    if row["effect"] == "bulk":
        assert Consequence.BULK in each.possible
    if row["effect"] == "read":
        assert not each.possible
    if row["notifies"] == "client":
        assert Consequence.SEND in each.possible


@EACH
def test_idempotence_is_that_of_the_contract(each: Operation) -> None:
    assert each.idempotent is CONTRACT[each.contract]["idempotent"]


# --- what the model sees ----------------------------------------------------------------------------------


@EACH_TOOL
def test_a_name_is_verb_and_noun_and_fits(each: Tool) -> None:
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", each.name)
    assert each.name.split("_")[0] in VERBS
    assert len(f"mcp__taskip__{each.name}") <= 64


@EACH_TOOL
def test_a_description_says_what_the_tool_does(each: Tool) -> None:
    assert 20 <= len(each.description) <= 500
    assert each.description.endswith(".")
    assert not re.search(r"contract|quirk|swagger|TODO|XXX", each.description)


@EACH_TOOL
def test_a_sibling_that_a_description_names_exists(each: Tool) -> None:
    words = [each.description, *(node.get("description", "") for node in nodes(arguments.schema_of(each)))]
    named = {word for text in words for word in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text)}
    tools = {word for word in named if word.split("_")[0] in VERBS}
    known = TOOLS.keys() | arguments.schema_of(each)["properties"].keys()
    # Values of `action` look like names of tools.
    assert tools <= known | {"send_to_clients", "move_stage", "update_status", "add_tags"}


@EACH_TOOL
def test_a_schema_is_slim_and_plain(each: Tool) -> None:
    schema = arguments.schema_of(each)
    assert schema["type"] == "object"
    assert not arguments.UNPUBLISHED & {key for node in nodes(schema) for key in node}
    assert arguments.strict_schema_of(each)["additionalProperties"] is False
    for node in nodes(schema):
        assert not {"$ref", "$defs", "anyOf", "oneOf", "allOf", "title", "const", "ge", "le"} & node.keys()
        assert isinstance(node.get("type"), str)
        assert node.get("default", 0) is not None


# What these mean is said by the name: ids of records, the parts of a page, and the fields that every person and every
# bill has. `limit`, dates, money and names in the place of ids are explained once, in the server's instructions.
PLAIN = {
    "page", "limit", "order", "date_from", "date_to", "from_date", "to_date", "start_date", "end_date", "due_date",
    "issue_date", "expire_date", "closing_date", "started_at", "ended_at", "date", "title", "name", "first_name",
    "last_name", "email", "position", "address", "website", "phone_number", "subject", "message", "description",
    "note", "notes", "reason", "label", "tags", "items", "qty", "quantity", "unit_price", "discount", "terms",
    "terms_condition", "payment_terms", "query", "cc", "bcc", "assigned_to", "deal_name", "invoice_no", "search",
    "payment_gateway", "template", "email_template", "custom_message", "cc_emails", "to_emails", "custom_fields",
    "id", "payment_recurring_type", "recurring_until", "payable", "payable_amount", "payable_amount_type",
    "is_completed", "shared_with_me", "is_payment_reccuring", "enable",
}  # fmt: skip


@EACH_TOOL
def test_a_parameter_is_described_unless_name_type_and_enum_say_it_all(each: Tool) -> None:
    for node in nodes(arguments.schema_of(each)):
        for name, schema in node.get("properties", {}).items():
            assert not name.startswith("_")
            said = (
                schema.get("description")
                or schema.get("enum")
                or name.endswith(("_id", "_ids"))
                or name in PLAIN
            )
            assert said, name


@EACH_TOOL
def test_confirm_is_there_exactly_where_something_can_happen(each: Tool) -> None:
    assert ("confirm" in arguments.schema_of(each)["properties"]) is bool(each.possible)


@EACH_TOOL
def test_annotations_are_complete_and_follow_the_effect(each: Tool) -> None:
    hints = schemas.annotations_of(each)
    assert hints["title"]
    assert hints["readOnlyHint"] is (each.effect is Effect.READ)
    assert hints["destructiveHint"] is bool(each.possible)
    assert not (hints["readOnlyHint"] and hints["destructiveHint"])


@EACH
def test_what_would_be_done_twice_carries_allow_duplicate(each: Operation) -> None:
    assert ("allow_duplicate" in arguments.schema_of(each)["properties"]) is each.guarded
    if each.effect in {Effect.CREATE, Effect.SEND}:
        assert each.guarded


@EACH
def test_a_bulk_call_with_a_list_of_ids_is_a_job(each: Operation) -> None:
    lists = [name for name in arguments.schema_of(each)["properties"] if name.endswith("_ids")]
    assert each.chunk == (lists[0] if each.effect is Effect.BULK and lists else "")
    if each.found:
        assert operation.find(each.found.read).effect is Effect.READ


def test_no_tool_of_the_server_is_taken_for_one_of_taskip() -> None:
    assert not own.tools().keys() & OPERATIONS.keys()
    entries = {entry.name: entry for entry in schemas.load_entries()}
    assert {name for name, entry in entries.items() if not entry.endpoint} == own.tools().keys()


def test_the_committed_schemas_are_what_the_functions_produce() -> None:
    assert schemas.differences() == []


@pytest.mark.parametrize("harm", ["changed", "missing", "extra"])
def test_the_check_sees_a_difference_a_missing_and_an_extra_file(harm: str, tmp_path: Path) -> None:
    schemas.write(tmp_path)
    assert schemas.differences(tmp_path) == []
    file = tmp_path / ("new_tool.json" if harm == "extra" else "get_contact.json")
    if harm == "missing":
        file.unlink()
    else:
        file.write_text("{}")
    assert schemas.differences(tmp_path) == [file.name]


def test_the_figures_of_the_readme_are_those_of_the_contract() -> None:
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    two = sum("guide_path" in row for row in CONTRACT.values())
    assert f"{two} of the {len(CONTRACT)} operations have two documented routes" in text


def test_the_readme_is_generated_from_the_code() -> None:
    done = subprocess.run([sys.executable, "scripts/readme.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0


# --- resources --------------------------------------------------------------------------------------------


def test_every_resource_reads_an_operation_with_its_own_variables() -> None:
    by_contract = {each.contract: each for each in OPERATIONS.values()}
    for entry in resources.TEMPLATES:
        found = own.tools()[entry.tool] if entry.tool else by_contract[entry.contract]
        schema = arguments.schema_of(found)
        assert found.effect is Effect.READ
        assert set(entry.path_variables) == set(schema.get("required", []))
        assert set(entry.query_variables) <= schema["properties"].keys()


def test_every_read_has_a_resource() -> None:
    reads = {each.contract for each in OPERATIONS.values() if each.effect is Effect.READ}
    assert reads == {entry.contract for entry in resources.TEMPLATES if not entry.tool}


# --- the sandbox ------------------------------------------------------------------------------------------


def test_the_sandbox_serves_every_documented_route_and_nothing_else() -> None:
    from taskip_mcp.sandbox import Sandbox

    served = {f"{method} {re.sub('{[^}]*}', '{}', path)}" for method, path, *_ in Sandbox().routes()}
    wanted = {
        re.sub(r"\{[^}]*\}", "{}", route.endpoint) for each in OPERATIONS.values() for route in each.routes
    }
    assert served == wanted


# --- the code ---------------------------------------------------------------------------------------------

MODULES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function, without its docstring and decorators."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = (
                node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.body[0].lineno
            )
            yield node.name, (node.end_lineno or start) - start + 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400
    assert [name for name, lines in functions(path) if lines > 60] == []


def test_the_median_function_is_short() -> None:
    lengths = [lines for path in PACKAGE.rglob("*.py") for _, lines in functions(path)]
    assert statistics.median(lengths) <= 10


def imports(path: Path) -> set[str]:
    """Every module that a file imports, in any scope."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_only_register_knows_the_inside_of_the_sdk() -> None:
    public = {"mcp.server", "mcp.client", "mcp_types"}
    inside = {
        path.name: sorted(
            name for name in imports(path) if name.split(".")[0] == "mcp" and name not in public
        )
        for path in PACKAGE.rglob("*.py")
    }
    used = {name: modules for name, modules in inside.items() if modules}
    assert used == {
        "asking.py": ["mcp", "mcp.server.mcpserver"],
        "register.py": [
            "mcp",
            "mcp.server.mcpserver",
            "mcp.server.mcpserver.exceptions",
            "mcp.server.mcpserver.tools",
            "mcp.server.mcpserver.utilities.func_metadata",
            "mcp.server.transport_security",
        ],
        "subscriptions.py": [
            "mcp",
            "mcp.server.connection",
            "mcp.server.session",
            "mcp.server.subscriptions",
        ],
        "protocol.py": ["mcp", "mcp.server.mcpserver.prompts.base"],
        "demo.py": ["mcp.client.stdio"],
    }


def test_nothing_below_register_knows_the_sdk_or_the_http_library() -> None:
    for path in PACKAGE.rglob("*.py"):
        tops = {name.split(".")[0] for name in imports(path)}
        if path.name not in {
            "asking.py",
            "protocol.py",
            "register.py",
            "server.py",
            "subscriptions.py",
            "demo.py",
        }:
            assert not tops & {"mcp", "mcp_types"}, path
        # server.py names a type of it; the sandbox posts its webhooks with it.
        if path.name not in {"client.py", "server.py", "webhooks.py"}:
            assert "httpx" not in tops, path
    for path in (PACKAGE / "groups").glob("*.py"):
        assert not imports(path) & {"httpx", "taskip_mcp.client"} or path.name == "__init__.py", path


def test_starting_loads_neither_groups_nor_http_client_nor_sandbox() -> None:
    program = (
        "import sys; from taskip_mcp.server import App, build_server; from taskip_mcp.settings import load;"
        "build_server(App(load({'TASKIP_SANDBOX': '1'})));"
        "print([name for name in sys.modules if name in ('httpx', 'nh3') or name.startswith('taskip_mcp.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(done.stdout)
    for name in (
        "httpx",
        "nh3",
        "taskip_mcp.client",
        "taskip_mcp.arguments",
        "taskip_mcp.sandbox",
        "taskip_mcp.groups.contact",
    ):
        assert name not in loaded


CONSEQUENTIAL = {
    "payment_gateway", "recurring_payment", "payable", "is_recurring", "role_id", "password", "access_portal",
    "invite_client", "notify_client", "to_emails", "cc_emails", "payment_amount",
}  # fmt: skip


@EACH
def test_no_tool_sets_past_the_gate_what_another_sets_behind_it(each: Operation) -> None:
    if each.effect is not Effect.READ and CONSEQUENTIAL & set(arguments.schema_of(each)["properties"]):
        assert each.gated
