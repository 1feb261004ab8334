"""`amani login`: a user's token for one LNbits."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def login(
    ctx: typer.Context,
    url: str = typer.Argument(help="Address of the LNbits."),
    username: str | None = typer.Option(None, "--username", "-u", help="User name there."),
    password_stdin: bool = typer.Option(False, "--password-stdin", help="Read the password from stdin."),
) -> None:
    """Log in to an LNbits; the token goes to the keyring, the password nowhere."""
    from amani_cli.wallets import logins

    said = options.of(ctx)
    username = username or said.ask.text("User name", "Say --username NAME.")
    if password_stdin:
        password = options.secret_from_stdin("password")
    else:
        password = said.ask.secret(f"Password of {username}", "Use --password-stdin.")
    said.emit(logins.log_in(said.ws, url, username, password))
