"""The simulated world in the suite: a fixed set of seeds, and every script that once showed a fault."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.simulation import mutants, run

SEEDS = range(1, 11)
STEPS = 90
MOST_S = 40.0
_spent = {"s": 0.0}


@pytest.mark.parametrize("path", run.kept(), ids=lambda path: path.stem)
def test_a_script_that_once_showed_a_fault_shows_none(path: Path) -> None:
    outcome = run.replay(path)
    assert not outcome.found, run.report(outcome)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong_in_a_world(seed: int) -> None:
    if _spent["s"] > MOST_S:
        pytest.skip("a minute is over: the machine is slow; `make simulate` runs as many as you like")
    began = time.perf_counter()
    outcome = run.live(seed, STEPS)
    _spent["s"] += time.perf_counter() - began
    assert not outcome.found, run.report(run.shorten(outcome, 20))


def test_a_seed_gives_the_same_world_again() -> None:
    one, other = run.live(4, 40), run.live(4, 40)
    assert (one.log, one.script, one.counts) == (other.log, other.script, other.counts)


def test_every_known_fault_can_still_be_put_back() -> None:
    """Each text that `make mutants` replaces stands in the code once: else nobody hunts that fault any more."""
    texts = [path.read_text() for path in (mutants.CLONE / "amani_cli").rglob("*.py")]
    found = {old: sum(text.count(old) for text in texts) for each in mutants.MUTANTS for old, _ in each.changes}
    assert {old: number for old, number in found.items() if number != 1} == {}
