"""How cheques stand: looked at, gone on with where a killed process left off, and their keys kept and found."""

from __future__ import annotations

import contextlib
from itertools import islice

from amani_cli import clocks, errors, keys
from amani_cli.cheques import drawing
from amani_cli.cheques.naming import must
from amani_cli.models.cheques import Cheque, Cheques
from amani_cli.payments import earlier as payments_earlier
from amani_cli.payments import engine, lightning_rail
from amani_cli.payments.verdict import Verdict
from amani_cli.providers.base import NewWallet
from amani_cli.providers.lnbits import Lnbits
from amani_cli.rules import held
from amani_cli.store import audit as audit_log
from amani_cli.store import cheques, holds, journal, links, machine
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import ChequeRow, Transaction
from amani_cli.times import from_rfc3339, now
from amani_cli.wallets import balances, deletions, finding, logins
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

ASK_AT_MOST = 50  # open cheques that a list asks about, one question each


def keep_keys(place: str, cheque_id: str, made: NewWallet) -> None:
    """Keep a cheque's keys with those of the wallet that funded it."""
    keys.SEEN.update((made.admin_key, made.read_key))
    keys.keep(place, f"cheque:{cheque_id}", f"{made.admin_key}:{made.read_key}")


def keys_of(row: ChequeRow) -> tuple[str, str]:
    """A cheque's admin and read key, as they are kept. Raises `errors.NotAuthorised` when they are gone."""
    text = keys.kept(row.place, f"cheque:{row.id}")
    if text is None and row.host is not None and row.host != machine.host():
        raise errors.NotAuthorised(
            f"the keys of cheque {row.id} are on {row.host}, where it was written",
            code="NO_KEY_HERE",
            hint=f"Run this on {row.host}.",
        )
    if text is None or ":" not in text:
        raise errors.NotAuthorised(
            f"the keys of cheque {row.id} are not kept here any more",
            code="NO_KEY",
            hint="Restore them from a backup; without them only whoever has the code can draw it. If they are lost for"
            f" ever: amani reconcile --resolve {row.id}",
        )
    admin_key, read_key = text.split(":", 1)
    keys.SEEN.update((admin_key, read_key))
    return admin_key, read_key


def opened(ws: Workspace, row: ChequeRow) -> None:
    """Write down that a cheque's money is in its wallet."""
    with ws.store.write() as db:
        fresh = cheques.by_id(db, row.id)
        # Another amani that asked meanwhile may have opened it, and even taken it back.
        if fresh is not None and fresh.status == "funding":
            cheques.update(db, row.id, status="open")
            audit_step(ws, db, "cheque create", row, "open")


def abandon(ws: Workspace, row: ChequeRow) -> None:
    """Close a cheque that provably never got any money, and delete its wallet where a login allows it.

    Its payment is looked for in the same transaction: whoever writes it may be slow, and journals the payment only
    while the cheque is still `funding`. Its reference is free again: the same command writes it anew.
    """
    with ws.store.write() as db:
        fresh = cheques.by_id(db, row.id)
        if fresh is None or fresh.status != "funding":
            return
        paid = journal.last_attempt(db, fresh.wallet_id, fresh.funding_hash or "", "out")
        if paid is not None and paid.status != "failed":
            return
        cheques.update(db, row.id, status="void", reference=None)
        audit_step(ws, db, "cheque create", row, "not funded")
    delete_wallet(ws, must(ws, row.id))


def at_its_server(ws: Workspace, row: ChequeRow) -> Lnbits:
    """A client for a cheque's wallet; refuses an answer about another. Raises what `keys_of` raises."""
    return drawing.only_of(lnbits_client(ws, row.url, keys_of(row)[0]), drawing.Named(row.url, row.remote_id or ""))


def delete_wallet(ws: Workspace, row: ChequeRow) -> None:
    """Delete a cheque's empty wallet and drop its keys; left alone where that is not possible or it holds anything.

    LNbits deletes without a look at the balance, so it is proved zero first, and that nothing can come back to it.
    """
    if row.remote_id is None:
        return
    with contextlib.suppress(errors.AmaniError):
        token = logins.token(ws, row.url)
        with at_its_server(ws, row) as client:
            if token is None:
                return
            # Its own invoice for the funds is known to nobody else, and is proved unpaid or was paid.
            deletions.prove_empty(client, "its wallet", but=row.funding_hash)
            client.delete_wallet(token, row.remote_id)
        keys.unkeep(row.place, f"cheque:{row.id}")
        keys.unkeep(row.place, f"link:{row.id}")


def is_had(ws: Workspace, row: ChequeRow) -> bool:
    """Whether a claim left nothing of a cheque, as its server says: it is done with, though its giver is gone."""
    if row.status != "claimed":
        return False
    with contextlib.suppress(errors.AmaniError):
        with at_its_server(ws, row) as client:
            if client.wallet().balance_msat >= 1000:
                return False
        with ws.store.write() as db:
            cheques.update(db, row.id, swept=1)
        delete_wallet(ws, row)
        return True
    return False


def advance(ws: Workspace, row: ChequeRow) -> ChequeRow:
    """Take an unfinished cheque as far as what is certain allows, by asking; no new payment is sent for `funding`."""
    if row.status != "funding":
        return row
    paid = journal.last_attempt(ws.store, row.wallet_id, row.funding_hash or "", "out")
    if paid is not None and paid.status == "unknown":
        paid = payments_earlier.ask_again(ws, paid)
    if paid is not None and paid.status == "settled":
        opened(ws, row)
    elif paid is not None and paid.status == "failed":
        abandon(ws, row)
    elif paid is None and _is_abandoned(ws, row):
        funded = _is_funded(ws, row)
        if funded:
            opened(ws, row)
        elif funded is not None:
            abandon(ws, row)
    return must(ws, row.id)


def _is_abandoned(ws: Workspace, row: ChequeRow) -> bool:
    """Whether whoever was writing this cheque has had time to journal its payment, and did not: it never will.

    In a copy that is not read back yet the payment may be missing all the same.
    """
    held = holds.of_wallet(ws.store, row.identity)
    if holds.of_copy(ws.store) is not None or (held is not None and held.here > 0):
        return False
    return ws.store.clock.now() - ws.store.clock.written(row) > lightning_rail.PROOF_OF_ABSENCE_S


def _is_funded(ws: Workspace, row: ChequeRow) -> bool | None:
    """Whether money came to the wallet of a cheque all the same, as its server says; None while that can't be asked.

    A copy of the journal may be from before the cheque was paid, and know nothing of it but the wallet.
    """
    if row.remote_id is None:
        return False
    try:
        with at_its_server(ws, row) as client:
            records, _ = client.records()
            left = client.wallet().balance_msat
    except (errors.NotAuthorised, errors.NotFound):  # its keys or its wallet are gone
        return False
    except errors.AmaniError as error:
        ws.talk.warn(f"cheque {row.id}: {error.message}")
        return None
    # A list may be the answer to another question, which the line mixed up: money that is there counts without one.
    return left > 0 or any(each.amount_msat > 0 and each.status == "settled" for each in records)


def shown(ws: Workspace, text: str) -> Cheque:
    """One cheque as it stands, its server asked."""
    row, on_its_way = refresh(ws, advance(ws, must(ws, text)))
    return view(ws, row, claiming=on_its_way)


def listed(ws: Workspace, wallet: KnownWallet | None, *, status: str | None, limit: int) -> Cheques:
    """Cheques, newest first, with what is outstanding in total beside what the wallets that gave it hold."""
    if not ws.has_store:
        return Cheques([], 0)
    unsure = _given_by(wallet, cheques.with_status(ws.store, "open", *cheques.UNFINISHED))
    on_their_way = {row.id for row in unsure[:ASK_AT_MOST] if refresh(ws, advance(ws, row))[1]}
    if len(unsure) > ASK_AT_MOST:
        ws.talk.warn(f"{len(unsure) - ASK_AT_MOST} cheques are shown as last seen")
    # Of a status so many, however many others are newer: it is written down as it is shown, or as "open".
    few = limit if wallet is None else None
    rows = cheques.with_status(ws.store, status, "open")[::-1] if status else cheques.all_cheques(ws.store, limit=few)
    views = (view(ws, row, claiming=row.id in on_their_way) for row in _given_by(wallet, rows))
    items = list(islice((item for item in views if status in (None, item.status)), limit))
    out = _given_by(wallet, cheques.with_status(ws.store, "open", *cheques.UNFINISHED))
    outstanding = sum(row.amount_msat + row.reserve_msat for row in out)
    givers = {row.wallet_id for row in unsure}
    known = [each for each in finding.registered(ws) if each.id in givers]
    found = balances.balances(ws, known)[0] if known else None
    return Cheques(items, outstanding, sum(item.balance_msat or 0 for item in found.items) if found else None)


def _given_by(wallet: KnownWallet | None, rows: list[ChequeRow]) -> list[ChequeRow]:
    return [row for row in rows if wallet is None or row.wallet_id == wallet.id]


def refresh(ws: Workspace, row: ChequeRow) -> tuple[ChequeRow, bool]:
    """Ask an open cheque's wallet whether it was claimed, or is being, by a payment on its way that may fail.

    A server that can't be asked leaves it as last seen.
    """
    if row.status != "open":
        return row, False
    claim = claim_by_link(ws, row)
    if claim is not None and claim.status != "failed":
        return must(ws, row.id), claim.status == "unknown"
    try:
        return drawn_from(ws, row)
    except errors.AmaniError as error:
        ws.talk.warn(f"cheque {row.id} is shown as last seen: {error.message}")
        return row, False


def drawn_from(ws: Workspace, row: ChequeRow) -> tuple[ChequeRow, bool]:
    """The same for an open cheque that no claim by a link has begun for. Raises what asking its wallet raises.

    What came home is no claim, though this ledger is a copy from before it did: that is known once the giver's wallet
    was read back, and nothing is written down before (raises `errors.RefusedByPolicy`).
    """
    held.refuse(ws, row.wallet, row.identity)
    with at_its_server(ws, row) as client:
        if client.wallet().balance_msat >= row.amount_msat:
            return row, False
        taken = drawing.payments_out(client)
    own = {each.payment_hash for each in own_draws(ws, row)}
    settled = [record for record in taken if record.status == "settled"]
    theirs = [record for record in settled if record.payment_hash not in own]
    if theirs:
        claimed(ws, row, theirs[0].payment_hash, theirs[0].settled_at)
    elif settled:
        _came_home(ws, row, settled[0].payment_hash)
    return must(ws, row.id), not settled and any(record.status == "pending" for record in taken)


def own_draws(ws: Workspace, row: ChequeRow) -> list[Entry]:
    """The attempts of the wallet that gave a cheque to take it back, but for those that failed."""
    named = cheques.destination_of(row.url, row.remote_id or "")
    return cheques.draws(ws.store, row.identity, named, None)


def is_over(row: ChequeRow) -> bool:
    """Whether a cheque's time is over, by the clock of its server where that was heard: it was written by that one."""
    return from_rfc3339(row.expires_at).timestamp() <= clocks.best(row.url)


def _came_home(ws: Workspace, row: ChequeRow, payment_hash: str) -> None:
    """Write down that a cheque was taken back, which a copy of the ledger learns from its giver's wallet."""
    over = is_over(row)
    with ws.store.write() as db:
        current = cheques.by_id(db, row.id)
        if current is not None and current.status == "open":
            cheques.update(db, row.id, status="expired" if over else "void", payment_hash=payment_hash)
            audit_step(ws, db, "cheque void", row, "expired" if over else "void")


def claim_by_link(ws: Workspace, row: ChequeRow) -> Entry | None:
    """The payment that a cheque's link was last claimed by, asked about while it is open; once settled, the cheque is
    written down as claimed. None where nobody has tried."""
    claim = cheques.claim_of(ws.store, row)
    if claim is not None and claim.status == "unknown":
        claim = payments_earlier.ask_again(ws, claim)
    if claim is not None and claim.status == "unknown":
        claim = _failed_if_home(ws, row, claim)
    if claim is not None and claim.status == "settled":
        claimed(ws, row, claim.payment_hash, claim.settled_at)
    return claim


def _failed_if_home(ws: Workspace, row: ChequeRow, claim: Entry) -> Entry:
    """Close an open claim of a cheque whose face came home, as a restored copy learns: it has not gone to anybody.

    The wallet is deleted then, and its keys are gone, so that nobody can be asked. What a claim leaves of a fee reserve
    is less than the face.
    """
    back = (each.amount_msat or 0 for each in own_draws(ws, row) if each.status == "settled")
    if max(back, default=0) < row.amount_msat:
        return claim
    return engine.close(ws, claim, Verdict("failed", None, "the cheque was taken back", "CHEQUE_VOID"))


def refuse_claiming(db: Ledger, row: ChequeRow) -> None:
    """Refuse what would touch a cheque's wallet while a claim by its link is on its way.

    Raises `errors.OutcomeUnknown`. In a transaction that writes down what is to be done, no claim can begin behind it.
    """
    claim = cheques.claim_of(db, row)
    if claim is not None and claim.status == "unknown":
        raise errors.OutcomeUnknown(
            f"cheque {row.id} is being claimed by its link, and what became of that is not certain yet",
            id=claim.id,
            hint=f"Run 'amani reconcile {claim.id}', then this again: what failed for certain can be taken back.",
        )


def refuse_claimed(db: Transaction, row: ChequeRow) -> None:
    """Refuse a new link for a cheque that has been had meanwhile, or is being. Raises `errors.Rejected`, and
    `errors.OutcomeUnknown` as `refuse_claiming` does."""
    current = cheques.by_id(db, row.id)
    assert current is not None
    refuse_claiming(db, current)
    claim = cheques.claim_of(db, current)
    if current.status not in ("open", "funding") or (claim is not None and claim.status == "settled"):
        raise not_open(row, "claimed" if claim is not None and claim.status == "settled" else current.status)


def not_open(row: ChequeRow, status: str) -> errors.Rejected:
    """The error for what can be done with an open cheque alone."""
    return errors.Rejected(
        f"cheque {row.id} is {status}, not open", code="NOT_OPEN", hint="Write a new one: amani cheque create"
    )


def note_claims(ws: Workspace) -> None:
    """Write down which cheques are claimed by now, where a claim by their link has settled since it was begun."""
    for row in links.being_claimed(ws.store):
        claim = cheques.claim_of(ws.store, row)
        if claim is not None and claim.status == "settled":
            claimed(ws, row, claim.payment_hash, claim.settled_at)
        elif claim is not None and claim.status == "unknown":
            _failed_if_home(ws, row, claim)


def claimed(ws: Workspace, row: ChequeRow, payment_hash: str | None, at: str | None) -> None:
    """Write down that a cheque was claimed, by which payment, and by whom if it was one of our wallets."""
    mine = journal.receiver(ws.store, payment_hash) if payment_hash else None
    with ws.store.write() as db:
        current = cheques.by_id(db, row.id)
        if current is None or current.status in ("claimed", "void", "expired"):
            return
        cheques.update(
            db,
            row.id,
            status="claimed",
            claimed_at=at or now(),
            claimed_by=mine,
            payment_hash=payment_hash,
        )
        audit_step(ws, db, "cheque", row, "claimed")


def view(ws: Workspace, row: ChequeRow, *, replayed: bool = False, claiming: bool = False) -> Cheque:
    """A cheque as it is shown, without its code; `claiming` while a payment out of it is on its way."""
    status = row.status
    past = is_over(row)
    giver = store_wallets.by_id(ws.store, row.wallet_id)
    return Cheque(
        id=row.id,
        amount_msat=row.amount_msat,
        memo=row.memo,
        status=_shown_status(status, past=past, claiming=claiming),
        created_at=row.created_at,
        expires_at=row.expires_at,
        wallet=giver.name if giver else row.wallet,
        url=row.url,
        reference=row.reference,
        claimed_at=row.claimed_at,
        claimed_by=row.claimed_by,
        payment_hash=row.payment_hash,
        can_rotate=bool(row.has_login),
        outstanding_msat=row.amount_msat + row.reserve_msat if status in ("open", *cheques.UNFINISHED) else 0,
        replayed=replayed,
        sandbox=bool(giver.sandbox) if giver else False,
    )


def _shown_status(status: str, *, past: bool, claiming: bool) -> str:
    if status != "open":
        return status
    return "claiming" if claiming else "expired" if past else "open"


def audit_step(ws: Workspace, db: Transaction, what: str, row: ChequeRow, outcome: str) -> None:
    """Log a step in a cheque's life."""
    audit_log.append(
        db,
        what,
        wallet=row.wallet,
        subject=row.id,
        amount_msat=row.amount_msat,
        outcome=outcome,
        actor=ws.said.actor,
        reason=ws.said.reason,
    )
