"""kill -9, Ctrl-C and SIGTERM at each step of a payout, a transfer, a conversion and a batch: paid once in the end."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import fiat
from tests.faults.fiat import COMMANDS, SENDS_MONEY, World
from tests.faults.tally import DEEP, Tally
from tests.kit import ledgers
from tests.kit.driver import PATIENCE_S, Amani, tell_to_stop
from tests.kit.fault_proxy import Exchange, Fault, kill

pytestmark = pytest.mark.faults

MOVERS = ("pay bank", "pay at a quote", "transfer", "wallet convert", "batch run")
QUICK = ("pay bank", "wallet convert")


@pytest.fixture
def line(amani: Amani, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.2)
    with fiat.world(amani, home, tmp_path) as made:
        yield made


def is_whole(home: Path) -> None:
    """The database opens, and nothing in it is broken."""
    assert ledgers.is_whole(home)


@pytest.mark.parametrize("name", MOVERS if DEEP else QUICK)
def test_kill_9_after_each_step_that_lasts(amani: Amani, home: Path, tmp_path: Path, name: str, tally: Tally) -> None:
    """After each transaction and each answer; see tests/kit/stop_at.py."""
    command = COMMANDS[name]
    for step in itertools.count(1):
        fresh = tmp_path / str(step)
        fresh.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AMANI_HOME", str(fresh / "amani"))
            patch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.2)
            with fiat.world(amani, fresh / "amani", fresh) as line:
                line.prepare(command.after)
                run = amani.process(*line.words(command), python=("-m", "tests.kit.stop_at", str(step)))
                if run.code == 0:
                    break
                assert (run.code, "killed after" in run.stderr) == (-9, True), run
                tally("kills")
                is_whole(line.home)
                line.holds_journal_to_the_record()
                line.repeats_until_certain(command)
    assert step > len(command.asks)


def requests() -> list[tuple[str, int]]:
    """Which request of which command: in the deep run each, else the last that moves money."""
    chosen = []
    for name in MOVERS:
        asks = COMMANDS[name].asks
        last = max(index for index, asked in enumerate(asks) if asked in SENDS_MONEY)
        chosen += [(name, index) for index in range(len(asks)) if DEEP or index == last]
    return chosen


def named(case: tuple[str, int]) -> str:
    return f"{case[0]}: {COMMANDS[case[0]].asks[case[1]]} ({case[1] + 1})"


each_request = pytest.mark.parametrize("case", requests(), ids=named)
before_and_after = pytest.mark.parametrize("after", [False, True], ids=["before it is heard", "after it was done"])


@before_and_after
@each_request
def test_kill_9_at_each_request(line: World, case: tuple[str, int], after: bool, tally: Tally) -> None:
    """While a request is on its way: it never arrives, or it is carried out and nobody is there for the answer."""
    name, index = case
    command = COMMANDS[name]
    line.prepare(command.after)
    line.proxy.on(kill(after=after), nth=index + 1)
    with line.amani.started(*line.words(command), "--json") as run:
        line.proxy.victim = run
        assert run.wait(PATIENCE_S) == -9
    tally("kills")
    is_whole(line.home)
    line.holds_journal_to_the_record()
    line.repeats_until_certain(command)


def told_to_stop(number: signal.Signals, *, after: bool, seen_through: bool) -> Fault:
    """A signal to the client while a request is on its way; `seen_through` says that it will wait for the answer."""

    def fault(exchange: Exchange) -> None:
        if after:
            exchange.forward()
        victim = exchange.proxy.await_victim()
        if seen_through:
            victim.send_signal(number)
            exchange.reply(exchange.answer or exchange.forward())
        else:
            tell_to_stop(victim, number)
            victim.wait(PATIENCE_S)
            exchange.cut()

    return fault


@before_and_after
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@each_request
def test_a_signal_at_each_request(
    line: World, case: tuple[str, int], number: signal.Signals, after: bool, tally: Tally
) -> None:
    """Until a payment's bytes have left it is interrupted (130, 143), from then on its outcome is unknown (8)."""
    name, index = case
    command = COMMANDS[name]
    line.prepare(command.after)
    is_batch = name == "batch run"
    line.proxy.on(told_to_stop(number, after=after, seen_through=is_batch), nth=index + 1)
    with line.amani.started(*line.words(command), "--json") as run:
        line.proxy.victim = run
        ended = line.amani.ended(run)
    tally("signals")
    line.holds_journal_to_the_record()
    left = not SENDS_MONEY.isdisjoint(command.asks[: index + 1])
    if is_batch:  # what is on its way is seen through, and nothing more is begun
        assert ended.code in ((0, 11, 130, 143) if left else (11, 130, 143)), ended
        assert "unknown" not in line.sent().values()
    elif left:
        assert (ended.code, ended.error["money_moved"]) == (8, "maybe")
        assert list(line.sent().values()) == ["unknown"]
    else:
        assert (ended.code, ended.error["money_moved"]) == ({2: 130, 15: 143}[number], "no")
        assert line.sent() == {}
    line.repeats_until_certain(command)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize(("index", "code"), [(2, None), (3, 8), (4, 8)])
def test_signals_again_and_again(
    line: World, index: int, code: int | None, number: signal.Signals, tally: Tally
) -> None:
    """An impatient hand at Ctrl-C cuts nothing short: what is in doubt is said once, and never as if it were not."""

    def impatience(exchange: Exchange) -> None:
        victim = exchange.proxy.await_victim()
        while victim.poll() is None:
            victim.send_signal(number)
            tally("signals")
            exchange.proxy.closing.wait(0.003)
        exchange.cut()

    command = COMMANDS["pay bank"]
    line.proxy.on(impatience, nth=index + 1)
    with line.amani.started(*line.words(command), "--json") as run:
        line.proxy.victim = run
        ended = line.amani.ended(run)
    assert ended.code == (code or {2: 130, 15: 143}[number])
    assert ended.error["money_moved"] == ("maybe" if code else "no")
    line.repeats_until_certain(command)
