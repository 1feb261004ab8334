"""What a PostgreSQL server's errors mean to a user of amani."""

from __future__ import annotations

import re

import psycopg

from amani_cli import errors


def explained(error: psycopg.Error, where: str) -> errors.AmaniError:
    """Say in one line, with the way out, what is wrong with the ledger or the line to it."""
    state, said = error.sqlstate, _said(error)
    if isinstance(error, psycopg.DataError | psycopg.ProgrammingError) and state is None:
        return _fault("", said, where)
    if state is None and re.search("certificate|signature failure|does not support SSL", str(error)):
        return errors.Unreachable(
            f"the ledger at {where} is not trusted: {said}",
            code="LEDGER_UNTRUSTED",
            hint="Nothing was sent. Look at the name in the address, and at ~/.postgresql/root.crt or sslrootcert: it"
            " must hold the certificate of whoever signed the server's.",
        )
    if state is None:
        state = _state_of(str(error))
    if state is None or state.startswith(("08", "57P", "53300")):
        return errors.Unreachable(
            f"the ledger at {where} can't be reached: {said}",
            code="LEDGER_AWAY",
            hint="Nothing was sent. Run the same command again when it is back.",
        )
    if state in ("55P03", "40P01", "40001"):
        return errors.Locked(
            f"the ledger at {where} has been busy for too long",
            hint="Another amani is writing for a long time; try again when it is done.",
        )
    if state.startswith("28") or state == "42501":
        hint = "Look at the role that AMANI_STORE names and at what it was granted (docs/team-store.md)."
        if "password" in said:
            hint = (
                "Look at ~/.pgpass (HOST:PORT:DATABASE:ROLE:PASSWORD, a line for each role; mode 0600), at the service"
                " file, or at store_password_command: it must be that role's, for that host, port and database."
            )
        return errors.NotAuthorised(
            f"the ledger at {where} does not allow it: {said}", code="LEDGER_REFUSED", hint=hint
        )
    return _fault(state, said, where)


def _state_of(said: str) -> str | None:
    """What a server that takes no connection means by its words, which is all that libpq hands on of it."""
    if re.search("authentication failed|no password supplied|no pg_hba.conf entry|pg_hba.conf rejects", said):
        return "28000"
    found = re.search(r"FATAL: +(role|database) .* does not exist", said)
    return {"role": "28000", "database": "3D000"}[found[1]] if found else None


def _fault(state: str, said: str, where: str) -> errors.AmaniError:
    if state == "23505":
        return errors.Duplicate(f"the ledger has it already: {said}", hint="Please report this.")
    if state.startswith("23"):
        return errors.Bug(f"a rule of the ledger was broken: {said}", hint="Please report this.")
    if state.startswith("53"):
        return errors.Usage(
            f"no room left at the ledger ({where}): {said}",
            code="DISK_FULL",
            hint="Free some space there: no payment is sent that can't be written down first.",
        )
    if state == "25006":
        return errors.Usage(
            f"the ledger at {where} can't be written: {said}",
            code="LEDGER_READ_ONLY",
            hint="It is a standby, or set to read-only: name the primary, e.g. with target_session_attrs=read-write.",
        )
    if state in ("3D000", "42P01", "42703"):
        return errors.Usage(
            f"{where} is not a ledger that amani can read: {said}",
            code="BAD_DATABASE",
            hint="Look at AMANI_STORE; 'amani store upgrade' makes or upgrades a ledger.",
        )
    return errors.Usage(f"can't use the ledger at {where}: {said}", code="DATABASE_UNUSABLE", hint="Look at its log.")


def _said(error: psycopg.Error) -> str:
    lines = (error.diag.message_primary or str(error)).strip().splitlines()
    said = lines[0] if lines else type(error).__name__
    return re.sub("^connection failed: connection to server .*? failed: (FATAL: +)?", "", said)[:200]
