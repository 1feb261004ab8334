"""`amani watch`, which is `amani wallet watch` too: payments as they settle."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def watch(
    ctx: typer.Context,
    names: list[str] | None = typer.Argument(None, help="One wallet or several; all if none.", metavar="[NAME]..."),
    run: str | None = typer.Option(None, "--exec", help="Run this with the event as JSON on stdin.", metavar="CMD"),
    below: str | None = typer.Option(None, "--below", help="End with exit 7 once a wallet holds less.", metavar="A"),
    every: str = typer.Option("2s", "--every", help="How often to ask where no websocket tells.", metavar="TIME"),
    long: str | None = typer.Option(None, "--for", help="End with exit 0 after this long, e.g. 10m.", metavar="TIME"),
) -> None:
    """Show payments as they settle, each once, by the provider's own record; with --json one document a line.

    They enter the history as well. LNbits' websocket tells of them at once; beneath it, and where a server has none,
    it is asked. A server that goes away is asked again until it is back. For cron:
    'amani watch --below 50000sat --for 10m' ends with 7 if the mark was crossed, else with 0.
    """
    from amani_cli.amounts import parse_msat
    from amani_cli.operations import watching
    from amani_cli.times import parse_duration
    from amani_cli.wallets import finding

    said = options.of(ctx)
    ws = said.ws
    if names:
        chosen = [finding.named(ws, name, said.wallet) for name in names]
    else:
        chosen = [finding.resolve(ws, said.wallet)] if said.wallet else finding.with_key_here(ws)
        chosen = chosen or [finding.resolve(ws, None)]
    below_msat = parse_msat(below) if below else None
    if below_msat is not None and any(wallet.provider != "lnbits" for wallet in chosen):
        raise errors.Usage("--below takes an amount of sats: name the Lightning wallets to watch", code="BAD_AMOUNT")
    names_watched = ", ".join(wallet.name for wallet in chosen)
    every_s, for_s = parse_duration(every), parse_duration(long) if long else None

    def ready() -> None:
        if not said.quiet:
            until = f"for {long}" if long else "until Ctrl-C"
            said.out.say(f"Watching {names_watched} {until}: payments are shown as they settle.")

    for event in watching.watch(ws, chosen, every_s=every_s, for_s=for_s, below_msat=below_msat, ready=ready):
        said.out.stream(event)
        if run:
            watching.run(ws, run, event)
        for warning in ws.talk.warnings:
            said.out.warn(warning)
        ws.talk.warnings.clear()
        if event.what == "below":
            raise typer.Exit(errors.InsufficientFunds.exit_code)
