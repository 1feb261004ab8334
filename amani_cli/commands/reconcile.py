"""`amani reconcile`: every open outcome, asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command, Options

if TYPE_CHECKING:
    from amani_cli.models.operations import Reconciliation

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def reconcile(
    ctx: typer.Context,
    ids: list[str] | None = typer.Argument(None, help="Only these payments.", metavar="[ID]..."),
    older_than: str | None = typer.Option(None, "--older-than", help="Leave younger ones alone, e.g. 10m."),
    books: bool = typer.Option(True, "--books/--no-books", help="Compare records and balances as well."),
    resume: str | None = typer.Option(
        None, "--resume", help="Go on with this payment, if it never arrived; asks like pay.", metavar="ID"
    ),
    resolve: str | None = typer.Option(
        None,
        "--resolve",
        help="Give up a held wallet or a cheque that can never be asked again.",
        metavar="WALLET|CHEQUE",
    ),
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
) -> None:
    """Settle every open outcome by asking the provider; nothing is ever sent anew. Exit 8 if some stay open.

    Then compare the journal with each Lightning wallet's records and balance, or with the records of the payments
    that are named: exit 13 if they differ, whatever else; 10 if nothing is open and somebody could not be asked. With
    --older-than nothing but old outcomes is looked at. With --resume one payment that its provider has no record of is
    sent again: the same invoice, under the same entry. With --resolve a wallet of a restored copy, or a cheque, whose
    server or key is lost for ever holds up nothing more; a person's word, in the audit log, and the wallets' PINs.
    """
    from amani_cli.operations import reconcile as operations_reconcile
    from amani_cli.times import parse_duration

    said = options.of(ctx)
    if resume is not None:
        if ids or older_than or resolve is not None:
            raise errors.Usage(
                "--resume goes with one payment and nothing else", hint=f"amani reconcile --resume {resume}"
            )
        said.ws.said.reason = reason
        said.take_pin(pin_stdin, pin_file)
        result = operations_reconcile.resume(said.ws, resume, confirm=said.confirm_payment("Send it again?"))
        said.emit(result)
        return
    if resolve is not None:
        said.emit(_given_up(said, resolve, alone=not (ids or older_than), pin=(pin_stdin, pin_file), reason=reason))
        return
    if pin_stdin or pin_file or reason:
        raise errors.Usage("--pin-stdin, --pin-file and --reason go with --resume and --resolve")
    result = operations_reconcile.reconcile(
        said.ws, ids or [], parse_duration(older_than) if older_than else 0, compare=books
    )
    said.emit(result)
    if result.differences:
        raise typer.Exit(13)
    if result.unknown:
        raise typer.Exit(8)
    if result.unasked:
        raise typer.Exit(10)


def _given_up(
    said: Options, text: str, *, alone: bool, pin: tuple[bool, str | None], reason: str | None
) -> Reconciliation:
    from amani_cli.operations import giving_up

    if not alone:
        raise errors.Usage(
            "--resolve goes with one wallet or cheque and nothing else", hint=f"amani reconcile --resolve '{text}'"
        )
    said.ws.said.reason = reason
    said.take_pins(*pin)

    def confirm(*told: str) -> None:
        if said.yes:
            for line in told:
                said.out.say(line)
        said.ask.confirm("Give it up?", *told)

    return giving_up.resolve(said.ws, text, confirm=confirm)
