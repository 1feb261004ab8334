"""Bringing in what a Lightning wallet's own records say: what others did on it, and what our own entries came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from amani_cli import clocks
from amani_cli.invoices.lightning import note_record
from amani_cli.payments import engine
from amani_cli.payments.verdict import judge
from amani_cli.providers.base import Named, Record
from amani_cli.store import cheques, journal, read_back, references, rules
from amani_cli.store import invoices as store_invoices
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry, EntryStatus, NewEntry, Whose
from amani_cli.store.ledger import new_ids
from amani_cli.store.rows import Transaction
from amani_cli.times import from_rfc3339, now
from amani_cli.wallets import known as wallets_known
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits

LATE_S = 86400
"""So long after its end an invoice may still be paid (within one LNbits), or its payment come to light."""

ASKED_AT_ONCE = 50
"""So many of what is long past its end are asked about in one sync; the others in the next ones."""

Look = Callable[[list[Record]], None]


def sync(ws: Workspace, wallet: KnownWallet, look: Look | None = None) -> tuple[int, int]:
    """Bring in the records, newest first, until nothing is missing below; how many entries are new and have changed.

    Where nothing is new that is one page. Cut anywhere, the next sync goes on with what is missing. A record that was
    pending when it was read, far down, is awaited until it has settled or failed, or was asked about when it was long
    past its end: LNbits lets an invoice be paid within itself until somebody has. `look` is shown each page first.
    Raises `errors.NotAuthorised` for the key of another wallet.
    """
    new = updated = read = empty = 0
    progress: read_back.Progress | None = None
    waiting: _Waiting | None = None
    with wallet.lnbits("read") as client:
        while progress is None or progress.gaps:
            is_first = progress is None
            began_at = progress.gaps[0].upper if progress is not None else None
            down_to = None
            for page in client.all_records(began_at):
                times = [record.listed_at for record in page if record.listed_at is not None]
                _belongs(wallet, page)
                if progress is None or waiting is None:
                    progress = read_back.progress(ws.store, wallet.identity)
                    progress.begin(times)
                    waiting = _Waiting(ws, wallet.identity, times[0] if times else None)
                if look is not None:
                    look(page)
                page_new, page_updated = take_in(ws, wallet, page)
                new, updated, read = new + page_new, updated + page_updated, read + len(page)
                ws.talk.progress(f"reading the history of {wallet.name}: {read:,} records")
                waiting.note(page)
                down_to = times[-1] if times else down_to
                has_met = progress.took(down_to, len(page))
                progress.save(ws.store)
                if has_met:
                    break
            else:
                assert progress is not None  # a list of records has a first page, be it empty
                empty += down_to is None
                is_sure = empty >= 2 if down_to is None else down_to == began_at
                if progress.gaps[0].lower is None and not is_sure:
                    continue  # the answer to another question, mixed up by the line, would end it here as well
                down_to = None
                progress.ended()
                progress.save(ws.store)
            if is_first and waiting is not None and down_to is not None:
                page_new, page_updated = _look_after(ws, wallet, client, waiting, down_to)
                new, updated = new + page_new, updated + page_updated
    return new, updated


def _belongs(wallet: KnownWallet, page: list[Record]) -> None:
    """Refuse the records of another wallet; learn from the first one whose key this is, where that is not known."""
    for record in page:
        wallet.must_match(record.wallet_id)
        if wallet.remote_id is None and record.wallet_id is not None:
            wallets_known.learn(wallet, record.wallet_id)


class _Waiting:
    """The records of a wallet that were pending when they were read, as long as something may still become of them."""

    def __init__(self, ws: Workspace, identity: str, newest: float | None) -> None:
        self._ws, self._identity, self._now = ws, identity, newest or 0.0  # of the provider's clock, at least
        self.since, self._until = read_back.awaited(ws.store, identity)

    def note(self, page: list[Record]) -> None:
        """Remember which of a page are pending, and that others are not any more."""
        over = [each for each in page if each.status != "pending" and self.awaits(each)]
        pending = [each for each in page if each.status == "pending" and each.payment_hash not in self.since]
        ends = {each.payment_hash: self._ends(each) for each in pending}
        if not over and not pending:
            return
        with self._ws.store.write() as db:
            for record in over:
                read_back.came(db, self._identity, record.payment_hash)
                self.since.pop(record.payment_hash, None)
            for record in pending:
                made = record.listed_at or 0.0
                read_back.expect(db, self._identity, record.payment_hash, made, ends[record.payment_hash])
                self.since[record.payment_hash] = made
                self._until[record.payment_hash] = ends[record.payment_hash]

    def awaits(self, record: Record) -> bool:
        """Whether this one is awaited: a wallet that paid an invoice of its own has two records of one hash."""
        return self.since.get(record.payment_hash) == (record.listed_at or 0.0)

    def overdue(self, among: Iterable[str]) -> set[str]:
        """The first few of these that are long past their end: to be asked about once more, by their hash, by which
        LNbits calls one failed that nobody has paid. Till then another of its wallets could still pay it."""
        ends = {each: self._until[each] or self._now for each in among}
        return set(sorted((each for each in ends if ends[each] < self._now), key=ends.__getitem__)[:ASKED_AT_ONCE])

    def forget(self, payment_hashes: set[str]) -> None:
        """Wait no longer for records that are gone, or were asked about for the last time."""
        if payment_hashes:
            with self._ws.store.write() as db:
                for each in payment_hashes:
                    read_back.came(db, self._identity, each)

    def _ends(self, record: Record) -> float | None:
        if record.amount_msat < 0 or record.expires_at is None:
            return None
        return from_rfc3339(record.expires_at).timestamp() + LATE_S


def _look_after(
    ws: Workspace, wallet: KnownWallet, client: Lnbits, waiting: _Waiting, down_to: float
) -> tuple[int, int]:
    """Ask what became of records that were pending, where they stand below what has just been read (`down_to`)."""
    left = {payment_hash: made for payment_hash, made in waiting.since.items() if made < down_to}
    if not left:
        return 0, 0
    pending: set[str] = set()
    for page in client.all_records(down_to, status="pending"):
        _belongs(wallet, page)
        pending |= {record.payment_hash for record in page if record.status == "pending"}
        if page and (page[-1].listed_at or 0.0) < min(left.values()):
            break
    overdue = waiting.overdue(left.keys() & pending)
    told = {payment_hash: _became(client, waiting, payment_hash) for payment_hash in left.keys() - pending | overdue}
    for payment_hash in overdue:  # it is left alone by what it is told to be now, which may be an old answer
        record = told[payment_hash]
        if record is not None and record.status == "pending":
            told[payment_hash] = _became(client, waiting, payment_hash)
    found = [record for record in told.values() if record is not None]
    counts = take_in(ws, wallet, found)
    waiting.note(found)
    gone = {each for each, record in told.items() if record is None}
    others = {
        each for each, record in told.items() if record and record.status != "pending" and not waiting.awaits(record)
    }
    waiting.forget((gone | others | overdue) & waiting.since.keys())
    return counts


def _became(client: Lnbits, waiting: _Waiting, payment_hash: str) -> Record | None:
    """The record that is awaited, as it stands; None where it is gone.

    What bears its hash alone stands for it where nothing bears its time: a server may list it under another by now.
    """
    record = client.sure_record(payment_hash)
    if record is None or waiting.awaits(record):
        return record
    made = waiting.since[payment_hash]
    for page in client.all_records(made):  # not by its hash, by which the oldest servers list nothing
        for each in page:
            if each.payment_hash == payment_hash and waiting.awaits(each):
                return each
        if page and (page[-1].listed_at or 0.0) < made:
            break
    return record


def take_in(ws: Workspace, wallet: KnownWallet, page: list[Record]) -> tuple[int, int]:
    """Bring in a page of records: how many entries are new and how many have changed. Refuses another wallet's."""
    _belongs(wallet, page)
    relevant = [each for each in page if each.amount_msat < 0 or each.status == "settled"]  # else nobody has paid it
    hashes = {each.payment_hash for each in relevant}
    new = updated = 0
    # Where the oldest of a page is new there is something to write, whatever is known of the others.
    oldest = {each.payment_hash for each in relevant[-1:]}
    known = journal.by_hashes(ws.store, wallet.id, wallet.remote_id, oldest)
    if len(known) == len(oldest):
        known = journal.by_hashes(ws.store, wallet.id, wallet.remote_id, hashes)
    if any(_key(each) not in known for each in relevant):
        came = {each.payment_hash for each in relevant if each.amount_msat > 0}
        store_invoices.take_over(ws.store, wallet.id, wallet.name, came)
        awaited = store_invoices.unpaid(ws.store, wallet.id, hashes)
        with ws.store.write() as db:
            # Asked anew: another sync, or a payment that is being made, may have been first.
            known = journal.by_hashes(db, wallet.id, wallet.remote_id, hashes)
            told, fresh, whose = list[Record](), dict[str, tuple[Record, NewEntry]](), wallet.journaled
            for entry, record in zip(new_ids("pay", len(relevant)), relevant, strict=True):
                if _key(record) in known or (record.amount_msat > 0 and record.payment_hash in awaited):
                    told.append(record)
                    continue
                made = _entry_of(db, wallet, whose, record)
                known[_key(record)] = journal.Known(entry, made.status, wallet.remote_id)
                fresh[entry] = record, made
            journal.insert_all(db, ((entry, made) for entry, (_, made) in fresh.items()))
            for entry, (record, _) in fresh.items():
                _learn_back(db, wallet, record, entry)
            new += len(fresh)
            store_wallets.clear_cached_balance(db, wallet.id)
        relevant = told
    for record in relevant:
        met = known.get(_key(record))
        if met is not None:
            updated += _correct(ws, wallet, met, record)
            continue
        invoice = store_invoices.of_wallet(ws.store, wallet.id, record.payment_hash)
        assert invoice is not None
        note_record(ws, wallet, invoice, record)
        new += 1
    return new, updated


def _key(record: Record) -> tuple[str, str]:
    return record.payment_hash, "out" if record.amount_msat < 0 else "in"


def _correct(ws: Workspace, wallet: KnownWallet, entry: journal.Known, record: Record) -> int:
    """Have an entry be as certain as its record; 1 if that changes it."""
    if entry.remote_id is None and wallet.remote_id is not None:
        with ws.store.write() as db:
            journal.update(db, entry.id, remote_wallet_id=wallet.remote_id)
    if entry.status == "unknown" and record.status != "pending":
        engine.close(ws, _row(ws, entry), judge(None, record))
        return 1
    if entry.status == "failed" and record.status != "failed":
        return int(engine.overrule(ws, _row(ws, entry), record))
    return 0


def _row(ws: Workspace, entry: journal.Known) -> Entry:
    row = journal.by_id(ws.store, entry.id)
    assert row is not None
    return row


_STATUS: dict[str, EntryStatus] = {"settled": "settled", "failed": "failed", "pending": "unknown"}


_UNNAMED = Named(None, None)


def _entry_of(db: Transaction, wallet: KnownWallet, whose: Whose, record: Record) -> NewEntry:
    """What is journaled of a record that is not known here."""
    came, amount_msat = record.amount_msat > 0, abs(record.amount_msat)
    status, named = "settled" if came else _STATUS[record.status], _UNNAMED
    # What came home from a cheque is that, in a copy from before it did.
    cheque = cheques.came_home(db, record.memo, wallet.remote_id) if came else None
    if not came and record.named is not None:
        named = record.named
    return NewEntry(
        whose if whose.remote_wallet_id is not None else whose._replace(remote_wallet_id=record.wallet_id),
        "in" if came else "out",
        "cheque void" if cheque is not None else "invoice" if came else "faucet" if named.claimer else "pay",
        status,
        amount_msat=amount_msat,
        fee_msat=record.fee_msat if status == "settled" else None,
        reserved_msat=amount_msat + record.fee_msat if status == "unknown" else 0,
        payment_hash=record.payment_hash,
        bolt11=record.bolt11 or None,
        preimage=record.preimage if status == "settled" else None,
        destination=cheques.destination_of(cheque.url, cheque.remote_id or "") if cheque is not None else None,
        memo=record.memo,
        reference=named.reference,
        actor=named.agent,
        failure="failed at the provider" if status == "failed" else None,
        created_at=record.created_at or now(),
        expires_at=None if came else record.expires_at,
        settled_at=record.settled_at or (now() if came else None),
    )


def _learn_back(db: Transaction, wallet: KnownWallet, record: Record, entry: str) -> None:
    """Write down what a payment says along with it: the reference that it stands for, and who claimed it."""
    named = record.named
    if named is None or record.amount_msat > 0 or record.status == "failed":
        return
    for reference, meaning in named.references:
        references.restore(db, reference, meaning, entry)
    if named.claimer is not None:
        rules.add_event(db, named.claimer, "faucet", _made(wallet, record), subject=entry)


def _made(wallet: KnownWallet, record: Record) -> float:
    """When a record was made, by the ledger's time: as long ago as it is by its server's clock."""
    made = from_rfc3339(record.created_at).timestamp() if record.created_at else clocks.best(wallet.url)
    return wallet.ws.store.clock.now() - max(0.0, clocks.best(wallet.url) - made)
