"""What wallets hold: asked live, several at the same time, or from what was seen a moment ago."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.models.document import as_json
from amani_cli.models.money import Balance, Balances, CurrencyBalance
from amani_cli.store import wallets as store_wallets
from amani_cli.times import now
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.base import Client

Held = int | list[CurrencyBalance]
_ANY_AGE_S = 100 * 365 * 86400


def balance(ws: Workspace, wallet: KnownWallet, max_age_s: int = 0, currency: str | None = None) -> Balance:
    """What the wallet holds: asked live, or from the cache when that is younger than `max_age_s` seconds.

    With `currency` that one alone; raises `errors.NotFound` when the wallet does not hold it.
    """
    if currency is not None:
        wallet.must_be("fincra")
    found = _cached_balance(ws, wallet, max_age_s)
    if found is None:
        with wallet.client("read") as client:
            held = client.held()
        found = _balance_seen(ws, wallet, held)
    if currency is not None:
        every = found.balances or []
        found = found._replace(balances=[each for each in every if each.currency == currency.upper()])
        if not found.balances:
            names = ", ".join(each.currency for each in every) or "none"
            raise errors.NotFound(
                f"wallet '{wallet.name}' holds no {currency[:10]}", code="NO_SUCH_CURRENCY", hint=f"It holds: {names}."
            )
    return found


def balances(ws: Workspace, wallets: list[KnownWallet], max_age_s: int = 0) -> tuple[Balances, list[errors.AmaniError]]:
    """Several wallets' balances, asked at the same time; what could not be asked comes back as errors."""
    import threading

    found: dict[int, Balance | errors.AmaniError] = {}
    clients: list[tuple[int, KnownWallet, Client]] = []
    for index, wallet in enumerate(wallets):
        cached = _cached_balance(ws, wallet, max_age_s)
        if cached is not None:
            found[index] = cached
            continue
        try:
            clients.append((index, wallet, wallet.client("read")))
        except errors.AmaniError as error:
            found[index] = error
    seen: dict[int, Held | Exception] = {}

    def ask(index: int, client: Client) -> None:
        try:
            with client:
                seen[index] = client.held()
        except Exception as error:  # a defect too: a thread would print it as it is, with a key that it may hold
            seen[index] = error

    threads = [threading.Thread(target=ask, args=(index, client)) for index, _, client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, wallet, _ in clients:
        result = seen[index]
        if isinstance(result, Exception) and not isinstance(result, errors.AmaniError):
            raise result
        found[index] = result if isinstance(result, errors.AmaniError) else _balance_seen(ws, wallet, result)
    items = [found[index] for index in range(len(wallets))]
    good = [item for item in items if isinstance(item, Balance)]
    failed = []
    for wallet, item in zip(wallets, items, strict=True):
        if isinstance(item, errors.AmaniError):
            item.message = f"wallet '{wallet.name}': {item.message}"
            failed.append(item)
    total = sum(item.balance_msat or 0 for item in good if not item.sandbox)
    fake = sum(item.balance_msat or 0 for item in good if item.sandbox)
    return Balances(good, total, fake), failed


def last_seen(ws: Workspace, wallet: KnownWallet) -> Balance | None:
    """What a wallet held when it last answered, however long ago; None if it never did."""
    return _cached_balance(ws, wallet, _ANY_AGE_S)


def _cached_balance(ws: Workspace, wallet: KnownWallet, max_age_s: int) -> Balance | None:
    if max_age_s <= 0 or wallet.in_environment:
        return None
    row = store_wallets.by_id(ws.store, wallet.id)
    if row is None or row.balance is None or row.balance_at is None:
        return None
    age = ws.store.clock.now() - row.balance_clock if row.balance_clock is not None else None
    if age is None or not 0 <= int(age) <= max_age_s:
        return None
    return _balance(wallet, row.balance_at, _held(row.balance), cached=True)


def _balance_seen(ws: Workspace, wallet: KnownWallet, held: Held) -> Balance:
    as_of = now()
    if not wallet.in_environment:
        text = str(held) if isinstance(held, int) else json.dumps(as_json(held))
        try:
            with ws.store.write() as db:
                store_wallets.update(db, wallet.id, balance=text, balance_at=as_of, balance_clock=ws.store.clock.now())
        except errors.AmaniError as error:  # what was asked for is known all the same
            ws.talk.warn(f"not kept for --max-age: {error.message}")
    return _balance(wallet, as_of, held, cached=False)


def _balance(wallet: KnownWallet, as_of: str, held: Held, *, cached: bool) -> Balance:
    msat, fiat = (held, None) if isinstance(held, int) else (None, held)
    return Balance(wallet.name, wallet.provider, as_of, cached, msat, fiat, sandbox=wallet.sandbox, live=wallet.live)


def _held(text: str) -> Held:
    """What was written down of a balance: msat, or a list of currencies."""
    content = json.loads(text)
    if isinstance(content, int):
        return content
    return [
        CurrencyBalance(Decimal(each["value"]), each["currency"], Decimal(each["ledger"]), Decimal(each["locked"]))
        for each in content
    ]
