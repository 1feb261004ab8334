"""LNURL-withdraw: a link that pays one of our wallets (LUD-03). The link itself is the money."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import format_sat
from amani_cli.destinations import reading
from amani_cli.invoices import desk, lightning
from amani_cli.models.invoices import Invoice
from amani_cli.store import invoices as store_invoices
from amani_cli.store import references
from amani_cli.wallets import clients, environment, finding
from amani_cli.wallets.known import KnownWallet, identify_there
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnurl import Lnurl, WithdrawRequest

PATIENCE_S = 3.0  # how long our own record is watched once there is doubt, or no time left


def claim(
    ws: Workspace,
    wallet: KnownWallet,
    text: str,
    amount_msat: int | None,
    *,
    memo: str = "",
    reference: str | None,
    wait: bool = True,
) -> Invoice:
    """Have an LNURL-withdraw pay one of our wallets: make an invoice and show it to the server, once.

    Without an amount all that the server gives is taken, in whole sat. Returns the invoice, paid, or with `wait` off
    and a server that said it will pay, still pending; the same `reference` again shows the same invoice and asks
    nobody else. Raises `errors.Rejected` for what was never begun or what our own record says failed, and
    `errors.OutcomeUnknown` for anything else: no answer of a withdraw's server proves that it did not pay.
    """
    from amani_cli.providers import lnurl

    wallet.must_be("lnbits")
    found = reading.read(ws, text)
    if found.link is None:
        raise errors.Usage("that is no LNURL-withdraw link", hint="To pay an invoice: amani pay INVOICE")
    if reference is not None:
        identify_there(wallet)
    meaning = _meaning(wallet, found.link.url, amount_msat, memo)
    earlier = lightning.made_before(ws, reference, meaning)
    if earlier is not None:
        return _arrived(ws, wallet, earlier, "it was asked for before and is not here yet", wait=wait)
    with clients.lnurl_for(ws, private=wallet.sandbox) as net:
        request = net.ask(found.link)
        if not isinstance(request, lnurl.WithdrawRequest):
            raise errors.Usage(
                "this link does not give money", code="NOT_WITHDRAW", hint=f"To pay it: amani pay {found.shown} AMOUNT"
            )
        made = lightning.create(
            ws,
            wallet,
            _withdrawn_msat(request, amount_msat),
            memo or _fitting(request.description, lightning.MEMO_LIMIT_BYTES),
            3600,
            reference=reference,
            meaning=meaning,
            purpose="withdraw",
        )
        if made.replayed:  # by another process, just now
            return _arrived(ws, wallet, made, "it was asked for before and is not here yet", wait=wait)
        return _asked(ws, wallet, net, request, made, wait=wait)


def _meaning(wallet: KnownWallet, url: str, amount_msat: int | None, memo: str) -> str:
    """What a reference for a claim stands for; the link itself is a secret."""
    return f"withdraw {wallet.identity} {sha256(url.encode()).hexdigest()[:32]} {amount_msat} {memo}"


def _asked(
    ws: Workspace, wallet: KnownWallet, net: Lnurl, request: WithdrawRequest, made: Invoice, *, wait: bool
) -> Invoice:
    from amani_cli.providers.http import Lost

    ws.talk.progress(f"asking {request.link.domain} to pay")
    try:
        said = net.withdraw(request, made.to_pay)
    except KeyboardInterrupt:
        raise _open(made, "interrupted while it was asked for") from None
    except Lost as error:
        said = f"{error.message}: it may have heard"
    except errors.AmaniError:  # nobody has seen the invoice, nor ever will
        with ws.store.write() as db:
            store_invoices.set_status(db, wallet.id, made.key, "expired")
            if made.reference is not None:
                references.release(db, made.reference)
        raise
    return _arrived(ws, wallet, made, said, wait=wait)


def _arrived(ws: Workspace, wallet: KnownWallet, made: Invoice, doubt: str | None, *, wait: bool) -> Invoice:
    """What became of an invoice that a server was shown, by our own wallet's record alone.

    `doubt` is what speaks against its being paid: then it is not waited for as long.
    """
    if made.status == "paid":
        return made
    left = max(ws.deadline - time.monotonic(), PATIENCE_S)
    left = min(left, PATIENCE_S) if doubt is not None else left
    ws.deadline = time.monotonic() + left
    try:
        with wallet.lnbits("read") as client:
            fresh = lightning.ask(ws, wallet, client, made.key)
        if fresh.status == "pending" and wait:
            fresh = desk.wait(ws, made.key, wallet.name, limit_s=left)
    except KeyboardInterrupt:
        raise _open(made, "interrupted before it arrived") from None
    except errors.Rejected:
        raise
    except errors.AmaniError as error:
        raise _open(made, doubt or error.message) from error
    if fresh.status == "expired":
        raise errors.Rejected(
            "the money was asked for and did not come: the invoice for it has ended unpaid",
            code="INVOICE_EXPIRED",
            hint="Claim it again, with a new reference if you gave one.",
        )
    if fresh.status == "pending" and doubt is not None:
        raise _open(made, doubt)
    return fresh._replace(replayed=made.replayed)


def _open(made: Invoice, why: str) -> errors.OutcomeUnknown:
    return errors.OutcomeUnknown(
        f"the money was asked for and may come yet: {why}",
        code="WITHDRAW_OPEN",
        id=made.key,
        hint=f"Wait on: amani invoice wait {made.key}. Until its record here says that it failed, it may be paid.",
    )


def settle_open(ws: Workspace) -> int:
    """Ask our own wallets about every withdraw that is not certain; returns how many stay open."""
    known = {wallet.id: wallet for wallet in [*finding.registered(ws), *environment.in_environment(ws)]}
    left = 0
    for row in store_invoices.shown_to_a_payer(ws.store):
        wallet = known.get(row.wallet_id)
        if wallet is None:
            ws.talk.warn(f"whether invoice {row.payment_hash[:16]}… was paid can't be asked: add '{row.wallet}' again")
            left += 1
            continue
        try:
            with wallet.lnbits("read") as client:
                status = lightning.ask(ws, wallet, client, row.payment_hash).status
        except errors.AmaniError as error:
            ws.talk.warn(f"whether invoice {row.payment_hash[:16]}… was paid is open: {error.message}")
            left += 1
            continue
        left += status == "pending"
        if status == "expired":  # of one that the server does not even know, nothing was written down
            with ws.store.write() as db:
                store_invoices.set_status(db, wallet.id, row.payment_hash, status)
    return left


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
