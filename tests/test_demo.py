"""The demo does what it shows: a real server, a real client, a day's work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from taskip_mcp.settings import without_taskip


def test_the_demo_ends_without_an_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "taskip_mcp", "demo"],
        env=without_taskip() | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"Done: (\d+) steps, (\d+) calls, (\d+) of them previews, no error\.", done.stdout)
    assert found
    steps, calls, previews = map(int, found.groups())
    assert steps == len(re.findall(r"^\d+\. ", done.stdout, re.MULTILINE)) >= 10
    assert calls == len(re.findall(r"^  > ", done.stdout, re.MULTILINE))
    assert previews >= 3
