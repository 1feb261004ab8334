"""`amani doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def doctor(ctx: typer.Context) -> None:
    """Look at keyring, files, servers and open outcomes; changes nothing. Exit 13 if something fails."""
    from amani_cli.operations.doctor import diagnose

    said = options.of(ctx)
    found = diagnose(said.ws)
    said.emit(found)
    if any(item.status == "fail" for item in found.items):
        raise typer.Exit(13)
