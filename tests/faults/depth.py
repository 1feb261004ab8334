"""How hard the adversary tries: a fixed, short run for every change, and with AMANI_TEST_DEEP a long and random one."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

from tests.faults.tally import DEEP

TIMES = 20
"""How many times more a deep run tries."""


def examples(number: int) -> settings:
    """So many examples, the same ones each time; in a deep run more, and others every time."""
    return settings(
        max_examples=number * TIMES if DEEP else number,
        derandomize=not DEEP,
        database=None,
        deadline=None,
        print_blob=True,
        # To shrink a failure can take minutes; the deep run is where it is worth them.
        phases=list(Phase) if DEEP else [Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
