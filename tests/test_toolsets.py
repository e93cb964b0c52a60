"""Which tools the settings select, and what clients are told that cannot take them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from taskip_mcp import caps, schemas, toolsets
from taskip_mcp.errors import ConfigError
from taskip_mcp.operation import GROUPS, OWN_GROUP
from taskip_mcp.schemas import ToolEntry
from taskip_mcp.settings import Settings, load
from tests import tokens

ENTRIES = schemas.load_entries()
NAMES = [entry.name for entry in ENTRIES]
GROUP_OF = {entry.name: entry.group for entry in ENTRIES}
EACH_PROFILE = pytest.mark.parametrize("profile", toolsets.PROFILES)


def selected(**given: Any) -> list[str]:
    """Names of the tools that these settings leave."""
    return [entry.name for entry in toolsets.select(ENTRIES, Settings(**given))]


def groups(names: Iterable[str]) -> set[str]:
    """Their groups, without that of the server itself."""
    return {GROUP_OF[name] for name in names} - {OWN_GROUP}


def published(entry: ToolEntry) -> int:
    """Tokens of a tool as the default settings publish it: without the code of a strict confirmation."""
    properties = {
        name: each for name, each in entry.inputSchema["properties"].items() if name != "confirm_code"
    }
    schema = entry.inputSchema | {"properties": properties}
    return tokens.of_entry(
        ToolEntry(entry.name, entry.title, entry.description, "", "", "", "", inputSchema=schema)
    )


# --- selection --------------------------------------------------------------------------------------------


def test_without_settings_every_tool_is_offered_in_its_order() -> None:
    assert selected() == selected(toolsets=("all",)) == NAMES


def test_groups_and_profiles_add_up_in_the_order_of_all_tools() -> None:
    names = selected(toolsets=("stage", "billing", "contact"))
    assert names == [name for name in NAMES if name in names]
    assert {"delete_stage", "send_invoice", "invite_client"} <= set(names)
    assert groups(names) == {"contact", "stage", "company", "invoice", "quotation", "project"}


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_all_of_its_tools_and_what_belongs_to_its_writes(group: str) -> None:
    names = selected(toolsets=(group,))
    assert groups(names) == {group}
    assert [name for name in names if GROUP_OF[name] == group] == [
        name for name in NAMES if GROUP_OF[name] == group
    ]
    assert set(toolsets.WITH_WRITES) <= set(names)  # every group has a write
    bulk = any(entry.effect == "bulk" for entry in ENTRIES if entry.group == group)
    assert (set(toolsets.WITH_JOBS) <= set(names)) is bulk


def test_the_tools_of_the_server_itself_are_a_toolset_as_well() -> None:
    assert selected(toolsets=(OWN_GROUP,)) == [name for name in NAMES if GROUP_OF[name] == OWN_GROUP]


def test_tools_alone_are_just_these() -> None:
    assert selected(tools=("send_invoice", "get_contact")) == ["get_contact", "send_invoice"]


def test_tools_beside_toolsets_are_offered_as_well() -> None:
    assert set(selected(toolsets=("company",), tools=("send_invoice",))) == {
        *selected(toolsets=("company",)),
        "send_invoice",
    }


def test_excluded_tools_are_not_there_whatever_else_selects_them() -> None:
    left = selected(
        toolsets=("company",), tools=("get_deal",), exclude_tools=("get_deal", "list_changes", "get_company")
    )
    assert not {"get_deal", "list_changes", "get_company"} & set(left)
    assert "list_companies" in left


def test_read_only_wins_over_everything_that_selects_tools() -> None:
    names = selected(read_only=True, toolsets=("billing",), tools=("delete_contact", "get_deal"))
    effects = {entry.name: entry.effect for entry in ENTRIES}
    assert {effects[name] for name in names} == {"read"}
    assert {"list_invoices", "get_deal"} <= set(names)
    assert len(selected(read_only=True)) == sum(effect == "read" for effect in effects.values())


def test_without_writes_nothing_that_belongs_to_writes_comes_along() -> None:
    assert groups(selected(read_only=True, toolsets=("stage",))) == {"stage"}
    assert not set(toolsets.WITH_WRITES) & set(selected(read_only=True, toolsets=("stage",)))


def test_a_selection_that_leaves_nothing_stops_the_server() -> None:
    with pytest.raises(ConfigError, match="No tool is left"):
        selected(tools=("delete_contact",), read_only=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"toolsets": ("invoces",)},
            "TASKIP_TOOLSETS is not usable: there is no invoces; did you mean invoice",
        ),
        ({"toolsets": ("sale",)}, "did you mean sales"),
        (
            {"tools": ("send_invoces",)},
            "TASKIP_TOOLS is not usable: there is no send_invoces; did you mean send_invoice",
        ),
        (
            {"exclude_tools": ("get_contact", "delet_deal")},
            "TASKIP_EXCLUDE_TOOLS is not usable: .* delete_deal",
        ),
    ],
)
def test_a_name_that_there_is_not_is_refused_with_close_ones(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        selected(**given)


def test_a_name_that_is_like_nothing_is_not_repeated_for_it_may_be_a_key() -> None:
    with pytest.raises(ConfigError, match="name 2 is unknown") as caught:
        selected(tools=("get_contact", "sk9f8e7d6c5b4a39281706f5e4d3c2b1"))
    assert "sk9f" not in str(caught.value)


def test_the_settings_reach_the_selection_as_people_write_them() -> None:
    loaded = load(
        {
            "TASKIP_SANDBOX": "1",
            "TASKIP_TOOLSETS": " Team-Member, deal,,deal ",
            "TASKIP_EXCLUDE_TOOLS": "get_deal",
        }
    )
    names = [entry.name for entry in toolsets.select(ENTRIES, loaded)]
    assert groups(names) == {"team_member", "deal"}
    assert "get_deal" not in names


# --- profiles ---------------------------------------------------------------------------------------------


@EACH_PROFILE
def test_a_profile_names_tools_that_exist_once_and_at_most_forty(profile: str) -> None:
    tools = toolsets.PROFILES[profile]
    assert len(tools) == len(set(tools)) <= 40
    assert not set(tools) - set(NAMES)


@EACH_PROFILE
def test_a_profile_is_complete_in_itself(profile: str) -> None:
    assert set(selected(toolsets=(profile,))) == set(toolsets.PROFILES[profile])


@EACH_PROFILE
def test_a_profile_costs_at_most_five_thousand_tokens(profile: str) -> None:
    assert sum(published(entry) for entry in ENTRIES if entry.name in toolsets.PROFILES[profile]) <= 5_000


@EACH_PROFILE
def test_a_profile_lists_what_its_writes_need_ids_of(profile: str) -> None:
    tools = {entry.name: entry for entry in ENTRIES if entry.name in toolsets.PROFILES[profile]}
    lists = {entry.group for entry in tools.values() if entry.name.startswith("list_")}
    if "list_tasks" in tools:  # the board shows its columns, and the labels of its tasks
        lists |= {"container", "task_label"}
    needing = {
        entry.group
        for entry in tools.values()
        if entry.effect != "read"
        and any(name.endswith("_id") for name in entry.inputSchema.get("required", []))
    }
    assert not needing - lists


# --- clients ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "cap"),
    [
        ("Visual Studio Code", 128),
        ("Visual Studio Code - Insiders", 128),
        ("cursor-vscode", 80),
        ("cursor-vscode (via mcp-remote 0.1.37)", 80),
        ("windsurf-client", 50),
        ("antigravity-client", 100),
    ],
)
def test_a_client_that_cannot_take_all_tools_is_told_which_profile_to_use(client: str, cap: int) -> None:
    assert toolsets.warning(client, cap) is None
    told = toolsets.warning(client, cap + 1)
    assert told is not None
    assert f"takes {cap} tools and this server offers {cap + 1}" in told
    assert "TASKIP_TOOLSETS=" in told
    assert "TASKIP_MODE=search" in told


def test_the_profile_that_a_warning_names_is_the_broadest_that_fits() -> None:
    found = toolsets.warning("Visual Studio Code", 142)
    assert found
    assert "TASKIP_TOOLSETS=core" in found


@pytest.mark.parametrize("client", ["", "claude-ai", "claude-code", "some-script"])
def test_a_client_without_a_known_cap_is_told_nothing(client: str) -> None:
    assert toolsets.warning(client, 1_000) is None


def test_every_cap_leaves_room_for_every_profile() -> None:
    assert min(caps.CAPS.values()) >= max(map(len, toolsets.PROFILES.values()))
    assert all(name == name.lower() for name in caps.CAPS)


@pytest.mark.parametrize(
    "hears", [{"TASKIP_WEBHOOK_SECRET": "of-the-tests-0123456789-abc"}, {"TASKIP_SANDBOX": "1"}]
)
@pytest.mark.parametrize("profile", toolsets.PROFILES)
def test_where_events_can_come_a_profile_shows_what_came(profile: str, hears: dict[str, str]) -> None:
    given = {"TASKIP_SECRET_KEY": "of-the-tests", "TASKIP_TOOLSETS": profile}
    entries = schemas.load_entries()
    without = {entry.name for entry in toolsets.select(entries, load(given))}
    with_them = {entry.name for entry in toolsets.select(entries, load(given | hears))}
    assert with_them - without == {"list_events", "wait_for_event"}
