"""What can be asked about a table's rows before a plan of them is written, so that no run fails of what a plan can see.

As fully as `pay --dry-run` asks for one payment, but for fetching invoices; what is found behind each payee is kept
with its row, and a run pays nobody else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import format_sat
from amani_cli.batch.table import CHEQUE, PAYOUT, Problem, Row, told
from amani_cli.destinations import contacts, payers, reading
from amani_cli.destinations.forms import Destination
from amani_cli.fiat import orders, payouts
from amani_cli.lightning import fees
from amani_cli.models.money import Quoted
from amani_cli.providers import lnurl
from amani_cli.providers.links import Link
from amani_cli.rules import budgets
from amani_cli.wallets import rates
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

LNURL_LINES, FINCRA_LINES = 8, 4  # how many are asked at the same time
_COLUMNS = {
    "NAME_MISMATCH": "to_name",
    "NAME_UNVERIFIED": "name_unverified",
    "BAD_AMOUNT": "amount",
    "NO_SUCH_CURRENCY": "amount",
}
Seen = dict[str, str]

_ABOUT_TO = ("COUNT", "NO_BASE_URL", "SERVED_ELSEWHERE")  # what is wrong with a cheque's `to`, not its amount


def found_behind(
    ws: Workspace,
    rows: list[Row],
    lightning: KnownWallet | None,
    fincra: KnownWallet | None,
    prices: dict[str, Quoted],
    problems: list[Problem],
) -> list[Row]:
    """The rows with what stands behind those whom they pay: the server of an address, the holder of an account.

    Each row that can't be paid so is added to `problems`. Raises what asking the wallets' own providers may.
    """
    seen: dict[int, Seen] = {}
    if lightning is not None:
        seen |= _behind_addresses(ws, lightning, rows, prices, problems)
    if fincra is not None:
        seen |= _behind_accounts(ws, fincra, [row for row in rows if row.kind == PAYOUT], problems)
    return [replace(row, seen=seen[row.row]) if row.row in seen else row for row in rows]


def within_rules(
    ws: Workspace,
    rows: list[Row],
    lightning: KnownWallet | None,
    fincra: KnownWallet | None,
    prices: dict[str, Quoted],
    problems: list[Problem],
) -> None:
    """Add what amani's own rules forbid, whoever is paid: too much in one payment, cheques that can't be written."""
    from amani_cli.cheques import links, writing

    written = 0
    for row in rows:
        try:
            if row.kind == CHEQUE and lightning is not None and row.amount_msat is not None:
                written += 1
                url = links.base_url(ws) if row.is_link else None
                wanted = writing.Wanted(row.amount_msat, row.memo, authorised=True, count=written, base_url=url)
                writing.check(ws, lightning, wanted)
            if row.kind == PAYOUT and fincra is not None:
                budgets.refuse_large(ws, fincra, row.fiat.value, row.fiat.currency)
            elif row.kind != PAYOUT and lightning is not None:
                amount_msat = _msat(row, prices)
                aside = writing.Wanted(amount_msat, outside=row.is_link).reserve_msat
                fee_msat = aside if row.kind == CHEQUE else fees.worst_fee_msat(amount_msat)
                budgets.refuse_large(ws, lightning, amount_msat + fee_msat)
        except (errors.Usage, errors.RefusedByPolicy) as error:
            problems.append(Problem(row.row, "to" if error.code in _ABOUT_TO else "amount", told(error)))


def _msat(row: Row, prices: dict[str, Quoted]) -> int:
    if row.amount_msat is not None:
        return row.amount_msat
    return rates.to_msat(prices[row.fiat.currency]._replace(value=row.fiat.value))


# -- addresses and links --------------------------------------------------------------------------


def _behind_addresses(
    ws: Workspace,
    wallet: KnownWallet,
    rows: list[Row],
    prices: dict[str, Quoted],
    problems: list[Problem],
) -> dict[int, Seen]:
    """Ask the server of each address, once, whether it takes these amounts."""
    by_url: dict[str, list[tuple[Row, Destination]]] = {}
    links: dict[str, Link] = {}
    for row in rows:
        if row.kind == "lnurl":
            to = reading.read(ws, row.to)
            assert to.link is not None
            links[to.link.url] = to.link
            by_url.setdefault(to.link.url, []).append((row, to))

    def ask(url: str) -> lnurl.PayRequest | errors.AmaniError:
        net = lnurl.Lnurl(deadline=time.monotonic() + ws.timeout, timeout=ws.timeout, private=wallet.sandbox)
        try:
            with net:
                request = net.ask(links[url])
        except errors.AmaniError as error:
            return error
        return request if isinstance(request, lnurl.PayRequest) else errors.Usage("this link does not take money")

    seen: dict[int, Seen] = {}
    with ThreadPoolExecutor(LNURL_LINES) as pool:
        for url, found in zip(by_url, pool.map(ask, by_url), strict=True):
            ws.talk.progress(f"looking at {links[url].domain}")
            for row, to in by_url[url]:
                if isinstance(found, errors.AmaniError):
                    problems.append(Problem(row.row, "to", found.message))
                    continue
                seen[row.row] = {"domain": links[url].domain, "callback": lnurl.host_of(found.callback)}
                problems += _refusals(ws, row, to, found, _msat(row, prices), seen[row.row])
    return seen


def _refusals(
    ws: Workspace, row: Row, to: Destination, offer: lnurl.PayRequest, amount_msat: int, seen: Seen
) -> Iterable[Problem]:
    """What speaks against paying a row to a server that offers this."""
    if not offer.min_msat <= amount_msat <= offer.max_msat:
        bounds = f"{format_sat(offer.min_msat)} to {format_sat(offer.max_msat)}"
        yield Problem(row.row, "amount", f"{row.shown} takes {bounds}")
    lacking = payers.lacking(ws, offer)
    if lacking is not None:
        yield Problem(row.row, "to", lacking)
    if len(row.comment) > offer.comment_limit:
        yield Problem(row.row, "comment", f"{row.shown} takes {offer.comment_limit or 'no'} characters of it")
    if to.contact is not None:
        try:
            contacts.check(ws, to.contact, seen, accept_change=False, so_far=True)
        except errors.AmaniError as error:
            yield Problem(row.row, "to", error.message)


# -- banks and phones ------------------------------------------------------------------------------


def _behind_accounts(ws: Workspace, wallet: KnownWallet, rows: list[Row], problems: list[Problem]) -> dict[int, Seen]:
    """Ask for the bank and the holder of each account, over a few lines at the same time."""
    seen: dict[int, Seen] = {}
    if not rows:
        return seen

    def look(some: list[Row]) -> list[tuple[Row, Seen | errors.AmaniError]]:
        own = replace(ws, talk=replace(ws.talk, progress=lambda _: None))  # with a database of its own
        try:
            with replace(wallet, ws=own).fincra("read") as client:
                return [(row, _behind_account(own, wallet, client, row)) for row in some]
        finally:
            own.store.close()

    ws.talk.progress(f"looking at {len(rows)} accounts")
    lines = min(FINCRA_LINES, len(rows))
    with ThreadPoolExecutor(lines) as pool:
        for row, found in chain.from_iterable(pool.map(look, [rows[at::lines] for at in range(lines)])):
            if isinstance(found, errors.AmaniError):
                problems.append(Problem(row.row, _COLUMNS.get(found.code, "to"), told(found)))
            else:
                seen[row.row] = found
    return seen


def _behind_account(ws: Workspace, wallet: KnownWallet, client: Fincra, row: Row) -> Seen | errors.AmaniError:
    """The bank and holder of a row's account, or what speaks against paying it."""
    ws.restart_clock()
    client.line.deadline = ws.deadline
    to = reading.read(ws, row.to)
    assert to.payout is not None
    order = orders.Order(
        to.payout,
        row.fiat,
        row.fiat.currency,
        to_name=row.signed_off or row.to_name,
        name_unverified=row.name_unverified,
    )
    try:
        try:
            plan = payouts.planned(ws, wallet, client, order)
        except errors.RefusedByPolicy as error:
            if error.code != "NAME_MISMATCH":
                raise
            plan = payouts.planned(ws, wallet, client, replace(order, to_name=None))  # whose it is, beside whose not
        seen = {"bank": plan.destination, "name": plan.payee}
        if to.contact is not None:
            contacts.check(ws, to.contact, seen, accept_change=False)
    except (errors.Usage, errors.NotFound, errors.Rejected, errors.RefusedByPolicy) as error:
        return error
    return seen
