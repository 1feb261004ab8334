"""`amani close`: a month's books, tied to the provider's figure."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def close(
    ctx: typer.Context,
    month: str = typer.Option("last", "--month", help="The month, local time: last, 2026-08, or this (a preview)."),
    accept: bool = typer.Option(False, "--accept", help="Take today's figures for a month closed with others."),
    reason: str | None = options.REASON,
) -> None:
    """Close a month: opening + what moved + fees = closing, which must be the provider's figure.

    Exit 13 if a difference stays that nothing explains, or if a month that was closed has other figures now.
    """
    from amani_cli.books import closings
    from amani_cli.wallets import finding

    said = options.of(ctx)
    said.ws.said.reason = reason
    wallet = finding.resolve(said.ws, said.wallet) if said.wallet else None
    found = closings.close(said.ws, month, wallet, accept=accept)
    said.emit(found)
    if found.differences:
        raise typer.Exit(13)
