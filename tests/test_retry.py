"""When a failed request is tried again, how long that waits, and what it costs."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskip_mcp import errors, retry, turn
from taskip_mcp.client import Refused, Request, TaskipClient
from taskip_mcp.clock import scaled
from taskip_mcp.settings import Settings
from taskip_mcp.wire import Answer
from tests.faulty import closed_port
from tests.support import BASE, Reply, Script

NOW = 1_800_000_000.0


def status(number: int, retry_after: float | None = None) -> errors.ApiError:
    return errors.error_class(number)("no", status=number, retry_after=retry_after)


CONNECT = errors.ConnectError("no", outcome="unchanged")
LOST = errors.LostError("no", outcome="unknown")
UNREADABLE = errors.UnreadableError("no", status=200)
ROUTE = errors.RouteError("no", status=404)

# --- which errors, and how often ----------------------------------------------------------------------------

READS = [
    (CONNECT, 3), (LOST, 3), (status(502), 3), (status(503), 3), (status(504), 3), (status(429), 3),
    (status(500), 2), (UNREADABLE, 2),
    (status(501), 1), (status(505), 1), (status(302), 1), (ROUTE, 1),
    *((status(number), 1) for number in (400, 401, 403, 404, 405, 409, 413, 418, 422)),
]  # fmt: skip
WRITES = [
    (CONNECT, 3), (status(429), 3),
    (LOST, 1), (UNREADABLE, 1), (ROUTE, 1),
    *((status(number), 1) for number in (302, 400, 401, 403, 404, 405, 409, 413, 422, 500, 501, 502, 503, 504)),
]  # fmt: skip


def tries(error: errors.ApiError, *, writes: bool) -> int:
    return next(made for made in range(1, 10) if retry.pause(error, made, writes=writes) is None)


def name(value: object) -> str:
    return f"{type(value).__name__}-{value.status}" if isinstance(value, errors.ApiError) else str(value)


@pytest.mark.parametrize(("error", "most"), READS, ids=name)
def test_a_read_is_tried_again_after_what_may_pass(error: errors.ApiError, most: int) -> None:
    assert tries(error, writes=False) == most


@pytest.mark.parametrize(("error", "most"), WRITES, ids=name)
def test_a_write_is_tried_again_only_when_it_is_certain_that_nothing_was_done(
    error: errors.ApiError, most: int
) -> None:
    assert tries(error, writes=True) == most


@given(st.sampled_from([error for error, _ in READS]), st.integers(3, 1000), st.booleans())
def test_nothing_is_tried_more_than_three_times(error: errors.ApiError, made: int, writes: bool) -> None:
    assert retry.pause(error, made, writes=writes) is None


# --- how long -----------------------------------------------------------------------------------------------


@given(st.sampled_from([CONNECT, LOST, status(503)]), st.integers(1, 2))
def test_the_pause_is_anything_up_to_a_bound_that_doubles(error: errors.ApiError, made: int) -> None:
    pause = retry.pause(error, made, writes=False)
    assert pause is not None
    assert 0 <= pause <= 0.5 * 2 ** (made - 1)


def test_the_whole_range_of_the_pause_is_used() -> None:
    for made, bound in ((1, 0.5), (2, 1.0)):
        pauses = [retry.pause(CONNECT, made, writes=True) or 0.0 for _ in range(500)]
        assert min(pauses) < 0.1 * bound
        assert max(pauses) > 0.9 * bound


@given(st.floats(0.001, 1e6))
def test_a_server_that_names_the_seconds_is_not_asked_earlier(seconds: float) -> None:
    pause = retry.pause(status(503, seconds), 1, writes=False)
    assert pause is not None
    assert seconds <= pause <= seconds + 0.5


def test_after_a_429_the_budget_does_the_waiting() -> None:
    for writes in (False, True):
        assert retry.pause(status(429, 30), 1, writes=writes) == 0


# --- Retry-After and X-RateLimit-Reset ----------------------------------------------------------------------


def http_date(seconds: float) -> str:
    return email.utils.formatdate(seconds, usegmt=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 1), ("30", 30), (" 7 ", 7), ("1.5", 1.5), ("3000", 3000), ("86401", 86401),
        (http_date(NOW + 90), 90),
        ("", None), ("0", None), ("-5", None), ("soon", None), ("1 minute", None), ("1e999", None), ("inf", None),
        ("nan", None), (http_date(NOW - 90), None), (http_date(NOW), None), ("Thu, 99 Foo 2026", None),
        ("Thu, 01 Jan 999999 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_anything_else_is_none(text: str, seconds: float | None) -> None:
    assert retry.retry_after(httpx.Headers({"Retry-After": text}), NOW) == seconds


def test_without_retry_after_there_is_none() -> None:
    assert retry.retry_after({}, NOW) is None


@given(st.integers(-100_000, 100_000), st.integers(1, 100_000))
def test_a_date_counts_from_the_date_of_the_answer_however_our_clock_goes(wrong: int, seconds: int) -> None:
    headers = {"retry-after": http_date(NOW + seconds), "date": http_date(NOW)}
    assert retry.retry_after(headers, NOW + wrong) == seconds


def test_a_date_of_the_answer_that_is_none_leaves_our_clock() -> None:
    headers = {"retry-after": http_date(NOW + 9), "date": "yesterday"}
    assert retry.retry_after(headers, NOW) == 9


@given(st.text(st.characters(codec="latin-1")) | st.floats().map(str) | st.integers().map(str))
def test_whatever_stands_in_retry_after_the_seconds_are_finite_and_above_zero(text: str) -> None:
    seconds = retry.retry_after({"retry-after": text, "date": text}, NOW)
    assert seconds is None or (seconds > 0 and math.isfinite(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": str(NOW + 40)}, 40),
        ({"x-ratelimit-reset": f"{NOW + 40:.0f}", "date": http_date(NOW + 10)}, 30),
        ({"x-ratelimit-reset": f"{NOW - 40:.0f}"}, -40),
        ({"x-ratelimit-reset": "soon"}, None),
        ({}, None),
    ],
)
def test_the_reset_is_a_time_that_becomes_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry.reset_in(headers, NOW) == seconds


# --- the client ---------------------------------------------------------------------------------------------

READ = Request("company.get", "GET", "/company/5")
WRITE = Request("company.create", "POST", "/company", body={"name": "A"}, writes=True)
GET, POST = "GET /company/5", "POST /company"
FOUND: Reply = (200, {"data": {"id": 5}})
PACE = 50.0


@asynccontextmanager
async def client(script: Script | None, url: str = BASE) -> AsyncGenerator[TaskipClient]:
    transport = httpx.MockTransport(script) if script else None
    made = TaskipClient(Settings(secret_key="k", base_url=url), transport, clock=scaled(PACE, time.time()))
    try:
        yield made
    finally:
        await made.aclose()


async def send(made: TaskipClient, request: Request, seconds: float = 55.0) -> Answer | Refused:
    with turn.begin(made.clock, seconds):
        return await made.send(request)


async def used(made: TaskipClient) -> int:
    return (await made.budget.show())[0].used


def unavailable(retry_after: int | None = None) -> Reply:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return httpx.Response(503, json={"message": "Service Unavailable"}, headers=headers)


@pytest.mark.anyio
@pytest.mark.parametrize("fails", [0, 1, 2])
async def test_each_try_of_a_read_costs_a_request(fails: int) -> None:
    script = Script({GET: [*(unavailable() for _ in range(fails)), FOUND]})
    async with client(script) as made:
        answer = await send(made, READ)
        assert isinstance(answer, Answer)
        assert script.lines == [GET] * (fails + 1)
        assert await used(made) == fails + 1


@pytest.mark.anyio
async def test_a_read_gives_up_after_three_tries_with_the_last_error() -> None:
    script = Script({GET: unavailable()})
    async with client(script) as made:
        with pytest.raises(errors.ServerError, match="HTTP 503"):
            await send(made, READ)
        assert await used(made) == len(script.sent) == 3


@pytest.mark.anyio
async def test_a_pause_longer_than_the_call_has_left_is_not_waited_for() -> None:
    script = Script({GET: unavailable(retry_after=40)})
    async with client(script) as made:
        began = made.clock.ticks()
        with pytest.raises(errors.ServerError):
            await send(made, READ, seconds=30)
        assert made.clock.ticks() - began < 30
        assert script.lines == [GET]


@pytest.mark.anyio
async def test_a_pause_that_fits_is_waited_for() -> None:
    script = Script({GET: [unavailable(retry_after=20), FOUND]})
    async with client(script) as made:
        began = made.clock.ticks()
        await send(made, READ)
        assert made.clock.ticks() - began >= 20


@pytest.mark.anyio
@pytest.mark.parametrize("number", [500, 502, 503, 504])
async def test_a_write_is_not_repeated_after_a_server_error(number: int) -> None:
    script = Script({POST: (number, {"message": "no"})})
    async with client(script) as made:
        with pytest.raises(errors.ServerError) as caught:
            await send(made, WRITE)
        assert caught.value.outcome == "unknown"
        assert await used(made) == len(script.sent) == 1


@pytest.mark.anyio
async def test_a_refused_write_is_tried_three_times_and_costs_nothing() -> None:
    with closed_port() as url:
        async with client(None, url) as made:
            pauses = made.clock.ticks()
            with pytest.raises(errors.ConnectError) as caught:
                await send(made, WRITE)
            assert caught.value.outcome == "unchanged"
            assert await used(made) == 0
            assert made.clock.ticks() > pauses


@pytest.mark.anyio
async def test_a_write_that_was_limited_leaves_again_when_the_limit_opens() -> None:
    limited = httpx.Response(429, json={"message": "Too Many Attempts."}, headers={"Retry-After": "3"})
    script = Script({POST: [limited, (201, {"data": {"id": 5}})]})
    async with client(script) as made:
        began = made.clock.ticks()
        assert isinstance(await send(made, WRITE), Answer)
        assert made.clock.ticks() - began >= 3
        assert script.lines == [POST, POST]


@pytest.mark.anyio
@pytest.mark.parametrize("number", [400, 401, 403, 409, 413, 422])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
async def test_what_taskip_refuses_is_refused_once(number: int, request_: Request) -> None:
    script = Script({GET: (number, {}), POST: (number, {})})
    async with client(script) as made:
        with pytest.raises(errors.StatusError):
            await send(made, request_)
        assert len(script.sent) == 1
