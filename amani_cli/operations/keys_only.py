"""A backup of what is on this machine alone where the ledger is on a server: its keys, and its settings.

It is also how a PIN's pepper and a cheque's keys come to a second machine. The file is one of `backup`, without a
database in it; `keys-here.json` says which of the keys is which wallet's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amani_cli import __version__, errors, files, keys
from amani_cli.models.operations import Backup, Restored
from amani_cli.operations import backup, backup_file, key_chest
from amani_cli.store import audit as audit_log
from amani_cli.store import journal
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import SCHEMA_VERSION
from amani_cli.store.machine import OwnKeys
from amani_cli.times import now
from amani_cli.wallets.finding import registered
from amani_cli.workspace import Workspace


def create(ws: Workspace, path: Path, passphrase: str) -> Backup:
    """Write the keys and settings of this machine into a new file, 0600.

    Raises `errors.Usage` where the ledger is a file, of which a backup holds all, and what `backup.create` raises.
    """
    own = _own(ws, "Say --with-keys; --keys-only is for a ledger on a server.")
    backup.check_new(path, passphrase)
    secrets, without = key_chest.collect(ws)
    entries, head = audit_log.head(ws.store)
    here = {str(wallet.id): own.of(wallet.id) for wallet in registered(ws) if own.of(wallet.id)}
    parts = {"keys.json": json.dumps([secret._asdict() for secret in secrets]).encode()}
    parts["keys-here.json"] = json.dumps({"ledger": own.ledger, "wallets": here}).encode()
    if ws.paths.settings.exists():
        parts["config.toml"] = ws.paths.settings.read_bytes()
    manifest: dict[str, Any] = {
        "format": backup_file.FORMAT,
        "amani": __version__,
        "schema": SCHEMA_VERSION,
        "made_at": now(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()},
        "audit_entries": entries,
        "audit_head": head,
        "payments": journal.count(ws.store),
        "wallets": [wallet.name for wallet in registered(ws)],
    }
    with ws.store.write() as db:
        audit_log.append(db, "backup create", outcome="keys only", actor=ws.said.actor)
    parts = {"manifest.json": json.dumps(manifest, indent=1).encode(), **parts}
    ws.talk.progress("encrypting the backup")
    files.write_private(path, backup_file.encrypted(backup_file.packed(parts), passphrase), replace=False)
    dump = f"the ledger: pg_dump --format=custom --file=ledger.dump '{ws.config.get('store')}'"
    if not secrets:
        ws.talk.warn("there is no key in it; a sandbox's keys, and what belongs to its PINs, stay on its machine")
    return backup.view(path, manifest, secrets, [dump, *without, *backup.not_held(ws)])


def restore(
    ws: Workspace, path: Path, passphrase: str, *, key_folder: Path | None, confirm: Callable[..., None]
) -> Restored:
    """Put the keys of another machine of the same ledger in place here; what is here already stays.

    `key_folder` takes all of them as files. Raises `errors.Usage` for a backup of another ledger.
    """
    own = _own(ws, "Restore it without --keys-only: keys that are missing come back where they were.")
    manifest, parts, secrets = backup_file.opened(path, passphrase)
    try:
        theirs = json.loads(parts["keys-here.json"])
        wallets = {int(number): dict(about) for number, about in theirs["wallets"].items()}
        ledger = str(theirs["ledger"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise errors.Usage(
            f"{path} holds no keys of a machine that shares a ledger",
            code="BAD_BACKUP",
            hint="Make one on the machine that has the keys: amani backup create FILE --keys-only",
        ) from None
    if ledger != own.ledger:
        raise errors.Usage(
            f"{path} holds keys for another ledger than {ws.store.where}",
            code="BAD_BACKUP",
            hint="Look at AMANI_STORE here, and on the machine that made it: amani store show",
        )
    key_chest.check_places(secrets)
    places = key_chest.plan(secrets, key_folder)
    new = {number: about for number, about in wallets.items() if _is_ours(ws, number, about) and _lacks(own, number)}
    asked = [f"It writes a key into {each}." for each in key_chest.outside(ws, secrets, places, key_folder)]
    confirm(f"This brings {len(secrets)} keys and peppers to this machine, for {len(new)} wallets.", *asked)
    key_chest.write(secrets, places)
    for old, there in places.items():
        if old != there:
            own.move(old, there)
    for number, about in new.items():
        own.keep(number, **{**about, "key_source": key_chest.moved_source(str(about["key_source"]), places)})
    with ws.store.write() as db:
        audit_log.append(db, "backup restore", subject=manifest["made_at"], outcome="keys only", actor=ws.said.actor)
    return Restored(
        made_at=manifest["made_at"],
        wallets=[wallet.name for wallet in registered(ws)],
        keys_restored=len(secrets),
        without_key=key_chest.without_key(ws),
        replaced=None,
    )


def _own(ws: Workspace, way_out: str) -> OwnKeys:
    own = store_wallets.own_keys(ws.store) if ws.is_shared else None
    if own is None:
        raise errors.Usage(
            "the ledger is a file of this machine, and goes into a backup with its keys",
            hint=way_out,
        )
    return own


def _lacks(own: OwnKeys, number: int) -> bool:
    """Whether this machine has no key for a wallet, or it was kept in a file that is gone."""
    here = own.of(number)
    return here is None or keys.KeySource(str(here.get("key_source", ""))).is_gone


def _is_ours(ws: Workspace, number: int, about: dict[str, Any]) -> bool:
    """Whether a wallet of the backup is one of the ledger's, with a key that can be brought: no command is run here
    because a file says so."""
    row = store_wallets.by_id(ws.store, number)
    source = keys.KeySource(str(about.get("key_source", "")))
    return row is not None and source.place in ("keyring", "file")
