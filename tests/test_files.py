"""Downloads never overwrite, uploads never leave the allowed folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskip_mcp import files
from taskip_mcp.errors import FileError
from taskip_mcp.files import Files, safe_name
from taskip_mcp.settings import Settings


@pytest.fixture
def box(tmp_path: Path) -> Files:
    (tmp_path / "files").mkdir()
    (tmp_path / "extra").mkdir()
    return Files(Settings(files_dir=tmp_path / "files", upload_roots=(tmp_path / "extra",)))


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("INV-030.pdf", "INV-030.pdf"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c:d.pdf", "a-b-c-d.pdf"),
        (".hidden", "hidden"),
        ("", "file"),
        ("..", "file"),
        ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
        ("tab\there\n.pdf", "tab-here-.pdf"),
    ],
)
def test_names_from_outside_become_plain_file_names(given: str, safe: str) -> None:
    assert safe_name(given) == safe


def test_a_download_is_private_and_never_overwrites(box: Files) -> None:
    first = box.save("a.pdf", b"one", "application/pdf", "taskip://x")
    second = box.save("a.pdf", b"two!", "application/pdf", "taskip://x")
    assert (first.path.name, second.path.name) == ("a.pdf", "a-2.pdf")
    assert (first.path.read_bytes(), second.size) == (b"one", 4)
    assert first.path.stat().st_mode & 0o777 == 0o600


def test_uploads_come_from_either_folder(box: Files, tmp_path: Path) -> None:
    (tmp_path / "files" / "a.txt").write_text("a")
    (tmp_path / "extra" / "b.txt").write_text("b")
    assert box.read_upload("a.txt", "file").content == b"a"
    assert box.read_upload(str(tmp_path / "extra" / "b.txt"), "file").name == "b.txt"


def test_what_lies_outside_or_is_no_file_is_refused(box: Files, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("s")
    (tmp_path / "files" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "files" / "loop").symlink_to(tmp_path / "files" / "loop")
    (tmp_path / "files" / "empty.txt").touch()
    (tmp_path / "files" / "dir").mkdir()
    for path in (
        "../secret.txt",
        str(tmp_path / "secret.txt"),
        "link.txt",
        "loop",
        "none.txt",
        "empty.txt",
        "dir",
    ):
        with pytest.raises(FileError, match="Nothing was sent"):
            box.read_upload(path, "file")


def test_a_large_file_is_refused_before_it_is_read(box: Files, tmp_path: Path) -> None:
    large = tmp_path / "files" / "large.bin"
    with large.open("wb") as file:
        file.truncate(files.MAX_UPLOAD + 1)
    with pytest.raises(FileError, match="at most 26,214,400"):
        box.read_upload("large.bin", "file")


def test_a_pipe_is_refused_and_does_not_hang(box: Files, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "files" / "pipe")
    with pytest.raises(FileError, match="not a file"):
        box.read_upload("pipe", "file")
