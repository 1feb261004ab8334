"""kill -9, Ctrl-C and SIGTERM at each step of what moves money by an LNbits, or makes what money rests on.

The database is whole afterwards, `reconcile` settles what is open, and the same command again does it once.
"""

from __future__ import annotations

import itertools
import signal

import pytest

from tests.faults.line import COMMANDS, Line, World, world
from tests.faults.tally import DEEP, Tally
from tests.faults.test_fincra_kills import is_whole, told_to_stop
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.fault_proxy import Exchange, kill

__all__ = ["world"]

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

MAKERS = ("cheque reissue", "wallet create", "wallet rotate-keys", "invoice create --reference", "history sync")
MOVERS = ("pay", "pay --reference", "transfer", "faucet claim", "cheque create", "cheque claim", "cheque void")
QUICK = ("pay", "batch run", "wallet rotate-keys")

some = pytest.mark.parametrize("name", (*MOVERS, *MAKERS, "batch run") if DEEP else QUICK)
before_and_after = pytest.mark.parametrize("after", [False, True], ids=["before it is heard", "after it was done"])


@some
def test_kill_9_after_each_step_that_lasts(amani: Amani, world: World, name: str, tally: Tally) -> None:
    """After each transaction, each secret kept and each answer; see tests/kit/stop_at.py."""
    line = Line(world, COMMANDS[name])
    for step in itertools.count(1):
        with line.attempt(f"killed after step {step}") as attempt:
            run = amani.process(*attempt.words[:-1], python=("-m", "tests.kit.stop_at", str(step)))
            assert run.code in (0, -9), run
            is_whole(world.home)
        if run.code == 0:
            break
        tally("kills")
    assert step > 2


@before_and_after
@some
def test_kill_9_at_each_request(amani: Amani, world: World, name: str, after: bool, tally: Tally) -> None:
    """While a request is on its way: it never arrives, or it is carried out and nobody is there for the answer."""
    line = Line(world, COMMANDS[name])
    for asked in line.clean():
        with line.attempt(f"killed at {asked.name}") as attempt:
            world.proxy.victim = None
            world.proxy.on(kill(after=after), asked.method, asked.path, nth=asked.nth)
            with amani.started(*attempt.words) as run:
                world.proxy.victim = run
                assert run.wait(PATIENCE_S) == -9
            world.proxy.heal()
            tally("kills")
            is_whole(world.home)


def is_payment(exchange: Exchange) -> bool:
    return exchange.method == "POST" and exchange.path == "/api/v1/payments" and exchange.json["out"] is True


@before_and_after
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("name", [*MOVERS, "batch run"] if DEEP else ["pay", "batch run"])
def test_a_signal_at_each_request(
    amani: Amani, world: World, name: str, number: signal.Signals, after: bool, tally: Tally
) -> None:
    """Until a payment's bytes have left it is interrupted (130, 143), from then on its outcome is unknown (8)."""
    line, is_batch = Line(world, COMMANDS[name]), name == "batch run"
    for asked in line.clean():
        with line.attempt(f"{number.name} at {asked.name}") as attempt:
            world.proxy.victim, seen = None, len(world.proxy.seen)
            stop = told_to_stop(number, after=after, seen_through=is_batch)
            world.proxy.on(stop, asked.method, asked.path, nth=asked.nth)
            with amani.started(*attempt.words) as run:
                world.proxy.victim = run
                ended = amani.ended(run)
            world.proxy.heal()
            tally("signals")
            attempt.ended(ended)
            sent = [is_payment(each) for each in world.proxy.seen[seen:]]
            interrupted = {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
            if is_batch:  # what is on its way is seen through, and nothing more is begun
                assert ended.code in (0, 11, 130, 143), ended
            elif any(sent):
                assert ended.code == 8, ended
            else:
                assert ended.code == interrupted, ended
