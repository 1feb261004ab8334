"""How everything stands, on one screen: from the books, and balances up to a minute old."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.models.money import Balance
from amani_cli.models.operations import Finding
from amani_cli.models.payments import Payment
from amani_cli.models.status import ChequesOut, LimitLeft, OpenOutcome, Status
from amani_cli.store import cheques, journal, listing, requests
from amani_cli.wallets import balances, finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

FRESH_S = 60
RECENT = 5


def status(ws: Workspace) -> tuple[Status, list[errors.AmaniError]]:
    """How everything stands, and what became of wallets that could not be asked.

    Those are shown with what was last seen in them, and with a finding each. A wallet of a team whose key is on other
    machines alone is shown so too, and is no fault.
    """
    known = finding.everything(ws)
    found, failed = balances.balances(ws, [wallet for wallet in known if wallet.has_key_here], FRESH_S)
    told = [Finding("wallet", "fail", error.message, error.hint) for error in failed]
    if not known:
        told.append(Finding("wallets", "warn", "no wallet yet", "amani sandbox start, or amani wallet add NAME"))
    if not ws.has_store:
        return Status(found.items, [], ChequesOut(0, 0), 0, [], [], told), failed
    out = cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    standing = Status(
        wallets=_with_last_seen(ws, known, found.items),
        open=_open(ws),
        cheques=ChequesOut(len(out), sum(row.amount_msat + row.reserve_msat for row in out)),
        requests=requests.count_waiting(ws.store, ws.store.clock.now())[0],
        limits=[each for wallet in known for each in _limits(ws, wallet)],
        recent=_recent(ws),
        findings=[*told, *_keyless(known), *_findings(ws)],
    )
    return standing, failed


def _with_last_seen(ws: Workspace, known: list[KnownWallet], answered: list[Balance]) -> list[Balance]:
    """Each wallet's balance in the order of wallets; of one that did not answer, what it held when it last did."""
    by_name = {item.wallet: item for item in answered}
    seen = [by_name.get(wallet.name) or balances.last_seen(ws, wallet) for wallet in known]
    return [item for item in seen if item is not None]


def _open(ws: Workspace) -> list[OpenOutcome]:
    from amani_cli.payments import receipts

    items = []
    for row in journal.open_payments(ws.store):
        entry = receipts.receipt(row)
        to = entry.to_wallet or entry.destination or ""
        what = f"{entry.kind} from {entry.wallet}" + (f" to {to}" if to else "")
        items.append(OpenOutcome(entry.id, what, entry.created_at, entry.amount_msat, entry.amount))
    return items


def _recent(ws: Workspace) -> list[Payment]:
    from amani_cli.payments import receipts

    return [receipts.receipt(row) for row in listing.page(ws.store, listing.Filter(limit=RECENT))]


def _limits(ws: Workspace, wallet: KnownWallet) -> list[LimitLeft]:
    """What counts today: budgets of a day, and rates of which something is used."""
    from amani_cli.rules import budgets

    if wallet.in_environment and wallet.remote_id is None:  # it would have to be asked who it is
        return []
    items = budgets.limits(ws, wallet).items
    return [
        LimitLeft(wallet.name, item.name, item.used, item.left, item.opens_at)
        for item in items
        if item.name == "per day" or item.used not in ("", "0")
    ]


def _keyless(known: list[KnownWallet]) -> list[Finding]:
    names = ", ".join(f"'{wallet.name}'" for wallet in known if not wallet.has_key_here)
    fix = "amani wallet add NAME --url URL, with the wallet's key"
    return [Finding("keys", "warn", f"none on this machine for {names}", fix)] if names else []


def _findings(ws: Workspace) -> list[Finding]:
    from amani_cli.operations import at_hand

    looked = [at_hand.files, at_hand.moved, at_hand.own_clock, at_hand.cheques_out, at_hand.held, at_hand.documents]
    return [each for look in looked for each in look(ws) if each.status != "ok"]
