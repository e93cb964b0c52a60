"""What holds for every endpoint of the embedded TaskIP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp.sandbox import Limits, Sandbox
from tests.sandbox.support import client

pytestmark = pytest.mark.anyio

START = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def test_without_a_key_the_answer_is_401() -> None:
    async with client(Sandbox(), key=None) as http:
        answer = await http.get("/contact")
    assert answer.status_code == 401
    assert answer.json()["error"] == "Unauthorized"


async def test_only_the_accepted_keys_are_let_in() -> None:
    sandbox = Sandbox(keys={"good"})
    async with client(sandbox, key="good") as http:
        assert (await http.get("/contact")).status_code == 200
    async with client(sandbox, key="bad") as http:
        assert (await http.get("/contact")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nope", 404, "The route api/public-v1/nope could not be found."),
        ("GET", "/contact/999", 404, "No query results for model [App\\Models\\Contact] 999"),
        ("GET", "/contact/bulk-delete", 404, "No query results for model"),
        ("GET", f"/contact/{10**30}", 404, "No query results for model"),
        ("GET", "/contact/²", 404, "No query results for model"),
        ("PUT", "/contact", 405, "The PUT method is not supported for route api/public-v1/contact."),
        ("GET", "/project/1/task", 404, "No query results for model [App\\Models\\Project]"),
    ],
)
async def test_what_is_missing_is_worded_as_laravel_words_it(
    method: str, path: str, status: int, words: str
) -> None:
    async with client(Sandbox()) as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    assert words in answer.json()["message"]


async def test_a_known_path_names_the_methods_it_takes() -> None:
    async with client(Sandbox()) as http:
        answer = await http.put("/contact")
    assert answer.headers["Allow"] == "GET, POST"


async def test_expired_and_denied_keys_are_told_apart() -> None:
    sandbox = Sandbox(expired={"old"}, denied={"small"})
    for key, status, error in (("old", 401, "Unauthorized"), ("small", 403, "Forbidden")):
        async with client(sandbox, key=key) as http:
            answer = await http.get("/contact")
        assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_literal_paths_win_over_placeholders() -> None:
    async with client(Sandbox()) as http:
        assert (await http.get("/ticket/analytics")).json()["data"]["summary"]
        assert "meta" in (await http.get("/project/attribute/all")).json()


@pytest.mark.parametrize(
    ("routes", "here", "elsewhere"),
    [("reference", "/ticket", "/support-ticket"), ("guide", "/support-ticket", "/ticket")],
)
async def test_a_set_of_routes_has_no_other(routes: Any, here: str, elsewhere: str) -> None:
    async with client(Sandbox(routes=routes)) as http:
        assert (await http.get(here)).status_code == 200
        assert "could not be found" in (await http.get(elsewhere)).json()["message"]


async def test_validation_names_each_field_and_changes_nothing() -> None:
    sandbox = Sandbox()
    before = sandbox.store.dump()
    async with client(sandbox) as http:
        answer = await http.post("/contact", json={"last_name": 5, "email": "x", "zip_code": "123456789"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "first_name": ["The first name field is required."],
        "last_name": ["The last name must be a string."],
        "email": ["The email must be a valid email address."],
        "zip_code": ["The zip code must not be greater than 8 characters."],
    }
    assert sandbox.store.dump() == before


async def test_an_empty_list_is_no_text() -> None:
    async with client(Sandbox()) as http:
        answer = await http.put("/contact/1", json={"position": []})
    assert answer.json()["errors"] == {"position": ["The position must be a string."]}


async def test_malformed_json_is_a_400() -> None:
    async with client(Sandbox()) as http:
        answer = await http.post("/contact", content=b'{"a":', headers={"content-type": "application/json"})
    assert answer.status_code == 400


async def test_a_failure_in_the_middle_undoes_the_whole_request() -> None:
    sandbox = Sandbox()
    before = sandbox.store.dump()
    async with client(sandbox) as http:
        answer = await http.post("/invoice/bulk-actions", json={"ids": [57, 99999], "action": "send"})
    assert answer.status_code == 404
    assert sandbox.store.dump() == before


async def test_the_minute_is_limited_and_opens_again() -> None:
    clock = Clock()
    async with client(Sandbox(clock=clock)) as http:
        answers = [await http.get("/get-email-address") for _ in range(101)]
        assert [answer.status_code for answer in answers] == [200] * 100 + [429]
        assert answers[-1].json() == {"message": "Too Many Attempts."}
        assert answers[-1].headers["Retry-After"] == "60"
        clock.forward(60)
        assert (await http.get("/get-email-address")).status_code == 200


async def test_the_headers_describe_the_hour() -> None:
    clock = Clock()
    async with client(Sandbox(clock=clock)) as http:
        headers = (await http.get("/get-email-address")).headers
    assert headers["X-RateLimit-Limit"] == "1000"
    assert headers["X-RateLimit-Remaining"] == "999"
    assert headers["X-RateLimit-Reset"] == str(int(START.timestamp()) + 3600)


async def test_uploads_and_the_second_sender_have_limits_of_their_own() -> None:
    clock = Clock()
    sandbox = Sandbox(clock=clock, limits=Limits(enabled=True, minute=1000, uploads=2))
    file = {"files[]": ("a.txt", b"a")}
    async with client(sandbox) as http:
        uploads = [(await http.post("/ticket/1/attachments", files=file)).status_code for _ in range(3)]
        sends = [(await http.post("/quotation/sent/1", json={})).status_code for _ in range(11)]
    assert uploads == [200, 200, 429]
    assert sends == [200] * 10 + [429]


async def test_two_keys_have_windows_of_their_own() -> None:
    sandbox = Sandbox(limits=Limits(enabled=True, minute=1))
    async with client(sandbox, key="a") as http:
        assert [(await http.get("/contact")).status_code for _ in range(2)] == [200, 429]
    async with client(sandbox, key="b") as http:
        assert (await http.get("/contact")).status_code == 200


async def test_reset_brings_everything_back() -> None:
    sandbox = Sandbox(limits=Limits(enabled=True, minute=1))
    kinds = ("company", "contact", "project", "task", "mail")
    before = [sandbox.store.rows(kind) for kind in kinds]
    async with client(sandbox) as http:
        await http.delete("/company/1")
        sandbox.reset()
        assert [sandbox.store.rows(kind) for kind in kinds] == before
        assert not sandbox.requests
        assert (await http.get("/company/1")).status_code == 200


async def test_the_seeds_are_the_same_for_the_same_day() -> None:
    assert Sandbox(clock=lambda: START).store.dump() == Sandbox(clock=lambda: START).store.dump()


async def test_a_fault_answers_in_place_of_the_endpoint_or_cuts_the_connection() -> None:
    def fault(request: Request) -> Response | None:
        if request.method == "POST":
            raise httpx.ReadError("cut")
        return JSONResponse({"message": "down"}, 503)

    sandbox = Sandbox(fault=fault)
    async with client(sandbox) as http:
        assert (await http.get("/contact")).status_code == 503
        with pytest.raises(httpx.ReadError):
            await http.post("/contact", json={})
    assert not sandbox.requests


async def test_changes_are_announced_once_they_are_stored() -> None:
    sandbox = Sandbox()
    heard: list[tuple[str, Any]] = []

    async def listen(event: str, data: dict[str, Any]) -> None:
        assert sandbox.store.get("contact", 1) is None
        heard.append((event, data))

    sandbox.listen(listen)
    async with client(sandbox) as http:
        await http.delete("/contact/1")
        await http.delete("/contact/1")
    assert heard == [("contact.deleted", {"contact_id": 1})]


async def test_a_file_keeps_the_data(tmp_path: Path) -> None:
    file = str(tmp_path / "taskip.db")
    async with client(Sandbox(file)) as http:
        await http.delete("/contact/1")
    async with client(Sandbox(file)) as http:
        assert (await http.get("/contact/1")).status_code == 404
        assert (await http.get("/contact/2")).status_code == 200


async def test_the_body_of_a_delete_arrives() -> None:
    sandbox = Sandbox()
    project = sandbox.store.get("project", 1)
    assert project is not None
    async with client(sandbox) as http:
        url = f"/project/{project['uuid']}/task/1/assignee"
        assert (await http.request("DELETE", url)).status_code == 422
        assert (await http.request("DELETE", url, json={"assignee_id": 3})).status_code == 200
    task = sandbox.store.get("task", 1)
    assert task is not None
    assert task["assignees"] == []
