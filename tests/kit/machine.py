"""A machine whose clock can be set, that can be started anew, and in which time passes at once, for runs in process."""

from __future__ import annotations

import time

import pytest

from amani_cli import clocks
from amani_cli.store.clock import ServerClock


class Machine:
    """What `clocks` sees instead of the real thing. Providers' own clocks go on, whatever is done to ours."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wrong = 0.0
        self._passed = self._ran = 0.0
        self._started = time.monotonic() - 1000
        self._boot = 1
        read = clocks._read
        patch.setattr(clocks, "wall", lambda: time.time() + self._passed + self.wrong)
        patch.setattr(clocks, "steady", lambda: time.monotonic() - self._started + self._ran)
        patch.setattr(clocks, "boot", lambda: f"boot-{self._boot}")

        def shifted(date: str) -> float | None:
            moment = read(date)
            return None if moment is None else moment + self._passed

        patch.setattr(clocks, "_read", shifted)
        hear = ServerClock.hear
        # The server of a ledger has a clock that nobody sets here, and time passes for it too.
        patch.setattr(ServerClock, "hear", lambda clock, at: hear(clock, at + self._passed))

    def set(self, wrong: float) -> None:
        """Set the clock: so many seconds ahead (or behind) of what is true, 0 for right."""
        self.wrong = wrong

    def goes_on(self, seconds: float) -> None:
        """Let time pass, for this machine and for everybody."""
        self._passed += seconds
        self._ran += seconds

    def restart(self, off: float = 10.0) -> None:
        """Start the machine anew, after it was off for a while."""
        self._boot += 1
        self._passed += off
        self._ran, self._started = 0.0, time.monotonic() - 20
