"""What this run's calls to providers cost: counted here as they end, written down once, by `store.figures`."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

# Around what the field watches: 150, 200, 300 and 500 ms.
BUCKETS_MS = (150, 200, 300, 500, 1000, 5000)


class Endpoint(NamedTuple):
    """What was called: ids are taken out of its path, so that there are few of them."""

    provider: str
    method: str
    path: str


# Calls, errors, milliseconds in all, then how many were within each of BUCKETS_MS.
_seen: dict[Endpoint, list[int]] = {}
_lock = Lock()


def note(provider: str, method: str, path: str, took_ms: int, *, failed: bool) -> None:
    """Count one call. An endpoint's path is kept without what tells one wallet or payment from another."""
    parts = ("{id}" if len(part) > 7 and any(map(str.isdigit, part)) else part for part in path.split("/"))
    endpoint = Endpoint(provider.lower(), method, "/".join(parts))
    with _lock:
        counts = _seen.setdefault(endpoint, [0] * (3 + len(BUCKETS_MS)))
        counts[0] += 1
        counts[1] += failed
        counts[2] += took_ms
        for index, limit in enumerate(BUCKETS_MS, 3):
            counts[index] += took_ms <= limit


def taken() -> dict[Endpoint, list[int]]:
    """What was counted since the last time this was asked for."""
    with _lock:
        seen = dict(_seen)
        _seen.clear()
    return seen
