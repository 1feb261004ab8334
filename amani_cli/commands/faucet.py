"""`amani faucet`: configure, claim, status."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import PIN_FILE, PIN_STDIN, Command

app = options.group("A wallet that gives others a little, once per cool-down.")


@app.command(cls=Command)
def configure(
    ctx: typer.Context,
    amount: str = typer.Option("100", "--amount", help="What one claim gives."),
    cooldown: str = typer.Option("24h", "--cooldown", help="How long a wallet waits between claims."),
    daily_cap: str | None = typer.Option(None, "--daily-cap", help="Most that 24 hours may give.", metavar="A"),
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
) -> None:
    """Make the wallet (--wallet) the faucet; having it give more takes the wallet's PIN."""
    from amani_cli.amounts import parse_msat
    from amani_cli.lightning import faucet
    from amani_cli.times import parse_duration
    from amani_cli.wallets import finding

    said = options.of(ctx)
    said.take_pin(pin_stdin, pin_file)
    result = faucet.configure(
        said.ws,
        finding.resolve(said.ws, said.wallet),
        amount_msat=parse_msat(amount),
        cooldown_s=parse_duration(cooldown),
        daily_cap_msat=parse_msat(daily_cap) if daily_cap else None,
    )
    said.emit(result)


@app.command(cls=Command)
def claim(
    ctx: typer.Context,
    reference: str | None = typer.Option(None, "--reference", help="The same one again returns the receipt."),
) -> None:
    """Have the faucet pay the wallet (--wallet)."""
    from amani_cli.lightning import faucet
    from amani_cli.wallets import finding, known

    said = options.of(ctx)
    claimer = finding.resolve(said.ws, said.wallet)
    known.identify(claimer)
    said.emit(faucet.claim(said.ws, claimer, reference=reference))


@app.command(cls=Command)
def status(ctx: typer.Context) -> None:
    """Say what the faucet gives, what is left in it, and when the wallet may claim next."""
    from amani_cli import errors
    from amani_cli.lightning import faucet
    from amani_cli.wallets import finding

    said = options.of(ctx)
    try:
        claimer = finding.resolve(said.ws, said.wallet)
    except errors.AmaniError:
        if said.wallet:
            raise
        claimer = None
    said.emit(faucet.status(said.ws, claimer))
