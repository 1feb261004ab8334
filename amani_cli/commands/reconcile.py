"""`amani reconcile`: every open outcome, asked again."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def reconcile(
    ctx: typer.Context,
    ids: list[str] | None = typer.Argument(None, help="Only these payments.", metavar="[ID]..."),
    older_than: str | None = typer.Option(None, "--older-than", help="Leave younger ones alone, e.g. 10m."),
    books: bool = typer.Option(True, "--books/--no-books", help="Compare records and balances as well."),
) -> None:
    """Settle every open outcome by asking the provider; nothing is ever sent anew. Exit 8 if some stay open.

    Then compare the journal with each Lightning wallet's records and balance, or with the records of the payments
    that are named: exit 13 if they differ, whatever else; 10 if nothing is open and somebody could not be asked. With
    --older-than nothing but old outcomes is looked at.
    """
    from amani_cli.reconcile import reconcile as settle
    from amani_cli.times import parse_duration

    said = options.of(ctx)
    result = settle(said.ws, ids or [], parse_duration(older_than) if older_than else 0, compare=books)
    said.out.emit(result, said.ws.warnings, said.ws.notes)
    if result.differences:
        raise typer.Exit(13)
    if result.unknown:
        raise typer.Exit(8)
    if result.unasked:
        raise typer.Exit(10)
