"""Forgetting a wallet, here alone or at its server as well."""

from __future__ import annotations

from collections.abc import Callable

from amani_cli import errors, keys
from amani_cli.models.wallets import Removed
from amani_cli.store import addresses as store_addresses
from amani_cli.store import audit as audit_log
from amani_cli.store import cheques, faucet, holds, journal
from amani_cli.store import invoices as invoice_queries
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets import deletions
from amani_cli.wallets.finding import resolve
from amani_cli.wallets.known import KnownWallet
from amani_cli.wallets.variables import ENVIRONMENT
from amani_cli.workspace import Workspace


def remove(ws: Workspace, name: str, *, delete_remote: bool, confirm: Callable[[str], None]) -> Removed:
    """Forget a wallet and its stored keys; with `delete_remote` delete it at the server, once it is proven empty.

    `confirm` is asked with what will be lost. Raises `errors.RefusedByPolicy` while outcomes are open, or for a
    remote wallet that holds anything.
    """
    wallet = resolve(ws, name)
    if wallet.in_environment:
        raise errors.Usage(
            f"'{wallet.name}' lives in the environment: unset {ENVIRONMENT[wallet.provider].key} to remove it",
            code="ENV_WALLET",
        )
    waiting = journal.count_open_of(ws.store, wallet.id)
    waiting += sum(row.wallet_id == wallet.id for row in invoice_queries.shown_to_a_payer(ws.store))
    if waiting:
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' has {waiting} open outcome(s); without its key they could never be settled",
            code="OPEN_OUTCOMES",
            hint="Run: amani reconcile",
        )
    if faucet.is_from(ws.store, wallet.id):
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' is the faucet",
            code="IS_FAUCET",
            hint="Make another wallet the faucet first: amani faucet configure --wallet W",
        )
    _refuse_with_address(ws, wallet)
    outstanding = cheques.count_outstanding(ws.store, wallet.id)
    if outstanding:
        raise errors.RefusedByPolicy(
            f"{outstanding} cheque(s) of wallet '{wallet.name}' are outstanding; their money comes back to it",
            code="CHEQUES_OUTSTANDING",
            hint="Void them first: amani cheque list",
        )
    if delete_remote:
        wallet.must_be("lnbits")
        deletions.delete(ws, wallet, confirm)
    else:
        key = "Admin key" if wallet.provider == "lnbits" else "key"
        everywhere = ", on every machine of this ledger," if ws.is_shared else ""
        confirm(
            f"amani forgets wallet '{wallet.name}'{everywhere} and its stored keys. The wallet and its money stay on"
            f" {wallet.url},"
            f" but without another copy of the {key} nobody reaches them."
        )
    place, slot = wallet.key_source.place, wallet.key_source.where
    if place == "keyring":
        keys.keyring_delete(f"{slot}:key")
        if wallet.has_read_key:
            keys.keyring_delete(f"{slot}:read")
    with ws.store.write() as db:
        holds.spread(db)  # it is held under its id, whoever adds it again
        if delete_remote:
            holds.release(db, wallet.remote_id)  # it is gone, and nothing can be spent from it
        store_wallets.delete(db, wallet.id)
        audit_log.append(
            db, "wallet remove", wallet=wallet.name, subject=wallet.url, outcome="done", actor=ws.said.actor
        )
    return Removed(wallet.name, keys_deleted=place == "keyring", remote_deleted=delete_remote)


def _refuse_with_address(ws: Workspace, wallet: KnownWallet) -> None:
    for row in store_addresses.of_wallet(ws.store, wallet.id):
        raise errors.RefusedByPolicy(
            f"address {row.name} pays into wallet '{wallet.name}'",
            code="HAS_ADDRESS",
            hint=f"Remove it first: amani address remove {row.name}",
        )
