"""Opens, makes and upgrades a ledger on a server; psycopg is imported for nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from amani_cli import errors
from amani_cli.files import named
from amani_cli.store import address
from amani_cli.store.ledger import SCHEMA_VERSION, Store
from amani_cli.store.rows import Row

if TYPE_CHECKING:
    from amani_cli.store.postgres import PostgresStore

# Who does not hear from the server for so long gives its line up; libpq's own default is two hours.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20000,
}


def open_shared(text: str, environ: Mapping[str, str], folder: Path, password_command: str = "") -> PostgresStore:
    """Open the ledger at an address; `folder` is where this machine keeps what is its own.

    Raises `errors.Usage` without psycopg, for a line that is not safe, and for a ledger of another schema;
    `errors.Unreachable` when it can't be reached.
    """
    store = _at(text, environ, folder, password_command)
    try:
        _check_schema(store)
    except BaseException:
        store.close()
        raise
    return store


def open_named(text: str, environ: Mapping[str, str], folder: Path, password_command: str = "") -> Store:
    """Open the store that a text names: `sqlite:PATH`, made on first use, or the address of a ledger on a server."""
    kind, _, path = text.partition(":")
    if kind == address.HERE:
        from amani_cli.store.sqlite import open_store

        return open_store(named(path).absolute() if path else folder / "amani.db")
    return open_shared(address.checked(text), environ, folder, password_command)


def names(text: str, environ: Mapping[str, str], query: str) -> list[str]:
    """The names that a query answers, of the ledger at an address. Raises what `open_shared` raises."""
    store = _at(text, environ, Path(), "")
    try:
        return [str(row[0]) for row in store.wire.ask([(query, ())])[0][0]]
    finally:
        store.close()


def upgrade(text: str, environ: Mapping[str, str], folder: Path, password_command: str = "") -> tuple[int, int]:
    """Make the ledger at an address, or upgrade it, in one transaction; returns its schema before (0: none) and now."""
    store = _at(text, environ, folder, password_command)
    try:
        return _upgraded(store)
    finally:
        store.close()


def _at(text: str, environ: Mapping[str, str], folder: Path, password_command: str) -> PostgresStore:
    try:
        import psycopg
    except ImportError:
        raise errors.Usage(
            "a ledger on PostgreSQL needs the driver psycopg, which is not installed",
            code="NO_DRIVER",
            hint="Install it: pip install 'amani-cli[postgres]'",
        ) from None
    from psycopg import ClientCursor

    from amani_cli.store.postgres import PostgresStore
    from amani_cli.store.postgres_rows import adapt

    said = {**_PATIENCE, "client_encoding": "utf8", "application_name": "amani", **address.parameters(text, environ)}
    if password_command:
        said["password"] = address.password(password_command, environ)

    def connect() -> psycopg.Connection[Any]:
        line = psycopg.connect(**said, autocommit=True, prepare_threshold=None, cursor_factory=ClientCursor)
        adapt(line)
        return line

    return PostgresStore(address.shown(text), folder, connect)


def server(store: Store) -> tuple[str, str]:
    """The version of a ledger's server, and whether it syncs to its disk (`on`)."""
    row = store.one(Row, "SELECT current_setting('server_version'), current_setting('fsync')")
    assert row is not None
    return str(row[0]), str(row[1])


class Role(NamedTuple):
    """Who amani is to a ledger's server, and what that may do."""

    name: str
    is_owner: bool
    edits_audit: bool
    writes: bool


def role(store: Store) -> Role:
    """The role by which a ledger is used."""
    row = store.one(
        Row,
        "SELECT current_user, pg_has_role(relowner, 'MEMBER'), has_table_privilege(oid, 'UPDATE, DELETE'),"
        " has_table_privilege('payment', 'INSERT') FROM pg_class WHERE oid='audit'::regclass",
    )
    assert row is not None
    return Role(str(row[0]), bool(row[1]), bool(row[2]), bool(row[3]))


_VERSION = "SELECT version, id FROM ledger_schema"


def _check_schema(store: PostgresStore) -> None:
    """Refuse a ledger of another schema. Raises `errors.Usage`."""
    import psycopg

    from amani_cli.store.postgres_errors import explained

    try:
        found = store.opened_at(_VERSION)
    except psycopg.errors.UndefinedTable as error:
        raise errors.Usage(
            f"there is no ledger at {store.where} yet",
            code="NO_LEDGER",
            hint="Make it, as the role that shall own its tables: AMANI_STORE=postgresql://OWNER@… amani store upgrade",
        ) from error
    except psycopg.Error as error:
        raise explained(error, store.where) from error
    if found > SCHEMA_VERSION:
        raise _newer(store, found)
    if found < SCHEMA_VERSION:
        raise errors.Usage(
            f"the ledger at {store.where} has schema {found}, and this amani needs {SCHEMA_VERSION}",
            code="OLDER_DATABASE",
            hint="Upgrade amani on every machine, then run 'amani store upgrade' once, as the ledger's owner.",
        )


def _upgraded(store: PostgresStore) -> tuple[int, int]:
    import psycopg

    from amani_cli.store import postgres_schema, postgres_search
    from amani_cli.store.postgres import alone
    from amani_cli.store.postgres_errors import explained

    there = (
        "SELECT to_regclass('ledger_schema') IS NOT NULL, to_regclass('payment') IS NOT NULL,"
        f" {postgres_search.IS_WANTED}"
    )
    wire = store.wire
    try:
        is_ours, is_taken, is_wanted = wire.ask([*alone(), (there, ())])[-1][0][0]
        found = int(wire.exchange([(_VERSION, ())])[0][0][0][0]) if is_ours else 0
        if is_taken and not is_ours:
            raise errors.Usage(
                f"{store.where} holds tables of another program",
                code="BAD_DATABASE",
                hint="Name a database, or a schema by the role's search_path, that is amani's alone.",
            )
        if found > SCHEMA_VERSION:
            raise _newer(store, found)
        steps = postgres_schema.statements(found, SCHEMA_VERSION) if found < SCHEMA_VERSION else []
        steps += [postgres_search.INDEX] if is_wanted else []
        wire.exchange([*[(each, ()) for each in steps], ("COMMIT", ())])
    except psycopg.errors.InsufficientPrivilege as error:
        raise errors.NotAuthorised(
            f"this role can't make or upgrade the ledger at {store.where}",
            code="LEDGER_REFUSED",
            hint="Only its owner can: AMANI_STORE=postgresql://OWNER@… amani store upgrade (docs/team-store.md)",
        ) from error
    except psycopg.Error as error:
        raise explained(error, store.where) from error
    finally:
        wire.roll_back()
    return found, SCHEMA_VERSION


def _newer(store: PostgresStore, found: int) -> errors.Usage:
    return errors.Usage(
        f"the ledger at {store.where} was upgraded by a newer amani (schema {found}; this one knows {SCHEMA_VERSION})",
        code="NEWER_DATABASE",
        hint="Upgrade amani on this machine.",
    )
