"""Books as plain-text accounting reads them: ledger and hledger (https://hledger.org), beancount (https://beancount.io).

Each payment is one transaction: what left or came on the wallet's account, the fee and the counter-account. Running
balances are assertions, so that the reading program itself finds what is missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from amani_cli.books.reading import Books, Movement, number
from amani_cli.books.valuations import Rate
from amani_cli.text import plain
from amani_cli.times import from_rfc3339, zone

_ROOTS = ("Assets", "Liabilities", "Equity", "Income", "Expenses")
_SAT_PER_BTC = Decimal(100_000_000)
# What stands against the wallet where no category was said. A cheque taken back takes off what writing it cost.
_COUNTERS = {
    ("cheque", "out"): "Expenses:Cheques",
    ("cheque", "in"): "Income:Cheques",
    ("cheque void", "in"): "Expenses:Cheques",
    ("faucet", "out"): "Expenses:Faucet",
    ("faucet", "in"): "Income:Faucet",
    ("refund", "in"): "Expenses:Uncategorised",
    ("conversion", "out"): "Equity:Conversions",
    ("conversion", "in"): "Equity:Conversions",
}


def ledger(books: Books, *, opening: bool) -> Iterator[str]:
    """The books for ledger and hledger, with `P` lines for the rates that are known."""
    accounts = _Accounts(books, _ledger_name)
    yield f"; amani history; days are those of {zone()}\n"
    started = not opening
    for each in books.movements():
        if not started:
            started = True
            for key, amount in sorted(books.opening.items()):
                if amount:
                    yield f"\n{_first_day(books, each)} * Opening balance\n"
                    yield f"    {accounts.wallet(*key)}  {number(amount, key[1])} {key[1]}\n"
                    yield "    Equity:Opening balances\n"
        unit = each.unit
        if each.rate is not None:
            yield f"\nP {each.day} sat {_per_sat(each.rate)} {each.rate.currency}"
        yield f"\n{each.day} * {_ledger_text(each.row.memo) or each.row.kind}\n"
        for name, value in _facts(each):
            yield f"    ; {name}: {_ledger_text(value)}\n"
        account, balance = accounts.wallet(each.row.wallet_id, unit), number(each.balance, unit)
        yield f"    {account}  {number(each.change, unit)} {unit} = {balance} {unit}\n"
        if each.fee:
            yield f"    {accounts.fees(each)}  {number(each.fee, unit)} {unit}\n"
        yield f"    {accounts.counter(each)}  {number(-each.amount, unit)} {unit}\n"


def beancount(books: Books, *, opening: bool) -> Iterator[str]:
    """The books for beancount: accounts opened when first met, prices, and each wallet's closing balance asserted."""
    accounts = _Accounts(books, _beancount_name)
    yield f"; amani history; days are those of {zone()}\n"
    started, last = not opening, None
    for each in books.movements():
        last = each.day
        if not started:
            started = True
            for key, amount in sorted(books.opening.items()):
                if amount:
                    account = accounts.wallet(*key)
                    yield from accounts.newly_opened(account, "Equity:Opening-Balances")
                    yield f'\n{_first_day(books, each)} * "Opening balance"\n'
                    yield f"  {account}  {number(amount, key[1])} {_commodity(key[1])}\n"
                    yield "  Equity:Opening-Balances\n"
        postings = [(accounts.wallet(each.row.wallet_id, each.unit), each.change)]
        if each.fee:
            postings.append((accounts.fees(each), each.fee))
        postings.append((accounts.counter(each), -each.amount))
        yield from accounts.newly_opened(*(account for account, _ in postings))
        if each.rate is not None:
            yield f"\n{each.day} price SAT {_per_sat(each.rate)} {each.rate.currency}"
        yield f"\n{each.day} * {_quoted(each.row.memo or each.row.kind)}\n"
        for name, value in _facts(each):
            yield f"  {name}: {_quoted(value)}\n"
        for account, amount in postings:
            yield f"  {account}  {number(amount, each.unit)} {_commodity(each.unit)}\n"
    if last is not None:
        yield "\n"
        for key, amount in sorted(books.closing.items()):
            account = accounts.wallet(*key)
            if account in accounts.opened:
                yield f"{last + timedelta(days=1)} balance {account}  {number(amount, key[1])} {_commodity(key[1])}\n"


def _per_sat(rate: Rate) -> str:
    return format(rate.price / _SAT_PER_BTC, "f")


def _first_day(books: Books, first: Movement) -> date:
    """The day of opening balances: the period's first, by the first movement where it has no beginning."""
    if books.period.since is None:
        return first.day
    return from_rfc3339(books.period.since).astimezone().date()


def _facts(each: Movement) -> Iterator[tuple[str, str]]:
    """What a transaction carries beside its amounts."""
    row = each.row
    yield "id", row.id
    for name, value in (("hash", row.payment_hash), ("reference", row.reference), ("to", row.destination)):
        if value:
            yield name, value
    if each.rate is not None:
        yield "value", f"{each.value} {each.rate.currency}"
        yield "rate", f"{each.rate.price} {each.rate.currency} by {each.rate.source} at {each.rate.at}"


class _Accounts:
    """The names of accounts, as `legal` makes their parts fit to be read; two wallets never share one."""

    def __init__(self, books: Books, legal: Callable[[str], str]) -> None:
        self._books = books
        self._legal = legal
        self._wallets: dict[tuple[int, str], str] = {}
        self.opened: set[str] = set()

    def wallet(self, wallet_id: int, unit: str) -> str:
        """The account of a wallet; a currency of a fiat wallet has its own."""
        key = (wallet_id, unit)
        if key not in self._wallets:
            top, name = self._books.place(wallet_id)
            account = f"Assets:{top}:{self._legal(name)}" + ("" if unit == "sat" else f":{unit}")
            self._wallets[key] = f"{account}-{wallet_id}" if account in self._wallets.values() else account
        return self._wallets[key]

    def fees(self, each: Movement) -> str:
        """Where fees go."""
        return "Expenses:Fees:" + self._books.place(each.row.wallet_id)[0]

    def counter(self, each: Movement) -> str:
        """What stands against the wallet: the category, a transfer of our own, or what kind of payment it was."""
        if each.own:
            return "Equity:Transfers"
        category, side = each.row.category, each.row.direction
        if not category:
            plain = "Income:Uncategorised" if side == "in" else "Expenses:Uncategorised"
            return _COUNTERS.get((each.row.kind, side), plain)
        parts = [self._legal(part) for part in category.split(":") if part.strip()]
        if len(parts) < 2 or parts[0] not in _ROOTS:
            parts.insert(0, "Income" if side == "in" else "Expenses")
        return ":".join(parts)

    def newly_opened(self, *accounts: str) -> Iterator[str]:
        """The `open` directives of beancount for accounts that have none yet."""
        for account in accounts:
            if account not in self.opened:
                self.opened.add(account)
                yield f"\n1970-01-01 open {account}"
        yield "\n"


def _ledger_name(text: str) -> str:
    """A part of an account's name: one space at most between words, nothing that ledger takes for a sign."""
    return " ".join(re.sub(r"[^\w.&+-]", " ", text).split()) or "Unnamed"


def _beancount_name(text: str) -> str:
    """A part of an account's name: letters, digits and hyphens, beginning with a capital or a digit."""
    name = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", text)).strip("-") or "Unnamed"
    name = name[:1].upper() + name[1:]
    return name if name[0].isdecimal() or unicodedata.category(name[0]) == "Lu" else "W-" + name


def _ledger_text(text: str) -> str:
    """A description or remark of one line: what would begin a remark, a payee or a posting is taken out."""
    return plain(" ".join(re.sub(r"[;|\x00-\x1f\x7f\u2028\u2029]", " ", text).split())).lstrip("*!( ")


def _quoted(text: str) -> str:
    text = plain(" ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", text).split()))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _commodity(unit: str) -> str:
    return unit.upper()
