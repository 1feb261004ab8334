"""The rows' annotations are the tables' columns: what the type checker takes for true of the ledger is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_type_hints

import pytest

from amani_cli.store import entries, new_rows, rows
from amani_cli.store.sqlite import SqliteStore, open_store

TABLES = {
    entries.Entry: "payment",
    rows.InvoiceRow: "invoice",
    rows.ChequeRow: "cheque",
    rows.LinkRow: "link",
    rows.AddressRow: "address",
    rows.ServedRow: "served",
    rows.WalletRow: "wallet",
    rows.LoginRow: "login",
    rows.AuditRow: "audit",
    rows.PinRow: "pin",
    rows.BudgetRow: "budget",
    rows.FaucetRow: "faucet",
    rows.ContactRow: "contact",
    rows.MarkRow: "mark",
    rows.ReferenceRow: "reference",
    rows.HoldRow: "hold",
    rows.ResolutionRow: "resolution",
    rows.ClosedRow: "closed_month",
    rows.CallRow: "provider_call",
    rows.SuccessRow: "command_success",
    rows.RequestRow: "request",
    rows.SignatureRow: "approval",
    rows.ApproverRow: "approver",
    rows.RuleOfTwoRow: "approval_rule",
    rows.LineRow: "approval_line",
    rows.AgentRow: "agent",
}
# What SQLite calls the types, by what a column is in Python.
SPELLED = {"TEXT": "str", "INTEGER": "int", "REAL": "float"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(open_store(tmp_path / "books" / "amani.db")) as store:
        yield store


def columns(store: SqliteStore, table: str) -> dict[str, tuple[str, bool]]:
    """The columns of a table: each with its type, and whether it may hold nothing."""
    about = store.all(rows.Row, f"PRAGMA table_info({table})")
    return {each[1]: (SPELLED.get(each[2], each[2]), not each[3] and not each[5]) for each in about}


def said(kind: type) -> dict[str, tuple[str, bool]]:
    """The same as a row's annotations have it; words of which a column may hold one are text."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        if name.startswith("_"):
            continue
        parts = set(getattr(hint, "__args__", (hint,))) if not isinstance(hint, type) else {hint}
        plain = {part if isinstance(part, type) else str for part in parts if part is not type(None)}
        found[name] = ("/".join(sorted(each.__name__ for each in plain)), type(None) in parts)
    return found


def test_every_row_is_held_to_a_table() -> None:
    named = [*vars(rows).values(), *vars(entries).values()]
    kinds = {kind for kind in named if isinstance(kind, type) and issubclass(kind, rows.Row)}
    # Claims are in a shared ledger alone.
    assert kinds - {rows.Row, rows.ClaimRow} == TABLES.keys()


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: str(kind.__name__))
def test_a_row_s_annotations_are_its_table_s_columns(store: SqliteStore, kind: type[rows.Row]) -> None:
    there, annotated = columns(store, TABLES[kind]), said(kind)
    if kind is rows.CallRow:  # the counts by time are read by their place
        there = {name: about for name, about in there.items() if not name.startswith("le_")}
    assert annotated == there
    made = store.one(kind, f"SELECT * FROM {TABLES[kind]}")
    assert made is None or isinstance(made, rows.Row)


@pytest.mark.parametrize("kind", [entries.NewEntry, entries.EntryChanges], ids=lambda kind: str(kind.__name__))
def test_what_is_written_of_an_entry_is_what_is_read(kind: type) -> None:
    entry, written = get_type_hints(entries.Entry), get_type_hints(kind)
    written |= get_type_hints(written.pop("whose")) if "whose" in written else {}
    optional = {"created_at": str | None}  # it is of now, unless it says so
    assert written == {name: entry[name] for name in written} | {n: h for n, h in optional.items() if n in written}


WRITTEN: dict[type, type] = {
    new_rows.NewWallet: rows.WalletRow,
    new_rows.WalletChanges: rows.WalletRow,
    new_rows.NewInvoice: rows.InvoiceRow,
    new_rows.NewCheque: rows.ChequeRow,
    new_rows.ChequeChanges: rows.ChequeRow,
    new_rows.NewRequest: rows.RequestRow,
}


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: str(written.__name__))
def test_what_is_written_of_a_row_is_what_is_read(written: type) -> None:
    read = get_type_hints(WRITTEN[written])
    for name, hint in get_type_hints(written).items():
        assert hint == read[name], name
