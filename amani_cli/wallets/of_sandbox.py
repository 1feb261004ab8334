"""The sandbox's wallets, made known and forgotten."""

from __future__ import annotations

from amani_cli.store import audit as audit_log
from amani_cli.store import holds, rules
from amani_cli.store import wallets as store_wallets
from amani_cli.store.rows import Transaction, WalletRow
from amani_cli.workspace import Workspace


def register_sandbox(
    ws: Workspace,
    url: str,
    wallets: list[tuple[str, str]],
    username: str,
    *,
    outside: list[tuple[str, str, str]] | None = None,
) -> None:
    """Make the sandbox's wallets (name, id) known, marked as fake; names that are taken get `sandbox-` before them.

    `outside` are those (name, id, url) of its second LNbits, to which there is no login.
    """
    from amani_cli.sandbox.environment import LNBITS_VERSION

    everywhere = [*((name, remote_id, url) for name, remote_id in wallets), *(outside or [])]
    with ws.store.write() as db:
        known = {row.remote_id: row for row in store_wallets.of_sandbox(db)}
        for row in known.values():
            if row.remote_id not in [remote_id for _, remote_id, _ in everywhere]:
                holds.release(db, row.remote_id)
                _let_go(ws, db, row)
                store_wallets.delete(db, row.id)
        for name, remote_id, its_url in everywhere:
            if remote_id in known:
                store_wallets.update(db, known[remote_id].id, url=its_url, server_version=LNBITS_VERSION)
                continue
            there = store_wallets.by_remote(db, remote_id)
            if there is not None:  # added by its key, under a name and rules of the user's own
                ws.talk.note(f"The sandbox's wallet '{name}' is known as '{there.name}' already.")
                continue
            own = _free_name(db, name)
            store_wallets.insert(
                db,
                name=own,
                name_key=store_wallets.name_key(own),
                provider="lnbits",
                url=its_url,
                remote_id=remote_id,
                access="spend",
                key_source=f"sandbox:{remote_id}",
                has_read_key=1,
                server_version=LNBITS_VERSION,
                sandbox=1,
                live=0,
                login=url if its_url == url else None,
            )
        if store_wallets.is_only_sandbox(db) and not store_wallets.has_default(db):
            firsts = [row.id for row in store_wallets.of_sandbox(db) if row.remote_id == wallets[0][1]]
            if firsts:
                store_wallets.make_default(db, firsts[0])
        store_wallets.delete_sandbox_logins(db, but=url)
        store_wallets.save_login(db, url, username, sandbox=True)


def _free_name(db: Transaction, name: str) -> str:
    """A name for a sandbox wallet that no other wallet has."""
    own, number = name, 1
    while store_wallets.by_name(db, own) is not None:
        own, number = f"sandbox-{name}" if number == 1 else f"sandbox-{name}-{number}", number + 1
    return own


def forget_sandbox(ws: Workspace) -> None:
    """Forget the sandbox's wallets and login; the journal keeps what they did."""
    if not ws.has_store:
        return
    with ws.store.write() as db:
        holds.release_sandbox(db)
        for row in store_wallets.of_sandbox(db):
            _let_go(ws, db, row)
        store_wallets.forget_sandbox(db)


def _let_go(ws: Workspace, db: Transaction, row: WalletRow) -> None:
    """Let nothing wait for a server that is gone with its fake sats, nor for a PIN that nobody can have reset."""
    store_wallets.end_what_waits(db, row.id, "the sandbox that it was of was deleted")
    if row.remote_id is not None and rules.has_pin(db, row.remote_id):
        rules.delete_pin(db, row.remote_id)
        audit_log.append(db, "pin remove", wallet=row.name, outcome="gone with the sandbox", actor=ws.said.actor)
