"""How far back the journal has a wallet's history without a gap, by the wallet's id at its server.

A provider tells what happened newest first, page by page. Reading may be cut anywhere: what has been taken in is kept
here as the gaps that are left, so that the next reading begins with what is new, goes on where the last one stopped,
and ends where nothing is missing below.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from amani_cli.store.ledger import Store, upsert
from amani_cli.store.rows import Row, Transaction
from amani_cli.times import now

MARGIN_S = 120
"""Something may become visible after what is younger, or while the provider's clock is set: this much is read again."""
DEPTH = 100
"""So many of the newest may bear a time that is to come without hiding what is really new."""
MOST_GAPS = 8


@dataclass
class Gap:
    """A stretch that is still to be read: from `upper` (None: now) down to `lower` (None: the beginning), in unix
    seconds. `count` is how many entries stood above it when it was read so far."""

    upper: float | None
    lower: float | None
    count: int = 0


@dataclass
class Progress:
    """What has been read of a wallet. `top` is down to where the next reading must come when there is no gap."""

    identity: str
    top: float | None
    gaps: list[Gap]
    stored: str | None

    def begin(self, times: list[float]) -> None:
        """Begin to read, with the times on the first page, newest first."""
        self.gaps.insert(0, Gap(None, self.top))
        if self.top is None:
            del self.gaps[1:]
        if times:
            self.top = min(times[min(DEPTH, len(times) - 1)], times[0] - MARGIN_S)
        while len(self.gaps) > MOST_GAPS:  # what lies between the two is read again
            last = self.gaps.pop()
            self.gaps[-1].lower = last.lower

    def took(self, oldest: float | None, count: int) -> bool:
        """Note that a page of `count` entries is in, down to `oldest`; whether that was the last of the first gap."""
        gap = self.gaps[0]
        gap.count += count
        if oldest is None:
            return False
        if gap.lower is not None and oldest < gap.lower:
            self.gaps.pop(0)
            return True
        gap.upper = oldest
        return False

    def ended(self) -> None:
        """Note that the provider said it has nothing older.

        Where what is to be there was not met, all down to it is read again next time, and what is missing below now:
        one answer that says too little loses nothing.
        """
        lower = self.gaps.pop(0).lower
        if lower is not None and self.top is not None:
            self.top = min(self.top, lower)

    def as_text(self) -> str:
        """What is stored of it."""
        return json.dumps([self.top, [[gap.upper, gap.lower, gap.count] for gap in self.gaps]])

    def save(self, store: Store) -> None:
        """Keep it; after what it speaks of is durably in the journal, and only if it has changed."""
        text = self.as_text()
        if text != self.stored and (self.stored or self.top is not None):
            with store.write() as db:
                db.execute(upsert("read_back", "identity", "progress", "at"), (self.identity, text, now()))
            self.stored = text


def progress(store: Store, identity: str) -> Progress:
    """What has been read of a wallet so far."""
    row = store.one(Row, "SELECT progress FROM read_back WHERE identity=?", identity)
    if row is None:
        return Progress(identity, None, [], None)
    top, gaps = json.loads(row[0])
    return Progress(identity, top, [Gap(*each) for each in gaps], row[0])


def forget(store: Store, identity: str) -> None:
    """Have all of a wallet's history read again the next time."""
    with store.write() as db:
        db.execute("DELETE FROM read_back WHERE identity=?", (identity,))


# -- what may still change, below what is read again --------------------------------------------------------------


def awaited(store: Store, identity: str) -> tuple[dict[str, float], dict[str, float | None]]:
    """The records of a wallet that were pending when they were read: when each was made, and until when it may still
    settle (None: for ever), by payment hash."""
    rows = store.all(Row, "SELECT payment_hash, made, ends FROM awaited WHERE identity=?", identity)
    return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}


def expect(db: Transaction, identity: str, payment_hash: str, made: float, ends: float | None) -> None:
    """Await what becomes of a pending record until `ends` (None: for ever), in unix seconds."""
    db.execute(upsert("awaited", "identity, payment_hash", "made", "ends"), (identity, payment_hash, made, ends))


def came(db: Transaction, identity: str, payment_hash: str) -> None:
    """Await a record no longer."""
    db.execute("DELETE FROM awaited WHERE identity=? AND payment_hash=?", (identity, payment_hash))
