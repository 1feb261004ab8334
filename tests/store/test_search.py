"""`history list --search` finds the same payments with its index as without, whatever became of the index."""

from __future__ import annotations

import random
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amani_cli.store import listing, search
from amani_cli.store.listing import Filter
from amani_cli.store.sqlite import SqliteStore, open_store
from tests.kit.driver import Amani
from tests.kit.journals import add_payment, add_wallet, writing

pytestmark = pytest.mark.sqlite  # the index beside the file; that of a server: tests/team

MEMOS = ("tea", "Tea for 2", "rent_8 50%", 'a "quote"', "Öl für José", "東京駅で", "", "=SUM(A1)", "100% tea\ttime")
KEY = "02" + "ab" * 32


def fill(home: Path, number: int, seed: int = 1) -> None:
    chance = random.Random(seed)
    with writing(home) as (_, db):
        wallet = add_wallet(db, f"main {seed}")
        for each in range(number):
            add_payment(
                db,
                wallet,
                1000,
                f"2026-08-01T00:{each // 60 % 60:02}:{each % 60:02}Z",
                id=f"pay_{seed}{each:04}",
                memo=chance.choice(MEMOS),
                reference=chance.choice((None, f"Order-{each}")),
                destination=chance.choice((None, KEY, "ada@example.com", "bank:058/0123456789")),
                payment_hash=chance.randbytes(32).hex(),
            )


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    fill(home, 200)
    store = open_store(home / "amani.db")
    yield store
    store.close()


def found(store: SqliteStore, text: str) -> list[str]:
    return [row.id for row in listing.page(store, Filter(search=text, limit=1000))]


def read_through(store: SqliteStore, text: str) -> list[str]:
    """What the journal itself has, without an index."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search, "candidates", lambda *_: None)
        return found(store, text)


def texts(store: SqliteStore) -> list[str]:
    (hash_, id_) = store.connection.execute("SELECT payment_hash, id FROM payment LIMIT 1").fetchone()
    words = ["tea", "TEA", "rent_8", "50%", '"quote"', "für", "京駅で", "Order-1", "order-17", "example.com", "main 1"]
    machines = [KEY, KEY[:20], "abababab", hash_, hash_[:9], hash_[:9].upper(), hash_[3:20], id_, "pay_10", "bank:058"]
    return [
        *words,
        *machines,
        "x" * 300,
        "tea\0",
        "te",
        "t",
        "(",
        "* OR *",
        "-",
        "NEAR(tea)",
        '"',
        "'''",
        "\udce9ab"[1:],
    ]


def test_the_index_changes_nothing_but_the_time(store: SqliteStore) -> None:
    hits = 0
    for text in texts(store):
        expected = read_through(store, text)
        assert found(store, text) == expected, text
        hits += bool(expected)
    assert hits > 15


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(min_size=1, max_size=12) | st.sampled_from(MEMOS).flatmap(lambda memo: st.just(memo[1:5] or "tea")))
def test_any_text_is_searched_for_as_it_is(home_of_many: SqliteStore, text: str) -> None:
    assert found(home_of_many, text) == read_through(home_of_many, text)


@pytest.fixture(scope="module")
def home_of_many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    home = tmp_path_factory.mktemp("many")
    fill(home, 100)
    store = open_store(home / "amani.db")
    yield store
    store.close()


def test_a_rare_word_is_looked_up_and_a_common_one_met_on_the_way(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = search.candidates(store, "Order-17")
    assert rare is not None
    assert rare[0].count(",") < 20
    monkeypatch.setattr(search, "FEW", 5)
    assert search.candidates(store, "tea") is None


def test_payments_made_since_are_found_and_older_ones_not_read_again(store: SqliteStore, home: Path) -> None:
    assert found(store, "needle") == []
    with store.write() as db:
        add_payment(db, 1, 5, "2026-08-02T00:00:00Z", id="pay_new", memo="a needle")
    read: list[str] = []
    store.connection.set_trace_callback(read.append)
    assert found(store, "needle") == ["pay_new"]
    assert any("rowid>200 AND rowid<=201" in sql for sql in read)
    assert found(store, "tea") == read_through(store, "tea")


def test_an_index_of_another_journal_is_made_anew(home: Path, store: SqliteStore) -> None:
    found(store, "tea")
    store.close()
    (home / "amani.db").unlink()
    fill(home, 300, seed=2)
    other = open_store(home / "amani.db")
    for text in ("tea", "main 2", "main 1", "Order-1"):
        assert found(other, text) == read_through(other, text)
    other.close()


@pytest.mark.parametrize("damage", ["text", "empty", "cut", "folder"])
def test_a_damaged_index_costs_time_and_no_payment(store: SqliteStore, home: Path, damage: str) -> None:
    expected = found(store, "Order-17")
    path = home / search.NAME
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes({"text": b"not a database" * 500, "empty": b"", "cut": content[: len(content) // 2]}[damage])
    assert found(store, "Order-17") == expected
    assert found(store, "Order-17") == expected


def test_a_search_beside_another_that_makes_the_index_reads_the_journal(store: SqliteStore, home: Path) -> None:
    expected = found(store, "Order-17")
    busy = sqlite3.connect(home / search.NAME, isolation_level=None)
    busy.execute("BEGIN EXCLUSIVE")
    with store.write() as db:
        add_payment(db, 1, 5, "2026-08-02T00:00:00Z", id="pay_new", reference="Order-17")
    assert found(store, "Order-17") == ["pay_new", *expected]
    busy.close()


def test_only_its_owner_reads_it(amani: Amani, home: Path) -> None:
    fill(home, 3)
    (item,) = amani("history", "list", "--search", "pay_10001", "--json").data["items"]
    assert item["id"] == "pay_10001"
    for path in home.glob(f"{search.NAME}*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (home / search.NAME).exists()
