"""One text of SQL for both engines: what SQLite says in a way of its own, said as PostgreSQL understands it.

Queries are written in the SQL that both share, with `?` or `?1` for a value. What is left is translated here and
nowhere else: hints for SQLite's planner are dropped, LIKE keeps ignoring case, and a time that is text becomes seconds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# What is in quotes stays as it is, but for a percent sign, which would be taken for a value's place.
_QUOTED = re.compile(r"('(?:[^']|'')*')")
_PLACE = re.compile(r"\?(\d*)")
_CHANGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), change)
    for pattern, change in (
        (r" INDEXED BY \w+", ""),
        (r" NOT INDEXED\b", ""),
        # A plus keeps SQLite from an index.
        (r"(?<=[( ])\+(?=[a-z_]+ ?[=<>])", ""),
        (r"(\w+)=\? COLLATE NOCASE", r"lower(\1)=lower(?)"),
        (r"\bLIKE\b", "ILIKE"),
        (r" IS (\?\d*)(?! IS)", r" IS NOT DISTINCT FROM \1"),
        (r"\binstr\(", "strpos("),
    )
)
# Around quotes, so before the text is parted by them.
_SECONDS = re.compile(r"CAST\(strftime\('%s', ([\w.?]+)\) AS INTEGER\)")
# The tables that number their rows: who adds one may ask for its number.
_NUMBERED = re.compile(r"INSERT INTO (wallet|event) ")


class Translated(NamedTuple):
    """A statement for psycopg; `places` are the values in the order in which it wants them."""

    text: str
    places: tuple[int, ...]
    is_change: bool


@lru_cache(512)
def translated(sql: str) -> Translated:
    """A statement as PostgreSQL understands it."""
    text = _SECONDS.sub(r"extract(epoch FROM (\1)::timestamptz)::bigint", sql)
    places: list[int] = []

    def place(found: re.Match[str]) -> str:
        places.append(int(found[1]) - 1 if found[1] else len(places))
        return "%s"

    parts = _QUOTED.split(text)
    for at in range(0, len(parts), 2):
        for pattern, change in _CHANGES:
            parts[at] = pattern.sub(change, parts[at])
    parts = [part.replace("%", "%%") for part in parts]
    for at in range(0, len(parts), 2):
        parts[at] = _PLACE.sub(place, parts[at])
    text = "".join(parts)
    if _NUMBERED.match(text):
        text += " RETURNING id"
    return Translated(text, tuple(places), text.lstrip().startswith(("INSERT", "UPDATE", "DELETE")))
