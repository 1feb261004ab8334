"""Taking the funds of a cheque: by whoever claims it, and by the giver who takes it back. One way, journaled first.

The cheque's wallet pays an invoice of ours, in full. The server decides who was first; what arrived is judged by our
own wallet's record, never by the word of the server that a code names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from amani_cli import clocks, errors
from amani_cli.invoices import lightning
from amani_cli.lightning import fees, resends
from amani_cli.payments import engine, receipts
from amani_cli.payments.cheque_rail import Draw
from amani_cli.payments.verdict import Verdict
from amani_cli.providers.base import Record
from amani_cli.store import cheques
from amani_cli.store.entries import Entry
from amani_cli.times import from_rfc3339, to_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits


class Named(NamedTuple):
    """A cheque by its server and its wallet there: any server may say that its wallet has this id."""

    url: str
    id: str

    def __str__(self) -> str:
        """How the journal names what money came from."""
        return cheques.destination_of(self.url, self.id)


def only_of(cheque: Lnbits, named: Named) -> Lnbits:
    """Have a cheque's client, with its Admin key, raise `errors.Unreachable` for an answer about another wallet.

    A line that mixed answers up would have money stay behind, or call it claimed. By an Invoice key's answer nobody can
    tell whose it is.
    """

    def must_match(told: str | None) -> None:
        if told not in (None, named.id):
            raise errors.Unreachable(
                f"{named.url} answered about another wallet than the cheque's",
                code="ODD_ANSWER",
                hint="Run the same command again: nothing was concluded from that.",
            )

    cheque.must_match = must_match
    return cheque


def earlier(ws: Workspace, target: KnownWallet, named: Named, *, face_msat: int | None = None) -> Entry | None:
    """The draw on this cheque by this wallet that settled, or may have.

    With `face_msat` it may be from before cheques were named by their server too, and then tells by its amount, which
    is the face less a fee reserve at most.
    """
    before = None
    if face_msat is not None:
        before = (f"cheque {named.id}", face_msat - fees.worst_fee_msat(face_msat) - 1000, face_msat)
    rows = cheques.draws(ws.store, target.remote_id, str(named), before)
    return rows[0] if rows else None


def draw(
    ws: Workspace, target: KnownWallet, cheque: Lnbits, named: Named, amount_msat: int, *, kind: str, memo: str
) -> tuple[Entry, Verdict]:
    """Have a cheque's wallet pay a fresh invoice of `target`, journaled first: the entry as it stands, and the verdict.

    Raises `errors.OutcomeUnknown` while it is open, and `NotSent` when nothing left.
    """
    made = lightning.create_own(ws, target, amount_msat, memo, purpose=kind)
    if target.remote_id is None:  # its records would tell, and there is none of the invoice just made
        raise errors.Unreachable(
            f"{target.url} does not tell which wallet '{target.name}' is; nothing was sent",
            code="ODD_ANSWER",
            hint="Claim it into a wallet that is known by its Admin key.",
        )
    # What is needed to see the money arrive is opened first: once it is sent, a key that fails to load must not matter.
    with target.lnbits("read") as own:
        row, _ = engine.begin(
            ws,
            target,
            target.remote_id,
            engine.Purpose(kind),
            fill=lambda db, entry: entry._replace(
                direction="in",
                amount_msat=amount_msat,
                payment_hash=made.payment_hash,
                bolt11=made.bolt11,
                destination=str(named),
                memo=memo,
                expires_at=to_rfc3339(made.expires_at),
            ),
        )
        return _deliver(ws, Draw(ws, own, cheque, named.id), row)


def can_go_on(row: Entry) -> bool:
    """Whether a draw that was begun before may be sent (again): the same invoice, which pays once at most."""
    return row.expires_at is not None and from_rfc3339(row.expires_at).timestamp() > clocks.wall() + 5


def go_on(ws: Workspace, target: KnownWallet, cheque: Lnbits, named: Named, row: Entry) -> tuple[Entry, Verdict]:
    """The same for a draw that may have been sent before, by its own invoice: its server must pay a hash once."""
    resends.refuse_unproven(cheque, row)
    with target.lnbits("read") as own:
        ws.talk.untold.begin(row.id)
        return _deliver(ws, Draw(ws, own, cheque, named.id, resumed=True), row)


def _deliver(ws: Workspace, rail: Draw, row: Entry) -> tuple[Entry, Verdict]:
    told = engine.Told("drawing the cheque", "interrupted while the cheque was drawn", "the cheque was drawn")
    row, verdict = engine.deliver(ws, rail, row, told)
    if row.status == "unknown":
        raise receipts.open_outcome(row, "the cheque was drawn and the outcome is open")
    return row, verdict


def payments_out(cheque: Lnbits) -> list[Record]:
    """What left a cheque's wallet, or is about to.

    LNbits asks its node about a pending payment when that very payment is asked for, and not when it lists them: after
    a line was lost the list says "pending" for up to half an hour.
    """
    records, _ = cheque.records()
    for each in records:
        if cheque.must_match is not None:
            cheque.must_match(each.wallet_id)
    out = [each for each in records if each.amount_msat < 0]
    return [(cheque.record(each.payment_hash) or each) if each.status == "pending" else each for each in out]


def refused(verdict: Verdict, entry: str) -> errors.AmaniError:
    """Why a cheque could not be drawn: claimed before, taken back, or the server's own reason."""
    if verdict.code == "INSUFFICIENT_FUNDS":
        return taken(entry)
    if verdict.code in ("KEY_REFUSED", "INVOICE_KEY"):
        return voided()
    if verdict.code == "RATE_LIMITED":
        return errors.Unreachable(
            "the cheque's server takes no more requests for now (429)",
            code="RATE_LIMITED",
            hint="Try again in a minute.",
        )
    return errors.Rejected(f"the cheque could not be drawn: {verdict.reason}", id=entry)


def taken(entry: str | None = None) -> errors.Rejected:
    """The error for a cheque that is empty: somebody was first."""
    return errors.Rejected(
        "this cheque has been claimed already",
        code="CHEQUE_CLAIMED",
        retry="never",
        id=entry,
        hint="Whoever claims it first has it. Nothing came.",
    )


def unreserved(entry: str) -> errors.Rejected:
    """The error for a cheque that holds its money, and can't pay the fee that its server keeps back beside."""
    return errors.Rejected(
        "what its server keeps back for the fee is more than this cheque holds beside that amount; nothing was paid",
        code="NO_RESERVE",
        id=entry,
        hint="The money is still in it: claim it into a wallet at its own server, or for less.",
    )


def voided() -> errors.Rejected:
    """The error for a cheque whose key its server does not know any more."""
    return errors.Rejected(
        "this cheque is void: its giver took it back or gave it a new code",
        code="CHEQUE_VOID",
        retry="never",
        hint="Ask whoever gave it to you. Nothing came.",
    )
