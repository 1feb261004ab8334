"""Deleting a wallet at its LNbits, which looks at nothing itself: first it is proved that nobody's money is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import errors

if TYPE_CHECKING:
    from amani_cli.providers.base import Record
    from amani_cli.providers.lnbits import Lnbits


def refuse_funded(client: Lnbits, name: str) -> None:
    """Refuse a wallet that holds anything. Raises `errors.RefusedByPolicy`."""
    left = client.wallet().balance_msat
    if left:
        raise errors.RefusedByPolicy(
            f"{name} still holds {left} msat, which deleting would destroy",
            code="NOT_EMPTY",
            hint="Move it away first; LNbits does not look at the balance when it deletes.",
        )


def refuse_expecting(client: Lnbits, name: str, *, but: str | None = None) -> None:
    """Refuse a wallet that money may still come to, by what its server has on record, whoever made it.

    LNbits takes a payer's money for an invoice of a wallet that is gone, and pays its own invoices after their end too
    until somebody asks about them: that marks them failed, and so each one that is pending is asked about. Of a payment
    that is on its way the money comes back if it fails. `but` is the hash of an invoice that nobody can pay any more.
    Raises `errors.RefusedByPolicy`.
    """
    for page in client.all_records():
        for record in page:
            if record.status != "pending" or record.payment_hash == but:
                continue
            fresh = client.record(record.payment_hash)
            if fresh is not None and fresh.status != "pending":
                continue
            raise errors.RefusedByPolicy(
                f"{name} {_expected(record)}",
                code="MONEY_EXPECTED",
                hint="Wait until it has ended and run this again; or keep the wallet on its server (without"
                " --delete-remote): deleted, it would swallow that money.",
            )


def _expected(record: Record) -> str:
    if record.amount_msat < 0:
        return "has a payment on its way, whose money comes back to it should it fail"
    until = f"; it ends at {record.expires_at}" if record.expires_at else ""
    return f"has an invoice over {record.amount_msat // 1000} sat that may still be paid{until}"
