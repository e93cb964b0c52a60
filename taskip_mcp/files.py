"""Files that come from TaskIP or go to it, within the folders that the user allowed."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from pathlib import Path

from taskip_mcp import state
from taskip_mcp.client import Upload
from taskip_mcp.errors import FileError, legible
from taskip_mcp.results import Saved
from taskip_mcp.settings import Settings

LONGEST = 300
"""Characters of a path that an error repeats."""

MAX_UPLOAD = 25 * 1024 * 1024
"""Bytes. TaskIP answers 413 above a limit that it does not publish; this refuses before anything is sent."""


class Files:
    """Downloads go into one folder; uploads come from it or from further roots."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.files_dir
        self.roots = (settings.files_dir, *settings.upload_roots)

    def save(self, name: str, content: bytes, type: str, uri: str) -> Saved:
        """Write a download under a safe and unused name; nothing is ever overwritten."""
        safe = safe_name(name)
        try:
            path = self._unused(safe, content)
        except OSError as error:
            raise FileError(
                f"{safe} could not be saved in {self.folder} ({error.strerror}). Make room there or name another folder"
                " in TASKIP_FILES_DIR."
            ) from None
        return Saved(path, len(content), type, uri)

    def _unused(self, name: str, content: bytes) -> Path:
        """Write under this name or, where it is taken, under the next one."""
        state.private_folder(self.folder)
        stem, suffix = os.path.splitext(name)
        for number in range(1, 1000):
            path = self.folder / (name if number == 1 else f"{stem}-{number}{suffix}")
            try:
                # A link that waits under this name is not followed: it exists.
                handle = os.open(
                    path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
                )
            except FileExistsError:
                continue
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            return path
        raise FileError(f"{self.folder} holds 999 files named like {name}; remove some, then try again.")

    def read_upload(self, path: str, field: str) -> Upload:
        """Read a file for upload; raises `FileError` before anything is sent."""
        target = self._allowed(path)
        try:
            # The path is resolved: a link that appears in between must not lead elsewhere, and a pipe must not
            # hang the server. Windows has neither flag.
            flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            handle = os.open(target, os.O_RDONLY | flags)
        except OSError as error:
            raise FileError(
                f"{legible(path, LONGEST)} cannot be read ({error.strerror}). Nothing was sent."
            ) from None
        try:
            self._check(path, os.fstat(handle))
        except FileError:
            os.close(handle)
            raise
        with os.fdopen(handle, "rb") as file:
            return Upload(field, sent_name(target.name), file.read(MAX_UPLOAD))

    def _allowed(self, path: str) -> Path:
        try:
            given = Path(path).expanduser()
            target = (given if given.is_absolute() else self.folder / given).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # a loop of links, an unknown ~user, a NUL
            raise FileError(
                f"{legible(path, LONGEST)} does not exist. Nothing was sent. {self._where()}"
            ) from None
        if not any(target.is_relative_to(root.resolve()) for root in self.roots):
            raise FileError(
                f"{legible(path, LONGEST)} is outside the folders for uploads. Nothing was sent. {self._where()}"
            )
        return target

    def _where(self) -> str:
        roots = ", ".join(str(root) for root in self.roots)
        return f"Files are taken from {roots}; the user can add folders with TASKIP_UPLOAD_ROOTS."

    def _check(self, path: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{legible(path, LONGEST)} is not a file. Nothing was sent.")
        if status.st_size == 0:
            raise FileError(f"{legible(path, LONGEST)} is empty. Nothing was sent.")
        if status.st_size > MAX_UPLOAD:
            raise FileError(
                f"{legible(path, LONGEST)} has {status.st_size:,} bytes; at most {MAX_UPLOAD:,} are sent."
                " Nothing was sent."
            )


# --- names ------------------------------------------------------------------------------------------------

STEM, SUFFIX, STEM_BYTES = 100, 12, 200
"""Characters of a name and of what comes behind its last dot; file systems take 255 bytes in all."""

DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)", re.IGNORECASE)
"""Names that Windows takes for devices, whatever comes behind the first dot."""


def safe_name(name: str) -> str:
    """A name that is one plain file on every system, and that looks like what it is.

    No separators, no control or formatting characters (one could turn ``gpj.exe`` around), no leading or trailing dots,
    no device of Windows, not too long.
    """
    plain = re.sub(r"[^\w.\- ]+", "-", unicodedata.normalize("NFKC", name)).strip(". -")
    stem, suffix = os.path.splitext(plain)
    stem = _cut(stem[:STEM], STEM_BYTES) or "file"
    stem = f"_{stem}" if DEVICES.fullmatch(stem.partition(".")[0].strip()) else stem
    return f"{stem}{suffix[:SUFFIX]}".rstrip(". -")


def sent_name(name: str) -> str:
    """The name of a file for TaskIP: as it is, but for what is no text or would be read as something else."""
    return "".join("-" if unicodedata.category(sign) in {"Cc", "Cf", "Cs"} else sign for sign in name)


def _cut(text: str, size: int) -> str:
    """The start of a text, in whole characters of at most so many bytes in all."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
