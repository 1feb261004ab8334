"""Closing a month: opening balance, what moved, closing balance, tied to the provider's own figure.

The provider's closing balance is today's, counted back over what has moved since. A month that was closed is
remembered, and one whose figures are others later is said so: books that were handed in don't change by themselves.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from amani_cli import errors
from amani_cli.books import history, reading
from amani_cli.books.differences import LOOKS, is_explained, of_balance, shown
from amani_cli.books.reading import Books
from amani_cli.models.books import ClosedWallet, Closing
from amani_cli.models.document import as_json
from amani_cli.store import audit as audit_log
from amani_cli.store import cheques, closed, totals
from amani_cli.times import Period, from_rfc3339, parse_month, to_rfc3339, zone
from amani_cli.wallets import finding
from amani_cli.wallets.known import KnownWallet, identify_there
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fiat import Statement

Key = tuple[int, str]


def close(ws: Workspace, month: str, wallet: KnownWallet | None, *, accept: bool = False) -> Closing:
    """Close a month that is over, in the local zone. `differences` holds what nothing explains: none, and it is closed.

    With `accept` the figures of today take the place of those it was closed with. The running month is a preview that
    closes nothing. Raises `errors.Usage` for a month that has not begun, `errors.Unreachable` when a provider can't be
    asked.
    """
    first, end = parse_month(month, datetime.now(UTC))
    preview = end > datetime.now(UTC)
    if first > datetime.now(UTC) or (preview and accept):
        raise errors.Usage("that month is not over yet", code="BAD_DATE", hint="Close 'last', or one before.")
    period = Period(to_rfc3339(first), to_rfc3339(end))
    label = first.astimezone().strftime("%Y-%m")
    known = [wallet] if wallet is not None else finding.real(finding.everything(ws))
    figures, later, live, is_still = _as_of_one_moment(ws, period, known, wallet)
    items = []
    for each in known:
        units = sorted({unit for wallet_id, unit in figures if wallet_id == each.id} | set(live[each.id]))
        told = _statements(each, units, period)
        items += [
            _closed(
                ws, each, unit, figures[each.id, unit], live[each.id].get(unit), later[each.id, unit], told.get(unit)
            )
            for unit in units
        ]
    differences = [text for item in items for text in item.differences]
    if differences and not is_still:
        raise errors.Unreachable("too much happens on these wallets to tell", hint="Try again when it is quieter.")
    if not preview:
        differences += _changed(ws, label, known, items, accept=accept, done=not differences)
    open_msat = sum(
        row.amount_msat + row.reserve_msat for row in cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    )
    unknown = totals.open_between(ws.store, period.since, period.until, wallet.id if wallet else None)
    if wallet is None and not any(each.is_play for each in known):
        _tell_left_out(ws, period, known)
    return Closing(label, zone(), *period, items, open_msat, unknown, differences, preview)  # type: ignore[arg-type]


def _as_of_one_moment(
    ws: Workspace, period: Period, known: list[KnownWallet], wallet: KnownWallet | None
) -> tuple[dict[Key, dict[str, Decimal]], dict[Key, Decimal], dict[int, dict[str, Decimal]], bool]:
    """A month's sums, what has moved since its end, what the wallets hold, and whether nothing moved meanwhile."""
    live = {each.id: _held(each) for each in known}
    for _ in range(LOOKS):
        for each in known:
            ws.talk.progress(f"asking for the balance and history of {each.name}")
            ws.restart_clock()
            history.sync(ws, each)
        figures, later = _figures(ws, period, known, wallet)
        before, live = live, {each.id: _held(each) for each in known}
        if live == before:
            return figures, later, live, True
    return figures, later, live, False


def _tell_left_out(ws: Workspace, period: Period, known: list[KnownWallet]) -> None:
    """Say whose books are in no figure: a wallet that is gone has no balance to count back from."""
    assert period.since is not None
    assert period.until is not None
    names = totals.others_between(ws.store, period.since, period.until, [each.id for each in known])
    if names:
        ws.talk.warn(
            f"left out, for they are not registered any more: {', '.join(map(repr, names))}; what settled on them is in"
            " 'amani history export'"
        )


def _held(wallet: KnownWallet) -> dict[str, Decimal]:
    """What the provider says now, by unit."""
    with wallet.client("read") as client:
        held = client.held()
    if isinstance(held, int):
        return {"sat": Decimal(held).scaleb(-3)}
    return {each.currency: each.ledger for each in held}


def _figures(
    ws: Workspace, period: Period, known: list[KnownWallet], wallet: KnownWallet | None
) -> tuple[dict[Key, dict[str, Decimal]], dict[Key, Decimal]]:
    """A month's sums by wallet and unit, and what each has moved since its end."""
    figures: dict[Key, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    there = [_id_of(each) for each in known if each.in_environment]
    month = Books(ws, period, wallet, there=there)
    for each in month.movements():
        sums = figures[each.row.wallet_id, each.unit]
        way = "in" if each.amount > 0 else "out"
        back = each.row.kind == "refund" and way == "in"
        name = "returned" if back else f"own_{way}" if each.own else {"in": "received", "out": "sent"}[way]
        sums[name] += abs(each.amount)
        sums["fees"] += each.fee
        sums["duties"] += Decimal(each.row.duty or 0)
        sums["payments"] += 1
        if not each.own and each.row.kind in ("faucet", "cheque"):
            sums[f"{each.row.kind}_{way}"] += abs(each.amount)
    for key, amount in month.closing.items():
        figures[key]["closing"] = amount
        figures[key]["opening"] = month.opening.get(key, Decimal(0))
    later: dict[Key, Decimal] = defaultdict(Decimal)
    for each in Books(ws, Period(period.until, None), wallet, there=there).movements():
        later[each.row.wallet_id, each.unit] += each.change
    return figures, later


def _id_of(wallet: KnownWallet) -> str:
    identify_there(wallet)
    return wallet.remote_id or ""


def _statements(wallet: KnownWallet, units: list[str], period: Period) -> dict[str, Statement]:
    """A Fincra wallet's own statement of a month, by currency, where it can be had."""
    if wallet.provider != "fincra":
        return {}
    assert period.since is not None
    assert period.until is not None
    with wallet.fincra("read") as client:
        found = {unit: client.statement(unit, period.since, period.until) for unit in units}
    return {unit: each for unit, each in found.items() if each is not None}


def _closed(
    ws: Workspace,
    wallet: KnownWallet,
    unit: str,
    sums: dict[str, Decimal],
    live: Decimal | None,
    later: Decimal,
    statement: Statement | None,
) -> ClosedWallet:
    """One wallet's figures. `live` is what it holds now, `later` what it has moved since the month's end.

    `statement` is the provider's own: where it agrees with the books it is the figure, and what has happened since is
    another month's. Its days may be cut otherwise than ours, so that one alone makes no difference.
    """
    provider = None if live is None else live - later
    notes, differences = [], []
    if statement is not None:
        agrees = (statement.opening, statement.closing) == (sums["opening"], sums["closing"])
        if agrees and provider != statement.closing:
            notes.append(f"today's balance counted back is {shown(provider or Decimal(0), unit)}: see this month")
        if agrees:
            provider = statement.closing
        else:
            ends = f"{shown(statement.opening, unit)} to {shown(statement.closing, unit)}"
            notes.append(f"by Fincra's statement the balance went from {ends}")
    if provider is not None and provider != sums["closing"]:
        apart = provider - sums["closing"]
        # What is open has left the provider's balance, with a fee that may be given back, and is in no sum here.
        if is_explained(apart, totals.flying(ws.store, wallet.id, unit, wallet.remote_id)):
            notes.append(f"{shown(-apart, unit)} are held back for open outcomes: amani reconcile")
        else:
            differences.append(of_balance(wallet, apart, unit))
    names = ("opening", "received", "sent", "fees", "own_in", "own_out", "closing", "returned", "duties")
    values = {name: reading.value(sums[name], unit) for name in names}
    apart_too = {
        name: reading.value(sums[name], unit) for name in ("faucet_in", "faucet_out", "cheque_in", "cheque_out")
    }
    return ClosedWallet(
        wallet=wallet.name,
        unit="msat" if unit == "sat" else unit,
        **values,
        **apart_too,
        provider_closing=None if provider is None else reading.value(provider, unit),
        payments=int(sums["payments"]),
        notes=notes,
        differences=differences,
    )


def _changed(
    ws: Workspace,
    label: str,
    known: list[KnownWallet],
    items: list[ClosedWallet],
    *,
    accept: bool,
    done: bool,
) -> list[str]:
    """Remember a month that closes; say of one that was closed before what is not as it was."""
    ids = {wallet.name: wallet.id for wallet in known}
    remote = {wallet.name: wallet.remote_id for wallet in known}
    changed = []
    with ws.store.write() as db:
        for item in items:
            figures = {name: value for name, value in as_json(item).items() if name not in _NOT_CLOSED}
            before = closed.read(db, label, ids[item.wallet], item.unit)
            # A figure that an older amani did not have says nothing.
            old = json.loads(before.figures) if before is not None else {}
            if ids[item.wallet] <= 0:
                figures["id"] = remote[item.wallet]
                if old.get("id", figures["id"]) != figures["id"]:  # that was another wallet's in the environment
                    before, old = None, {}
            if before is not None and not accept and any(figures[name] != value for name, value in old.items()):
                changed.append(_how(item, old, {name: figures[name] for name in old}, before.closed_at))
            elif done and (before is None or accept):
                closed.write(db, label, ids[item.wallet], item.wallet, item.unit, zone(), json.dumps(figures))
        if accept:
            audit_log.append(
                db, "month closed anew", subject=label, outcome="done", actor=ws.said.actor, reason=ws.said.reason
            )
    return changed


_NOT_CLOSED = ("wallet", "provider_closing", "notes", "differences")


def _how(item: ClosedWallet, before: dict[str, Any], after: dict[str, Any], when: str) -> str:
    names = ", ".join(f"{name} {before.get(name)} → {after[name]}" for name in after if before.get(name) != after[name])
    day = from_rfc3339(when).astimezone().date()
    return f"{item.wallet}: not as it was closed on {day}: {names} ({item.unit}); --accept takes the new figures"
