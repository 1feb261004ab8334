"""Durations, dates and moments: what a person may type, and how times are stored (UTC) and shown (local)."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from amani_cli import clocks
from amani_cli.errors import Usage

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


_LONGEST_S = 3660 * 86400  # ten years and a little


_FIRST_YEAR, _LAST_YEAR = 1970, 9998


# The shapes that `parse_when` takes, each digit written as 0.
_DATE = "0000-00-00"


_MINUTE = "0000-00-00T00:00"


_SECOND = "0000-00-00T00:00:00"


_OFFSETS = ("", "Z", "+00:00", "-00:00")


class Period(NamedTuple):
    """From `since` on and before `until`, in RFC 3339 as it is stored; None leaves that end open."""

    since: str | None = None
    until: str | None = None


_ZONES = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo", "/var/db/timezone/zoneinfo")
_POSIX_ZONE = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?(?:[01]?[0-9]|2[0-4])(?::[0-5][0-9]){0,2}(?:[A-Za-z<].*)?"


def check_zone(zone: str) -> None:
    """Refuse a TZ that the system does not know: it would be UTC in silence, and the ends of months would move.

    https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html (TZ). Raises `errors.Usage`.
    """
    name = zone.removeprefix(":")
    known = not name or name.upper() in ("UTC", "GMT") or any(os.path.isfile(f"{each}/{name}") for each in _ZONES)
    if known or os.path.isfile(name) or re.fullmatch(_POSIX_ZONE, name):
        return
    raise Usage(
        f"TZ={_shown(zone)} is no time zone that this system knows",
        code="BAD_ZONE",
        hint="Write for example TZ=Africa/Nairobi or TZ=EAT-3, or unset it; the names come with the tzdata package.",
    )


def parse_duration(text: str, minimum: int = 1) -> int:
    """Return the duration in `text` (`90s` `15m` `24h` `7d`) in seconds.

    Raises:
        Usage: code `BAD_DURATION`, for anything else and for less than `minimum` seconds.
    """
    cleaned = text.strip()
    digits, unit = cleaned[:-1], cleaned[-1:]
    if cleaned and _is_number(cleaned):
        raise _bad_duration(f"{_shown(cleaned)} has no unit", f"{cleaned.lstrip('0') or '90'}s")
    if unit not in _SECONDS or not _is_number(digits):
        raise _bad_duration(f"{_shown(cleaned)} is not a duration" if cleaned else "no duration given", "90s")
    if len(digits) > 9 or int(digits) * _SECONDS[unit] > _LONGEST_S:
        raise _bad_duration(f"{_shown(cleaned)} is more than ten years", "7d")
    seconds = int(digits) * _SECONDS[unit]
    if seconds < minimum:
        raise _bad_duration(f"{_shown(cleaned)} is too short", f"{minimum}s or more")
    return seconds


def parse_when(text: str, now: datetime) -> datetime:
    """Return the moment in `text`, in UTC.

    `2026-08-01`, `today` and `yesterday` are midnights, and `2026-08-01T09:00` a time, in the local zone;
    `2026-08-01T09:00Z` and `…+03:00` name their own; `7d` and `24h` are that long before `now`, an aware one.

    Raises:
        Usage: code `BAD_DATE`.
    """
    cleaned = text.strip()
    word = cleaned.lower()
    if word in {"today", "yesterday"}:
        day = now.astimezone().date()
        return _midnight(day if word == "today" else day - timedelta(days=1))
    if word[-1:] in _SECONDS and _is_number(word[:-1]):
        try:
            return now.astimezone(UTC) - timedelta(seconds=parse_duration(word, minimum=0))
        except Usage as refused:
            raise _bad_date(refused.message.partition(":")[0]) from None
        except OverflowError:
            raise _bad_date(f"{_shown(cleaned)} is too long ago") from None
    shape = "".join("0" if letter in "0123456789" else letter for letter in cleaned.replace(" ", "T", 1))
    if shape == _DATE or any(shape == base + offset for base in (_MINUTE, _SECOND) for offset in _OFFSETS):
        try:
            moment = datetime.fromisoformat(cleaned)
            if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
                # Without an offset astimezone() takes the system's zone, daylight saving included.
                return moment.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise _bad_date(f"{_shown(cleaned)} is not in the calendar")
    raise _bad_date(f"{_shown(cleaned)} is not a date" if cleaned else "no date given")


def parse_month(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Return where the month in `text` (`2026-08`, `this` or `last`) begins and ends in the local zone, in UTC.

    Raises:
        Usage: code `BAD_DATE`.
    """
    word = text.strip().lower()
    today = now.astimezone().date()
    if word in {"this", "last"}:
        first = today.replace(day=1)
        first = first if word == "this" else (first - timedelta(days=1)).replace(day=1)
    elif len(word) == 7 and word[4] == "-" and _is_number(word[:4]) and _is_number(word[5:]):
        try:
            first = date(int(word[:4]), int(word[5:]), 1)
        except ValueError:
            raise _bad_month(f"{_shown(word)} is not in the calendar") from None
        if not _FIRST_YEAR <= first.year <= _LAST_YEAR:
            raise _bad_month(f"{_shown(word)} is not in the calendar")
    else:
        raise _bad_month(f"{_shown(word)} is not a month")
    return _midnight(first), _midnight((first + timedelta(days=31)).replace(day=1))


def to_rfc3339(moment: datetime | int) -> str:
    """Return an aware `moment`, or unix seconds, as RFC 3339 in UTC: `2026-08-01T09:00:00Z`.

    Always to the second (what is finer is cut off), so that the texts sort as the moments do.
    """
    utc = datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) else _aware(moment).astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def from_rfc3339(text: str) -> datetime:
    """Return the moment that `text` (RFC 3339, with `Z` or an offset) names, in UTC.

    Raises:
        Usage: code `BAD_DATE`.
    """
    try:
        return _aware(datetime.fromisoformat(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_date(f"{_shown(text)} is not a date and time with an offset") from None


def local(moment: str | datetime | int) -> str:
    """Return a moment (RFC 3339, aware datetime or unix seconds) in the local zone: `2026-08-01 09:00`."""
    return _moment(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def today_or_local(moment: str) -> str:
    """For a person who looks now: `09:00 (3 min ago)` for today's, in no more room, others as `local`."""
    at, today = _moment(moment).astimezone(), datetime.now().astimezone()
    return f"{at:%H:%M} ({ago(moment)})" if at.date() == today.date() and at <= today else local(moment)


def in_zone(moment: str | datetime | int) -> str:
    """Return what `local` does with the zone, for words that leave this machine: `2026-08-01 09:00 EAT`."""
    return _moment(moment).astimezone().strftime("%Y-%m-%d %H:%M %Z").strip()


def zone() -> str:
    """The zone that days are counted in, for a heading."""
    return datetime.now().astimezone().tzname() or "local time"


def ago(moment: str | datetime | int, now: datetime | None = None) -> str:
    """Return how far `moment` is from `now`, for people: `3 min ago`, `in 59 min`, `just now`."""
    seconds = int(((now or datetime.now(UTC)) - _moment(moment)).total_seconds())
    span = abs(seconds)
    if span < 5:
        return "just now"
    if span < 60:
        words = f"{span} s"
    elif span < 3600:
        words = f"{span // 60} min"
    elif span < 86400:
        words = f"{span // 3600} h"
    else:
        days = span // 86400
        words = f"{days} day{'' if days == 1 else 's'}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _bad_duration(reason: str, example: str) -> Usage:
    return Usage(f"{reason}: write for example {example}, with s, m, h or d", code="BAD_DURATION")


def _bad_date(reason: str) -> Usage:
    return Usage(f"{reason}: write for example 2026-08-01, 2026-08-01T09:00, today or 7d", code="BAD_DATE")


def _bad_month(reason: str) -> Usage:
    return Usage(f"{reason}: write for example 2026-08, this or last", code="BAD_DATE")


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 32 and text.isascii() and text.isprintable() else "that"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day).astimezone(UTC)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone could be anywhere")
    return moment


def _moment(moment: str | datetime | int) -> datetime:
    if isinstance(moment, str):
        return from_rfc3339(moment)
    return datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) else _aware(moment)


def now() -> str:
    """The time as it is stored: RFC 3339, UTC, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clocks.wall()))


def period(since: str | None, until: str | None, month: str | None = None) -> Period:
    """A time as --since, --until and --month say it. Raises `errors.Usage`."""
    now = datetime.now(UTC)
    if month is not None:
        if since or until:
            raise Usage("--month goes without --since and --until")
        first, last = parse_month(month, now)
        return Period(to_rfc3339(first), to_rfc3339(last))
    begins = to_rfc3339(parse_when(since, now)) if since else None
    ends = to_rfc3339(parse_when(until, now)) if until else None
    if begins is not None and ends is not None and begins >= ends:
        raise Usage(
            "nothing can lie between --since and --until: the first is not before the second",
            code="BAD_DATE",
            hint="--until is the first moment that is left out: leave it out for all up to now, or name the next day.",
        )
    return Period(begins, ends)
