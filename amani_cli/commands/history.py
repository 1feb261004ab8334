"""`amani history`: list, show, sync, export, chart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options, times
from amani_cli.options import FORCE, Command, Options

if TYPE_CHECKING:
    from amani_cli.models.books import Synced
    from amani_cli.wallets.known import KnownWallet

app = options.group("What was paid and received.")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    limit: int = typer.Option(20, "--limit", help="How many at most.", min=1, max=10000),
    since: str | None = typer.Option(None, "--since", help="From this moment on: 2026-08-01, today, 7d."),
    until: str | None = typer.Option(None, "--until", help="Before this moment."),
    status: str | None = typer.Option(None, "--status", help="settled (or paid), failed, unknown or reversed."),
    direction: str | None = typer.Option(None, "--direction", help="in or out."),
    smallest: str | None = typer.Option(None, "--min", help="This amount or more.", metavar="AMOUNT"),
    largest: str | None = typer.Option(None, "--max", help="This amount or less.", metavar="AMOUNT"),
    search: str | None = typer.Option(
        None,
        "--search",
        help="Text in memo, reference, destination or wallet, or the beginning of an id, payment hash or node key.",
    ),
    by: str | None = typer.Option(None, "--by", help="What this actor did (--actor, an agent).", metavar="NAME"),
    sync: bool = typer.Option(False, "--sync", help="First bring in what others did on the wallets."),
    after: str = typer.Option(None, "--after", help="Go on after this id (the 'next' of a page).", metavar="ID"),
) -> None:
    """List payments, newest first, as written down here; 'history sync' brings in what others did."""
    from amani_cli.amounts import parse_msat
    from amani_cli.books import history
    from amani_cli.store.listing import Filter
    from amani_cli.text import one_of
    from amani_cli.wallets import finding

    said = options.of(ctx)
    status = one_of(("settled", "paid", "failed", "unknown", "reversed"), status)
    direction = one_of(("in", "out"), direction, "direction")
    period = times.period(since, until)
    wanted = Filter(
        wallet_id=finding.resolve(said.ws, said.wallet).id if said.wallet else None,
        since=period.since,
        until=period.until,
        status="settled" if status == "paid" else status,
        direction=direction,
        min_msat=parse_msat(smallest) if smallest else None,
        max_msat=parse_msat(largest) if largest else None,
        search=search,
        actor=by,
        limit=limit,
    )
    failed = _sync(said, _chosen(said))[1] if sync else []
    said.emit(history.listed(said.ws, wanted, after))
    _end(failed)


@app.command(cls=Command)
def show(
    ctx: typer.Context,
    id: str = typer.Argument(help="Id, payment hash, bolt11, reference, or the beginning of one.", metavar="ID"),
    paper: str | None = typer.Option(
        None, "--print", help="Write an advice for the payee, .html or .pdf, 0600.", metavar="FILE"
    ),
    force: bool = FORCE,
) -> None:
    """Show one payment."""
    from amani_cli.books import history

    said = options.of(ctx)
    found = history.shown(said.ws, id)
    if paper:
        from amani_cli.books import advices
        from amani_cli.files import check_new

        check_new(paper, force=force)
        advices.write(paper, found)
        said.out.say(f"advice written to {paper}")
    said.emit(found)


@app.command(cls=Command)
def sync(ctx: typer.Context) -> None:
    """Bring in what other clients did on the wallets, money that came too; repeat it as often as you like.

    One of several wallets that can't be read is warned of, the others are read, and its exit code is the command's.
    """
    from amani_cli.wallets import finding

    said = options.of(ctx)
    synced, failed = _sync(said, _chosen(said) or [finding.resolve(said.ws, None)])
    said.emit(synced)
    _end(failed)


def _chosen(said: Options) -> list[KnownWallet]:
    from amani_cli.wallets import finding

    return [finding.resolve(said.ws, said.wallet)] if said.wallet else finding.with_key_here(said.ws)


def _sync(said: Options, chosen: list[KnownWallet]) -> tuple[Synced, list[errors.AmaniError]]:
    """Read these wallets; one of several that can't be read is warned of."""
    from amani_cli.books import history

    synced, failed = history.sync_each(said.ws, chosen)
    for error in failed:
        said.ws.talk.warn(error.message)
    return synced, failed


def _end(failed: list[errors.AmaniError]) -> None:
    if failed:
        raise typer.Exit(failed[0].exit_code)


@app.command(cls=Command)
def export(
    ctx: typer.Context,
    form: str = typer.Option(..., "--format", help="csv, jsonl, ledger or beancount.", metavar="FORMAT"),
    since: str | None = typer.Option(None, "--since", help="What settled from this moment on."),
    until: str | None = typer.Option(None, "--until", help="What settled before this moment."),
    month: str | None = typer.Option(None, "--month", help="One month, local time: last, this or 2026-08."),
    rates: str | None = typer.Option(None, "--rates", help="CSV (date,currency,rate) for what has no rate."),
    output: str | None = typer.Option(None, "--output", "-o", help="Write to this file instead, 0600.", metavar="FILE"),
    force: bool = FORCE,
    opening: bool = typer.Option(True, "--opening/--no-opening", help="Begin ledgers with opening balances."),
) -> None:
    """Write what settled, oldest first, for books: fees apart, running balance, value where a rate is known.

    Run 'history sync' first, so that what others did on the wallets is in. Open outcomes are left out, and said so.
    """
    from pathlib import Path

    from amani_cli.books import exports
    from amani_cli.books.reading import Books
    from amani_cli.books.valuations import RateFile
    from amani_cli.files import check_new, replaced
    from amani_cli.models.books import Exported
    from amani_cli.wallets import finding

    said = options.of(ctx)
    ws = said.ws
    if form not in exports.FORMATS:
        raise errors.Usage(f"'{form[:40]}' is none of: {', '.join(exports.FORMATS)}")
    if said.json and output is None:
        raise errors.Usage("with --json the export needs a file", hint="Name it by --output FILE.")
    if output is not None:
        check_new(output, force=force)
    books = Books(
        ws,
        times.period(since, until, month),
        finding.resolve(ws, said.wallet) if said.wallet else None,
        RateFile(Path(rates)) if rates else None,
    )
    lines = exports.lines(books, form, opening=opening)
    if output is None:
        said.out.lines(lines, records=form == "csv")
    else:
        with replaced(Path(output)) as file:
            file.writelines(_told(said, lines))
    still_open = books.open_outcomes()
    if still_open:
        ws.talk.warn(f"{still_open} open outcome(s) of this time are left out: settle them with 'amani reconcile'")
    if rates and books.without_rate:
        ws.talk.warn(f"{books.without_rate} payment(s) have no rate: {rates} has none for their day")
    if output is None:
        for warning in ws.talk.warnings:
            said.out.warn(warning)
        return
    period = books.period
    done = Exported(output, form, period.since, period.until, books.count, books.without_rate, still_open)
    said.emit(done)


def _told(said: options.Options, lines: Iterator[str]) -> Iterator[str]:
    """The lines of an export, with word of how far it is every few thousand."""
    for count, line in enumerate(lines, 1):
        if count % 5000 == 0:
            said.out.progress(f"writing: {count:,} lines")
        yield line


@app.command(cls=Command)
def chart(
    ctx: typer.Context,
    since: str | None = typer.Option(None, "--since", help="From this moment on; 30 days ago if not said."),
    until: str | None = typer.Option(None, "--until", help="Before this moment."),
    month: str | None = typer.Option(None, "--month", help="One month, local time: last, this or 2026-08."),
    currency: str | None = typer.Option(None, "--currency", help="Which one, of a fiat wallet with several."),
    output: str | None = typer.Option(None, "--output", "-o", help="A picture too: .svg or .png.", metavar="FILE"),
    force: bool = FORCE,
) -> None:
    """Show balance and volume over time, by day, week or month; of all wallets together unless --wallet names one."""
    from pathlib import Path

    from amani_cli.books import charts
    from amani_cli.files import check_new
    from amani_cli.wallets import finding

    said = options.of(ctx)
    if output:
        check_new(output, force=force)
    period = times.period(since or (None if month else "30d"), until, month)
    wallet = finding.resolve(said.ws, said.wallet) if said.wallet else None
    found = charts.series(said.ws, period, wallet, currency)
    if output:
        charts.write(found, Path(output))
        said.out.say(f"chart written to {output}")
    said.emit(found)
