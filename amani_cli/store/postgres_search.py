"""Words in the journal of a ledger on a server: where pg_trgm is there, `store upgrade` makes an index of them.

Without it the journal itself is read, in the order of time.
https://www.postgresql.org/docs/current/pgtrgm.html
"""

from __future__ import annotations

import psycopg

from amani_cli.store.ledger import beyond, literal
from amani_cli.store.postgres import PostgresStore
from amani_cli.store.postgres_errors import explained
from amani_cli.store.postgres_wire import Statement
from amani_cli.store.rows import Row

IS_WANTED = (
    "to_regclass('payment_words') IS NULL"
    " AND EXISTS (SELECT 1 FROM pg_opclass WHERE opcname='gin_trgm_ops' AND pg_opclass_is_visible(oid))"
)
"""Whether there is no index yet, and the extension is there, where amani's role finds it."""
# So much of a node's key is looked up, and of a text; the journal's own rows have the last word.
LOOKED_UP = 16
TEXT = (
    "(memo||chr(10)||coalesce(reference,'')||chr(10)||wallet||chr(10)||coalesce(CASE WHEN length(destination)=66"
    f" AND substr(destination,1,2) IN ('02','03') THEN substr(destination,1,{LOOKED_UP}) ELSE destination END,''))"
)
INDEX = f"CREATE INDEX payment_words ON payment USING gin ({TEXT} gin_trgm_ops)"


def candidates(store: PostgresStore, text: str, most: int) -> list[str] | None:
    """The ids of all payments that may have a text; None if there are more than `most`, or there is no index."""
    row = store.one(Row, "SELECT to_regclass('payment_words') IS NOT NULL")
    if row is None or not row[0]:
        return None
    low = text.lower()
    begins: list[Statement] = [
        (f"SELECT id FROM payment WHERE {column}>=? AND {column}<? LIMIT ?", (low, beyond(low), most + 1))
        for column in ("id", "payment_hash")
    ]
    within: Statement = (
        f"SELECT id FROM payment WHERE {TEXT} LIKE ? ESCAPE '\\' LIMIT ?",
        (f"%{literal(text[:LOOKED_UP])}%", most + 1),
    )
    # How rare a text is can't be told beforehand: to read all of the journal is what is to be avoided.
    only_indexes: list[Statement] = [("BEGIN READ ONLY", ()), ("SET LOCAL enable_seqscan=off", ())]
    try:
        answers = store.wire.ask([*only_indexes, within, *begins, ("ROLLBACK", ())])
    except psycopg.Error as error:
        raise explained(error, store.where) from error
    found = {each[0] for rows, _ in answers[2:-1] for each in rows}
    return None if len(found) > most else sorted(found)
