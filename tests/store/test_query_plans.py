"""A page costs the same however long the journal is: each filter has its index, and nothing large is sorted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from amani_cli.books import exports
from amani_cli.books.reading import Books
from amani_cli.store import bookings, journal, listing, rules
from amani_cli.store.listing import Filter
from amani_cli.store.rows import Row
from amani_cli.store.sqlite import SqliteStore, open_store
from amani_cli.times import Period
from amani_cli.workspace import Workspace
from tests.kit.journals import add_payment, add_wallet, writing

pytestmark = pytest.mark.sqlite  # SQLite's own planner

NEWEST_FIRST = "payment_created"


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    with writing(home) as (_, db):
        wallet = add_wallet(db, "main")
        for number in range(20):
            add_payment(db, wallet, 1000 + number, f"2026-08-01T00:00:{number:02}Z")
    store = open_store(home / "amani.db")
    yield store
    store.close()


def plan_of(store: SqliteStore, act: object) -> list[str]:
    """How SQLite goes about the last query that something makes."""
    made: list[str] = []
    store.connection.set_trace_callback(made.append)
    assert callable(act)
    act()
    store.connection.set_trace_callback(None)
    return [row[-1] for row in store.all(Row, f"EXPLAIN QUERY PLAN {made[-1]}")]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(), NEWEST_FIRST),
        (Filter(after=("2026-08-01T00:00:10Z", "pay_x")), NEWEST_FIRST),
        (Filter(since="2026-08-01T00:00:05Z"), NEWEST_FIRST),
        (Filter(until="2026-08-01T00:00:05Z"), NEWEST_FIRST),
        (Filter(status="settled"), NEWEST_FIRST),
        (Filter(search="co"), NEWEST_FIRST),
        (Filter(wallet_id=1), "payment_wallet"),
        (Filter(status="failed"), "payment_failed"),
        (Filter(direction="in"), "payment_in"),
        (Filter(direction="out"), "payment_out"),
    ],
)
def test_a_filter_reads_the_page_in_its_order_from_an_index(store: SqliteStore, wanted: Filter, index: str) -> None:
    (step,) = plan_of(store, lambda: listing.page(store, wanted))  # one step: nothing is sorted
    assert f"INDEX {index}" in step


def test_open_outcomes_come_from_their_own_index(store: SqliteStore) -> None:
    plan = plan_of(store, lambda: listing.page(store, Filter(status="unknown")))
    assert "INDEX payment_open" in plan[0]  # there are few of them, so that sorting them costs nothing
    plan = plan_of(store, lambda: journal.count_open(store))
    assert "INDEX payment_open" in plan[0]


@pytest.mark.parametrize("wanted", [Filter(min_msat=1_010_000), Filter(max_msat=1_010_000)])
def test_a_rare_amount_is_looked_up_and_a_common_one_is_met_on_the_way(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, wanted: Filter
) -> None:
    rare = plan_of(store, lambda: listing.page(store, wanted))
    assert "INDEX payment_amount" in rare[0]
    found = [row.id for row in listing.page(store, wanted)]
    monkeypatch.setattr(listing, "_FEW", 3)
    (common,) = plan_of(store, lambda: listing.page(store, wanted))
    assert f"INDEX {NEWEST_FIRST}" in common
    assert [row.id for row in listing.page(store, wanted)] == found


def test_an_earlier_attempt_is_found_by_its_hash(store: SqliteStore) -> None:
    for act in (
        lambda: journal.sent_for(store.connection, "ab" * 32),
        lambda: journal.last_attempt(store.connection, 1, "ab" * 32, "out"),
    ):
        assert "INDEX payment_hash (payment_hash=?)" in plan_of(store, act)[0]


def test_an_export_is_read_in_its_order_and_not_held(store: SqliteStore) -> None:
    steps = plan_of(store, lambda: next(bookings.settled(store, "2026-08-01", None, None, False)))
    assert "INDEX payment_settled" in steps[0]
    assert not [step for step in steps if "TEMP B-TREE" in step]


def test_an_export_holds_one_row_at_a_time(store: SqliteStore, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    each = SqliteStore.each

    def counted(self: SqliteStore, kind: type[Row], sql: str, *values: object) -> Iterator[object]:
        nonlocal read
        for row in each(self, kind, sql, *values):
            read += 1
            yield row

    monkeypatch.setattr(SqliteStore, "each", counted)
    for form in exports.FORMATS:
        read = 0
        lines = exports.lines(Books(Workspace({"AMANI_HOME": str(home)}), Period()), form)
        written = 0
        for line in lines:
            written += "pay_" in line or form in ("ledger", "beancount")
            assert read <= written + 1, form
        assert read == 20


def test_a_rare_word_is_looked_up(store: SqliteStore) -> None:
    with store.write() as db:
        add_payment(db, 1, 5, "2026-08-02T00:00:00Z", memo="a needle")
    steps = plan_of(store, lambda: listing.page(store, Filter(search="needle", wallet_id=1)))
    assert steps[0] == "SEARCH payment USING INTEGER PRIMARY KEY (rowid=?)"


def test_a_day_s_spending_is_found_by_its_dates_and_what_a_wrong_clock_dated_by_itself(store: SqliteStore) -> None:
    since = rules.Since(1_700_000_000, 1_700_000_000)
    steps = plan_of(store, lambda: rules.oldest_spend(store.connection, "remote-main", "msat", since))
    searches = [step for step in steps if step.startswith("SEARCH payment")]
    assert "INDEX payment_remote (remote_wallet_id=? AND created_at>?)" in searches[0]
    assert "INDEX payment_astray" in searches[1]
    assert len(searches) == 2
