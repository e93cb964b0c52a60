"""The broken network of the tests breaks as it claims, seen by a plain HTTP client."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from taskip_mcp.sandbox.app import Sandbox
from tests.faulty import Fault, Faulty, Plan, closed_port, faulty, on

pytestmark = pytest.mark.anyio

EMAIL = "a@new.example"
NEW = {"first_name": "A", "email": EMAIL}
CREATE = on("POST", "/contact")


@asynccontextmanager
async def client(url: str, timeout: float = 5) -> AsyncGenerator[httpx.AsyncClient]:
    headers = {"X-Secret-Key": "key"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, trust_env=False) as http:
        yield http


@asynccontextmanager
async def broken(plan: Plan, timeout: float = 5) -> AsyncGenerator[tuple[Faulty, httpx.AsyncClient]]:
    async with faulty(Sandbox(), plan) as front, client(front.url, timeout) as http:
        yield front, http


def stored(sandbox: Sandbox) -> int:
    return len(sandbox.store.rows("contact", email=EMAIL))


async def outcome(http: httpx.AsyncClient, **more: Any) -> type[Exception] | int:
    """The status or the type of the exception of one attempt to create a contact."""
    try:
        return (await http.post("/contact", json=NEW, **more)).status_code
    except httpx.TransportError as error:
        return type(error)


def patience(fault: Fault) -> float:
    """Enough for the sandbox, also on a busy machine, and not much longer if no answer will come."""
    return 0.5 if fault is Fault.HANG else 5


# --- without a fault --------------------------------------------------------------------------------------


async def test_without_a_plan_the_sandbox_answers_over_one_kept_connection() -> None:
    sandbox = Sandbox()
    async with faulty(sandbox) as front, client(front.url) as http:
        made = await http.post("/contact", json=NEW)
        read = await http.get("/contact", params={"search": EMAIL})
        missing = await http.get("/no%2Fwhere")
    assert (made.status_code, read.status_code, missing.status_code) == (201, 200, 404)
    assert [row["email"] for row in read.json()["data"]] == [EMAIL]
    assert read.headers["x-ratelimit-limit"] == "1000"
    assert read.headers["content-type"] == "application/json"
    assert front.connections == 1
    assert stored(sandbox) == 1
    assert [(each.method, each.path, each.forwarded, each.outcome) for each in front.seen] == [
        ("POST", "/contact", True, 201),
        ("GET", "/contact", True, 200),
        ("GET", "/no%2Fwhere", True, 404),
    ]
    assert front.seen[1].query == "search=a%40new.example"
    assert front.arrived(on("GET", "/contact")) == [front.seen[1]]
    assert front.writes() == front.writes(CREATE) == [front.seen[0]]
    assert front.writes(on("POST", "/company")) == []


async def test_the_key_and_the_query_reach_the_sandbox() -> None:
    sandbox = Sandbox(keys={"key"})
    async with faulty(sandbox) as front, client(front.url) as http:
        allowed = await http.get("/contact", params={"search": "ä b"})
        denied = await http.get("/contact", headers={"X-Secret-Key": "other"})
    assert (allowed.status_code, denied.status_code) == (200, 401)
    assert [each.query for each in sandbox.requests] == [{"search": "ä b"}]


async def test_a_body_in_chunks_arrives_whole() -> None:
    async def chunks() -> AsyncGenerator[bytes]:
        yield b'{"first_name": "A", '
        await anyio.lowlevel.checkpoint()
        yield b'"email": "a@new.example"}'

    sandbox = Sandbox()
    async with faulty(sandbox) as front, client(front.url) as http:
        kind = {"Content-Type": "application/json"}
        assert (await http.post("/contact", content=chunks(), headers=kind)).status_code == 201
        assert (await http.get("/contact")).status_code == 200
    assert front.seen[0].body == b'{"first_name": "A", "email": "a@new.example"}'
    assert front.connections == 1
    assert stored(sandbox) == 1


async def test_a_large_upload_passes_and_parallel_requests_get_connections_of_their_own() -> None:
    sandbox = Sandbox()
    async with faulty(sandbox) as front, client(front.url) as http:
        statuses: list[int] = []

        async def create(number: int) -> None:
            fields = NEW | {"email": f"a{number}@new.example", "details": "x" * 3_000_000}
            statuses.append((await http.post("/contact", json=fields)).status_code)

        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(create, number)
    assert statuses == [201] * 4
    assert front.connections == 4
    assert len(front.writes(CREATE)) == 4


# --- each fault, from the client's side -------------------------------------------------------------------

CLAIMS: list[tuple[Fault, type[Exception] | int, bool]] = [
    (Fault.RESET_BEFORE, httpx.ReadError, False),
    (Fault.RESET_AFTER, httpx.ReadError, True),
    (Fault.HANG, httpx.ReadTimeout, True),
    (Fault.TRUNCATED, httpx.RemoteProtocolError, True),
    (Fault.EMPTY, 200, True),
    (Fault.HTML_502, 502, False),
    (Fault.STATUS_500, 500, False),
    (Fault.UNAVAILABLE_503, 503, False),
    (Fault.TOO_MANY_429, 429, False),
    (Fault.TOO_MANY_429_FAR, 429, False),
]


def test_every_fault_of_a_request_is_claimed() -> None:
    assert [fault for fault, _, _ in CLAIMS] == [fault for fault in Fault if fault is not Fault.REFUSE]


@pytest.mark.parametrize(("fault", "seen", "applied"), CLAIMS)
async def test_a_fault_shows_once_as_claimed_and_then_requests_work_again(
    fault: Fault, seen: type[Exception] | int, applied: bool
) -> None:
    sandbox = Sandbox()
    async with faulty(sandbox, Plan(fault, CREATE)) as front, client(front.url) as http:
        assert (await http.get("/contact")).status_code == 200
        assert await outcome(http, timeout=patience(fault)) == seen
        assert stored(sandbox) == applied
        # The address is taken if the first attempt was applied.
        assert await outcome(http) == (409 if applied else 201)
        assert (await http.get("/contact")).status_code == 200
    assert [each.outcome for each in front.seen] == [200, fault.name, 409 if applied else 201, 200]
    assert [each.forwarded for each in front.arrived(CREATE)] == [applied, True]
    assert [each.status for each in front.writes(CREATE)] == ([201, 409] if applied else [201])
    # An answer leaves the connection usable; anything else has cost it.
    assert front.connections == (1 if isinstance(seen, int) else 2)


OPEN = [claim for claim in CLAIMS if claim[0] not in (Fault.TOO_MANY_429, Fault.TOO_MANY_429_FAR)]


@pytest.mark.parametrize(("fault", "seen", "usually"), OPEN)
async def test_applied_turns_the_effect_around_and_the_client_cannot_tell(
    fault: Fault, seen: type[Exception] | int, usually: bool
) -> None:
    sandbox = Sandbox()
    plan = Plan(fault, CREATE, applied=not usually)
    async with faulty(sandbox, plan) as front, client(front.url) as http:
        assert await outcome(http, timeout=patience(fault)) == seen
    assert stored(sandbox) == (not usually)
    assert len(front.writes(CREATE)) == (not usually)


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.TOO_MANY_429, Fault.TOO_MANY_429_FAR])
def test_a_fault_that_is_certain_cannot_be_applied(fault: Fault) -> None:
    with pytest.raises(ValueError, match="never applied"):
        Plan(fault, applied=True)


@pytest.mark.parametrize(
    ("plan", "kind", "words", "retry_after"),
    [
        (Plan(Fault.EMPTY), "application/json", "", None),
        (Plan(Fault.HTML_502), "text/html; charset=UTF-8", "<h1>502 Bad Gateway</h1>", None),
        (Plan(Fault.STATUS_500), "application/json", '{"message": "Server Error"}', None),
        (Plan(Fault.UNAVAILABLE_503), "application/json", "Service Unavailable", "1"),
        (Plan(Fault.UNAVAILABLE_503, retry_after=7), "application/json", "Service Unavailable", "7"),
        (Plan(Fault.TOO_MANY_429), "application/json", "Too Many Attempts.", None),
        (Plan(Fault.TOO_MANY_429_FAR), "application/json", "Too Many Attempts.", "3000"),
        (Plan(Fault.TOO_MANY_429_FAR, retry_after=90), "application/json", "Too Many Attempts.", "90"),
    ],
)
async def test_an_answer_of_a_fault_has_its_headers(
    plan: Plan, kind: str, words: str, retry_after: str | None
) -> None:
    async with broken(plan) as (_, http):
        answer = await http.get("/contact")
    assert answer.headers["content-type"] == kind
    assert words in answer.text
    assert bool(answer.content) == bool(words)
    assert answer.headers.get("retry-after") == retry_after


async def test_a_truncated_answer_has_the_full_length_and_half_of_the_body() -> None:
    sandbox = Sandbox()
    async with faulty(sandbox) as front, client(front.url) as http:
        whole = (await http.get("/contact")).content
        front.plan(Plan(Fault.TRUNCATED))
        part = bytearray()
        async with http.stream("GET", "/contact") as answer:
            assert answer.headers["content-length"] == str(len(whole))
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                await collect(answer, part)
    assert part == whole[: len(whole) // 2]


async def collect(answer: httpx.Response, into: bytearray) -> None:
    async for part in answer.aiter_raw():
        into += part


async def test_an_answer_without_a_body_is_truncated_in_its_head() -> None:
    plan = Plan(Fault.TRUNCATED, on("DELETE", "/company/*"))
    sandbox = Sandbox()
    async with faulty(sandbox, plan) as front, client(front.url) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.delete("/company/1")
    assert sandbox.store.get("company", 1) is None
    assert [each.status for each in front.writes()] == [204]


# --- connections that are not there -----------------------------------------------------------------------


async def test_a_connection_refused_at_accept_brings_no_request_and_the_next_one_works() -> None:
    sandbox = Sandbox()
    async with faulty(sandbox, Plan(Fault.REFUSE, times=2)) as front, client(front.url) as http:
        for _ in range(2):
            # The reset may come while the client connects, writes or reads.
            with pytest.raises(httpx.NetworkError):
                await http.post("/contact", json=NEW)
        assert front.seen == []
        assert stored(sandbox) == 0
        assert await outcome(http) == 201
    assert (front.refused, front.connections) == (2, 3)
    assert stored(sandbox) == 1


async def test_a_closed_port_refuses() -> None:
    with closed_port() as url:
        async with client(url) as http:
            assert await outcome(http) == httpx.ConnectError


async def test_a_server_that_is_down_refuses_and_comes_back_on_the_same_port() -> None:
    sandbox = Sandbox()
    async with faulty(sandbox) as front, client(front.url) as http:
        url = front.url
        for _ in range(3):
            assert (await http.get("/contact")).status_code == 200
            await front.down()
            assert await outcome(http) == httpx.ConnectError
            await front.up()
        assert front.url == url
        assert front.writes() == []
        assert await outcome(http) == 201
    assert stored(sandbox) == 1


async def test_a_server_that_goes_down_takes_hanging_requests_along() -> None:
    async def fail(http: httpx.AsyncClient) -> None:
        assert await outcome(http) == httpx.RemoteProtocolError

    async with broken(Plan(Fault.HANG), timeout=60) as (front, http), anyio.create_task_group() as group:
        group.start_soon(fail, http)
        while not front.writes():
            await anyio.sleep(0.005)
        with anyio.fail_after(5):
            await front.down()


# --- plans ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "statuses"), [(0, [201, 409, 409]), (1, [500, 201, 409]), (2, [500, 500, 201])]
)
async def test_times_counts_the_matching_requests(times: int, statuses: list[int]) -> None:
    async with broken(Plan(Fault.STATUS_500, CREATE, times=times)) as (_, http):
        seen: list[Any] = []
        for _ in range(3):
            assert (await http.get("/contact")).status_code == 200
            seen.append(await outcome(http))
    assert seen == statuses


async def test_a_fault_may_last_until_it_is_healed() -> None:
    async with broken(Plan(Fault.RESET_BEFORE, CREATE, times=math.inf)) as (front, http):
        for _ in range(5):
            assert await outcome(http) == httpx.ReadError
        front.heal()
        assert await outcome(http) == 201
    assert len(front.writes()) == 1


async def test_plans_follow_each_other_and_are_not_used_up_for_the_next_server() -> None:
    plans = (Plan(Fault.UNAVAILABLE_503, CREATE), Plan(Fault.TOO_MANY_429))
    for _ in range(2):
        async with faulty(Sandbox(), *plans) as front, client(front.url) as http:
            assert [await outcome(http) for _ in range(3)] == [503, 429, 201]


async def test_a_function_may_choose_the_fault_of_each_request() -> None:
    def every_other(_method: str, _path: str) -> Plan | None:
        return Plan(Fault.STATUS_500) if len(front.seen) % 2 else None

    async with faulty(Sandbox(), every_other) as front, client(front.url) as http:
        statuses = [(await http.get("/contact")).status_code for _ in range(4)]
    assert statuses == [200, 500, 200, 500]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("POST", "/contact/5", True), ("POST", "/contact", False), ("GET", "/contact/5", False)],
)
def test_a_pattern_meets_method_and_path(method: str, path: str, expected: bool) -> None:
    assert on("POST", "/contact/*")(method, path) is expected


# --- the end ----------------------------------------------------------------------------------------------


async def test_it_ends_at_once_although_a_client_still_waits() -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group, faulty(Sandbox(), Plan(Fault.HANG)) as front:
            group.start_soon(disappointed, front.url)
            while not front.seen:
                await anyio.sleep(0.005)


async def disappointed(url: str) -> None:
    async with client(url, timeout=60) as http:
        with pytest.raises(httpx.TransportError):
            await http.get("/contact")


async def test_a_failure_inside_leaves_as_it_is() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with faulty(Sandbox(), Plan(Fault.HANG)):
            raise KeyError("mine")


async def test_a_crash_of_the_sandbox_ends_the_test() -> None:
    def crash(_request: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        async with faulty(Sandbox(fault=crash)) as front, client(front.url) as http:
            await http.get("/contact")
    assert caught.group_contains(ZeroDivisionError)


async def test_a_client_that_leaves_in_the_middle_of_its_request_harms_nobody() -> None:
    async with faulty(Sandbox()) as front, client(front.url) as http:
        async with await anyio.connect_tcp("127.0.0.1", front.port) as stream:
            await stream.send(
                b"POST /api/public-v1/contact HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
            )
        async with await anyio.connect_tcp("127.0.0.1", front.port) as stream:
            await stream.send(b"no HTTP at all\r\n\r\n")
        assert (await http.get("/contact")).status_code == 200
        assert front.writes() == []
