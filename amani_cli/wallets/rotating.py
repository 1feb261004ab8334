"""A wallet's keys made anew by its server, and where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from amani_cli import errors, files, keys, locks
from amani_cli.models.wallets import Wallet
from amani_cli.store import audit as audit_log
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import new_id
from amani_cli.wallets import invoice_keys, logins
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.finding import resolve
from amani_cli.wallets.known import KnownWallet, key_place
from amani_cli.workspace import Workspace


def store_key(source: keys.KeySource, admin_or_only: str, read: str | None) -> tuple[keys.KeySource, bool]:
    """Put a new wallet's keys where they shall live; returns the key source and whether a read key stands beside.

    `source` is `keyring` or `file:PATH`; nothing is ever written in the clear unless the user named the file.
    """
    if source.place == "file":
        keys.write_key_file(Path(source.where), admin_or_only)
        return source, False
    slot = new_id("key")
    keys.keyring_set(f"{slot}:key", admin_or_only)
    if read is not None:
        keys.keyring_set(f"{slot}:read", read)
    return keys.KeySource(f"keyring:{slot}"), read is not None


def rotate_keys(ws: Workspace, name: str | None, confirm: Callable[[str], None]) -> Wallet:
    """Have the server make two new keys and store them; the old ones are dead at once.

    Needs a login. If amani dies before the new keys are stored, running this again makes and stores newer ones. In the
    keyring they get a slot of their own, whose name says since when, and are relied on once both are there. One at a
    time per wallet, or each would make the other's keys dead and the last to store them keep dead ones: raises
    `errors.Locked` for the second.
    """
    with locks.held(ws, f"keys-{resolve(ws, name).id}", "this wallet's keys"):
        # Read anew: whoever had the lock before may have put the keys into another place.
        return _rotate(ws, resolve(ws, name), confirm)


def _rotate(ws: Workspace, wallet: KnownWallet, confirm: Callable[[str], None]) -> Wallet:
    wallet.must_be("lnbits")
    place, where = wallet.key_source.place, wallet.key_source.where
    if place not in ("keyring", "file", "sandbox"):
        raise errors.RefusedByPolicy(
            f"amani can't write to where this wallet's key lives ({key_place(wallet.key_source)})",
            code="KEY_SOURCE_READ_ONLY",
            hint="Rotate it in LNbits, then put the new key there yourself.",
        )
    token, remote_id = logins.token_of_user(ws, wallet, "rotate a wallet's keys")
    if place == "file":
        files.check_writable(Path(where))  # once rotated, new keys that can't be stored are lost
    confirm(f"The keys of wallet '{wallet.name}' die at once; whatever else uses them stops working.")
    with ws.store.write() as db:
        audit_log.append(db, "key rotation", wallet=wallet.name, outcome="begun", actor=ws.said.actor)
    with lnbits_client(ws, wallet.url) as client:
        fresh = client.rotate_keys(token, remote_id)
    keys.SEEN.update((fresh.admin_key, fresh.read_key))
    reads = wallet.access == "read"
    if place == "keyring":
        other = None if reads else fresh.read_key
        wallet.key_source, wallet.has_read_key = store_key(
            keys.KeySource("keyring"), fresh.read_key if reads else fresh.admin_key, other
        )
    elif place == "file":
        keys.write_key_file(Path(where), fresh.read_key if reads else fresh.admin_key, replace=True)
    else:
        from amani_cli.sandbox import key_file

        key_file.replace(ws.paths.sandbox / "keys.json", where, fresh.admin_key, fresh.read_key)
    with ws.store.write() as db:
        store_wallets.update(db, wallet.id, key_source=wallet.key_source, has_read_key=int(wallet.has_read_key))
        audit_log.append(db, "key rotation", wallet=wallet.name, outcome="done", actor=ws.said.actor)
    invoice_keys.renew(wallet, fresh.read_key)
    if place == "keyring":
        for kind in ("key", "read"):
            keys.keyring_delete(f"{where}:{kind}")
    return wallet.view()
