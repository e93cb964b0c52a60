"""The state directory is for its owner alone, whatever the umask of the process that makes it."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from taskip_mcp import state
from taskip_mcp.errors import StateError
from taskip_mcp.sandbox import Sandbox
from tests.faulty import faulty
from tests.processes import child

SCHEMA = "CREATE TABLE IF NOT EXISTS x (y)"


@contextmanager
def umask(mask: int) -> Generator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """The permissions of everything in a folder, and of the folder itself."""
    found = [folder, *folder.rglob("*")]
    return {
        path.relative_to(folder.parent).as_posix(): f"{stat.S_IMODE(path.stat().st_mode):o}" for path in found
    }


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_folders_are_made_for_their_owner_with_all_that_is_missing_above_them(
    mask: int, tmp_path: Path
) -> None:
    with umask(mask):
        database = state.open_database(tmp_path / "a" / "b" / "c", "x.sqlite3", SCHEMA, durable=True)
        database.execute("INSERT INTO x VALUES (1)")
        found = modes(tmp_path / "a")
        database.close()
    assert {name: mode for name, mode in found.items() if "." not in name} == {
        "a": "700",
        "a/b": "700",
        "a/b/c": "700",
    }
    assert {mode for name, mode in found.items() if "." in name} == {"600"}
    assert len(found) == 6  # the database and its two side files


def test_a_folder_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    state.private_folder(tmp_path / "shared" / "own")
    assert modes(tmp_path / "shared") == {"shared": "755", "shared/own": "700"}


def test_a_file_in_the_way_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(StateError, match="TASKIP_STATE_DIR"):
        state.open_database(tmp_path / "a" / "b", "x.sqlite3", SCHEMA, durable=True)


@pytest.mark.anyio
async def test_a_whole_server_leaves_nothing_that_others_can_read(tmp_path: Path) -> None:
    async with faulty(Sandbox()) as front:
        with umask(0):
            async with child(front.url, tmp_path / "state", FILES_DIR=tmp_path / "data" / "files") as server:
                await server.ask("create_company", name="Acme", email="a@acme.example")
                await server.call("download_invoice_pdf", {"invoice_id": 57})
                found = modes(tmp_path / "state") | modes(tmp_path / "data")
    assert {"state", "state/owners", "data", "data/files"} == {
        name for name, mode in found.items() if mode == "700"
    }
    assert set(found.values()) == {"600", "700"}
    assert "data/files/invoice-57.pdf" in found
    assert "state/writes.sqlite3-wal" in found
