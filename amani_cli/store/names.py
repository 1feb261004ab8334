"""`amani completion values KIND`: the names that a TAB offers, read with as little of Python as it takes.

A person waits for this at every TAB, so it stands apart from the command tree and the store: nothing but sqlite3 is
imported, one query is made, and whatever is wrong ends in no names rather than in an error across the prompt.
"""

from __future__ import annotations

import os
import sqlite3
import sys

# What each kind of name is, as one query over the database.
KINDS = {
    "wallets": "SELECT name FROM wallet ORDER BY is_default DESC, sandbox, name_key",
    "contacts": "SELECT name FROM contact ORDER BY name_key",
    "cheques": "SELECT id FROM cheque WHERE status NOT IN ('claimed', 'void') ORDER BY created_at DESC, id",
}


def main(words: list[str]) -> None:
    """Print the names of the kind that is asked for, one a line; nothing when there are none to be had."""
    names = names_of(words[0], database(os.environ)) if words else []
    sys.stdout.write("".join(f"{name}\n" for name in names))
    sys.stdout.flush()


def names_of(kind: str, path: str) -> list[str]:
    """The names of a kind in the database at `path`; none if either is not there."""
    if kind not in KINDS or not os.path.exists(path):
        return []
    try:
        connection = sqlite3.connect(path, timeout=1)
        try:
            return [row[0] for row in connection.execute(KINDS[kind])]
        finally:
            connection.close()
    except sqlite3.Error:
        return []


def database(environ: os._Environ[str] | dict[str, str]) -> str:
    """Where `amani_cli.config` keeps the database. By hand, because platformdirs costs more than all the rest."""
    home = environ.get("AMANI_HOME")
    if home:
        return os.path.join(os.path.expanduser(home), "amani.db")
    data = environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(data):
        data = os.path.expanduser("~/Library/Application Support" if sys.platform == "darwin" else "~/.local/share")
    return os.path.join(data, "amani", "amani.db")
