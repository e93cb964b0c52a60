"""The processes that a benchmark talks to: the embedded TaskIP on a port, MCP servers over stdio, a Redis.

All of them listen on the loopback alone, and all are gone when their context is left.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from mcp.client.stdio import StdioServerParameters

from taskip_mcp.sandbox import BASE
from taskip_mcp.settings import without_taskip

HERE = Path(__file__).parent
HOST = "127.0.0.1"
KEY = "bench"
PATIENCE = 30.0
"""Seconds for a process to start."""


class ChildError(Exception):
    """A process that is needed cannot be started."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time runs: `scale` times as fast since `origin` (seconds since 1970). At 1 it is the real time."""

    scale: float = 1.0
    origin: float = 0.0

    @property
    def arguments(self) -> list[str]:
        """As a child wants it told."""
        return ["--scale", repr(self.scale), "--origin", repr(self.origin)]

    def now(self) -> float:
        """Seconds since 1970."""
        return self.origin + (time.time() - self.origin) * self.scale


@dataclass(frozen=True, slots=True)
class Noted:
    """One request as the embedded TaskIP answered it; `at` is when it arrived, `ours` whether our server sent it."""

    at: float
    status: int
    ours: bool


@dataclass(frozen=True, slots=True)
class Target:
    """The embedded TaskIP on a port."""

    port: int

    @property
    def base_url(self) -> str:
        """For ``TASKIP_BASE_URL``."""
        return f"http://{HOST}:{self.port}{BASE}"

    def noted(self) -> list[Noted]:
        """Every request until now."""
        return [
            Noted(*each) for each in httpx.get(f"http://{HOST}:{self.port}/noted", trust_env=False).json()
        ]


@contextmanager
def target(pace: Pace, *arguments: str) -> Generator[Target]:
    """An embedded TaskIP of its own process; it notes what it answered."""
    command = [sys.executable, str(HERE / "target.py"), *pace.arguments, *arguments]
    with subprocess.Popen(command, env=without_taskip(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ChildError("the embedded TaskIP does not start")
            yield Target(json.loads(line)["port"])
        finally:
            process.terminate()


def server(target: Target, state: Path, pace: Pace, **variables: str) -> StdioServerParameters:
    """Our MCP server over stdio: the plain command, or one whose clock runs faster."""
    command = ["-m", "taskip_mcp"] if pace.scale == 1 else [str(HERE / "worker.py"), *pace.arguments]
    return StdioServerParameters(
        command=sys.executable,
        args=command,
        env=without_taskip()
        | {"TASKIP_SECRET_KEY": KEY, "TASKIP_BASE_URL": target.base_url, "TASKIP_STATE_DIR": str(state)}
        | variables,
    )


@contextmanager
def other(where: Target, *how: str) -> Generator[None]:
    """Another program with the same key, connected and waiting for a burst; left when it has spent its requests.

    `how` are the options of `bench.other` that say when.
    """
    command = [sys.executable, str(HERE / "other.py"), "--port", str(where.port), "--key", KEY]
    command += ["--path", f"{BASE}/contact/1", *how]
    with subprocess.Popen(command, env=without_taskip(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise ChildError("the other program does not start")
            yield
            process.wait(PATIENCE)
        finally:
            process.kill()


@contextmanager
def redis() -> Generator[str]:
    """A Redis that keeps nothing; yields its address."""
    program = shutil.which("redis-server")
    if program is None:
        raise ChildError("redis-server is not installed; choose scenarios without it with --only")
    with tempfile.TemporaryDirectory(prefix="taskip-bench-") as folder:
        port = free_port()
        command = [program, "--port", str(port), "--bind", HOST, "--dir", folder]
        command += ["--save", "", "--appendonly", "no"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                _until_listening(process, port)
                yield f"redis://{HOST}:{port}/0"
            finally:
                process.terminate()


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise ChildError("redis-server does not start")


def say(lines: str | Sequence[str]) -> None:
    """Print."""
    sys.stdout.write((lines if isinstance(lines, str) else "\n".join(lines)) + "\n")
    sys.stdout.flush()
