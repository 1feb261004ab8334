"""`amani transfer`: between wallets that amani knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command, Options

if TYPE_CHECKING:
    from amani_cli.amounts import Fiat
    from amani_cli.wallets.known import KnownWallet

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def transfer(
    ctx: typer.Context,
    to: str = typer.Argument(help="The wallet that gets it."),
    amount: str = typer.Argument(help="How much, e.g. 1000 or 21k; 5000NGN between Fincra wallets."),
    source: str | None = typer.Option(None, "--from", help="The wallet that gives it (or --wallet).", metavar="WALLET"),
    memo: str = typer.Option("", "--memo", "-m", help="What it is for."),
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

    giver, taker = finding.resolve(ws, source or said.wallet), finding.resolve(ws, to)
    if giver.provider == "fincra":
        from amani_cli.fiat import transfers
        from amani_cli.wallets import businesses

        taker.must_be("fincra")
        value = businesses.amount(giver, amount)
        if request:
            _file(said, giver, taker, value, memo, reference)
            return
        confirm = said.confirm_payment("Transfer?")
        paid = transfers.transfer(ws, giver, taker, value, memo=memo, reference=reference, confirm=confirm)
    else:
        from amani_cli.amounts import parse_amount
        from amani_cli.lightning import transfers as lightning_transfers

        taker.must_be("lnbits")
        amount_msat = parse_amount(amount)
        if not isinstance(amount_msat, int):
            raise errors.Usage("a transfer is over sats", code="BAD_AMOUNT", hint="Write it as 1000 or 1000sat.")
        if request:
            _file(said, giver, taker, amount_msat, memo, reference)
            return
        confirm = said.confirm_payment("Transfer?")
        paid = lightning_transfers.transfer(
            ws, giver, taker, amount_msat, memo=memo, reference=reference, confirm=confirm
        )
    said.emit(paid)


def _file(
    said: Options, giver: KnownWallet, taker: KnownWallet, amount: int | Fiat, memo: str, reference: str | None
) -> None:
    from amani_cli.commands.filed import filed
    from amani_cli.requests import drafts

    filed(said, giver, drafts.transfer(said.ws, giver, taker, amount, memo=memo, reference=reference))
