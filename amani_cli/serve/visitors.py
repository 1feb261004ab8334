"""How much visitors may ask for, and what was served: kept in memory, so that a page never waits for a disk."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from threading import Lock

MOST_ADDRESSES = 20_000
"""So many are remembered; the one that has been silent for longest is forgotten first."""


class Rate:
    """Lets each of many names do something so often in a time, and counts in memory alone."""

    def __init__(self, limit: tuple[int, int] | None) -> None:
        """`limit` is how often in how many seconds; None is any number."""
        self._limit = limit
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def takes(self, name: str) -> bool:
        """Whether this name may now; if it may, it has."""
        if self._limit is None:
            return True
        most, seconds = self._limit
        moment = time.monotonic()
        with self._lock:
            times = self._seen.pop(name, None) or deque()
            self._seen[name] = times  # the newest is at the end
            while times and times[0] <= moment - seconds:
                times.popleft()
            if len(self._seen) > MOST_ADDRESSES:
                self._seen.popitem(last=False)
            if len(times) >= most:
                return False
            times.append(moment)
            return True


class Counts:
    """What was served since it was last written down."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, what: str) -> None:
        """Count one more."""
        with self._lock:
            self._counts[what] += 1

    def taken(self) -> dict[str, int]:
        """All of it, which from now on is somebody else's to keep."""
        with self._lock:
            counted, self._counts = dict(self._counts), Counter()
        return counted

    def give_back(self, counted: dict[str, int]) -> None:
        """Count what could not be kept."""
        with self._lock:
            self._counts.update(counted)


def neighbourhood(address: str) -> str:
    """What counts as one visitor: an IPv4 address, or the /64 of an IPv6 one, of which anybody has any number."""
    import ipaddress

    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
