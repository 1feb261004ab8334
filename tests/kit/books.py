"""Holds amani's books against the server's, payment by payment, to the millisatoshi."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable

from tests.conftest import Held
from tests.kit.driver import Amani, Environment
from tests.kit.lnbits_server import LnbitsServer


def tell(figures: str) -> None:
    """Say what was tried and compared; pytest shows it with -rP."""
    print(figures)  # noqa: T201


_BY_THE_ADMIN = ("Admin credit", "Admin debit")  # fake sats that a test put in or took out
Line = tuple[str, int, int]  # payment hash, msat (negative: left), fee


def compared(amani: Amani, *wallets: Held, env: Environment | None = None) -> int:
    """Assert that journal and server agree about every payment that settled; returns the msat that were compared."""
    total = 0
    for held in wallets:
        ours, theirs = journal(amani, held, env), settled_on_server(held)
        assert ours == theirs, f"the books of '{held.name}' differ from the server's"
        top_up = sum(line[1] for line in _top_ups(held))
        balance = held.server.balance_msat(held.read_key)
        assert top_up + sum(msat - fee for _, msat, fee in ours) == balance
        total += sum(abs(msat) for _, msat, _ in ours) + balance
    return total


def journal(amani: Amani, held: Held, env: Environment | None = None) -> list[Line]:
    """What amani says has settled of a wallet."""
    words = ("history", "list", "--wallet", held.name, "--status", "settled", "--limit", "1000", "--json")
    sign = {"in": 1, "out": -1}
    return sorted(
        (item["payment_hash"], sign[item["direction"]] * item["amount_msat"], item["fee_msat"] or 0)
        for item in amani(*words, env=env).data["items"]
        if item["memo"] not in _BY_THE_ADMIN
    )


def settled_on_server(held: Held) -> list[Line]:
    """What the server says has settled of a wallet, but for the fake sats it began with."""
    records = [record for record in held.records() if record["memo"] not in _BY_THE_ADMIN]
    assert {record["status"] for record in records} <= {"success", "failed", "pending"}
    return sorted(
        (record["payment_hash"], record["amount"], abs(record["fee"]))
        for record in records
        if record["status"] == "success"
    )


def _top_ups(held: Held) -> list[Line]:
    return [
        (record["payment_hash"], record["amount"], 0) for record in held.records() if record["memo"] in _BY_THE_ADMIN
    ]


def held_by(server: LnbitsServer, wallet_ids: Iterable[str]) -> int:
    """What the server keeps in wallets whose keys may be gone, deleted ones too, in msat."""
    database = server.root / "data" / "database.sqlite3"
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
        return sum(
            db.execute(
                "SELECT coalesce(sum(amount - abs(fee)), 0) FROM apipayments WHERE wallet_id=?"
                " AND (status='success' OR (status='pending' AND amount<0))",
                (wallet_id,),
            ).fetchone()[0]
            for wallet_id in wallet_ids
        )
