"""The environment becomes settings, or an error that names the variable and never its value."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskip_mcp import settings, variables
from taskip_mcp.errors import ConfigError

ROOT = Path(settings.__file__).parent


def test_defaults_are_taskips_own_limits() -> None:
    loaded = settings.load({"TASKIP_SECRET_KEY": "k"})
    assert (loaded.limit_minute, loaded.limit_hour, loaded.limit_uploads) == (100, 1000, 50)
    assert (loaded.base_url, loaded.routes, loaded.sandbox) == (settings.LIVE_URL, "auto", False)


def test_the_key_is_not_in_the_repr() -> None:
    assert "abc123" not in repr(settings.load({"TASKIP_SECRET_KEY": "abc123"}))


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings.load({"TASKIP_SECRET_KEY": "k", "TASKIP_TIMEOUT": " "}).timeout == 30.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKIP_SECRET_KEY", "two words"),
        ("TASKIP_SECRET_KEY", "line\nbreak"),
        ("TASKIP_BASE_URL", "ftp://x.example"),
        ("TASKIP_BASE_URL", "http://public-api.taskip.net/api"),
        ("TASKIP_BASE_URL", "https://user:pw@x.example"),
        ("TASKIP_SANDBOX", "maybe"),
        ("TASKIP_ROUTES", "both"),
        ("TASKIP_TIMEOUT", "soon"),
        ("TASKIP_TIMEOUT", "0"),
        ("TASKIP_LOG_LEVEL", "LOUD"),
        ("TASKIP_LIMIT_MINUTE", "0"),
        ("TASKIP_LIMIT_HOUR", "many"),
        ("TASKIP_LIMIT_UPLOADS", "-1"),
        ("TASKIP_TOOLSETS", "sales billing"),
        ("TASKIP_TOOLS", "get_contact;get_deal"),
        ("TASKIP_EXCLUDE_TOOLS", "x" * 65),
        ("TASKIP_READ_ONLY", "maybe"),
        ("TASKIP_MODE", "lazy"),
        ("TASKIP_STRUCTURED", "json"),
    ],
)
def test_a_wrong_value_names_its_variable_and_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        settings.load({"TASKIP_SECRET_KEY": "k", name: value})
    assert len(value) < 3 or value not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8765/api", "http://localhost:1", "http://[::1]:1/x"])
def test_clear_text_is_allowed_to_this_machine_only(url: str) -> None:
    assert settings.load({"TASKIP_SECRET_KEY": "k", "TASKIP_BASE_URL": url + "/"}).base_url == url


def test_a_missing_key_stops_the_server_with_words_that_help() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TASKIP_")}
    done = subprocess.run(
        [sys.executable, "-m", "taskip_mcp"],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    for words in (
        "TASKIP_SECRET_KEY",
        "Settings > API Application",
        "expire after a year",
        "TASKIP_SANDBOX=1",
    ):
        assert words in done.stderr


def test_the_sandbox_needs_no_key() -> None:
    assert settings.load({"TASKIP_SANDBOX": "1"}).backend == "sandbox"


def test_every_tool_is_offered_by_itself_and_as_text_by_default() -> None:
    loaded = settings.load({"TASKIP_SANDBOX": "1"})
    assert (loaded.toolsets, loaded.tools, loaded.exclude_tools, loaded.read_only) == ((), (), (), False)
    assert (loaded.mode, loaded.structured) == ("tools", False)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sales", ("sales",)),
        (" Billing , team-member,deal,", ("billing", "team_member", "deal")),
        ("deal,contact,deal", ("deal", "contact")),
        (",", ()),
    ],
)
def test_lists_of_names_are_taken_as_people_write_them(text: str, names: tuple[str, ...]) -> None:
    loaded = settings.load({"TASKIP_SANDBOX": "1", "TASKIP_TOOLSETS": text, "TASKIP_EXCLUDE_TOOLS": text})
    assert loaded.toolsets == loaded.exclude_tools == names


def test_no_other_module_reads_the_environment() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if any(word in path.read_text("utf-8") for word in ("os.environ", "os.getenv", "getenv("))
    ]
    assert readers == ["settings.py"]


def test_every_setting_has_one_variable_and_a_description() -> None:
    names = [variable.name for variable in variables.VARIABLES]
    attributes = {variable.attribute for variable in variables.VARIABLES}
    assert len(names) == len(set(names))
    assert attributes == set(settings.Settings.__dataclass_fields__)
    assert all(variable.meaning.endswith(".") for variable in variables.VARIABLES)
