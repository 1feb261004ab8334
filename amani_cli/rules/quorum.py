"""Whose signatures count for a request, and how many it takes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import NamedTuple

from amani_cli.rules import signatures
from amani_cli.rules.signatures import APPROVE, Person
from amani_cli.rules.written import CHANGES, Body
from amani_cli.store import approvers, requests
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import ApproverRow, RuleOfTwoRow, SignatureRow


class Count(NamedTuple):
    """Who has approved so that it counts, by name, and why whoever else has signed does not."""

    names: list[str]
    not_counted: list[str]


class Line(NamedTuple):
    """Above which amount it takes so many approvals, by whom of the approvers (None: whoever there is)."""

    above: Decimal
    approvals: int
    named: list[str] | None


def line(db: Ledger, identity: str, unit: str) -> Line | None:
    """The line of a wallet in a unit, or None where its payments need nobody's approval.

    A fiat wallet that has one in some currency has one of 0 in every other: money could be exchanged past it.
    """
    rule = approvers.rule(db, identity)
    if rule is None:
        return None
    found = {row.unit: Decimal(row.above) for row in approvers.lines(db, identity)}
    return Line(found.get(unit, Decimal(0)), rule.approvals, _named(rule))


def who_may(db: Ledger, identity: str) -> list[ApproverRow]:
    """Who may approve for a wallet; for what concerns every wallet, who may for every one."""
    rule = approvers.rule(db, identity)
    named = None if rule is None else _named(rule)
    keys = None if named is None else {name.casefold() for name in named}
    return [
        row
        for row in approvers.approvers(db)
        if row.identity in (approvers.EVERY, identity) and (keys is None or row.name_key in keys)
    ]


def needed(db: Ledger, body: Body) -> int:
    """How many approvals a request takes as the rules stand; 0 where nobody's is due."""
    if body.what in CHANGES:
        lost = body.what == "approver remove" and body.terms.get("lost")
        return 0 if lost else needed_to_change(db, body.identity)
    found = 0
    for unit, amount in body.sums.items():
        drawn = line(db, identity_in(body, unit), unit)
        if drawn is not None and amount > drawn.above:
            found = max(found, drawn.approvals)
    return found


def identity_in(body: Body, unit: str) -> str:
    """The wallet that pays in a unit: a batch may pay from two."""
    return str(body.terms.get("wallets", {}).get(unit, body.identity))


def needed_to_change(db: Ledger, identity: str) -> int:
    """How many approvals it takes to loosen the rules of a wallet (or of every one): 0 while there is no approver.

    As many as its payments take, of those who are left: fewer could take the rule away from the others.
    """
    found = 0
    for each in _concerned(db, identity):
        rule = approvers.rule(db, each)
        found = max(found, min(1 if rule is None else max(1, rule.approvals), len(who_may(db, each))))
    return found


def _concerned(db: Ledger, identity: str) -> set[str]:
    """The wallets whose rules a change is about; for every one, each that has a rule or an approver of its own."""
    if identity != approvers.EVERY:
        return {identity}
    known = {row.identity for row in approvers.approvers(db)}
    return known | {rule.identity for rule in approvers.rules(db)}


def count(db: Ledger, body: Body) -> Count:
    """Whose approvals of a request count now, by the keys and rules as they stand in this ledger."""
    names, not_counted = list[str](), list[str]()
    for each in requests.signatures(db, body.id):
        if each.verdict == APPROVE:
            why = why_not(db, body, each)
            (not_counted if why else names).append(why or each.approver)
    return Count(names, not_counted)


def why_not(db: Ledger, body: Body, each: SignatureRow) -> str:
    """Why a signature about a request does not count, or ""."""
    known = {row.public_key: row for row in approvers.approvers(db)}.get(each.public_key)
    if known is None:
        return f"{each.approver} is no approver any more"
    if not signatures.is_signed(each.public_key, body.digest, each.verdict, each.signature):
        return f"what {known.name} signed is not this request"
    return may_not(db, body, known)


def may_not(db: Ledger, body: Body, known: ApproverRow) -> str:
    """Why an approver may not approve a request, or "": it is theirs, or about a wallet that is none of their business.

    Somebody counts who may approve for each of the wallets that it is about.
    """
    if Person(known.os_user, known.host) == body.asker:
        return f"{known.name} is who asked for it ({body.asker})"
    if body.what in CHANGES:
        identities = _concerned(db, body.identity)
    else:
        identities = {body.identity, *body.terms.get("wallets", {}).values()}
    for identity in identities:
        if known.public_key not in [row.public_key for row in who_may(db, identity)]:
            return f"{known.name} does not approve for this wallet"
    return ""


def _named(rule: RuleOfTwoRow) -> list[str] | None:
    return None if rule.named is None else [str(name) for name in json.loads(rule.named)]
