"""Deleting a wallet at its LNbits, which looks at nothing itself: first it is proved that nobody's money is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.store import invoices as invoice_queries
from amani_cli.times import local
from amani_cli.wallets import logins
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.base import Record
    from amani_cli.providers.lnbits import Lnbits


def prove_empty(client: Lnbits, name: str, *, but: str | None = None) -> None:
    """Refuse a wallet that holds anything, or that money may still come to; `but` is as for `_refuse_expecting`.

    "Nothing" is asked for twice: one answer may be old, or about another wallet. Raises `errors.RefusedByPolicy`.
    """
    _refuse_funded(client, name)
    _refuse_expecting(client, name, but)
    _refuse_funded(client, name)


def _refuse_funded(client: Lnbits, name: str) -> None:
    left = client.wallet().balance_msat
    if left:
        raise errors.RefusedByPolicy(
            f"{name} still holds {left} msat, which deleting would destroy",
            code="NOT_EMPTY",
            hint="Move it away first; LNbits does not look at the balance when it deletes.",
        )


def _refuse_expecting(client: Lnbits, name: str, but: str | None) -> None:
    """Refuse a wallet that money may still come to, by what its server has on record, whoever made it.

    LNbits takes a payer's money for an invoice of a wallet that is gone, and pays its own invoices after their end too
    until somebody asks about them: that marks them failed, and so each one that is pending is asked about. Of a payment
    that is on its way the money comes back if it fails. `but` is the hash of an invoice that nobody can pay any more.
    Raises `errors.RefusedByPolicy`.
    """
    oldest: float | None = None
    for page in client.all_records():
        oldest = page[-1].listed_at if page else oldest
        for record in page:
            if record.status != "pending" or record.payment_hash == but:
                continue
            fresh = client.record(record.payment_hash)
            if fresh is not None and fresh.status != "pending":
                continue
            raise errors.RefusedByPolicy(
                f"{name} {_expected(record)}",
                code="MONEY_EXPECTED",
                hint="Wait until it has ended and run this again; or keep the wallet on its server (without"
                " --delete-remote): deleted, it would swallow that money.",
            )
    client.prove_end(oldest)


def _expected(record: Record) -> str:
    if record.amount_msat < 0:
        return "has a payment on its way, whose money comes back to it should it fail"
    until = f"; it ends at {local(record.expires_at)}" if record.expires_at else ""
    return f"has an invoice over {record.amount_msat // 1000} sat that may still be paid{until}"


def delete(ws: Workspace, wallet: KnownWallet, confirm: Callable[[str], None]) -> None:
    """Delete an empty wallet at its server; one that its user has no more was deleted before, its answer lost.

    Raises `errors.NotAuthorised` without the login of its user, `errors.RefusedByPolicy` while money would be lost.
    """
    token, remote_id = logins.token_of_user(ws, wallet, "delete a wallet")
    with lnbits_client(ws, wallet.url) as client:
        made_by_login = remote_id in {each.id for each in client.wallets(token)}
    try:
        _prove_empty(wallet)
    except errors.NotAuthorised as error:
        if made_by_login or error.code == "WRONG_KEY":
            raise
        confirm(f"Your login on {wallet.url} has no wallet '{wallet.name}' any more. amani forgets it and its keys.")
        return
    if not made_by_login:
        raise errors.NotAuthorised(
            f"the login for {wallet.url} is not that of the user of wallet '{wallet.name}', who alone can delete it",
            code="OTHER_LOGIN",
            hint=f"Leave out --delete-remote, or log in as the user who made it: amani login {wallet.url}",
        )
    _refuse_awaiting(ws, wallet)
    confirm(f"Wallet '{wallet.name}' is empty. It is deleted on {wallet.url} for good, with its keys.")
    _prove_empty(wallet)
    _refuse_awaiting(ws, wallet)
    with lnbits_client(ws, wallet.url) as client:
        client.delete_wallet(token, remote_id)


def _prove_empty(wallet: KnownWallet) -> None:
    with wallet.lnbits("read") as client:
        prove_empty(client, f"wallet '{wallet.name}'")


def _refuse_awaiting(ws: Workspace, wallet: KnownWallet) -> None:
    """Refuse while the journal knows of money on its way, whatever the server says."""
    awaited = invoice_queries.awaited(ws.store, wallet.id)
    if awaited is not None:
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' has an invoice that can still be paid, until {awaited}",
            code="MONEY_EXPECTED",
            hint="Wait for it and run 'amani reconcile', or leave out --delete-remote: the money would be lost.",
        )
