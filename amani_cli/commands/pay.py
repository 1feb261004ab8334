"""`amani pay`: one thing to pay, checked, asked about, journaled, sent once."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def pay(
    ctx: typer.Context,
    dest: str = typer.Argument(
        help="Invoice, Lightning address, LNURL, lightning: or bitcoin: link, contact; -: stdin."
    ),
    amount: str | None = typer.Argument(None, help="How much: 1000, 21k, 20USD; max for all that can be spent."),
    max_fee: str = typer.Option(None, "--max-fee", help="Refuse if the fee may be higher, e.g. 10sat.", metavar="A"),
    memo: str = typer.Option("", "--memo", "-m", help="A note for your own history."),
    reference: str = typer.Option(None, "--reference", help="The same one again returns the receipt.", metavar="REF"),
    comment: str = typer.Option("", "--comment", help="A word for the payee, where its server takes one."),
    keep: str | None = typer.Option(None, "--keep", help="With max: leave this much in the wallet.", metavar="A"),
    max_slippage: str = typer.Option(
        None, "--max-slippage", help="With fiat: how far the rate may move (1%).", metavar="PERCENT"
    ),
    accept_change: bool = typer.Option(False, "--accept-change", help="Pay a contact whose server or node changed."),
    dry_run: bool = typer.Option(False, "--dry-run", "-n", help="Say what would happen; send nothing."),
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
    category: str | None = options.CATEGORY,
    wait: bool = typer.Option(True, "--wait/--no-wait", help="Wait for the outcome of a slow payment."),
) -> None:
    """Pay somebody. Paying the same invoice or reference again returns the receipt and sends nothing."""
    from amani_cli import destinations, rates, wallets
    from amani_cli.amounts import parse_amount

    said = options.of(ctx)
    ws = said.ws
    ws.reason, ws.category = reason, options.category(category)
    said.take_pin(pin_stdin, pin_file)
    wish = destinations.Wish(
        destinations.read(ws, options.secret_from_stdin("invoice") if dest == "-" else dest),
        parse_amount(amount) if amount else None,
        comment=comment,
        memo=memo,
        reference=reference,
        max_fee_msat=_fee(max_fee) if max_fee else None,
        keep_msat=_fee(keep) if keep else 0,
        accept_change=accept_change,
        max_slippage=rates.parse_percent(max_slippage) if max_slippage else None,
    )
    wallet = wallets.resolve(ws, said.wallet)
    if dry_run:
        said.out.emit(destinations.planned(ws, wallet, wish), ws.warnings)
        return
    confirm = said.confirm_payment("Pay?")
    said.out.emit(destinations.pay(ws, wallet, wish, confirm=confirm, wait=wait), ws.warnings)


def _fee(text: str) -> int:
    from amani_cli.amounts import parse_msat

    return 0 if text.strip() in ("0", "0sat") else parse_msat(text)
