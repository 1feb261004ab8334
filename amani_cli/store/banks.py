"""Queries about the lists of banks and operators that are kept for a while."""

from __future__ import annotations

import json
import time

from amani_cli.providers.fiat import Bank
from amani_cli.store.ledger import Store, upsert
from amani_cli.store.rows import Row, Transaction
from amani_cli.times import now, to_rfc3339


def kept(store: Store, url: str, currency: str, *, mobile: bool, max_age_s: int) -> list[Bank] | None:
    """A list as it was written down, None when there is none or it is older than `max_age_s` seconds."""
    row = store.one(
        Row,
        "SELECT banks FROM bank_list WHERE url=? AND currency=? AND mobile=? AND fetched_at>? AND fetched_at<=?",
        url,
        currency,
        int(mobile),
        to_rfc3339(int(time.time()) - max_age_s),
        now(),
    )
    return None if row is None else read(row[0])


def every(store: Store, currency: str, *, mobile: bool) -> list[str]:
    """Each list of a currency that was ever written down, however old, as it is kept (see `read`)."""
    rows = store.all(Row, "SELECT banks FROM bank_list WHERE currency=? AND mobile=?", currency, int(mobile))
    return [row[0] for row in rows]


def read(listed: str) -> list[Bank]:
    """A list as it is kept."""
    return [Bank(*each) for each in json.loads(listed)]


def keep(db: Transaction, url: str, currency: str, banks: list[Bank], *, mobile: bool) -> None:
    """Write a list down in place of an older one."""
    db.execute(
        upsert("bank_list", "url, currency, mobile", "banks", "fetched_at"),
        (url, currency, int(mobile), json.dumps(banks), now()),
    )
