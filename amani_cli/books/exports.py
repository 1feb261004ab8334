"""The journal for other programs: CSV, JSON Lines, ledger and beancount, one movement at a time, oldest first."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from decimal import Decimal

from amani_cli.books import plaintext
from amani_cli.books.reading import Books, Movement, number
from amani_cli.books.valuations import Rate
from amani_cli.models.document import as_json
from amani_cli.payments import receipts
from amani_cli.text import csv_cell, json_line

FORMATS = ("csv", "jsonl", "ledger", "beancount")

COLUMNS = (
    *("date", "settled_at", "wallet", "direction", "kind", "amount", "fee", "balance", "unit"),
    *("value", "fee_value", "currency", "rate", "rate_source", "rate_at"),
    *("category", "memo", "destination", "own", "reference", "actor", "payment_hash", "id", "sandbox"),
)


def lines(books: Books, form: str, *, opening: bool = True) -> Iterator[str]:
    """The books as text, line by line. `opening` False leaves out opening balances, to append to an earlier month."""
    writers: dict[str, Callable[[], Iterator[str]]] = {
        "csv": lambda: _csv(books),
        "jsonl": lambda: _jsonl(books),
        "ledger": lambda: plaintext.ledger(books, opening=opening),
        "beancount": lambda: plaintext.beancount(books, opening=opening),
    }
    return writers[form]()


def _csv(books: Books) -> Iterator[str]:
    yield _line(COLUMNS)
    for each in books.movements():
        row, rate, unit = each.row, each.rate, each.unit
        yield _line(
            (
                each.day.isoformat(),
                row.settled_at,
                csv_cell(row.wallet),
                row.direction,
                row.kind,
                number(each.amount, unit),
                number(each.fee, unit),
                number(each.balance, unit),
                unit,
                *(("",) * 6 if rate is None else _valued(each, rate)),
                csv_cell(row.category or ""),
                csv_cell(row.memo),
                csv_cell(row.destination or ""),
                "yes" if each.own else "",
                csv_cell(row.reference or ""),
                csv_cell(row.actor or ""),
                csv_cell(row.payment_hash or ""),
                row.id,
                "yes" if row.sandbox else "",
            )
        )


class _Echo:
    """A file for csv's writer, whose `writerow` returns what writing to its file does."""

    def write(self, text: str) -> str:
        return text


_WRITER = csv.writer(_Echo(), lineterminator="\r\n")


def _line(cells: tuple[str, ...]) -> str:
    """A line of CSV. Most hold nothing to quote, and joining those costs a sixth of what csv's writer does."""
    line = ",".join(cells)
    if '"' not in line and "\n" not in line and "\r" not in line and line.count(",") == len(cells) - 1:
        return line + "\r\n"
    return str(_WRITER.writerow(cells))


def _valued(each: Movement, rate: Rate) -> tuple[str, ...]:
    worth = _shown(each.value), _shown(each.fee_value)
    return *worth, rate.currency, _shown(rate.price), csv_cell(rate.source), rate.at


def _shown(amount: Decimal | None) -> str:
    return "" if amount is None else format(amount, "f")


def _jsonl(books: Books) -> Iterator[str]:
    for each in books.movements(whole=True):
        assert each.row.whole is not None
        document = as_json(receipts.receipt(each.row.whole))
        if each.unit == "sat":
            document["balance_msat"] = int(each.balance.scaleb(3))
        else:
            document["balance"] = {"value": _shown(each.balance), "currency": each.unit}
        document["own"] = each.own
        if each.rate is not None:
            currency = each.rate.currency
            document["value"] = {"value": _shown(each.value), "currency": currency}
            document["fee_value"] = {"value": _shown(each.fee_value), "currency": currency}
            document["rate"] = {
                "price": _shown(each.rate.price),
                "currency": currency,
                "source": each.rate.source,
                "at": each.rate.at,
            }
        yield json_line(document)
