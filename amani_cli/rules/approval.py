"""The PIN that a payment needs: whether it does, and having it given."""

from __future__ import annotations

from decimal import Decimal

from amani_cli import errors
from amani_cli.rules import pins
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def check_pin(ws: Workspace, wallet: KnownWallet, total: Decimal | int, unit: str = "msat") -> bool:
    """Whether a command that sends `total` (msat, or major units of a currency) needs the PIN.

    Raises `errors.RefusedByPolicy` when it does and the wallet has none.
    """
    limit = pins.threshold(ws, wallet, unit)
    above = limit is None or Decimal(total) > limit
    if not above:
        return pins.is_always_asked(ws, wallet)
    if not pins.is_set(ws, wallet):
        how_much = "anything" if limit is None else f"more than {shown(limit, unit)}"
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' has no PIN, and without one it can't send {how_much}",
            code="PIN_NEEDED",
            hint=f"Set one: amani pin set --wallet '{wallet.name}'",
        )
    return True


def authorise(ws: Workspace, wallet: KnownWallet, total: Decimal | int, unit: str = "msat") -> None:
    """Have the PIN given and checked if sending `total` needs it. Nothing has been journaled yet.

    Raises `errors.RefusedByPolicy` when nobody can give it or it is locked, `errors.NotAuthorised` when it is wrong.
    """
    if not check_pin(ws, wallet, total, unit):
        return
    if not pins.is_given(ws, wallet):
        raise errors.RefusedByPolicy(
            f"this needs the PIN of wallet '{wallet.name}'",
            code="PIN_NEEDED",
            hint="Give it by --pin-stdin or --pin-file (or a systemd credential as the file); of several wallets' PINs"
            " a line each, in the order of their names.",
        )


def check_unit(wallet: KnownWallet, unit: str, what: str) -> None:
    """Refuse a rule (`what`) of a wallet that is over what it doesn't pay in: nothing would ever meet it.

    Raises `errors.Usage`.
    """
    if (unit == "msat") != (wallet.provider == "lnbits"):
        raise errors.Usage(
            f"{what} of '{wallet.name}' is in {'sats' if wallet.provider == 'lnbits' else 'its currencies'}",
            code="BAD_AMOUNT",
            hint="E.g. 50000sat on a Lightning wallet, 20000NGN on a Fincra wallet.",
        )


def shown(amount: Decimal | int, unit: str) -> str:
    if unit == "msat":
        from amani_cli.amounts import format_sat

        return format_sat(int(amount))
    return f"{amount} {unit}"
