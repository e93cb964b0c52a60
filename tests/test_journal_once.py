"""A confirmation and the write that it allows are noted in one step, whoever else is at it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from taskip_mcp.clock import Clock
from taskip_mcp.entries import Confirmation, Duplicate
from taskip_mcp.errors import RefusedError, StateError
from taskip_mcp.writelog import WriteLog
from tests.gatehouse import Door, gatehouse
from tests.processes import contacts, openings, query, sqlite

pytestmark = pytest.mark.anyio

GIVEN = {"contact_ids": [1]}


def seal(nonce: str = "n") -> Confirmation:
    return Confirmation("code", nonce=nonce, expires=time.time() + 600)


@contextmanager
def log(folder: Path) -> Generator[WriteLog]:
    with closing(WriteLog(folder, "a", Clock())) as made:
        yield made


def write(made: WriteLog, confirmation: Confirmation) -> object:
    return made.begin("contact.bulk_delete", GIVEN, guard=False, confirmation=confirmation)


def job(made: WriteLog, confirmation: Confirmation) -> object:
    return made.begin_job("contact.bulk_delete", GIVEN, guard=False, confirmation=confirmation)


def resumed(made: WriteLog, confirmation: Confirmation) -> object:
    """Of a job that stands still."""
    (paused,) = made.unfinished() or [None]
    name = paused.write if paused else job_that_paused(made)
    return made.take_up(name, confirmation)


def job_that_paused(made: WriteLog) -> str:
    name = made.begin_job("contact.bulk_delete", GIVEN, guard=False)
    made.end(name, "paused")
    return name


Step = Callable[[WriteLog, Confirmation], object]
STEPS = pytest.mark.parametrize("step", [write, job, resumed])


def rows(folder: Path) -> int:
    return query(folder, "SELECT COUNT(*) FROM log")[0][0]


@contextmanager
def failing(folder: Path, table: str) -> Generator[None]:
    """No row gets into a table."""
    sqlite(folder, f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")
    try:
        yield
    finally:
        sqlite(folder, "DROP TRIGGER full")


# --- one step ---------------------------------------------------------------------------------------------


@STEPS
@pytest.mark.parametrize("table", ["log", "used"])
def test_where_one_of_the_two_cannot_be_noted_neither_is(step: Step, table: str, tmp_path: Path) -> None:
    with log(tmp_path) as made:
        job_that_paused(made)
        before, confirmation = rows(tmp_path), seal()
        with failing(tmp_path, table), pytest.raises(StateError, match="Nothing was sent"):
            step(made, confirmation)
        assert not made.used("n")
        assert rows(tmp_path) == before
        assert step(made, confirmation), "it is still good"
        assert made.used("n")
        assert rows(tmp_path) == before + 1


@STEPS
def test_with_a_used_confirmation_nothing_is_noted(step: Step, tmp_path: Path) -> None:
    with log(tmp_path) as made:
        write(made, seal())
        job_that_paused(made)
        before = rows(tmp_path)
        with pytest.raises(RefusedError, match="used already") as refused:
            step(made, seal())
        assert str(refused.value).endswith("Nothing was changed.")
        assert rows(tmp_path) == before


def test_a_repetition_that_is_not_sent_uses_up_the_confirmation(tmp_path: Path) -> None:
    with log(tmp_path) as made:
        made.begin("contact.create", {"email": "e"}, guard=True)
        with pytest.raises(Duplicate):
            made.begin("contact.create", {"email": "e"}, guard=True, confirmation=seal())
        assert made.used("n"), "what it confirmed was done; later it would be done once more"


def test_two_connections_on_one_folder_take_a_confirmation_once(tmp_path: Path) -> None:
    with log(tmp_path) as one, log(tmp_path) as other:
        write(one, seal("first"))
        with pytest.raises(RefusedError):
            write(other, seal("first"))
        job(other, seal("second"))
        with pytest.raises(RefusedError):
            write(one, seal("second"))
    assert rows(tmp_path) == 2


PROGRAM = """
import sys, time
from pathlib import Path
from taskip_mcp.clock import Clock
from taskip_mcp.entries import Confirmation
from taskip_mcp.errors import RefusedError
from taskip_mcp.writelog import WriteLog
log = WriteLog(Path(sys.argv[1]), "a", Clock())
print("ready", flush=True)
sys.stdin.readline()
for nonce in range(20):
    try:
        log.begin("a.b", {}, guard=False, confirmation=Confirmation("code", nonce=str(nonce), expires=time.time() + 60))
        print(nonce, flush=True)
    except RefusedError:
        pass
log.close()
"""


def test_processes_that_show_the_same_confirmation_at_once_get_it_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    try:
        for each in running:
            assert each.stdout
            assert each.stdout.readline() == "ready\n"
        for each in running:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        taken = [line for each in running for line in each.communicate(timeout=60)[0].split()]
    finally:
        for each in running:
            each.kill()
    assert sorted(map(int, taken)) == list(range(20))
    assert rows(tmp_path) == 20


async def test_a_code_whose_write_could_not_be_noted_is_good_when_it_can(tmp_path: Path) -> None:
    async with gatehouse("strict", Door(), state=tmp_path) as house:
        code = await house.code("delete_contact", contact_id=5)
        given = {"contact_id": 5, "confirm": True, "confirm_code": code}
        with failing(tmp_path, "log"):
            result = await house.call("delete_contact", **given)
            assert result.is_error
        assert house.door.writes == []
        await house.done("delete_contact", **given)
        assert house.door.writes == ["DELETE /contact/5"]
        await house.refused("delete_contact", **given)


async def test_one_confirmation_carries_a_job_of_several_requests(tmp_path: Path) -> None:
    door = Door()
    ids = contacts(door.sandbox, 60)
    async with gatehouse("strict", door, state=tmp_path) as house:
        code = await house.code("bulk_delete_contacts", contact_ids=ids)
        given = {"contact_ids": ids, "confirm": True, "confirm_code": code}
        report = await house.done("bulk_delete_contacts", **given)
        assert report["items"] == {"done": ids}
        await house.refused("bulk_delete_contacts", **given)
    assert door.writes == ["POST /contact/bulk-delete"] * 3
    assert [opening["how"] for opening in openings(tmp_path)] == ["code"] * 4
