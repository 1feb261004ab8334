"""`amani webhook listen`: a receiver for what LNbits and Fincra call."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.models.operations import Event
from amani_cli.options import Command

app = options.group("A receiver for the webhooks of LNbits and Fincra.")


@app.callback()
def _webhook() -> None:
    """A receiver for the webhooks of LNbits and Fincra."""  # a group, though it has one command yet


@app.command(cls=Command)
def listen(
    ctx: typer.Context,
    host: str = typer.Option("127.0.0.1", "--host", help="Address to listen on; leave it, and put a proxy before it."),
    port: int = typer.Option(8787, "--port", help="Port; 0 takes a free one.", min=0, max=65535),
    fincra_secret_file: str | None = typer.Option(
        None, "--fincra-secret-file", help="File with Fincra's webhook secret; yours, 0600.", metavar="PATH"
    ),
    fincra_secret_command: str | None = typer.Option(
        None, "--fincra-secret-command", help="Command that prints it.", metavar="LINE"
    ),
    run: str | None = typer.Option(None, "--exec", help="Run this with the event as JSON on stdin.", metavar="CMD"),
) -> None:
    """Take POST /lnbits and POST /fincra, confirm each by asking the provider, and show what is new, once.

    It enters the history. LNbits' webhooks are unsigned: they are a hint, and never believed. Fincra's need the secret
    they are signed with. For 'invoice create --webhook URL', give this receiver's address with /lnbits behind it.
    """
    from amani_cli import keys
    from amani_cli.files import named
    from amani_cli.operations import watching, webhooks
    from amani_cli.workspace import Said, Workspace

    said = options.of(ctx)
    secret = None
    if fincra_secret_file and fincra_secret_command:
        raise errors.Usage("give the secret in one way only")
    if fincra_secret_file:
        secret = keys.from_file(named(fincra_secret_file)).value
    elif fincra_secret_command:
        secret = keys.from_command(fincra_secret_command, said.ws.environ).value

    def workspace() -> Workspace:
        ws = Workspace(said.environ, timeout_s=said.ws.timeout, said=Said(actor=said.ws.said.actor))
        ws.catch_up = lambda wallet: options.catch_up(ws, wallet)
        return ws

    def told(event: Event) -> None:
        said.out.stream(event)
        if run:
            watching.run(said.ws, run, event)
        for warning in said.ws.talk.warnings:
            said.out.warn(warning)
        said.ws.talk.warnings.clear()

    receiver = webhooks.Receiver(workspace, told, secret)
    webhooks.serve(receiver, host, port, ready=lambda url: said.out.say(f"listening on {url} (/lnbits, /fincra)"))
