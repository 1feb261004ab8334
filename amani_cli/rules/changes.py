"""Changes of who may approve, and above which line: loosening takes PIN and, once there is an approver, signatures."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NamedTuple

from amani_cli import errors
from amani_cli.models.requests import Approver, Approvers
from amani_cli.rules import consent, pins, quorum, signatures
from amani_cli.rules.approval import check_unit
from amani_cli.store import approvers
from amani_cli.store import audit as audit_log
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import ApproverRow, Transaction
from amani_cli.wallets import environment, finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


class Change(NamedTuple):
    """A change of the rules: `what` it is, of which wallet's (None: of every one's), and what exactly."""

    what: str
    wallet: KnownWallet | None
    terms: dict[str, Any]

    @property
    def identity(self) -> str:
        """Whose rules change."""
        return approvers.EVERY if self.wallet is None else self.wallet.identity

    @property
    def words(self) -> str:
        """It in words."""
        return words_of(self.what, self.terms, "" if self.wallet is None else self.wallet.name)


def words_of(what: str, terms: dict[str, Any], wallet: str) -> str:
    """A change in words, made of its terms."""
    scope = f"for wallet '{wallet}'" if wallet else "for every wallet"
    if what == "approver add":
        return f"{terms['name']} ({terms['os_user']}@{terms['host']}, key {terms['key'][:16]}…) may approve {scope}"
    if what == "approver remove":
        return f"{terms['name']} approves no more" + (": their key is lost" if terms.get("lost") else "")
    said = [f"line {terms['above']} {terms['unit']}"] if terms["above"] is not None else []
    said += [f"{terms['approvals']} approval(s)"] if terms["approvals"] is not None else []
    said += [f"by {', '.join(terms['named']) or 'any approver'}"] if terms["named"] is not None else []
    return ", ".join(said)


def adding(ws: Workspace, name: str, public: str, wallet: KnownWallet | None) -> Change:
    """Having somebody approve. Raises `errors.Usage` for a name or key that can't be, or is there."""
    found = signatures.read_public_half(public)
    _free(ws.store, name, found.key)
    terms = {"name": name, "key": found.key, "os_user": found.person.os_user, "host": found.person.host}
    return Change("approver add", wallet, terms)


def removing(ws: Workspace, name: str, wallet: KnownWallet | None) -> Change:
    """Having somebody approve nothing any more; `wallet` is the one they approved for, if it was one alone."""
    row = known(ws.store, name)
    return Change("approver remove", wallet, {"name": row.name, "key": row.public_key})


def drawing(
    ws: Workspace,
    wallet: KnownWallet,
    *,
    unit: str | None,
    above: str | None,
    approvals: int | None,
    named: list[str] | None,
) -> Change:
    """Drawing a wallet's line: `above` an amount in `unit` ('off': none), how many `approvals`, by whom.

    An empty list is whoever may approve; None leaves a part as it is.
    """
    if unit is not None:
        check_unit(wallet, unit, "the line")
    who = None if named is None else [known(ws.store, name).name for name in named]
    terms = {"unit": unit, "above": above, "approvals": approvals, "named": who}
    return Change("wallet limit", wallet, terms)


def make(ws: Workspace, change: Change) -> None:
    """Make a change that loosens nothing, or that nobody is there yet to sign; with the PIN.

    Raises `errors.RefusedByPolicy` (NEEDS_APPROVAL) for what needs signatures, and what giving the PIN raises.
    """
    _refuse_unsigned(ws.store, change)
    require_pins(ws, change)
    with ws.store.write() as db:
        _refuse_unsigned(db, change)
        apply(ws, db, change)


def require_pins(ws: Workspace, change: Change) -> None:
    """Have the PIN of the wallet given; for what concerns every wallet, of each that has one."""
    if change.wallet is not None:
        consent.require_pin(ws, change.wallet, f"'{change.what}'")
        return
    for holder in pins.holders(ws, [*finding.registered(ws), *environment.in_environment(ws)]):
        consent.require_pin(ws, holder, f"'{change.what}'")


def apply(ws: Workspace, db: Transaction, change: Change) -> None:
    """Make a change in the caller's transaction, with its audit entry. Raises for one that can't be made."""
    terms = change.terms
    if change.what == "approver add":
        _free(db, terms["name"], terms["key"])
        approvers.add(db, terms["name"], terms["key"], terms["os_user"], terms["host"], change.identity)
    elif change.what == "approver remove":
        row = known(db, terms["name"])
        if row.public_key != terms["key"]:
            raise errors.NotFound(f"'{row.name}' has another key by now", code="NO_SUCH_APPROVER")
        if terms.get("lost"):
            refuse_needed_elsewhere(db, row, change.identity)  # a line may have been drawn since it was filed
        else:
            _refuse_last(db, row)
        approvers.remove(db, row.name)
    else:
        _draw(db, change)
    audit_log.append(
        db,
        change.what if change.what != "wallet limit" else "approval line",
        wallet=None if change.wallet is None else change.wallet.name,
        subject=terms.get("name"),
        outcome=change.words,
        actor=ws.said.actor,
        reason=ws.said.reason,
    )


def listed(ws: Workspace) -> Approvers:
    """Everybody who may approve, by name."""
    return Approvers([view(ws, row) for row in approvers.approvers(ws.store)] if ws.has_store else [])


def view(ws: Workspace, row: ApproverRow) -> Approver:
    """An approver as shown."""
    wallet = None if row.identity == approvers.EVERY else approvers.name_of(ws.store, row.identity) or row.identity
    return Approver(row.name, row.public_key, row.os_user, row.host, row.added_at, wallet)


def known(db: Ledger, name: str) -> ApproverRow:
    """The approver of a name. Raises `errors.NotFound`."""
    for row in approvers.approvers(db):
        if row.name_key == name.strip().casefold():
            return row
    raise errors.NotFound(f"no approver '{name[:60]}'", code="NO_SUCH_APPROVER", hint="See: amani approver list")


def loosens(db: Ledger, change: Change) -> bool:
    """Whether a change lets more happen than before, or makes somebody else decide."""
    if change.what != "wallet limit":
        return True
    rule = approvers.rule(db, change.identity)
    if rule is None:
        return False
    terms = change.terms
    named = None if rule.named is None else json.loads(rule.named)
    if terms["named"] is not None and (terms["named"] or None) != named:
        return True
    if terms["approvals"] is not None and terms["approvals"] < rule.approvals:
        return True
    if terms["above"] is None:
        return False
    line = quorum.line(db, change.identity, terms["unit"])
    assert line is not None
    return terms["above"] == "off" or Decimal(terms["above"]) > line.above


def _refuse_unsigned(db: Ledger, change: Change) -> None:
    needed = quorum.needed_to_change(db, change.identity)
    if needed and loosens(db, change):
        others = "an approver's signature" if needed == 1 else f"{needed} approvers' signatures"
        raise errors.RefusedByPolicy(
            f"this loosens what is approved ({change.words}), and takes {others}; nothing was changed",
            code="NEEDS_APPROVAL",
            details={"needed": needed},
            hint="File it: the same command with --request.",
        )


def _draw(db: Transaction, change: Change) -> None:
    terms, identity = change.terms, change.identity
    rule = approvers.rule(db, identity)
    if rule is None and terms["above"] in (None, "off"):
        raise errors.Usage(
            "there is no line yet", code="NO_LINE", hint="Draw one: amani wallet limit W --approve-above 100000sat"
        )
    named = (None if rule is None else rule.named) if terms["named"] is None else _as_text(terms["named"])
    approvals = terms["approvals"] or (1 if rule is None else rule.approvals)
    approvers.save_rule(db, identity, approvals, named)
    if terms["above"] is not None:
        approvers.save_line(db, identity, terms["unit"], None if terms["above"] == "off" else terms["above"])
    if approvers.rule(db, identity) is not None and len(quorum.who_may(db, identity)) < approvals:
        raise errors.Usage(
            f"{approvals} must approve, and {len(quorum.who_may(db, identity))} may",
            code="TOO_FEW_APPROVERS",
            hint="Add approvers first: amani approver add NAME PUBLIC",
        )


def _as_text(named: list[str]) -> str | None:
    return json.dumps(named) if named else None


def _refuse_last(db: Ledger, row: ApproverRow) -> None:
    """Refuse to leave a wallet with fewer who may approve than must."""
    for rule in approvers.rules(db):
        left = [each for each in quorum.who_may(db, rule.identity) if each.name_key != row.name_key]
        if len(left) < rule.approvals and row.identity in (approvers.EVERY, rule.identity):
            raise errors.RefusedByPolicy(
                f"without {row.name} too few are left to approve what a wallet with a line pays",
                code="TOO_FEW_APPROVERS",
                hint="Add another approver first, or lift the line. A key that is lost: --lost.",
            )


def refuse_needed_elsewhere(db: Ledger, row: ApproverRow, identity: str) -> None:
    """Refuse to take an approver away on the word of one wallet's key (its `identity`) where another wallet's payments
    need them too. Raises `errors.RefusedByPolicy`."""
    others = [
        rule.identity
        for rule in approvers.rules(db)
        if rule.identity != identity
        and row.public_key in [each.public_key for each in quorum.who_may(db, rule.identity)]
    ]
    if others or row.identity not in (approvers.EVERY, identity):
        named = [approvers.name_of(db, each) or each for each in others or [row.identity]]
        raise errors.RefusedByPolicy(
            f"{row.name} approves for other wallets too ({', '.join(named)}), whose key was not given",
            code="NOT_AN_APPROVER",
            hint="Another approver of theirs signs it: amani approver remove NAME --request",
        )


def _free(db: Ledger, name: str, key: str) -> None:
    if not name.strip() or len(name) > 60 or not name.isprintable() or "," in name:
        raise errors.Usage("an approver's name is one line of up to 60 characters, without a comma", code="BAD_NAME")
    for row in approvers.approvers(db):
        if row.name_key == name.casefold() or row.public_key == key:
            raise _taken(row.name)


def _taken(name: str) -> errors.Usage:
    return errors.Usage(
        f"there is an approver '{name}' already, or one with this key",
        code="NAME_TAKEN",
        hint="See: amani approver list",
    )
