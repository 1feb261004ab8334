"""How amani and its wallets stand, in the text format of Prometheus, for node_exporter's textfile collector.

https://prometheus.io/docs/instrumenting/exposition_formats/ and, for names and units,
https://prometheus.io/docs/practices/naming/. Lightning amounts are in satoshis, exact.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from amani_cli import __version__, errors, files
from amani_cli.calls import BUCKETS_MS
from amani_cli.models.money import Balance
from amani_cli.rules import budgets, limits
from amani_cli.store import cheques, faucet, figures, holds, journal, links, requests
from amani_cli.store.rows import CallRow
from amani_cli.text import plain
from amani_cli.times import from_rfc3339
from amani_cli.wallets import balances, finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

_FIRST = b"# HELP amani_"
Value = int | Decimal


class Sample(NamedTuple):
    """One value of a family, under its labels; `ending` is what a histogram's parts are told apart by."""

    value: Value
    labels: dict[str, str]
    ending: str = ""


def refuse_other(path: Path) -> None:
    """Refuse to replace a file that is none of these and not empty: every minute's figures take the last ones' place.

    Raises `errors.Usage`.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_FIRST)) in (b"", _FIRST):
                return
    except FileNotFoundError:
        if not path.is_symlink():
            return
    except OSError as error:
        raise files.cant_write(path, error) from None
    raise errors.Usage(
        f"{path} exists already, and holds no figures of amani's", code="FILE_EXISTS", hint="Name another file."
    )


def text(ws: Workspace) -> str:
    """Every figure there is. Each wallet is asked for its balance; one that does not answer is a figure, no error."""
    known = finding.everything(ws)
    found, failed = balances.balances(ws, known)
    for error in failed:
        ws.talk.warn(error.message)
    seen = {item.wallet: item for item in found.items}
    parts = [*_about_wallets(known, seen), *_about_books(ws), *_about_rules(ws, known, seen), *_about_calls(ws)]
    return "".join([*parts, _about_pages(ws)])


def _about_wallets(known: list[KnownWallet], seen: dict[str, Balance]) -> Iterator[str]:
    yield _gauge("amani_build_info", "The version of amani.", [Sample(1, {"version": __version__})])
    up: dict[tuple[str, str], int] = {}
    for wallet in known:
        key = (wallet.provider, wallet.url.split("://", 1)[-1])
        up[key] = max(up.get(key, 0), int(wallet.name in seen))
    yield _gauge(
        "amani_provider_up",
        "1 if the provider told the balance of a wallet just now.",
        (Sample(value, {"provider": provider, "host": host}) for (provider, host), value in sorted(up.items())),
    )
    yield _gauge(
        "amani_wallet_up",
        "1 if this wallet's balance could be read just now.",
        (Sample(int(wallet.name in seen), _label(wallet)) for wallet in known),
    )
    yield _gauge(
        "amani_wallet_balance_sats",
        "What a Lightning wallet holds, in satoshis.",
        (
            Sample(_sats(seen[wallet.name].balance_msat or 0), _label(wallet))
            for wallet in known
            if wallet.name in seen and wallet.provider == "lnbits"
        ),
    )
    yield _gauge(
        "amani_wallet_balance_fiat",
        "What a fiat wallet can spend, in major units of a currency.",
        (
            Sample(each.value, {**_label(wallet), "currency": each.currency})
            for wallet in known
            if wallet.name in seen
            for each in seen[wallet.name].balances or ()
        ),
    )


def _about_books(ws: Workspace) -> Iterator[str]:
    count, since = journal.count_open(ws.store)
    age = max(0, int(time.time() - from_rfc3339(since).timestamp())) if since else 0
    yield _gauge("amani_open_outcomes", "Payments whose outcome is not certain.", [Sample(count, {})])
    yield _gauge(
        "amani_open_outcome_oldest_age_seconds", "Age of the oldest open outcome, 0 if none is open.", [Sample(age, {})]
    )
    held = bool(holds.of_copy(ws.store) or holds.waiting(ws.store))
    yield _gauge(
        "amani_spending_held", "1 while a wallet of a restored copy waits to be read back.", [Sample(int(held), {})]
    )
    waiting, filed = requests.count_waiting(ws.store, ws.store.clock.now())
    waits_s = 0 if filed is None else max(0, int(ws.store.clock.now() - filed))
    yield _gauge("amani_requests_waiting", "Requests that wait for somebody.", [Sample(waiting, {})])
    yield _gauge(
        "amani_request_oldest_age_seconds", "How long the oldest has waited, 0 if none.", [Sample(waits_s, {})]
    )
    outstanding = cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    if cheques.all_cheques(ws.store, limit=1):
        amount = sum(row.amount_msat + row.reserve_msat for row in outstanding)
        late = sum(from_rfc3339(row.expires_at).timestamp() < time.time() for row in outstanding)
        yield _gauge("amani_cheques_outstanding", "Cheques neither claimed nor void.", [Sample(len(outstanding), {})])
        yield _gauge("amani_cheques_outstanding_sats", "What they hold, in satoshis.", [Sample(_sats(amount), {})])
        yield _gauge("amani_cheques_expired_unswept", "Expired ones that still hold money.", [Sample(late, {})])


def _about_rules(ws: Workspace, known: list[KnownWallet], seen: dict[str, Balance]) -> Iterator[str]:
    left = [(wallet, budgets.day_budgets_left(ws, wallet)) for wallet in known]
    yield _gauge(
        "amani_budget_left_sats",
        "What is left of a wallet's budget for 24 hours, in satoshis.",
        (Sample(_sats(int(units["msat"])), _label(wallet)) for wallet, units in left if "msat" in units),
    )
    yield _gauge(
        "amani_budget_left_fiat",
        "What is left of a fiat wallet's budget for 24 hours, in major units of a currency.",
        (
            Sample(amount, {**_label(wallet), "currency": unit})
            for wallet, units in left
            for unit, amount in units.items()
            if unit != "msat"
        ),
    )
    row = faucet.settings(ws.store)
    if row is not None:
        given = sum(amount for _, amount in faucet.claims_since(ws.store, ws.store.clock.now() - limits.DAY_S))
        yield _gauge("amani_faucet_given_sats", "What it gave in 24 hours, in satoshis.", [Sample(_sats(given), {})])
        bounds = [
            seen[wallet.name].balance_msat or 0
            for wallet in known
            if wallet.id == row.wallet_id and wallet.name in seen
        ]
        if row.daily_cap_msat is not None:
            bounds.append(max(0, row.daily_cap_msat - given))
        yield _gauge(
            "amani_faucet_left_sats",
            "What the faucet can still give today, in satoshis: what its cap leaves and its wallet holds.",
            [Sample(_sats(min(bounds)), {})] if bounds else [],
        )


def _about_calls(ws: Workspace) -> Iterator[str]:
    rows = figures.calls(ws.store)
    yield _family(
        "amani_provider_request_errors_total",
        "counter",
        "Calls that were cut, timed out, or answered 429 or 5xx.",
        (Sample(row.errors, _endpoint(row)) for row in rows),
    )
    yield _family(
        "amani_provider_request_duration_seconds",
        "histogram",
        "How long calls took.",
        (sample for row in rows for sample in _histogram(row)),
    )
    yield _gauge(
        "amani_command_last_success_timestamp_seconds",
        "When a command last ended with exit code 0; commands that only look at the books are not counted.",
        (Sample(row.at, {"command": row.command}) for row in figures.successes(ws.store)),
    )


def _about_pages(ws: Workspace) -> str:
    return _family(
        "amani_served_total",
        "counter",
        "What 'amani serve' did: pages, first_steps, claims_settled, claims_unknown, invoices, refused, not_found, ….",
        (Sample(row.number, {"what": row.what}) for row in links.served(ws.store)),
    )


def _histogram(row: CallRow) -> Iterator[Sample]:
    labels = _endpoint(row)
    for limit, calls in zip(BUCKETS_MS, row[-len(BUCKETS_MS) :], strict=True):
        yield Sample(calls, {**labels, "le": str(_seconds(limit))}, "_bucket")
    yield Sample(row.calls, {**labels, "le": "+Inf"}, "_bucket")
    yield Sample(_seconds(row.total_ms), labels, "_sum")
    yield Sample(row.calls, labels, "_count")


def _endpoint(row: CallRow) -> dict[str, str]:
    return {"provider": row.provider, "method": row.method, "endpoint": row.endpoint}


def _label(wallet: KnownWallet) -> dict[str, str]:
    labels = {"wallet": wallet.name, "provider": wallet.provider}
    return {**labels, "sandbox": "1"} if wallet.is_play else labels


def _sats(msat: int) -> Decimal:
    return Decimal(msat).scaleb(-3).normalize()


def _seconds(milliseconds: int) -> Decimal:
    return Decimal(milliseconds).scaleb(-3).normalize()


def _gauge(name: str, meaning: str, samples: Iterable[Sample]) -> str:
    return _family(name, "gauge", meaning, samples)


def _family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> str:
    """A family with its help and type; one without samples is left out."""
    lines = [f"{name}{each.ending}{_labels(each.labels)} {Decimal(each.value):f}\n" for each in samples]
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n{''.join(lines)}" if lines else ""


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return plain(value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
