"""The simulated world with one ledger for its machines: a few seeds, and scripts that showed a fault."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kit.postgres_server import PostgresServer
from tests.simulation import run
from tests.simulation.shared_ledger import Ledgers

pytestmark = pytest.mark.store

SEEDS = (1, 2)
STEPS = 40
MOST_S = 8.0
_spent = {"s": 0.0}


@pytest.fixture
def ledgers(postgres_server: PostgresServer) -> Ledgers:
    """Where each world has a database of its own."""
    return Ledgers(postgres_server)


@pytest.fixture(autouse=True)
def ledger() -> str:
    """None: each world makes its own."""
    return ""


@pytest.mark.parametrize("path", run.kept("postgresql"), ids=lambda path: path.stem)
def test_a_script_that_once_showed_a_fault_shows_none(ledgers: Ledgers, path: Path) -> None:
    outcome = run.replay(path, ledgers)
    assert not outcome.found, run.report(outcome)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong_in_a_world_of_several_machines(ledgers: Ledgers, seed: int) -> None:
    if _spent["s"] > MOST_S:
        pytest.skip("a minute is over: the machine is slow; `make simulate STORE=postgresql` runs as many as you like")
    began = time.perf_counter()
    outcome = run.live(seed, STEPS, ledgers=ledgers)
    _spent["s"] += time.perf_counter() - began
    assert not outcome.found, run.report(run.shorten(outcome, 20))


def test_a_seed_gives_the_same_world_again(ledgers: Ledgers) -> None:
    one, other = run.live(3, 12, ledgers=ledgers), run.live(3, 12, ledgers=ledgers)
    assert (one.log, one.script, one.counts) == (other.log, other.script, other.counts)
