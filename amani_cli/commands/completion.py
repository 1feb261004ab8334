"""`amani completion`: scripts for bash, zsh and fish, made from the command tree."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.models.operations import CompletionScript
from amani_cli.options import Command

app = options.group("Completion scripts for bash, zsh and fish.")

SHELL = typer.Argument(help="bash, zsh or fish.")


@app.command(cls=Command)
def show(ctx: typer.Context, shell: str = SHELL) -> None:
    """Print the completion script of a shell."""
    from amani_cli.completion.scripts import script

    said = options.of(ctx)
    text = script(shell, ctx.find_root().command)
    if said.json:
        said.out.emit(CompletionScript(shell, script=text))
    else:
        said.out.raw(text)


@app.command(cls=Command)
def install(ctx: typer.Context, shell: str = SHELL) -> None:
    """Write the completion script to where the shell looks for it, and say where that is."""
    from amani_cli.completion.scripts import install as write

    said = options.of(ctx)
    path, left_to_do = write(shell, ctx.find_root().command, said.environ)
    notes = [left_to_do] if left_to_do else []
    written = CompletionScript(shell, path=str(path), left_to_do=left_to_do or None)
    said.out.emit(written, notes=[*notes, "Start a new shell to use it."])
