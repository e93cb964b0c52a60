"""`make conformance`: the suite of MCP against the real server over streamable HTTP, at both versions.

python -m tests.conformance.run [-v]
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.conformance import lists
from tests.interop import servers, workshop

STAMP = re.compile(r"^server-(.+)-\d{4}-\d\d-\d\dT.*$")
SECONDS = 180


def suite() -> list[str]:
    """The suite as a command."""
    folder = workshop.npm("conformance", lists.HERE / "package.json")
    return [
        str(workshop.node()),
        str(folder / "node_modules/@modelcontextprotocol/conformance/dist/index.js"),
    ]


def run_at(command: Sequence[str], version: str, verbose: bool) -> dict[str, dict[str, str]]:
    """All scenarios of a version against a server of its own; scenario -> check -> status."""
    with tempfile.TemporaryDirectory() as place, servers.over_http({}) as url:
        given = ["server", "--url", url, "--suite", "all", "--spec-version", version, "-o", place]
        printed = _output([*command, *given])
        if verbose:
            sys.stdout.write(printed)
        return results(Path(place))


def results(folder: Path) -> dict[str, dict[str, str]]:
    """The statuses that a run left in its folder; the worst where a check was made several times."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*/checks.json")):
        if not (named := STAMP.match(file.parent.name)):
            continue
        checks = found.setdefault(named[1], {})
        for check in json.loads(file.read_text("utf-8")):
            if checks.get(check["id"]) not in lists.BAD:
                checks[check["id"]] = check["status"]
    return found


def main(arguments: Sequence[str]) -> int:
    """Both versions; exit status 1 if anything is not as the lists say."""
    known, command = lists.load(), suite()
    scenarios = lists.offered(_output([*command, "list", "--server"]))
    problems = lists.unlisted(known, scenarios)
    for version in lists.VERSIONS:
        ran = run_at(command, version, "-v" in arguments)
        wrong = lists.wrong(known, scenarios, version, ran)
        problems += [f"{version}: {problem}" for problem in wrong]
        _tell(known, version, ran, wrong)
    for problem in problems:
        sys.stdout.write(f"FAILED {problem}\n")
    return 1 if problems else 0


def _tell(known: lists.Lists, version: str, ran: lists.Results, wrong: Sequence[str]) -> None:
    applied = [name for name in ran if name in known.applies]
    passed = sum(1 for name in applied for status in ran[name].values() if status == "SUCCESS")
    vacuous = sum(1 for name in ran if name in known.vacuous)
    rest = sum(1 for name in ran if name in known.inapplicable)
    sys.stdout.write(
        f"{'FAILED' if wrong else 'ok':7}{version}: {len(applied)} applicable scenarios with {passed} checks,"
        f" {vacuous} vacuous, {rest} not applicable\n"
    )


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, env=workshop.environment(), capture_output=True, text=True, check=False, timeout=SECONDS
    )
    return done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
