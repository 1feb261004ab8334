"""What there is to know of a wallet's server: its version, and whether the wallet is its user's own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.store import marks
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.known import KnownWallet

if TYPE_CHECKING:  # a provider's client would cost httpx at every start
    from amani_cli.providers.lnbits import Lnbits


# Every parallel pay of a full balance got through on this version of LNbits: don't trust it with cheques.
DOUBLE_SPENDING_VERSION = "1.0.0"


def unsafe_version(name: str) -> str:
    """What there is to say about a server of the version that double-spends."""
    return (
        f"the LNbits of wallet '{name}' is version 1.0.0, which can spend a balance twice when payments overlap:"
        " have it upgraded, and pay one thing at a time until then"
    )


def warn_of_version(wallet: KnownWallet) -> None:
    """Say so, before anything is paid, when the wallet's server is known to double-spend."""
    if server_version(wallet) == DOUBLE_SPENDING_VERSION:
        wallet.ws.talk.warn(unsafe_version(wallet.name))


def refuse_shared(wallet: KnownWallet) -> None:
    """Refuse to pay from a wallet that is another user's and shared with this key; asked once a wallet.

    Its payments are recorded as the other wallet's, and a key that may not view them is told that there are none: no
    outcome could be told for certain. Raises `errors.RefusedByPolicy`.
    """
    if wallet.sandbox or marks.read(wallet.ws.store, own_mark(wallet.remote_id)) is not None:
        return
    with wallet.lnbits("admin") as client:
        shared = client.is_shared(client.wallet())
    if shared:
        raise shared_wallet(wallet.name)
    if shared is not None:
        with wallet.ws.store.write() as db:
            marks.make(db, own_mark(wallet.remote_id), "")


def own_mark(remote_id: str | None) -> str:
    """The mark of a wallet that is surely its user's own."""
    return f"own {remote_id}"


def shared_wallet(name: str) -> errors.RefusedByPolicy:
    """The error for a wallet that is another user's."""
    return errors.RefusedByPolicy(
        f"'{name}' is another user's wallet, shared with this key: what became of its payments can't be told",
        code="SHARED_WALLET",
        hint="Use the Admin key of the wallet itself. To look and to ask for money its Invoice key will do.",
    )


def told_version(client: Lnbits) -> str | None:
    """The version of a server, or None where it does not tell: never a reason for anything else to fail."""
    with contextlib.suppress(errors.AmaniError):
        return client.version()
    return None


def server_version(wallet: KnownWallet) -> str | None:
    """The version of a wallet's LNbits as it was last seen; asked anew, and written down, where it might be upgraded.

    That is while it is not known, or is one that something is refused or warned of for.
    """
    seen = wallet.server_version
    if seen is None or seen == DOUBLE_SPENDING_VERSION or seen.startswith("0."):
        with lnbits_client(wallet.ws, wallet.url) as client:
            told = told_version(client)
        if told is not None and told != seen:
            wallet.server_version = told
            if not wallet.in_environment:
                with wallet.ws.store.write() as db:
                    store_wallets.update(db, wallet.id, server_version=told)
    return wallet.server_version
