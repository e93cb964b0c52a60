"""The server that `fastmcp` generates: its own venv, made when it is first needed, and how it is started.

`fastmcp` is no dependency of this project: it lies in ``.venv-bench``, beside the SDK version that it brings along.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.children import HERE, ChildError, say
from bench.openapi import document

VENV = HERE.parent / ".venv-bench"
PYTHON = VENV / "bin" / "python"
WANTED = "fastmcp==4.2.3"
"""The newest version when the figures of `README.md` were measured."""


def python() -> Path:
    """The interpreter of the venv; the same as ours, but for what is installed."""
    if not PYTHON.exists():
        say(f"installing {WANTED} into {VENV.name}")
        try:
            subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
            # So that nothing sees it: neither version control nor linters.
            (VENV / ".gitignore").write_text("*\n")
            subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", WANTED], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ChildError(f"{WANTED} cannot be installed: {error}; remove {VENV} and try again") from None
    return PYTHON


def command(folder: Path, base_url: str = "http://127.0.0.1:1") -> list[str]:
    """How the generated server is started; its document is written into `folder`."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document(base_url)), "utf-8")
    return [str(python()), str(HERE / "generated.py"), str(file)]
