"""The ledger's own time: what it makes of a clock that is set, a machine that starts anew, and providers' words."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli import clocks
from amani_cli.store import marks
from amani_cli.store.sqlite import SqliteStore, open_store
from tests.kit.machine import Machine

pytestmark = pytest.mark.sqlite  # a server's clock is the ledger's by itself

DAY = 86400.0
URL = "https://provider.example"


@pytest.fixture
def store(home: Path, machine: Machine) -> SqliteStore:
    """A ledger that was written to just now."""
    store = open_store(home / "amani.db")
    write(store)
    return store


def write(store: SqliteStore) -> None:
    """Anything that is written takes what is new about the time along."""
    with store.write() as db:
        marks.make(db, "test", "x")


def passed(store: SqliteStore, since: float) -> int:
    """Seconds by a fresh process' look at the ledger's time."""
    store.clock._anchor = None
    return round(store.clock.now() - since)


def hear(machine: Machine, wrong: float = 0.0) -> None:
    """A provider says what time it is; its clock may be wrong too."""
    moment = clocks.wall() - machine.wrong + wrong
    clocks._heard[URL] = ("x", clocks.steady())
    clocks._newest[:] = [URL]
    clocks._read = lambda date: moment if date else None  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "_read", clocks._read)
    clocks.forget()


@pytest.mark.parametrize("wrong", [DAY, 400 * DAY, -DAY, -20_000 * DAY, 1.0e9])
def test_a_clock_that_is_set_moves_nothing_within_one_start(store: SqliteStore, machine: Machine, wrong: float) -> None:
    began = store.clock.now()
    machine.set(wrong)
    machine.goes_on(60)
    assert passed(store, began) == 60
    write(store)
    machine.goes_on(60)
    assert passed(store, began) == 120
    machine.set(0)
    write(store)
    machine.goes_on(60)
    assert passed(store, began) == 180
    assert store.clock.doubt() == ""


def test_after_a_start_the_wall_clock_says_how_long_it_was_off(store: SqliteStore, machine: Machine) -> None:
    began = store.clock.now()
    machine.restart(off=5000)
    assert passed(store, began) == 5000
    write(store)
    machine.goes_on(60)
    assert passed(store, began) == 5060


@pytest.mark.parametrize("between", ["a write", "nothing"])
def test_after_a_start_with_a_clock_that_is_behind_only_what_it_ran_has_passed(
    store: SqliteStore, machine: Machine, between: str
) -> None:
    began = store.clock.now()
    machine.set(-DAY)
    machine.restart(off=5000)
    assert passed(store, began) == 20  # it has been running for 20 s
    assert "behind the newest entry" in store.clock.doubt()
    if between == "a write":
        write(store)
    machine.set(0)  # as NTP does once there is a network
    assert passed(store, began) == 5000
    assert store.clock.doubt() == ""


def test_a_clock_set_within_a_start_frees_nothing_at_the_next(store: SqliteStore, machine: Machine) -> None:
    for wrong in (DAY, -DAY):
        began = store.clock.now()
        machine.set(wrong)
        write(store)
        machine.restart()
        assert passed(store, began) <= 20
        machine.set(0)
        write(store)


def test_back_within_a_start_and_right_after_the_next_gains_nothing(store: SqliteStore, machine: Machine) -> None:
    began = store.clock.now()
    machine.set(-DAY)
    write(store)
    machine.set(0)
    machine.restart(off=10)
    assert passed(store, began) <= 20


def test_a_provider_s_word_outranks_the_wall_clock_after_a_start(store: SqliteStore, machine: Machine) -> None:
    began = store.clock.now()
    machine.set(DAY)
    machine.restart()
    assert passed(store, began) > DAY  # nobody told anything: there is nothing better
    hear(machine)
    assert passed(store, began) == 20
    assert "min off what a provider told" in store.clock.doubt()


def test_what_was_believed_after_a_start_is_taken_back_once_a_provider_tells(
    store: SqliteStore, machine: Machine
) -> None:
    began = store.clock.now()
    machine.set(DAY)
    machine.restart()
    write(store)  # the lie is in the ledger now
    machine.goes_on(60)
    assert passed(store, began) > DAY
    hear(machine)
    assert passed(store, began) == 80
    write(store)
    machine.goes_on(60)
    clocks.forget()
    assert passed(store, began) == 140


def test_what_a_provider_told_before_the_start_is_remembered(store: SqliteStore, machine: Machine) -> None:
    machine.set(DAY)  # a machine that is a day ahead for ever
    hear(machine)
    write(store)
    began = store.clock.now()
    clocks.forget()
    machine.restart()
    assert passed(store, began) == 20
    assert "min off what a provider told" in store.clock.doubt()


def test_a_provider_s_word_moves_no_lock_within_a_start(store: SqliteStore, machine: Machine) -> None:
    """Or whoever runs a server of their own could end a lock."""
    began = store.clock.now()
    hear(machine, wrong=10 * DAY)
    machine.goes_on(60)
    assert passed(store, began) == 60
    write(store)
    assert passed(store, began) == 60


def test_without_a_name_for_the_start_the_clock_counts_no_less(
    store: SqliteStore, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "boot", lambda: "")
    store.clock._anchor = None
    began = store.clock.now()
    machine.goes_on(60)
    assert passed(store, began) == 60
    machine.set(-DAY)
    machine.goes_on(60)
    assert 60 <= passed(store, began) <= 120


@pytest.mark.parametrize(
    ("date", "unix"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1483228799.0),
        *((bad, None) for bad in ("", "now", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 36 Nov 1994 08:49:37 GMT", "\x00")),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
    ],
)
def test_a_date_is_read_or_it_is_none(date: str, unix: float | None) -> None:
    assert clocks._read(date) == unix
