"""What every view is made of: rows, fields, lines, and how amounts are written in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from amani_cli.amounts import Fiat, format_fiat, format_sat
from amani_cli.models.books import History
from amani_cli.models.money import Quoted
from amani_cli.models.payments import Payment
from amani_cli.times import ago, local

Column = tuple[str, bool]  # heading, and whether it is right-aligned


@dataclass
class View:
    """Rows under columns, labelled fields, then lines; `footer` stands under a table at a terminal.

    `moments` are those of the rows' first column, which a terminal shows by how long ago they were too.
    """

    columns: list[Column] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    footer: list[str] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)
    empty: str = ""

    @property
    def label_width(self) -> int:
        """The longest label, so that the values line up."""
        return max((len(label) for label, _ in self.fields), default=0)


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


def amount(payment: Payment) -> str:
    """What a payment is over, in its unit."""
    if payment.amount is not None:
        return fiat(payment.amount.value, payment.amount.currency)
    return format_sat(payment.amount_msat or 0)


def when(moment: str) -> str:
    """A moment in the local zone, and how far from now: `2026-08-01 09:00 (3 min ago)`."""
    return f"{local(moment)} ({ago(moment)})"


def given(*fields: tuple[str, str | None]) -> list[tuple[str, str]]:
    """Those of some labelled fields that there is something to say of."""
    return [(label, value) for label, value in fields if value]


def mark_of(provider: str, *, sandbox: bool, live: bool) -> str:
    """What stands behind a wallet's name: whether its money is play money, and where fiat is concerned, real."""
    if sandbox:
        return " [SANDBOX]"
    if provider == "fincra":
        return " [LIVE]" if live else " [TEST]"
    return ""


def as_quoted(quoted: Quoted | None, about: str = "") -> str | None:
    """A fiat amount with the price behind it, whose it is and how old."""
    if quoted is None:
        return None
    amount = format_fiat(Fiat(quoted.value, quoted.currency))
    return f"{about}{amount}, at {quoted.price:,f} {quoted.currency} for 1 BTC by {quoted.source}, {ago(quoted.at)}"


def fake(sandbox: bool, money: str = "sats") -> str:
    return f" (sandbox: fake {money})" if sandbox else ""


def history(model: History) -> View:
    """A page of payments, one a row."""
    rows = [
        [
            local(item.created_at),
            item.wallet + play_money(item),
            item.direction,
            ("+" if item.direction == "in" else "-") + amount(item),
            item.status,
            item.memo,
            item.id,
        ]
        for item in model.items
    ]
    columns = [
        ("when", False),
        ("wallet", False),
        ("", False),
        ("amount", True),
        ("status", False),
        ("memo", False),
        ("id", False),
    ]
    footer = [f"more: --after {model.next}"] if model.next else []
    never = [each.wallet for each in model.read if each.as_of is None]
    empty = f"Nothing is known of {', '.join(never)} yet: amani history sync" if never else "No payments."
    moments = [item.created_at for item in model.items]
    return View(columns, rows, footer=[*footer, *_as_of(model)], empty=empty, moments=moments)


def _as_of(model: History) -> list[str]:
    """How fresh a page is: since the wallet that was read longest ago, and which never was."""
    read = [each.as_of for each in model.read if each.as_of is not None]
    never = [each.wallet for each in model.read if each.as_of is None]
    words = [f"as of {ago(min(read))}"] if read else []
    words += [f"{', '.join(never)} never read: amani history sync"] if never else []
    return ["; ".join(words)] if words else []


def play_money(item: Payment) -> str:
    if not item.sandbox:
        return ""
    return " [SANDBOX]" if item.amount is None else " [TEST]"
