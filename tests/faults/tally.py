"""Counts what the adversary tried, over all workers, and says it at the end of a run.

def test_…(tally: Tally) -> None:
    tally("faults")  # one more; or tally("processes", 24)
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Literal

import pytest

DEEP = bool(os.environ.get("AMANI_TEST_DEEP"))
"""Whether every combination is asked for (`make faults`), or what covers each of them once (`make test`)."""

Kind = Literal["faults", "kills", "signals", "processes", "inputs", "secrets"]
Tally = Callable[..., None]
_MARK = "tally"


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Says how many of a kind this test has tried."""

    def add(kind: Kind, number: int = 1) -> None:
        # The report of a test carries these from a worker to the run that sums them up.
        request.node.user_properties.append((_MARK, [kind, number]))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The sums, by file."""
    sums: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call":
                for name, value in report.user_properties:
                    if name == _MARK:
                        sums.setdefault(report.nodeid.partition("::")[0], Counter())[value[0]] += value[1]
    if sums:
        terminalreporter.section("what was tried")
        for file, counted in sorted(sums.items()):
            said = ", ".join(f"{number:,} {kind}" for kind, number in sorted(counted.items()))
            terminalreporter.write_line(f"{file}: {said}")
