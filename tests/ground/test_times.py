"""Durations and dates as they are typed, stored and shown, across zones and daylight saving."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amani_cli import times
from amani_cli.errors import Usage

NOW = datetime(2026, 8, 10, 22, 30, tzinfo=UTC)


@pytest.fixture
def zone() -> Iterator[Callable[[str], None]]:
    """Put the process into a time zone, and back afterwards."""
    before = os.environ.get("TZ")

    def enter(name: str) -> None:
        os.environ["TZ"] = name
        time.tzset()

    yield enter
    if before is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = before
    time.tzset()


# POSIX rules rather than names, so that no zone database is needed. Lagos has no daylight saving, Berlin has.
LAGOS = "WAT-1"
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("24h", 86400), ("7d", 604800), (" 1s ", 1), ("3650d", 3650 * 86400)],
)
def test_durations(text: str, seconds: int) -> None:
    assert times.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("", "90s"),
        ("90", "90s"),
        ("s", "90s"),
        ("1.5h", "90s"),
        ("-5m", "90s"),
        ("5M", "90s"),
        ("1h30m", "90s"),
        ("1w", "90s"),
        ("٥s", "90s"),
        ("5 m", "90s"),
        ("0s", "1s or more"),
        ("9999d", "7d"),
        ("9" * 5000 + "s", "7d"),
    ],
)
def test_refused_durations(text: str, example: str) -> None:
    with pytest.raises(Usage) as caught:
        times.parse_duration(text)
    assert caught.value.code == "BAD_DURATION"
    assert example in caught.value.message


def test_minimum() -> None:
    assert times.parse_duration("0s", minimum=0) == 0
    with pytest.raises(Usage, match="60s or more"):
        times.parse_duration("59s", minimum=60)


@pytest.mark.parametrize(
    ("zone_name", "text", "moment"),
    [
        (LAGOS, "2026-08-01", "2026-07-31T23:00:00Z"),
        (LAGOS, "2026-08-01T09:00", "2026-08-01T08:00:00Z"),
        (LAGOS, "2026-08-01 09:00", "2026-08-01T08:00:00Z"),
        (LAGOS, "2026-08-01T09:00:30", "2026-08-01T08:00:30Z"),
        (LAGOS, "2026-08-01T09:00Z", "2026-08-01T09:00:00Z"),
        (LAGOS, "2026-08-01T09:00:00+05:30", "2026-08-01T03:30:00Z"),
        (LAGOS, "2026-08-01T09:00-03:00", "2026-08-01T12:00:00Z"),
        (LAGOS, "today", "2026-08-09T23:00:00Z"),
        (LAGOS, "Yesterday", "2026-08-08T23:00:00Z"),
        (LAGOS, "7d", "2026-08-03T22:30:00Z"),
        (LAGOS, "24h", "2026-08-09T22:30:00Z"),
        # In Berlin it is already the 11th, and summer.
        (BERLIN, "today", "2026-08-10T22:00:00Z"),
        (BERLIN, "2026-08-01", "2026-07-31T22:00:00Z"),
        (BERLIN, "2026-12-01", "2026-11-30T23:00:00Z"),
        (BERLIN, "2026-03-29T12:00", "2026-03-29T10:00:00Z"),
    ],
)
def test_dates(zone: Callable[[str], None], zone_name: str, text: str, moment: str) -> None:
    zone(zone_name)
    parsed = times.parse_when(text, NOW)
    assert parsed.tzinfo is UTC
    assert times.to_rfc3339(parsed) == moment


def test_yesterday_is_a_day_of_the_calendar_when_the_clocks_change(zone: Callable[[str], None]) -> None:
    zone(BERLIN)
    evening = datetime(2026, 3, 29, 20, 0, tzinfo=UTC)
    today, yesterday = (times.parse_when(word, evening) for word in ("today", "yesterday"))
    tomorrow = times.parse_when("2026-03-30", evening)
    assert today - yesterday == timedelta(hours=24)
    assert tomorrow - today == timedelta(hours=23)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-02-30",
        "2026-13-01",
        "2026-8-1",
        "20260801",
        "01/08/2026",
        "2026-W31",
        "2026-08-01T25:00",
        "2026-08-01T09",
        "2026-08-01T09:00+99:00",
        "0001-01-01",
        "9999-12-31",
        "1900-01-01",
        "7",
        "9999999d",
        "٢٠٢٦-08-01",
        "2026-08-01T09:00\n2026",
    ],
)
def test_refused_dates(text: str) -> None:
    with pytest.raises(Usage) as caught:
        times.parse_when(text, NOW)
    assert caught.value.code == "BAD_DATE"
    assert "2026-08-01" in caught.value.message


def test_rfc3339() -> None:
    assert times.to_rfc3339(0) == "1970-01-01T00:00:00Z"
    assert times.to_rfc3339(datetime(2026, 8, 1, 9, 0, 0, 999_999, tzinfo=UTC)) == "2026-08-01T09:00:00Z"
    assert times.from_rfc3339("2026-08-01T09:00:00.5+03:00") == datetime(2026, 8, 1, 6, 0, 0, 500_000, tzinfo=UTC)
    for text in ("", "2026-08-01", "2026-08-01T09:00:00", "now", "0001-01-01T00:00:00+05:00"):
        with pytest.raises(Usage):
            times.from_rfc3339(text)


def test_shown_in_the_local_zone(zone: Callable[[str], None]) -> None:
    zone(LAGOS)
    assert times.local("2026-08-01T08:00:00Z") == "2026-08-01 09:00"
    assert times.local(0) == "1970-01-01 01:00"
    assert times.local(datetime(2026, 8, 1, 8, 0, tzinfo=UTC)) == "2026-08-01 09:00"
    zone(BERLIN)
    assert times.local("2026-08-01T08:00:00Z") == "2026-08-01 10:00"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (4, "just now"),
        (30, "30 s ago"),
        (185, "3 min ago"),
        (-3599, "in 59 min"),
        (-7200, "in 2 h"),
        (86400, "1 day ago"),
        (10 * 86400, "10 days ago"),
    ],
)
def test_ago(seconds: int, words: str) -> None:
    assert times.ago(NOW - timedelta(seconds=seconds), NOW) == words
    assert times.ago(times.to_rfc3339(NOW - timedelta(seconds=seconds)), NOW) == words


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        times.to_rfc3339(datetime(2026, 8, 1))  # noqa: DTZ001


@settings(deadline=None, derandomize=True)
@given(st.datetimes(datetime(1970, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_moments_read_back(moment: datetime) -> None:
    text = times.to_rfc3339(moment)
    assert times.from_rfc3339(text) == moment.replace(microsecond=0) == times.parse_when(text, NOW)
    assert times.to_rfc3339(int(moment.timestamp())) == text


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 3650), st.sampled_from("smhd"))
def test_durations_read_back(count: int, unit: str) -> None:
    seconds = times.parse_duration(f"{count}{unit}")
    assert seconds == count * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert times.parse_when(f"{count}{unit}", NOW) == NOW - timedelta(seconds=seconds)


typed = st.one_of(st.text(), st.from_regex(r"[0-9]{0,4}[-0-9T:Z+ ]{0,18}[smhdw]?", fullmatch=True))


@settings(deadline=None, derandomize=True)
@given(typed)
def test_any_text_is_a_time_or_a_usage_error(text: str) -> None:
    refusals = []
    for parse in (times.parse_duration, lambda text: times.parse_when(text, NOW), times.from_rfc3339):
        try:
            parse(text)
        except Usage as refused:
            refusals.append(refused)
    assert all(refused.message.isprintable() for refused in refusals)
