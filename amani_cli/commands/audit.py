"""`amani audit`: list, verify."""

from __future__ import annotations

import typer

from amani_cli import options, times
from amani_cli.options import Command

app = options.group("Who moved money, changed a PIN, a limit or a key; append-only and hash-chained.")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    limit: int = typer.Option(20, "--limit", help="How many at most.", min=1, max=10000),
    since: str | None = typer.Option(None, "--since", help="From this moment on: 2026-08-01, today, 7d."),
    until: str | None = typer.Option(None, "--until", help="Before this moment."),
    what: str | None = typer.Option(None, "--what", help="Only this: pay, pin, 'pin set', limit, key, login…"),
    by: str | None = typer.Option(None, "--by", help="What this actor or OS user did.", metavar="NAME"),
    after: int | None = typer.Option(
        None, "--after", help="Go on after this number (the 'next' of a page).", min=1, max=2**63 - 1
    ),
) -> None:
    """List the audit log, newest first; --wallet narrows it to one wallet, by the name it had then."""
    from amani_cli.books import audit
    from amani_cli.store.audit import Filter

    said = options.of(ctx)
    period = times.period(since, until)
    wanted = Filter(
        since=period.since,
        until=period.until,
        wallet=said.wallet,
        what=what,
        by=by,
        after=after,
        limit=limit,
    )
    said.emit(audit.listed(said.ws, wanted))


@app.command(cls=Command)
def verify(
    ctx: typer.Context,
    head: str | None = typer.Option(
        None, "--head", help="A hash noted earlier that must be in the log.", metavar="HASH"
    ),
) -> None:
    """Check that no entry was changed, removed or put in; exit 13 names the first that is wrong.

    Keep what --quiet prints (the hash of the newest entry) somewhere else: by --head it later shows whether the
    entries up to it are still there.
    """
    from amani_cli.books import audit

    said = options.of(ctx)
    found = audit.verify(said.ws, head)
    said.emit(found)
    if not found.intact:
        raise typer.Exit(13)
