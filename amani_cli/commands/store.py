"""`amani store`: show, upgrade, copy, claims, release."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.options import REASON, Command

app = options.group("Where the ledger is: a file of this machine, or PostgreSQL for several.")


@app.command(cls=Command)
def show(ctx: typer.Context) -> None:
    """Say where the ledger is and what is in it; --quiet prints the hash of the newest audit entry."""
    from amani_cli.operations import ledgers

    said = options.of(ctx)
    said.emit(ledgers.show(said.ws))


@app.command(cls=Command)
def upgrade(ctx: typer.Context) -> None:
    """Make the ledger's tables, or bring them to this amani's schema; on PostgreSQL nothing else ever does.

    It takes the role that owns them. Upgrade amani on every machine first: an older one refuses a newer ledger.
    """
    from amani_cli.operations import ledgers

    said = options.of(ctx)
    said.emit(ledgers.upgrade(said.ws))


@app.command(cls=Command)
def copy(
    ctx: typer.Context,
    to: str = typer.Option(
        None,
        "--to",
        help="An empty store: postgresql://…, sqlite (this machine's own file) or sqlite:PATH.",
        metavar="STORE",
    ),
    undo: bool = typer.Option(False, "--undo", help="Let the old one go on, while nothing was done with the copy."),
) -> None:
    """Move the whole ledger into another store, either way, and prove that all of it came.

    Nothing is spent by the old one from then on. Keys stay where they are.
    """
    from amani_cli.operations import ledgers

    said = options.of(ctx)
    if undo == (to is not None):
        raise errors.Usage("say where to, with --to, or --undo")
    if undo:
        said.emit(ledgers.undo(said.ws))
        return
    if not said.yes:
        said.ask.confirm("Copy it?", f"The ledger moves to {to}; nothing is spent by this one any more.")
    said.emit(ledgers.copy(said.ws, to))


@app.command(cls=Command)
def claims(ctx: typer.Context) -> None:
    """List what processes of all machines are at work on, and what a machine that is gone still holds."""
    from amani_cli.operations import ledgers

    said = options.of(ctx)
    said.emit(ledgers.claimed(said.ws))


@app.command(cls=Command)
def release(
    ctx: typer.Context,
    claim_id: str = typer.Argument(help="The claim, as 'store claims' names it.", metavar="ID"),
    reason: str | None = REASON,
) -> None:
    """Give up what a machine had claimed that will not come back; asks first.

    Make sure that it does not run any more: what it was at work on may then be begun a second time beside it.
    """
    from amani_cli.operations import ledgers

    said = options.of(ctx)
    said.ws.said.reason = reason
    if not said.yes:
        said.ask.confirm("Release it?", "Is what claimed it certainly gone? Its work may then be begun a second time.")
    said.emit(ledgers.release(said.ws, claim_id))
