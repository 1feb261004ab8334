"""`amani trace`: what became of anything."""

from __future__ import annotations

import typer

from amani_cli import options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def trace(
    ctx: typer.Context,
    anything: str = typer.Argument(help="What a customer has: - reads it from stdin.", metavar="ANYTHING"),
    redacted: bool = typer.Option(False, "--redacted", help="Without names, memos and addresses, to pass on."),
) -> None:
    """Find what became of an invoice, hash, preimage, cheque, id, reference, address, phone number or part of a memo.

    Asks here and at every provider, with read keys alone, and changes nothing. Exit 4 if nothing is known of it, which
    does not mean that it was not paid: the answer names what could not be searched.
    """
    from amani_cli.encodings.cheque_code import PREFIX
    from amani_cli.operations import tracing

    said = options.of(ctx)
    if anything == "-":
        anything = options.secret_from_stdin("clue")
    elif anything.strip().lower().startswith(PREFIX) or "/c/" in anything:
        what = "link" if "/c/" in anything else "code"
        said.ws.talk.warn(f"other users of this machine can see a cheque's {what} on the command line: use - and stdin")
    found = tracing.trace(said.ws, anything, redacted=redacted)
    said.emit(found)
    if not found.found:
        raise typer.Exit(4)
