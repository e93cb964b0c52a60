"""The benchmarks' reckoning, and that they run at all. What they measure is not a matter for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench import burst, figures, overhead
from bench.burst import SCENARIOS, Outcome, Run, Scenario
from bench.children import Noted, Pace, target

pytestmark = pytest.mark.anyio

REFUSED = (
    "The minute limit of the API key (100) is used up; a request could leave in 58 seconds. Nothing was sent."
    " Wait that long, then repeat the call. Requests left: minute 0."
)


def whole(scenario: Scenario, *, calls: int = 150, late: int = 50) -> Run:
    """A burst as it should be: all but `late` requests in the first minute."""
    run = Run(scenario, Pace(10.0))
    run.outcomes = [Outcome(ok=True, text="{}", at=1001.0, seconds=1.0) for _ in range(calls)]
    run.noted = [Noted(1000.0 + number / 100, 200, ours=True) for number in range(calls - late)]
    run.noted += [Noted(1061.0, 200, ours=True) for _ in range(late)]
    return run


def refusing() -> Run:
    """A burst whose excess is refused as it should be, and repeated."""
    run = whole(SCENARIOS["refuse"], calls=100, late=0)
    run.outcomes += [Outcome(ok=False, text=REFUSED, at=1003.0, seconds=1.0) for _ in range(50)]
    run.again = [Outcome(ok=True, text="{}", at=1061.5, seconds=0.5) for _ in range(50)]
    return run


def test_a_burst_is_shared_evenly() -> None:
    assert figures.shares(150, 4) == [38, 38, 37, 37]
    assert figures.shares(2, 3) == [1, 1, 0]


def test_the_first_minute_starts_with_the_first_request() -> None:
    assert figures.in_first_minute([10.0, 75.0, 69.9, 70.0, 5.0 + 10.0]) == 3
    assert figures.in_first_minute([]) == 0


def test_a_refusal_is_read_for_its_seconds() -> None:
    assert figures.told_seconds(REFUSED) == 58
    assert figures.told_seconds("All 8 connections to TaskIP are busy. Nothing was sent.") is None


def test_the_table_aligns_names_to_the_left_and_figures_to_the_right() -> None:
    assert figures.table(("name", "ms"), [("a", 1.5), ("longer", None)]) == (
        "name      ms\na       1.50\nlonger     -"
    )


def test_a_burst_that_uses_the_minute_and_loses_nothing_holds() -> None:
    for scenario in SCENARIOS.values():
        assert burst.broken(refusing() if scenario.patience is None else whole(scenario)) == []


def test_each_thing_that_must_hold_is_looked_at() -> None:
    run = whole(SCENARIOS["one"])
    failed = replace(run.outcomes[0], ok=False, text="no")
    assert burst.broken(replace(run, outcomes=[*run.outcomes[1:], failed]))
    assert burst.broken(replace(run, noted=[*run.noted, Noted(1002.0, 429, ours=True)]))
    assert burst.broken(replace(run, noted=run.noted[1:]))
    assert burst.broken(whole(SCENARIOS["one"], late=53))
    assert not burst.broken(replace(run, noted=[*run.noted, Noted(1002.0, 429, ours=False)]))


@pytest.mark.parametrize(("name", "allowed"), [("spike-four", 8), ("spread-redis", 8), ("late-four", 8)])
def test_rejections_are_allowed_where_another_program_takes_places(name: str, allowed: int) -> None:
    run = whole(SCENARIOS[name])
    rejected = [Noted(1002.0, 429, ours=True)] * allowed
    assert not burst.broken(replace(run, noted=run.noted + rejected))
    assert burst.broken(replace(run, noted=[*run.noted, *rejected, rejected[0]]))


@pytest.mark.parametrize(
    "wrong",
    [
        Outcome(ok=False, text="The minute limit is used up.", at=1003.0, seconds=1.0),
        Outcome(ok=False, text=REFUSED, at=1001.0, seconds=1.0),  # too early by a second
        Outcome(ok=False, text=REFUSED, at=1010.0, seconds=1.0),  # too late
        Outcome(ok=False, text=REFUSED, at=1003.0, seconds=50.0),  # not at once
        Outcome(ok=True, text="{}", at=1003.0, seconds=1.0),
    ],
)
def test_a_wrong_refusal_is_noticed(wrong: Outcome) -> None:
    run = refusing()
    assert burst.broken(replace(run, outcomes=[*run.outcomes[:-1], wrong]))


def test_a_call_that_fails_or_waits_after_the_told_time_is_noticed() -> None:
    run = refusing()
    assert burst.broken(replace(run, again=[replace(run.again[0], ok=False), *run.again[1:]]))
    assert burst.broken(replace(run, again=[replace(run.again[0], seconds=9.0), *run.again[1:]]))


def test_what_a_tool_adds_is_counted_in_pairs() -> None:
    timed = overhead.Timed("read", request=[1.0, 9.0, 1.0], protocol=[1.0, 1.0, 1.0], tool=[3.0, 11.0, 9.0])
    assert timed.added == [1.0, 1.0, 7.0]
    assert timed.row[:6] == ["read", 3, 1.0, 1.0, 9.0, 1.0]
    assert overhead.broken([timed]) == []
    assert overhead.broken([replace(timed, tool=[7.0, 15.0, 9.0])])


async def test_a_tiny_burst_runs() -> None:
    run = await burst.play(replace(SCENARIOS["one"], calls=3), 1.0)
    assert run.failed == []
    assert [(each.status, each.ours) for each in run.noted] == [(200, True)] * 3


async def test_a_tiny_measurement_runs(tmp_path: Path) -> None:
    with target(Pace()) as where:
        read, write = await overhead.measure(where, tmp_path, "2026-07-28", 2, warm_up=1)
    assert len(read.added) == len(write.added) == 2


def test_the_readme_tells_what_is_measured() -> None:
    text = " ".join((Path(__file__).parent.parent / "README.md").read_text("utf-8").split())
    assert (
        f"{burst.CALLS} calls at once to a TaskIP on a real port that allows {burst.LIMIT} a minute" in text
    )
