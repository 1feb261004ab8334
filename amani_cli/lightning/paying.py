"""Paying by Lightning: an order is read, checked and asked about; every way out of such a wallet goes through `pay`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from amani_cli import clocks, errors
from amani_cli.encodings import bolt11
from amani_cli.lightning import resends
from amani_cli.lightning.fees import worst_fee_msat
from amani_cli.models.money import Quoted
from amani_cli.models.payments import Payment, Plan, SuccessAction
from amani_cli.payees import canonical
from amani_cli.payments import earlier, engine, just_paid, lightning_rail, receipts, success_action
from amani_cli.payments import rail as payments_rail
from amani_cli.rules import approval, budgets, held, rulebook
from amani_cli.store import invoices as store_invoices
from amani_cli.store import journal, references
from amani_cli.store.entries import Entry, NewEntry
from amani_cli.store.rows import Transaction
from amani_cli.times import local, to_rfc3339
from amani_cli.wallets import clients, known, rates, servers
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


@dataclass(frozen=True)
class Order:
    """One thing to pay: which invoice, as what, under which reference, at most for what fee.

    `what` says what the reference stands for where the invoice does not: a retry may meet another one. `domain`,
    `description` and `comment` are for the question, `success` is what the payee wants shown once paid, `quoted`
    the fiat amount that was meant, `seen` what there is to pin of a `contact`.
    `on_journal` is called in the transaction that journals it, with the entry's id: it may refuse, and what it writes
    is there exactly if the payment is. `authorised` says that the PIN was given for something larger that this is a
    part of; `internal` that the payee is on the same server, so that no fee is due.
    `still_good` is called once the yes and the PIN were given, before anything is journaled: it raises when what was
    agreed to holds no longer.
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
    success: SuccessAction | None = None
    quoted: Quoted | None = None
    contact: str | None = None
    seen: dict[str, str] | None = None
    on_journal: Callable[[Transaction, str], object] | None = None
    internal: bool = False
    authorised: bool = False
    still_good: Callable[[], object] | None = None

    @property
    def amount_msat(self) -> int:
        """What the invoice asks for, in msat."""
        assert self.invoice.amount_msat is not None
        return self.invoice.amount_msat

    @property
    def payee(self) -> str:
        """The one text of who is paid: the address, or the node that an invoice is of."""
        return canonical.of_lightning(self.destination or self.invoice.payee or "")

    def is_twin(self, row: Entry) -> bool:
        """Whether an entry is for the same payee, over as much: in sat, or in the fiat that was meant, whatever it was
        worth then."""
        if canonical.of_lightning(row.destination or "") != canonical.of_lightning(self.destination or ""):
            return False
        quoted = rates.from_text(row.quoted)
        as_meant = quoted is not None and self.quoted is not None and quoted[:2] == self.quoted[:2]
        return as_meant or row.amount_msat == self.amount_msat

    @property
    def meaning(self) -> str:
        """What a reference for this order stands for: this very invoice, unless `what` says it otherwise."""
        return self.what or f"{self.kind} {self.invoice.payment_hash}"


def read_invoice(text: str, amount_msat: int | None) -> bolt11.Invoice:
    """Read a bolt11, offline. Raises `errors.Usage` for one over another amount than was said."""
    invoice = bolt11.decode_invoice(text)
    if amount_msat is not None and invoice.amount_msat is not None and invoice.amount_msat != amount_msat:
        raise errors.Usage(
            f"the invoice asks for {invoice.amount_msat} msat, not {amount_msat} msat",
            code="AMOUNT_DIFFERS",
            hint="Leave the amount out, or ask for an invoice over the right one.",
        )
    return invoice


def check(ws: Workspace, wanted: Order, url: str | None = None) -> None:
    """Refuse, offline, what can't be paid: no amount, another network, expired.

    With `url` the server there is asked for the time before it is said to have expired: our clock may be ahead.
    """
    invoice = wanted.invoice
    if invoice.amount_msat is None or invoice.amount_msat <= 0:
        raise errors.Usage(
            "this invoice leaves the amount open, and LNbits can't pay such invoices",
            code="AMOUNTLESS",
            hint="Ask the payee for an invoice over the amount.",
        )
    network = rulebook.value(ws, "network")
    if invoice.network != network:
        raise errors.Usage(
            f"this is a {invoice.network} invoice; this amani pays on {network}",
            code="WRONG_NETWORK",
            hint=f"If that is what you want: amani config set network {invoice.network}",
        )
    if url is not None and wanted.invoice.is_expired(clocks.sharp(url)):
        with suppress(errors.AmaniError):
            clients.hear_time(ws, url)
    _refuse_expired(wanted, clocks.wall() if url is None else clocks.sharp(url))


def _refuse_expired(wanted: Order, moment: float) -> None:
    if wanted.invoice.is_expired(moment):
        raise errors.Rejected(
            f"this invoice expired at {local(wanted.invoice.expires_at)}",
            code="INVOICE_EXPIRED",
            hint="Ask the payee for a new one. LNbits would not check this itself.",
        )


def plan(ws: Workspace, wallet: KnownWallet, wanted: Order) -> Plan:
    """What paying would do: worst-case fee by the server's reserve, and what would be left. Sends no payment."""
    check(ws, wanted, wallet.url)
    internal = _is_internal(ws, wallet, wanted)
    with wallet.lnbits("read") as client:
        balance_msat = client.wallet().balance_msat
        max_fee_msat = 0 if internal else client.fee_reserve_msat(wanted.invoice.bolt11)
    _refuse_expired(wanted, clocks.best(wallet.url))  # our own clock may be behind
    _refuse_dear(wanted, max_fee_msat)
    left = balance_msat - wanted.amount_msat - max_fee_msat
    return Plan(
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
    confirm: Callable[[Plan], None] | None,
    wait: bool = True,
) -> Payment:
    """Pay an invoice once, and return its receipt; the same invoice or reference again returns the same receipt.

    `confirm` is shown the plan and raises to stop; None when a yes was given beforehand. Raises
    `errors.OutcomeUnknown` (money maybe moved), or a failure that proves none did. The POST is never repeated within a
    run; what never arrived in an earlier one is gone on with, see `resume`.
    """

    def go_on(row: Entry) -> Payment:
        return resume(ws, wallet, row, confirm=confirm, max_fee_msat=wanted.max_fee_msat, wait=wait)

    _expect(ws, wallet, wanted)
    replay = earlier.replayed(ws, wanted.reference, wanted.meaning, wanted.invoice.payment_hash, go_on=go_on)
    if replay is not None:
        return replay
    wallet.must_be("lnbits")
    check(ws, wanted, wallet.url)
    known.identify(wallet)
    servers.refuse_shared(wallet)
    servers.warn_of_version(wallet)
    internal = _is_internal(ws, wallet, wanted)
    reserve_msat = 0 if internal else worst_fee_msat(wanted.amount_msat)
    if not wanted.authorised:
        budgets.check(ws, wallet, wanted.amount_msat, reserve_msat)
        held.refuse_unread(ws, wanted.reference)
    if wanted.reference is None and wanted.destination is not None and wanted.kind in ("pay", "transfer"):
        just_paid.point_out(ws, wallet.remote_id, wanted.kind, wanted.is_twin)
    if confirm is not None:
        planned = plan(ws, wallet, wanted)
        reserve_msat = planned.max_fee_msat
        _refuse_poor(planned)
        confirm(planned)
    elif not internal and (wanted.max_fee_msat is not None or budgets.has_budget(ws, wallet)):
        with wallet.lnbits("read") as client:
            reserve_msat = client.fee_reserve_msat(wanted.invoice.bolt11)
        _refuse_dear(wanted, reserve_msat)
    if not wanted.authorised:
        approval.authorise(ws, wallet, wanted.amount_msat)
    check(ws, wanted, wallet.url)  # an invoice can expire while a person thinks, and a price move
    if wanted.still_good is not None:
        wanted.still_good()
    with wallet.lnbits("admin") as client:
        wallet.spending_id(client)
        return _begin_and_send(ws, wallet, lightning_rail.Lightning(ws, client), wanted, reserve_msat, wait=wait)


def _expect(ws: Workspace, wallet: KnownWallet, wanted: Order) -> None:
    """Have the ledger asked in one go for what a payment looks at first."""
    if ws.has_store:
        budgets.expect(ws, wallet)
        store_invoices.expect_made_at(ws.store, wallet.url, wanted.invoice.payment_hash)


def point_out_open(ws: Workspace, wanted: Order) -> None:
    """Say so if an earlier attempt of an order is open: paying would not begin another."""
    if not ws.has_store:
        return
    row = journal.sent_for(ws.store, wanted.invoice.payment_hash)
    if row is None and wanted.reference is not None:
        row = references.targets(ws.store, {wanted.reference: wanted.meaning}, Entry).get(wanted.reference)
    if row is not None and row.status == "unknown":
        ws.talk.warn(
            f"this was sent before and its outcome is open ({row.id}): paying would go on with that, by its invoice"
        )


def resume(
    ws: Workspace,
    wallet: KnownWallet,
    row: Entry,
    *,
    confirm: Callable[[Plan], None] | None,
    max_fee_msat: int | None = None,
    wait: bool = True,
) -> Payment:
    """Go on with an open payment out of `wallet` that never arrived, by its own invoice; asks and rules as `pay` does.

    What it may cost is reserved already. Raises what `resends.go_on` and `pay` raise.
    """
    if row.direction != "out" or row.bolt11 is None:
        raise receipts.open_outcome(row, "this payment is open, and only one by Lightning can go on")
    wanted = Order(
        bolt11.decode_invoice(row.bolt11),
        kind=row.kind,
        memo=row.memo or "",
        destination=row.destination,
        max_fee_msat=max_fee_msat,
        internal=row.reserved_msat == row.amount_msat,
    )

    def agree() -> None:
        if wallet.id != journal.OUTSIDE:  # out of a cheque no rule of ours holds
            budgets.check_again(ws, wallet, wanted.amount_msat)
        if confirm is not None:
            planned = plan(ws, wallet, wanted)
            if planned.balance_msat < planned.amount_msat:
                raise receipts.open_outcome(row, f"wallet '{wallet.name}' holds {planned.balance_msat} msat by now")
            confirm(planned)
        elif max_fee_msat is not None:
            _refuse_dear(wanted, max(0, row.reserved_msat - wanted.amount_msat))
        if wallet.id != journal.OUTSIDE:
            approval.authorise(ws, wallet, wanted.amount_msat)
        client.line.deadline = ws.deadline

    try:
        known.identify(wallet)
        client = wallet.lnbits("admin")
    except errors.AmaniError as error:
        raise receipts.open_outcome(row, f"this payment is open, and can't go on: {error.message}") from error
    with client:
        return resends.go_on(ws, wallet, lightning_rail.Lightning(ws, client), row, agree=agree, wait=wait)


def pay_one_of_many(
    ws: Workspace, wallet: KnownWallet, rail: payments_rail.Rail, wanted: Order, fee_reserve: Callable[[str], int]
) -> Payment:
    """Pay an order of a batch that was asked about and authorised as a whole, over a rail that is open already.

    The caller has looked for an earlier attempt; one that is begun meanwhile is found when this one is journaled.
    `fee_reserve` asks the server what a bolt11 may cost, where a budget rests on it. Raises what `pay` raises. The
    wallet's id at its server must be known.
    """
    check(ws, wanted)
    if _is_internal(ws, wallet, wanted):
        reserve_msat = 0
    elif budgets.has_budget(ws, wallet):
        reserve_msat = fee_reserve(wanted.invoice.bolt11)
    else:
        reserve_msat = worst_fee_msat(wanted.amount_msat)
    return _begin_and_send(ws, wallet, rail, wanted, reserve_msat, wait=True)


def _begin_and_send(
    ws: Workspace, wallet: KnownWallet, rail: payments_rail.Rail, wanted: Order, reserve_msat: int, *, wait: bool
) -> Payment:
    assert wallet.remote_id is not None
    row, begun = _begin(ws, wallet, wanted, wallet.remote_id, reserve_msat)
    if not begun:  # another process was first
        return earlier.again(ws, row)
    return engine.send(ws, wallet, rail, row, wait=wait)


def _begin(ws: Workspace, wallet: KnownWallet, wanted: Order, wallet_id: str, reserve_msat: int) -> tuple[Entry, bool]:
    def fill(db: Transaction, entry: NewEntry) -> NewEntry:
        # A claim of the faucet that is open counts for the cool-down, which says until when.
        if wanted.reference is None and wanted.destination is not None and wanted.kind != "faucet":
            alike = journal.open_like(db, wanted.kind)
            engine.refuse_twin(filter(wanted.is_twin, alike), "amount to the same payee was sent")
        reserved_msat = budgets.reserve(ws, db, wallet, wanted.amount_msat, reserve_msat, wanted.payee)
        return _asked_by(wanted, entry)._replace(reserved_msat=reserved_msat)

    budgets.expect(ws, wallet)
    journal.expect_sent(ws.store, wanted.invoice.payment_hash)
    return engine.begin(
        ws,
        wallet,
        wallet_id,
        engine.Purpose(wanted.kind, wanted.reference, wanted.meaning),
        fill=fill,
        sent=lambda db: journal.sent_for(db, wanted.invoice.payment_hash),
        on_journal=wanted.on_journal,
    )


def _asked_by(wanted: Order, entry: NewEntry) -> NewEntry:
    """The entry of an order, with what its invoice asks for."""
    return entry._replace(
        amount_msat=wanted.amount_msat,
        payment_hash=wanted.invoice.payment_hash,
        bolt11=wanted.invoice.bolt11,
        destination=wanted.destination or wanted.invoice.payee,
        memo=_memo(wanted),
        success=success_action.to_text(wanted.success),
        quoted=rates.to_text(wanted.quoted),
        expires_at=to_rfc3339(wanted.invoice.expires_at),
    )


def journal_outside(
    ws: Workspace,
    wanted: Order,
    source: KnownWallet,
    wallet_id: str,
    on_journal: Callable[[Transaction, str], object],
) -> tuple[Entry, bool]:
    """Journal a payment out of a wallet that is not registered here (a cheque's), before it is sent; or find (False)
    the one that another process journaled first. No rule of ours holds for it: the money is not ours yet."""
    return engine.begin(
        ws,
        source,
        wallet_id,
        engine.Purpose(wanted.kind),
        fill=lambda db, entry: _asked_by(wanted, entry),
        sent=lambda db: journal.sent_for(db, wanted.invoice.payment_hash),
        on_journal=on_journal,
    )


def _memo(wanted: Order) -> str:
    return wanted.memo or wanted.description or wanted.invoice.description or ""


def _is_internal(ws: Workspace, wallet: KnownWallet, wanted: Order) -> bool:
    """Whether one of our own wallets on the same server asked for this: then no fee is due."""
    return wanted.internal or (ws.has_store and is_own_invoice(ws, wallet, wanted.invoice.payment_hash))


def is_own_invoice(ws: Workspace, wallet: KnownWallet, payment_hash: str) -> bool:
    """Whether one of our wallets on this wallet's server made the invoice."""
    return store_invoices.is_made_at(ws.store, wallet.url, payment_hash)


def _refuse_dear(wanted: Order, max_fee_msat: int) -> None:
    if wanted.max_fee_msat is not None and max_fee_msat > wanted.max_fee_msat:
        raise errors.RefusedByPolicy(
            f"the fee may reach {max_fee_msat} msat, more than the {wanted.max_fee_msat} msat you allow",
            code="MAX_FEE",
            hint="LNbits takes no fee limit, so amani refuses. Raise --max-fee, or have it paid inside one server.",
        )


def _refuse_poor(planned: Plan) -> None:
    if planned.balance_msat < planned.amount_msat:
        raise errors.InsufficientFunds(
            f"wallet '{planned.wallet}' holds {planned.balance_msat} msat, less than {planned.amount_msat} msat to pay",
            hint="Top it up, or choose another wallet with --wallet.",
        )
