"""`amani sandbox`: start, stop, status, reset, fund."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.models.operations import SandboxView
from amani_cli.options import Command

app = options.group("A real LNbits on this machine, with fake sats, to try things on.")


@app.command(cls=Command)
def start(
    ctx: typer.Context,
    port: int | None = typer.Option(None, "--port", help="The port to listen on.", min=1024, max=65535),
    outside: bool = typer.Option(False, "--outside", help="A second LNbits too, to pay from one server to another."),
) -> None:
    """Start it; the first time LNbits is installed (about 200 MB). Data and wallets survive a stop.

    With --outside a second LNbits is funded by the first: what its wallet `outside` pays to the others leaves its
    server and needs a fee reserve, as real payments do. It is started with the first from then on.
    """
    from amani_cli.sandbox import running as sandbox_running
    from amani_cli.wallets import of_sandbox

    said = options.of(ctx)
    root = said.ws.paths.sandbox
    running = sandbox_running.start(root, port=port, progress=said.out.step)
    known = [(wallet.name, wallet.id) for wallet in running.wallets.values()]
    names, more, url = list(running.wallets), [], None
    if outside or sandbox_running.outside.exists(root):
        second = sandbox_running.start_outside(root, progress=said.out.step)
        url = second.url
        more = [(wallet.name, wallet.id, second.url) for wallet in second.wallets.values()]
        names += list(second.wallets)
    of_sandbox.register_sandbox(said.ws, running.url, known, running.username, outside=more)
    said.ws.talk.note("Its sats are fake: nothing here is real money. Stop it with: amani sandbox stop")
    state = "running" if url else None
    view = SandboxView("running", running.url, running.pid, running.version, names, state, url)
    said.emit(view)


@app.command(cls=Command)
def stop(ctx: typer.Context) -> None:
    """Stop it; wallets and data stay for the next start."""
    from amani_cli.sandbox import running as sandbox_running

    said = options.of(ctx)
    stopped = sandbox_running.stop(said.ws.paths.sandbox, progress=said.out.step)
    if stopped.pid is None:
        said.ws.talk.note("The sandbox was not running.")
    said.emit(SandboxView("stopped", None, None, None, []))


@app.command(cls=Command)
def status(ctx: typer.Context) -> None:
    """Say whether it runs, and where."""
    from amani_cli.sandbox import running as sandbox_running

    said = options.of(ctx)
    root = said.ws.paths.sandbox
    now, second = sandbox_running.status(root), None
    if sandbox_running.outside.exists(root):
        second = sandbox_running.status(sandbox_running.outside.folder(root))
    states = [
        "starting" if each.state == "running" and not each.answers else each.state for each in (now, second or now)
    ]
    if set(states) != {"running"}:
        said.ws.talk.note("Start it with: amani sandbox start")
    view = SandboxView(states[0], now.url, now.pid, now.version, now.wallets)
    if second is not None:
        names = [*now.wallets, *second.wallets]
        view = view._replace(wallets=names, outside_state=states[1], outside_url=second.url)
    said.emit(view)


@app.command(cls=Command)
def reset(ctx: typer.Context) -> None:
    """Stop it and delete its wallets and data; what is installed stays."""
    from amani_cli.sandbox import running as sandbox_running
    from amani_cli.wallets import of_sandbox

    said = options.of(ctx)
    said.ask.confirm("Delete the sandbox's wallets and data?", "Only fake sats are lost.")
    sandbox_running.reset(said.ws.paths.sandbox, progress=said.out.step)
    of_sandbox.forget_sandbox(said.ws)
    said.emit(SandboxView("stopped", None, None, None, []))


@app.command(cls=Command)
def fund(
    ctx: typer.Context,
    name: str = typer.Argument(help="A sandbox wallet, or one of Fincra's sandbox."),
    amount: str = typer.Argument(help="How much, e.g. 100k or 50000NGN."),
) -> None:
    """Put fake sats into a sandbox wallet, or test money into one of Fincra's sandbox."""
    from amani_cli.amounts import parse_msat, require_whole_sat
    from amani_cli.sandbox import running as sandbox_running
    from amani_cli.wallets import balances, finding

    said = options.of(ctx)
    try:
        wallet = finding.named(said.ws, name, said.wallet)
    except errors.AmaniError as error:
        if sandbox_running.status(said.ws.paths.sandbox).state != "running":  # there that is what there is to say
            error.hint = "The sandbox does not run. Start it with: amani sandbox start"
        raise
    if wallet.provider == "fincra":
        from amani_cli.wallets import businesses

        businesses.fund(wallet, businesses.amount(wallet, amount))
        said.emit(balances.balance(said.ws, wallet))
        return
    amount_sat = require_whole_sat(parse_msat(amount))
    if not wallet.sandbox or wallet.remote_id is None:
        raise errors.Usage(f"'{wallet.name}' is no sandbox wallet: only fake sats can be made from nothing")
    sandbox_running.fund(said.ws.paths.sandbox, wallet.remote_id, amount_sat)
    said.emit(balances.balance(said.ws, wallet))
