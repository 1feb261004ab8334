"""`amani contact`: add, list, show, remove, banks."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = options.group("Names for those who are paid again and again.")

NAME = typer.Argument(help="The contact's name.")


@app.command(cls=Command)
def add(
    ctx: typer.Context,
    name: str = typer.Argument(help="What to call it."),
    dest: str = typer.Argument(
        help="Lightning address or LNURL-pay link; bank:, momo: or fincra:; anything that can be paid more than once."
    ),
    currency: str | None = typer.Option(
        None, "--currency", help="Fincra: which one a bank account is paid in, to look it up.", metavar="CUR"
    ),
) -> None:
    """Give somebody a name to be paid by. The first payment pins what is seen of them.

    A bank account or a phone is looked up at once, by a Fincra wallet, and whose it is is pinned.
    """
    from amani_cli.destinations import contacts, reading
    from amani_cli.wallets import businesses

    said = options.of(ctx)
    wallet = businesses.to_ask_by(said.ws, said.wallet)
    said.emit(contacts.add(said.ws, name, reading.read(said.ws, dest), wallet, (currency or "").strip().upper()))


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the contacts."""
    from amani_cli.destinations import contacts

    said = options.of(ctx)
    said.emit(contacts.every(said.ws))


@app.command(cls=Command)
def show(ctx: typer.Context, name: str = NAME) -> None:
    """Show one contact and what was pinned of it."""
    from amani_cli.destinations import contacts

    said = options.of(ctx)
    said.emit(contacts.shown(said.ws, name))


@app.command(cls=Command)
def remove(ctx: typer.Context, name: str = NAME) -> None:
    """Forget a contact and what was pinned of it; what it was paid stays on record."""
    from amani_cli.destinations import contacts

    said = options.of(ctx)
    said.emit(contacts.remove(said.ws, name))


@app.command(cls=Command)
def banks(ctx: typer.Context, currency: str = typer.Argument(help="E.g. NGN or GHS.")) -> None:
    """List the banks and mobile-money operators that a Fincra wallet can pay in a currency; kept for a day."""
    from amani_cli.payees import banks as payees_banks
    from amani_cli.wallets import finding

    said = options.of(ctx)
    said.emit(payees_banks.listed(said.ws, finding.resolve(said.ws, said.wallet), currency))
