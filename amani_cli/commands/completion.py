"""`amani completion`: scripts for bash, zsh and fish, generated from the command tree."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = options.group("Completion scripts for bash, zsh and fish.")

SHELL = typer.Argument(help="bash, zsh or fish.")


@app.command(cls=Command)
def show(ctx: typer.Context, shell: str = SHELL) -> None:
    """Print the completion script of a shell."""
    from amani_cli.completion import script

    options.of(ctx).out.raw(script(shell))


@app.command(cls=Command)
def install(ctx: typer.Context, shell: str = SHELL) -> None:
    """Write the completion script to where the shell looks for it."""
    from amani_cli.completion import install as write

    said = options.of(ctx)
    path = write(shell, said.ws.environ)
    said.out.raw(str(path))
    said.out.say("Start a new shell to use it.")


@app.command(cls=Command, hidden=True)
def values(ctx: typer.Context, kind: str = typer.Argument()) -> None:
    """Print names that complete an argument (wallets), one a line."""
    from amani_cli import wallets

    said = options.of(ctx)
    if kind == "wallets":
        names = [wallet.name for wallet in wallets.registered(said.ws)]
        if names:
            said.out.raw("\n".join(names))
