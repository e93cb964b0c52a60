"""Downloads never overwrite, uploads never leave the allowed folders."""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from pathlib import Path, PureWindowsPath

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskip_mcp import files
from taskip_mcp.errors import FileError
from taskip_mcp.files import Files, safe_name
from taskip_mcp.settings import Settings

DEVICES = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10)),
}


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
        # Windows takes these for devices, whatever comes behind the dot, and drops dots and spaces at the end.
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("com1 .pdf", "_com1 .pdf"),
        ("LPT9.pdf", "_LPT9.pdf"),
        ("COM\u00b9.pdf", "_COM1.pdf"),
        ("\uff43\uff4f\uff4e.pdf", "_con.pdf"),
        ("CONIN$", "CONIN"),
        ("console.pdf", "console.pdf"),
        ("report.pdf. . ", "report.pdf"),
        ("report. ", "report"),
        # A right-to-left override would show this as "invoice-exe.pdf".
        ("invoice-\u202efdp.exe", "invoice--fdp.exe"),
        ("a\u200bb\ufeff\u2066c.pdf", "a-b-c.pdf"),
        ("a\x00b\x7f.pdf", "a-b-.pdf"),
        # Full-width and other slashes.
        ("..\uff0f..\uff0fetc\uff0fpasswd", "etc-passwd"),
        ("a\u2215b\u2044c\uff3cd", "a-b-c-d"),
        # One name for the two ways to write it, and no half of a character.
        ("Bu\u0308ro.pdf", "Büro.pdf"),
        ("\u5831\u544a.pdf", "\u5831\u544a.pdf"),
        ("a\ud800b.pdf", "a-b.pdf"),
        ("%2e%2e%2fx", "2e-2e-2fx"),
        ("-rf", "rf"),
        ("~root", "root"),
        ('a|b<c>d"e?f*g.pdf', "a-b-c-d-e-f-g.pdf"),
        ("x." + "y" * 100, "x." + "y" * 11),
    ],
)
def test_names_from_outside_become_plain_file_names(given: str, safe: str) -> None:
    assert safe_name(given) == safe


@given(st.text(max_size=400), st.text(max_size=60))
def test_any_name_is_one_file_of_this_folder_on_every_system(stem: str, suffix: str) -> None:
    name = safe_name(f"{stem}.{suffix}")
    assert 0 < len(f"{name}-999".encode()) <= 255
    assert name[0] not in ". -"
    assert name[-1] not in ". "
    assert not set(name) & set('/\\:*?"<>|%')
    assert name.isprintable()
    assert unicodedata.normalize("NFKC", name) == name
    assert PureWindowsPath(name).name == name
    assert name.upper().partition(".")[0].rstrip() not in DEVICES
    assert safe_name(name) == name


def test_a_download_of_any_name_can_be_written(box: Files) -> None:
    for name in ("\u5831" * 300 + ".pdf", "😀" * 300 + "." + "😀" * 300, "NUL", "\ud800"):
        saved = box.save(name, b"x", "application/pdf", "taskip://x")
        assert saved.path.parent == box.folder
        assert saved.path.read_bytes() == b"x"


def test_a_link_that_waits_under_the_name_is_not_followed(box: Files, tmp_path: Path) -> None:
    (tmp_path / "files" / "a.pdf").symlink_to(tmp_path / "victim")
    assert box.save("a.pdf", b"x", "application/pdf", "taskip://x").path.name == "a-2.pdf"
    assert not (tmp_path / "victim").exists()


def test_folders_and_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        folder = tmp_path / "deep" / "data" / "files"
        saved = Files(Settings(files_dir=folder)).save("a.pdf", b"x", "application/pdf", "taskip://x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600
    for each in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_used_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    box = Files(Settings(files_dir=tmp_path / "file" / "files"))
    with pytest.raises(FileError, match="TASKIP_FILES_DIR"):
        box.save("a.pdf", b"x", "application/pdf", "taskip://x")


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
        "nul\x00.txt",
        "~nobody-of-this-name/x",
        "\ud800",
        "x" * 5000,
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


def test_the_name_of_an_upload_cannot_break_out_of_its_header(box: Files, tmp_path: Path) -> None:
    name = 'a"; x="y\r\nX-Injected: 1\r\n\u202etxt.exe'
    (tmp_path / "files" / name).write_text("a")
    sent = box.read_upload(name, "file")
    assert sent.name == 'a"; x="y--X-Injected: 1---txt.exe'
    files = [(sent.field, (sent.name, sent.content))]
    head = httpx.Request("POST", "http://127.0.0.1", files=files).read().partition(b"\r\n\r\n")[0]
    lines = head.split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines[1:]] == [b"Content-Disposition", b"Content-Type"]
    assert lines[1].endswith(b'filename="a%22; x=%22y--X-Injected: 1---txt.exe"')


def test_a_file_name_that_is_no_text_can_be_sent(box: Files, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux takes any bytes for a name")
    (tmp_path / "files" / "b\udcff.txt").write_text("a")
    assert box.read_upload("b\udcff.txt", "file").name == "b-.txt"
