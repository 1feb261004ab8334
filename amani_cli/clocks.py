"""The clocks there are to go by: this machine's two, and what providers told; and how far each is to be believed.

The wall clock says what time it is, and can be set to anything, by a person, by NTP or by a flat battery. The steady
clock counts seconds since this machine was started and can't be set. A provider's clock stands in the `Date` of its
answers (RFC 9110, 6.6.1). `reckon` makes of them the ledger's own time, which never runs ahead of what is proven.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import NamedTuple

# A wall clock that is further than this from what a provider told proves nothing.
TOLERANCE_S = 300
# By so much a server's time may lag that is right: whole seconds, of when its answer was begun.
LAG_S = 2.0

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# What each server's newest answer said, and when, on the steady clock, it came.
_heard: dict[str, tuple[str, float]] = {}
_newest: list[str] = []


class Anchor(NamedTuple):
    """What ties the ledger's time `at` to a moment of one start (`boot`) of this machine, `steady` seconds into it.

    `wall` is the furthest that the wall clock is known to have been, a provider's word counted in. `ahead` is how far a
    provider's clock was ahead of it when one was last noted. `jump` is how far the ledger's time was moved on the wall
    clock's word alone when this start began, and `epoch` when the start was by that clock.
    """

    boot: str
    steady: float
    at: float
    wall: float
    ahead: float | None = None
    jump: float = 0.0
    epoch: float = 0.0


class Reckoning(NamedTuple):
    """The ledger's time now, why it may be behind (or ""), and the anchor that says so from now on, if it is news."""

    at: float
    doubt: str
    anchor: Anchor | None
    taken_back: float = 0.0


def wall() -> float:
    """What this machine takes for the time, in unix seconds."""
    return time.time()


def steady() -> float:
    """Seconds since this machine was started, asleep or awake where the system counts both; nobody can set them."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


@cache
def boot() -> str:
    """The name of this start of the machine, or "" where the system has none to tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def hear(url: str, date: str | None) -> None:
    """Note what a provider's answer says the time is; it is read only if somebody asks."""
    if date is not None:
        _heard[url] = (date, steady())
        _newest[:] = [url]


def told(url: str | None = None) -> float | None:
    """What time it is by a server's clock, from its newest answer in this run; without `url` by whoever came last."""
    if url is None:
        url = _newest[0] if _newest else ""
    date, came = _heard.get(url, ("", 0.0))
    moment = _read(date)
    return None if moment is None else moment + steady() - came


def best(url: str) -> float:
    """What time it is by a server's clock where it was heard, or else by ours."""
    by_theirs = told(url)
    return wall() if by_theirs is None else by_theirs


def sharp(url: str) -> float:
    """What time it is by ours, which knows parts of a second, where a server's agrees; else by the server's."""
    ours, theirs = wall(), best(url)
    return ours if abs(ours - theirs) <= LAG_S else theirs


def forget() -> None:
    """Forget what was heard, as the end of a process does."""
    _heard.clear()
    _newest.clear()


@lru_cache(4)
def _read(date: str) -> float | None:
    """`Sun, 06 Nov 1994 08:49:37 GMT` in unix seconds. By hand: the library's way costs a start more than all else."""
    try:
        _, day, month, year, clock, zone = date.split()
        hour, minute, second = (int(part) for part in clock.split(":"))
        moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() if zone == "GMT" else None


def begin(newest: float = 0.0) -> Anchor:
    """The first anchor of a ledger: its time begins as the wall clock's, and never before its newest entry."""
    at = max(wall(), newest)
    return Anchor(boot(), steady(), at, at)


def reckon(anchor: Anchor) -> Reckoning:
    """The ledger's time now.

    Within one start of the machine it is the steady clock's alone. After a new start it is the wall clock's, unless
    that is behind the furthest it was or away from what a provider told: then only what the steady clock has counted
    since is certain to have passed.
    """
    now, by_wall, by_theirs = steady(), wall(), told()
    same = bool(anchor.boot) and boot() == anchor.boot and now >= anchor.steady
    doubt, jump, epoch, taken_back = "", 0.0, 0.0, 0.0
    if same:
        at, jump, epoch = anchor.at + now - anchor.steady, anchor.jump, anchor.epoch
        if jump and by_theirs is not None:
            if abs(epoch + now - by_theirs) > TOLERANCE_S:  # what was believed when this start began was not true
                at, taken_back = at - jump, jump
            jump = 0.0
    else:
        began = anchor.boot != boot() if anchor.boot and boot() else now < anchor.steady
        at = least = anchor.at + (now if began else max(0.0, now - anchor.steady))
        doubt = _doubted(anchor, by_wall, by_theirs)
        if not doubt:
            at = max(least, anchor.at + by_wall - anchor.wall)
            jump = at - least if at - least > TOLERANCE_S and by_theirs is None else 0.0
            epoch = by_wall - now
    furthest = max(by_wall, anchor.wall + now - anchor.steady if same else anchor.wall)
    ahead = None if by_theirs is None else by_theirs - by_wall
    if by_theirs is not None and by_theirs > furthest + TOLERANCE_S:
        furthest = by_theirs
    # A provider that contradicts the wall clock after a start is believed for as long as that lasts. Of a clock that is
    # merely behind nothing is noted: NTP may set it right any moment, and then it says how long the machine was off.
    news = bool(doubt and by_theirs is not None and by_wall >= anchor.wall) or (
        not doubt
        and (
            not same
            or furthest - anchor.wall - (now - anchor.steady) > 2
            or (bool(anchor.jump) and not jump)
            or (ahead is not None and (anchor.ahead is None or abs(ahead - anchor.ahead) > 60))
        )
    )
    fresh = Anchor(boot(), now, at, furthest, anchor.ahead if ahead is None else ahead, jump, epoch)
    return Reckoning(at, doubt, fresh if news else None, taken_back)


def _doubted(anchor: Anchor, by_wall: float, by_theirs: float | None) -> str:
    """Why the wall clock proves nothing after a new start, or ""."""
    if by_wall < anchor.wall:
        return "this machine's clock is behind the newest entry of the journal"
    ahead = anchor.ahead if by_theirs is None else by_theirs - by_wall
    if ahead is not None and abs(ahead) > TOLERANCE_S:
        return f"this machine's clock is {abs(ahead) / 60:.0f} min off what a provider told"
    return ""
