"""`amani schema`: the JSON Schema of each document that --json prints, made from the models that print it."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def schema(
    ctx: typer.Context,
    command: list[str] = typer.Argument(None, help="E.g. 'wallet balance' or amani.balance/1.", metavar="[COMMAND]"),
) -> None:
    """Print the JSON Schema of a command's document; bare, those of all."""
    import json

    from amani_cli.schemas import schemas

    said = options.of(ctx)
    said.out.raw(json.dumps(schemas(" ".join(command or [])), indent=2))
