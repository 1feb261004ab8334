"""Numbered, append-only steps that make and upgrade the database; sqlite-utils is imported here alone.

A step is never edited once released: a newer amani adds one below the last.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from amani_cli import clocks
from amani_cli.servers import server_of
from amani_cli.times import now

_STEPS: list[Callable[[sqlite3.Connection], None]] = []


def _step(function: Callable[[sqlite3.Connection], None]) -> Callable[[sqlite3.Connection], None]:
    _STEPS.append(function)
    return function


def upgrade(connection: sqlite3.Connection, path: Path, target: int) -> None:
    """Bring the database to version `target`, in one transaction, after a copy if it holds anything.

    Two processes may try at once: the loser of the lock finds the work done. The copy stands beside the file as
    `NAME.before-schema-N`; with the older amani it is the way back.
    """
    refuse_foreign(connection)
    # WAL can't be switched on inside a transaction, and is a property of the file from then on.
    connection.execute("PRAGMA journal_mode=WAL")
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if 0 < found < target:
        _copy(connection, path, found)
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for step in _STEPS[found:target]:
            step(connection)
        if found < target:
            connection.execute(f"PRAGMA user_version={target}")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def refuse_foreign(connection: sqlite3.Connection) -> None:
    """Leave a database alone that another program made, whatever version it says it has: an empty one is ours.

    Raises `sqlite3.DatabaseError`.
    """
    # In this order: tables and version come in one transaction, so who sees the ones sees the other.
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if tables and (version == 0 or not {"wallet", "payment", "audit"} <= tables):
        raise sqlite3.DatabaseError("file is not a database of amani's")


def copy_path(path: Path, version: int) -> Path:
    """Where the copy from before an upgrade lies."""
    return path.with_name(f"{path.name}.before-schema-{version + 1}")


def _copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    copy = copy_path(path, version)
    if copy.exists():
        return
    half = copy.with_name(copy.name + f".{os.getpid()}")
    os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with sqlite3.connect(half) as target:
        connection.backup(target)
        if version >= 5:
            # Whoever goes back to this copy must reconcile before spending: it does not know what came after it.
            target.execute(
                "INSERT OR REPLACE INTO mark VALUES ('spending held', 'the copy from before an upgrade', ?)", (now(),)
            )
    target.close()
    try:
        os.link(half, copy)  # of two upgrades at once, the first one's copy stays
    except FileExistsError:
        pass
    finally:
        half.unlink()


def _make(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)


@_step
def _the_wallet_that_pays(connection: sqlite3.Connection) -> None:
    """Wallets, the journal of payments, invoices, references, logins and the audit log."""
    _make(connection, _FIRST)


_FIRST = """
CREATE TABLE wallet (
    -- AUTOINCREMENT: the number of a removed wallet is never given to another, whose history it would inherit.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL CHECK (provider IN ('lnbits', 'fincra')),
    url TEXT NOT NULL,
    remote_id TEXT,
    access TEXT NOT NULL CHECK (access IN ('spend', 'read')),
    key_source TEXT NOT NULL,
    has_read_key INTEGER NOT NULL DEFAULT 0,
    sandbox INTEGER NOT NULL DEFAULT 0,
    live INTEGER NOT NULL DEFAULT 1,
    login TEXT,
    insecure_http INTEGER NOT NULL DEFAULT 0,
    server_version TEXT,
    is_default INTEGER NOT NULL DEFAULT 0,
    balance TEXT,
    balance_at TEXT,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX wallet_default ON wallet (is_default) WHERE is_default = 1;
CREATE UNIQUE INDEX wallet_remote ON wallet (remote_id) WHERE remote_id IS NOT NULL;

-- No foreign key to wallet: what was paid stays on record when the wallet is removed, under the name it had.
CREATE TABLE payment (
    id TEXT PRIMARY KEY,
    wallet_id INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    remote_wallet_id TEXT,
    provider TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    kind TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('settled', 'failed', 'unknown')),
    amount_msat INTEGER,
    fee_msat INTEGER,
    reserved_msat INTEGER NOT NULL DEFAULT 0,
    amount TEXT,
    fee TEXT,
    currency TEXT,
    payment_hash TEXT,
    bolt11 TEXT,
    preimage TEXT,
    destination TEXT,
    memo TEXT NOT NULL DEFAULT '',
    reference TEXT,
    actor TEXT,
    failure TEXT,
    sandbox INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    settled_at TEXT,
    checked_at TEXT
);
CREATE INDEX payment_created ON payment (created_at, id);
CREATE INDEX payment_wallet ON payment (wallet_id, created_at, id);
CREATE INDEX payment_hash ON payment (payment_hash);
CREATE INDEX payment_remote ON payment (remote_wallet_id, created_at);
CREATE INDEX payment_reference ON payment (reference) WHERE reference IS NOT NULL;
CREATE INDEX payment_open ON payment (status) WHERE status = 'unknown';
CREATE UNIQUE INDEX payment_once ON payment (wallet_id, payment_hash, direction) WHERE status <> 'failed';

CREATE TABLE invoice (
    payment_hash TEXT NOT NULL,
    wallet_id INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    bolt11 TEXT NOT NULL,
    amount_msat INTEGER NOT NULL,
    memo TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'expired')),
    purpose TEXT NOT NULL DEFAULT 'invoice',
    reference TEXT,
    preimage TEXT,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    paid_at TEXT,
    PRIMARY KEY (payment_hash, wallet_id)
) WITHOUT ROWID;
CREATE INDEX invoice_created ON invoice (created_at, payment_hash);

CREATE TABLE reference (
    reference TEXT PRIMARY KEY,
    what TEXT NOT NULL,
    target TEXT,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE login (
    url TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    sandbox INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    actor TEXT,
    what TEXT NOT NULL,
    wallet TEXT,
    subject TEXT,
    amount_msat INTEGER,
    outcome TEXT,
    reason TEXT,
    hash TEXT NOT NULL
);
"""


@_step
def _rules_and_cheques(connection: sqlite3.Connection) -> None:
    """PINs and their attempts, rate limits, budgets, the faucet and cheques.

    All of them go by `identity`, the wallet's id at its server, so that another local name gets round none of them.
    """
    _make(connection, _SECOND)


_SECOND = """
CREATE TABLE pin (
    identity TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    place TEXT NOT NULL,
    pepper TEXT NOT NULL,
    always INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    reset_at TEXT,
    changed_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE pin_threshold (
    identity TEXT NOT NULL,
    unit TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (identity, unit)
) WITHOUT ROWID;

CREATE TABLE budget (
    identity TEXT NOT NULL,
    unit TEXT NOT NULL,
    per_payment TEXT,
    per_day TEXT,
    PRIMARY KEY (identity, unit)
) WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT,
    at REAL NOT NULL,
    subject TEXT
);
CREATE INDEX event_identity ON event (identity, kind, at);
CREATE INDEX event_actor ON event (actor, kind, at) WHERE actor IS NOT NULL;
CREATE INDEX event_subject ON event (subject) WHERE subject IS NOT NULL;

CREATE TABLE faucet (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    wallet_id INTEGER NOT NULL,
    amount_msat INTEGER NOT NULL,
    cooldown_s INTEGER NOT NULL,
    daily_cap_msat INTEGER
);

CREATE TABLE cheque (
    id TEXT PRIMARY KEY,
    wallet_id INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    identity TEXT NOT NULL,
    url TEXT NOT NULL,
    remote_id TEXT,
    place TEXT NOT NULL,
    has_login INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL
        CHECK (status IN ('funding', 'open', 'claimed', 'voiding', 'void', 'expired', 'unknown')),
    amount_msat INTEGER NOT NULL,
    reserve_msat INTEGER NOT NULL DEFAULT 0,
    memo TEXT NOT NULL DEFAULT '',
    reference TEXT,
    funding_hash TEXT,
    payment_hash TEXT,
    claimed_at TEXT,
    claimed_by TEXT,
    swept INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX cheque_created ON cheque (created_at, id);
CREATE INDEX cheque_open ON cheque (status) WHERE status IN ('funding', 'open', 'voiding', 'unknown');
"""


@_step
def _addresses_and_links(connection: sqlite3.Connection) -> None:
    """What a payee wants shown once paid, and the invoice that a reference's address or link was resolved to."""
    connection.execute("ALTER TABLE payment ADD COLUMN success TEXT")
    connection.execute(
        "CREATE TABLE resolution (reference TEXT PRIMARY KEY, bolt11 TEXT NOT NULL, expires_at TEXT NOT NULL,"
        " details TEXT NOT NULL, created_at TEXT NOT NULL) WITHOUT ROWID"
    )


@_step
def _fiat(connection: sqlite3.Connection) -> None:
    """Fincra: what ties an entry to the provider's, and what was received where two currencies are about.

    `our_reference` is the one amani makes before it sends, `provider_reference` Fincra's own, `log_id` the line of the
    wallet's log that an entry was read from. An invoice without bolt11 is a payment page: its `payment_hash` is our
    reference, its `bolt11` empty and its `amount_msat` 0.
    """
    _make(connection, _FOURTH)


_FOURTH = """
ALTER TABLE wallet ADD COLUMN public_key TEXT;
ALTER TABLE payment ADD COLUMN our_reference TEXT;
ALTER TABLE payment ADD COLUMN provider_reference TEXT;
ALTER TABLE payment ADD COLUMN received TEXT;
ALTER TABLE payment ADD COLUMN received_currency TEXT;
ALTER TABLE payment ADD COLUMN log_id TEXT;
CREATE UNIQUE INDEX payment_ours ON payment (our_reference, direction) WHERE our_reference IS NOT NULL;
CREATE INDEX payment_theirs ON payment (provider_reference) WHERE provider_reference IS NOT NULL;
CREATE UNIQUE INDEX payment_log ON payment (log_id, wallet_id) WHERE log_id IS NOT NULL;
ALTER TABLE invoice ADD COLUMN amount TEXT;
ALTER TABLE invoice ADD COLUMN currency TEXT;
ALTER TABLE invoice ADD COLUMN received TEXT;
ALTER TABLE invoice ADD COLUMN link TEXT;
ALTER TABLE invoice ADD COLUMN provider_reference TEXT;

CREATE TABLE bank_list (
    url TEXT NOT NULL,
    currency TEXT NOT NULL,
    mobile INTEGER NOT NULL,
    banks TEXT NOT NULL,
    fetched_at TEXT NOT NULL,
    PRIMARY KEY (url, currency, mobile)
) WITHOUT ROWID;
"""


@_step
def _operating(connection: sqlite3.Connection) -> None:
    """Categories and rates for the books, closed months, marks, and what calls to providers cost."""
    _make(connection, _FIFTH)


_FIFTH = """
ALTER TABLE payment ADD COLUMN category TEXT;
ALTER TABLE payment ADD COLUMN rate TEXT;
ALTER TABLE payment ADD COLUMN rate_currency TEXT;
ALTER TABLE payment ADD COLUMN rate_source TEXT;
ALTER TABLE payment ADD COLUMN rate_at TEXT;
ALTER TABLE invoice ADD COLUMN category TEXT;
CREATE INDEX payment_settled ON payment (settled_at, id) WHERE status = 'settled';

CREATE TABLE mark (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE closed_month (
    month TEXT NOT NULL,
    wallet_id INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    unit TEXT NOT NULL,
    zone TEXT NOT NULL,
    figures TEXT NOT NULL,
    closed_at TEXT NOT NULL,
    PRIMARY KEY (month, wallet_id, unit)
) WITHOUT ROWID;

-- A histogram in milliseconds: each le_N counts the calls that took N or less.
CREATE TABLE provider_call (
    provider TEXT NOT NULL,
    method TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    calls INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    total_ms INTEGER NOT NULL,
    le_150 INTEGER NOT NULL,
    le_200 INTEGER NOT NULL,
    le_300 INTEGER NOT NULL,
    le_500 INTEGER NOT NULL,
    le_1000 INTEGER NOT NULL,
    le_5000 INTEGER NOT NULL,
    PRIMARY KEY (provider, method, endpoint)
) WITHOUT ROWID;

CREATE TABLE command_success (
    command TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) WITHOUT ROWID;
"""


@_step
def _quotes(connection: sqlite3.Connection) -> None:
    """The fiat amount that was meant, with the price it was worked out by, of payments and invoices (JSON)."""
    connection.execute("ALTER TABLE payment ADD COLUMN quoted TEXT")
    connection.execute("ALTER TABLE invoice ADD COLUMN quoted TEXT")


@_step
def _contacts(connection: sqlite3.Connection) -> None:
    """Names for those who are paid, and what was seen of each (JSON)."""
    connection.execute(
        "CREATE TABLE contact (name TEXT NOT NULL, name_key TEXT PRIMARY KEY, destination TEXT NOT NULL,"
        " seen TEXT, seen_at TEXT, created_at TEXT NOT NULL) WITHOUT ROWID"
    )


@_step
def _history_filters(connection: sqlite3.Connection) -> None:
    """An index for each filter of the history, so that a page costs the same however long the journal is.

    Partial ones, because without statistics SQLite could take an index that begins with a direction or a status for
    as good as the one over hashes, and look through half of the journal for a payment's earlier attempt.
    """
    for name, condition in (("in", "direction='in'"), ("out", "direction='out'"), ("failed", "status='failed'")):
        connection.execute(f"CREATE INDEX payment_{name} ON payment (created_at, id) WHERE {condition}")
    connection.execute("CREATE INDEX payment_amount ON payment (amount_msat)")


@_step
def _answered(connection: sqlite3.Connection) -> None:
    """Whether the provider took the request of an open payment: then a missing record never means that none came."""
    connection.execute("ALTER TABLE payment ADD COLUMN answered INTEGER NOT NULL DEFAULT 0")


@_step
def _clocks_and_agreed_rules(connection: sqlite3.Connection) -> None:
    """The ledger's own time, which no set clock moves, and the settings that are rules as they were last agreed to.

    `ledger_ahead` and `told_ahead` say by how many seconds the ledger's and the provider's clocks were ahead of this
    machine's when an entry was written. What is open at the upgrade was dated by a clock of which nothing is known: it
    counts as sent now. `rule` has a setting's value as it was agreed to, and the last that was noticed in the file and
    the environment. `streak` counts the PINs that were tried since the last right one.
    """
    _make(connection, _TENTH)
    connection.execute(
        "UPDATE payment SET ledger_ahead=max(0, ?-CAST(strftime('%s', created_at) AS INTEGER)) WHERE status='unknown'",
        (int(clocks.wall()),),
    )
    newest = connection.execute(
        "SELECT strftime('%s', max(at)) FROM (SELECT at FROM audit ORDER BY seq DESC LIMIT 100)"
    )
    connection.execute("INSERT INTO clock VALUES (1,?,?,?,?,?,?,?)", clocks.begin(float(newest.fetchone()[0] or 0)))


_TENTH = """
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,
    steady REAL NOT NULL,
    at REAL NOT NULL,
    wall REAL NOT NULL,
    ahead REAL,
    jump REAL NOT NULL,
    epoch REAL NOT NULL
);

CREATE TABLE rule (
    name TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('agreed', 'settings', 'environment')),
    value TEXT NOT NULL,
    PRIMARY KEY (name, source)
) WITHOUT ROWID;

ALTER TABLE payment ADD COLUMN ledger_ahead INTEGER;
ALTER TABLE payment ADD COLUMN told_ahead INTEGER;
CREATE INDEX payment_astray ON payment (remote_wallet_id) WHERE ledger_ahead <> 0;
ALTER TABLE cheque ADD COLUMN ledger_ahead INTEGER;
ALTER TABLE wallet ADD COLUMN balance_clock REAL;
ALTER TABLE pin ADD COLUMN streak INTEGER NOT NULL DEFAULT 0;
"""


@_step
def _ids_by_server(connection: sqlite3.Connection) -> None:
    """At which servers each wallet's id was met, and draws of our own cheques named by server and id.

    Another server may tell an id that is known: on its own it names nothing.
    """
    connection.execute(
        "CREATE TABLE met (remote_id TEXT NOT NULL, server TEXT NOT NULL, PRIMARY KEY (remote_id, server))"
        " WITHOUT ROWID"
    )
    wallets = connection.execute("SELECT remote_id, url FROM wallet WHERE provider='lnbits' AND remote_id IS NOT NULL")
    for remote_id, url in wallets.fetchall():
        connection.execute("INSERT OR IGNORE INTO met VALUES (?,?)", (remote_id, server_of(url)))
    written = connection.execute("SELECT remote_id, url, amount_msat FROM cheque WHERE remote_id IS NOT NULL")
    for remote_id, url, amount_msat in written.fetchall():
        connection.execute(
            "UPDATE payment SET destination=? WHERE destination=? AND direction='in'"
            " AND (kind='cheque void' OR amount_msat=?)",
            (f"cheque {remote_id} at {server_of(url)}", f"cheque {remote_id}", amount_msat),
        )


@_step
def _read_back(connection: sqlite3.Connection) -> None:
    """How far back each wallet's history has been read, what is awaited below, and which wallets are held.

    The hold of a copy was one for all; it is one for each wallet now.
    """
    _make(connection, _TWELFTH)


_TWELFTH = """
CREATE TABLE read_back (
    identity TEXT PRIMARY KEY,
    progress TEXT NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE awaited (
    identity TEXT NOT NULL,
    payment_hash TEXT NOT NULL,
    made REAL NOT NULL,
    ends REAL,
    PRIMARY KEY (identity, payment_hash)
) WITHOUT ROWID;

CREATE TABLE hold (
    remote_id TEXT PRIMARY KEY,
    wallet TEXT NOT NULL,
    here INTEGER NOT NULL,
    why TEXT NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO hold
    SELECT remote_id, wallet.name, 1, mark.value, mark.at FROM wallet JOIN mark ON mark.name='spending held'
    WHERE remote_id IS NOT NULL;
INSERT OR IGNORE INTO hold
    SELECT remote_wallet_id, max(wallet), max(wallet_id<=0), mark.value, mark.at
    FROM payment JOIN mark ON mark.name='spending held'
    WHERE remote_wallet_id IS NOT NULL AND wallet_id<>-100 GROUP BY remote_wallet_id;
DELETE FROM mark WHERE name='spending held';
"""


@_step
def _resent(connection: sqlite3.Connection) -> None:
    """Whether an open payment was sent again: then no answer to one of the requests says that all of them failed."""
    connection.execute("ALTER TABLE payment ADD COLUMN resent INTEGER NOT NULL DEFAULT 0")


@_step
def _fiat_as_it_is(connection: sqlite3.Connection) -> None:
    """What else Fincra says of a payout, and virtual accounts; an index that finds the last payouts of a kind.

    `fee` is all that it cost, the stamp `duty` in it; `fee_reserve` is what is held back while the fee is not known.
    What settled and came back stays settled and has `reversed_at`: it did leave, and what came back is another entry.
    """
    for column in ("duty", "fee_reserve", "documents", "session_id", "reversed_at", "payer"):
        connection.execute(f"ALTER TABLE payment ADD COLUMN {column} TEXT")
    connection.execute("ALTER TABLE invoice ADD COLUMN account TEXT")
    connection.execute("ALTER TABLE contact ADD COLUMN checked TEXT")
    connection.execute("ALTER TABLE contact ADD COLUMN checked_at TEXT")
    connection.execute(
        "CREATE INDEX payment_payouts ON payment (remote_wallet_id, currency, settled_at)"
        " WHERE kind='payout' AND status='settled' AND direction='out'"
    )


@_step
def _links(connection: sqlite3.Connection) -> None:
    """Cheques as links, Lightning addresses, and what `serve` has counted.

    Of a link's token there is a hash alone, and where it is served. `cheque.claim` is the journal's entry of the
    payment that a cheque's link was last claimed by: while that is open, or has settled, no other may begin.
    """
    _make(connection, _FIFTEENTH)


_FIFTEENTH = """
ALTER TABLE cheque ADD COLUMN claim TEXT;

CREATE TABLE link (
    token_hash TEXT PRIMARY KEY,
    cheque_id TEXT NOT NULL,
    base_url TEXT NOT NULL,
    machine TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX link_cheque ON link (cheque_id);

CREATE TABLE address (
    name TEXT PRIMARY KEY,
    wallet_id INTEGER NOT NULL,
    place TEXT,
    min_msat INTEGER NOT NULL,
    max_msat INTEGER NOT NULL,
    comment INTEGER NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE served (
    what TEXT PRIMARY KEY,
    number INTEGER NOT NULL
);
"""


@_step
def _a_second_person(connection: sqlite3.Connection) -> None:
    """Requests, who may approve them, above which line that is needed, and what agents may spend."""
    _make(connection, _SIXTEENTH)


_SIXTEENTH = """
CREATE TABLE request (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    what TEXT NOT NULL,
    identity TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    reference TEXT,
    actor TEXT,
    os_user TEXT NOT NULL,
    host TEXT NOT NULL,
    filed REAL NOT NULL,
    ends REAL NOT NULL,
    reason TEXT,
    changed_at TEXT NOT NULL
);
CREATE INDEX request_live ON request (status) WHERE status IN ('open','running','unknown');
CREATE INDEX request_reference ON request (reference);

CREATE TABLE approval (
    request_id TEXT NOT NULL,
    approver TEXT NOT NULL,
    public_key TEXT NOT NULL,
    verdict TEXT NOT NULL,
    signature TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (request_id, public_key)
);

CREATE TABLE approver (
    name TEXT NOT NULL,
    name_key TEXT PRIMARY KEY,
    public_key TEXT NOT NULL UNIQUE,
    os_user TEXT NOT NULL,
    host TEXT NOT NULL,
    identity TEXT NOT NULL,
    added_at TEXT NOT NULL
);

CREATE TABLE approval_rule (
    identity TEXT PRIMARY KEY,
    approvals INTEGER NOT NULL,
    named TEXT
);

CREATE TABLE approval_line (
    identity TEXT NOT NULL,
    unit TEXT NOT NULL,
    above TEXT NOT NULL,
    PRIMARY KEY (identity, unit)
);

CREATE TABLE agent (
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    per_payment TEXT NOT NULL,
    per_day TEXT NOT NULL,
    payees TEXT,
    PRIMARY KEY (identity, name)
);

ALTER TABLE payment ADD COLUMN request_id TEXT;
CREATE INDEX payment_request ON payment (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX payment_actor ON payment (actor, created_at, id) WHERE actor IS NOT NULL;
"""


@_step
def _which_machine(connection: sqlite3.Connection) -> None:
    """On which machine, and by which of its users, an entry was made; a cheque's keys are where it was written."""
    connection.execute("ALTER TABLE payment ADD COLUMN host TEXT")
    connection.execute("ALTER TABLE payment ADD COLUMN os_user TEXT")
    connection.execute("ALTER TABLE cheque ADD COLUMN host TEXT")
