"""`amani status`: how everything stands, on one screen."""

from __future__ import annotations

from typing import Never

import typer

from amani_cli import errors, options
from amani_cli.options import Command, Options

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def status(
    ctx: typer.Context,
    watch: bool = typer.Option(False, "--watch", help="Keep it on the screen until Ctrl-C."),
    every: str = typer.Option("10s", "--every", help="With --watch: how often to look again.", metavar="DURATION"),
) -> None:
    """Show how everything stands: balances, what is open, cheques, limits, the last movements, what is amiss.

    Balances up to a minute old are taken as they are; older ones are asked for.
    """
    from amani_cli.operations import status as standing
    from amani_cli.times import parse_duration

    said = options.of(ctx)
    if watch:
        if said.json or said.quiet or not said.out.at_terminal:
            raise errors.Usage("--watch is for a terminal", hint="A script asks again: amani status --json")
        _keep_showing(said, parse_duration(every))
    found, failed = standing.status(said.ws)
    said.emit(found)
    if failed:
        raise typer.Exit(failed[0].exit_code)


def _keep_showing(said: Options, every_s: int) -> Never:
    """Draw the screen again and again; Ctrl-C ends it."""
    import time

    from amani_cli.operations import status as standing

    while True:
        said.ws.restart_clock()
        found, _ = standing.status(said.ws)
        said.out.clear_screen()
        said.emit(found)
        said.out.say(f"Looked at every {every_s} s; Ctrl-C ends it.")
        time.sleep(every_s)
