"""Wallets and users that are written into a running LNbits' own database, as it writes them itself.

To ask it for a funded wallet takes 40 ms of its time, and for a user 200: it hashes the password with a cost that is
meant to be felt. Nothing here knows more of LNbits' columns than what must be each one's own: the rest is copied from
the rows that this very server wrote when it was asked once. `tests/sandbox/test_written_wallets.py` holds what is
written to what LNbits answers.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from tests.kit.make_invoice import make_invoice

_HOUR_S = 3600
_KEY = secrets.token_hex(32)  # the node that the credits' invoices are signed by
_PATIENCE_S = 30

Row = dict[str, Any]


@dataclass(frozen=True)
class Pattern:
    """What LNbits wrote for a new user, its wallet, and fake sats that the admin gave to it, if he did once."""

    account: Row
    wallet: Row
    credit: Row | None

    @classmethod
    def of(cls, data: Path, wallet_id: str) -> Self:
        """That of this wallet."""
        with _open(data) as db:
            wallet = _one(db, "SELECT * FROM wallets WHERE id=?", wallet_id)
            assert wallet is not None
            account = _one(db, "SELECT * FROM accounts WHERE id=?", wallet["user"])
            assert account is not None
            return cls(account, wallet, _one(db, "SELECT * FROM apipayments WHERE wallet_id=?", wallet_id))

    def write(self, data: Path, *, account: Row | None = None, name: str = "", sat: int = 0) -> tuple[str, str, str]:
        """Write another, with keys of its own; returns its id, admin key and invoice key.

        `account` are columns of its user that are not the pattern's, `name` is the wallet's.
        """
        now = time.time()
        times = {"created_at": now, "updated_at": now}
        user = {**self.account, **(account or {}), "id": uuid4().hex, **times}
        mine = {each: uuid4().hex for each in ("id", "adminkey", "inkey")}
        wallet = {**self.wallet, **mine, "user": user["id"], "name": name or self.wallet["name"], **times}
        if wallet["lightning_address"]:
            wallet["lightning_address"] = f"{self.wallet['lightning_address']}{secrets.token_hex(6)}"
        rows = [("accounts", user), ("wallets", wallet)]
        if sat:
            assert self.credit is not None
            rows.append(("apipayments", {**self.credit, **_credit(sat, now), "wallet_id": wallet["id"]}))
        with _open(data) as db, db:
            for table, row in rows:
                columns, marks = ", ".join(f'"{each}"' for each in row), ", ".join("?" * len(row))
                db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
        return wallet["id"], wallet["adminkey"], wallet["inkey"]


def _credit(sat: int, now: float) -> Row:
    preimage = secrets.token_bytes(32)
    payment_hash = sha256(preimage).hexdigest()
    invoice = make_invoice(
        amount_msat=sat * 1000,
        description="Admin credit",
        expiry_s=_HOUR_S,
        created_at=int(now),
        payment_hash=payment_hash,
        payment_secret=secrets.token_hex(32),
        features=(),
        key=_KEY,
    )
    return {
        "checking_id": payment_hash,
        "payment_hash": payment_hash,
        "preimage": preimage.hex(),
        "bolt11": invoice,
        "amount": sat * 1000,
        "expiry": int(now) + _HOUR_S,
        **dict.fromkeys(("time", "created_at", "updated_at"), now),
    }


def end_invoices(data: Path, wallet_id: str) -> None:
    """Let the time be over of each invoice of this wallet that is still to be paid; LNbits notices once it is asked."""
    with _open(data) as db, db:
        ended = "UPDATE apipayments SET expiry=created_at - 1 WHERE wallet_id=? AND amount>0 AND status='pending'"
        db.execute(ended, (wallet_id,))


@contextlib.contextmanager
def _open(data: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(data / "database.sqlite3", timeout=_PATIENCE_S)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous=OFF")  # what a machine's end would take is of no use after it
        yield db


def _one(db: sqlite3.Connection, query: str, value: str) -> Row | None:
    row = db.execute(query, (value,)).fetchone()
    return None if row is None else dict(row)
