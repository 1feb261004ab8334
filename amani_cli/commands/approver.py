"""`amani approver`: init, show, add, list, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command, Options

if TYPE_CHECKING:
    from amani_cli.rules.changes import Change

app = options.group("Who may approve what others ask for.")

REQUEST = typer.Option(False, "--request", help="File it, for an approver to sign; change nothing now.")
NAME = typer.Argument(help="What the approver is called here.")


@app.command(cls=Command)
def init(
    ctx: typer.Context,
    key_file: str | None = typer.Option(None, "--key-file", help="Keep the key in this new file.", metavar="PATH"),
) -> None:
    """Make your own approver key, in the keyring or a file, and print its public half for 'approver add'."""
    from amani_cli.files import named
    from amani_cli.rules import approver_key

    said = options.of(ctx)
    said.emit(approver_key.init(said.ws, named(key_file).absolute() if key_file else None))


@app.command(cls=Command)
def show(ctx: typer.Context) -> None:
    """Print the public half of your own approver key again."""
    from amani_cli.rules import approver_key

    said = options.of(ctx)
    said.emit(approver_key.shown(said.ws))


@app.command(cls=Command)
def add(
    ctx: typer.Context,
    name: str = NAME,
    public: str = typer.Argument(help="What their 'amani approver init' printed.", metavar="PUBLIC"),
    request: bool = REQUEST,
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
) -> None:
    """Have somebody approve: for every wallet, or for one by --wallet. Takes the PIN, and a signature of who may."""
    from amani_cli.rules import changes
    from amani_cli.wallets import finding, known

    said = options.of(ctx)
    said.ws.said.reason = reason
    said.take_pins(pin_stdin, pin_file)
    wallet = None
    if said.wallet is not None:
        wallet = finding.resolve(said.ws, said.wallet)
        known.identify(wallet)
    change = changes.adding(said.ws, name.strip(), public, wallet)
    if request:
        _file(said, change)
        return
    changes.make(said.ws, change)
    said.emit(changes.view(said.ws, changes.known(said.ws.store, name)))


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List everybody who may approve."""
    from amani_cli.rules import changes

    said = options.of(ctx)
    said.emit(changes.listed(said.ws))


@app.command(cls=Command)
def remove(
    ctx: typer.Context,
    name: str = NAME,
    request: bool = REQUEST,
    lost: bool = typer.Option(False, "--lost", help="Their key is lost, and no one is left to sign: takes a day."),
    key_stdin: bool = typer.Option(False, "--key-stdin", help="With --lost: read the wallet's Admin key from stdin."),
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
) -> None:
    """Have somebody approve nothing any more: what they signed no longer counts. Takes PIN and signature.

    With --lost it takes the Admin key of the wallet (--wallet) typed again, and waits as 'pin reset' does; meanwhile
    whoever may approve can refuse it.
    """
    from amani_cli.requests import lost as requests_lost
    from amani_cli.rules import changes
    from amani_cli.store import approvers
    from amani_cli.wallets import finding, known

    said = options.of(ctx)
    ws = said.ws
    ws.said.reason = reason
    if key_stdin and not lost:
        raise errors.Usage("--key-stdin goes with --lost")
    if lost:
        from amani_cli import keys
        from amani_cli.requests import standing

        wallet = finding.resolve(ws, said.wallet)
        known.identify(wallet)
        text = options.secret_from_stdin("key") if key_stdin else said.ask.secret("Admin key", "Use --key-stdin.")
        row = requests_lost.file(ws, name, wallet, keys.clean(text, "what was entered"))
        said.emit(standing.view(ws, row))
        return
    said.take_pins(pin_stdin, pin_file)
    identity = changes.known(ws.store, name).identity
    found = None if identity == approvers.EVERY else finding.with_identity(finding.registered(ws), identity)
    change = changes.removing(ws, name, found)
    if request:
        _file(said, change)
        return
    gone = changes.view(ws, changes.known(ws.store, name))
    changes.make(ws, change)
    said.emit(gone)


def _file(said: Options, change: Change) -> None:
    from amani_cli.commands.filed import filed
    from amani_cli.requests import filing

    filed(said, change.wallet, filing.of_change(change))
