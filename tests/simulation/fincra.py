"""The Fincra of the world: the double that the tests of everything fiat have, asked in this process."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.kit import fincra_double
from tests.simulation.lnbits import Answer, Later, Request

NEVER = 10**9
"""What is moved settles after a while, however often it is asked about."""

PAYEES = {
    "bank:058/2345678901": "NGN",
    "bank:305/0987654321": "NGN",
    f"bank:058/{fincra_double.FAILING_ACCOUNT}": "NGN",
    "momo:AIRTEL/233541234567": "GHS",
}


@dataclass
class Movement:
    """What was moved: a payout or a conversion, as it stands; `by` is the run of amani that sent it."""

    row: dict[str, Any]
    by: Any

    @property
    def reference(self) -> str:
        """The name that amani gave it."""
        return str(self.row["customerReference"])

    @property
    def status(self) -> str:
        """As the double says: processing, successful or failed."""
        return str(self.row["status"])

    @property
    def amount(self) -> tuple[Decimal, str]:
        """What left for it, less its fee."""
        return self.row["amount" if "amount" in self.row else "amountCharged"], str(self.row["sourceCurrency"])

    @property
    def payee(self) -> str:
        """The account it went to."""
        return str(self.row.get("recipient", {}).get("accountNumber", ""))


class Fincra:
    """One business of Fincra's; `on_movement` hears of each payout and conversion that it takes on."""

    def __init__(
        self, url: str, now: Callable[[], float], later: Later, on_movement: Callable[[Movement], None]
    ) -> None:
        self.url = url
        self.double = fincra_double.Double()
        self.double.now = now  # type: ignore[method-assign]
        self.double.settle_on_read = NEVER
        self._later = later
        self.shop = self.double.merchant("Ada Stores Ltd", NGN="3000000", GHS="20000", USD="5000")
        self.movements: dict[str, Movement] = {}
        self._on_movement = on_movement
        self.rng: Any = None
        self.wallets: dict[str, Any] = {}
        self.records: list[Any] = []
        self.by_hash: dict[str, list[Any]] = {}
        self.tokens: dict[str, str] = {}

    def _settle(self, row: dict[str, Any]) -> None:
        if row in self.double.payouts:
            self.double.settle(row)
            return
        self.double.settle_on_read = 0
        fincra_double.Call(self.double, self.shop, {}, {}, None)._conversion_shown(row)
        self.double.settle_on_read = NEVER

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        double, before = self.double, (len(self.double.payouts), len(self.double.conversions))
        query = {name: values[0] for name, values in request.query.items()}
        try:
            status, answer = double.answer(request.method, request.path, query, request.headers, request.body)
        except fincra_double.Refused as refused:
            status, answer = refused.status, refused.body
        for row in [*double.payouts[before[0] :], *double.conversions[before[1] :]]:
            made = Movement(row, request.by)
            self._later(self.rng.choice([0.0, 0.0, 1.0, 40.0, 4000.0, 90_000.0]), functools.partial(self._settle, row))
            self.movements[made.reference] = made
            self._on_movement(made)
        return Answer(status, json.loads(json.dumps(answer, default=_number)))


def _number(value: object) -> int | float:
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() else float(value)
