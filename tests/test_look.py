"""A write whose answer was lost is looked up: for every operation, before it was run and after."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from taskip_mcp import operation
from taskip_mcp.call import Backend, Call
from taskip_mcp.client import TaskipClient
from taskip_mcp.files import Files
from taskip_mcp.look import Finding, look
from taskip_mcp.operation import Effect
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.sandbox.routing import RouteSet
from taskip_mcp.settings import Settings
from tests.sandbox_calls import CALLS, arguments_for
from tests.support import Script, backend, call_of

pytestmark = pytest.mark.anyio

OPERATIONS = operation.load_all()
WRITES = [name for name, each in OPERATIONS.items() if each.effect is not Effect.READ]

NOT_SHOWN = "TaskIP has no read that would show it"
SENT = "a message leaves no trace that can be relied on"
DAY = "TaskIP shows only the day on which it was made, and another may have the same name"
NO_AGE = "TaskIP does not show when it was made, and another may have the same name"
IN_PART = "TaskIP shows only some of what was sent, and may have shown that before"
ORDER = "TaskIP renumbers after the change"

UNDECIDED: Mapping[str, tuple[str, str, str]] = {
    # tool: (before, after, why)
    "invite_client": ("unknown", "unknown", SENT),
    "send_invoice": ("unknown", "unknown", SENT),
    "send_quotation": ("unknown", "unknown", SENT),
    "reply_conversation": ("unknown", "unknown", SENT),
    "bulk_update_invoices": ("unknown", "unknown", SENT),
    "assign_ticket": ("unknown", "unknown", NOT_SHOWN),
    "upload_ticket_attachments": ("unknown", "unknown", NOT_SHOWN),
    "add_deal_note": ("unknown", "unknown", NOT_SHOWN),
    "add_deal_activity": ("unknown", "unknown", NOT_SHOWN),
    "bulk_update_project_tags": ("unknown", "unknown", NOT_SHOWN),
    "move_container_tasks": ("unknown", "unknown", NOT_SHOWN),
    "assign_conversation_tags": ("unknown", "unknown", "tags have other names there"),
    "update_project_priority": ("unknown", "unknown", "the record has a number of unknown meaning"),
    "reorder_tasks": ("unknown", "unknown", ORDER),
    "reorder_containers": ("unknown", "unknown", ORDER),
    "reorder_stages": ("unknown", "unknown", ORDER),
    "update_contact": ("not_done", "unknown", IN_PART),
    "update_team_member": ("not_done", "unknown", IN_PART),
    "update_project": ("not_done", "unknown", IN_PART),
    "create_document": ("not_done", "unknown", DAY),
    "create_project": ("not_done", "unknown", DAY),
    "create_task": ("not_done", "unknown", DAY),
    "create_deal": ("not_done", "unknown", DAY),
    "create_container": ("not_done", "unknown", NO_AGE),
    "create_project_attribute": ("not_done", "unknown", NO_AGE),
    "delete_inbox_tag": ("not_done", "unknown", "a tag shows only where it is in use"),
}
"""Where a look does not tell, and why. All other writes are ``not_done`` before and ``done`` after."""

ON_ROUTES = {("reply_ticket", "reference"): "unknown"}
"""The older record of a ticket shows no replies."""


@dataclass(frozen=True)
class Bench:
    """A sandbox that runs ahead of or behind our clock, and a backend on it."""

    sandbox: Sandbox
    api: Backend
    hands: list[float]
    """By how many seconds the sandbox is ahead."""

    def call(self, name: str, given: Mapping[str, Any] | None = None, *, again: bool = False) -> Call:
        """The tool's call of `tests.sandbox_calls`, or one with other arguments."""
        return call_of(self.api, name, given or arguments_for(name, self.sandbox), again=again)

    async def run(self, name: str, given: Mapping[str, Any] | None = None, *, again: bool = False) -> Call:
        """Carry it out."""
        call = self.call(name, given, again=again)
        await call.operation.function(call, **call.arguments)
        return call


def bench(folder: Path, routes: RouteSet = "both", ahead: float = 0.0) -> Bench:
    hands = [ahead]
    sandbox = Sandbox(routes=routes, clock=lambda: datetime.fromtimestamp(time.time() + hands[0], UTC))
    (folder / "note.txt").write_text("a note")
    settings = Settings(secret_key="k", base_url="http://127.0.0.1/api/public-v1", files_dir=folder)
    client = TaskipClient(settings, httpx.ASGITransport(app=sandbox.app))
    return Bench(sandbox, Backend(client, RouteBook(), Files(settings)), hands)


# --- every operation ----------------------------------------------------------------------------------------


def test_the_table_names_writes_that_exist() -> None:
    assert UNDECIDED.keys() <= set(WRITES)
    assert all(after != "not_done" and before != "done" for before, after, _ in UNDECIDED.values())


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("routes", ["reference", "guide", "both"])
async def test_before_a_write_a_look_never_says_that_it_was_done(
    name: str, routes: RouteSet, tmp_path: Path
) -> None:
    at = bench(tmp_path, routes)
    image = at.sandbox.store.dump()
    finding = await look(at.call(name), time.time())
    usual = UNDECIDED.get(name, ("not_done",))[0]
    assert finding.verdict == ON_ROUTES.get((name, routes), usual)
    assert finding.looked
    assert at.sandbox.store.dump() == image, "a look changes nothing"


@pytest.mark.parametrize("ahead", [0.0, 50.0, -50.0], ids=["in time", "ahead", "behind"])
@pytest.mark.parametrize("name", WRITES)
async def test_after_a_write_a_look_never_says_that_it_was_not_done(
    name: str, ahead: float, tmp_path: Path
) -> None:
    """Also where TaskIP's clock is not ours."""
    at = bench(tmp_path, ahead=ahead)
    since = time.time()
    call = await at.run(name)
    finding = await look(call, since)
    assert finding.verdict == UNDECIDED.get(name, ("", "done"))[1]
    assert finding.looked


@pytest.mark.parametrize("routes", ["reference", "guide"])
@pytest.mark.parametrize("name", WRITES)
async def test_a_look_tells_the_same_on_every_set_of_routes(
    name: str, routes: RouteSet, tmp_path: Path
) -> None:
    at = bench(tmp_path, routes)
    since = time.time()
    call = await at.run(name)
    usual = UNDECIDED.get(name, ("", "done"))[1]
    assert (await look(call, since)).verdict == ON_ROUTES.get((name, routes), usual)


# --- creates and messages -----------------------------------------------------------------------------------

REPLY = {"ticket_id": "1", "message": "<p>We look into it, at once &amp; with care</p>"}


async def found(at: Bench, name: str, given: Mapping[str, Any], since: float, **more: Any) -> Finding:
    return await look(at.call(name, given, **more), since)


async def test_somebody_elses_message_of_this_moment_is_not_taken_for_the_lost_one(tmp_path: Path) -> None:
    at = bench(tmp_path)
    await at.run("reply_ticket", {"ticket_id": "1", "message": "<p>Thank you, it works again</p>"})
    assert (await found(at, "reply_ticket", REPLY, time.time())).verdict == "not_done"
    await at.run("reply_ticket", REPLY)
    assert (await found(at, "reply_ticket", REPLY, time.time())).verdict == "done"


async def test_two_of_the_same_leave_it_open_and_are_named(tmp_path: Path) -> None:
    at = bench(tmp_path)
    for again in (False, True):
        await at.run("reply_ticket", REPLY, again=again)
    finding = await found(at, "reply_ticket", REPLY, time.time())
    assert finding.verdict == "unknown"
    assert "2 that may be it" in finding.looked


async def test_a_repetition_on_purpose_is_not_proved_by_the_first(tmp_path: Path) -> None:
    at = bench(tmp_path)
    await at.run("reply_ticket", REPLY)
    assert (await found(at, "reply_ticket", REPLY, time.time(), again=True)).verdict == "unknown"


async def test_an_older_record_of_the_same_name_is_not_the_new_one(tmp_path: Path) -> None:
    at = bench(tmp_path, ahead=-3600)
    await at.run("create_quotation")
    at.hands[0] = 0
    finding = await look(at.call("create_quotation"), time.time())
    assert finding.verdict == "not_done"
    assert "only an older record" in finding.looked


async def test_a_record_that_somebody_made_before_is_known_by_its_age(tmp_path: Path) -> None:
    at = bench(tmp_path, ahead=-3600)
    made = await at.run("create_contact")
    at.hands[0] = 0
    finding = await look(made, time.time())
    assert finding.verdict == "not_done"
    assert finding.id == at.sandbox.store.rows("contact")[-1]["id"]


async def test_a_record_of_a_future_that_no_clock_explains_leaves_it_open(tmp_path: Path) -> None:
    at = bench(tmp_path, ahead=7200)
    made = await at.run("create_quotation")
    at.hands[0] = 0
    assert (await look(made, time.time())).verdict == "unknown"


# --- updates ------------------------------------------------------------------------------------------------


async def test_what_the_record_showed_before_does_not_prove_what_it_does_not_show(tmp_path: Path) -> None:
    at = bench(tmp_path)
    company = at.sandbox.store.get("contact", 1)
    assert company is not None
    given = {"contact_id": 1, "first_name": company["first_name"], "invite_client": True}
    finding = await found(at, "update_contact", given, time.time())
    assert finding.verdict == "unknown"
    assert "first_name as sent, but invite_client cannot be seen there" in finding.looked


async def test_a_record_that_says_itself_that_it_was_changed_just_now_proves_the_rest(tmp_path: Path) -> None:
    at = bench(tmp_path)
    finding = await look(await at.run("update_invoice_status"), time.time())
    assert finding.verdict == "done"
    assert "changed just now" in finding.looked


@pytest.mark.parametrize("privacy", ["private", "public"])
async def test_a_word_that_is_shown_as_a_number_is_never_a_no(privacy: str, tmp_path: Path) -> None:
    at = bench(tmp_path)
    call = await at.run("update_project", {"project_id": 1, "title": "N", "privacy": privacy})
    assert (await look(call, time.time())).verdict == "unknown"


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_a_ticket_that_ended_shows_as_closed_under_either_word(status: str, tmp_path: Path) -> None:
    at = bench(tmp_path)
    given = {"ticket_ids": [1, 2], "action": "status_update", "status": status}
    assert (await look(await at.run("bulk_update_tickets", given), time.time())).verdict == "done"


# --- lists of ids -------------------------------------------------------------------------------------------


async def test_of_a_list_of_ids_each_has_a_verdict_of_its_own(tmp_path: Path) -> None:
    at = bench(tmp_path)
    at.sandbox.store.delete("contact", 2)
    finding = await found(at, "bulk_delete_contacts", {"contact_ids": [1, 2, 3]}, time.time())
    assert finding.verdict == "unknown"
    assert finding.items == {1: "not_done", 2: "done", 3: "not_done"}
    assert finding.looked == "each of the 3 records: 1 done, 2 not, 0 unknown"


async def test_a_record_that_is_not_there_proves_a_bulk_call_only_where_it_deletes(tmp_path: Path) -> None:
    at = bench(tmp_path)
    at.sandbox.store.delete("ticket", 1)
    change = {"ticket_ids": [1], "action": "status_update", "status": "closed"}
    assert (await found(at, "bulk_update_tickets", change, time.time())).verdict == "unknown"
    delete = {"ticket_ids": [1], "action": "delete"}
    assert (await found(at, "bulk_update_tickets", delete, time.time())).verdict == "done"


# --- looks that fail ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, {"message": "Server Error"}, "TaskIP has a problem: Server Error"),
        (403, {"message": "Not yours"}, "TaskIP refused: Not yours"),
        (401, {"message": "Bad key"}, "TaskIP did not accept the API key: Bad key"),
    ],
)
async def test_a_look_that_fails_says_why_and_nothing_of_changes_or_of_repeating(
    status: int, body: Any, why: str
) -> None:
    script = Script({"GET /contact": (status, body)})
    call = Call(backend(script), OPERATIONS["create_contact"], CALLS["create_contact"])
    finding = await look(call, time.time())
    assert finding == Finding("unknown", f"it, but that failed too: {why}", failed=True)
    assert all(line.startswith("GET") for line in script.lines)


async def test_an_empty_answer_to_a_look_is_no_empty_list() -> None:
    script = Script({"GET /contact": httpx.Response(200, content=b"")})
    call = Call(backend(script), OPERATIONS["create_contact"], CALLS["create_contact"])
    assert (await look(call, time.time())).verdict == "unknown"


async def test_a_full_page_without_the_record_leaves_it_open() -> None:
    rows = [{"id": number, "email": f"other{number}@x.example"} for number in range(1, 3)]
    page = {"data": rows, "current_page": 1, "last_page": 9}
    script = Script({"GET /contact": (200, page)})
    call = Call(backend(script), OPERATIONS["create_contact"], CALLS["create_contact"])
    finding = await look(call, time.time())
    assert finding.verdict == "unknown"
    assert "not among those that it shows" in finding.looked


async def test_a_row_that_does_not_show_what_was_matched_is_neither_taken_nor_dismissed() -> None:
    script = Script({"GET /contact": (200, {"data": [{"id": 7, "name": "Ada"}], "meta": {"total": 1}})})
    call = Call(backend(script), OPERATIONS["create_contact"], CALLS["create_contact"])
    finding = await look(call, time.time())
    assert finding.verdict == "unknown"
    assert "(id 7)" in finding.looked
