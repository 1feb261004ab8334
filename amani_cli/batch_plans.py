"""Plans of many payments: a table read and checked row by row, and the file that holds it to what was checked.

A plan is a JSON file with a hash over all that it says. It names the wallet it is for and the AMANI_HOME it was made
in: whoever runs it elsewhere has no journal of what was paid here, and may pay only what can't be paid twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from amani_cli import bolt11, destinations, errors, files, invoices, models, payments, policy, rates, wallets
from amani_cli.amounts import Fiat, format_sat, parse_amount
from amani_cli.destinations import Destination
from amani_cli.store import marks, new_id, now
from amani_cli.store import payments as journal
from amani_cli.times import to_rfc3339
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace

FORMAT = 1
COLUMNS = ("to", "amount", "memo", "reference", "category", "comment", "to_name", "name_unverified")
CHEQUE, PAYOUT = "cheque", "payout"
RECENT_S = 7 * 86400  # how far back the same payee and amount are pointed out
LARGEST_FILE = 256 * 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One payment of a plan. `row` is the line it stands in; `amount_msat` is None where the amount is in fiat.

    `kind` is what it pays (an invoice, an address or link, a cheque, a bank account or phone), `shown` what `to` stood
    for when it was checked. `payment_hash`, `payee` and `expires_at` are an invoice's; `to_name` is whose account it
    must be, and `name_unverified` that it is paid where nobody can say whose it is.
    """

    row: int
    kind: str
    to: str
    shown: str
    amount: str
    amount_msat: int | None
    memo: str
    reference: str | None
    category: str | None
    comment: str
    payment_hash: str | None = None
    payee: str | None = None
    expires_at: str | None = None
    to_name: str | None = None
    name_unverified: bool = False

    @property
    def fiat(self) -> Fiat:
        """The amount of a row that is paid, or worked out, in fiat."""
        parsed = parse_amount(self.amount)
        assert isinstance(parsed, Fiat)
        return parsed

    def reference_in(self, plan: Plan) -> str:
        """What makes it one payment however often the plan is run: its own word, or its place in this very plan."""
        return self.reference or f"batch:{plan.hash[:16]}:{self.row}"


@dataclass(frozen=True)
class Plan:
    """A plan as its file holds it."""

    path: Path
    hash: str
    home: str
    wallets: dict[str, Named]
    created_at: str
    rows: tuple[Row, ...]


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


@dataclass(frozen=True)
class Problem:
    """What is wrong with one cell."""

    row: int
    column: str
    message: str


# -- the table -------------------------------------------------------------------------------------


def make(
    ws: Workspace, said: str | None, said_fiat: str | None, source: str, output: Path, *, look: bool = True
) -> models.BatchPlan:
    """Check every row of a table and write a plan; nothing is paid, and no invoice is fetched.

    `said` and `said_fiat` name the wallets, where it is not clear which. `look` asks the server of each address whether
    it takes the amount. Raises `errors.Usage` (code BAD_ROWS, every
    problem with its row and column in the details) when a row can't be right; then no plan is written.
    """
    problems: list[Problem] = []
    rows = [row for number, cells in _table(source) if (row := _read_row(ws, number, cells, problems)) is not None]
    if not rows and not problems:
        raise errors.Usage(f"{_name(source)} holds no rows", code="BAD_ROWS")
    _find_doubles(ws, rows, problems)
    purse = _purse_for(ws, rows, said, said_fiat)
    if look and not problems and purse.lightning is not None:
        _look_at_servers(ws, purse.lightning, rows, problems)
    if problems:
        raise _bad_rows(problems)
    plan = {
        "amani_batch": FORMAT,
        "home": home_id(ws),
        "wallets": {
            rail: {"name": wallet.name, "identity": wallet.identity}
            for rail, wallet in (("lightning", purse.lightning), ("fincra", purse.fincra))
            if wallet is not None
        },
        "created_at": now(),
        "rows": [_as_written(row) for row in rows],
        "nonce": new_id("plan"),  # so that next month's plan of the same table is another one
    }
    plan["hash"] = _hash(plan)
    files.write_private(output, json.dumps(plan, indent=1) + "\n", replace=False)
    return overview(ws, purse, load(output))


def overview(ws: Workspace, purse: Purse, plan: Plan, rows: Iterable[Row] | None = None) -> models.BatchPlan:
    """What running a plan (or what is left of it) comes to, against balances, PINs and budgets as they are."""
    rows = list(plan.rows if rows is None else rows)
    wallet = purse.lightning
    total_msat = max_fee_msat = 0
    balance_msat = None
    needs_pin = False
    lightning = [row for row in rows if row.kind != PAYOUT]
    if wallet is not None and lightning:
        amounts = [amount_of(wallet, row) for row in lightning]
        total_msat = sum(amounts)
        max_fee_msat = sum(
            0 if _is_ours(ws, wallet, row) else payments.worst_fee_msat(amount)
            for row, amount in zip(lightning, amounts, strict=True)
        )
        with wallet.lnbits("read") as client:
            balance_msat = client.wallet().balance_msat
        needs_pin = _needs_pin(ws, wallet, total_msat, "msat")
        _point_out_shortage(ws, wallet, balance_msat, total_msat, max_fee_msat)
    fiat = fiat_sums(purse, rows)
    for each in fiat:
        assert purse.fincra is not None
        needs_pin = _needs_pin(ws, purse.fincra, each.total, each.currency) or needs_pin
    return models.BatchPlan(
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
    )


def fiat_sums(purse: Purse, rows: list[Row]) -> list[models.FiatSum]:
    """What is paid out in each currency, against what the Fincra wallet can spend of it."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row.kind == PAYOUT:
            sums[row.fiat.currency] = sums.get(row.fiat.currency, Decimal(0)) + row.fiat.value
    if not sums:
        return []
    assert purse.fincra is not None
    held = wallets.balance(purse.fincra.ws, purse.fincra).balances or []
    spendable = {each.currency: each.value for each in held}
    return [
        models.FiatSum(
            purse.fincra.name,
            currency,
            total,
            spendable.get(currency, Decimal(0)),
            spendable.get(currency, Decimal(0)) >= total,
        )
        for currency, total in sums.items()
    ]


def _needs_pin(ws: Workspace, wallet: KnownWallet, total: Decimal | int, unit: str) -> bool:
    try:
        return policy.check_pin(ws, wallet, total, unit)
    except errors.RefusedByPolicy as error:  # a plan may be made before there is a PIN; running it needs one
        ws.warn(f"{error.message} ({error.hint})")
        return True


def _point_out_shortage(
    ws: Workspace, wallet: KnownWallet, balance_msat: int, total_msat: int, max_fee_msat: int
) -> None:
    day_left = policy.day_budget_left(ws, wallet)
    if day_left is not None and total_msat + max_fee_msat > day_left:
        ws.warn(f"the day's budget of '{wallet.name}' has {format_sat(int(day_left))} left: not all rows will be paid")
    if balance_msat < total_msat + max_fee_msat:
        ws.warn(
            f"'{wallet.name}' holds {format_sat(balance_msat)}; with the worst-case fees"
            f" {format_sat(total_msat + max_fee_msat)} may be needed"
        )


def amount_of(wallet: KnownWallet, row: Row) -> int:
    """What a row comes to in msat; fiat at the price of now."""
    return row.amount_msat if row.amount_msat is not None else rates.to_msat(rates.quote(wallet, row.fiat))


def home_id(ws: Workspace) -> str:
    """The name of this AMANI_HOME among others, made when it is first asked for."""
    row = marks.read(ws.store, "home")
    if row is not None:
        return str(row["value"])
    with ws.store.write() as db:
        if marks.read(ws.store, "home") is None:
            marks.make(db, "home", new_id("home"))
    return home_id(ws)


def _table(source: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of CSV or JSON Lines, each with the number of the line it begins in."""
    text = _text(source)
    lines = _json_lines(text) if text.lstrip()[:1] == "{" else _csv(text)
    for number, cells in lines:
        unknown = [name for name in cells if name not in COLUMNS]
        if unknown:
            raise errors.Usage(
                f"line {number}: there is no column '{str(unknown[0])[:40]}'",
                code="BAD_ROWS",
                hint=f"Columns: {', '.join(COLUMNS)}.",
            )
        yield number, cells


def _text(source: str) -> str:
    try:
        if source == "-":
            data = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with Path(source).expanduser().open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise errors.Usage(f"{_name(source)} is larger than {LARGEST_FILE >> 20} MiB", code="BAD_ROWS")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise errors.Usage(f"can't read {source}: {error.strerror}", code="CANT_READ") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise errors.Usage(
            f"{_name(source)}, line {line}: not UTF-8 text", code="BAD_ROWS", hint="Save it as CSV UTF-8."
        ) from None


def _csv(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    header = text.lstrip().partition("\n")[0]
    delimiter = next((sign for sign in ",;\t" if sign in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 1
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if names is None:
                names = [cell.lower() for cell in cells]
                if "to" not in names or len(set(names)) < len(names):
                    raise errors.Usage(
                        "the first line names no column 'to', or one twice",
                        code="BAD_ROWS",
                        hint=f"It is: {','.join(COLUMNS)} (all but 'to' may be missing).",
                    )
                continue
            if len(cells) > len(names):
                raise errors.Usage(f"line {number} has more cells than the first line", code="BAD_ROWS")
            yield number, dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise errors.Usage(f"line {reader.line_num} is not CSV: {error}", code="BAD_ROWS") from None


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            # An amount may stand as a number; its own digits are what counts, not what a float makes of them.
            said = json.loads(line, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not all(isinstance(value, str | None) for value in said.values()):
            raise errors.Usage(
                f"line {number} is not a JSON object of texts", code="BAD_ROWS", hint='E.g. {"to": "ada@example.com"}'
            )
        yield number, {name: (value or "").strip() for name, value in said.items()}


# -- its rows -------------------------------------------------------------------------------------


def _read_row(ws: Workspace, number: int, cells: dict[str, str], problems: list[Problem]) -> Row | None:
    """Check one row, offline; what is wrong with it is added to `problems`."""
    before = len(problems)

    def bad(column: str, message: str) -> None:
        problems.append(Problem(number, column, message))

    to, written = cells.get("to", ""), cells.get("amount", "")
    memo, reference = cells.get("memo", ""), cells.get("reference", "") or None
    category, comment = cells.get("category", "") or None, cells.get("comment", "")
    to_name, unverified = cells.get("to_name", "") or None, cells.get("name_unverified", "").lower()
    destination = _destination(ws, to, bad)
    amount: int | Fiat | None = None
    if written:
        try:
            parsed = parse_amount(written)
            if parsed == "max":
                bad("amount", "max can't stand in a batch: write an amount")
            else:
                amount = parsed
        except errors.Usage as error:
            bad("amount", error.message)
    try:
        invoices.check_memo(memo)
    except errors.Usage as error:
        bad("memo", error.message)
    if reference is not None and (len(reference) > 200 or not reference.isprintable()):
        bad("reference", "a reference is up to 200 printable characters")
    if category is not None and (len(category) > 100 or not category.isprintable()):
        bad("category", "a category is one line of up to 100 characters")
    if unverified not in ("", "no", "yes"):
        bad("name_unverified", "write yes or no")
    if len(problems) > before:
        return None
    about: dict[str, Any] = {}
    if destination is None:
        kind, shown = CHEQUE, CHEQUE
        if not isinstance(amount, int):
            bad("amount", "a cheque is over sat: write for example 1000sat")
    else:
        kind, shown = destination.kind, destination.shown
        amount = _with_stated(destination, amount, bad)
        if destination.kind == "bolt11":
            about, amount = _about_invoice(ws, destination, amount, bad)
        if destination.payout is not None:
            about = {"to_name": to_name, "name_unverified": unverified == "yes"}
            if isinstance(amount, int):
                bad("amount", "banks and phones are paid in fiat: write for example 5000NGN")
    if amount is None and len(problems) == before:
        bad("amount", f"how much shall {shown} get?")
    if comment and kind != "lnurl":
        bad("comment", "only addresses and LNURLs take a comment")
    if to_name is not None and kind != PAYOUT:
        bad("to_name", "only banks and phones have a holder to check")
    if len(problems) > before:
        return None
    return Row(
        row=number,
        kind=kind,
        to=destination.text if destination is not None and kind == "bolt11" else to,
        shown=shown,
        amount=written,
        amount_msat=amount if isinstance(amount, int) else None,
        memo=memo,
        reference=reference,
        category=category,
        comment=comment,
        **about,
    )


def _destination(ws: Workspace, to: str, bad: Any) -> Destination | None:
    """Whom a row pays; None for a cheque, or when it can't be told."""
    if not to:
        bad("to", "nobody is named")
        return None
    if to.lower() == CHEQUE:
        return None
    try:
        return destinations.read(ws, to)
    except errors.Usage as error:
        bad("to", error.message)
        return None


def _with_stated(destination: Destination, amount: int | Fiat | None, bad: Any) -> int | Fiat | None:
    stated = destination.amount_msat
    if stated is not None and amount not in (None, stated):
        bad("amount", f"the link asks for {format_sat(stated)}")
    return amount if amount is not None else stated


def _about_invoice(
    ws: Workspace, destination: Destination, amount: int | Fiat | None, bad: Any
) -> tuple[dict[str, Any], int | None]:
    try:
        if isinstance(amount, Fiat):
            raise errors.Usage("an invoice says itself how much it is over: leave the amount out")
        order = payments.order(ws, destination.text, amount)
        payments.check(ws, order)
    except errors.AmaniError as error:
        column = "amount" if error.code in ("AMOUNT_DIFFERS", "USAGE") else "to"
        bad(column, error.message)
        return {}, None
    invoice = order.invoice
    return {
        "payment_hash": invoice.payment_hash,
        "payee": invoice.payee,
        "expires_at": to_rfc3339(invoice.expires_at),
    }, order.amount_msat


def _find_doubles(ws: Workspace, rows: list[Row], problems: list[Problem]) -> None:
    """Rows that pay the same invoice or carry the same reference are wrong; what only looks so is pointed out."""
    seen: dict[tuple[str, str], int] = {}
    same: dict[tuple[str, str, int | None], list[int]] = {}
    for row in rows:
        for column, value in (("to", row.payment_hash), ("reference", row.reference)):
            if value is None:
                continue
            first = seen.setdefault((column, value), row.row)
            if first != row.row:
                what = "the invoice" if column == "to" else "the reference"
                problems.append(Problem(row.row, column, f"{what} stands in row {first} already"))
        if row.kind in ("lnurl", PAYOUT):
            same.setdefault((row.shown, row.amount, row.amount_msat), []).append(row.row)
    for (shown, amount, amount_msat), numbers in same.items():
        if len(numbers) > 1:
            how_much = format_sat(amount_msat) if amount_msat is not None else amount
            ws.warn(f"rows {', '.join(map(str, numbers))}: {shown} gets {how_much} each time")
    since = to_rfc3339(int(time.time()) - RECENT_S)
    for row in rows:
        earlier = journal.paid_like(ws.store, row.payment_hash, row.shown, row.amount_msat, since)
        if earlier is not None:
            ws.warn(f"row {row.row}: {row.shown[:60]} got the same on {earlier['created_at']} ({earlier['id']})")


def _look_at_servers(ws: Workspace, wallet: KnownWallet, rows: list[Row], problems: list[Problem]) -> None:
    """Ask the server of each address, once, whether it takes these amounts; one that does not answer is pointed out."""
    from concurrent.futures import ThreadPoolExecutor

    from amani_cli.providers import lnurl

    by_url: dict[str, list[Row]] = {}
    links: dict[str, lnurl.Link] = {}
    for row in rows:
        if row.kind == "lnurl":
            link = destinations.read(ws, row.to).link
            assert link is not None
            links[link.url] = link
            by_url.setdefault(link.url, []).append(row)

    def ask(url: str) -> lnurl.PayRequest | errors.AmaniError | None:
        net = lnurl.Lnurl(deadline=time.monotonic() + ws.timeout, timeout=ws.timeout, private=wallet.sandbox)
        try:
            with net:
                request = net.ask(links[url])
            return request if isinstance(request, lnurl.PayRequest) else None
        except errors.AmaniError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        for url, found in zip(by_url, pool.map(ask, by_url), strict=True):
            ws.progress(f"looking at {links[url].domain}")
            for row in by_url[url]:
                if isinstance(found, errors.Unreachable):
                    ws.warn(f"row {row.row}: {found.message}")
                elif isinstance(found, errors.AmaniError):
                    problems.append(Problem(row.row, "to", found.message))
                elif found is None:
                    problems.append(Problem(row.row, "to", "this link does not take money"))
                elif row.amount_msat is not None and not found.min_msat <= row.amount_msat <= found.max_msat:
                    bounds = f"{format_sat(found.min_msat)} to {format_sat(found.max_msat)}"
                    problems.append(Problem(row.row, "amount", f"{row.shown} takes {bounds}"))
                elif len(row.comment) > found.comment_limit:
                    problems.append(
                        Problem(row.row, "comment", f"{row.shown} takes {found.comment_limit or 'no'} characters of it")
                    )


def _is_ours(ws: Workspace, wallet: KnownWallet, row: Row) -> bool:
    return row.kind == CHEQUE or (
        row.payment_hash is not None and payments.is_own_invoice(ws, wallet, row.payment_hash)
    )


def _bad_rows(problems: list[Problem]) -> errors.Usage:
    problems = sorted(problems, key=lambda problem: (problem.row, problem.column))
    first = problems[0]
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    return errors.Usage(
        f"row {first.row}, column {first.column}: {first.message}{more}",
        code="BAD_ROWS",
        hint="No plan was written. Mend the table and plan again.",
        details={"rows": [asdict(problem) for problem in problems]},
    )


# -- the file -------------------------------------------------------------------------------------


def load(path: Path) -> Plan:
    """Read a plan. Raises `errors.Usage` (code BAD_PLAN) for what is none or was changed since it was made."""
    try:
        said = json.loads(path.read_bytes())
        if said["amani_batch"] != FORMAT:
            raise errors.Usage(
                f"{path} is a plan of another amani's", code="BAD_PLAN", hint="Plan again with this one."
            )
        kept = said.pop("hash")
        rows = tuple(Row(**{"payment_hash": None, **row}) for row in said["rows"])
        named = {rail: Named(**wallet) for rail, wallet in said["wallets"].items()}
        plan = Plan(path, kept, said["home"], named, said["created_at"], rows)
    except OSError as error:
        raise errors.Usage(f"can't read {path}: {error.strerror}", code="CANT_READ") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise errors.Usage(f"{path} is not a plan", code="BAD_PLAN", hint="Make one: amani batch plan FILE") from None
    if _hash(said) != kept:
        raise errors.Usage(
            f"{path} was changed since it was made", code="BAD_PLAN", hint="Change the table and plan again."
        )
    return plan


def purse_of(ws: Workspace, plan: Plan, said: str | None) -> Purse:
    """The wallets a plan is for, whatever their names here. Raises `errors.Usage` for one that is not known here.

    `said` may name one of them, to be sure.
    """
    chosen = wallets.resolve(ws, said) if said else None
    if chosen is not None:
        wallets.identify(chosen)
        if chosen.identity not in [named.identity for named in plan.wallets.values()]:
            raise errors.Usage(
                f"this plan is not for wallet '{chosen.name}'", code="WRONG_WALLET", hint="Leave --wallet out."
            )
    return Purse(_known(ws, plan.wallets.get("lightning")), _known(ws, plan.wallets.get("fincra")))


def _known(ws: Workspace, named: Named | None) -> KnownWallet | None:
    if named is None:
        return None
    for wallet in wallets.everything(ws):
        if wallet.identity == named.identity:
            return wallet
        if wallet.remote_id is None:
            wallets.identify(wallet)
            if wallet.identity == named.identity:
                return wallet
    raise errors.Usage(
        f"this plan is for wallet '{named.name}', which is not known here",
        code="WRONG_WALLET",
        hint="Add that wallet, or plan again for another one.",
    )


def _purse_for(ws: Workspace, rows: list[Row], said: str | None, said_fiat: str | None) -> Purse:
    """The wallets that a table's rows need: those that are named, or the only one there is of a kind."""
    chosen = wallets.resolve(ws, said) if said else None
    fiat = wallets.resolve(ws, said_fiat) if said_fiat else None
    if fiat is not None:
        fiat.must_be("fincra")
    elif chosen is not None and chosen.provider == "fincra":
        fiat, chosen = chosen, None
    lightning = None
    if any(row.kind != PAYOUT for row in rows):
        lightning = chosen if chosen is not None else _only(ws, "lnbits", "--wallet")
        lightning.must_be("lnbits")
        wallets.identify(lightning)
    if any(row.kind == PAYOUT for row in rows):
        fiat = fiat if fiat is not None else _only(ws, "fincra", "--fiat-wallet")
        wallets.identify(fiat)
    else:
        fiat = None
    return Purse(lightning, fiat)


def _only(ws: Workspace, provider: models.Provider, option: str) -> KnownWallet:
    """The wallet of a provider that is meant when none was named: the default, or the only one."""
    if provider == "lnbits":
        default = next((each for each in wallets.everything(ws) if each.default), None)
        if default is None or default.provider == "lnbits":
            return wallets.resolve(ws, None)
    known = [each for each in wallets.everything(ws) if each.provider == provider]
    if len(known) == 1:
        return known[0]
    names = ", ".join(each.name for each in known) or "none yet"
    kind = "Lightning" if provider == "lnbits" else "Fincra"
    raise errors.Usage(
        f"from which {kind} wallet?", code="AMBIGUOUS_WALLET", hint=f"Say {option} NAME. There are: {names}."
    )


def order_of(ws: Workspace, row: Row, reference: str) -> payments.Order:
    """A row's invoice as something to pay. Its signature was checked when it was planned, and the hash keeps it."""
    invoice = bolt11.decode_invoice(row.to, payee=row.payee)
    if invoice.payment_hash != row.payment_hash or invoice.amount_msat != row.amount_msat:
        raise errors.Usage(f"row {row.row} of the plan contradicts its invoice", code="BAD_PLAN")
    return payments.Order(invoice, memo=row.memo, reference=reference, authorised=True)


def _as_written(row: Row) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if value not in (None, "", False) or name in _ALWAYS}


_ALWAYS = ("row", "kind", "to", "shown", "amount", "amount_msat", "memo", "reference", "category", "comment")


def _hash(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _name(source: str) -> str:
    return "stdin" if source == "-" else source
