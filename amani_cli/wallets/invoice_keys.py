"""The invoice key of a wallet by itself: enough to ask for money and to see it come, and unable to send any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import errors, keys
from amani_cli.store import addresses
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits


def learn(wallet: KnownWallet) -> str | None:
    """Make sure that a wallet's invoice key is at hand without its admin key; returns where it is kept by itself, or
    None where the wallet's own place has it apart.

    Raises `errors.NotAuthorised` where it can't be learned, or kept.
    """
    identify(wallet)
    if _has_its_own(wallet):
        return None
    place = keys.place_for(wallet.key_source, wallet.ws.paths.sandbox)
    with wallet.lnbits("admin") as client:
        both = client.keys_by_admin_key(client.wallet().name)
    if both is None or wallet.remote_id is None:
        raise errors.NotAuthorised(
            f"the invoice key of wallet '{wallet.name}' can't be learned from its server",
            code="NO_KEY",
            hint="Add the wallet by its Invoice key, in an AMANI_HOME of its own, and serve the address from there.",
        )
    keys.keep(place, _name(wallet.remote_id), both.read_key)
    return place


def _has_its_own(wallet: KnownWallet) -> bool:
    """Whether reading a wallet's invoice key opens nothing that could pay."""
    return wallet.access == "read" or wallet.has_read_key or wallet.sandbox


def client(ws: Workspace, wallet: KnownWallet, place: str | None) -> Lnbits:
    """A client of a wallet's LNbits by its invoice key; the admin key is not opened. Close it."""
    if place is None and _has_its_own(wallet):
        return wallet.lnbits("read")
    key = keys.kept(place, _name(wallet.remote_id or "")) if place is not None else None
    if key is None:
        raise errors.NotAuthorised(
            f"the invoice key of wallet '{wallet.name}' is not kept here any more",
            code="NO_KEY",
            hint="Remove its address and add it again: amani address remove NAME",
        )
    opened = lnbits_client(ws, wallet.url, key)
    opened.line.wallet = wallet.name
    return opened


def kept_client(ws: Workspace, wallet: KnownWallet) -> Lnbits:
    """The same wherever a wallet's invoice key is kept, also where its addresses are gone.

    Raises `errors.NotAuthorised` where it is not.
    """
    if _has_its_own(wallet):
        return client(ws, wallet, None)
    places = [row.place for row in addresses.of_wallet(ws.store, wallet.id) if row.place is not None]
    return client(ws, wallet, (places or [keys.place_for(wallet.key_source, ws.paths.sandbox)])[0])


def renew(wallet: KnownWallet, read_key: str) -> None:
    """Keep a wallet's new invoice key where an earlier one is kept by itself: its keys were rotated."""
    for row in addresses.of_wallet(wallet.ws.store, wallet.id):
        if row.place is not None and wallet.remote_id is not None:
            keys.keep(row.place, _name(wallet.remote_id), read_key)


def secret_name(wallet: KnownWallet) -> str:
    """Under which name it is kept."""
    return _name(wallet.remote_id or "")


def _name(remote_id: str) -> str:
    return f"invoice-key:{remote_id}"
