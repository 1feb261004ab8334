"""What the engine asks of a provider, and Lightning's answer to it; that of fiat is in `fiat`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from amani_cli import errors
from amani_cli.payments.lightning_rail import Lightning
from amani_cli.payments.rail import Rail
from amani_cli.store import journal
from amani_cli.store.entries import Entry
from amani_cli.wallets import environment, finding
from amani_cli.wallets import known as wallets_known
from amani_cli.wallets.cheque_servers import named_server
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


@contextmanager
def rail_of(ws: Workspace, wallet: KnownWallet) -> Iterator[Rail]:
    """A wallet's rail, open for looking."""
    if wallet.provider == "fincra":
        from amani_cli.payments.fincra_rail import FiatRail

        with wallet.fincra("read") as business:
            yield FiatRail(ws, business)
    elif wallet.id == journal.OUTSIDE:
        with named_server(ws, wallet.url, wallet.key("read").value) as client:
            yield Lightning(ws, client)
    else:
        with wallet.lnbits("read") as client:
            yield Lightning(ws, client)


def wallet_of(ws: Workspace, row: Entry) -> KnownWallet | None:
    """The wallet of an entry, if it is still known here."""
    if row.wallet_id == journal.OUTSIDE:
        from amani_cli.wallets.outside import source_of

        return source_of(ws, row)
    known = [*finding.registered(ws), *environment.in_environment(ws)]
    for wallet in known:
        if wallet.in_environment and wallet.id == row.wallet_id and not _is_met(wallet):
            continue
        if wallet.id == row.wallet_id and wallet.remote_id in (None, row.remote_wallet_id):
            return wallet
    # Removed and added again, it has another number here and the same id at its server.
    same = [wallet for wallet in known if wallet.remote_id is not None and wallet.remote_id == row.remote_wallet_id]
    return same[0] if same else None


def _is_met(wallet: KnownWallet) -> bool:
    """Whether the wallet in the environment is not one that tells another's id: what it says of its entries is worth
    nothing. One that can't be asked now is asked later."""
    try:
        wallets_known.identify(wallet)
    except errors.RefusedByPolicy as error:
        wallet.ws.talk.warn(error.message)
        return False
    except errors.AmaniError:
        pass
    return True
