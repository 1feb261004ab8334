"""Tables of payments, checked row by row before anything is planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from amani_cli import errors
from amani_cli.amounts import Fiat, format_fiat, format_sat, parse_amount
from amani_cli.batch import cells
from amani_cli.destinations import reading
from amani_cli.destinations.forms import Destination
from amani_cli.invoices import lightning
from amani_cli.lightning import paying
from amani_cli.payees import banks, canonical
from amani_cli.store import journal, references
from amani_cli.store.entries import Entry
from amani_cli.times import local, to_rfc3339
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.fiat import orders

CHEQUE, PAYOUT = "cheque", "payout"
LINK = "link"  # a cheque that is given out as a link
RECENT_S = 7 * 86400  # how far back the same payee and amount are pointed out


@dataclass(frozen=True)
class Row:
    """One payment of a plan. `row` is the line it stands in; `amount_msat` is None where the amount is in fiat.

    `kind` is what it pays (an invoice, an address or link, a cheque, a bank account or phone), `shown` what `to` stood
    for when it was checked. `payment_hash`, `payee` and `expires_at` are an invoice's; `to_name` is whose account it
    must be, `name_unverified` that it is paid where nobody can say whose it is, and `signed_off` the name as the bank
    has it, where somebody has looked at one that differs. `seen` is what the plan found
    behind `to`: the server of a link, the holder of an account.
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
    description: str = ""
    to_name: str | None = None
    name_unverified: bool = False
    signed_off: str | None = None
    seen: dict[str, str] | None = None

    @property
    def is_link(self) -> bool:
        """Whether it is a cheque that is given out as a link."""
        return self.kind == CHEQUE and self.shown == LINK

    def meaning(self, ws: Workspace, giver: str = "") -> str:
        """What its reference stands for, in the words of whoever pays it; `giver` is who gives a cheque."""
        if self.kind == "bolt11":
            return f"pay {self.payment_hash}"
        if self.kind == PAYOUT:
            found = (self.seen or {}).get("bank")
            value, currency = self.fiat
            return canonical.meaning_of_payout(ws, self.shown, currency, f"{value} {currency} {currency}", found)
        if self.kind == CHEQUE:
            from amani_cli.cheques import writing

            assert self.amount_msat is not None
            return writing.Wanted(self.amount_msat, self.memo).meaning(giver)
        return canonical.meaning_of_link(self.meant, None, self.shown, self.comment)

    @property
    def differs(self) -> bool:
        """Whether the bank has another name than was expected or signed off: then the row is not paid."""
        found, expected = (self.seen or {}).get("name"), self.signed_off or self.to_name
        return self.kind == PAYOUT and bool(found and expected) and not banks.is_name(str(expected), str(found))

    def refuse_other_holder(self) -> None:
        """Raise `errors.RefusedByPolicy` where it differs, whatever the bank says by now: nobody agreed to it."""
        if self.differs:
            found = (self.seen or {}).get("name")
            raise errors.RefusedByPolicy(
                f"the account belongs to '{found}', not to '{self.signed_off or self.to_name}'; nothing was sent",
                code="NAME_MISMATCH",
                hint="Check it with the payee; to sign it off write that name under signed_off, and plan again.",
            )

    def whom(self, ws: Workspace) -> str:
        """Who is paid, however it was spelled: a bank or phone as the plan found it, if it looked."""
        if self.kind == PAYOUT:
            return canonical.of(ws, (self.seen or {}).get("bank", self.shown), self.fiat.currency)
        return canonical.of_lightning(self.shown)

    @property
    def meant(self) -> int | Fiat:
        """How much is meant, as a number: msat, or fiat."""
        return self.amount_msat if self.amount_msat is not None else self.fiat

    @property
    def fiat(self) -> Fiat:
        """The amount of a row that is paid, or worked out, in fiat."""
        parsed = parse_amount(self.amount)
        assert isinstance(parsed, Fiat)
        return parsed

    def reference_in(self, plan_hash: str) -> str:
        """What makes it one payment however often the plan is run: its own word, or its place in this very plan."""
        return self.reference or f"batch:{plan_hash[:16]}:{self.row}"


@dataclass(frozen=True)
class Problem:
    """What is wrong with one cell."""

    row: int
    column: str
    message: str


def read(ws: Workspace, source: str) -> tuple[list[Row], list[Problem]]:
    """The rows of a table, checked offline, and what is wrong with those that can't be right; `-` is stdin.

    Raises `errors.Usage` (code BAD_ROWS) for what is no table.
    """
    problems: list[Problem] = []
    rows = [row for number, said in cells.table(source) if (row := _read_row(ws, number, said, problems)) is not None]
    if not rows and not problems:
        raise errors.Usage(f"{cells.name_of(source)} holds no rows", code="BAD_ROWS")
    return rows, problems


def _amount(written: str, bad: Callable[[str, str], None]) -> int | Fiat | None:
    """The amount that a cell names, in msat or in fiat; None for an empty one, or one that can't be right."""
    try:
        amount = parse_amount(written) if written else None
    except errors.Usage as error:
        bad("amount", error.message)
        return None
    if amount == "max":
        bad("amount", "max can't stand in a batch: write an amount")
        return None
    return amount


def _check_texts(said: dict[str, str], bad: Callable[[str, str], None]) -> None:
    """Look at the cells that are only written down, whatever kind of row it is."""
    reference, category = said.get("reference", ""), said.get("category", "")
    try:
        lightning.check_memo(said.get("memo", ""))
        lightning.check_memo(said.get("description", ""))
    except errors.Usage as error:
        bad("memo", error.message)
    if len(reference) > 200 or not reference.isprintable():
        bad("reference", "a reference is up to 200 printable characters")
    if len(category) > 100 or not category.isprintable():
        bad("category", "a category is one line of up to 100 characters")
    if said.get("name_unverified", "").lower() not in ("", "no", "yes"):
        bad("name_unverified", "write yes or no")


def _read_row(ws: Workspace, number: int, said: dict[str, str], problems: list[Problem]) -> Row | None:
    """Check one row, offline; what is wrong with it is added to `problems`."""
    before = len(problems)

    def bad(column: str, message: str) -> None:
        problems.append(Problem(number, column, message))

    to, comment, description = said.get("to", ""), said.get("comment", ""), said.get("description", "")
    to_name, unverified = said.get("to_name", "") or None, said.get("name_unverified", "").lower()
    destination = _destination(ws, to, bad)
    amount = _amount(said.get("amount", ""), bad)
    _check_texts(said, bad)
    if len(problems) > before:
        return None
    about: dict[str, Any] = {}
    if destination is None:
        kind, shown = CHEQUE, to.lower()
        if not isinstance(amount, int):
            bad("amount", "a cheque is over sat: write for example 1000sat")
    else:
        kind, shown = destination.kind, destination.shown
        amount = _with_stated(destination, amount, bad)
        if destination.kind == "bolt11":
            about, amount = _about_invoice(ws, destination, amount, bad)
        if destination.payout is not None:
            about = {"to_name": to_name, "name_unverified": unverified == "yes", "description": description}
            about["signed_off"] = said.get("signed_off", "") or None
            if isinstance(amount, int):
                bad("amount", "banks and phones are paid in fiat: write for example 5000NGN")
            elif amount is not None:
                _check_account(destination.payout, amount, bad)
    if amount is None and len(problems) == before:
        bad("amount", f"how much shall {shown} get?")
    if comment and kind != "lnurl":
        bad("comment", "only addresses and LNURLs take a comment")
    if description and kind != PAYOUT:
        bad("description", "only banks and phones are told one")
    if said.get("signed_off") and kind != PAYOUT:
        bad("signed_off", "only banks and phones have a holder to check")
    if to_name is not None and kind != PAYOUT:
        bad("to_name", "only banks and phones have a holder to check")
    if len(problems) > before:
        return None
    return Row(
        row=number,
        kind=kind,
        to=destination.text if destination is not None and kind == "bolt11" else to,
        shown=shown,
        amount=said.get("amount", ""),
        amount_msat=amount if isinstance(amount, int) else None,
        memo=said.get("memo", ""),
        reference=said.get("reference", "") or None,
        category=said.get("category", "") or None,
        comment=comment,
        **about,
    )


def _destination(ws: Workspace, to: str, bad: Callable[[str, str], None]) -> Destination | None:
    """Whom a row pays; None for a cheque, or when it can't be told."""
    if not to:
        bad("to", "nobody is named")
        return None
    if to.lower() in (CHEQUE, LINK):
        return None
    try:
        return reading.read(ws, to)
    except errors.Usage as error:
        bad("to", told(error))
        return None


def _check_account(to: orders.Destination, amount: Fiat, bad: Callable[[str, str], None]) -> None:
    """Whether a number can be one of an account or a phone at all."""
    from amani_cli.payees import banks

    if not to.bank:
        return
    try:
        (banks.phone if to.mobile else banks.account)(to.account, amount.currency)
    except errors.Usage as error:
        bad("to", told(error))


def told(error: errors.AmaniError) -> str:
    """What is wrong with a cell, and the way out."""
    return f"{error.message.rstrip('.')}. {error.hint}" if error.hint else error.message


def _with_stated(
    destination: Destination, amount: int | Fiat | None, bad: Callable[[str, str], None]
) -> int | Fiat | None:
    stated = destination.amount_msat
    if stated is not None and amount not in (None, stated):
        bad("amount", f"the link asks for {format_sat(stated)}")
    return amount if amount is not None else stated


def _about_invoice(
    ws: Workspace, destination: Destination, amount: int | Fiat | None, bad: Callable[[str, str], None]
) -> tuple[dict[str, Any], int | None]:
    try:
        if isinstance(amount, Fiat):
            raise errors.Usage("an invoice says itself how much it is over: leave the amount out")
        order = paying.Order(paying.read_invoice(destination.text, amount))
        paying.check(ws, order)
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


def find_doubles(ws: Workspace, rows: list[Row], problems: list[Problem]) -> None:
    """Rows that pay the same invoice or carry the same reference are wrong; what only looks so is pointed out."""
    seen: dict[tuple[str, str], int] = {}
    same: dict[tuple[str, int | Fiat], list[Row]] = {}
    for row in rows:
        for column, value in (("to", row.payment_hash), ("reference", row.reference)):
            if value is None:
                continue
            first = seen.setdefault((column, value), row.row)
            if first != row.row:
                what = "the invoice" if column == "to" else "the reference"
                problems.append(Problem(row.row, column, f"{what} stands in row {first} already"))
        if row.kind in ("lnurl", PAYOUT):
            same.setdefault((row.whom(ws), row.meant), []).append(row)
    for alike in same.values():
        if len(alike) > 1:
            names = " = ".join(dict.fromkeys(row.shown for row in alike))
            numbers = ", ".join(str(row.row) for row in alike)
            ws.talk.warn(f"rows {numbers}: {names} gets {_how_much(alike[0].meant)} each time")
    _point_out_paid(ws, rows, set(same))


def _point_out_paid(ws: Workspace, rows: list[Row], wanted: set[tuple[str, int | Fiat]]) -> None:
    """Rows whose invoice was paid, or whose payee got the same lately."""
    since = to_rfc3339(int(ws.store.clock.earlier()) - RECENT_S)
    earlier: dict[tuple[str, int | Fiat], Entry] = {}
    for entry in journal.paid_since(ws.store, since) if wanted else ():
        payee = canonical.of_entry(ws, entry)
        earlier |= {(payee, amount): entry for amount in canonical.amounts_of(entry) if (payee, amount) in wanted}
    for row in rows:
        if row.payment_hash is not None:
            found = journal.sent_for(ws.store, row.payment_hash)
        else:
            found = earlier.get((row.whom(ws), row.meant)) if row.kind != CHEQUE else None
        if found is not None:
            ws.talk.warn(f"row {row.row}: {row.shown[:60]} got the same on {local(found.created_at)} ({found.id})")


def _how_much(amount: int | Fiat) -> str:
    return format_sat(amount) if isinstance(amount, int) else format_fiat(amount)


def find_taken(ws: Workspace, rows: list[Row], giver: str, problems: list[Problem]) -> None:
    """A row whose own reference stands for something else already would never be paid."""
    own = {row.reference: row for row in rows if row.reference is not None}
    for reference in references.taken(ws.store, {name: row.meaning(ws, giver) for name, row in own.items()}):
        message = f"'{reference}' stands for something else already: amani history show {reference}"
        problems.append(Problem(own[reference].row, "reference", message))


def bad_rows(problems: list[Problem]) -> errors.Usage:
    """The error that tells of every problem, the first in its message."""
    problems = sorted(problems, key=lambda problem: (problem.row, problem.column))
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return errors.Usage(
        f"row {first.row}, column {first.column}: {first.message}{more}",
        code="BAD_ROWS",
        hint="No plan was written. Mend the table and plan again.",
        details={"rows": [asdict(problem) for problem in problems]},
    )
