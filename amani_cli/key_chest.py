"""The keys that go into a backup and come out of it: where each was, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from amani_cli import errors, keys
from amani_cli.store import Store, cheques, rules
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets import KnownWallet, registered
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
        place, _, where = wallet.key_source.partition(":")
        if place == "keyring":
            found += [_must(Secret("keyring", name, ""), wallet.name) for name in _slots(wallet, where)]
        elif place == "file":
            found.append(Secret("file", where, keys.from_file(Path(where)).value))
        else:
            without.append(f"the key of '{wallet.name}': it comes from a {place}, which has its own backup")
    if any(wallet.sandbox for wallet in registered(ws)):
        without.append("the sandbox: its money is fake")
    for row in store_wallets.all_logins(ws.store):
        if not row["sandbox"]:
            found.append(_must(Secret("keyring", f"login:{row['url']}", ""), f"the login to {row['url']}"))
    found += _kept(ws)
    return found, without


def _slots(wallet: KnownWallet, slot: str) -> list[str]:
    return [f"{slot}:key", *([f"{slot}:read"] if wallet.has_read_key else [])]


def _kept(ws: Workspace) -> Iterator[Secret]:
    """What is kept beside the keys: peppers of PINs, keys of cheques that still hold money."""
    sandbox = str(ws.paths.sandbox)
    for row in rules.all_pins(ws.store):
        if sandbox not in row["place"]:
            yield _must(Secret(row["place"], row["pepper"], ""), "a PIN's pepper")
    for row in cheques.with_status(ws.store, "open", *cheques.UNFINISHED):
        if sandbox not in row["place"]:
            yield _must(Secret(row["place"], f"cheque:{row['id']}", ""), f"cheque {row['id']}")


def _must(secret: Secret, owner: str) -> Secret:
    value = keys.kept(secret.place, secret.name)
    if value is None:
        raise errors.NotAuthorised(
            f"the secret of {owner} is not in its place ({secret.place}) any more",
            code="NO_KEY",
            hint="Mend that first, or make the backup without --with-keys.",
        )
    return secret._replace(value=value)


def plan(secrets: list[Secret], folder: Path | None) -> dict[str, str]:
    """Where each place goes: to itself, or into `folder`. Writes nothing.

    Raises `errors.NotAuthorised` for a keyring that does not work here, `errors.Usage` for a file with another key.
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
        path = Path(places[_place(secret)].partition(":")[2])
        if secret.place == "file" and path.exists() and keys.private_text(path).strip() != secret.value:
            raise errors.Usage(
                f"{path} holds another key", code="FILE_EXISTS", hint="Move it away, or use another --key-folder."
            )
    return places


def _place(secret: Secret) -> str:
    return f"file:{secret.name}" if secret.place == "file" else secret.place


def _moved(place: str, number: int, folder: Path) -> str:
    kind, _, where = place.partition(":")
    return (
        f"file:{folder / f'{number}-{Path(where).name}'}" if kind == "file" else f"folder:{folder / f'{number}-kept'}"
    )


def put(copy: Store, secrets: list[Secret], places: dict[str, str]) -> None:
    """Write the secrets where `plan` said, and have the copy's wallets, PINs and cheques look for them there.

    A login is looked for in the keyring alone: with another place it is left out, and asked for again when needed.
    """
    for secret in secrets:
        place = places[_place(secret)]
        if secret.place == "file":
            keys.write_key_file(Path(place.partition(":")[2]), secret.value, replace=True)
        elif place == "keyring" or not secret.name.startswith("login:"):
            keys.keep(place, secret.name, secret.value)
    with copy.write() as db:
        for old, new in places.items():
            if old != new:
                store_wallets.move_keys(db, old, new)


def without_key(ws: Workspace) -> list[str]:
    """The wallets whose key is not at hand on this machine."""
    missing = []
    for wallet in registered(ws):
        try:
            wallet.key("read")
        except errors.AmaniError:
            missing.append(wallet.name)
    return missing
