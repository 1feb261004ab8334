"""Where a ledger for several machines is: an address as libpq takes it, without a password, and with checked TLS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from amani_cli import errors

HERE = "sqlite"
"""What the setting says where the ledger is the file of this machine."""
SCHEMES = ("postgresql", "postgres")
CHECKED = "verify-full"
_WAYS = "Keep it in ~/.pgpass, in a service file (?service=NAME), or set store_password_command."


def checked(text: str) -> str:
    """A ledger's address as it is kept. Raises `errors.Usage` for what is none, or has a password in it."""
    text = text.strip()
    if text == HERE:
        return text
    try:
        parts = urlsplit(text)
        said = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        password = parts.password
    except ValueError:
        raise _no_address("that is not an address of a ledger") from None
    if password is not None or not said.keys().isdisjoint(("password", "sslpassword")):
        raise errors.Usage(
            "a password stands in the ledger's address", code="PASSWORD_IN_ADDRESS", hint=f"Take it out. {_WAYS}"
        )
    if parts.scheme not in SCHEMES:
        raise _no_address(f"'{text[:60]}' is not an address of a ledger")
    return text


def _no_address(words: str) -> errors.Usage:
    return errors.Usage(
        words,
        code="BAD_STORE",
        hint=f"Write postgresql://HOST/DATABASE?sslmode={CHECKED}, or {HERE} for the file of this machine.",
    )


def shown(text: str) -> str:
    """An address in words: where it is, without what only the driver needs."""
    parts = urlsplit(text)
    service = dict(parse_qsl(parts.query)).get("service")
    host = f"{parts.username}@{parts.hostname}" if parts.username and parts.hostname else parts.hostname or ""
    place = f"{host}:{parts.port}" if parts.port else host
    return f"postgresql://{place}{parts.path}" + (f"?service={service}" if service and not place else "")


def parameters(text: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """What libpq is told, by the address and by its own variables and files.

    Raises `errors.Usage` (INSECURE_STORE) where the line leaves this machine and nobody said how it is kept safe: a
    server that is not the one we mean could say that nothing was paid yet.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        said = conninfo_to_dict(text)
    except ProgrammingError as error:
        raise _no_address(f"not an address of a ledger: {str(error).splitlines()[0]}") from None
    given = {**_defaults(str(said.get("service") or environ.get("PGSERVICE", ""))), **said}
    if not is_local(given) and "sslmode" not in said and given.get("sslmode") != CHECKED:
        raise errors.Usage(
            f"the ledger is on another machine, and nothing says that its certificate is checked (sslmode={CHECKED})",
            code="INSECURE_STORE",
            hint=f"Add ?sslmode={CHECKED} to the address, with sslrootcert=FILE or =system; or, on a line that is safe"
            " by itself, say the sslmode you mean.",
        )
    return said


def sslmode(text: str, environ: Mapping[str, str]) -> str | None:
    """How the line is kept safe, None where it does not leave this machine."""
    from psycopg.conninfo import conninfo_to_dict

    said = conninfo_to_dict(text)
    given = {**_defaults(str(said.get("service") or environ.get("PGSERVICE", ""))), **said}
    return None if is_local(given) else str(given.get("sslmode") or "prefer")


def is_local(given: Mapping[str, Any]) -> bool:
    """Whether every host is this machine: a socket, or loopback."""
    hosts = str(given.get("hostaddr") or given.get("host") or "").split(",")
    return all(not host or host[0] in "/@" or host in ("localhost", "::1") or host.startswith("127.") for host in hosts)


def _defaults(service: str) -> dict[str, str]:
    """What libpq takes from PG* variables and from a service file."""
    from psycopg.pq import Conninfo

    before = os.environ.get("PGSERVICE")
    try:
        if service:  # the one way to have libpq itself read the file
            os.environ["PGSERVICE"] = service
        options = Conninfo.get_defaults()
    finally:
        if before is None:
            os.environ.pop("PGSERVICE", None)
        else:
            os.environ["PGSERVICE"] = before
    return {each.keyword.decode(): each.val.decode() for each in options if each.val}


def password(command: str, environ: Mapping[str, str]) -> str:
    """What `store_password_command` prints. Raises `errors.NotAuthorised`, never with what it printed."""
    from amani_cli import keys

    try:
        word = keys.command_output(command, environ)[0].rstrip("\n")
    except errors.NotAuthorised as error:
        raise _no_password(error.message.replace("the key command", "it")) from None
    if not word or "\n" in word:
        raise _no_password("it must print the password, on one line")
    return word


def _no_password(why: str) -> errors.NotAuthorised:
    return errors.NotAuthorised(
        f"store_password_command gave no password: {why}",
        code="NO_STORE_PASSWORD",
        hint="Run it by hand to see what it says.",
    )
