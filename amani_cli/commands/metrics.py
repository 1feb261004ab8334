"""`amani metrics`: how things stand, for Prometheus."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def metrics(
    ctx: typer.Context,
    output: str | None = typer.Option(None, "--output", "-o", help="Write to this file, in one step.", metavar="FILE"),
    mode: str = typer.Option("640", "--mode", help="Who may read the file, in octal: node_exporter must.", metavar="M"),
) -> None:
    """Print figures for Prometheus: balances, open outcomes, budgets, cheques, faucet, calls, last successes.

    Made for node_exporter's textfile collector. A provider that is down is a figure (amani_provider_up 0), not an
    error.
    """
    from pathlib import Path

    from amani_cli.files import check_new, replaced
    from amani_cli.models.operations import MetricsWritten
    from amani_cli.operations import metrics as operations_metrics

    said = options.of(ctx)
    if mode.strip("01234567") or not 3 <= len(mode) <= 4:
        raise errors.Usage("a mode is three octal digits, e.g. 640 or 644")
    if said.json and output is None:
        raise errors.Usage("with --json the figures need a file", hint="Name it by --output FILE.")
    if output is not None:
        check_new(output, force=True)
        operations_metrics.refuse_other(Path(output))
    text = operations_metrics.text(said.ws)
    if output is None:
        said.out.raw(text)
        for warning in said.ws.talk.warnings:
            said.out.warn(warning)
        return
    with replaced(Path(output), mode=int(mode, 8)) as file:
        file.write(text)
    samples = sum(not line.startswith("#") for line in text.splitlines())
    said.emit(MetricsWritten(output, samples))
