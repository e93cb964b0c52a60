"""Which processes are alive: each holds a lock on a file of its name, which goes with it however it ends."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from taskip_mcp import state
from taskip_mcp.errors import StateError

SWEPT = 3600.0
"""Seconds after which the file of a process that was killed is removed."""


class Owner:
    """This process, as others can see it: the lock on its file goes with it, however it ends."""

    def __init__(self, folder: Path | None) -> None:
        self.name = uuid4().hex
        self._folder = folder / "owners" if folder else None
        self._lock: FileLock | None = None
        if self._folder:
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._sweep()
                self._lock = FileLock(self._folder / self.name, mode=0o600)
                self._lock.acquire()
            except OSError as error:
                raise StateError(state.words(folder, "owners", error)) from None

    def _sweep(self) -> None:
        """Remove what killed processes left. A young file may belong to one that is just about to lock it."""
        for file in self._folder.iterdir() if self._folder else ():
            try:
                old = time.time() - file.stat().st_mtime > SWEPT
            except FileNotFoundError:  # another process was faster
                continue
            if old:
                self.alive(file.name)

    def alive(self, name: str) -> bool:
        """Whether the process of that name still runs."""
        if name == self.name:
            return True
        if self._folder is None or not (self._folder / name).exists():
            return False
        try:
            with FileLock(self._folder / name, mode=0o600, timeout=0):
                (self._folder / name).unlink(missing_ok=True)
        except Timeout:
            return True
        return False

    def release(self) -> None:
        """The process is about to end in order."""
        if self._lock and self._folder:
            self._lock.release()
            (self._folder / self.name).unlink(missing_ok=True)
