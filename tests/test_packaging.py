"""What is installed is what was tested: the wheel has the compiled file and starts without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from taskip_mcp import cli, schemas

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_holds_the_compiled_file_and_neither_the_reviewed_ones_nor_a_test(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel)
    assert packed.read("taskip_mcp/compiled.json") == schemas.COMPILED.read_bytes()
    assert "taskip_mcp/py.typed" in packed.namelist()
    assert {name.split("/")[0].split("-")[0] for name in packed.namelist()} == {"taskip_mcp"}
    assert not [name for name in packed.namelist() if "tool_schemas" in name]


def test_the_wheel_starts_without_the_checkout_and_leaves_generating_to_it(
    wheel: Path, tmp_path: Path
) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "from taskip_mcp import cli, schemas; from taskip_mcp.server import App, build_server;"
        "from taskip_mcp.settings import load; build_server(App(load({'TASKIP_SANDBOX': '1'})));"
        "print(len(schemas.load_entries()), schemas.COMPILED, cli.run(['schemas']))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        str(len(schemas.load_entries())),
        str(tmp_path / "taskip_mcp" / "compiled.json"),
        str(cli.CONFIG_EXIT),
    ]
    assert "in a checkout" in done.stderr
