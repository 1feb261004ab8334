"""LNbits' JSON, read tolerantly from 0.12 to 1.6: what is missing or odd becomes None, never a guess about money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeGuard

from amani_cli import keys
from amani_cli.encodings import bech32
from amani_cli.providers.base import Named, RecordStatus
from amani_cli.providers.http import Answer
from amani_cli.text import mask

EXTRA = "amani"  # under which a record keeps what was told along with a payment


def named(extra: object) -> Named | None:
    """What amani told along with a payment. Others may write there too: what is not of its form is nothing."""
    told = extra.get(EXTRA) if isinstance(extra, dict) else None
    if not isinstance(told, dict):
        return None
    names = ("reference", "meaning", "claimer", "agent")
    reference, meaning, claimer, agent = (each if isinstance(each, str) else None for each in map(told.get, names))
    if reference is None or meaning is None:  # one says nothing without the other
        reference = meaning = None
    found = Named(reference, meaning, claimer, agent, tuple(_pairs(told.get("also"))))
    return found if any(found) else None


def _pairs(listed: object) -> Iterator[tuple[str, str]]:
    for each in listed if isinstance(listed, list) else []:
        match each:
            case [str(reference), str(meaning)]:
                yield reference, meaning


def lnurl(said: object) -> str | None:
    """An LNURL (LUD-01) as phones scan it, of one that is ready-made or of an address; None for anything else."""
    if not isinstance(said, str) or not said.isascii():
        return None
    scheme, separator, rest = said.partition("://")
    if separator and scheme.lower() in ("https", "http", "lnurlw") and rest:
        # LUD-17: what is called lnurlw is fetched by https, but for an onion service
        onion = rest.partition("/")[0].partition(":")[0].endswith(".onion")
        scheme = ("http" if onion else "https") if scheme.lower() == "lnurlw" else scheme
        return bech32.encode("lnurl", f"{scheme}://{rest}".encode()).upper()
    return said if said.lower().startswith("lnurl1") else None


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62


def decimal(value: object) -> Decimal | None:
    """A price or a rate; None for what no currency's can be, however it is written."""
    number = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return number if isinstance(number, Decimal) and -20 < number.adjusted() < 20 else None


def hex_or_none(value: object) -> str | None:
    """A preimage, unless it is absent or the 64 zeros that 0.12 sends for "none"."""
    if not isinstance(value, str) or len(value) != 64 or value.strip("0123456789abcdefABCDEF"):
        return None
    return value if value.strip("0") else None


def status(body: dict[str, Any], paid: object) -> RecordStatus:
    said = body.get("status")
    if said in ("success", "complete", "settled"):
        return "settled"
    if said == "failed":
        return "failed"
    if said == "pending":
        return "pending"
    return "settled" if paid is True or body.get("pending") is False else "pending"


def text(value: object) -> str:
    """Text from outside as it can be stored: a lone surrogate (half a character) can't be."""
    if isinstance(value, str) and value.isascii():
        return value
    return str(value or "").encode("utf-8", "replace").decode("utf-8")


def when(value: object) -> str | None:
    """A time from any version: ISO 8601 with or without its offset (then UTC), or unix seconds (with a fraction)."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if value[10:11] == "T" and value[16:17] == ":" and value[5] != "W" and value[-6:] == "+00:00":  # mostly
                return f"{value[:19]}Z" if value >= "1970" else None
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif is_int(value) or isinstance(value, Decimal):
            moment = datetime.fromtimestamp(int(value), UTC)
        else:
            return None
        moment = moment.astimezone(UTC)
        # A year of fewer than four digits would be stored as no date at all.
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1970 else None
    except (ValueError, OverflowError, OSError):
        return None


def seconds(value: object) -> float | None:
    """The same as unix seconds, with their fraction."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return float(value) if is_int(value) or isinstance(value, Decimal) else None
    except (ValueError, OverflowError):
        return None


def detail(answer: Answer) -> str:
    """What an error says: `detail` as text or list, then `error`, then `message`."""
    body = answer.body
    if not isinstance(body, dict):
        return ""
    detail = body.get("detail")
    if isinstance(detail, list):
        parts = []
        for each in detail:
            where = each.get("loc") if isinstance(each, dict) else None
            name = str(where[-1]) + ": " if isinstance(where, list) and where else ""
            parts.append(name + str(each.get("msg") if isinstance(each, dict) else each))
        return mask("; ".join(parts), keys.SEEN)[:500]
    for said in (detail, body.get("error"), body.get("message")):
        if isinstance(said, str) and said:
            return mask(said, keys.SEEN)[:500]  # it is journaled, and a server may repeat the key
    return ""


def is_lnbits(answer: Answer) -> bool:
    return isinstance(answer.body, dict) and "detail" in answer.body


def payment_code(reason: str) -> str:
    lowered = reason.lower()
    if "insufficient balance" in lowered or "you must reserve" in lowered:
        return "INSUFFICIENT_FUNDS"
    if "already" in lowered and "paid" in lowered:
        return "PAID_BY_ANOTHER"
    if "bolt11 decoding" in lowered:
        return "BAD_INVOICE"
    return "REJECTED"
