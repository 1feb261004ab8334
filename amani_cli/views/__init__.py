"""How each model reads to a person, and which one value `--quiet` prints; plain text, no terminal codes.

`money` has wallets and what moves on them, `operating` the rest, which is loaded for those models alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import Any

from amani_cli import models
from amani_cli.amounts import Fiat, format_fiat, format_sat

Column = tuple[str, bool]  # heading, and whether it is right-aligned


@dataclass
class View:
    """Rows under columns, labelled fields, then lines; `footer` stands under a table at a terminal."""

    columns: list[Column] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    footer: list[str] = field(default_factory=list)
    empty: str = ""

    @property
    def label_width(self) -> int:
        """The longest label, so that the values line up."""
        return max((len(label) for label, _ in self.fields), default=0)


def view(model: Any) -> View:
    """What a person reads of a model."""
    shown: View = _module_for(model).VIEWS[type(model)](model)
    return shown


def quiet(model: Any) -> list[str]:
    """The lines that `--quiet` prints: the one value that a script wants, or one a row of a list."""
    lines: list[str] = _module_for(model).QUIET[type(model)](model)
    return lines


def _module_for(model: Any) -> ModuleType:
    from amani_cli.views import money

    if type(model) in money.VIEWS:
        return money
    from amani_cli.views import operating

    return operating


def sat(amount_msat: int | None) -> str:
    """A bare number of sat, exact: `1000`, or `1.5` where there is a fraction."""
    if amount_msat is None:
        return ""
    whole, rest = divmod(abs(amount_msat), 1000)
    sign = "-" if amount_msat < 0 else ""
    return f"{sign}{whole}" + (f".{rest:03}".rstrip("0") if rest else "")


def fiat(amount: Decimal, currency: str) -> str:
    """An amount of a currency, as people write it."""
    return format_fiat(Fiat(amount, currency))


def amount(payment: models.Payment) -> str:
    """What a payment is over, in its unit."""
    if payment.amount is not None:
        return fiat(payment.amount.value, payment.amount.currency)
    return format_sat(payment.amount_msat or 0)


def given(*fields: tuple[str, str | None]) -> list[tuple[str, str]]:
    """Those of some labelled fields that there is something to say of."""
    return [(label, value) for label, value in fields if value]
