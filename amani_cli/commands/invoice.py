"""`amani invoice`: create, show, check, wait, list, decode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from amani_cli import errors, options
from amani_cli.models.invoices import Invoice
from amani_cli.options import FORCE, Command, Options

if TYPE_CHECKING:
    from amani_cli.amounts import Fiat
    from amani_cli.wallets.known import KnownWallet

ANY_ACCOUNT = "any"

app = options.group("Ask for money, and see whether it came.")

HASH = typer.Argument(help="Payment hash, the beginning of one, bolt11 or reference.", metavar="HASH")
QR = typer.Option(False, "--qr", help="Show a QR code on stderr.")
QR_FILE = typer.Option(None, "--qr-file", help="Write the QR code to a new .png or .svg.", metavar="PATH")


class Create(Command):
    """`invoice create`: the value of --virtual-account may be left out, at the end or before another option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; a bare --virtual-account is given the word for any."""
        name = "--virtual-account"
        if name in args:
            after = args.index(name) + 1
            if after == len(args) or args[after].startswith("-"):
                args = [*args[:after], ANY_ACCOUNT, *args[after:]]
        return super().parse_args(ctx, args)


@app.command(cls=Create)
def create(
    ctx: typer.Context,
    amount: str = typer.Argument(help="How much, e.g. 1000 or 1000sat or 21k or 20USD."),
    memo: str = typer.Option(
        "", "--description", "--memo", "-m", help="What the payer sees; at most 639 bytes.", metavar="TEXT"
    ),
    expiry: str | None = typer.Option(None, "--expiry", help="How long it can be paid, e.g. 15m or 24h."),
    webhook: str = typer.Option(None, "--webhook", help="Address that LNbits calls when it is paid.", metavar="URL"),
    qr: bool = QR,
    qr_file: str = QR_FILE,
    force: bool = FORCE,
    wait: bool = typer.Option(False, "--wait", help="Wait until it is paid."),
    reference: str | None = typer.Option(None, "--reference", help="The same one again returns the same invoice."),
    category: str | None = options.CATEGORY,
    name: str | None = typer.Option(None, "--name", help="Fincra: the payer's full name."),
    email: str | None = typer.Option(None, "--email", help="Fincra: the payer's email address."),
    virtual_account: str | None = typer.Option(
        None,
        "--virtual-account",
        help="Fincra: ask for a transfer to one of the business' virtual accounts, by id or number if it has several.",
        metavar="[ID]",
    ),
    method: list[str] | None = typer.Option(None, "--method", help="Fincra: card, bank_transfer, mobile_money, …"),
) -> None:
    """Make an invoice and print it: on a Fincra wallet the address of a payment page."""
    from amani_cli.invoices import lightning
    from amani_cli.times import parse_duration
    from amani_cli.wallets import finding

    said = options.of(ctx)
    ws = said.ws
    ws.said.category = options.category(category)
    wanted, wrong = _typed(amount)
    lightning.check_memo(memo)
    if qr:
        said.out.check_qr()
    if qr_file:
        from amani_cli.encodings.qr import check_path
        from amani_cli.files import check_new

        check_path(qr_file)
        check_new(qr_file, force=force)
    wallet = finding.resolve(ws, said.wallet)
    if wrong is not None and wallet.provider != "fincra":  # which understands more ways to write an amount
        raise wrong
    if wallet.provider == "fincra":
        if expiry or webhook:
            raise errors.Usage("--expiry and --webhook are for Lightning: Fincra sets both itself, in its dashboard")
        made = _ask_for_fiat(
            said, wallet, amount, name or "", email or "", method or [], virtual_account, memo=memo, reference=reference
        )
    else:
        if name or email or method or virtual_account is not None:
            raise errors.Usage("--name, --email, --method and --virtual-account are for Fincra wallets")
        assert wanted is not None
        expiry_s = parse_duration(expiry or ws.config.get("expiry"))
        made = lightning.create(ws, wallet, wanted, memo, expiry_s, webhook=webhook, reference=reference)
    _show_qr(said, made, qr, qr_file)
    if wait:
        if not said.json:
            said.emit(made)
            said.out.flush()  # nobody can pay what is still in a buffer
        _wait(said, made.key, wallet.name, limit_s=ws.timeout_s)
    else:
        said.emit(made)


def _typed(amount: str) -> tuple[int | Fiat | None, errors.Usage | None]:
    """An amount as it was typed, or what is wrong with it."""
    from amani_cli.amounts import parse_amount

    try:
        wanted = parse_amount(amount)
    except errors.Usage as wrong:
        return None, wrong
    if wanted == "max":
        raise errors.Usage("an invoice is over an amount", code="BAD_AMOUNT", hint="Write it as 1000 or 1000sat.")
    return wanted, None


def _ask_for_fiat(
    said: Options,
    wallet: KnownWallet,
    amount: str,
    name: str,
    email: str,
    methods: list[str],
    virtual_account: str | None,
    *,
    memo: str,
    reference: str | None,
) -> Invoice:
    """Make a payment page, or ask for a transfer to a virtual account."""
    from amani_cli.invoices import pages, virtual_accounts
    from amani_cli.wallets import businesses

    if virtual_account is not None and (name or email or methods):
        raise errors.Usage("--name, --email and --method are for a payment page; a transfer to an account needs none")
    value = businesses.amount(wallet, amount)
    if virtual_account is not None:
        which = "" if virtual_account == ANY_ACCOUNT else virtual_account.strip()
        return virtual_accounts.create(said.ws, wallet, value, which, memo=memo, reference=reference)
    return pages.create(said.ws, wallet, value, name=name, email=email, methods=methods, memo=memo, reference=reference)


def _show_qr(said: Options, invoice: Invoice, qr: bool, qr_file: str | None) -> None:
    if qr or qr_file:
        text = invoice.to_pay if invoice.link else f"lightning:{invoice.bolt11}".upper()
        if qr:
            said.out.qr(text)
        if qr_file:
            from amani_cli.encodings import qr as encodings_qr

            encodings_qr.write(text, qr_file)
            said.out.say(f"QR code written to {qr_file}")


def _wait(said: Options, text: str, wallet: str | None, *, limit_s: float | None) -> None:
    from amani_cli.invoices import desk

    said.emit(desk.wait(said.ws, text, wallet, limit_s=limit_s))


@app.command(cls=Command)
def show(ctx: typer.Context, hash: str = HASH, qr: bool = QR, qr_file: str = QR_FILE, force: bool = FORCE) -> None:
    """Show an invoice and what became of it, asked live."""
    from amani_cli.invoices import desk

    said = options.of(ctx)
    if qr:
        said.out.check_qr()
    if qr_file:
        from amani_cli.files import check_new

        check_new(qr_file, force=force)
    found = desk.check(said.ws, hash, said.wallet)
    _show_qr(said, found, qr, qr_file)
    said.emit(found)


@app.command(cls=Command)
def check(ctx: typer.Context, hash: str = HASH) -> None:
    """Ask whether an invoice is paid; a paid one enters the history."""
    from amani_cli.invoices import desk

    said = options.of(ctx)
    said.emit(desk.check(said.ws, hash, said.wallet))


@app.command(cls=Command)
def wait(ctx: typer.Context, hash: str = HASH) -> None:
    """Wait until an invoice is paid (exit 0) or has expired (exit 6); --timeout ends it sooner (exit 8)."""
    said = options.of(ctx)
    _wait(said, hash, said.wallet, limit_s=said.ws.timeout_s)


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    status: str | None = typer.Option(None, "--status", help="pending, paid or expired."),
    limit: int = typer.Option(20, "--limit", help="How many at most.", min=1, max=1000),
    after: str | None = typer.Option(None, "--after", help="Go on after this hash.", metavar="HASH"),
) -> None:
    """List invoices made here, newest first."""
    from amani_cli.invoices import desk
    from amani_cli.text import one_of
    from amani_cli.wallets import finding

    said = options.of(ctx)
    status = one_of(("pending", "paid", "expired"), status)
    wallet = finding.resolve(said.ws, said.wallet) if said.wallet else None
    said.emit(desk.listed(said.ws, wallet, status=status, after=after, limit=limit))


@app.command(cls=Command)
def decode(
    ctx: typer.Context, text: str = typer.Argument(help="Invoice, Lightning address, LNURL or link; - for stdin.")
) -> None:
    """Say what an invoice asks for, offline; for an address or LNURL its server, and nobody else, is asked."""
    from amani_cli.destinations import looking
    from amani_cli.wallets import finding

    said = options.of(ctx)
    text = options.secret_from_stdin("invoice") if text == "-" else text
    try:
        wallet = finding.resolve(said.ws, said.wallet)
    except errors.AmaniError:
        if said.wallet:
            raise
        wallet = None
    said.emit(looking.looked_at(said.ws, wallet, text))


@app.command(cls=Command)
def claim(
    ctx: typer.Context,
    lnurl: str = typer.Argument(help="An LNURL-withdraw link (it is money: - reads it from stdin)."),
    amount: str | None = typer.Argument(None, help="How much of it; all of it if not said."),
    memo: str = typer.Option(
        "", "--description", "--memo", "-m", help="What the payer sees; at most 639 bytes.", metavar="TEXT"
    ),
    reference: str | None = typer.Option(None, "--reference", help="The same one again shows the same invoice."),
    wait: bool = typer.Option(True, "--wait/--no-wait", help="Wait until the money is here."),
) -> None:
    """Bring money in by an LNURL-withdraw link: its server pays an invoice of yours."""
    from amani_cli.amounts import parse_msat
    from amani_cli.destinations import withdrawals
    from amani_cli.wallets import finding

    said = options.of(ctx)
    ws = said.ws
    if lnurl == "-":
        lnurl = options.secret_from_stdin("LNURL")
    amount_msat = parse_msat(amount) if amount is not None else None
    wallet = finding.resolve(ws, said.wallet)
    said.emit(withdrawals.claim(ws, wallet, lnurl, amount_msat, memo=memo, reference=reference, wait=wait))
