"""What of `make conformance` needs no network: the lists are in order, and what they do not expect is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance import lists
from tests.conformance.lists import Lists
from tests.conformance.run import results

KNOWN = Lists(
    applies=["ping", "stateless"],
    vacuous={"text": "no such tool"},
    inapplicable={"audio": "no such tool"},
    excepted={"stateless": {"capability": "no such tool"}},
)
SCENARIOS = {name: {"2025-11-25"} for name in KNOWN.names}
GOOD = {
    "ping": {"pong": "SUCCESS", "note": "INFO"},
    "stateless": {"discover": "SUCCESS", "capability": "FAILURE"},
    "text": {"text": "SUCCESS", "hint": "WARNING"},
    "audio": {"audio": "FAILURE"},
}


def test_every_scenario_is_in_one_list_with_its_reason() -> None:
    known = lists.load()
    assert len(known.names) == len(set(known.names))
    assert set(known.excepted) <= set(known.applies)
    reasons = [*known.vacuous.values(), *known.inapplicable.values()]
    reasons += [reason for checks in known.excepted.values() for reason in checks.values()]
    assert all(len(reason) > 10 for reason in reasons)


def test_what_the_suite_offers_is_read_without_its_extensions() -> None:
    printed = (
        "Server scenarios (test against a server):\n  - ping [2025-06-18,2025-11-25]\n"
        "  - caching [2026-07-28]\n  - tasks-lifecycle [extension]\n  - tools-list [2025-11-25,2026-07-28]\n"
    )
    assert lists.offered(printed) == {
        "ping": {"2025-11-25"},
        "caching": {"2026-07-28"},
        "tools-list": {"2025-11-25", "2026-07-28"},
    }


def test_a_new_and_a_vanished_scenario_are_found() -> None:
    assert lists.unlisted(KNOWN, SCENARIOS) == []
    assert lists.unlisted(KNOWN, SCENARIOS | {"new": {"2025-11-25"}}) == ["new is in no list"]
    rest = {name: versions for name, versions in SCENARIOS.items() if name != "audio"}
    assert lists.unlisted(KNOWN, rest) == ["audio is listed and not in the suite any more"]


def test_a_run_as_expected_passes() -> None:
    assert lists.wrong(KNOWN, SCENARIOS, "2025-11-25", GOOD) == []
    assert lists.wrong(KNOWN, SCENARIOS, "2026-07-28", {}) == []


@pytest.mark.parametrize(
    ("scenario", "checks", "words"),
    [
        ("ping", {"pong": "FAILURE"}, "pong is a failure"),
        ("ping", {"pong": "WARNING"}, "pong is a warning"),
        ("ping", {}, "did not run"),
        ("stateless", {"discover": "FAILURE", "capability": "FAILURE"}, "discover is a failure"),
        ("stateless", {"discover": "SUCCESS", "capability": "SUCCESS"}, "passes, though it is excepted"),
        ("text", {"text": "FAILURE"}, "text failed"),
        ("audio", {"audio": "SUCCESS"}, "passes, though it is listed as not applicable"),
        ("audio", {"audio": "FAILURE", lists.WIRE: "FAILURE"}, "breaks the schema of the protocol"),
    ],
)
def test_what_the_lists_do_not_expect_is_found(scenario: str, checks: dict[str, str], words: str) -> None:
    (problem,) = lists.wrong(KNOWN, SCENARIOS, "2025-11-25", GOOD | {scenario: checks})
    assert problem.startswith(scenario)
    assert words in problem


def test_results_are_read_from_the_folder_of_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "server-ping-2026-11-25T02-36-31-921Z"
    folder.mkdir()
    checks = [{"id": "pong", "status": "FAILURE"}, {"id": "pong", "status": "SUCCESS"}]
    (folder / "checks.json").write_text(json.dumps(checks), "utf-8")
    assert results(tmp_path) == {"ping": {"pong": "FAILURE"}}
