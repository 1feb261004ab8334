"""Loosening a rule: it takes the PIN of every wallet that the rule governs."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.rules import pins, rulebook
from amani_cli.wallets import environment, finding
from amani_cli.workspace import Workspace


def change_setting(ws: Workspace, name: str, text: str) -> None:
    """Check and store a setting; '' goes back to the default. A rule's change is audited, and loosening it asks first.

    A setting governs all wallets, so each that has a PIN has a say: with the PIN of one alone, somebody could add a
    wallet with a PIN of their own. Raises `errors.RefusedByPolicy` when a PIN is needed and nobody gives it.
    """
    if not rulebook.is_rule(name):
        ws.config.set(name, text)
        return
    new = ws.config.checked(name, text)
    agreed, _ = rulebook.standing(ws, name)
    if rulebook.is_looser(name, agreed, new):
        for holder in pins.holders(ws, [*finding.registered(ws), *environment.in_environment(ws)]):
            require_pin(ws, holder, f"loosening {name}")
    # The file first: what it says and the ledger has not agreed to does not count.
    ws.config.set(name, text)
    with ws.store.write() as db:
        rulebook.agree(ws, db, name, new)


def require_pin(ws: Workspace, wallet: pins.Holder, what: str) -> None:
    """Have the PIN of a wallet given and checked, if it has one.

    Raises `errors.RefusedByPolicy` when nobody can give it or it is locked, `errors.NotAuthorised` when it is wrong.
    """
    if not pins.is_set(ws, wallet):
        return
    if not pins.is_given(ws, wallet):
        raise errors.RefusedByPolicy(
            f"{what} needs the PIN of wallet '{wallet.name}'",
            code="PIN_NEEDED",
            hint="Give it by --pin-stdin or --pin-file; of several wallets' PINs a line each.",
        )
