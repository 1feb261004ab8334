"""`amani store`: show, upgrade, claims, release."""

from __future__ import annotations

import typer

from amani_cli import options
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
