"""`amani login`: a user's token for one LNbits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from amani_cli import options
from amani_cli.options import Command

if TYPE_CHECKING:
    from amani_cli.models.wallets import Login

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

    def logged_in(password: str) -> Login:
        return logins.log_in(said.ws, url, username, password)

    if password_stdin:
        said.emit(logged_in(options.secret_from_stdin("password")))
        return
    question = f"Password of {username}"
    said.emit(said.ask.until_right(question, "Use --password-stdin.", logged_in, wrong=("WRONG_PASSWORD",)))
