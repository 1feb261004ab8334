"""`amani completion values KIND`: the names that a TAB offers, read with as little of Python as it takes.

A person waits for this at every TAB, so it stands apart from the command tree and the store: nothing but sqlite3 is
imported, one query is made, and whatever is wrong ends in no names rather than in an error across the prompt. A ledger
on a server is asked for no longer than a person would wait for it.
"""

from __future__ import annotations

import os
import sqlite3
import sys

TYPE_CHECKING = False  # as typing has it, which takes as long to import as all of this
if TYPE_CHECKING:
    from collections.abc import Mapping

    Environ = Mapping[str, str]

PATIENCE_S = 1.0

# What each kind of name is, as one query over the database.
KINDS = {
    "wallets": "SELECT name FROM wallet ORDER BY is_default DESC, sandbox, name_key",
    "contacts": "SELECT name FROM contact ORDER BY name_key",
    "cheques": "SELECT id FROM cheque WHERE status NOT IN ('claimed', 'void') ORDER BY created_at DESC, id",
}


def main(words: list[str]) -> None:
    """Print the names of the kind that is asked for, one a line; nothing when there are none to be had."""
    names = known(words[0], os.environ) if words else []
    sys.stdout.write("".join(f"{name}\n" for name in names))
    sys.stdout.flush()


def known(kind: str, environ: Environ) -> list[str]:
    """The names of a kind in the ledger, wherever it is; none if it can't be had at once."""
    address = shared(environ)
    return names_of(kind, database(environ)) if address is None else names_at(kind, address, environ)


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


def names_at(kind: str, address: str, environ: Environ) -> list[str]:
    """The names of a kind in a ledger on a server, if it answers within `PATIENCE_S`."""
    import threading

    found: list[str] = []

    def ask() -> None:
        from contextlib import suppress

        with suppress(Exception):
            from amani_cli.store import opening

            found.extend(opening.names(address, environ, KINDS[kind]))

    # What looks up a name or waits for a line can't be told to stop; the process ends without it.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE_S)
    return list(found)


def shared(environ: Environ) -> str | None:
    """The address of the ledger on a server; None where it is a file.

    "" where a password would have to be asked for: a TAB runs no command that may want a finger or a passphrase.
    """
    said = _said(environ)
    address = environ.get("AMANI_STORE") or said.get("store", "sqlite")
    if address == "sqlite":
        return None
    command = environ.get("AMANI_STORE_PASSWORD_COMMAND") or said.get("store_password_command", "off")
    return address if command == "off" else ""


def _said(environ: Environ) -> dict[str, str]:
    """What the settings file says, if it says anything of a store."""
    try:
        with open(settings(environ), encoding="utf-8") as file:
            text = file.read()
        if "store" not in text:
            return {}
        import tomllib

        return {name: str(value) for name, value in tomllib.loads(text).items()}
    except (OSError, ValueError):
        return {}


def database(environ: Environ) -> str:
    """Where `amani_cli.config` keeps the database. By hand, because platformdirs costs more than all the rest."""
    return _kept(environ, "amani.db", "XDG_DATA_HOME", "~/.local/share")


def settings(environ: Environ) -> str:
    """Where `amani_cli.config` keeps the settings."""
    return _kept(environ, "config.toml", "XDG_CONFIG_HOME", "~/.config")


def _kept(environ: Environ, name: str, variable: str, otherwise: str) -> str:
    home = environ.get("AMANI_HOME")
    if home:
        return os.path.join(os.path.expanduser(home), name)
    folder = environ.get(variable, "")
    if not os.path.isabs(folder):
        folder = os.path.expanduser("~/Library/Application Support" if sys.platform == "darwin" else otherwise)
    return os.path.join(folder, "amani", name)
