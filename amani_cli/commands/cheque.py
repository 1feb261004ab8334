"""`amani cheque`: create, claim, list, show, void, sweep, reissue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from amani_cli import errors, options
from amani_cli.models.cheques import Cheque, Cheques
from amani_cli.options import FORCE, PIN_FILE, PIN_STDIN, REASON, Command, Options

app = options.group("Funds set aside for whoever has the code.")

LINK = typer.Option(False, "--link", help="A link that anybody can claim by any wallet; see 'amani serve'.")
ID = typer.Argument(help="The cheque's id, the beginning of it, its reference, its code or its link.", metavar="ID")


@app.command(cls=Command)
def create(
    ctx: typer.Context,
    amount: str = typer.Argument(help="What it is worth, e.g. 1000 or 21k."),
    memo: str = typer.Option(
        "", "--description", "--memo", "-m", help="What its taker sees, on paper and on a link's page.", metavar="TEXT"
    ),
    expires: str = typer.Option("24h", "--expires", help="How long it is good for: 1h to 168h."),
    count: int = typer.Option(1, "--count", help="How many; one code a line.", min=1),
    outside: bool = typer.Option(False, "--outside", help="Set the fee reserve aside too, to be claimed anywhere."),
    lnurl: bool = typer.Option(False, "--lnurl", help="An LNURL-withdraw link too, for any phone wallet."),
    link: bool = LINK,
    qr: bool = typer.Option(False, "--qr", help="Show a QR code on stderr."),
    qr_file: str | None = typer.Option(None, "--qr-file", help="Write the QR code to a .png or .svg.", metavar="PATH"),
    paper: str | None = typer.Option(None, "--print", help="Write them to a page, .html or .pdf.", metavar="FILE"),
    force: bool = FORCE,
    reference: str | None = typer.Option(None, "--reference", help="The same one again writes no second one."),
    request: bool = options.REQUEST,
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
) -> None:
    """Write a cheque: the money is set aside, and the code, shown once, is the money."""
    from amani_cli.amounts import format_sat
    from amani_cli.cheques import links, writing
    from amani_cli.times import parse_duration
    from amani_cli.wallets import finding

    said = options.of(ctx)
    ws = said.ws
    ws.said.reason = reason
    said.take_pin(pin_stdin, pin_file)
    if qr:
        said.out.check_qr()
    _check_files(qr_file, paper, count, force=force)
    url = links.base_url(ws) if link else None
    wanted = writing.Wanted(_in_sats(amount), memo, parse_duration(expires), count, outside, reference, lnurl, url)
    wallet = finding.resolve(ws, said.wallet)
    if request:
        if qr or qr_file or paper:
            raise errors.Usage("with --request nothing is written yet", hint="Leave --qr, --qr-file and --print out.")
        from amani_cli.commands.filed import filed
        from amani_cli.requests import drafts

        filed(said, wallet, drafts.cheque(ws, wallet, wanted))
        return
    if not said.yes and not said.ask.can_ask:
        said.ask.confirm("Write it?")

    def confirm(terms: str, total_msat: int) -> None:
        set_aside = f"{format_sat(total_msat)} are set aside from '{wallet.name}'."
        said.ask.confirm("Write it?" if count == 1 else f"Write {count} cheques?", *filter(None, (set_aside, terms)))

    written = writing.write(ws, wallet, wanted, confirm=None if said.yes else confirm)
    items, stopped = _shown_as_written(said, written, count, qr, qr_file)
    in_doubt = left_in_doubt(said, items)
    if count == 1:
        said.emit(items[0])
    elif said.json:
        said.emit(Cheques(items, sum(item.outstanding_msat for item in items)))
    else:
        said.out.tell(ws.talk.warnings, ws.talk.notes)
    have_shown(said, items)  # on paper they may fail to arrive: they are shown first
    if paper:
        unprinted = _print_to(said, paper, items)
        stopped = stopped or unprinted
    if stopped is not None:
        raise typer.Exit(8 if in_doubt or stopped.exit_code == 8 else 11)


def _shown_as_written(
    said: Options, written: Iterator[Cheque], count: int, qr: bool, qr_file: str | None
) -> tuple[list[Cheque], errors.AmaniError | None]:
    """The cheques, each code shown as soon as it is money, and what stopped the writing after the first."""
    items: list[Cheque] = []
    try:
        for number, cheque in enumerate(written, 1):
            items.append(cheque)
            if count > 1:
                said.out.step(f"cheque {number} of {count}", number / count)
                if not said.json:
                    show_code(said, cheque)
            _show_qr(said, cheque, qr, qr_file)
    except (errors.AmaniError, KeyboardInterrupt) as error:
        if not items:
            raise
        # What is written is money, and its codes are shown now or never.
        stopped = error if isinstance(error, errors.AmaniError) else errors.PartlyDone("interrupted")
        said.ws.talk.warn(f"{len(items)} of {count} cheques were written, and then: {stopped.message}")
        return items, stopped
    return items, None


def left_in_doubt(said: Options, items: list[Cheque]) -> tuple[str, ...]:
    """What was begun beside the cheques that were written, and is in doubt: the user is warned of it."""
    written = {cheque.id for cheque in items}
    found = tuple(entry for entry in said.ws.talk.untold.close() if entry not in written)
    if found:
        said.ws.talk.warn(
            f"this was begun and is in doubt: {', '.join(found)}; run 'amani reconcile', then 'cheque list'"
        )
    return found


def have_shown(said: Options, items: list[Cheque]) -> None:
    """Note that cheques are on stdout, with their codes; raises where that can't be written."""
    said.out.flush()
    for cheque in items:
        said.ws.talk.untold.told(cheque.id, moved=not cheque.replayed)


def _in_sats(amount: str) -> int:
    """What a cheque is over, in msat. Raises `errors.Usage` for anything that is not an amount of sats."""
    from amani_cli.amounts import parse_amount

    amount_msat = parse_amount(amount)
    if not isinstance(amount_msat, int):
        raise errors.Usage("a cheque is over sats", code="BAD_AMOUNT", hint="Write it as 1000 or 1000sat.")
    return amount_msat


def _check_files(qr_file: str | None, paper: str | None, count: int, *, force: bool) -> None:
    """Refuse files that could not be written, before there is money to be shown on them."""
    from amani_cli import files

    if qr_file:
        from amani_cli.encodings.qr import check_path

        check_path(qr_file)
        if count > 1:
            raise errors.Usage("--qr-file is for one cheque", hint="Write them one by one, or use --print.")
        files.check_new(qr_file, force=force)
        files.check_writable(Path(qr_file))
    if paper:
        files.check_paper(paper)
        files.check_new(paper, force=force)
        files.check_writable(Path(paper))


def _print_to(said: Options, paper: str, items: list[Cheque]) -> errors.AmaniError | None:
    """Put the cheques on a page; what went wrong is told and returned.

    A page that is there may be the only place of the codes of those that were written before: it is left as it is.
    """
    from amani_cli.cheques.paper import write

    coded = sum(bool(each.code) for each in items)
    if not coded or (coded < len(items) and Path(paper).exists()):
        rest = f"; what is new ({coded}) stands in the answer alone" if coded else ""
        before = f"{len(items) - coded} written before, whose codes are not shown again"
        said.out.say(f"{before}: {paper} is left alone{rest}")
        return errors.PartlyDone(f"{paper} is left alone") if coded else None
    try:
        write(paper, items)
    except (errors.AmaniError, KeyboardInterrupt) as error:  # the answer is out: nothing else may follow it
        failed = (
            error if isinstance(error, errors.AmaniError) else errors.PartlyDone(f"interrupted; {paper} is missing")
        )
        said.out.say(f"error: {failed.message}")
        return failed
    if not said.quiet:
        said.out.say(
            f"Written to {paper}; each {'link' if any(each.link for each in items) else 'code'} on it is money."
        )
    return None


def show_code(said: Options, cheque: Cheque) -> None:
    """A code on a line of its own, as soon as it is money: a kill in the middle loses none that was shown."""
    if cheque.code:
        said.out.raw(cheque.link or cheque.code)
        said.out.flush()
    else:
        said.out.say(f"{cheque.id} was written before; its code is not shown again")


def _show_qr(said: Options, cheque: Cheque, qr: bool, qr_file: str | None) -> None:
    content = cheque.link or (cheque.lnurl or cheque.code or "").upper()  # capitals are packed more tightly
    if content and (qr or qr_file):
        if qr:
            said.out.qr(content)
        if qr_file:
            from amani_cli.encodings import qr as encodings_qr

            encodings_qr.write(content, qr_file)
            said.out.say(f"QR code written to {qr_file}")


@app.command(cls=Command)
def claim(
    ctx: typer.Context,
    code: str | None = typer.Argument(None, help="The code; - reads stdin, nothing asks for it.", metavar="CODE"),
    to: str | None = typer.Option(None, "--to", help="A wallet, or a bolt11 over the whole amount.", metavar="DEST"),
) -> None:
    """Claim a cheque into the wallet; whoever is first has it."""
    from amani_cli.cheques import claiming
    from amani_cli.wallets import finding

    said = options.of(ctx)
    if code is None:

        def read(code: str) -> str:
            claiming.read(said.ws, code)
            return code

        code = said.ask.until_right(
            "The cheque's code", "Pipe it in: amani cheque claim -", read, wrong=("BAD_CHEQUE",)
        )
    elif code == "-":
        code = options.secret_from_stdin("code")
    else:
        said.ws.talk.warn(
            "a code on the command line can be seen by other users of this machine; - reads it from stdin"
        )
    invoice = claiming.invoice_named(said.ws, to) if to else None
    if invoice is not None:
        said.emit(claiming.claim_to(said.ws, code, invoice))
        return
    claiming.read(said.ws, code)
    target = finding.named(said.ws, to, said.wallet)
    said.emit(claiming.claim(said.ws, code, target))


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    status: str | None = typer.Option(None, "--status", help="open, claiming, claimed, void, expired, …"),
    limit: int = typer.Option(100, "--limit", help="How many at most.", min=1, max=10000),
) -> None:
    """List cheques, newest first, with what is outstanding in total; --wallet narrows it to one wallet's."""
    from amani_cli.cheques import standing
    from amani_cli.text import one_of
    from amani_cli.wallets import finding

    said = options.of(ctx)
    known = ("funding", "open", "claiming", "claimed", "voiding", "void", "expired", "unknown")
    status = one_of(known, status)
    wallet = finding.resolve(said.ws, said.wallet) if said.wallet else None
    said.emit(standing.listed(said.ws, wallet, status=status, limit=limit))


@app.command(cls=Command)
def show(ctx: typer.Context, id: str = ID) -> None:
    """Show a cheque and whether it was claimed, asked live; never its code."""
    from amani_cli.cheques import standing

    said = options.of(ctx)
    said.emit(standing.shown(said.ws, id))


@app.command(cls=Command)
def void(ctx: typer.Context, id: str = ID, reason: str | None = REASON) -> None:
    """Bring a cheque's money back, and make its code worthless."""
    from amani_cli.cheques import taking_back

    said = options.of(ctx)
    said.ws.said.reason = reason
    said.ask.confirm("Void it?", "Whoever has the code gets nothing any more.")
    said.emit(taking_back.void(said.ws, id))


@app.command(cls=Command)
def sweep(ctx: typer.Context) -> None:
    """Bring back the money of every expired cheque, or with --wallet of that wallet's; made for cron, asks nothing."""
    from amani_cli.cheques import taking_back
    from amani_cli.wallets import finding

    said = options.of(ctx)
    wallet = finding.resolve(said.ws, said.wallet) if said.wallet else None
    swept, failed = taking_back.sweep(said.ws, wallet)
    for error in failed:
        said.ws.talk.warn(error.message + (f". {error.hint}" if error.hint else ""))
    said.emit(swept)
    if failed:
        codes = {error.exit_code for error in failed}
        raise typer.Exit(8 if 8 in codes else max(codes))


@app.command(cls=Command)
def reissue(
    ctx: typer.Context,
    id: str = ID,
    link: bool = LINK,
    paper: str | None = typer.Option(None, "--print", help="Write it to a page, .html or .pdf.", metavar="FILE"),
    force: bool = FORCE,
) -> None:
    """Make a cheque's old code, and its link, worthless and print a new one; needs a login."""
    from amani_cli.cheques import taking_back

    said = options.of(ctx)
    _check_files(None, paper, 1, force=force)
    said.ask.confirm("Give it a new code?", "The old one becomes worthless.")
    fresh = taking_back.reissue(said.ws, id, link=link)
    said.emit(fresh)
    if paper:
        said.out.flush()
        failed = _print_to(said, paper, [fresh])
        if failed is not None:
            raise typer.Exit(11)
