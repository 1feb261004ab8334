"""The ledger's own time: kept with every write that tells something new about it, so that a set clock moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from amani_cli import clocks
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow, Row, Transaction
from amani_cli.times import from_rfc3339

_KEEP = (
    "INSERT INTO clock VALUES (1,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET boot=excluded.boot,"
    " steady=excluded.steady, at=excluded.at, wall=excluded.wall, ahead=excluded.ahead, jump=excluded.jump,"
    " epoch=excluded.epoch"
)


LATELY_S = 2.0


class Stamp(NamedTuple):
    """How far the ledger's and a provider's clocks are ahead of this machine's, in whole seconds."""

    ledger_ahead: int
    told_ahead: int | None


class LedgerClock:
    """What time it is by a ledger, in unix seconds: equal to the wall clock's while nobody has touched that."""

    def __init__(self, read: Callable[[], Row | None]) -> None:
        """`read` gives the one row of the ledger's clock, None where there is none yet."""
        self._read = read
        self._anchor: clocks.Anchor | None = None

    def now(self) -> float:
        """The ledger's time: what lies so many seconds back in it certainly is that long ago."""
        return clocks.reckon(self._known()).at

    def doubt(self) -> str:
        """Why this machine's clock proves nothing now, or ""."""
        return clocks.reckon(self._known()).doubt

    def is_behind(self) -> bool:
        """Whether this machine's clock is behind the newest entry."""
        return clocks.wall() < self._known().wall - clocks.TOLERANCE_S

    def skew(self) -> float:
        """By how many seconds this machine's clock is ahead of the server's; 0 where there is none."""
        return 0.0

    def on_the_wall(self, at: float) -> float:
        """A moment of the ledger's time as this machine's clock will show it, for people."""
        return at + round(clocks.wall() - self.now())

    def earlier(self) -> float:
        """The earlier of the ledger's time and the wall clock's, for what other clocks have dated."""
        return min(self.now(), clocks.wall())

    def lately(self) -> tuple[float, float]:
        """`now` and `earlier`; an engine that is far away says the same for a moment, so that they can be asked by."""
        return self.now(), self.earlier()

    def stamp(self, url: str) -> Stamp:
        """What an entry of now keeps of the time."""
        by_wall, by_theirs = clocks.wall(), clocks.told(url)
        return Stamp(_apart(self.now() - by_wall), None if by_theirs is None else _apart(by_theirs - by_wall))

    def written(self, row: Entry | ChequeRow) -> float:
        """When an entry was written, in the ledger's time."""
        ahead: int = row.ledger_ahead or 0
        return from_rfc3339(row.created_at).timestamp() + ahead

    def since(self, row: Entry, url: str) -> float:
        """How many seconds have certainly passed since an entry was sent to the server at `url`.

        By that server's clock, where it told its time then and now; no more than this machine counted by itself if it
        was not started anew in between.
        """
        counted = self.now() - self.written(row)
        by_theirs = clocks.told(url)
        if by_theirs is None or row.told_ahead is None:
            return counted
        passed: float = by_theirs - from_rfc3339(row.created_at).timestamp() - row.told_ahead
        is_of_this_start = bool(clocks.boot()) and counted < clocks.steady()
        return min(passed, counted) if is_of_this_start else passed

    def keep(self, db: Transaction) -> None:
        """Write down, in the caller's transaction, what is new about the time; nearly always nothing is."""
        if clocks.reckon(self._known()).anchor is None:
            return
        self._anchor = None  # another process may have been first
        reckoned = clocks.reckon(self._known())
        if reckoned.anchor is None:
            return
        db.execute(_KEEP, reckoned.anchor)
        if reckoned.taken_back:
            # What was dated by a clock that turned out to be wrong is brought back with it.
            back = (reckoned.taken_back, reckoned.at)
            db.execute("UPDATE event SET at=at-? WHERE at>?", back)
            db.execute("UPDATE request SET filed=filed-?, ends=ends-? WHERE filed>?", (reckoned.taken_back, *back))
        self._anchor = reckoned.anchor

    def _known(self) -> clocks.Anchor:
        if self._anchor is None:
            row = self._read()
            self._anchor = clocks.begin() if row is None else clocks.Anchor(*tuple(row)[1:])
        return self._anchor


class ServerClock(LedgerClock):
    """The server's time, which is the ledger's for every machine; between two answers this machine counts on."""

    def __init__(self, ask: Callable[[], float]) -> None:
        """`ask` gives the server's time in unix seconds."""
        super().__init__(lambda: None)
        self._ask = ask
        self._heard: tuple[float, float] | None = None
        self._said: tuple[tuple[float, float], float] | None = None

    def hear(self, at: float) -> None:
        """Take what the server just said."""
        self._heard = (at, clocks.steady())

    def now(self) -> float:
        """The server's time."""
        if self._heard is None:
            self.hear(self._ask())
        assert self._heard is not None
        at, came = self._heard
        return at + clocks.steady() - came

    def lately(self) -> tuple[float, float]:
        """The server's time, and the earlier of it and the wall clock's, as they were up to `LATELY_S` ago."""
        if self._said is None or not 0 <= clocks.steady() - self._said[1] <= LATELY_S:
            self._said = super().lately(), clocks.steady()
        return self._said[0]

    def doubt(self) -> str:
        """Nothing: the server's clock is the one that counts."""
        return ""

    def is_behind(self) -> bool:
        """Never: entries are dated by the server."""
        return False

    def skew(self) -> float:
        """By how many seconds this machine's clock is ahead of the server's."""
        return clocks.wall() - self.now()


def _apart(seconds: float) -> int:
    """Whole seconds; one or two are what a request and rounding take."""
    return 0 if abs(seconds) <= 2 else round(seconds)
