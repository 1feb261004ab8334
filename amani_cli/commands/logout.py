"""`amani logout`: forget a token."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def logout(ctx: typer.Context, url: str | None = typer.Argument(None, help="Address of the LNbits.")) -> None:
    """Forget a login. LNbits itself keeps the token valid for up to a year."""
    from amani_cli.wallets import logins

    said = options.of(ctx)
    said.emit(logins.log_out(said.ws, url))
