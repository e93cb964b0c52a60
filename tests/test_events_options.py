"""How a server is told to take webhooks: what cannot be meant is refused, what has no effect is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taskip_mcp import cli
from taskip_mcp.settings import without_taskip

SECRET = "of-the-tests-0123456789-abc"


@pytest.mark.parametrize(
    ("options", "secret", "words"),
    [
        (["--webhook-port", "8901"], "", "--webhook-port needs TASKIP_WEBHOOK_SECRET"),
        (["--transport", "http", "--port", "8901", "--webhook-port", "8901"], SECRET, "are the same"),
        (["--webhook-host", "0.0.0.0"], SECRET, "--webhook-host needs --webhook-port"),
        (
            ["--webhook-port", "8901", "--webhook-host", "no.such.host.invalid"],
            SECRET,
            "Check --webhook-host",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(
    options: list[str],
    secret: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    given = {"SANDBOX": "1", "STATE_DIR": str(tmp_path), "WEBHOOK_SECRET": secret}
    for name, value in given.items():
        monkeypatch.setenv(f"TASKIP_{name}", value)
    assert cli.run(options) == cli.CONFIG_EXIT
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("secret", "said"), [(SECRET, True), ("", False)])
def test_a_secret_that_has_no_effect_is_said(secret: str, said: bool, tmp_path: Path) -> None:
    given = {"SANDBOX": "1", "STATE_DIR": str(tmp_path), "WEBHOOK_SECRET": secret}
    done = subprocess.run(
        [sys.executable, "-m", "taskip_mcp"],
        env=without_taskip() | {f"TASKIP_{name}": value for name, value in given.items()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("over stdio webhooks need --webhook-port" in done.stderr) is said
    assert SECRET not in done.stderr
