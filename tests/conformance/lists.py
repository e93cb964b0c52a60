"""The lists of `scenarios.yaml`, and how the suite's results are held against them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

HERE = Path(__file__).parent
FILE = HERE / "scenarios.yaml"
VERSIONS = ("2025-11-25", "2026-07-28")
LINE = re.compile(r"^\s+- (\S+) \[(.*)\]\s*$", re.MULTILINE)
BAD = {"FAILURE", "WARNING"}
WIRE = "wire-schema-valid"
"""Check of every message that the server sent: it must hold in all scenarios, whatever they are about."""

Results = Mapping[str, Mapping[str, str]]
"""Scenario -> check -> status, of one run."""


@dataclass(frozen=True)
class Lists:
    """Scenarios by what is expected of them; `excepted` names checks of applicable ones that cannot pass."""

    applies: Sequence[str]
    vacuous: Mapping[str, str]
    inapplicable: Mapping[str, str]
    excepted: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: dict[str, dict[str, str]]())

    @property
    def names(self) -> list[str]:
        """All scenarios."""
        return [*self.applies, *self.vacuous, *self.inapplicable]


def load() -> Lists:
    """The committed lists."""
    raw = cast("dict[str, dict[str, Any]]", yaml.safe_load(FILE.read_text("utf-8")))
    excepted = {name: dict(more["except"]) for name, more in raw["applies"].items() if more}
    return Lists(list(raw["applies"]), raw["vacuous"], raw["not"], excepted)


def offered(listing: str) -> dict[str, set[str]]:
    """Scenario -> versions, of what ``conformance list --server`` prints; extensions and drafts are left out."""
    found = {name: set(tags.split(",")) & set(VERSIONS) for name, tags in LINE.findall(listing)}
    return {name: versions for name, versions in found.items() if versions}


def unlisted(lists: Lists, scenarios: Mapping[str, set[str]]) -> list[str]:
    """Where the lists and the suite do not hold the same scenarios."""
    return [
        *(f"{name} is in no list" for name in scenarios if name not in lists.names),
        *(f"{name} is listed and not in the suite any more" for name in lists.names if name not in scenarios),
    ]


def wrong(lists: Lists, scenarios: Mapping[str, set[str]], version: str, results: Results) -> list[str]:
    """What a run at a version shows that the lists do not expect."""
    found: list[str] = []
    for name in (name for name, versions in scenarios.items() if version in versions):
        checks = results.get(name)
        if not checks:
            found.append(f"{name} did not run")
        elif checks.get(WIRE) == "FAILURE":
            found.append(f"{name}: a message breaks the schema of the protocol")
        elif name in lists.applies:
            found += [f"{name}: {problem}" for problem in _applicable(lists.excepted.get(name, {}), checks)]
        elif name in lists.vacuous:
            found += [f"{name}: {check} failed" for check, status in checks.items() if status == "FAILURE"]
        elif name in lists.inapplicable and "FAILURE" not in checks.values():
            found.append(f"{name} passes, though it is listed as not applicable")
    return found


def _applicable(excepted: Mapping[str, str], checks: Mapping[str, str]) -> list[str]:
    bad = {check for check, status in checks.items() if status in BAD}
    return [
        *(f"{check} is a {checks[check].lower()}" for check in sorted(bad - excepted.keys())),
        *(f"{check} passes, though it is excepted" for check in sorted(excepted.keys() - bad)),
    ]
