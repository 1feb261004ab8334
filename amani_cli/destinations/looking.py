"""What a destination says, without paying."""

from __future__ import annotations

import time

from amani_cli.destinations.reading import read
from amani_cli.encodings import bolt11
from amani_cli.models.invoices import Decoded
from amani_cli.models.payments import Payee
from amani_cli.times import to_rfc3339
from amani_cli.wallets.clients import lnurl_for
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def looked_at(ws: Workspace, wallet: KnownWallet | None, text: str) -> Decoded | Payee:
    """What a destination says, without paying. An invoice is read offline; for an address or link its server is asked.

    `wallet` only says whether servers of this very machine may be asked: those of the sandbox.
    """
    found = read(ws, text)
    if found.kind == "bolt11":
        return _decoded(found.text)
    if found.payout is not None:
        return Payee("payout", found.shown, None)
    from amani_cli.providers import lnurl  # as in `read`: an invoice does not need it

    link = found.link
    assert link is not None
    with lnurl_for(ws, private=wallet is not None and wallet.sandbox) as net:
        request = net.ask(link)
    if isinstance(request, lnurl.Login):
        return Payee("login", f"login at {link.domain}", link.domain)
    if isinstance(request, lnurl.WithdrawRequest):
        # The link itself is the money: it is not shown.
        return Payee(
            "withdraw",
            f"withdraw from {link.domain}",
            link.domain,
            request.min_msat,
            request.max_msat,
            request.description,
        )
    return Payee(
        "pay",
        found.shown,
        link.domain,
        request.min_msat,
        request.max_msat,
        request.description,
        request.long_description,
        request.identifier,
        request.comment_limit,
    )


def _decoded(text: str) -> Decoded:
    """What a bolt11 says, read offline."""
    invoice = bolt11.decode_invoice(text)
    return Decoded(
        bolt11=invoice.bolt11,
        payment_hash=invoice.payment_hash,
        amount_msat=invoice.amount_msat,
        description=invoice.description,
        description_hash=invoice.description_hash,
        payee=invoice.payee,
        network=invoice.network,
        created_at=to_rfc3339(invoice.created_at),
        expires_at=to_rfc3339(invoice.expires_at),
        expired=invoice.is_expired(time.time()),
    )
