"""Amounts, moments and sentences in a visitor's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from amani_cli.amounts import Fiat, format_fiat, format_sat
from amani_cli.models.money import Quoted
from amani_cli.serve.words import CATALOGUE, month
from amani_cli.times import from_rfc3339


@dataclass(frozen=True)
class Speech:
    """One language of the catalogue."""

    language: str

    def __call__(self, key: str, **filled: object) -> str:
        """A sentence with what belongs into it."""
        return CATALOGUE[self.language][key].format(**filled)

    def amount(self, amount_msat: int) -> str:
        """An amount in sat: in French a comma is what a point is elsewhere."""
        text = format_sat(amount_msat)
        return text.replace(",", "\N{NARROW NO-BREAK SPACE}") if self.language == "fr" else text

    def moment(self, when: str) -> str:
        """A moment (RFC 3339) as people say it. In UTC: without a script nobody tells where the visitor is."""
        at = from_rfc3339(when).astimezone(UTC)
        name = month(self.language, at.month)
        day = "1er" if self.language == "fr" and at.day == 1 else str(at.day)
        return self("date", day=day, month=name, year=at.year, time=f"{at:%H:%M}")

    def left(self, until: str, now: float) -> str:
        """How long there is left until a moment, in the largest unit of which there are at least two."""
        seconds = max(0, int(from_rfc3339(until).timestamp() - now))
        for unit, length in (("days", 86400), ("hours", 3600)):
            if seconds >= 2 * length:
                return self(unit, n=seconds // length)
        return self("minutes", n=-(-seconds // 60))

    def worth(self, quoted: Quoted) -> str:
        """About what an amount is in the giver's currency, and how old the price is."""
        seconds = max(0, int((datetime.now(UTC) - from_rfc3339(quoted.at)).total_seconds()))
        if seconds < 120:
            age = self("just_now")
        elif seconds < 7200:
            age = self("minutes_ago", n=seconds // 60)
        else:
            age = self("hours_ago", n=seconds // 3600)
        return self("about", value=format_fiat(Fiat(quoted.value, quoted.currency)), age=age)
