"""`amani address`: add, list, show, remove."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.options import Command

app = options.group("Lightning addresses that 'amani serve' answers for.")

NAME = typer.Argument(help="What stands before the @.")


@app.command(cls=Command)
def add(
    ctx: typer.Context,
    name: str = NAME,
    least: str = typer.Option("1", "--min", help="The least that it takes.", metavar="AMOUNT"),
    most: str = typer.Option("1000000", "--max", help="The most that it takes.", metavar="AMOUNT"),
    comment: int = typer.Option(120, "--comment", help="How long a payer's comment may be; 0 takes none.", min=0),
) -> None:
    """Have NAME at the base URL pay into the wallet; its invoice key alone is used to serve it."""
    from amani_cli.amounts import parse_amount
    from amani_cli.cheques import links
    from amani_cli.invoices import addresses
    from amani_cli.wallets import finding

    said = options.of(ctx)
    bounds = [parse_amount(text) for text in (least, most)]
    if not all(isinstance(each, int) for each in bounds):
        raise errors.Usage("an address takes sats", code="BAD_AMOUNT", hint="E.g. --min 1 --max 1M.")
    url = links.base_url(said.ws)
    wanted = addresses.Wanted(name, bounds[0], bounds[1], comment)  # type: ignore[arg-type]
    said.emit(addresses.add(said.ws, finding.resolve(said.ws, said.wallet), wanted, url))


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the addresses."""
    from amani_cli.cheques import links
    from amani_cli.invoices import addresses

    said = options.of(ctx)
    said.emit(addresses.every(said.ws, links.at_hand(said.ws)))


@app.command(cls=Command)
def show(ctx: typer.Context, name: str = NAME) -> None:
    """Show one address and what it takes."""
    from amani_cli.cheques import links
    from amani_cli.invoices import addresses

    said = options.of(ctx)
    said.emit(addresses.shown(said.ws, name, links.at_hand(said.ws)))


@app.command(cls=Command)
def remove(ctx: typer.Context, name: str = NAME) -> None:
    """Forget an address; what it was paid stays on record."""
    from amani_cli.cheques import links
    from amani_cli.invoices import addresses

    said = options.of(ctx)
    said.emit(addresses.remove(said.ws, name, links.at_hand(said.ws)))
