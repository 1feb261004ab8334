"""How everything stands, as `status` shows it."""

from typing import NamedTuple

from amani_cli.models.document import document
from amani_cli.models.money import Balance, Money
from amani_cli.models.operations import Finding
from amani_cli.models.payments import Payment


class OpenOutcome(NamedTuple):
    """A payment whose outcome is not certain; `what` is whom it is to."""

    id: str
    what: str
    since: str
    amount_msat: int | None = None
    amount: Money | None = None


class ChequesOut(NamedTuple):
    """Cheques neither claimed nor void, and what is set aside for them."""

    count: int  # type: ignore[assignment]
    amount_msat: int


class LimitLeft(NamedTuple):
    """A limit or budget of a wallet that counts today: what is used of it, what is left, when more comes free."""

    wallet: str
    what: str
    used: str
    left: str
    opens_at: str | None


@document("amani.status/1")
class Status(NamedTuple):
    """How everything stands. `findings` are those of `doctor` that need no network, and wallets that did not answer.

    `requests` counts payments that wait for somebody's approval.
    """

    wallets: list[Balance]
    open: list[OpenOutcome]
    cheques: ChequesOut
    requests: int
    limits: list[LimitLeft]
    recent: list[Payment]
    findings: list[Finding]
