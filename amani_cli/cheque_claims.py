"""Claiming a cheque: on any machine, by its code alone; whoever is first has it, in full."""

from __future__ import annotations

import time

from amani_cli import bolt11, cheque_code, cheques, draws, errors, keys, models, payments, verdict
from amani_cli.cheque_code import ChequeCode
from amani_cli.providers.base import PayAnswer
from amani_cli.providers.lnbits import Lnbits
from amani_cli.store import Row
from amani_cli.store import payments as journal
from amani_cli.times import to_rfc3339
from amani_cli.verdict import Verdict
from amani_cli.wallets import KnownWallet, identify, lnbits_client
from amani_cli.workspace import Workspace


def read(ws: Workspace, text: str) -> ChequeCode:
    """Read a code and refuse what can't be claimed, offline: damaged, another network, expired."""
    from amani_cli.providers.http import clean_url

    code = cheque_code.decode(text)
    keys.SEEN.update((code.admin_key, "".join(text.split())))
    network = ws.config.get("network")
    if code.network != network:
        raise errors.Usage(
            f"this is a {code.network} cheque; this amani works on {network}", code="WRONG_NETWORK", hint="amani config"
        )
    clean_url(code.url)  # plain http off this machine would show the key to the line
    if code.expires_at <= time.time():
        raise errors.Rejected(
            f"this cheque expired at {to_rfc3339(code.expires_at)}",
            code="CHEQUE_EXPIRED",
            retry="never",
            hint="Ask whoever gave it to you for another.",
        )
    return code


def claim(ws: Workspace, text: str, target: KnownWallet) -> models.Payment:
    """Claim a cheque into a wallet, in full. Claiming it again from the same wallet returns the receipt.

    Raises `errors.Rejected` for one that is expired, void or claimed, `errors.RefusedByPolicy` for one's own, and
    `errors.OutcomeUnknown` when the answer was lost: the same command again goes on, by the same invoice.
    """
    code = read(ws, text)
    identify(target)
    if code.origin == cheque_code.origin_of(target.identity):
        raise errors.RefusedByPolicy(
            f"this cheque was written from '{target.name}' itself",
            code="OWN_CHEQUE",
            hint="Take it back with 'amani cheque void', or claim it into another wallet.",
        )
    row = draws.earlier(ws, target, code.wallet_id)
    if row is not None and row["status"] == "unknown":
        row = payments.ask_again(ws, row)
    if row is not None and row["status"] == "settled":
        return payments.receipt(row, replayed=True)
    with lnbits_client(ws, code.url, code.admin_key) as cheque:
        if row is None or row["status"] == "failed" or not draws.can_go_on(row):
            amount_msat = _claimable(ws, cheque, code, outside=target.url != code.url)
            row = draws.begin(ws, target, code.wallet_id, amount_msat, kind="cheque", memo="cheque claimed")
        row, answer = draws.finish(ws, target, cheque, code.wallet_id, row)
    if row["status"] == "failed":
        raise draws.refused(answer, row["id"])
    _tell_giver(ws, code, row)
    return payments.receipt(row)


def claim_to(ws: Workspace, text: str, destination: str) -> models.Payment:
    """Have a cheque pay a bolt11 of somebody's; it must ask for exactly what the cheque can pay.

    The journal keeps the payment; while it is open, the same command again asks what became of it, since the key is
    in the code and is not kept here.
    """
    code = read(ws, text)
    order = payments.Order(bolt11.decode_invoice(destination), kind="cheque", memo="cheque claimed for another")
    payments.check(ws, order)
    with lnbits_client(ws, code.url, code.admin_key) as cheque:
        row = journal.sent_for(ws.store.connection, order.invoice.payment_hash)
        if row is None:
            amount_msat = _claimable(ws, cheque, code, outside=True)
            if order.amount_msat not in (amount_msat, code.amount_msat):
                raise errors.Usage(
                    f"the invoice must ask for exactly {amount_msat} msat: a cheque is claimed in full",
                    code="AMOUNT_DIFFERS",
                    hint="Ask for an invoice over that amount.",
                )
            row = payments.journal_outside(ws, order, code.wallet_id, draws.destination_of(code.wallet_id))
            answer: PayAnswer | None = cheque.pay(row["bolt11"], row["payment_hash"], code.wallet_id)
        else:
            answer = None
        if row["status"] == "unknown":
            row = payments.close(ws, row, _outcome(ws, cheque, code, row, answer))
    if row["status"] == "unknown":
        raise payments.open_outcome(row, "the cheque was drawn and the outcome is open")
    if row["status"] == "failed":
        raise draws.refused(answer or PayAnswer("failed", None, str(row["failure"])), row["id"])
    return payments.receipt(row, replayed=answer is None)


def _outcome(ws: Workspace, cheque: Lnbits, code: ChequeCode, row: Row, answer: PayAnswer | None) -> Verdict:
    ends = max(ws.deadline, time.monotonic() + payments.LAST_LOOK_S)
    pause = 0.3
    while True:
        found = (
            answer.record if answer and answer.record else payments.find(cheque, row["payment_hash"], code.wallet_id)
        )
        judged = verdict.judge(answer, found)
        if judged.status != "unknown" or time.monotonic() + pause > ends:
            return judged
        time.sleep(pause)
        pause = min(pause * 1.6, 3.0)
        answer = answer and PayAnswer(answer.heard, None, answer.reason, answer.code)


def _claimable(ws: Workspace, cheque: Lnbits, code: ChequeCode, *, outside: bool) -> int:
    """What can be drawn now: the face, or less the fee reserve where a claim leaves a server that set none aside."""
    try:
        held = cheque.wallet().balance_msat
    except errors.NotAuthorised:
        raise draws.void() from None
    if held < code.amount_msat:
        raise draws.refused(PayAnswer("failed", None, "", "INSUFFICIENT_FUNDS"), None)
    reserve = max(2000, -(-code.amount_msat // 100))
    if not outside or held >= code.amount_msat + reserve:
        return code.amount_msat
    # The largest whole sat A with A + max(2 sat, 1 %) within what is held.
    amount_sat = min((held - 2000) // 1000, held * 100 // 101 // 1000)
    if amount_sat < 1:
        raise errors.Rejected("this cheque is too small to leave its server", code="TOO_SMALL", hint="Claim it there.")
    ws.warn(f"{code.amount_msat - amount_sat * 1000} msat stay behind as the fee reserve of the cheque's server")
    return amount_sat * 1000


def _tell_giver(ws: Workspace, code: ChequeCode, row: Row) -> None:
    """If the cheque was written on this machine, its entry learns at once that it was claimed."""
    written = ws.store.one("SELECT * FROM cheque WHERE remote_id=?", code.wallet_id)
    if written is not None:
        cheques.claimed(ws, written, row["payment_hash"], row["settled_at"])
