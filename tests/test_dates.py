"""Every way in which TaskIP writes dates and times is read, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from taskip_mcp import dates
from taskip_mcp.dates import iso, moment

CONTRACT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "data" / "contract.yaml").read_text("utf-8")
)
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
]  # fmt: skip


def half(at: time) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02}{' AM' if at.hour < 12 else ' PM'}"


# What PHP writes for each form, without strftime, which asks the locale for names.
WRITERS: dict[str, Callable[[datetime], str]] = {
    "iso": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06}Z",
    "Y-m-d": lambda at: at.date().isoformat(),
    "d, M, Y": lambda at: f"{at.day:02}, {MONTHS[at.month - 1][:3]}, {at.year}",
    "d-M-Y": lambda at: f"{at.day:02}-{MONTHS[at.month - 1][:3]}-{at.year}",
    "d-M-Y H:i:s": lambda at: f"{at.day:02}-{MONTHS[at.month - 1][:3]}-{at.year} {at:%H:%M:%S}",
    "d/M/Y": lambda at: f"{at.day:02}/{MONTHS[at.month - 1][:3]}/{at.year}",
    "d/m/y": lambda at: f"{at.day:02}/{at.month:02}/{at.year % 100:02}",
    "d M Y H:i": lambda at: f"{at.day:02} {MONTHS[at.month - 1][:3]} {at.year} {at:%H:%M}",
    "M j, Y, g:i A": lambda at: f"{MONTHS[at.month - 1][:3]} {at.day}, {at.year}, {half(at.time())}",
    "F j, Y": lambda at: f"{MONTHS[at.month - 1]} {at.day}, {at.year}",
    "h:iA": lambda at: half(at.time()).replace(" ", "").rjust(7, "0"),
    "g:i A": lambda at: half(at.time()),
    "H:i": lambda at: f"{at:%H:%M}",
}
EXPECTED: dict[str, Callable[[datetime], str]] = {
    "iso": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z",
    "d-M-Y H:i:s": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}",
    "d M Y H:i": lambda at: f"{at:%Y-%m-%dT%H:%M}",
    "M j, Y, g:i A": lambda at: f"{at:%Y-%m-%dT%H:%M}",
    **dict.fromkeys(("h:iA", "g:i A", "H:i"), lambda at: f"{at:%H:%M}"),
}
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001  TaskIP's have no zone


def test_all_forms_of_the_contract_are_known() -> None:
    assert set(CONTRACT["enums"]["date_formats_on_read"]) == dates.FORMS
    assert {*WRITERS, *dates.ROUGH} == dates.FORMS


@given(moments, st.sampled_from(sorted(WRITERS)))
def test_what_taskip_writes_is_read_back(at: datetime, form: str) -> None:
    expected = EXPECTED.get(form, lambda at: at.date().isoformat())(at)
    assert iso(WRITERS[form](at), form) == expected
    assert iso(expected, form) == expected


@given(moments, st.sampled_from(sorted(WRITERS)), st.sampled_from(sorted(dates.FORMS)))
def test_another_form_is_read_right_or_not_at_all(at: datetime, written: str, declared: str) -> None:
    text = WRITERS[written](at)
    expected = EXPECTED.get(written, lambda at: at.date().isoformat())(at)
    assert iso(text, declared) in {expected, text, f"~{text}"}


@given(st.text(max_size=30), st.sampled_from(sorted(dates.FORMS - dates.ROUGH)))
def test_any_other_text_stays(text: str, form: str) -> None:
    assert iso(text, form) == text or re.fullmatch(r"[\d\-T:Z+]+", iso(text, form))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("31-Feb-2026", "d-M-Y"),
        ("2026-02-30T10:00:00Z", "iso"),
        ("2026-02-20T25:00:00Z", "iso"),
        ("13:30 PM", "g:i A"),
        ("25:00", "H:i"),
        ("05-Foo-2026", "d-M-Y"),
        ("05-Janx-2026", "d-M-Y"),
        ("05/13/26", "d/m/y"),
        ("٠٥-Jan-2026", "d-M-Y"),
        ("", "iso"),
    ],
)
def test_what_is_no_date_stays(text: str, form: str) -> None:
    assert iso(text, form) == text


def test_a_day_of_a_deal_is_read_only_where_it_is_declared() -> None:
    assert iso("05/01/26", "d/m/y") == "2026-01-05"
    assert {iso("05/01/26", form) for form in dates.FORMS - dates.ROUGH - {"d/m/y"}} == {"05/01/26"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-05T09:30:00.123456Z", "2026-01-05T09:30:00Z"),
        ("2026-01-05T09:30:00+02:00", "2026-01-05T09:30:00+02:00"),
        ("2026-01-05 09:30:00", "2026-01-05T09:30:00"),
        ("2026-01-05", "2026-01-05"),
    ],
)
def test_a_moment_keeps_seconds_and_zone(text: str, shown: str) -> None:
    assert iso(text, "iso") == shown


def test_what_tells_a_time_only_roughly_is_marked_and_kept() -> None:
    assert iso("2 days ago", "relative") == "~2 days ago"
    assert iso("~2 days ago", "relative") == "~2 days ago"
    assert iso("Mon 05 2026 09:30AM", "D d Y h:iA") == "~Mon 05 2026 09:30AM"
    assert iso("2026-01-05T09:30:00Z", "relative") == "2026-01-05T09:30:00Z"
    assert iso("", "relative") == ""


def test_a_day_and_a_time_are_one_moment() -> None:
    assert moment("2026-01-05", "09:30") == "2026-01-05T09:30"
    assert moment("2026-01-05", "") == "2026-01-05"
    assert moment("5th of May", "09:30") == "5th of May 09:30"
