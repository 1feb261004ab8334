"""Paying: check, journal, send once, judge, record. Every way money leaves a Lightning wallet goes through `pay`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from amani_cli import bolt11, errors, models, policy, rates, success, verdict, wallets
from amani_cli.providers.base import FiatRecord, Named, PayAnswer, Record
from amani_cli.store import Entry, Row, Transaction, now, references, rules
from amani_cli.store import audit as audit_log
from amani_cli.store import payments as journal
from amani_cli.times import from_rfc3339, to_rfc3339
from amani_cli.verdict import ABSENT, NOT_ASKED, Found, Verdict, judge
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits

# How long an absent record must have been absent, after the invoice expired, before it proves that the request never
# arrived. Right after a cut line a 404 was wrong in 19 of 60 cases, half a second later in none.
PROOF_OF_ABSENCE_S = 120
# Even when time is up, the record is asked for a little longer: an answer is worth more than punctuality.
LAST_LOOK_S = 4.0


class Rail(Protocol):
    """What the engine asks of a provider: to send a journaled payment once, and to look for its record."""

    def post(self, row: Row) -> PayAnswer:
        """Send it: one POST. Raises `NotSent` when it provably never left."""
        ...

    def find(self, row: Row) -> Found:
        """Our own record of it, whoever sent it. Raises `errors.AmaniError` when it can't be asked for."""
        ...

    def never_arrived(self, row: Row) -> bool:
        """Whether a record that is absent proves by now that the request never got there."""
        ...


@dataclass(frozen=True)
class Lightning:
    """The rail of an LNbits wallet."""

    ws: Workspace
    client: Lnbits

    def post(self, row: Row) -> PayAnswer:
        """Pay the bolt11 of an entry. Its reference goes along: a journal that is lost learns it from the record."""
        told = references.told_along(self.ws.store, row)
        named = Named(*told) if told is not None else None
        return self.client.pay(row["bolt11"], row["payment_hash"], row["remote_wallet_id"], named=named)

    def find(self, row: Row) -> Found:
        """The wallet's own record of the entry's hash."""
        return _look_up(self.client, row["payment_hash"], row["remote_wallet_id"], row["direction"] == "in")

    def never_arrived(self, row: Row) -> bool:
        """Once its invoice has been expired for a while nobody can pay it any more."""
        return _is_long_over(row) and _is_key_of(self.client, row["remote_wallet_id"])


@contextmanager
def _rail(ws: Workspace, wallet: KnownWallet) -> Iterator[Rail]:
    """A wallet's rail, open for looking."""
    if wallet.provider == "fincra":
        from amani_cli.fiat import FiatRail

        with wallet.fincra("read") as business:
            yield FiatRail(ws, business)
    else:
        with wallet.lnbits("read") as client:
            yield Lightning(ws, client)


@dataclass(frozen=True)
class Order:
    """One thing to pay: which invoice, as what, under which reference, at most for what fee.

    `what` says what the reference stands for where the invoice does not: a retry may meet another one. `domain`,
    `description` and `comment` are for the question, `success` is what the payee wants shown once paid, `quoted`
    the fiat amount that was meant, `seen` what there is to pin of a `contact`.
    `on_journal` is called in the transaction that journals it, with the entry's id: it may refuse, and what it writes
    is there exactly if the payment is. `authorised` says that the PIN was given for something larger that this is a
    part of; `internal` that the payee is on the same server, so that no fee is due.
    """

    invoice: bolt11.Invoice
    kind: str = "pay"
    memo: str = ""
    destination: str | None = None
    reference: str | None = None
    max_fee_msat: int | None = None
    what: str | None = None
    domain: str | None = None
    description: str | None = None
    comment: str | None = None
    success: models.SuccessAction | None = None
    quoted: models.Quoted | None = None
    contact: str | None = None
    seen: dict[str, str] | None = None
    on_journal: Callable[[Transaction, str], object] | None = None
    internal: bool = False
    authorised: bool = False

    @property
    def amount_msat(self) -> int:
        """What the invoice asks for, in msat."""
        assert self.invoice.amount_msat is not None
        return self.invoice.amount_msat

    def is_twin(self, row: Row) -> bool:
        """Whether an entry is over as much: in sat, or in the fiat that was meant, whatever it was worth then."""
        quoted = rates.from_text(row["quoted"])
        as_meant = quoted is not None and self.quoted is not None and quoted[:2] == self.quoted[:2]
        return as_meant or row["amount_msat"] == self.amount_msat

    @property
    def meaning(self) -> str:
        """What a reference for this order stands for: this very invoice, unless `what` says it otherwise."""
        return self.what or f"{self.kind} {self.invoice.payment_hash}"


def order(ws: Workspace, text: str, amount_msat: int | None, **fields: object) -> Order:
    """Read a bolt11 into an order, offline. Raises what `check` raises, and `errors.Usage` for another amount."""
    invoice = bolt11.decode_invoice(text)
    if amount_msat is not None and invoice.amount_msat is not None and invoice.amount_msat != amount_msat:
        raise errors.Usage(
            f"the invoice asks for {invoice.amount_msat} msat, not {amount_msat} msat",
            code="AMOUNT_DIFFERS",
            hint="Leave the amount out, or ask for an invoice over the right one.",
        )
    return Order(invoice, **fields)  # type: ignore[arg-type]


def check(ws: Workspace, wanted: Order) -> None:
    """Refuse, offline, what can't be paid: no amount, another network, expired."""
    invoice = wanted.invoice
    if invoice.amount_msat is None or invoice.amount_msat <= 0:
        raise errors.Usage(
            "this invoice leaves the amount open, and LNbits can't pay such invoices",
            code="AMOUNTLESS",
            hint="Ask the payee for an invoice over the amount.",
        )
    network = ws.config.get("network")
    if invoice.network != network:
        raise errors.Usage(
            f"this is a {invoice.network} invoice; this amani pays on {network}",
            code="WRONG_NETWORK",
            hint=f"If that is what you want: amani config set network {invoice.network}",
        )
    if invoice.is_expired(time.time()):
        raise errors.Rejected(
            f"this invoice expired at {to_rfc3339(invoice.expires_at)}",
            code="INVOICE_EXPIRED",
            hint="Ask the payee for a new one. LNbits would not check this itself.",
        )


def plan(ws: Workspace, wallet: KnownWallet, wanted: Order) -> models.Plan:
    """What paying would do: worst-case fee by the server's reserve, and what would be left. Sends no payment."""
    check(ws, wanted)
    internal = _is_internal(ws, wallet, wanted)
    with wallet.lnbits("read") as client:
        balance_msat = client.wallet().balance_msat
        max_fee_msat = 0 if internal else client.fee_reserve_msat(wanted.invoice.bolt11)
    _refuse_dear(wanted, max_fee_msat)
    left = balance_msat - wanted.amount_msat - max_fee_msat
    return models.Plan(
        wallet=wallet.name,
        destination=wanted.destination or wanted.invoice.payee,
        payment_hash=wanted.invoice.payment_hash,
        amount_msat=wanted.amount_msat,
        max_fee_msat=max_fee_msat,
        internal=internal or None,
        balance_msat=balance_msat,
        left_msat=left,
        memo=_memo(wanted),
        expires_at=to_rfc3339(wanted.invoice.expires_at),
        sufficient=left >= 0,
        sandbox=wallet.sandbox,
        domain=wanted.domain,
        description=wanted.description,
        comment=wanted.comment,
        quoted=wanted.quoted,
        contact=wanted.contact,
    )


def pay(
    ws: Workspace,
    wallet: KnownWallet,
    wanted: Order,
    *,
    confirm: Callable[[models.Plan], None] | None,
    wait: bool = True,
) -> models.Payment:
    """Pay an invoice once, and return its receipt; the same invoice or reference again returns the same receipt.

    `confirm` is shown the plan and raises to stop; None when a yes was given beforehand. Raises
    `errors.OutcomeUnknown` (money maybe moved), or a failure that proves none did. The POST is never repeated.
    """
    replay = replayed(ws, wanted.reference, wanted.meaning, wanted.invoice.payment_hash)
    if replay is not None:
        return replay
    wallet.must_be("lnbits")
    check(ws, wanted)
    wallets.identify(wallet)
    wallets.refuse_shared(wallet)
    wallets.warn_of_version(wallet)
    internal = _is_internal(ws, wallet, wanted)
    reserve_msat = 0 if internal else worst_fee_msat(wanted.amount_msat)
    if not wanted.authorised:
        policy.check(ws, wallet, wanted.amount_msat, reserve_msat)
    if confirm is not None:
        planned = plan(ws, wallet, wanted)
        reserve_msat = planned.max_fee_msat
        _refuse_poor(planned)
        confirm(planned)
        ws.restart_clock()  # a person may think for as long as they like,
    elif not internal and (wanted.max_fee_msat is not None or policy.has_budget(ws, wallet)):
        with wallet.lnbits("read") as client:
            reserve_msat = client.fee_reserve_msat(wanted.invoice.bolt11)
        _refuse_dear(wanted, reserve_msat)
    if not wanted.authorised:
        policy.authorise(ws, wallet, wanted.amount_msat)
    check(ws, wanted)  # an invoice can expire while a yes or a PIN is waited for
    with wallet.lnbits("admin") as client:
        wallet.spending_id(client)
        return _begin_and_send(ws, wallet, Lightning(ws, client), wanted, reserve_msat, wait=wait)


def pay_one_of_many(
    ws: Workspace, wallet: KnownWallet, rail: Rail, wanted: Order, fee_reserve: Callable[[str], int]
) -> models.Payment:
    """Pay an order of a batch that was asked about and authorised as a whole, over a rail that is open already.

    `fee_reserve` asks the server what a bolt11 may cost, where a budget rests on it. Raises what `pay` raises. The
    wallet's id at its server must be known.
    """
    replay = replayed(ws, wanted.reference, wanted.meaning, wanted.invoice.payment_hash)
    if replay is not None:
        return replay
    check(ws, wanted)
    if _is_internal(ws, wallet, wanted):
        reserve_msat = 0
    elif policy.has_budget(ws, wallet):
        reserve_msat = fee_reserve(wanted.invoice.bolt11)
    else:
        reserve_msat = worst_fee_msat(wanted.amount_msat)
    return _begin_and_send(ws, wallet, rail, wanted, reserve_msat, wait=True)


def _begin_and_send(
    ws: Workspace, wallet: KnownWallet, rail: Rail, wanted: Order, reserve_msat: int, *, wait: bool
) -> models.Payment:
    assert wallet.remote_id is not None
    row, begun = _begin(ws, wallet, wanted, wallet.remote_id, reserve_msat)
    if not begun:  # another process was first
        return again(ws, row)
    return send(ws, wallet, rail, row, wait=wait)


def resume(ws: Workspace, wallet: KnownWallet, rail: Rail, row: Row) -> models.Payment:
    """Go on with an entry that was journaled and whose outcome a killed process never learned.

    The provider is asked. If it has no record of it, the very same invoice is sent again under the very same entry:
    LNbits pays an invoice once however often and at once it is sent, so this can't pay twice even if the first
    request should still arrive. Raises what `send` raises.
    """
    from amani_cli.providers.http import NotSent

    found = _asked(rail, row)
    judged = judge(None, found, never_arrived=not row["answered"] and rail.never_arrived(row))
    expired = row["expires_at"] is None or from_rfc3339(row["expires_at"]).timestamp() <= time.time()
    if judged.status == "unknown" and found == ABSENT and not expired:
        ws.untold.begin(row["id"])
        try:
            answer = rail.post(row)
        except NotSent as error:
            raise open_outcome(row, f"nobody could be asked about it: {error.message}") from error
        # What was refused or never sent now says nothing about the first request.
        if answer.heard not in ("refused", "limited"):
            judged = _settle(ws, rail, row, answer, wait=True)
    row = close(ws, row, judged)
    if row["status"] == "unknown":
        raise open_outcome(row, "its outcome is still open")
    if row["status"] == "failed":
        raise _failed(row, judged, wallet)
    return receipt(row)


def replayed(ws: Workspace, reference: str | None, what: str, payment_hash: str | None = None) -> models.Payment | None:
    """The receipt of a payment that this reference or payment hash already stands for, or None if there is none.

    Raises `errors.OutcomeUnknown` while its outcome is open: it is asked about, never sent anew.
    """
    if not ws.has_store:
        return None
    row = journal.sent_for(ws.store.connection, payment_hash) if payment_hash else None
    if reference is not None and (row is not None or references.is_known(ws.store, reference)):
        with ws.store.write() as db:
            target = references.claim(db, reference, what)
            if row is not None:
                references.point(db, reference, row["id"])
            else:
                row = journal.standing(db, target)
    return None if row is None else again(ws, row)


def again(ws: Workspace, row: Row) -> models.Payment:
    """The receipt of what was sent before; an open outcome is asked about, never sent anew."""
    if row["status"] == "unknown":
        row = ask_again(ws, row)
    if row["status"] == "settled":
        return receipt(row, replayed=True)
    if row["status"] == "failed":
        raise errors.Rejected(
            f"this payment was sent before and failed: {row['failure']}",
            id=row["id"],
            hint="No money moved. Run the command again to make a new attempt.",
        )
    raise open_outcome(row, "this payment was sent before and its outcome is still open")


def _begin(ws: Workspace, wallet: KnownWallet, wanted: Order, wallet_id: str, reserve_msat: int) -> tuple[Row, bool]:
    def columns(db: Transaction) -> dict[str, object]:
        # A claim of the faucet that is open counts for the cool-down, which says until when.
        if wanted.reference is None and wanted.destination is not None and wanted.kind != "faucet":
            alike = journal.open_like(db, wallet_id, kind=wanted.kind, destination=wanted.destination)
            refuse_twin(filter(wanted.is_twin, alike), "amount to the same payee was sent")
        return {
            "amount_msat": wanted.amount_msat,
            "reserved_msat": policy.reserve(ws, db, wallet, wanted.amount_msat, reserve_msat),
            "payment_hash": wanted.invoice.payment_hash,
            "bolt11": wanted.invoice.bolt11,
            "destination": wanted.destination or wanted.invoice.payee,
            "memo": _memo(wanted),
            "success": success.to_text(wanted.success),
            "quoted": rates.to_text(wanted.quoted),
            "expires_at": to_rfc3339(wanted.invoice.expires_at),
        }

    return begin(
        ws,
        wallet,
        wallet_id,
        kind=wanted.kind,
        reference=wanted.reference,
        meaning=wanted.meaning,
        columns=columns,
        sent=lambda db: journal.sent_for(db, wanted.invoice.payment_hash),
        on_journal=wanted.on_journal,
    )


def refuse_twin(twins: Iterable[Row], what: str) -> None:
    """Refuse what looks like a retry of what is still open, where no invoice of the payee's can be paid only once.

    Raises `errors.OutcomeUnknown`.
    """
    for twin in twins:
        raise open_outcome(
            twin,
            f"the same {what} before and its outcome is still open; nothing was sent now."
            " If this is another one, give it a --reference of its own",
        )


def begin(
    ws: Workspace,
    wallet: KnownWallet,
    wallet_id: str,
    *,
    kind: str,
    reference: str | None,
    meaning: str,
    columns: Callable[[Transaction], dict[str, object]],
    sent: Callable[[Transaction], Row | None] = lambda db: None,
    on_journal: Callable[[Transaction, str], object] | None = None,
    reason: str | None = None,
) -> tuple[Row, bool]:
    """Journal a payment durably, or find (False) the attempt that another process made first.

    All in one transaction: `sent` looks for an earlier attempt, as the reference does; `columns` reserves the amount,
    or refuses, and says what is journaled.
    """
    with ws.store.write() as db:
        earlier = sent(db)
        if earlier is None and reference is not None:
            earlier = journal.standing(db, references.claim(db, reference, meaning))
        if earlier is not None:
            return earlier, False
        entry = columns(db)
        payment_id = journal.insert(
            db,
            **{**wallet.journaled, "remote_wallet_id": wallet_id},
            direction="out",
            kind=kind,
            status="unknown",
            reference=reference,
            category=ws.category,
            actor=ws.actor,
            **entry,
        )
        if reference is not None:
            references.point(db, reference, payment_id)
        if on_journal is not None:
            on_journal(db, payment_id)
        wallets.clear_cached_balance(db, wallet.id)
        ws.untold.begin(payment_id)
        audit_log.append(
            db,
            kind,
            wallet=wallet.name,
            subject=payment_id,
            amount_msat=entry.get("amount_msat"),  # type: ignore[arg-type]
            outcome="sending",
            actor=ws.actor,
            reason="; ".join(text for text in (reason, ws.reason) if text) or None,
        )
    row = journal.by_id(ws.store, payment_id)
    assert row is not None
    return row, True


def journal_outside(
    ws: Workspace,
    wanted: Order,
    source: KnownWallet,
    wallet_id: str,
    on_journal: Callable[[Transaction, str], object],
) -> tuple[Row, bool]:
    """Journal a payment out of a wallet that is not registered here (a cheque's), before it is sent; or find (False)
    the one that another process journaled first. No rule of ours holds for it: the money is not ours yet."""
    return begin(
        ws,
        source,
        wallet_id,
        kind=wanted.kind,
        reference=None,
        meaning="",
        columns=lambda db: {
            "amount_msat": wanted.amount_msat,
            "payment_hash": wanted.invoice.payment_hash,
            "bolt11": wanted.invoice.bolt11,
            "destination": wanted.invoice.payee,
            "memo": wanted.memo,
            "expires_at": to_rfc3339(wanted.invoice.expires_at),
        },
        sent=lambda db: journal.sent_for(db, wanted.invoice.payment_hash),
        on_journal=on_journal,
    )


def send(ws: Workspace, wallet: KnownWallet, rail: Rail, row: Row, *, wait: bool) -> models.Payment:
    """Send a journaled payment, once, and close its entry with what is certain."""
    from amani_cli.providers.http import NotSent

    try:
        ws.progress(f"paying from {wallet.name}")
        try:
            answer = rail.post(row)
        except NotSent as error:
            close(ws, row, Verdict("failed", None, error.message, "NOT_SENT"))
            error.id = row["id"]
            raise
        verdict = _settle(ws, rail, row, answer, wait=wait)
        row = close(ws, row, verdict, answered=answer.accepted)
    except KeyboardInterrupt:
        raise open_outcome(row, "interrupted after the payment was sent") from None
    except NotSent:
        raise
    except Exception as error:
        # Whatever it is, the payment may have gone through: say that, and keep the journal's entry open.
        text = error.message if isinstance(error, errors.AmaniError) else type(error).__name__
        raise open_outcome(row, f"the payment was sent, and then: {text}") from error
    if verdict.status == "unknown":
        raise open_outcome(row, f"the payment was sent and its outcome is open: {verdict.reason}")
    if verdict.status == "failed":
        raise _failed(row, verdict, wallet)
    return receipt(row)


def _failed(row: Row, judged: Verdict, wallet: KnownWallet) -> errors.AmaniError:
    return verdict.failure(judged, row["id"], wallet.url.split("://", 1)[-1], wallet.provider)


def _settle(ws: Workspace, rail: Rail, row: Row, answer: PayAnswer, *, wait: bool) -> Verdict:
    """Ask for the record until the outcome is certain or the time is up."""
    if answer.record is not None and answer.record.status == "settled":
        return judge(answer, answer.record)
    return until_certain(ws, lambda: judge(answer, _asked(rail, row)), wait=wait)


def until_certain(ws: Workspace, look: Callable[[], Verdict], *, wait: bool = True) -> Verdict:
    """Look again, ever more slowly, until the verdict is certain or the time is up; once, if `wait` is off."""
    ends = max(ws.deadline, time.monotonic() + LAST_LOOK_S)
    pause = 0.3
    while True:
        verdict = look()
        if verdict.status != "unknown" or not wait or time.monotonic() + pause > ends:
            return verdict
        ws.progress("asking what became of the payment")
        time.sleep(pause)
        pause = min(pause * 1.6, 3.0)


def _asked(rail: Rail, row: Row) -> Found:
    try:
        return rail.find(row)
    except errors.AmaniError:
        return NOT_ASKED


def find(client: Lnbits, payment_hash: str, wallet_id: str | None, *, incoming: bool = False) -> Found:
    """A wallet's own record of a payment, for the judge; somebody else's record of the same hash says nothing."""
    try:
        return _look_up(client, payment_hash, wallet_id, incoming)
    except errors.AmaniError:
        return NOT_ASKED


def _look_up(client: Lnbits, payment_hash: str, wallet_id: str | None, incoming: bool) -> Found:
    record = client.record(payment_hash)
    if record is None:
        return ABSENT
    mine = wallet_id in (None, record.wallet_id) and (record.amount_msat > 0) == incoming
    return record if mine else NOT_ASKED


def ask_again(ws: Workspace, row: Row) -> Row:
    """Ask the provider what became of an open payment, and close its entry if that is certain. Sends nothing."""
    wallet = _wallet_of(ws, row)
    if wallet is None and row["wallet_id"] == journal.OUTSIDE:
        ws.warn(f"{row['id']} left a cheque, whose key is in its code alone: claim it again to ask about it")
        return row
    if wallet is None:
        ws.warn(f"wallet '{row['wallet']}' is not known here any more, so {row['id']} can't be asked about")
        return row
    try:
        with _rail(ws, wallet) as rail:
            return ask_rail(ws, rail, row)
    except errors.AmaniError as error:
        ws.warn(f"{row['id']}: {error.message}")
        return row


def look_up(ws: Workspace, row: Row) -> Found:
    """The provider's record of an entry, as it stands; changes nothing. Raises what looking raises."""
    wallet = _wallet_of(ws, row)
    if wallet is None:
        raise errors.NotFound(f"wallet '{row['wallet']}' is not known here any more")
    with _rail(ws, wallet) as rail:
        return rail.find(row)


def ask_rail(ws: Workspace, rail: Rail, row: Row) -> Row:
    """Ask an open rail what became of a payment, and close its entry if that is certain. Raises what looking raises."""
    found = rail.find(row)
    never_arrived = found == ABSENT and not row["answered"] and rail.never_arrived(row)
    return close(ws, row, judge(None, found, never_arrived=never_arrived))


def _is_long_over(row: Row) -> bool:
    long_ago = time.time() - PROOF_OF_ABSENCE_S
    sent = from_rfc3339(row["created_at"]).timestamp()
    expires = from_rfc3339(row["expires_at"]).timestamp() if row["expires_at"] else None
    return expires is not None and expires < long_ago and sent < long_ago


def _is_key_of(client: Lnbits, wallet_id: str) -> bool:
    """Whether the client's key is this wallet's: the key of another one finds no record either, and proves nothing.

    An invoice key is not told its wallet's id, but each of the wallet's records bears it.
    """
    told = client.wallet().id
    return told == wallet_id if told else any(each.wallet_id == wallet_id for each in client.records()[0])


def _wallet_of(ws: Workspace, row: Row) -> KnownWallet | None:
    if row["wallet_id"] == journal.OUTSIDE:
        from amani_cli.cheque_claims import source_of

        return source_of(ws, row)
    known = [*wallets.registered(ws), *wallets.in_environment(ws)]
    for wallet in known:
        if wallet.id == row["wallet_id"] and wallet.remote_id in (None, row["remote_wallet_id"]):
            return wallet
    # Removed and added again, it has another number here and the same id at its server.
    same = [wallet for wallet in known if wallet.remote_id is not None and wallet.remote_id == row["remote_wallet_id"]]
    return same[0] if same else None


def close(ws: Workspace, row: Row, verdict: Verdict, *, answered: bool = False) -> Row:
    """Write a verdict into the journal: amounts and fee as the provider's record says, the reservation ended.

    `answered` says that the provider took the request: that it never arrived is never concluded then.

    An entry that somebody else has closed meanwhile is left as it is, unless a settled record overrules a failure.
    Returns the entry as it stands.
    """
    with ws.store.write() as db:
        current = db.execute("SELECT status FROM payment WHERE id=?", (row["id"],)).fetchone()
        # A settled record is proof, even against a "failed" that another process took from a worse view of it.
        overruled = current["status"] == "failed" and verdict.status == "settled"
        if current["status"] == "unknown" or overruled:
            _write_verdict(db, row, verdict, ws.actor)
            if answered and verdict.status == "unknown":
                journal.update(db, row["id"], answered=1)
    fresh = journal.by_id(ws.store, row["id"])
    assert fresh is not None
    if fresh["status"] == "failed":
        ws.untold.told(row["id"])
    if fresh["status"] != "unknown" and row["wallet_id"] == journal.OUTSIDE:
        from amani_cli.cheque_claims import forget_key

        forget_key(ws, row)
    return fresh


def _write_verdict(db: Transaction, row: Row, verdict: Verdict, actor: str | None) -> None:
    record = verdict.record
    if verdict.status == "unknown":
        journal.update(db, row["id"], checked_at=now())
        return
    columns: dict[str, object] = {"status": verdict.status, "reserved_msat": 0, "checked_at": now()}
    if verdict.status == "settled":
        assert record is not None
        columns |= {"failure": None, **settled_columns(record)}
    else:
        columns["failure"] = verdict.reason or "failed"
        rules.drop_events_for(db, row["id"])
    journal.update(db, row["id"], **columns)
    wallets.clear_cached_balance(db, row["wallet_id"])
    audit_log.append(
        db,
        row["kind"],
        wallet=row["wallet"],
        subject=row["id"],
        amount_msat=row["amount_msat"],
        outcome=verdict.status,
        reason=verdict.reason or None,
        actor=actor,
    )


def settled_columns(record: Record | FiatRecord) -> dict[str, object]:
    """What the journal keeps of a settled record."""
    if isinstance(record, FiatRecord):
        told = {
            "fee": record.fee,
            "received": record.received,
            "received_currency": record.received_currency,
            "provider_reference": record.provider_reference,
        }
        columns = {name: str(value) for name, value in told.items() if value is not None}
        return {**columns, "settled_at": record.settled_at or now()}
    return {
        "amount_msat": abs(record.amount_msat),
        "fee_msat": record.fee_msat,
        "preimage": record.preimage,
        "settled_at": record.settled_at or now(),
    }


def open_outcome(row: Row, message: str) -> errors.OutcomeUnknown:
    """The error for an entry whose outcome is not certain."""
    return errors.OutcomeUnknown(
        f"{message} ({row['id']})",
        id=row["id"],
        hint=f"Do not pay it again by other means. Ask what became of it: amani reconcile {row['id']}",
    )


def worst_fee_msat(amount_msat: int) -> int:
    """What may be due for a payment that leaves the server: LNbits' own default of max(2 sat, 1 %)."""
    return max(2000, -(-amount_msat // 100))


def spendable_msat(balance_msat: int, keep_msat: int = 0) -> int:
    """The largest whole number of sat that can leave and still keep `keep_msat` and the worst-case fee; 0 if none.

    By LNbits' own default for the fee reserve, max(2 sat, 1 %): A + max(2000, A/100) <= balance - keep.
    """
    free = balance_msat - keep_msat
    return max(0, min(free - 2000, free * 100 // 101) // 1000 * 1000)


def _memo(wanted: Order) -> str:
    return wanted.memo or wanted.description or wanted.invoice.description or ""


def _is_internal(ws: Workspace, wallet: KnownWallet, wanted: Order) -> bool:
    """Whether one of our own wallets on the same server asked for this: then no fee is due."""
    return wanted.internal or (ws.has_store and is_own_invoice(ws, wallet, wanted.invoice.payment_hash))


def is_own_invoice(ws: Workspace, wallet: KnownWallet, payment_hash: str) -> bool:
    """Whether one of our wallets on this wallet's server made the invoice."""
    return (
        ws.store.one(
            "SELECT 1 FROM invoice JOIN wallet ON wallet.id=invoice.wallet_id WHERE payment_hash=? AND url=?",
            payment_hash,
            wallet.url,
        )
        is not None
    )


def _refuse_dear(wanted: Order, max_fee_msat: int) -> None:
    if wanted.max_fee_msat is not None and max_fee_msat > wanted.max_fee_msat:
        raise errors.RefusedByPolicy(
            f"the fee may reach {max_fee_msat} msat, more than the {wanted.max_fee_msat} msat you allow",
            code="MAX_FEE",
            hint="LNbits takes no fee limit, so amani refuses. Raise --max-fee, or have it paid inside one server.",
        )


def _refuse_poor(planned: models.Plan) -> None:
    if planned.balance_msat < planned.amount_msat:
        raise errors.InsufficientFunds(
            f"wallet '{planned.wallet}' holds {planned.balance_msat} msat, less than {planned.amount_msat} msat to pay",
            hint="Top it up, or choose another wallet with --wallet.",
        )


def receipt(row: Row | Entry, *, replayed: bool = False) -> models.Payment:
    """A journal entry as it is shown."""
    currency = row["currency"]
    return models.Payment(
        id=row["id"],
        wallet=row["wallet"],
        direction=row["direction"],
        kind=row["kind"],
        status=row["status"],
        payment_hash=row["payment_hash"],
        preimage=row["preimage"],
        destination=row["destination"],
        memo=row["memo"],
        reference=row["reference"],
        created_at=row["created_at"],
        settled_at=row["settled_at"],
        replayed=replayed,
        amount_msat=row["amount_msat"],
        fee_msat=row["fee_msat"],
        amount=_money(row["amount"], currency),
        fee=_money(row["fee"], currency),
        received=_money(row["received"], row["received_currency"]),
        our_reference=row["our_reference"],
        provider_reference=row["provider_reference"],
        failure=row["failure"],
        category=row["category"],
        actor=row["actor"],
        sandbox=bool(row["sandbox"]),
        success=success.from_text(row["success"], row["preimage"]) if row["status"] == "settled" else None,
        quoted=rates.from_text(row["quoted"]),
    )


def _money(value: str | None, currency: str | None) -> models.Money | None:
    from decimal import Decimal

    from amani_cli.amounts import padded

    return None if value is None or currency is None else models.Money(padded(Decimal(value), currency), currency)
