"""LNURL-withdraw: a link that pays one of our wallets (LUD-03). The link itself is the money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import destinations, errors, invoices, models, reading
from amani_cli.amounts import format_sat
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnurl import WithdrawRequest


def claim(
    ws: Workspace, wallet: KnownWallet, text: str, amount_msat: int | None, *, memo: str = "", reference: str | None
) -> models.Invoice:
    """Have an LNURL-withdraw pay one of our wallets: make an invoice and show it to the server, once.

    Without an amount all that the server gives is taken, in whole sat. Returns the invoice, which the server pays when
    it pleases. Raises `errors.Rejected` when it refuses.
    """
    from amani_cli.providers import lnurl
    from amani_cli.providers.http import Lost

    wallet.must_be("lnbits")
    found = reading.read(ws, text)
    if found.link is None:
        raise errors.Usage("that is no LNURL-withdraw link", hint="To pay an invoice: amani pay INVOICE")
    with destinations.lnurl_for(ws, private=wallet.sandbox) as net:
        request = net.ask(found.link)
        if not isinstance(request, lnurl.WithdrawRequest):
            raise errors.Usage(
                "this link does not give money", code="NOT_WITHDRAW", hint=f"To pay it: amani pay {found.shown} AMOUNT"
            )
        wanted = _withdrawn_msat(request, amount_msat)
        made = invoices.create(
            ws,
            wallet,
            wanted,
            memo or _fitting(request.description, invoices.MEMO_LIMIT_BYTES),
            3600,
            reference=reference,
            purpose="withdraw",
        )
        if made.status != "pending":
            return made
        ws.progress(f"asking {found.link.domain} to pay")
        try:
            net.withdraw(request, made.to_pay)
        except Lost as error:
            ws.warn(f"{error.message}: it may have heard, and may pay yet")
    return made


def _withdrawn_msat(request: WithdrawRequest, amount_msat: int | None) -> int:
    most = request.max_msat // 1000 * 1000
    if most < 1000:
        raise errors.Rejected(
            f"there is nothing to withdraw from {request.link.domain}", code="NOTHING_LEFT", hint="It may be used up."
        )
    wanted = most if amount_msat is None else amount_msat
    if not request.min_msat <= wanted <= request.max_msat:
        raise errors.Usage(
            f"{request.link.domain} gives {format_sat(request.min_msat)} to {format_sat(request.max_msat)},"
            f" not {format_sat(wanted)}",
            code="AMOUNT_OUT_OF_RANGE",
            hint="Leave the amount out to take all of it.",
        )
    return wanted


def _fitting(text: str, limit: int) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")
