"""Keeping to the pace that a server allows: all threads of a batch wait out its rate limit together."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.payments import lightning_rail
from amani_cli.payments.verdict import Found
from amani_cli.providers.base import PayAnswer
from amani_cli.store.entries import Entry
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits

# A stock LNbits takes 200 requests a minute of one address on one route, and says no more than 429 to the next one.
STOCK_INTERVAL_S = 60 / 195
PAUSE_S, LONGEST_PAUSE_S = 2.0, 20.0
LONGEST_WAIT_S = 600.0  # its window is a minute: whoever is turned away for so long is not waited for


class Pace:
    """When the next request may go out: at once, until the server says that it is too much; then as it likes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0
        self._interval = 0.0
        self._pause = PAUSE_S

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._interval
        time.sleep(max(0.0, turn - time.monotonic()))

    @property
    def next(self) -> float:
        """The moment, on the monotonic clock, before which no request goes out."""
        return self._next

    def too_much(self) -> None:
        """The server refused a request for its number: it did nothing with it. Everybody slows down."""
        with self._lock:
            self._interval = STOCK_INTERVAL_S
            self._next = max(self._next, time.monotonic() + self._pause)
            self._pause = min(self._pause * 1.5, LONGEST_PAUSE_S)

    def fine(self) -> None:
        """A request got through."""
        self._pause = PAUSE_S


@dataclass(frozen=True)
class Paced:
    """A Lightning rail that waits out the server's rate limit: a 429 is no answer to a payment."""

    client: Lnbits
    ws: Workspace
    pace: Pace
    rail: lightning_rail.Lightning

    def post(self, row: Entry) -> PayAnswer:
        """Pay the entry's bolt11 as soon as the server takes it; not for ever, and not past the invoice's end."""
        ends = time.monotonic() + min(LONGEST_WAIT_S, _left_s(row))
        while True:
            self._take_turn()
            answer = self.rail.post(row)
            if answer.heard != "limited":
                self.pace.fine()
                return answer
            self.pace.too_much()
            if self.pace.next > ends:
                return answer

    def fee_reserve(self, bolt11: str) -> int:
        """The most that routing may cost, by the server's settings."""
        ends = time.monotonic() + LONGEST_WAIT_S
        while True:
            self._take_turn()
            try:
                return self.client.fee_reserve_msat(bolt11)
            except errors.Unreachable as error:
                if error.code != "RATE_LIMITED":
                    raise
                self.pace.too_much()
                if self.pace.next > ends:
                    raise

    def _take_turn(self) -> None:
        self.pace.wait()
        self.ws.deadline = self.client.line.deadline = time.monotonic() + self.ws.timeout

    def find(self, row: Entry) -> Found:
        """The wallet's own record of it."""
        return self.rail.find(row)

    def never_arrived(self, row: Entry) -> bool:
        """As for any payment."""
        return self.rail.never_arrived(row)


def _left_s(row: Entry) -> float:
    """How long an entry's invoice can still be paid."""
    assert row.expires_at is not None  # every invoice ends
    return from_rfc3339(row.expires_at).timestamp() - time.time()
