"""The sandbox's wallets, made known and forgotten."""

from __future__ import annotations

from amani_cli.store import holds
from amani_cli.store import wallets as store_wallets
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
        for row in db.execute("SELECT * FROM wallet WHERE sandbox=1").fetchall():
            if row.remote_id not in [remote_id for _, remote_id, _ in everywhere]:
                holds.release(db, row.remote_id)
                store_wallets.delete(db, row.id)
        for name, remote_id, its_url in everywhere:
            row = db.execute("SELECT * FROM wallet WHERE sandbox=1 AND remote_id=?", (remote_id,)).fetchone()
            if row is not None:
                store_wallets.update(db, row.id, url=its_url, server_version=LNBITS_VERSION)
                continue
            taken = db.execute("SELECT 1 FROM wallet WHERE name_key=?", (store_wallets.name_key(name),)).fetchone()
            own = f"sandbox-{name}" if taken else name
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
        real = db.execute("SELECT 1 FROM wallet WHERE sandbox=0 LIMIT 1").fetchone()
        default = db.execute("SELECT 1 FROM wallet WHERE is_default=1").fetchone()
        first = db.execute("SELECT id FROM wallet WHERE sandbox=1 AND remote_id=?", (wallets[0][1],)).fetchone()
        if not real and not default and first:
            store_wallets.make_default(db, first.id)
        for row in db.execute("SELECT url FROM login WHERE sandbox=1 AND url<>?", (url,)).fetchall():
            store_wallets.delete_login(db, row.url)
        store_wallets.save_login(db, url, username, sandbox=True)


def forget_sandbox(ws: Workspace) -> None:
    """Forget the sandbox's wallets and login; the journal keeps what they did."""
    if not ws.has_store:
        return
    with ws.store.write() as db:
        holds.release_sandbox(db)
        db.execute("DELETE FROM wallet WHERE sandbox=1")
        db.execute("DELETE FROM login WHERE sandbox=1")
