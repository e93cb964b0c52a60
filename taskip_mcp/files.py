"""Files that come from TaskIP or go to it, within the folders that the user allowed."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from taskip_mcp.client import Upload
from taskip_mcp.errors import FileError
from taskip_mcp.results import Saved
from taskip_mcp.settings import Settings

MAX_UPLOAD = 25 * 1024 * 1024
"""Bytes. TaskIP answers 413 above a limit that it does not publish; this refuses before anything is sent."""


class Files:
    """Downloads go into one folder; uploads come from it or from further roots."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.files_dir
        self.roots = (settings.files_dir, *settings.upload_roots)

    def save(self, name: str, content: bytes, type: str, uri: str) -> Saved:
        """Write a download under a safe and unused name; nothing is ever overwritten."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem, suffix = os.path.splitext(safe_name(name))
        for number in range(1, 1000):
            path = self.folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            return Saved(path, len(content), type, uri)
        raise FileError(
            f"{self.folder} holds 999 files named like {stem}{suffix}; remove some, then try again."
        )

    def read_upload(self, path: str, field: str) -> Upload:
        """Read a file for upload; raises `FileError` before anything is sent."""
        target = self._allowed(path)
        try:
            # The path is resolved: a link that appears in between must not lead elsewhere, and a pipe must not
            # hang the server. Windows has neither flag.
            flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            handle = os.open(target, os.O_RDONLY | flags)
        except OSError as error:
            raise FileError(f"{path} cannot be read ({error.strerror}). Nothing was sent.") from None
        try:
            self._check(path, os.fstat(handle))
        except FileError:
            os.close(handle)
            raise
        with os.fdopen(handle, "rb") as file:
            return Upload(field, target.name, file.read(MAX_UPLOAD))

    def _allowed(self, path: str) -> Path:
        given = Path(path).expanduser()
        target = given if given.is_absolute() else self.folder / given
        try:
            target = target.resolve(strict=True)
        except (OSError, RuntimeError):
            raise FileError(f"{path} does not exist. Nothing was sent. {self._where()}") from None
        if not any(target.is_relative_to(root.resolve()) for root in self.roots):
            raise FileError(f"{path} is outside the folders for uploads. Nothing was sent. {self._where()}")
        return target

    def _where(self) -> str:
        roots = ", ".join(str(root) for root in self.roots)
        return f"Files are taken from {roots}; the user can add folders with TASKIP_UPLOAD_ROOTS."

    def _check(self, path: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{path} is not a file. Nothing was sent.")
        if status.st_size == 0:
            raise FileError(f"{path} is empty. Nothing was sent.")
        if status.st_size > MAX_UPLOAD:
            raise FileError(
                f"{path} has {status.st_size:,} bytes; at most {MAX_UPLOAD:,} are sent. Nothing was sent."
            )


def safe_name(name: str) -> str:
    """A name that is one plain file on every system: no separators, no leading dots, not too long."""
    plain = re.sub(r"[^\w.\- ]+", "-", name).strip(". -")
    stem, suffix = os.path.splitext(plain)
    return f"{stem[:100] or 'file'}{suffix[:12]}"
