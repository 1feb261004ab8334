"""`amani login`: a user's token for one LNbits."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.options import Command

_MOST_AGAIN = 3
"""A password is asked for so often again: LNbits locks a login after five wrong ones."""

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
    for _ in range(_MOST_AGAIN if said.ask.can_ask and not password_stdin else 0):
        try:
            said.emit(logins.log_in(said.ws, url, username, password))
            return
        except errors.NotAuthorised as wrong:
            if wrong.code != "WRONG_PASSWORD":
                raise
            said.out.say(f"error: {wrong.message}")
        password = said.ask.secret(f"Password of {username}", "")
    said.emit(logins.log_in(said.ws, url, username, password))
