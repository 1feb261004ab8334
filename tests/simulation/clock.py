"""The world's time: one true clock, and what each machine takes for it. Waiting costs nothing."""

from __future__ import annotations

from email.utils import formatdate

BEGINNING = 1_790_000_000.0
"""2026-09-21: when every world begins."""


class Clock:
    """True time, in unix seconds; it goes on when somebody waits, and by a hair whenever somebody looks."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def pass_(self, seconds: float) -> None:
        """Let time pass, for everybody."""
        self.now += max(0.0, seconds)

    def date(self) -> str:
        """The time as a server's `Date` says it."""
        return formatdate(self.now, usegmt=True)


class Watch:
    """The two clocks of one machine: the wall clock can be wrong, the steady one counts from its start."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wrong = 0.0
        self.boots = 1
        self._started = clock.now - 1000

    def wall(self) -> float:
        """What the machine takes for the time. Nobody looks twice at the very same moment."""
        self.clock.now += 0.000_01
        return self.clock.now + self.wrong

    def steady(self) -> float:
        """Seconds since the machine was started."""
        self.clock.now += 0.000_01
        return self.clock.now - self._started

    def boot(self) -> str:
        """The name of this start."""
        return f"boot-{self.boots}"

    def restart(self, off: float) -> None:
        """Start the machine anew, after it was off for a while."""
        self.clock.pass_(off)
        self._started = self.clock.now - 20
        self.boots += 1
