"""Queries about wallets and logins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amani_cli.servers import server_of
from amani_cli.store import machine
from amani_cli.store.journal import OUTSIDE
from amani_cli.store.ledger import Ledger, Store, upsert
from amani_cli.store.rows import LoginRow, Row, Transaction, WalletRow
from amani_cli.times import now

if TYPE_CHECKING:
    from typing import Unpack

    from amani_cli.store.new_rows import NewWallet, WalletChanges


def name_key(name: str) -> str:
    """What makes two names the same: case and surrounding space don't."""
    return " ".join(name.split()).casefold()


def identity(wallet_id: int, url: str, remote_id: str | None) -> str:
    """What PIN, limits, claims and references go by: the id at the server, or this until that is learned."""
    return remote_id or f"local {wallet_id} {url}"


def known_by_now(db: Transaction, text: str) -> str:
    """`text` with the identities in it as they are by now: a wallet of an invoice key learns its id late."""

    def learned(found: re.Match[str]) -> str:
        row = db.execute("SELECT remote_id FROM wallet WHERE id=?", (found[1],)).fetchone()
        return found[0] if row is None or row.remote_id is None else str(row.remote_id)

    return re.sub(r"\blocal (\d+) \S+", learned, text)


def all_wallets(store: Store) -> list[WalletRow]:
    """Every wallet, the default first, real ones before the sandbox's."""
    return store.all(WalletRow, "SELECT * FROM wallet ORDER BY is_default DESC, sandbox, name_key")


def by_name(db: Ledger, name: str) -> WalletRow | None:
    """The wallet of that name, whatever its case."""
    row: WalletRow | None = db.execute("SELECT * FROM wallet WHERE name_key=?", (name_key(name),)).fetchone()
    return row


def by_id(store: Store, wallet_id: int) -> WalletRow | None:
    """The wallet of that local id."""
    return store.one(WalletRow, "SELECT * FROM wallet WHERE id=?", wallet_id)


def by_remote(db: Ledger, remote_id: str) -> WalletRow | None:
    """The wallet that has this id at its server, under whatever address that is known."""
    row: WalletRow | None = db.execute("SELECT * FROM wallet WHERE remote_id=?", (remote_id,)).fetchone()
    return row


def insert(db: Transaction, **columns: Unpack[NewWallet]) -> int:
    """Add a wallet; the write raises `errors.Duplicate` if its name or its id at the server is taken."""
    columns.setdefault("created_at", now())
    own = own_keys(db)
    here: WalletChanges = {} if own is None else _taken_out(columns)
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    cursor = db.execute(f"INSERT INTO wallet ({names}) VALUES ({marks})", tuple(columns.values()))
    assert cursor.lastrowid is not None
    if own is not None:
        own.keep(cursor.lastrowid, **here, access=columns["access"], server=server_of(columns["url"]))
    if columns.get("remote_id") is not None:
        _learn(db, cursor.lastrowid)
    return cursor.lastrowid


ELSEWHERE = "machine"
"""What a ledger that several machines share says of where a key is: each machine knows that of its own."""


def own_keys(db: Ledger) -> machine.OwnKeys | None:
    """Where this machine has its keys, where the ledger is not its own; else the ledger says that."""
    return getattr(db, "own_keys", None)


def _taken_out(columns: NewWallet | WalletChanges) -> WalletChanges:
    """What of a wallet's columns is of this machine alone; for the others it stands as nothing they could use."""
    here: WalletChanges = {}
    if "key_source" in columns:
        here["key_source"] = columns["key_source"]
    if "has_read_key" in columns:
        here["has_read_key"] = columns["has_read_key"]
    columns["key_source"], columns["has_read_key"] = ELSEWHERE, 0
    return here


def update(db: Transaction, wallet_id: int, **columns: Unpack[WalletChanges]) -> None:
    """Change columns of a wallet."""
    own = own_keys(db)
    if own is not None and "key_source" in columns:
        own.keep(wallet_id, **_taken_out(columns))
    sets = ", ".join(f"{column}=?" for column in columns)
    db.execute(f"UPDATE wallet SET {sets} WHERE id=?", (*columns.values(), wallet_id))
    if columns.get("remote_id") is not None:
        _learn(db, wallet_id)


def rename(db: Transaction, wallet_id: int, name: str) -> None:
    """Give a wallet another name, beside its payments and invoices as well, and those that are on their way to it."""
    db.execute(
        "UPDATE payment SET destination=? WHERE kind='transfer' AND direction='out' AND status='unknown'"
        " AND destination=(SELECT name FROM wallet WHERE id=?)",
        (name, wallet_id),
    )
    update(db, wallet_id, name=name, name_key=name_key(name))
    for table in ("payment", "invoice"):
        db.execute(f"UPDATE {table} SET wallet=? WHERE wallet_id=?", (name, wallet_id))


def is_first(db: Transaction, *, live: bool) -> bool:
    """Whether no wallet is known yet, or with `live` none with real money."""
    sql = "SELECT 1 FROM wallet WHERE live=1 LIMIT 1" if live else "SELECT 1 FROM wallet LIMIT 1"
    return db.execute(sql).fetchone() is None


def of_sandbox(db: Ledger) -> list[WalletRow]:
    """The sandbox's wallets."""
    return db.execute("SELECT * FROM wallet WHERE sandbox=1").fetchall()


def has_default(db: Transaction) -> bool:
    """Whether a wallet is the default."""
    return db.execute("SELECT 1 FROM wallet WHERE is_default=1").fetchone() is not None


def is_only_sandbox(db: Transaction) -> bool:
    """Whether no wallet is known but the sandbox's."""
    return db.execute("SELECT 1 FROM wallet WHERE sandbox=0 LIMIT 1").fetchone() is None


def forget_sandbox(db: Transaction) -> None:
    """Forget the sandbox's wallets and login."""
    db.execute("DELETE FROM wallet WHERE sandbox=1")
    db.execute("DELETE FROM login WHERE sandbox=1")


def end_what_waits(db: Transaction, wallet_id: int, why: str) -> None:
    """Close what only a server could have told that does not exist any more, with a wallet's fake money in it."""
    db.execute(
        "UPDATE payment SET status='failed', failure=?, reserved_msat=0 WHERE wallet_id=? AND status='unknown'",
        (why, wallet_id),
    )
    waiting = "wallet_id=? AND status IN ('funding', 'open', 'voiding', 'unknown')"
    db.execute(f"UPDATE cheque SET status='void' WHERE {waiting}", (wallet_id,))
    db.execute("UPDATE cheque SET swept=1 WHERE wallet_id=? AND status='claimed'", (wallet_id,))
    db.execute("UPDATE invoice SET status='expired' WHERE wallet_id=? AND status='pending'", (wallet_id,))


def servers_of(store: Store, remote_id: str) -> list[str]:
    """The servers at which a wallet's id was met, each in the form to compare by."""
    return [row[0] for row in store.all(Row, "SELECT server FROM met WHERE remote_id=? ORDER BY server", remote_id)]


def met(db: Transaction, remote_id: str, server: str) -> None:
    """Remember that a server has the wallet of this id."""
    db.execute("INSERT INTO met VALUES (?,?) ON CONFLICT DO NOTHING", (remote_id, server))


def move(db: Transaction, wallet_id: int, url: str) -> None:
    """Have a wallet, and the cheques whose funds its server holds, be at another address of that server."""
    old, remote_id = db.execute("SELECT url, remote_id FROM wallet WHERE id=?", (wallet_id,)).fetchone()
    db.execute("UPDATE wallet SET url=?, server_version=NULL WHERE id=?", (url, wallet_id))
    own = own_keys(db)
    if own is not None:
        own.keep(wallet_id, server=server_of(url))
    db.execute("UPDATE cheque SET url=? WHERE url=? AND identity=?", (url, old, remote_id))
    here, there = f" at {server_of(old)}", f" at {server_of(url)}"
    for (cheque,) in db.execute("SELECT remote_id FROM cheque WHERE url=? AND identity=?", (url, remote_id)).fetchall():
        named = (f"cheque {cheque}{there}", f"cheque {cheque}{here}")
        db.execute("UPDATE payment SET destination=? WHERE destination=? AND direction='in'", named)
    met(db, remote_id, server_of(url))


def _learn(db: Transaction, wallet_id: int) -> None:
    row = db.execute("SELECT provider, url, remote_id FROM wallet WHERE id=?", (wallet_id,)).fetchone()
    if row.provider == "lnbits":
        met(db, row.remote_id, server_of(row.url))
    _adopt(db, wallet_id)


# What the wallet has of its own already stays, and the other's beside it.
_ADOPT_PAYMENTS = (
    "UPDATE payment SET wallet_id=?, wallet=? WHERE wallet_id=? AND remote_wallet_id=?"
    " AND (status='failed' OR payment_hash IS NULL OR NOT EXISTS (SELECT 1 FROM payment AS mine WHERE mine.wallet_id=?"
    " AND mine.payment_hash=payment.payment_hash AND mine.direction=payment.direction AND mine.status<>'failed'))"
    " AND (log_id IS NULL OR NOT EXISTS (SELECT 1 FROM payment AS mine WHERE mine.log_id=payment.log_id"
    " AND mine.wallet_id=?))"
)
_ADOPT_INVOICES = (
    "UPDATE invoice SET wallet_id=?, wallet=? WHERE wallet_id=? AND NOT EXISTS (SELECT 1 FROM invoice AS mine"
    " WHERE mine.payment_hash=invoice.payment_hash AND mine.wallet_id=?)"
)
_ADOPT_MONTHS = (
    "UPDATE closed_month SET wallet_id=?, wallet=? WHERE wallet_id=? AND NOT EXISTS (SELECT 1 FROM closed_month AS mine"
    " WHERE mine.month=closed_month.month AND mine.unit=closed_month.unit AND mine.wallet_id=?)"
)


def _adopt(db: Transaction, wallet_id: int) -> None:
    """Give a wallet what it did here before, removed since or in the environment: a sync would enter it once more."""
    name, remote_id = db.execute("SELECT name, remote_id FROM wallet WHERE id=?", (wallet_id,)).fetchone()
    before = db.execute(
        "SELECT DISTINCT wallet_id FROM payment WHERE remote_wallet_id=? AND wallet_id<>? AND wallet_id<>?",
        (remote_id, wallet_id, OUTSIDE),
    ).fetchall()
    for (old,) in before:
        mine = (wallet_id, name, old, remote_id)
        db.execute(_ADOPT_PAYMENTS, (*mine, wallet_id, wallet_id))
        db.execute("UPDATE cheque SET wallet_id=?, wallet=? WHERE wallet_id=? AND identity=?", mine)
        if old > 0:  # the environment's number may have been many a wallet's
            db.execute(_ADOPT_INVOICES, (*mine[:3], wallet_id))
            db.execute(_ADOPT_MONTHS, (*mine[:3], wallet_id))


def make_default(db: Transaction, wallet_id: int | None) -> None:
    """Make this wallet, and no other, the default."""
    db.execute("UPDATE wallet SET is_default=0 WHERE is_default=1")
    if wallet_id is not None:
        db.execute("UPDATE wallet SET is_default=1 WHERE id=?", (wallet_id,))


def delete(db: Transaction, wallet_id: int) -> None:
    """Forget a wallet; its payments stay on record."""
    db.execute("DELETE FROM wallet WHERE id=?", (wallet_id,))
    own = own_keys(db)
    if own is not None:
        own.drop(wallet_id)


def login_for(store: Store, url: str) -> LoginRow | None:
    """The login stored for a server."""
    return store.one(LoginRow, "SELECT * FROM login WHERE url=?", url)


def all_logins(store: Store) -> list[LoginRow]:
    """Every login."""
    return store.all(LoginRow, "SELECT * FROM login ORDER BY url")


def save_login(db: Transaction, url: str, username: str, *, sandbox: bool = False) -> None:
    """Remember that there is a login for a server; its token lies with the keys."""
    db.execute(upsert("login", "url", "username", "sandbox", "created_at"), (url, username, int(sandbox), now()))


def delete_sandbox_logins(db: Transaction, *, but: str) -> None:
    """Forget the logins at a sandbox's servers, but that at one."""
    db.execute("DELETE FROM login WHERE sandbox=1 AND url<>?", (but,))


def delete_login(db: Transaction, url: str) -> None:
    """Forget a login."""
    db.execute("DELETE FROM login WHERE url=?", (url,))


def move_keys(db: Transaction, old: str, new: str) -> None:
    """Have keys looked for in a new place: `file:PATH` of one wallet, or the place that secrets are kept in.

    What was in the keyring under `SLOT:key` is a file `SLOT-key` in the new folder, as `keys.keep` writes it.
    """
    if old.startswith("file:"):
        db.execute("UPDATE wallet SET key_source=? WHERE key_source=?", (new, old))
        return
    for table in ("pin", "cheque", "address"):
        db.execute(f"UPDATE {table} SET place=? WHERE place=?", (new, old))
    if old == "keyring":
        db.execute(
            "UPDATE wallet SET key_source='file:'||?||'/'||substr(key_source, 9)||'-key', has_read_key=0"
            " WHERE key_source LIKE 'keyring:%'",
            (new.partition(":")[2],),
        )


def clear_cached_balance_of_payee(db: Transaction, payment_hash: str) -> None:
    """The same for the wallets of ours that asked for what has been paid."""
    db.execute(
        "UPDATE wallet SET balance=NULL, balance_at=NULL"
        " WHERE id IN (SELECT wallet_id FROM invoice WHERE payment_hash=?) AND balance IS NOT NULL",
        (payment_hash,),
    )


def clear_cached_balance(db: Transaction, wallet_id: int) -> None:
    """Forget a cached balance, in the transaction that journals what changes it."""
    db.execute("UPDATE wallet SET balance=NULL, balance_at=NULL WHERE id=? AND balance IS NOT NULL", (wallet_id,))
