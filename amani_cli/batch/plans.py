"""Plans of many payments: what a table comes to, and the file that holds its rows to what was checked.

A plan is a JSON file with a hash over all that it says. It names the wallet it is for and the AMANI_HOME it was made
in: whoever runs it elsewhere has no journal of what was paid here, and may pay only what can't be paid twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from amani_cli import errors, files
from amani_cli.amounts import Fiat, format_sat
from amani_cli.batch import table as batch_table
from amani_cli.batch import terms as batch_terms
from amani_cli.batch.table import PAYOUT, Problem, Row
from amani_cli.batch.terms import Terms, set_aside_msat
from amani_cli.encodings import bolt11
from amani_cli.lightning import paying
from amani_cli.models.batches import BatchPlan, BatchRow, CheckedName, FiatSum
from amani_cli.models.document import as_json
from amani_cli.models.money import Quoted
from amani_cli.models.wallets import Provider
from amani_cli.rules import approval, budgets
from amani_cli.store import marks
from amani_cli.store.ledger import new_id
from amani_cli.times import now
from amani_cli.wallets import balances, finding, rates
from amani_cli.wallets import known as wallets_known
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

FORMAT = 1


@dataclass(frozen=True)
class Plan:
    """A plan as its file holds it. `prices` are those of bitcoin, by currency, that it was shown with."""

    path: Path
    hash: str
    home: str
    wallets: dict[str, Named]
    created_at: str
    rows: tuple[Row, ...]
    prices: dict[str, Quoted] = field(default_factory=dict)


@dataclass(frozen=True)
class Named:
    """A wallet that a plan is for: its name when it was made, and who it is at its server."""

    name: str
    identity: str


@dataclass(frozen=True)
class Purse:
    """The wallets that a batch pays from: one a rail, and only for rails that it uses."""

    lightning: KnownWallet | None
    fincra: KnownWallet | None


def make(
    ws: Workspace, said: str | None, said_fiat: str | None, source: str, output: Path, *, look: bool = True
) -> BatchPlan:
    """Check every row of a table and write a plan; nothing is paid, and no invoice is fetched.

    `said` and `said_fiat` name the wallets, where it is not clear which. `look` asks the server of each address whether
    it takes the amount, and for the holder of each account. Raises `errors.Usage` (code BAD_ROWS, every problem with
    its row and column in the details) when a row can't be right; then no plan is written.
    """
    from amani_cli.batch import checks  # with clients that a run of invoices does without

    rows, problems = batch_table.read(ws, source)
    purse = _purse_for(ws, rows, said, said_fiat)
    batch_table.find_taken(ws, rows, purse.lightning.identity if purse.lightning is not None else "", problems)
    prices = _priced(purse.lightning, rows, problems)
    priced = [row for row in rows if row.kind == PAYOUT or row.amount_msat is not None or row.fiat.currency in prices]
    checks.within_rules(ws, priced, purse.lightning, purse.fincra, prices, problems)
    if look:
        found = checks.found_behind(ws, priced, purse.lightning, purse.fincra, prices, problems)
        rows = found if len(found) == len(rows) else rows
    batch_table.find_doubles(ws, rows, problems)
    if problems:
        raise batch_table.bad_rows(problems)
    said_in_full = {
        "amani_batch": FORMAT,
        "home": marks.home(ws.store),
        "wallets": {
            rail: {"name": wallet.name, "identity": wallet.identity}
            for rail, wallet in (("lightning", purse.lightning), ("fincra", purse.fincra))
            if wallet is not None
        },
        "created_at": now(),
        "rows": [_as_written(row) for row in rows],
        "prices": {currency: as_json(price) for currency, price in prices.items()},
        "nonce": new_id("plan"),  # so that next month's plan of the same table is another one
    }
    said_in_full["hash"] = _hash(said_in_full)
    plan = _read(output, said_in_full)
    made = overview(ws, purse, plan, rows, terms(ws, purse, plan, rows))
    files.write_private(output, json.dumps(said_in_full, indent=1) + "\n", replace=False)
    return made


def _priced(wallet: KnownWallet | None, rows: list[Row], problems: list[Problem]) -> dict[str, Quoted]:
    """The price of bitcoin in each currency that a Lightning row is in."""
    prices: dict[str, Quoted] = {}
    unknown: dict[str, str] = {}
    for row in rows:
        if row.kind == PAYOUT or row.amount_msat is not None or wallet is None:
            continue
        currency = row.fiat.currency
        if currency not in prices and currency not in unknown:
            try:
                prices[currency] = rates.quote(wallet, Fiat(Decimal(1), currency))
            except errors.Unreachable as error:
                if error.code != "NO_RATE":
                    raise
                unknown[currency] = error.message
        if currency in unknown:
            problems.append(Problem(row.row, "amount", unknown[currency]))
    return prices


def terms(
    ws: Workspace,
    purse: Purse,
    plan: Plan,
    rows: Iterable[Row],
    *,
    begun: dict[int, int | None] | None = None,
    asked: bool = False,
) -> Terms:
    """What rows of a plan come to: at the prices of now if somebody is `asked` about them, else at the plan's own.

    `begun` are the amounts, in msat, of the rows that an earlier run began to pay.
    """
    if purse.lightning is None:
        return Terms({})
    prices = {} if asked else plan.prices
    return batch_terms.of(ws, purse.lightning, rows, plan.hash, prices=prices, begun=begun or {})


def overview(ws: Workspace, purse: Purse, plan: Plan, rows: list[Row], agreed: Terms) -> BatchPlan:
    """What paying rows of a plan on these terms comes to, against balances, PINs and budgets as they are."""
    wallet = purse.lightning
    balance_msat = None
    needs_pin = False
    total_msat, max_fee_msat = agreed.total_msat, agreed.max_fee_msat
    if wallet is not None and agreed.shares:
        with wallet.lnbits("read") as client:
            balance_msat = client.wallet().balance_msat
        needs_pin = _needs_pin(ws, wallet, agreed.leaving_msat, "msat")
        _point_out_shortage(ws, wallet, balance_msat, total_msat, max_fee_msat)
    fiat = fiat_sums(purse, rows)
    for each in fiat:
        assert purse.fincra is not None
        needs_pin = _needs_pin(ws, purse.fincra, each.total, each.currency) or needs_pin
    return BatchPlan(
        plan=str(plan.path),
        hash=plan.hash,
        wallet=wallet.name if wallet is not None else None,
        rows=len(rows),
        kinds={kind: sum(row.kind == kind for row in rows) for kind in dict.fromkeys(row.kind for row in rows)},
        total_msat=total_msat,
        max_fee_msat=max_fee_msat,
        balance_msat=balance_msat,
        left_msat=balance_msat - total_msat - max_fee_msat if balance_msat is not None else None,
        sufficient=(balance_msat or 0) >= total_msat and all(each.sufficient for each in fiat),
        needs_pin=needs_pin,
        sandbox=wallet is not None and wallet.sandbox,
        fiat=fiat,
        quoted=agreed.quoted,
        names=_names(ws, rows),
    )


def _names(ws: Workspace, rows: list[Row]) -> list[CheckedName]:
    """Whose each account is beside whose it should be; rows that differ are stopped, and pointed out."""
    checked = [
        CheckedName(row.row, row.shown, row.to_name, (row.seen or {}).get("name"), row.differs, bool(row.signed_off))
        for row in rows
        if row.kind == PAYOUT and (row.seen or row.to_name)
    ]
    differ = [str(each.row) for each in checked if each.differs]
    if differ:
        ws.talk.warn(
            f"not paid, for the bank has another name than was expected: row {', '.join(differ[:20])}"
            f"{' …' if len(differ) > 20 else ''}. To sign one off, write the bank's name under signed_off in the table"
            " and plan again"
        )
    return checked


def fiat_sums(purse: Purse, rows: list[Row]) -> list[FiatSum]:
    """What is paid out in each currency, against what the Fincra wallet can spend of it."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row.kind == PAYOUT and not row.differs:
            sums[row.fiat.currency] = sums.get(row.fiat.currency, Decimal(0)) + row.fiat.value
    if not sums:
        return []
    assert purse.fincra is not None
    held = balances.balance(purse.fincra.ws, purse.fincra).balances or []
    spendable = {each.currency: each.value for each in held}
    return [
        FiatSum(
            purse.fincra.name,
            currency,
            total,
            spendable.get(currency, Decimal(0)),
            spendable.get(currency, Decimal(0)) >= total,
        )
        for currency, total in sums.items()
    ]


def whole(
    purse: Purse, plan: Plan, agreed: Terms, stand: dict[int, BatchRow]
) -> list[tuple[KnownWallet, str, Decimal]]:
    """What the whole plan comes to, by wallet and unit, without fees: what was paid of it before counts in."""
    sums: list[tuple[KnownWallet, str, Decimal]] = []
    if purse.lightning is not None:
        left = [row for row in plan.rows if row.kind != PAYOUT and row.row not in agreed.shares]
        paid = [(row, stand[row.row].amount_msat or row.amount_msat or 0) for row in left]
        paid_msat = sum(amount_msat + set_aside_msat(row, amount_msat) for row, amount_msat in paid)
        sums.append((purse.lightning, "msat", Decimal(agreed.leaving_msat + paid_msat)))
    if purse.fincra is not None:
        fiat: dict[str, Decimal] = {}
        for row in plan.rows:
            if row.kind == PAYOUT:
                fiat[row.fiat.currency] = fiat.get(row.fiat.currency, Decimal(0)) + row.fiat.value
        sums += [(purse.fincra, currency, total) for currency, total in fiat.items()]
    return sums


def _needs_pin(ws: Workspace, wallet: KnownWallet, total: Decimal | int, unit: str) -> bool:
    try:
        return approval.check_pin(ws, wallet, total, unit)
    except errors.RefusedByPolicy as error:  # a plan may be made before there is a PIN; running it needs one
        ws.talk.warn(f"{error.message} ({error.hint})")
        return True


def _point_out_shortage(
    ws: Workspace, wallet: KnownWallet, balance_msat: int, total_msat: int, max_fee_msat: int
) -> None:
    day_left = budgets.day_budgets_left(ws, wallet).get("msat")
    if day_left is not None and total_msat + max_fee_msat > day_left:
        ws.talk.warn(
            f"the day's budget of '{wallet.name}' has {format_sat(int(day_left))} left: not all rows will be paid"
        )
    if balance_msat < total_msat + max_fee_msat:
        ws.talk.warn(
            f"'{wallet.name}' holds {format_sat(balance_msat)}; with the worst-case fees"
            f" {format_sat(total_msat + max_fee_msat)} may be needed"
        )


# -- the file -------------------------------------------------------------------------------------


def load(path: Path) -> Plan:
    """Read a plan. Raises `errors.Usage` (code BAD_PLAN) for what is none or was changed since it was made."""
    try:
        return _read(path, json.loads(path.read_bytes()))
    except OSError as error:
        raise files.cant_read(path, error) from None
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise errors.Usage(f"{path} is not a plan", code="BAD_PLAN", hint="Make one: amani batch plan FILE") from None


def _read(path: Path, whole: dict[str, Any]) -> Plan:
    if whole["amani_batch"] != FORMAT:
        raise errors.Usage(f"{path} is a plan of another amani's", code="BAD_PLAN", hint="Plan again with this one.")
    said = {name: value for name, value in whole.items() if name != "hash"}
    if _hash(said) != whole["hash"]:
        raise errors.Usage(
            f"{path} was changed since it was made", code="BAD_PLAN", hint="Change the table and plan again."
        )
    rows = tuple(Row(**{"payment_hash": None, **row}) for row in said["rows"])
    named = {rail: Named(**wallet) for rail, wallet in said["wallets"].items()}
    prices = {currency: rates.from_json(price) for currency, price in said.get("prices", {}).items()}
    return Plan(path, whole["hash"], said["home"], named, said["created_at"], rows, prices)


def purse_of(ws: Workspace, plan: Plan, said: str | None) -> Purse:
    """The wallets a plan is for, whatever their names here. Raises `errors.Usage` for one that is not known here.

    `said` may name one of them, to be sure.
    """
    chosen = finding.resolve(ws, said) if said else None
    if chosen is not None:
        wallets_known.identify(chosen)
        if chosen.identity not in [named.identity for named in plan.wallets.values()]:
            raise errors.Usage(
                f"this plan is not for wallet '{chosen.name}'", code="WRONG_WALLET", hint="Leave --wallet out."
            )
    return Purse(_known(ws, plan.wallets.get("lightning")), _known(ws, plan.wallets.get("fincra")))


def _known(ws: Workspace, named: Named | None) -> KnownWallet | None:
    if named is None:
        return None
    found = finding.with_identity(finding.everything(ws), named.identity)
    if found is not None:
        return found
    raise errors.Usage(
        f"this plan is for wallet '{named.name}', which is not known here",
        code="WRONG_WALLET",
        hint="Add that wallet, or plan again for another one.",
    )


def _purse_for(ws: Workspace, rows: list[Row], said: str | None, said_fiat: str | None) -> Purse:
    """The wallets that a table's rows need: those that are named, or the only one there is of a kind."""
    chosen = finding.resolve(ws, said) if said else None
    fiat = finding.resolve(ws, said_fiat) if said_fiat else None
    if fiat is not None:
        fiat.must_be("fincra")
    elif chosen is not None and chosen.provider == "fincra":
        fiat, chosen = chosen, None
    lightning = None
    if any(row.kind != PAYOUT for row in rows):
        lightning = chosen if chosen is not None else _only(ws, "lnbits", "--wallet")
        lightning.must_be("lnbits")
        wallets_known.identify(lightning)
    if any(row.kind == PAYOUT for row in rows):
        fiat = fiat if fiat is not None else _only(ws, "fincra", "--fiat-wallet")
        wallets_known.identify(fiat)
    else:
        fiat = None
    return Purse(lightning, fiat)


def _only(ws: Workspace, provider: Provider, option: str) -> KnownWallet:
    """The wallet of a provider that is meant when none was named: the default, or the only one."""
    if provider == "lnbits":
        default = next((each for each in finding.everything(ws) if each.default), None)
        if default is None or default.provider == "lnbits":
            return finding.resolve(ws, None)
    known = [each for each in finding.everything(ws) if each.provider == provider]
    if len(known) == 1:
        return known[0]
    names = ", ".join(each.name for each in known) or "none yet"
    kind = "Lightning" if provider == "lnbits" else "Fincra"
    raise errors.Usage(
        f"from which {kind} wallet?", code="AMBIGUOUS_WALLET", hint=f"Say {option} NAME. There are: {names}."
    )


def order_of(row: Row, reference: str) -> paying.Order:
    """A row's invoice as something to pay. Its signature was checked when it was planned, and the hash keeps it."""
    invoice = bolt11.decode_invoice(row.to, payee=row.payee)
    if invoice.payment_hash != row.payment_hash or invoice.amount_msat != row.amount_msat:
        raise errors.Usage(f"row {row.row} of the plan contradicts its invoice", code="BAD_PLAN")
    return paying.Order(invoice, memo=row.memo, reference=reference, authorised=True)


def _as_written(row: Row) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if value not in (None, "", False) or name in _ALWAYS}


_ALWAYS = ("row", "kind", "to", "shown", "amount", "amount_msat", "memo", "reference", "category", "comment")


def _hash(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
