"""What a customer has, read: an invoice, hash, code, id, address, number, contact, amount with its day, or words.

It may stand inside a pasted mail, and be cut as tables and screenshots cut it (`3f2a…`, `3f2a…91bc`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from amani_cli import errors, keys
from amani_cli.amounts import Fiat, parse_amount
from amani_cli.cheques import naming
from amani_cli.encodings import bolt11, cheque_code
from amani_cli.store import contacts, links, traces
from amani_cli.store.wallets import name_key
from amani_cli.text import holds
from amani_cli.times import Period, from_rfc3339, parse_when, to_rfc3339
from amani_cli.workspace import Workspace

NUMBER = "a phone or account number"
AMOUNT = "an amount"
CODE = "a cheque's code"
LINK = "a cheque's link"
SECRET = (CODE, LINK)  # kinds of which nothing is repeated
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_PHONE = r"(?<![\w.,])\+?[0-9][0-9 ()/-]{6,}[0-9](?![\w.,]\w)"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Clue(NamedTuple):
    """What was asked about: its `kind` in words, and what to search for (see `store.traces.Wanted`).

    `exact` are whole names of things, hashes among them; `ends` the beginning and the end of a shortened one; `parts`
    what may stand anywhere in a text. An `amount` is looked for within a `period`.
    """

    kind: str
    exact: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    ends: tuple[str, str] | None = None
    parts: tuple[str, ...] = ()
    amount: int | Fiat | None = None
    period: Period = Period()

    @property
    def wanted(self) -> traces.Wanted:
        """The same for the journal."""
        return traces.Wanted(self.exact, self.hashes, self.ends, self.parts)

    def fits(self, ids: tuple[str | None, ...], texts: tuple[str | None, ...]) -> bool:
        """Whether what a provider has fits, by the rule that the journal is searched by."""
        for each in filter(None, ids):
            low = each.lower()
            if each in self.exact or low in self.hashes:
                return True
            if self.ends and low.startswith(self.ends[0]) and low.endswith(self.ends[1]):
                return True
        return any(holds(text, part) for text in texts if text for part in self.parts)


def read(ws: Workspace, text: str) -> Clue:
    """Tell what a text is. A cheque's code is money: it is remembered for the mask and never shown again."""
    text = "\n".join(line.lstrip("> ") for line in text.translate(_INVISIBLE).strip().splitlines())
    text = text.replace("...", "…")
    if not text.strip():
        raise errors.Usage(
            "what shall be traced?", hint="Give an invoice, hash, code, id, reference, address or words."
        )
    found = _link(ws, text) or _named(text) or _contact(ws, text) or _amount(text)
    if found is not None:
        return found
    words = " ".join(text.split())
    if re.fullmatch(_PHONE, words):
        return _number(words)
    if " " not in words:
        ends = (words.lower(), "") if re.fullmatch(r"[\w-]{6,}", words) else None
        return Clue("a reference, an id or words", (words,), ends=ends, parts=(words,))
    return _inside(text) or Clue("a reference, an id or words", (words,), parts=(words,))


def _named(text: str) -> Clue | None:
    """What can't be taken for anything else, wherever in the text it stands."""
    code = re.search(rf"(?i)\b{cheque_code.PREFIX}[0-9a-z\s]{{40,}}", text)
    if code is not None or text.lower().startswith(cheque_code.PREFIX):
        return _code(code[0] if code else text)
    for at in re.finditer(r"(?i)ln(?:bcrt|bc|tbs|tb|sb)[0-9]", text):
        invoice = _invoice(text[at.start() :])
        if invoice is not None:
            return Clue("an invoice", hashes=(invoice.payment_hash,))
    if bolt11.looks_like_invoice(text.removeprefix("lightning:")) and "…" not in text:
        bolt11.decode_invoice(text)  # which says what is wrong with it
    whole = re.search(r"(?<![\w…])[0-9a-fA-F]{64}(?![\w…])", text)
    if whole is not None:
        known = whole[0].lower()
        hashes = (known, sha256(bytes.fromhex(known)).hexdigest())
        return Clue("a payment hash or preimage", (known,), hashes)
    cut = re.search(r"(?<!\w)([\w-]{4,})…([0-9a-zA-Z]*)", text)
    if cut is not None:
        return Clue("the ends of an id or hash", ends=(cut[1].lower(), cut[2].lower()))
    ours = re.search(r"(?<!\w)(?:pay|chq)_[0-9a-z]{4,}(?!\w)", text)
    if ours is not None:
        return Clue("an id of amani's", (ours[0],), ends=(ours[0], ""))
    return None


def _link(ws: Workspace, text: str) -> Clue | None:
    """The cheque that a link is for, which is money as its code is."""
    token = naming.token_in(text)
    if token is None:
        return None
    hashed = naming.hash_of(token)
    row = links.cheque_of(ws.store, hashed) if ws.has_store else None
    return Clue(LINK, (row.id if row is not None else hashed,))


def _code(text: str) -> Clue:
    keys.SEEN.update((text.strip(), "".join(text.split())))
    pieces = text.split()
    for upto in range(len(pieces), 1, -1):  # words of the mail may follow it
        try:
            code = cheque_code.decode("".join(pieces[:upto]))
            break
        except errors.AmaniError:
            continue
    else:
        code = cheque_code.decode(pieces[0])
    keys.SEEN.add(code.admin_key)
    return Clue(CODE, (code.wallet_id,))


def _invoice(text: str) -> bolt11.Invoice | None:
    """The invoice that a text begins with; mails break it over lines."""
    pieces = text.split(maxsplit=40)
    for upto in range(1, min(len(pieces), 40) + 1):
        try:
            return bolt11.decode_invoice("".join(pieces[:upto]).rstrip(".,;:!?)>]\"'"))
        except errors.AmaniError:
            continue
    return None


def _contact(ws: Workspace, text: str) -> Clue | None:
    """A contact by name, or by a part of it, with all that is kept of it: what people call one payee may be several."""
    wanted = name_key(text)
    every = contacts.every(ws.store) if ws.has_store and len(wanted) >= traces.SHORTEST_WORD else []
    same = [row for row in every if row.name_key == wanted] or [
        row for row in every if wanted in row.name_key.split() or row.name_key.startswith(wanted)
    ]
    if not same:
        return None
    numbers = tuple(row.destination.partition("?")[0] for row in same)
    words = " ".join(text.split())
    return Clue("a contact", (words,), parts=(words, *numbers))


def _number(text: str) -> Clue:
    digits = re.sub(r"[^0-9]", "", text.replace("(0)", "")).lstrip("0")
    return Clue(NUMBER, (text,), parts=(digits, text) if text != digits else (digits,))


def _inside(text: str) -> Clue | None:
    """An address or a number in the middle of other words. In a short text they are words like the others."""
    address = re.search(_ADDRESS, text)
    if address is not None:
        return Clue("an address", parts=(address[0],))
    phone = re.search(_PHONE, text)
    if phone is not None and len(re.sub(r"[^0-9]", "", phone[0])) >= 9:
        return _number(" ".join(phone[0].split()))
    return None


def _amount(text: str) -> Clue | None:
    """`2100 sat, Tuesday`: an amount, and the day if one is told; the currency must be."""
    number = r"[0-9][0-9_,]*(?:\.[0-9]+)?"
    money = re.search(rf"(?i)(?<![\w.])(?:([A-Z]{{3}}) ?({number})|({number}) ?(k?sats?|msat|btc|[A-Z]{{3}}))\b", text)
    if money is None or len(text) > 60:
        return None
    try:
        wanted = parse_amount(f"{money[2] or money[3]}{money[1] or money[4]}".replace(",", ""))
    except errors.Usage:
        return None
    if wanted == "max":
        return None
    rest = (text[: money.start()] + text[money.end() :]).strip(" ,.;:")
    rest = re.sub(r"(?i)^(?:on|from|of|at)\s+", "", rest)
    period = _day(rest, datetime.now().astimezone()) if rest else Period()
    return None if period is None else Clue(AMOUNT, amount=wanted, period=period)


def _day(text: str, today: datetime) -> Period | None:
    """The whole day that is meant, the last one of that name; None if it is no day."""
    word = re.sub(r"(?i)^last\s+", "", text).lower()
    named = [at for at, name in enumerate(_DAYS) if len(word) >= 3 and name.startswith(word)]
    if named:
        back = (today.weekday() - named[0]) % 7
        return _period(today.date() - timedelta(days=back))
    month = re.fullmatch(r"(?:([0-9]{1,2})\.? ([a-z]{3,9})|([a-z]{3,9}) ([0-9]{1,2}))(?:,? ([0-9]{4}))?", word)
    if month is not None and (month[2] or month[3])[:3] in _MONTHS:
        try:
            number = _MONTHS.index((month[2] or month[3])[:3]) + 1
            day = date(int(month[5] or today.year), number, int(month[1] or month[4]))
            if day > today.date() and not month[5]:
                day = day.replace(year=day.year - 1)  # the 29th of February may have no such year
        except ValueError:
            return None
        return _period(day)
    try:
        began = parse_when(word, datetime.now(UTC)).astimezone()
    except errors.Usage:
        return None
    return _period(began.date())


def _period(day: date) -> Period:
    first, after = (parse_when(each.isoformat(), datetime.now(UTC)) for each in (day, day + timedelta(days=1)))
    return Period(to_rfc3339(first), to_rfc3339(after))


def days(period: Period) -> str:
    """The options of `history list` for a period of whole days."""
    words = [
        f"--{name} {from_rfc3339(moment).astimezone():%Y-%m-%d}"
        for name, moment in (("since", period.since), ("until", period.until))
        if moment
    ]
    return " ".join(words)
