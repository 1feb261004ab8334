"""The keys that go into a backup and come out of it: where each was, and where it goes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from amani_cli import errors, keys
from amani_cli.store import addresses, cheques, links, rules
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import Store
from amani_cli.wallets import invoice_keys
from amani_cli.wallets.finding import registered
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


class Secret(NamedTuple):
    """One secret. `place` is `keyring`, `file` (the name is its path) or `folder:PATH`, as `keys.keep` has it."""

    place: str
    name: str
    value: str


def collect(ws: Workspace) -> tuple[list[Secret], list[str]]:
    """Every secret that belongs to the wallets, logins, PINs and open cheques; and which can't be held, in words.

    Raises `errors.NotAuthorised` when one that should be there can't be read.
    """
    found: list[Secret] = []
    without: list[str] = []
    for wallet in registered(ws):
        if wallet.sandbox:
            continue
        place, where = wallet.key_source.place, wallet.key_source.where
        if place == "keyring":
            found += [_must(Secret("keyring", name, ""), wallet.name) for name in _slots(wallet, where)]
        elif place == "file":
            found.append(Secret("file", where, keys.from_file(Path(where)).value))
        elif place == store_wallets.ELSEWHERE:
            without.append(f"the key of '{wallet.name}', which this machine has not")
        else:
            without.append(f"the key of '{wallet.name}': it comes from a {place}, which has its own backup")
    if any(wallet.sandbox for wallet in registered(ws)):
        without.append("the sandbox: its money is fake")
    for row in store_wallets.all_logins(ws.store):
        if not row.sandbox:
            found.append(_must(Secret("keyring", f"login:{row.url}", ""), f"the login to {row.url}"))
    own = store_wallets.own_keys(ws.store)
    for secret, owner in (*_kept(ws), *_invoice_keys(ws)):
        if own is None:
            found.append(_must(secret, owner))
            continue
        secret = secret._replace(place=own.place(secret.place))
        value = keys.kept(secret.place, secret.name)
        if value is not None:
            found.append(secret._replace(value=value))
        else:
            without.append(f"the secret of {owner}, which is on another machine of this ledger")
    return found, without


def _slots(wallet: KnownWallet, slot: str) -> list[str]:
    return [f"{slot}:key", *([f"{slot}:read"] if wallet.has_read_key else [])]


def _kept(ws: Workspace) -> Iterator[tuple[Secret, str]]:
    """What is kept beside the keys, and whose it is: peppers of PINs, keys of cheques that still hold money."""
    sandbox = str(ws.paths.sandbox)
    for row in rules.all_pins(ws.store):
        if sandbox not in row.place:
            yield Secret(row.place, row.pepper, ""), "a PIN's pepper"
    for cheque in cheques.with_status(ws.store, "open", *cheques.UNFINISHED):
        if sandbox not in cheque.place:
            yield Secret(cheque.place, f"cheque:{cheque.id}", ""), f"cheque {cheque.id}"
            if links.of_cheque(ws.store, cheque.id) is not None:
                yield Secret(cheque.place, f"link:{cheque.id}", ""), f"the link of cheque {cheque.id}"


def _invoice_keys(ws: Workspace) -> Iterator[tuple[Secret, str]]:
    """Invoice keys that are kept by themselves, for addresses."""
    places = {wallet.id: wallet for wallet in registered(ws) if not wallet.sandbox}
    kept = {(row.place, row.wallet_id) for row in addresses.every(ws.store) if row.place is not None}
    for place, wallet_id in sorted(kept):
        if wallet_id in places:
            wallet = places[wallet_id]
            yield Secret(place, invoice_keys.secret_name(wallet), ""), f"the addresses of '{wallet.name}'"


def _must(secret: Secret, owner: str) -> Secret:
    value = keys.kept(secret.place, secret.name)
    if value is None:
        raise errors.NotAuthorised(
            f"the secret of {owner} is not in its place ({secret.place}) any more",
            code="NO_KEY",
            hint="Mend that first, or make the backup without --with-keys.",
        )
    return secret._replace(value=value)


def check(copy: Store, secrets: list[Secret]) -> None:
    """Refuse a backup that would have amani write, or later change, what is not a key of amani's in a place of its.

    A backup is opened by its passphrase, which does not say who made it. Raises `errors.Usage` (BAD_BACKUP).
    """
    check_places(secrets)
    kept = [(row.place, row.pepper) for row in rules.all_pins(copy)]
    kept += [(row.place, f"cheque:{row.id}") for row in cheques.all_cheques(copy)]
    kept += [(row.place, "invoice-key:x") for row in addresses.every(copy) if row.place is not None]
    for place, name in kept:
        if not _is_kept(place, name):
            raise _no_place(f"{place}, {name}")
    for row in store_wallets.all_wallets(copy):
        source = keys.KeySource(row.key_source)
        if source.place == "file" and not _is_place("file", source.where):
            raise _no_place(source.where)


def check_places(secrets: list[Secret]) -> None:
    """Refuse secrets that would be written where amani keeps none. Raises `errors.Usage` (BAD_BACKUP)."""
    for secret in secrets:
        if secret.place == "file":
            fits = _is_place("file", secret.name) and _KEY_FILE.fullmatch(secret.value) is not None
        else:
            fits = _is_kept(secret.place, secret.name) and secret.value.isascii() and secret.value.isprintable()
        if not fits or " " in secret.value:
            raise _no_place(secret.name if secret.place == "file" else f"{secret.place}, {secret.name}")


_NAME = re.compile(r"[a-z0-9_-]+:[a-z0-9_-]+")  # as amani names what it keeps
_KEY_FILE = re.compile(r"[A-Za-z0-9_.:+-]{8,4096}={0,2}")  # a word that means nothing in anybody's settings or scripts


def _is_kept(place: str, name: str) -> bool:
    kind, _, where = place.partition(":")
    if kind == "keyring" and name.startswith("login:"):
        return not where
    return kind != "file" and _is_place(kind, where) and _NAME.fullmatch(name) is not None


def _is_place(kind: str, where: str) -> bool:
    """Whether amani may keep secrets there: a file that is nobody's settings, a folder as `place_for` has it."""
    if kind == "keyring":
        return not where
    path = Path(where)
    plain = path.is_absolute() and os.path.normpath(where) == where and where.isprintable()
    if kind == "file":
        return plain and not path.name.startswith(".") and ".ssh" not in path.parts
    own = path.name.endswith((".amani", "-kept")) or path.parts[-2:] == ("sandbox", "secrets")
    return kind == "folder" and plain and own


def _no_place(what: str) -> errors.Usage:
    return errors.Usage(
        f"the backup would put a key where amani keeps none ({what[:200]})",
        code="BAD_BACKUP",
        hint="Nothing was restored. amani makes no such backup: ask whoever gave it to you.",
    )


def plan(secrets: list[Secret], folder: Path | None) -> dict[str, str]:
    """Where each place goes: to itself, or into `folder`. Writes nothing.

    Raises `errors.NotAuthorised` for a keyring that does not work here, `errors.Usage` for what would be overwritten.
    """
    old = sorted({_place(secret) for secret in secrets})
    places = {place: place for place in old}
    if folder is not None:
        folder = folder.absolute()
        places = {place: _moved(place, number, folder) for number, place in enumerate(old, 1)}
    elif "keyring" in places:
        try:
            keys.keyring_name()
        except errors.NotAuthorised as error:
            error.hint = "With --key-folder PATH all keys are restored as files there."
            raise
    for secret in secrets:
        _refuse_other(secret, places[_place(secret)])
    return places


def _there(secret: Secret, place: str) -> str | None:
    """What is in a secret's place already. Raises `errors.NotAuthorised` for a link, or a file that others may read."""
    if secret.name.startswith("login:") and place != "keyring":
        return None
    if secret.place != "file":
        return keys.kept(place, secret.name)
    path = Path(place.partition(":")[2])
    return keys.private_text(path).strip() if os.path.lexists(path) else None


def _refuse_other(secret: Secret, place: str) -> None:
    there = _there(secret, place)
    if there is None or there == secret.value or _is_newer_here(secret):
        return
    where = _target(secret, place) or f"the keyring's {secret.name}"
    raise errors.Usage(
        f"{where} holds another key", code="FILE_EXISTS", hint="Move it away, or use another --key-folder."
    )


def _is_newer_here(secret: Secret) -> bool:
    """What changes with use stays as it is here: a login, and the count of wrong PINs that stands with its pepper."""
    return secret.place != "file" and secret.name.startswith(("login:", "pepper:"))


def _target(secret: Secret, place: str) -> Path | None:
    """The file that a secret is written into, if it is one."""
    kind, _, where = place.partition(":")
    if kind == "keyring":
        return None
    return Path(where) if kind == "file" else Path(where) / secret.name.replace(":", "-")


def to_ask(ws: Workspace, copy: Store, secrets: list[Secret], places: dict[str, str], folder: Path | None) -> list[str]:
    """What a person should know before keys are put in place: files elsewhere, commands, keys that are here already.

    What goes into the `folder` that the user named needs no question.
    """
    asked = [f"It writes a key into {path}." for path in outside(ws, secrets, places, folder)]
    known = {(wallet.url, wallet.key_source) for wallet in registered(ws)}
    for row in store_wallets.all_wallets(copy):
        source = keys.KeySource(row.key_source)
        kind, where = source.place, source.where
        if (row.url, row.key_source) in known or row.sandbox:
            continue
        if kind == "command":
            asked.append(f"Wallet '{row.name}' at {row.url} then gets its key by running: {where}")
        elif _is_here(kind, where, secrets):
            asked.append(f"Wallet '{row.name}' then sends {row.url} the key in {kind} {where}.")
    return asked


def outside(ws: Workspace, secrets: list[Secret], places: dict[str, str], folder: Path | None) -> list[str]:
    """The files outside of amani's folders, and of the `folder` that was named, that secrets would be written into."""
    homes = (ws.paths.data.absolute(), ws.paths.config.absolute(), *((folder.absolute(),) if folder else ()))
    new = [_target(each, places[_place(each)]) for each in secrets if _there(each, places[_place(each)]) is None]
    return sorted({str(path) for path in new if path and not any(path.is_relative_to(home) for home in homes)})


def _is_here(kind: str, where: str, secrets: list[Secret]) -> bool:
    """Whether a wallet would use a key of this machine's that the backup does not bring itself."""
    if kind == "keyring":
        try:
            return (
                f"{where}:key" not in {secret.name for secret in secrets}
                and keys.kept(kind, f"{where}:key") is not None
            )
        except errors.NotAuthorised:  # there is no keyring here
            return False
    if kind == "file":
        return where not in {secret.name for secret in secrets} and os.path.lexists(where)
    return kind == "credential"


def _place(secret: Secret) -> str:
    return f"file:{secret.name}" if secret.place == "file" else secret.place


def _moved(place: str, number: int, folder: Path) -> str:
    kind, _, where = place.partition(":")
    return (
        f"file:{folder / f'{number}-{Path(where).name}'}" if kind == "file" else f"folder:{folder / f'{number}-kept'}"
    )


def put(copy: Store, secrets: list[Secret], places: dict[str, str]) -> None:
    """Write the secrets where `plan` said, and have the copy's wallets, PINs and cheques look for them there."""
    write(secrets, places)
    with copy.write() as db:
        for old, new in places.items():
            if old != new:
                store_wallets.move_keys(db, old, new)


def moved_source(source: str, places: dict[str, str]) -> str:
    """Where a wallet's key is looked for once the places were moved: what was in the keyring may be a file now."""
    if source.startswith("keyring:"):
        new = places.get("keyring", "keyring")
        return source if new == "keyring" else f"file:{new.partition(':')[2]}/{source[8:]}-key"
    return places.get(source, source)


def write(secrets: list[Secret], places: dict[str, str]) -> None:
    """Write the secrets where `plan` said.

    What is there stays. A login is looked for in the keyring alone: with another place it is left out, and asked for
    again when needed.
    """
    for secret in secrets:
        place = places[_place(secret)]
        if _there(secret, place) is not None:
            continue
        if secret.place == "file":
            keys.write_key_file(Path(place.partition(":")[2]), secret.value)
        elif place == "keyring" or not secret.name.startswith("login:"):
            keys.keep(place, secret.name, secret.value)


def without_key(ws: Workspace) -> list[str]:
    """The wallets whose key is not at hand on this machine. Commands are not run to find out."""
    missing = []
    for wallet in registered(ws):
        if wallet.key_source.place == "command":
            continue
        try:
            wallet.key("read")
        except errors.AmaniError:
            missing.append(wallet.name)
    return missing
