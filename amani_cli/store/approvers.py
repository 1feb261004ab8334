"""Who may approve, above which line it takes them, and what each agent may spend."""

from __future__ import annotations

from amani_cli.store.ledger import Ledger, Store
from amani_cli.store.rows import AgentRow, ApproverRow, LineRow, RuleOfTwoRow, Transaction
from amani_cli.times import now

EVERY = ""
"""The identity that stands for every wallet."""


def approvers(db: Ledger) -> list[ApproverRow]:
    """Everybody who may approve, by name."""
    rows: list[ApproverRow] = db.execute("SELECT * FROM approver ORDER BY name_key").fetchall()
    return rows


def add(db: Transaction, name: str, public_key: str, os_user: str, host: str, identity: str) -> None:
    """Have somebody approve for a wallet, or for every one."""
    db.execute(
        "INSERT INTO approver VALUES (?,?,?,?,?,?,?)",
        (name, name.casefold(), public_key, os_user, host, identity, now()),
    )


def remove(db: Transaction, name: str) -> None:
    """Have somebody approve nothing any more."""
    db.execute("DELETE FROM approver WHERE name_key=?", (name.casefold(),))


def rule(db: Ledger, identity: str) -> RuleOfTwoRow | None:
    """How many must approve what leaves a wallet, and who of them, or None where nobody need."""
    row: RuleOfTwoRow | None = db.execute("SELECT * FROM approval_rule WHERE identity=?", (identity,)).fetchone()
    return row


def rules(db: Ledger) -> list[RuleOfTwoRow]:
    """The rule of every wallet that has one."""
    rows: list[RuleOfTwoRow] = db.execute("SELECT * FROM approval_rule ORDER BY identity").fetchall()
    return rows


def lines(db: Ledger, identity: str) -> list[LineRow]:
    """Above which amounts a wallet's payments are to be approved, by unit."""
    rows: list[LineRow] = db.execute(
        "SELECT * FROM approval_line WHERE identity=? ORDER BY unit", (identity,)
    ).fetchall()
    return rows


def save_rule(db: Transaction, identity: str, approvals: int, named: str | None) -> None:
    """Set how many must approve, and who of them (names, JSON; None: whoever there is)."""
    db.execute("DELETE FROM approval_rule WHERE identity=?", (identity,))
    db.execute("INSERT INTO approval_rule VALUES (?,?,?)", (identity, approvals, named))


def save_line(db: Transaction, identity: str, unit: str, above: str | None) -> None:
    """Set the line in a unit, or take it away; with the last one goes the rule."""
    db.execute("DELETE FROM approval_line WHERE identity=? AND unit=?", (identity, unit))
    if above is not None:
        db.execute("INSERT INTO approval_line VALUES (?,?,?)", (identity, unit, above))
    elif db.execute("SELECT 1 FROM approval_line WHERE identity=?", (identity,)).fetchone() is None:
        db.execute("DELETE FROM approval_rule WHERE identity=?", (identity,))


def agent(db: Ledger, identity: str, name: str) -> AgentRow | None:
    """What an agent may spend from a wallet, or None."""
    row: AgentRow | None = db.execute("SELECT * FROM agent WHERE identity=? AND name=?", (identity, name)).fetchone()
    return row


def is_agent(db: Ledger, name: str) -> bool:
    """Whether somebody is an agent of any wallet."""
    return db.execute("SELECT 1 FROM agent WHERE name=?", (name,)).fetchone() is not None


def agents(store: Store, identity: str) -> list[AgentRow]:
    """The agents of a wallet, by name."""
    return store.all(AgentRow, "SELECT * FROM agent WHERE identity=? ORDER BY name", identity)


def save_agent(
    db: Transaction, identity: str, name: str, unit: str, per_payment: str, per_day: str, payees: str | None
) -> None:
    """Set what an agent may spend, and whom it may pay (JSON; None: anybody)."""
    drop_agent(db, identity, name)
    db.execute("INSERT INTO agent VALUES (?,?,?,?,?,?)", (identity, name, unit, per_payment, per_day, payees))


def drop_agent(db: Transaction, identity: str, name: str) -> bool:
    """Let an agent spend nothing any more; whether it could."""
    return db.execute("DELETE FROM agent WHERE identity=? AND name=?", (identity, name)).rowcount > 0


def name_of(db: Ledger, identity: str) -> str | None:
    """What the wallet of an identity is called here."""
    row = db.execute("SELECT name FROM wallet WHERE remote_id=?", (identity,)).fetchone()
    return None if row is None else str(row[0])
