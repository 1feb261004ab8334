"""`amani batch`: plan, run, status, results."""

from __future__ import annotations

import time

import typer

from amani_cli import errors, options
from amani_cli.files import check_new, named
from amani_cli.models.batches import BatchPlan, BatchRow
from amani_cli.options import FORCE, PIN_FILE, PIN_STDIN, REASON, Command, Options

app = options.group("Many payments from a CSV, planned, run and resumed.")

PLAN = typer.Argument(help="The plan.", metavar="PLAN")


@app.command(cls=Command)
def plan(
    ctx: typer.Context,
    file: str = typer.Argument(help="CSV or JSON Lines with to, amount, memo, reference, …; - for stdin."),
    output: str = typer.Option(..., "--output", "-o", help="Write the plan to this new file.", metavar="PLAN"),
    fiat_wallet: str = typer.Option(
        None, "--fiat-wallet", help="The Fincra wallet that banks and phones are paid from.", metavar="NAME"
    ),
    offline: bool = typer.Option(False, "--offline", help="Don't ask the servers of addresses about the amounts."),
) -> None:
    """Check every row and write a plan; nothing is paid."""
    from amani_cli.batch import plans

    said = options.of(ctx)
    ws = said.ws
    try:
        path = named(output)
        made = plans.make(ws, said.wallet, fiat_wallet, file, path, look=not offline)
    except errors.Usage as error:
        for problem in error.details.get("rows", ())[:50]:
            said.out.say(f"row {problem['row']}, column {problem['column']}: {problem['message']}")
        raise
    said.emit(made)


@app.command(cls=Command)
def run(
    ctx: typer.Context,
    plan: str = PLAN,
    jobs: int = typer.Option(2, "--jobs", help="How many at the same time.", min=1, max=16),
    stop_on_failure: bool = typer.Option(False, "--stop-on-failure", help="Begin nothing more after a failure."),
    max_slippage: str = typer.Option(
        None, "--max-slippage", help="With fiat by Lightning: how far the rate may move (1%).", metavar="PERCENT"
    ),
    request: bool = options.REQUEST,
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
) -> None:
    """Pay what is left of a plan. Run it again to go on: no row is paid twice. Exit 0 all, 11 partly, 8 in doubt."""
    from amani_cli.batch import plans, running
    from amani_cli.wallets import rates

    said = options.of(ctx)
    ws = said.ws
    ws.said.reason = reason
    said.take_pin(pin_stdin, pin_file)
    read = plans.load(named(plan))
    purse = plans.purse_of(ws, read, said.wallet)
    if request:
        from amani_cli.commands.filed import filed
        from amani_cli.requests import drafts

        wallet = purse.lightning or purse.fincra
        assert wallet is not None
        most = rates.slippage(max_slippage)
        drawn = drafts.batch(ws, purse, read, jobs=jobs, stop_on_failure=stop_on_failure, max_slippage=most)
        filed(said, wallet, drawn.draft)
        return
    if not said.yes and not said.ask.can_ask:
        said.ask.confirm("Pay them?")

    begun, moved = time.monotonic(), 0

    def on_row(row: BatchRow, done: int, of: int) -> None:
        nonlocal moved
        moved += (row.amount_msat or 0) if row.status == "settled" else 0
        if said.json:
            said.out.stream(row)
        elif row.status != "settled":
            said.out.say(f"row {row.row} ({row.to[:60]}): {row.status}{': ' + row.failure if row.failure else ''}")
        said.out.step(_pace(done, of, moved, time.monotonic() - begun), done / of)

    batch, interrupted = running.run(
        ws,
        purse,
        read,
        jobs=jobs,
        stop_on_failure=stop_on_failure,
        max_slippage=rates.slippage(max_slippage),
        confirm=None if said.yes else _asking(said),
        on_row=on_row,
    )
    # With --json each row was told already.
    said.emit(batch._replace(items=[]) if said.json else batch)
    code = 8 if batch.unknown else 130 if interrupted else 11 if batch.settled < batch.rows else 0
    if code:
        raise typer.Exit(code)


def _pace(done: int, of: int, moved_msat: int, took_s: float) -> str:
    """How a run gets on: rows, sats, rows a second, and how long the rest may take at that pace."""
    from amani_cli.amounts import format_sat

    sats = f", {format_sat(moved_msat)}" if moved_msat else ""
    if done == of or took_s <= 0:
        return f"{done} of {of} rows{sats}"
    left = round((of - done) * took_s / done)
    left_words = f"{left} s" if left < 100 else f"{left // 60} min"
    return f"{done} of {of} rows{sats}, {done / took_s:.1f}/s, {left_words} left"


def _asking(said: Options) -> options.BatchConfirm:
    def confirm(overview: BatchPlan) -> None:
        from amani_cli.views import choosing

        for warning in said.ws.talk.warnings:
            said.out.warn(warning)
        said.ask.confirm("Pay them?", *choosing.asked_about(overview))

    return confirm


@app.command(cls=Command)
def status(ctx: typer.Context, plan: str = PLAN) -> None:
    """How each row stands, by amani's own books."""
    from amani_cli.batch import plans, running

    said = options.of(ctx)
    said.emit(running.status(said.ws, plans.load(named(plan))))


@app.command(cls=Command)
def results(
    ctx: typer.Context,
    plan: str = PLAN,
    output: str = typer.Option(None, "--output", "-o", help="Into this file, 0600.", metavar="FILE"),
    force: bool = FORCE,
) -> None:
    """Every row with what became of it, as CSV that is safe in a spreadsheet; cheques with their codes."""
    from amani_cli.batch import plans, running

    said = options.of(ctx)
    read = plans.load(named(plan))
    if output:
        check_new(named(output), force=force)
        running.write_results(said.ws, read, named(output))
        said.ws.talk.note(f"Written to {output}.")
    if output or said.json:
        said.emit(running.status(said.ws, read))
        return
    said.out.lines(running.results(said.ws, read), records=True)
