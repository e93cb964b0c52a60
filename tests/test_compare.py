"""Does a record show what was sent? A wrong no would say that nothing was done; a wrong yes that it was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from taskip_mcp import compare, wire
from taskip_mcp.sandbox import shapes

CONTRACT = yaml.safe_load((Path(__file__).parent / "data" / "contract.yaml").read_text(encoding="utf-8"))
FORMS: dict[str, str] = CONTRACT["enums"]["date_formats_on_read"]
DAYS = [form for form in FORMS if form in {"Y-m-d", "d, M, Y", "d-M-Y", "d/M/Y", "d/m/y"}]
MINUTES = ["M j, Y, g:i A", "d-M-Y H:i:s"]
CLOCKS = ["H:i", "g:i A", "h:iA"]
UNCOMPARED = {"D d Y h:iA", "F j, Y", "d M Y H:i", "iso", "relative"}
"""Forms that tell no day of their own, or that no field has which a write sets."""

NOW = datetime(2026, 7, 15, 12, 30, 20, tzinfo=UTC)
dates = st.dates(date(2000, 1, 1), date(2068, 12, 31))
moments = st.integers(978_307_200, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
texts = st.text(min_size=1, max_size=300)


def shown(day: date, form: str) -> str:
    return str(shapes.php(datetime(day.year, day.month, day.day, 9, 5, tzinfo=UTC), form))


def test_every_documented_form_is_looked_at_here() -> None:
    assert {*DAYS, *MINUTES, *CLOCKS, *UNCOMPARED} == FORMS.keys()


# --- days and times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", DAYS)
@given(day=dates)
def test_a_day_agrees_with_itself_in_every_form(form: str, day: date) -> None:
    assert compare.day(shown(day, form)) == day
    assert compare.agrees(day, shown(day, form)) is True
    assert compare.agrees(day.isoformat(), shown(day, form)) is True


@pytest.mark.parametrize("form", DAYS)
@given(day=dates, other=dates)
def test_another_day_does_not_agree_unless_the_form_can_be_read_from_either_end(
    form: str, day: date, other: date
) -> None:
    assume(day != other)
    verdict = compare.agrees(day, shown(other, form))
    turned = form == "d/m/y" and (day.day, day.month, day.year) == (other.month, other.day, other.year)
    assert verdict is (None if turned else False)


def test_a_day_that_may_be_read_from_either_end_is_never_a_no() -> None:
    assert compare.agrees("2026-02-01", "01/02/26") is True
    assert compare.agrees("2026-01-02", "01/02/26") is None
    assert compare.agrees("2026-01-13", "13/02/26") is False


@given(moments, st.integers(-13, 13))
def test_the_day_of_a_moment_may_be_the_one_next_to_it(moment: datetime, zone: int) -> None:
    """Midnight of a workspace is shown as the evening before in UTC."""
    there = (moment + timedelta(hours=zone)).date()
    assert compare.agrees(there, moment.isoformat()) is not False
    assert compare.agrees(there + timedelta(days=3), moment.isoformat()) is False


@pytest.mark.parametrize("form", [*MINUTES, "D d Y h:iA", "F j, Y", "d M Y H:i"])
@given(day=dates)
def test_a_form_that_no_written_field_has_is_never_a_no(form: str, day: date) -> None:
    assert compare.agrees(day, shown(day, form)) is not False


@pytest.mark.parametrize("form", CLOCKS)
@given(time=st.times())
def test_a_time_agrees_with_itself_in_every_form(form: str, time: Any) -> None:
    moment = datetime.combine(date(2026, 7, 1), time, tzinfo=UTC)
    assert compare.agrees(f"{moment:%H:%M}", shapes.php(moment, form)) is True


def test_another_time_does_not_agree() -> None:
    assert compare.agrees("09:00", "9:00 PM") is False
    assert compare.agrees("09:00", "soon") is None


# --- the forms of other values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "there"),
    [
        ("resolved", "closed"), ("closed", "close"), ("in_progress", "in-progress"), ("in_progress", "In Progress"),
        ("waiting_for_reply", "waiting-for-reply"), ("EUR", "eur"), ("#FFaa00", "#ffAA00"),
        ("A@X.example", "a@x.example"), ("https://x.example", "https://x.example/"), ("paid", "Paid"),
        (5, "5"), ("5", 5), (450.5, "450.50"), ("1e2", "100"), (0.1 + 0.2, "0.3000000000000000444"),
        (True, 1), (True, "true"), (False, 0), (1, True), ("0", False),
        (" Ada ", "Ada"), ("A & B", "A &amp; B"), ("R&D <x>", "R&amp;D &lt;x&gt;"),
        (3, {"id": 3, "name": "X"}), ("u-1", {"id": 3, "uuid": "u-1"}), ("team", {"id": 1, "label": "Team"}),
        ([1, 2], [{"id": 2}, {"id": 1}]), ([], []), (["a"], ["a"]), (["u-1"], [{"id": 1, "uuid": "u-1"}]),
        (None, None), (None, ""), (None, []), (None, 0), ("", None),
        ("+49 171 555", "+49171555"), ("<p>Done</p>", "Done"), ("Done", "<p>Done</p>"),
        ("<p>It&#39;s done</p>", "It's done"),
    ],
)  # fmt: skip
def test_two_forms_of_the_same_agree(sent: Any, there: Any) -> None:
    assert compare.agrees(sent, there) is True


@pytest.mark.parametrize(
    ("sent", "there"),
    [
        ("private", 0), ("public", 1), ("high", 2), (2, "high"), ("team", 1), ("Ada", 5),
        ("team", {"id": 1, "label": "Everybody"}), ("u-1", {"id": 3}), (3, {"uuid": "u-1"}), (3, {"name": "X"}),
        (["VIP"], [{"id": 3, "colour": "red"}]), ([{"label": "VIP"}], [{"title": "VIP"}]), ([1], "1, 2"),
        ({"city": "X"}, {"city": "X"}), ({"city": "X"}, "X"), ("x", ["x"]), ([1], {"id": 1}),
        (True, "yes"), (True, 2), ("on", True),
        ("sent", "overdue"), ("sent", "expired"),
        ("2026-01-02", "2 days ago"), ("2026-01-02", "soon"), (10.005, "10.01"),
        ("0171 5550100", "+49 171 5550100"), ("+491715550100", "1715550100"),
        ("<p>See <b>this</b> here now</p>", "<p>See this here now</p>"),
        ("<p>Hello there, all of you</p>", "Hello there, all..."), ("Hello there, all of you", "Hello there, all…"),
        ("<p>One two three</p><script>x()</script><p>four five</p>", "One two three <u>four</u> five six"),
        ("Re-do", "Re do"), ("acme Ltd", "Acme Ltd"), ("x" * 200, "x" * 150), ("<p>🎉</p>", "<p></p>"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_neither(sent: Any, there: Any) -> None:
    assert compare.agrees(sent, there) is None


@pytest.mark.parametrize(
    ("sent", "there"),
    [
        ("Ada", "Bob"), ("Ada", None), (5, 6), (5, None), (450.5, "450.60"), (True, 0), (False, True), ("paid", "sent"),
        ("sent", "draft"), ("open", "closed"), ("resolved", "open"), (3, {"id": 4}), ("u-1", {"uuid": "u-2"}),
        ([1, 2], [{"id": 1}]), ([1], [{"id": 1}, {"id": 2}]), ([1], []), (None, "x"), (None, 5), ("", [1]),
        ("<p>We look into it right away</p>", "Thanks, it works"), ("<p>Yes</p>", "<p>No</p>"),
        ("long " * 40, "short"), ("A & B", "C"), ("https://a.example", "https://b.example"),
        ("+49 171 555", "+49 171 556"),
    ],
)  # fmt: skip
def test_what_is_something_else_does_not_agree(sent: Any, there: Any) -> None:
    assert compare.agrees(sent, there) is False


@given(texts)
def test_a_text_agrees_with_itself(text: str) -> None:
    assert compare.agrees(text, text) is True


@given(texts.filter(str.strip))
def test_a_text_is_never_denied_when_taskip_wraps_trims_or_escapes_it(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for form in (f"  {text}\n", f"<p>{text}</p>", escaped, f"<p>{escaped}</p>", text.strip()):
        assert compare.agrees(text, form) is not False


@given(texts.filter(lambda text: len(text) > 5), st.data())
def test_a_text_is_never_denied_when_taskip_cuts_it(text: str, data: st.DataObject) -> None:
    end = data.draw(st.integers(4, len(text)))
    assert compare.agrees(text, f"{text[:end].rstrip()}...") is not False


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_agrees_with_itself_as_text(number: float) -> None:
    assert compare.agrees(number, str(number)) is True


@given(st.sampled_from(["low", "medium", "high", "urgent", "critical", "private", "public"]), st.integers())
def test_a_word_is_never_denied_by_a_number(word: str, number: int) -> None:
    assert compare.agrees(word, number) is None
    assert compare.agrees(number, word) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "uuid", "name"]), inner)
    ),
    max_leaves=6,
)


@given(json_values, json_values)
def test_anything_can_be_compared_with_anything(sent: Any, there: Any) -> None:
    assert compare.agrees(sent, there) in {True, False, None}


# --- ages ---------------------------------------------------------------------------------------------------

AGED = ["iso", "relative", *DAYS, *MINUTES]


def stamp(moment: datetime, now: datetime, form: str) -> str:
    if form == "iso":
        return str(shapes.iso(moment))
    return shapes.relative(moment, now) if form == "relative" else str(shapes.php(moment, form))


@pytest.mark.parametrize("form", AGED)
@given(moment=moments, seconds=st.integers(0, 20 * 365 * 86_400))
def test_the_age_lies_within_what_every_form_tells(form: str, moment: datetime, seconds: int) -> None:
    now = moment + timedelta(seconds=seconds)
    found = compare.age(stamp(moment, now, form), now.timestamp())
    assert found is not None
    # The largest unit of a relative age is a year of 365 days, and the smaller ones are rounded alike.
    assert found[0] - 1 <= seconds <= found[1] + 1


@pytest.mark.parametrize("form", [*DAYS, *MINUTES])
def test_a_form_without_a_zone_leaves_room_for_every_zone(form: str) -> None:
    found = compare.age(stamp(NOW, NOW, form), NOW.timestamp())
    assert found is not None
    assert found[0] <= -14 * 3600
    assert found[1] >= 14 * 3600


@pytest.mark.parametrize("text", ["2026-07-15T12:30:20", "2026-07-15 12:30:20"])
def test_a_moment_without_a_zone_is_not_taken_for_exact(text: str) -> None:
    assert compare.age(text, NOW.timestamp()) == (-14 * 3600, 14 * 3600)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("2026-07-15T12:30:20Z", (0, 0)), ("2026-07-15T12:30:20.000000Z", (0, 0)),
        ("2026-07-15T14:30:20+02:00", (0, 0)), ("2026-07-15T12:29:20Z", (60, 60)),
        ("0 seconds ago", (0, 1)), ("1 second ago", (1, 2)), ("2 minutes ago", (120, 180)),
        ("1 hour ago", (3600, 7200)),
        ("in 5 minutes", None), ("a moment ago", None), ("Mon 05 2026 10:00AM", None), ("", None), (None, None),
        ("5", None), ("x", None),
    ],
)  # fmt: skip
def test_an_age_is_exact_a_span_or_not_told(text: Any, age: tuple[float, float] | None) -> None:
    assert compare.age(text, NOW.timestamp()) == age


@given(json_values)
def test_any_value_has_an_age_or_none(value: Any) -> None:
    found = compare.age(value, NOW.timestamp())
    assert found is None or found[0] <= found[1]


# --- fields -------------------------------------------------------------------------------------------------


def test_a_field_is_found_inside_others_and_a_missing_one_is_none() -> None:
    record = {"a": {"b": {"c": 5}}, "d": None}
    assert wire.dig(record, "a.b.c") == 5
    for missing in ("a.x", "d.b", "x.y", "a.b.c.d"):
        assert wire.dig(record, missing) is None
