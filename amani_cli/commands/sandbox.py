"""`amani sandbox`: start, stop, status, reset, fund."""

from __future__ import annotations

import typer

from amani_cli import errors, models, options
from amani_cli.options import Command

app = options.group("A real LNbits on this machine, with fake sats, to try things on.")


@app.command(cls=Command)
def start(
    ctx: typer.Context,
    port: int | None = typer.Option(None, "--port", help="The port to listen on.", min=1024, max=65535),
) -> None:
    """Start it; the first time LNbits is installed (about 200 MB). Data and wallets survive a stop."""
    from amani_cli import registry, sandbox

    said = options.of(ctx)
    running = sandbox.start(said.ws.paths.sandbox, port=port, progress=said.out.step)
    known = [(wallet.name, wallet.id) for wallet in running.wallets.values()]
    registry.register_sandbox(said.ws, running.url, known, running.username)
    said.ws.note("Its sats are fake: nothing here is real money. Stop it with: amani sandbox stop")
    names = list(running.wallets)
    view = models.SandboxView("running", running.url, running.pid, running.version, names)
    said.out.emit(view, said.ws.warnings, said.ws.notes)


@app.command(cls=Command)
def stop(ctx: typer.Context) -> None:
    """Stop it; wallets and data stay for the next start."""
    from amani_cli import sandbox

    said = options.of(ctx)
    stopped = sandbox.stop(said.ws.paths.sandbox, progress=said.out.step)
    if stopped.pid is None:
        said.ws.note("The sandbox was not running.")
    said.out.emit(models.SandboxView("stopped", None, None, None, []), said.ws.warnings, said.ws.notes)


@app.command(cls=Command)
def status(ctx: typer.Context) -> None:
    """Say whether it runs, and where."""
    from amani_cli import sandbox

    said = options.of(ctx)
    now = sandbox.status(said.ws.paths.sandbox)
    state = "starting" if now.state == "running" and not now.answers else now.state
    if state != "running":
        said.ws.note("Start it with: amani sandbox start")
    said.out.emit(
        models.SandboxView(state, now.url, now.pid, now.version, now.wallets), said.ws.warnings, said.ws.notes
    )


@app.command(cls=Command)
def reset(ctx: typer.Context) -> None:
    """Stop it and delete its wallets and data; what is installed stays."""
    from amani_cli import registry, sandbox

    said = options.of(ctx)
    said.ask.confirm("Delete the sandbox's wallets and data?", "Only fake sats are lost.")
    sandbox.reset(said.ws.paths.sandbox, progress=said.out.step)
    registry.forget_sandbox(said.ws)
    said.out.emit(models.SandboxView("stopped", None, None, None, []), said.ws.warnings)


@app.command(cls=Command)
def fund(
    ctx: typer.Context,
    name: str = typer.Argument(help="A sandbox wallet, or one of Fincra's sandbox."),
    amount: str = typer.Argument(help="How much, e.g. 100k or 50000NGN."),
) -> None:
    """Put fake sats into a sandbox wallet, or test money into one of Fincra's sandbox."""
    from amani_cli import balances, sandbox, wallets
    from amani_cli.amounts import parse_msat, require_whole_sat

    said = options.of(ctx)
    wallet = wallets.resolve(said.ws, name)
    if wallet.provider == "fincra":
        from amani_cli import businesses

        businesses.fund(said.ws, wallet, businesses.amount(wallet, amount))
        said.out.emit(balances.balance(said.ws, wallet), said.ws.warnings)
        return
    amount_sat = require_whole_sat(parse_msat(amount))
    if not wallet.sandbox or wallet.remote_id is None:
        raise errors.Usage(f"'{wallet.name}' is no sandbox wallet: only fake sats can be made from nothing")
    sandbox.fund(said.ws.paths.sandbox, wallet.remote_id, amount_sat)
    said.out.emit(balances.balance(said.ws, wallet), said.ws.warnings)
