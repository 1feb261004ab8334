"""`amani pin`: set, change, remove, verify, status, reset."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, Command, Options

if TYPE_CHECKING:
    from amani_cli.wallets.known import KnownWallet

app = options.group("The PIN of a wallet: needed to send more than its threshold.")

THRESHOLD = typer.Option(None, "--threshold", help="Up to this amount none is asked for.", metavar="AMOUNT")
ALWAYS = typer.Option(None, "--always/--above-threshold", help="Ask for it at any amount.")


def _given(said: Options, question: str, stdin: bool, file: str | None) -> str:
    """The one PIN a command needs: from stdin, a file or a prompt."""
    return said.pin(stdin, file) or said.ask.secret(question, "Use --pin-stdin or --pin-file.")


def _wallet(said: Options) -> KnownWallet:
    from amani_cli.wallets import finding, known

    wallet = finding.resolve(said.ws, said.wallet)
    known.identify(wallet)
    return wallet


def _amount(wallet: KnownWallet, text: str) -> tuple[str, Decimal]:
    from amani_cli.amounts import Fiat, code_last, parse_amount

    text = code_last(text.strip()) if wallet.provider == "fincra" else text
    amount = parse_amount(text) if text.strip() not in ("0", "0sat") else 0
    if isinstance(amount, Fiat):
        return amount.currency, amount.value
    if isinstance(amount, str):
        raise errors.Usage("a threshold is an amount", code="BAD_AMOUNT", hint="E.g. 5000sat or 20000NGN.")
    return "msat", Decimal(amount)


@app.command("set", cls=Command)
def set_(
    ctx: typer.Context,
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    threshold: str | None = THRESHOLD,
    always: bool | None = ALWAYS,
) -> None:
    """Give the wallet a PIN: 4 to 6 digits, none that is easy to guess."""
    from amani_cli.rules import pins

    said = options.of(ctx)
    wallet = _wallet(said)
    unit, amount = _amount(wallet, threshold) if threshold else (None, Decimal(0))
    pin = said.pin(pin_stdin, pin_file)
    if pin is None:
        pin = said.ask.secret("New PIN", "Use --pin-stdin or --pin-file.")
        pins.check_new(pin)
        if said.ask.secret("New PIN again", "") != pin:
            raise errors.Usage("the two are not the same; nothing was changed", code="BAD_PIN")
    status = pins.set_pin(said.ws, wallet, pin, always=bool(always))
    if unit is not None:
        status = pins.set_threshold(said.ws, wallet, pin, unit=unit, amount=amount, always=None)
    said.emit(status)


@app.command(cls=Command)
def change(
    ctx: typer.Context,
    pin_stdin: bool = typer.Option(False, "--pin-stdin", help="Read the old PIN, then the new one, a line each."),
    pin_file: str | None = PIN_FILE,
    new_pin_file: str | None = typer.Option(None, "--new-pin-file", help="File with the new PIN.", metavar="PATH"),
    threshold: str | None = THRESHOLD,
    always: bool | None = ALWAYS,
) -> None:
    """Change the PIN, or with --threshold or --always only when it is asked for; needs the PIN."""
    from amani_cli.rules import pins

    said = options.of(ctx)
    wallet = _wallet(said)
    lines = options.secret_from_stdin("PIN").splitlines() if pin_stdin else []
    old = lines[0] if lines else _given(said, "PIN", False, pin_file)
    if threshold or always is not None:
        unit, amount = _amount(wallet, threshold) if threshold else (None, Decimal(0))
        status = pins.set_threshold(said.ws, wallet, old, unit=unit, amount=amount, always=always)
    else:
        new = lines[1] if len(lines) > 1 else _given(said, "New PIN", False, new_pin_file)
        status = pins.change(said.ws, wallet, old, new)
    said.emit(status)


@app.command(cls=Command)
def remove(ctx: typer.Context, pin_stdin: bool = PIN_STDIN, pin_file: str | None = PIN_FILE) -> None:
    """Take the PIN away; needs the PIN."""
    from amani_cli.rules import pins

    said = options.of(ctx)
    wallet = _wallet(said)
    said.emit(pins.remove(said.ws, wallet, _given(said, "PIN", pin_stdin, pin_file)))


@app.command(cls=Command)
def verify(ctx: typer.Context, pin_stdin: bool = PIN_STDIN, pin_file: str | None = PIN_FILE) -> None:
    """Say whether a PIN is right (exit 0), wrong (3) or locked (9); a wrong one costs an attempt."""
    from amani_cli.rules import pins

    said = options.of(ctx)
    wallet = _wallet(said)
    pins.verify(said.ws, wallet, _given(said, "PIN", pin_stdin, pin_file))
    said.emit(pins.status(said.ws, wallet))


@app.command(cls=Command)
def status(ctx: typer.Context) -> None:
    """Say whether the wallet has a PIN, when it is asked for, and whether it is locked."""
    from amani_cli.rules import pins

    said = options.of(ctx)
    said.emit(pins.status(said.ws, _wallet(said)))


@app.command(cls=Command)
def reset(
    ctx: typer.Context,
    key_stdin: bool = typer.Option(False, "--key-stdin", help="Read the wallet's Admin key from stdin."),
) -> None:
    """Have a forgotten PIN fall away after a day; needs the wallet's Admin key typed again."""
    from amani_cli import keys
    from amani_cli.rules import pins

    said = options.of(ctx)
    wallet = _wallet(said)
    text = options.secret_from_stdin("key") if key_stdin else said.ask.secret("Admin key", "Use --key-stdin.")
    said.emit(pins.reset(said.ws, wallet, keys.clean(text, "what was entered")))
