"""The journal for other programs: CSV, JSON Lines, ledger and beancount, one movement at a time, oldest first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal

from amani_cli import ledgers, models, payments
from amani_cli.books import Books, number
from amani_cli.text import csv_cell

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
        "ledger": lambda: ledgers.ledger(books, opening=opening),
        "beancount": lambda: ledgers.beancount(books, opening=opening),
    }
    return writers[form]()


def _csv(books: Books) -> Iterator[str]:
    buffer = io.StringIO()
    write = csv.writer(buffer, lineterminator="\r\n")

    def line(cells: tuple[object, ...]) -> str:
        buffer.seek(0)
        buffer.truncate()
        write.writerow(cells)
        return buffer.getvalue()

    yield line(COLUMNS)
    for each in books.movements():
        row, rate = each.row, each.rate
        yield line(
            (
                *(each.day, row["settled_at"], csv_cell(row["wallet"]), row["direction"], row["kind"]),
                *(
                    number(each.amount, each.unit),
                    number(each.fee, each.unit),
                    number(each.balance, each.unit),
                    each.unit,
                ),
                *(_shown(each.value), _shown(each.fee_value)),
                *((rate.currency, _shown(rate.price), csv_cell(rate.source), rate.at) if rate else ("",) * 4),
                *(csv_cell(row[name] or "") for name in ("category", "memo", "destination")),
                "yes" if each.own else "",
                *(csv_cell(row[name] or "") for name in ("reference", "actor")),
                *(row["payment_hash"] or "", row["id"], "yes" if row["sandbox"] else ""),
            )
        )


def _shown(amount: Decimal | None) -> str:
    return "" if amount is None else format(amount, "f")


def _jsonl(books: Books) -> Iterator[str]:
    for each in books.movements():
        document = models.as_json(payments.receipt(each.row))
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
        yield json.dumps(document, ensure_ascii=False) + "\n"
