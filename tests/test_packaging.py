"""What is installed is what was tested: the wheel has the schemas and starts without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from taskip_mcp import schemas

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_holds_every_schema_and_no_test(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packed = {Path(name).stem for name in names if name.startswith("taskip_mcp/tool_schemas/")}
    assert packed == {entry.name for entry in schemas.load_entries()}
    assert not [name for name in names if name.startswith("tests")]
    assert "taskip_mcp/py.typed" in names


def test_the_wheel_starts_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "from taskip_mcp import schemas; from taskip_mcp.server import App, build_server;"
        "from taskip_mcp.settings import load; build_server(App(load({'TASKIP_SANDBOX': '1'})));"
        "print(len(schemas.load_entries()), schemas.folder())"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        str(len(schemas.load_entries())),
        str(tmp_path / "taskip_mcp" / "tool_schemas"),
    ]
