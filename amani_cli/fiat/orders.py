"""What is to be paid out: where to, as it was typed, how much, and on what conditions. Asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from amani_cli import errors
from amani_cli.amounts import Fiat
from amani_cli.payees import canonical
from amani_cli.workspace import Workspace


@dataclass(frozen=True)
class Destination:
    """Where a payout goes, as it was typed: `bank:058/0123456789`, `momo:MTN/233241234567` or `fincra:1000001234`."""

    kind: Literal["bank", "momo", "fincra"]
    bank: str
    account: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.bank}/{self.account}" if self.bank else f"{self.kind}:{self.account}"

    @property
    def mobile(self) -> bool:
        """Whether it is a phone."""
        return self.kind == "momo"

    @property
    def rail(self) -> str:
        """Fincra's word for the way that money takes there."""
        return "mobile_money_wallet" if self.mobile else "bank_account"


_NOT_SAID = Fiat(Decimal(0), "")


@dataclass(frozen=True)
class Order:
    """One payout: what arrives (`amount`), out of which currency of the wallet, to whom, and on what conditions.

    Amount and `source` are filled in once they are known. `memo` stays here, `description` is what the payee is told.
    `everything` says that the amount was worked out, from all that can be spent.
    """

    to: Destination
    amount: Fiat = _NOT_SAID
    source: str = ""
    to_name: str | None = None
    name_unverified: bool = False
    company: bool = False
    memo: str = ""
    description: str = ""
    reference: str | None = None
    authorised: bool = False
    everything: bool = False

    def meaning(self, ws: Workspace) -> str:
        """What a reference for this stands for, as far as the banks' names are known here by now."""
        value, currency = self.amount
        return canonical.meaning_of_payout(
            ws, str(self.to), currency, "max" if self.everything else f"{value} {currency} {self.source}"
        )


def read(text: str) -> Destination:
    """Say, offline, where a `bank:`, `momo:` or `fincra:` leads. Raises `errors.Usage` with the form it has."""
    kind, _, rest = text.strip().partition(":")
    lowered = kind.strip().lower()
    if lowered == "fincra":
        number = "".join(rest.split())
        if not (number.isascii() and number.isdigit()) or not 5 <= len(number) <= 20:
            raise errors.Usage(
                f"'{rest.strip()[:40]}' is not the number of a Fincra wallet",
                code="BAD_DESTINATION",
                hint="It is digits alone, e.g. fincra:100000112345678; its owner finds it in Fincra's dashboard.",
            )
        return Destination("fincra", "", number)
    bank, slash, account = rest.rpartition("/")
    example = "momo:MTN/233241234567" if lowered == "momo" else "bank:058/0123456789"
    if lowered not in ("bank", "momo") or not slash or not bank.strip() or not account.strip():
        raise errors.Usage(
            f"'{text[:60]}' is not where fiat can go", code="BAD_DESTINATION", hint=f"Write it as {example}."
        )
    return Destination("momo" if lowered == "momo" else "bank", bank.strip(), account.strip())
