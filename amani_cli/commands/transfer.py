"""`amani transfer`: between wallets that amani knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command, Options

if TYPE_CHECKING:
    from amani_cli.amounts import Fiat
    from amani_cli.models.payments import Nothing, Payment
    from amani_cli.wallets.known import KnownWallet

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def transfer(
    ctx: typer.Context,
    to: str = typer.Argument(help="The wallet that gets it."),
    amount: str = typer.Argument(help="How much: 1000, 21k; 5000NGN between Fincra wallets; max for all."),
    source: str | None = typer.Option(None, "--from", help="The wallet that gives it (or --wallet).", metavar="WALLET"),
    memo: str = options.MEMO,
    reference: str | None = typer.Option(None, "--reference", help="The same one again returns the receipt."),
    request: bool = options.REQUEST,
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
) -> None:
    """Move money between two of your wallets; free inside one server."""
    said = options.of(ctx)
    ws = said.ws
    ws.said.reason = reason
    said.take_pin(pin_stdin, pin_file)
    from amani_cli.wallets import finding

    giver, taker = finding.named(ws, source, said.wallet), finding.resolve(ws, to)
    if giver.provider == "fincra":
        from amani_cli.fiat import transfers
        from amani_cli.wallets import businesses

        taker.must_be("fincra")
        everything: Literal["max"] | None = "max" if amount.strip().lower() == "max" else None
        value = everything or businesses.amount(giver, amount)
        if request:
            _file(said, giver, taker, value, memo, reference)
            return
        confirm = said.confirm_payment("Transfer?")
        paid: Payment | Nothing = transfers.transfer(
            ws, giver, taker, value, memo=memo, reference=reference, confirm=confirm
        )
    else:
        from amani_cli.amounts import Fiat, parse_amount
        from amani_cli.lightning import transfers as lightning_transfers

        taker.must_be("lnbits")
        parsed = parse_amount(amount)
        if isinstance(parsed, Fiat):
            raise errors.Usage("a transfer is over sats", code="BAD_AMOUNT", hint="Write it as 1000 or 1000sat.")
        if request:
            _file(said, giver, taker, parsed, memo, reference)
            return
        confirm = said.confirm_payment("Transfer?")
        paid = lightning_transfers.transfer(ws, giver, taker, parsed, memo=memo, reference=reference, confirm=confirm)
    said.emit(paid)


def _file(
    said: Options,
    giver: KnownWallet,
    taker: KnownWallet,
    amount: int | Fiat | Literal["max"],
    memo: str,
    reference: str | None,
) -> None:
    if amount == "max":
        raise errors.Usage("a request is over an amount, not over what is there by then", hint="Write how much.")
    from amani_cli.commands.filed import filed
    from amani_cli.requests import drafts

    filed(said, giver, drafts.transfer(said.ws, giver, taker, amount, memo=memo, reference=reference))
