"""`amani pay`: one thing to pay, checked, asked about, journaled, sent once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command, Options

if TYPE_CHECKING:
    from amani_cli.destinations.forms import Destination
    from amani_cli.fiat import orders

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def pay(
    ctx: typer.Context,
    dest: str = typer.Argument(
        help="Invoice, Lightning address, LNURL, lightning: or bitcoin: link, contact; -: stdin."
        " Fincra: bank:058/0123456789 or momo:MTN/233241234567."
    ),
    amount: str | None = typer.Argument(None, help="How much: 1000, 21k, 5000NGN; max for all that can be spent."),
    max_fee: str = typer.Option(None, "--max-fee", help="Refuse if the fee may be higher, e.g. 10sat.", metavar="A"),
    memo: str = options.MEMO,
    description: str = typer.Option("", "--description", help="Fincra: what the payee sees of it.", metavar="TEXT"),
    reference: str = typer.Option(None, "--reference", help="The same one again returns the receipt.", metavar="REF"),
    comment: str = typer.Option("", "--comment", help="A word for the payee, where its server takes one."),
    keep: str | None = typer.Option(None, "--keep", help="With max: leave this much in the wallet.", metavar="A"),
    max_slippage: str = typer.Option(
        None, "--max-slippage", help="With fiat: how far the rate may move (1%).", metavar="PERCENT"
    ),
    accept_change: bool = typer.Option(False, "--accept-change", help="Pay a contact whose server or node changed."),
    payer_name: str | None = typer.Option(None, "--payer-name", help="Who pays, where the payee's server asks."),
    payer_email: str | None = typer.Option(None, "--payer-email", help="The same: your email address."),
    payer_identifier: str | None = typer.Option(None, "--payer-identifier", help="The same: your Lightning address."),
    dry_run: bool = typer.Option(False, "--dry-run", "-n", help="Say what would happen; send nothing."),
    request: bool = options.REQUEST,
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
    category: str | None = options.CATEGORY,
    wait: bool = typer.Option(True, "--wait/--no-wait", help="Wait for the outcome of a slow payment."),
    to_name: str | None = typer.Option(None, "--to-name", help="Fincra: whose account it must be.", metavar="NAME"),
    name_unverified: bool = typer.Option(
        False, "--name-unverified", help="Fincra: pay where nobody can say whose account it is."
    ),
    company: bool = typer.Option(False, "--company", help="Fincra: the payee is no person."),
    from_currency: str | None = typer.Option(
        None, "--from-currency", help="Fincra: pay out of this currency, at a quote.", metavar="CUR"
    ),
) -> None:
    """Pay somebody. Paying the same invoice or reference again returns the receipt and sends nothing."""
    said = options.of(ctx)
    ws = said.ws
    ws.said.reason, ws.said.category = reason, options.category(category)
    said.take_pin(pin_stdin, pin_file)
    from amani_cli.amounts import parse_amount
    from amani_cli.destinations import ordering, payers, paying, reading
    from amani_cli.wallets import finding, rates

    payer = payers.said(payer_name, payer_email, payer_identifier)
    to = reading.read(ws, options.secret_from_stdin("invoice") if dest == "-" else dest)
    if to.payout is not None:
        if max_fee or comment or keep or max_slippage or payer:
            raise _for_lightning(comment)
        from amani_cli.fiat import orders

        payout = orders.Order(
            to.payout,
            source=(from_currency or "").upper(),
            to_name=to_name,
            name_unverified=name_unverified,
            company=company,
            memo=memo,
            description=description,
            reference=reference,
        )
        _pay_out(said, to, payout, amount, dry_run=dry_run, request=request, wait=wait, accept_change=accept_change)
        return
    if to_name or name_unverified or company or from_currency or description:
        raise _for_fiat(description)
    if amount is None and to.amount_msat is None and not to.names_amount:
        amount = said.missing(f"How much for {to.shown}?")
    wish = ordering.Wish(
        to,
        parse_amount(amount) if amount is not None else None,
        comment=comment,
        memo=memo,
        reference=reference,
        max_fee_msat=_fee(max_fee) if max_fee else None,
        keep_msat=_fee(keep) if keep else 0,
        accept_change=accept_change,
        payer=payer,
        max_slippage=rates.parse_percent(max_slippage) if max_slippage else None,
    )
    wallet = finding.resolve(ws, said.wallet)
    wallet.must_be("lnbits")
    if dry_run:
        said.emit(paying.planned(ws, wallet, wish))
        return
    if request:
        from amani_cli.commands.filed import filed
        from amani_cli.requests import drafts

        drawn = drafts.pay(ws, wallet, wish)
        filed(said, wallet, drawn[0]) if isinstance(drawn, drafts.Drawn) else said.emit(drawn)
        return
    confirm = said.confirm_payment("Pay?")
    said.emit(paying.pay(ws, wallet, wish, confirm=confirm, wait=wait))


def _for_lightning(comment: str) -> errors.Usage:
    return errors.Usage(
        "--max-fee, --max-slippage, --comment, --keep and --payer-… are for Lightning",
        hint="What the payee is to see goes into --description." if comment else "",
    )


def _for_fiat(description: str) -> errors.Usage:
    return errors.Usage(
        "--to-name, --name-unverified, --company, --from-currency and --description are for bank: and momo:",
        hint="A word for the payee goes into --comment, where its server takes one." if description else "",
    )


def _pay_out(
    said: Options,
    to: Destination,
    wanted: orders.Order,
    amount: str | None,
    *,
    dry_run: bool,
    request: bool,
    wait: bool,
    accept_change: bool,
) -> None:
    """Pay fiat to a bank account or a phone."""
    from dataclasses import replace

    from amani_cli.destinations import paying
    from amani_cli.fiat import orders, payouts
    from amani_cli.wallets import businesses, finding

    amount = amount or said.missing(f"How much for {to.shown}?")
    if amount is None:
        raise errors.Usage("how much?", code="BAD_AMOUNT", hint=f"E.g. amani pay {to.shown} 5000NGN.")
    wallet = finding.resolve(said.ws, said.wallet)
    wallet.must_be("fincra")
    if amount.strip().lower() == "max":
        found = payouts.all_there_is(said.ws, wallet, wanted)
        if not isinstance(found, orders.Order):
            said.emit(found)
            return
        wanted = found
    else:
        value = businesses.amount(wallet, amount)
        wanted = replace(wanted, amount=value, source=wanted.source or value.currency)
    if dry_run:
        said.emit(paying.planned_out(said.ws, wallet, to, wanted, accept_change=accept_change))
        return
    if request:
        from amani_cli.commands.filed import filed
        from amani_cli.requests import drafts

        filed(said, wallet, drafts.pay_out(said.ws, wallet, to, wanted, accept_change=accept_change).draft)
        return
    paid = paying.pay_out(
        said.ws,
        wallet,
        to,
        wanted,
        confirm=said.confirm_payment("Pay?"),
        wait=wait,
        accept_change=accept_change,
    )
    said.emit(paid)


def _fee(text: str) -> int:
    from amani_cli.amounts import parse_msat

    return 0 if text.strip() in ("0", "0sat") else parse_msat(text)
