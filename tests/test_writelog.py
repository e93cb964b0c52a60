"""The write log: noted before a write leaves, closed after it, without secrets, for its owner alone."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from taskip_mcp import state
from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.writelog import Duplicate, WriteLog, digest
from tests.processes import FILE, KEY, contacts, events, noted, query, server
from tests.sandbox_calls import arguments_for
from tests.support import Script, once

pytestmark = pytest.mark.anyio

NEW = {"first_name": "Ada", "email": "ada@log.example"}
CANARY = "canary-password-7c3a"


@contextmanager
def log(folder: Path | None, account: str = "a", now: float | None = None) -> Generator[WriteLog]:
    made = WriteLog(folder, account, Clock() if now is None else Clock(lambda: now))
    try:
        yield made
    finally:
        made.close()


def files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}


# --- what is noted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tool",
    [
        "create_contact",
        "update_contact",
        "delete_contact",
        "reply_ticket",
        "update_invoice_status",
        "move_deal",
    ],
)
async def test_a_write_is_in_the_log_before_it_leaves_and_closed_after_it(tool: str, tmp_path: Path) -> None:
    sandbox = Sandbox()
    seen: list[tuple[str, list[tuple[str, str]]]] = []

    def look(request: Request) -> None:
        seen.append((request.method, noted(tmp_path)))

    sandbox.fault = look
    async with server(sandbox, tmp_path) as asked:
        given = arguments_for(tool, sandbox)
        await asked.call(tool, given)  # a preview where there is one
        await asked.call(tool, given | {"confirm": True})
    for method, before in seen:
        assert [event for _, event in before] == ([] if method == "GET" and not before else ["begun"])
    assert [event for _, event in noted(tmp_path)] == ["done"]
    assert "begun" in {event for _, before in seen for _, event in before}


async def test_reads_previews_and_refused_arguments_are_not_noted(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        await asked.ask("list_contacts")
        await asked.ask("delete_contact", contact_id=1)
        await asked.ask("bulk_delete_contacts", contact_ids=[1, 2])
        await asked.refused("create_contact", first_name="A", email="nope")
        await asked.refused("update_contact", contact_id=1)
    assert noted(tmp_path) == []


@pytest.mark.parametrize(
    ("reply", "event", "key"),
    [
        ((422, {"message": "Invalid."}), "not_done", "refused"),
        ((404, {"message": "No query results for model [App\\Models\\Contact] 1"}), "not_done", "refused"),
        ((401, {"message": "No"}), "not_done", "error"),
        ((500, {"message": "Server Error"}), "unknown", "looked"),
        (httpx.ReadError("gone"), "unknown", "looked"),
    ],
)  # fmt: skip
async def test_the_end_of_a_write_is_noted_with_what_is_certain(
    reply: Any, event: str, key: str, tmp_path: Path
) -> None:
    reads = once((200, {"data": {"id": 1, "position": "CEO"}}), (500, {"message": "down"}))
    script = Script({"PUT /contact/1": reply, "GET /contact/1": reads})
    async with server(httpx.MockTransport(script), tmp_path) as asked:
        await asked.refused("update_contact", contact_id=1, position="CTO")
    assert noted(tmp_path) == [("contact.update", event)]
    (detail,) = query(tmp_path, "SELECT detail FROM journal")[0]
    assert key in detail


async def test_the_log_is_append_only(tmp_path: Path) -> None:
    async with server(Sandbox(), tmp_path) as asked:
        await asked.ask("create_contact", **NEW)
    before = query(tmp_path, "SELECT * FROM log")
    with (
        closing(sqlite3.connect(tmp_path / FILE)) as database,
        pytest.raises(sqlite3.Error, match="append-only"),
    ):
        database.execute("UPDATE log SET event = 'done'")
    assert query(tmp_path, "SELECT * FROM log") == before
    assert events(tmp_path, "contact.create") == ["begun", "done"]


# --- secrets and modes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["created", "refused", "lost"])
async def test_no_secret_is_in_any_file_of_the_state_folder(answer: str, tmp_path: Path) -> None:
    """Looked for in the bytes, while the files are open: also in what is not yet in the database itself."""
    words = {"message": f"{CANARY} is too common", "errors": {"password": [f"{CANARY}?"], "key": [f"{KEY}!"]}}
    statuses = {"refused": (422, words), "lost": (500, words)}
    reply = statuses.get(answer, (201, {"data": {"id": 5, "email": NEW["email"], "password": CANARY}}))
    script = Script({"POST /contact": reply, "GET /contact": (500, words)})
    async with server(httpx.MockTransport(script), tmp_path) as asked:
        secret = {
            "confirm": True,
            "access_portal": True,
            "password": CANARY,
            "custom_fields": {"api_key": CANARY, "list": [1]},
        }
        await asked.call("create_contact", NEW | secret)
        assert len(script.writes) == 1
        assert "budget.sqlite3-wal" in files(tmp_path)
        assert f"{FILE}-wal" in files(tmp_path)
        for path in files(tmp_path).values():
            content = b"" if path.is_dir() else path.read_bytes()
            assert CANARY.encode() not in content, path
            assert KEY.encode() not in content, path
    assert "(hidden secret)" in query(tmp_path, "SELECT arguments FROM log")[0][0]


async def test_the_state_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    mask = os.umask(0)
    try:
        async with server(Sandbox(), folder) as asked:
            await asked.ask("create_contact", **NEW)
            found = {name: stat.S_IMODE(path.stat().st_mode) for name, path in files(folder).items()}
    finally:
        os.umask(mask)
    owners = {name for name in found if name.startswith("owners/")}
    sides = {f"{file}{end}" for file in ("budget.sqlite3", FILE) for end in ("", "-shm", "-wal")}
    assert found == dict.fromkeys(sides | owners, 0o600) | {"owners": 0o700}
    assert len(owners) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_file_that_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / FILE).touch(mode=0o644)
    with log(tmp_path):
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


# --- several processes ------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
from taskip_mcp import state
from taskip_mcp.clock import Clock
from taskip_mcp.writelog import WriteLog
log = WriteLog(Path(sys.argv[1]), "a", Clock())
for number in range(int(sys.argv[2])):
    write = log.begin("contact.create", {"email": f"{sys.argv[3]}-{number}"}, guard=True)
    log.end(write, "done", {"id": number})
print(log.begin("contact.create", {"email": sys.argv[3]}, guard=True), flush=True)
sys.stdin.read()
log.close()
"""


@contextmanager
def process(folder: Path, count: int, name: str) -> Generator[subprocess.Popen[str]]:
    """Another process that writes into the log, leaves one write open and then waits for the end of its input."""
    command = [sys.executable, "-c", PROGRAM, str(folder), str(count), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def opened(running: subprocess.Popen[str]) -> str:
    """The name of the write that it left open."""
    assert running.stdout is not None
    return running.stdout.readline().strip()


def test_processes_share_a_log_without_getting_into_each_other_s_way(tmp_path: Path) -> None:
    with process(tmp_path, 40, "one") as one, process(tmp_path, 40, "two") as two, log(tmp_path) as own:
        names = {opened(one), opened(two)}
        assert query(tmp_path, "SELECT event, COUNT(*) FROM journal GROUP BY event ORDER BY event") == [
            ("begun", 2),
            ("done", 80),
        ]
        for name in names:
            entry = own.entry(name)
            assert entry is not None
            assert own.alive(entry)
            with pytest.raises(Duplicate):
                own.begin(entry.operation, entry.arguments, guard=True)
        assert own.unfinished() == []


def test_a_killed_process_is_known_to_be_dead_and_leaves_no_file(tmp_path: Path) -> None:
    with process(tmp_path, 0, "one") as running, log(tmp_path) as own:
        entry = own.entry(opened(running))
        assert entry is not None
        assert len(list((tmp_path / "owners").iterdir())) == 2
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        assert not own.alive(entry)
        assert len(list((tmp_path / "owners").iterdir())) == 1
        assert [each.write for each in own.unfinished()] == [entry.write]


def test_a_process_that_ends_in_order_leaves_no_file_either(tmp_path: Path) -> None:
    with process(tmp_path, 1, "one") as running:
        assert opened(running)
        assert running.stdin is not None
        running.stdin.close()
        assert running.wait(10) == 0
    assert list((tmp_path / "owners").iterdir()) == []


def test_only_one_of_two_takes_up_a_job(tmp_path: Path) -> None:
    with log(tmp_path) as one, log(tmp_path) as other:
        job = one.begin_job("contact.bulk_delete", {"contact_ids": [1]}, guard=False)
        assert other.take_up(job) is None, "the one has it in hand"
        one.end(job, "paused")
        assert other.take_up(job) is not None
        assert one.take_up(job) is None


def test_a_log_in_memory_works_alone() -> None:
    with log(None) as made:
        write = made.begin("contact.create", {"email": "e"}, guard=True)
        entry = made.entry(write)
        assert entry is not None
        assert made.alive(entry)


def test_arguments_that_were_left_out_do_not_tell_writes_apart() -> None:
    assert digest("a.b", {"x": 1, "y": None}) == digest("a.b", {"x": 1})
    assert digest("a.b", {"x": 1, "y": 2}) == digest("a.b", {"y": 2, "x": 1})
    assert len({digest("a.b", {"x": value}) for value in (1, "1", True, [1], {"x": 1}, 0, "", False)}) == 8


# --- when the disk fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["state", "state/owners", f"state/{FILE}"])
async def test_without_a_usable_state_folder_nothing_is_sent(place: str, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    if place.endswith(FILE):
        (tmp_path / place).mkdir()
    else:
        (tmp_path / place).write_text("in the way")
    sandbox = Sandbox()
    async with server(sandbox, tmp_path / "state") as asked:
        for tool, given in (("create_contact", NEW), ("get_contact", {"contact_id": 1}), ("list_jobs", {})):
            said = await asked.refused(tool, **given)
            assert "cannot be used" in said
            assert "Nothing was sent." in said
            assert "TASKIP_STATE_DIR" in said
    assert not sandbox.requests


async def test_a_log_that_is_no_database_is_said_and_nothing_is_sent(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all, but long enough to be read as one" * 20)
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        said = await asked.refused("create_contact", **NEW)
    assert "file is not a database" in said
    assert "Nothing was sent." in said
    assert not sandbox.requests


@contextmanager
def full_disk(size: int) -> Generator[None]:
    """No file may grow beyond a size; the system says so as it does for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_stops_a_write_before_it_leaves_and_what_follows_works_again(
    tmp_path: Path,
) -> None:
    sandbox = Sandbox()
    numbers = contacts(sandbox, 1)
    async with server(sandbox, tmp_path, rate_store="memory") as asked:
        await asked.ask("get_contact", contact_id=numbers[0])
        with full_disk((tmp_path / f"{FILE}-wal").stat().st_size):
            said = await asked.refused("create_contact", **NEW)
        assert "Nothing was sent." in said
        assert {seen.method for seen in sandbox.requests} == {"GET"}
        await asked.ask("create_contact", **NEW)
    assert [event for _, event in noted(tmp_path)] == ["done"]


async def test_a_disk_that_fills_up_while_a_write_is_away_does_not_hide_that_it_was_done(
    tmp_path: Path,
) -> None:
    """The write stays open in the log, so that the next one looks for it: told, and not sent again."""
    sandbox = Sandbox()
    limit: list[Any] = []

    def fills_up(request: Request) -> None:
        if request.method == "POST":
            limit.append(full_disk((tmp_path / f"{FILE}-wal").stat().st_size))
            limit[0].__enter__()

    sandbox.fault = fills_up
    async with server(sandbox, tmp_path, rate_store="memory") as asked:
        try:
            made = await asked.ask("create_contact", **NEW)
        finally:
            limit[0].__exit__(None, None, None)
        sandbox.fault = None
        assert made["done"] == "Contact ada@log.example created"
        assert [event for _, event in noted(tmp_path)] == ["begun"]
    async with server(sandbox, tmp_path) as later:
        again = await later.ask("create_contact", **NEW)
        assert again["id"] == made["id"]
        assert "it was done" in again["note"]
    assert len(sandbox.store.rows("contact", email=NEW["email"])) == 1


def test_a_step_that_fails_leaves_the_log_usable(tmp_path: Path) -> None:
    with log(tmp_path) as made:
        made.begin("contact.create", {"email": "one"}, guard=True)
        with (
            full_disk((tmp_path / f"{FILE}-wal").stat().st_size),
            pytest.raises(StateError, match="cannot be used"),
        ):
            made.begin("contact.create", {"email": "two"}, guard=True)
        made.begin("contact.create", {"email": "three"}, guard=True)
    assert len(noted(tmp_path)) == 2


def undo(database: sqlite3.Connection) -> None:
    """End the transaction as SQLite does on some errors, and fail."""
    database.execute("ROLLBACK")
    database.execute("INSERT INTO t VALUES (1)")


def test_a_transaction_that_the_database_has_ended_itself_raises_what_went_wrong(tmp_path: Path) -> None:
    with closing(state.open_database(tmp_path, "t.sqlite3", "", durable=False)) as database:
        with pytest.raises(sqlite3.OperationalError, match="no such table"), state.transaction(database):
            undo(database)
        with state.transaction(database):
            database.execute("CREATE TABLE t (x)")


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    tables = "CREATE TABLE p (id PRIMARY KEY); CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
    with closing(state.open_database(tmp_path, "t.sqlite3", tables, durable=False)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError), state.transaction(database):
            database.execute("INSERT INTO c VALUES (1)")
        with state.transaction(database):
            database.execute("INSERT INTO p VALUES (1)")
