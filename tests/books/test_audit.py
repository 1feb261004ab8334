"""The audit log: what it lists, and that no change to it goes unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amani_cli.store import audit
from tests.kit import ledgers
from tests.kit.driver import Amani

ENTRIES = (
    ("pin set", "main", "done", None),
    ("pay", "main", "sending", "rent"),
    ("pay", "main", "settled", None),
    ("key rotation", "Other One", "done", None),
    ("limit change", "main", "per day 5", "owner's wish"),
)

INSERT = (
    "INSERT INTO audit SELECT {seq}, at, who, actor, what, wallet, subject, 9, outcome, reason, hash"
    " FROM audit WHERE seq=5"
)


@pytest.fixture
def log(home: Path) -> Path:
    """The home of a ledger with a log of five entries."""
    store = ledgers.opened(home)
    with store.write() as db:
        for what, wallet, outcome, reason in ENTRIES:
            audit.append(db, what, wallet=wallet, outcome=outcome, reason=reason, amount_msat=1000, actor="bot")
    store.close()
    return home


def change(home: Path, *statements: str) -> None:
    for statement in statements:
        ledgers.change(home, statement)


def verdict(amani: Amani, *options: object) -> tuple[int, dict[str, Any]]:
    result = amani("audit", "verify", "--json", *options)
    found = result.json["data"]
    assert isinstance(found, dict)
    return result.code, found


def test_an_empty_log_is_whole(amani: Amani) -> None:
    code, found = verdict(amani)
    assert (code, found["entries"], found["intact"], found["head"]) == (0, 0, True, audit.GENESIS)


def test_list_filters_and_pages(amani: Amani, log: Path) -> None:
    def seqs(*options: object) -> list[int]:
        return [item["seq"] for item in amani("audit", "list", "--json", *options).data["items"]]

    assert seqs() == [5, 4, 3, 2, 1]
    assert seqs("--what", "pay") == [3, 2]
    assert seqs("--what", "pin") == [1]
    assert seqs("--what", "pin set") == [1]
    assert seqs("--what", "pi") == seqs("--what", "%") == []
    assert seqs("--wallet", "other one") == [4]
    assert seqs("--since", "1h") == [5, 4, 3, 2, 1]
    assert seqs("--until", "1h") == []
    first = amani("audit", "list", "--json", "--limit", 2).data
    assert [item["seq"] for item in first["items"]] == [5, 4]
    assert seqs("--after", first["next"]) == [3, 2, 1]
    assert amani("audit", "list", "--json", "--after", 10**23).code == 2  # more than any ledger counts to


def test_an_entry_says_who_and_why(amani: Amani, log: Path) -> None:
    item = amani("audit", "list", "--json", "--limit", 1).data["items"][0]
    assert item["actor"] == "bot"
    assert "@" in item["who"]
    assert item["reason"] == "owner's wish"
    shown = amani("audit", "list").stdout
    assert "owner's wish" in shown
    assert "for bot" in shown


def test_a_whole_log_gives_its_head(amani: Amani, log: Path) -> None:
    code, found = verdict(amani)
    assert (code, found["entries"], found["intact"], found["broken_at"]) == (0, 5, True, None)
    assert amani("audit", "verify", "-q").stdout.strip() == found["head"]
    assert verdict(amani, "--head", found["head"])[0] == 0


@pytest.mark.parametrize(
    ("statements", "broken_at"),
    [
        (["UPDATE audit SET amount_msat=1 WHERE seq=3"], 3),
        (["UPDATE audit SET reason=NULL WHERE seq=2"], 2),
        (["UPDATE audit SET outcome=x'00' WHERE seq=4"], 4),
        (["UPDATE audit SET amount_msat=1000.0 WHERE seq=4"], None),  # SQLite keeps an integer in such a column
        (["UPDATE audit SET hash='" + "0" * 64 + "' WHERE seq=5"], 5),
        (["DELETE FROM audit WHERE seq=3"], 3),
        (["DELETE FROM audit WHERE seq=1"], 1),
        (["DELETE FROM audit WHERE seq IN (2, 3)"], 2),
        (["DELETE FROM audit WHERE seq=3", "UPDATE audit SET seq=seq-1 WHERE seq>3"], 3),
        ([INSERT.format(seq=6)], 6),
        ([INSERT.format(seq=0)], 0),
    ],
)  # fmt: skip
def test_a_change_is_found_where_it_is(amani: Amani, log: Path, statements: list[str], broken_at: int | None) -> None:
    change(log, *statements)
    code, found = verdict(amani)
    assert (code, found["broken_at"]) == ((13, broken_at) if broken_at is not None else (0, None)), found
    assert found["intact"] is (broken_at is None)


@pytest.mark.parametrize("rewrite", [False, True])
def test_a_removed_tail_is_found_by_a_head_noted_elsewhere(amani: Amani, log: Path, rewrite: bool) -> None:
    head = verdict(amani)[1]["head"]
    change(log, "DELETE FROM audit WHERE seq>3")
    if rewrite:
        store = ledgers.opened(log)
        with store.write() as db:
            for _ in range(4):
                audit.append(db, "pay", outcome="invented")
        store.close()
    assert verdict(amani)[0] == 0
    code, found = verdict(amani, "--head", head)
    assert (code, found["intact"]) == (13, False)
    assert found["broken_at"] == found["entries"] + 1


def test_a_head_must_be_a_hash(amani: Amani) -> None:
    result = amani("audit", "verify", "--json", "--head", "abc")
    assert (result.code, result.error["code"]) == (2, "BAD_HASH")
