"""`amani request`: list, show, cancel, approve, refuse, run, export."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command, Options

if TYPE_CHECKING:
    from amani_cli.models.cheques import Cheque
    from amani_cli.models.requests import Request

app = options.group("What waits for a second person: filed by --request, approved, carried out once.")

ID = typer.Argument(help="The request's id, or the beginning of it.", metavar="ID")
WHICH = typer.Argument(help="The request's id, or the file of an exported one (- reads stdin).", metavar="ID|FILE")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    status: str | None = typer.Option(None, "--status", help="open, approved, refused, expired, …"),
    limit: int = typer.Option(100, "--limit", help="How many at most.", min=1, max=10000),
) -> None:
    """List requests, newest first; --wallet narrows it to one wallet."""
    from amani_cli.requests import standing
    from amani_cli.text import one_of
    from amani_cli.wallets import finding, known

    said = options.of(ctx)
    words = ("open", "approved", "refused", "expired", "cancelled", "running", "settled", "failed", "unknown")
    status = one_of(words, status)
    identity = None
    if said.wallet is not None:
        wallet = finding.resolve(said.ws, said.wallet)
        known.identify(wallet)
        identity = wallet.identity
    said.emit(standing.listed(said.ws, status=status, identity=identity, limit=limit))


@app.command(cls=Command)
def show(ctx: typer.Context, id: str = ID) -> None:
    """Show exactly what would be sent, who asked, who has approved and whether that is enough."""
    from amani_cli.requests import standing

    said = options.of(ctx)
    said.emit(standing.shown(said.ws, id))


@app.command(cls=Command)
def cancel(ctx: typer.Context, id: str = ID, reason: str | None = REASON) -> None:
    """Take back a request of your own."""
    from amani_cli.requests import deciding

    said = options.of(ctx)
    said.ws.said.reason = reason
    said.emit(deciding.cancel(said.ws, id))


@app.command(cls=Command)
def approve(ctx: typer.Context, which: str = WHICH) -> None:
    """Sign a request with your approver key, once it was shown and you said yes. Never your own.

    Of an exported request the signature is printed, to be sent back and given to 'request run' by --approval.
    """
    _decide(options.of(ctx), which, "approve", None)


@app.command(cls=Command)
def refuse(
    ctx: typer.Context,
    which: str = WHICH,
    reason: str | None = typer.Option(None, "--reason", help="Why, for whoever asked.", metavar="TEXT"),
) -> None:
    """Refuse a request: it is at its end, whoever else approved."""
    _decide(options.of(ctx), which, "refuse", reason)


@app.command(cls=Command)
def export(ctx: typer.Context, id: str = ID) -> None:
    """Print a request as a file, to be approved on a machine that shares nothing with this one."""
    from amani_cli.requests import deciding

    said = options.of(ctx)
    said.out.as_json = True
    said.emit(deciding.exported(said.ws, id))


@app.command(cls=Command)
def run(
    ctx: typer.Context,
    which: str = WHICH,
    approval: list[str] | None = typer.Option(
        None, "--approval", help="A signature that came as a file; may be said again.", metavar="FILE"
    ),
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
    wait: bool = typer.Option(True, "--wait/--no-wait", help="Wait for the outcome of a slow payment."),
) -> None:
    """Carry out a request that enough have approved. It is sent once: again, and the receipt is shown."""
    from amani_cli.commands.cheque import show_code
    from amani_cli.requests import deciding, running, standing

    said = options.of(ctx)
    ws = said.ws
    ws.said.reason = reason
    said.take_pins(pin_stdin, pin_file)
    row = deciding.at_home(ws, which) if _is_file(which) else standing.must(ws, which)
    for path in approval or []:
        deciding.take_in(ws, row, path)
    asked = None if said.yes else said.confirm_payment("Carry it out?")
    begun = time.monotonic()

    def on_row(each: Any, done: int, of: int) -> None:
        if said.json:
            said.out.stream(each)
        elif each.status != "settled":
            said.out.say(f"row {each.row} ({each.to[:60]}): {each.status}{': ' + each.failure if each.failure else ''}")
        said.out.step(f"{done} of {of} rows, {time.monotonic() - begun:.0f} s", done / of)

    items: list[Cheque] = []

    def on_cheque(cheque: Cheque, of: int) -> None:
        items.append(cheque)
        if of > 1 and not said.json:  # as soon as it is money: a kill in the middle loses none that was shown
            show_code(said, cheque)

    person = running.Person(asked, lambda request: _agree(said, request), on_row, on_cheque, wait)
    try:
        done = running.run(ws, row, person)
    except (errors.AmaniError, KeyboardInterrupt) as error:
        if not items:
            raise
        # What is written is money, and its codes are shown now or never.
        stopped = error if isinstance(error, errors.AmaniError) else errors.PartlyDone("interrupted")
        ws.talk.warn(f"{len(items)} cheques were written, and then: {stopped.message}")
        _show_cheques(said, items)
        raise typer.Exit(8 if stopped.exit_code == 8 else 11) from None
    if items:
        _show_cheques(said, items)
    elif isinstance(done, tuple) and not hasattr(done, "_fields"):
        batch, interrupted = done
        said.emit(batch._replace(items=[]) if said.json else batch)
        code = 8 if batch.unknown else 130 if interrupted else 11 if batch.settled < batch.rows else 0
        if code:
            raise typer.Exit(code)
    else:
        said.emit(done)


def _show_cheques(said: Options, items: list[Cheque]) -> None:
    from amani_cli.models.cheques import Cheques

    for cheque in items:
        said.ws.talk.untold.told(cheque.id, moved=not cheque.replayed)
    if len(items) == 1:
        said.emit(items[0])
    elif said.json:
        said.emit(Cheques(items, sum(item.outstanding_msat for item in items)))
    else:
        for line in (*said.ws.talk.notes, *said.ws.talk.warnings):
            said.out.say(line)
    said.out.flush()


def _decide(said: Options, which: str, verdict: str, reason: str | None) -> None:
    from amani_cli.requests import deciding

    question = "Approve it?" if verdict == "approve" else "Refuse it?"

    def confirm(request: Request) -> None:
        _ask(said, request, question)

    if _is_file(which):
        signed = deciding.sign_file(said.ws, which, verdict, reason, confirm)
        said.out.as_json = True
        said.emit(signed)
    elif verdict == "approve":
        said.emit(deciding.approve(said.ws, which, confirm))
    else:
        said.emit(deciding.refuse(said.ws, which, reason, confirm))


def _agree(said: Options, request: Request) -> None:
    """Ask about what has no plan of its own to be shown: cheques, a batch, a change of the rules."""
    if request.what not in ("pay", "transfer", "wallet convert"):
        _ask(said, request, "Carry it out?")


def _ask(said: Options, request: Request, question: str) -> None:
    from amani_cli.views import choosing

    said.ask.confirm(question, *choosing.asked_about(request))


def _is_file(which: str) -> bool:
    return which == "-" or os.sep in which or os.path.lexists(which)
