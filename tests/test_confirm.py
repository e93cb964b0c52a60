"""The gate: what a preview reads and shows, and that only an explicit confirmation passes it."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import errors
from taskip_mcp.records import PAGES
from taskip_mcp.target import SHOWN
from tests.support import Reply, Script, backend, run

pytestmark = pytest.mark.anyio


def conversations(page: int, last: int, *tags: dict[str, Any]) -> Reply:
    rows = [{"uuid": f"c-{page}", "subject": "S", "tags": list(tags)}]
    return (200, {"data": rows, "meta": {"current_page": page, "last_page": last, "total": last}})


async def test_a_tag_is_named_from_the_conversations_that_have_it() -> None:
    pages = [conversations(1, 2), conversations(2, 2, {"id": 4, "title": "Billing"})]
    script = Script({"GET /inbox/conversation/all": list(pages)})
    shown = await run(backend(script), "delete_inbox_tag", tag_id=4)
    assert shown["records"] == [{"id": 4, "title": "Billing"}]
    assert [each.query for each in script.sent] == [{}, {"page": "2"}]


async def test_a_tag_that_no_conversation_has_may_exist_all_the_same() -> None:
    script = Script({"GET /inbox/conversation/all": conversations(1, 1)})
    shown = await run(backend(script), "delete_inbox_tag", tag_id=4)
    assert shown["records"] == [{"id": 4, "note": "not found in the rows that were looked at"}]


async def test_a_look_through_a_list_ends_after_some_pages() -> None:
    script = Script({"GET /inbox/conversation/all": [conversations(page, 99) for page in range(1, 99)]})
    await run(backend(script), "delete_inbox_tag", tag_id=4)
    assert len(script.sent) == PAGES


async def test_a_deleted_file_is_named_beside_its_task() -> None:
    script = Script(
        {
            "GET /project/p/task/1": (200, {"data": {"id": 1, "title": "Task"}}),
            "GET /project/p/task/1/files": (
                200,
                {"data": [{"task_id": 1, "media": {"id": 8, "title": "brief.pdf"}}]},
            ),
        }
    )
    shown = await run(backend(script), "delete_task_file", project_id="p", task_id=1, file_id=8)
    assert shown["records"] == [{"id": 1, "title": "Task"}, {"id": 8, "title": "brief.pdf"}]


async def test_many_records_are_counted_and_the_first_named() -> None:
    script = Script({f"GET /contact/{number}": (200, {"data": {"id": number}}) for number in range(1, 31)})
    shown = await run(backend(script), "bulk_delete_contacts", contact_ids=list(range(1, 31)))
    assert (shown["count"], len(shown["records"]), len(script.sent)) == (30, SHOWN, SHOWN)


async def test_what_cannot_be_read_is_said_and_does_not_hide_the_preview() -> None:
    script = Script({"GET /contact/5": (403, {"message": "No"})})
    shown = await run(backend(script), "delete_contact", contact_id=5)
    assert shown["records"] == [{"id": 5, "note": "could not be read: TaskIP refused: No"}]


async def test_a_wrong_key_is_an_error_and_no_preview() -> None:
    with pytest.raises(errors.AuthError):
        await run(
            backend(Script({"GET /contact/5": (401, {"message": "No"})})), "delete_contact", contact_id=5
        )


@pytest.mark.parametrize("confirm", [True, "true"])
async def test_only_true_confirms(confirm: Any) -> None:
    script = Script({"GET /contact/5": (200, {"data": {"id": 5}}), "DELETE /contact/5": (200, {"msg": "ok"})})
    await run(backend(script), "delete_contact", contact_id=5, confirm=confirm)
    assert script.lines == ["GET /contact/5", "DELETE /contact/5"]


@pytest.mark.parametrize("confirm", ["yes", 1, "1", "True ", "confirm"])
async def test_what_is_not_true_is_refused(confirm: Any) -> None:
    script = Script({"DELETE /contact/5": (200, {"msg": "ok"})})
    with pytest.raises(errors.ArgumentError, match="confirm"):
        await run(backend(script), "delete_contact", contact_id=5, confirm=confirm)
    assert script.sent == []


async def test_arguments_without_consequences_need_no_confirmation() -> None:
    script = Script({"GET /contact/5": (200, {"data": {"id": 5}}), "PUT /contact/5": (200, {"msg": "ok"})})
    await run(backend(script), "update_contact", contact_id=5, position="CTO")
    assert script.lines == ["GET /contact/5", "PUT /contact/5"]
