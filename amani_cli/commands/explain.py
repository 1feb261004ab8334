"""`amani explain`: what a code means, whether money moved, and what to do."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def explain(
    ctx: typer.Context,
    code: str | None = typer.Argument(None, help="An exit code (8) or an error code (OUTCOME_UNKNOWN)."),
) -> None:
    """Say what an exit code or an error code means, whether money moved, and what to do; bare, for all of them."""
    from amani_cli import explanations

    said = options.of(ctx)
    said.out.emit(explanations.explain(code) if code else explanations.explain_all())
