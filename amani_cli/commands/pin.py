"""`amani pin`: set, change, remove, verify, status, reset."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options
from amani_cli.options import PIN_FILE, PIN_STDIN, Command, Options

if TYPE_CHECKING:
    from amani_cli.models.rules import Pin
    from amani_cli.wallets.known import KnownWallet

app = options.group("The PIN of a wallet: needed to send more than its threshold.")

_OTHERWISE = "Use --pin-stdin or --pin-file."
THRESHOLD = typer.Option(None, "--threshold", help="Up to this amount none is asked for.", metavar="AMOUNT")
ALWAYS = typer.Option(None, "--always/--above-threshold", help="Ask for it at any amount.")


def _with(said: Options, given: str | None, use: Callable[[str], Pin]) -> Pin:
    """Do something with the PIN that was given; else it is asked for, again where it was wrong, until it is locked."""
    if given is not None:
        return use(given)
    return said.ask.until_right("PIN", _OTHERWISE, use, wrong=("WRONG_PIN",))


def _with_new(said: Options, given: str | None, use: Callable[[str], Pin]) -> Pin:
    """The same with a new PIN, which is asked for twice, and again where the rule does not allow it."""
    if given is not None:
        return use(given)
    return said.ask.until_right("New PIN", _OTHERWISE, use, wrong=("BAD_PIN", "WEAK_PIN"), twice="New PIN again")


def _wallet(said: Options) -> KnownWallet:
    from amani_cli.wallets import finding, known

    wallet = finding.resolve(said.ws, said.wallet)
    known.identify(wallet)
    return wallet


def _amount(wallet: KnownWallet, text: str) -> tuple[str, Decimal]:
    from amani_cli.amounts import Fiat, code_last, parse_amount
    from amani_cli.rules import approval

    text = code_last(text.strip()) if wallet.provider == "fincra" else text
    amount = parse_amount(text) if text.strip() not in ("0", "0sat") else 0
    if isinstance(amount, str):
        raise errors.Usage("a threshold is an amount", code="BAD_AMOUNT", hint="E.g. 5000sat or 20000NGN.")
    unit = amount.currency if isinstance(amount, Fiat) else "msat"
    approval.check_unit(wallet, unit, "the PIN's threshold")
    return unit, amount.value if isinstance(amount, Fiat) else Decimal(amount)


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

    def set_to(pin: str) -> Pin:
        status = pins.set_pin(said.ws, wallet, pin, always=bool(always))
        if unit is not None:
            status = pins.set_threshold(said.ws, wallet, pin, unit=unit, amount=amount, always=None)
        return status

    said.emit(_with_new(said, said.pin(pin_stdin, pin_file), set_to))


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
    if (threshold or always is not None) and (new_pin_file or len(lines) > 1):
        raise errors.Usage(
            "--threshold and --always change when the PIN is asked for, and not the PIN",
            hint="Change the PIN in a command of its own.",
        )
    old = lines[0] if lines else said.pin(False, pin_file)
    unit, amount = _amount(wallet, threshold) if threshold else (None, Decimal(0))

    def changed(old: str) -> Pin:
        if threshold or always is not None:
            return pins.set_threshold(said.ws, wallet, old, unit=unit, amount=amount, always=always)
        new = lines[1] if len(lines) > 1 else said.pin(False, new_pin_file)
        if new is None:  # before another is thought of
            pins.verify(said.ws, wallet, old)
        return _with_new(said, new, lambda new: pins.change(said.ws, wallet, old, new))

    said.emit(_with(said, old, changed))


@app.command(cls=Command)
def remove(ctx: typer.Context, pin_stdin: bool = PIN_STDIN, pin_file: str | None = PIN_FILE) -> None:
    """Take the PIN away; needs the PIN."""
    from amani_cli.rules import pins

    said = options.of(ctx)
    wallet = _wallet(said)
    said.emit(_with(said, said.pin(pin_stdin, pin_file), lambda pin: pins.remove(said.ws, wallet, pin)))


@app.command(cls=Command)
def verify(ctx: typer.Context, pin_stdin: bool = PIN_STDIN, pin_file: str | None = PIN_FILE) -> None:
    """Say whether a PIN is right (exit 0), wrong (3) or locked (9); a wrong one costs an attempt."""
    from amani_cli.rules import pins

    said = options.of(ctx)
    wallet = _wallet(said)
    pin = said.pin(pin_stdin, pin_file)
    # Once: whether it is right is what was asked.
    pins.verify(said.ws, wallet, said.ask.secret("PIN", _OTHERWISE) if pin is None else pin)
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

    def begun(text: str) -> Pin:
        return pins.reset(said.ws, wallet, keys.clean(text, "what was entered"))

    if key_stdin:
        said.emit(begun(options.secret_from_stdin("key")))
        return
    said.emit(said.ask.until_right("Admin key", "Use --key-stdin.", begun, wrong=("BAD_KEY", "KEY_REFUSED")))
