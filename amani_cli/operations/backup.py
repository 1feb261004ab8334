"""Backups: database, settings and, if asked for, keys in one file that only a passphrase opens.

The file is a gzipped tar archive encrypted as age does with a passphrase (https://age-encryption.org/v1), so that the
standard tool opens it where no amani is at hand: `age -d FILE | tar xz`. In it: `manifest.json`, `amani.db`,
`config.toml` if there is one, and `keys.json` with --with-keys.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amani_cli import __version__, errors, files, private
from amani_cli.amounts import format_sat
from amani_cli.books import audit
from amani_cli.cheques import links
from amani_cli.config import parse_toml
from amani_cli.models.operations import Backup, Restored
from amani_cli.operations import backup_file, key_chest
from amani_cli.store import approvers, cheques, copies, journal, requests
from amani_cli.store import audit as audit_log
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import SCHEMA_VERSION, Store
from amani_cli.times import local, now
from amani_cli.wallets.finding import registered
from amani_cli.workspace import Workspace

_PREFIX = ".backup-"
SHORTEST_PASSPHRASE = 12

# Settings that do more than set a number, by what a person should know of them before they count.
_SETTINGS_TOLD = {
    "store_password_command": "Its settings get the password of a ledger by running",
    "store": "Its settings have the ledger elsewhere, and what is restored here is not used then",
    "base_url": "Its settings begin the links of cheques with",
    "default_url": "Its settings make new wallets at",
}

NOT_HELD = (
    "the wallets' money and history at their server: whoever runs an LNbits backs up its data folder or database",
    "channel state of a Lightning node: the node's own backup (LND channel.backup; CLN hsm_secret, emergency.recover)",
)


def not_held(ws: Workspace) -> list[str]:
    """What no backup of this machine's holds, and how to back that up."""
    own = ["your approver key: keep a copy of its file of your own, or have a second approver"]
    return [*(own if ws.paths.approver.exists() else []), *NOT_HELD]


@dataclass(frozen=True)
class Contents:
    """What was found in a backup, unpacked into a private folder that is gone when it is no longer looked at."""

    manifest: dict[str, Any]
    database: Path
    settings: bytes | None
    secrets: list[key_chest.Secret]


def create(ws: Workspace, path: Path, passphrase: str, *, with_keys: bool) -> Backup:
    """Write a backup into a new file, 0600. The database may be in use meanwhile.

    Raises `errors.Usage` for a passphrase that is too short or a file that exists, `errors.NotAuthorised` when keys
    are asked for and one can't be read.
    """
    check_new(path, passphrase)
    if not ws.has_store:
        raise errors.NotFound("there is nothing to back up yet")
    file = copies.of_file(ws.store)
    secrets, without = key_chest.collect(ws) if with_keys else ([], [])
    with ws.store.write() as db:
        audit_log.append(db, "backup create", outcome="with keys" if with_keys else "without keys", actor=ws.said.actor)
    made_at = now()
    parts: dict[str, bytes] = {}
    ws.talk.progress("copying the database")
    with _private_folder(ws) as folder:
        copies.take(file, folder / "amani.db", held=f"a copy restored from the backup of {made_at}")
        with copies.opened(folder / "amani.db") as copy:
            about = _about(copy)
        parts["amani.db"] = (folder / "amani.db").read_bytes()
    if ws.paths.settings.exists():
        parts["config.toml"] = ws.paths.settings.read_bytes()
    if with_keys:
        parts["keys.json"] = json.dumps([secret._asdict() for secret in secrets]).encode()
    manifest = {
        "format": backup_file.FORMAT,
        "amani": __version__,
        "schema": SCHEMA_VERSION,
        "made_at": made_at,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()},
        **about,
    }
    parts = {"manifest.json": json.dumps(manifest, indent=1).encode(), **parts}
    ws.talk.progress("encrypting the backup")
    files.write_private(path, backup_file.encrypted(backup_file.packed(parts), passphrase), replace=False)
    _warn_of_cheques(ws, with_keys)
    left_out = [*without, *not_held(ws)]
    if not with_keys:
        left_out.insert(0, "keys, PIN peppers and logins: ask for them with --with-keys")
    return view(path, manifest, secrets if with_keys else None, left_out)


def check_new(path: Path, passphrase: str) -> None:
    """Refuse a passphrase that is too short, and a file that exists. Raises `errors.Usage`."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise errors.Usage(
            f"a passphrase has {SHORTEST_PASSPHRASE} characters or more",
            code="WEAK_PASSPHRASE",
            hint="Five or six random words are easy to keep and hard to guess.",
        )
    if path.exists():
        raise errors.Usage(f"{path} exists already", code="FILE_EXISTS", hint="Name a new file.")


def verify(ws: Workspace, path: Path, passphrase: str) -> Backup:
    """Open a backup and check that all of it is as it was written: sums, database, audit chain. Changes nothing."""
    ws.talk.progress("opening the backup and checking all of it")
    with _private_folder(ws) as folder:
        found = _opened(path, passphrase, folder)
        with copies.opened(found.database) as copy:
            if not copies.is_sound(copy) or not audit.verify_store(copy).intact:
                raise errors.BooksDiffer(f"the database in {path} is damaged", code="BAD_BACKUP")
    has_keys = "keys.json" in found.manifest["sha256"]
    return view(path, found.manifest, found.secrets if has_keys else None, [])


def restore(
    ws: Workspace, path: Path, passphrase: str, *, key_folder: Path | None, confirm: Callable[..., None]
) -> Restored:
    """Put a backup in place. What is there already is never lost: newer data is refused, older is copied aside.

    `key_folder` takes all keys as files, 0600, instead of where they were. `confirm` is told what would be replaced,
    written outside of amani's folders or run for a key; no command of the backup's is run. Until `reconcile` has run,
    spending is refused. Raises `errors.RefusedByPolicy` (code NEWER_DATA).
    """
    if ws.is_shared:
        copies.of_file(ws.store)
    with _private_folder(ws) as folder:
        found = _opened(path, passphrase, folder)
        with copies.opened(found.database) as copy:
            if not copies.is_sound(copy) or not copies.is_of_ours(copy):
                raise errors.Usage(f"the database in {path} is damaged", code="BAD_BACKUP")
            key_chest.check(copy, found.secrets)
            places = key_chest.plan(found.secrets, key_folder)
            replaces = ws.has_store
            if replaces:
                _refuse_newer(ws, found)
            told = _to_ask(ws, found, copy, places, key_folder)
            if told:
                confirm(*told)
            file = copies.of_file(ws.store)
            with copies.alone(file, ws.said.lock_wait_s):
                _refuse_newer(ws, found)  # a payment may have begun while a person thought
                aside = _put_aside(ws) if replaces else None
                key_chest.put(copy, found.secrets, places)
                copies.hold(copy, f"a copy restored from the backup of {found.manifest['made_at']}")
                copies.put(copy, file)
    _put_settings(ws, found)
    links.know_kept(ws)
    with ws.store.write() as db:
        audit_log.append(
            db, "backup restore", subject=found.manifest["made_at"], outcome="spending held", actor=ws.said.actor
        )
    ws.talk.note("Spending is refused until 'amani reconcile' has brought in what was paid since the backup was made.")
    ws.talk.note(
        "Does the amani that it was made of still run? Then run one of the two only: LNbits refuses to pay one invoice"
        " twice, but a Lightning address or a payout paid by both is paid twice."
    )
    _tell_of_rules(ws)
    return Restored(
        made_at=found.manifest["made_at"],
        wallets=[wallet.name for wallet in registered(ws)],
        keys_restored=len(found.secrets),
        without_key=key_chest.without_key(ws),
        replaced=str(aside) if aside else None,
    )


def _tell_of_rules(ws: Workspace) -> None:
    """Say that what others were told since then counts for nothing here: no provider knows of it."""
    others = approvers.approvers(ws.store) or any(approvers.agents(ws.store, each.identity) for each in registered(ws))
    if others or requests.count_waiting(ws.store, ws.store.clock.now())[0]:
        ws.talk.note(
            "Rules and requests are as they were then: an approver or an agent's budget that was taken back since, and"
            " a request that was refused or cancelled, count again. See: amani approver list, amani request list,"
            " amani wallet limit NAME."
        )


def _to_ask(ws: Workspace, found: Contents, copy: Store, places: dict[str, str], key_folder: Path | None) -> list[str]:
    """What a restore would do beyond making amani's own files, or keys where the user said, each in a line."""
    lines = []
    if ws.has_store:
        lines.append(f"This replaces {ws.paths.database} by the backup of {local(found.manifest['made_at'])}.")
    if _other_settings(ws, found):
        lines.append(f"It replaces {ws.paths.settings}, of which a copy is kept beside it.")
    lines += _settings_to_ask(ws, found)
    return lines + key_chest.to_ask(ws, copy, found.secrets, places, key_folder)


def _settings_to_ask(ws: Workspace, found: Contents) -> list[str]:
    """What settings of the backup would run, and where they would have a ledger, keys or links go."""
    if found.settings is None:
        return []
    new, here = parse_toml(found.settings, ws.paths.settings), ws.config.stored()
    return [
        f"{_SETTINGS_TOLD[name]}: {value}"
        for name, value in new.items()
        if name in _SETTINGS_TOLD and value and value not in ("off", "sqlite", here.get(name))
    ]


def _other_settings(ws: Workspace, found: Contents) -> bool:
    settings = ws.paths.settings
    return found.settings is not None and bool(ws.config.stored()) and settings.read_bytes() != found.settings


def _put_settings(ws: Workspace, found: Contents) -> None:
    if found.settings is None:
        return
    settings = ws.paths.settings
    if _other_settings(ws, found):
        files.write_private(_free_beside(settings), settings.read_bytes())
    files.write_private(settings.resolve() if settings.is_symlink() else settings, found.settings)


def _refuse_newer(ws: Workspace, found: Contents) -> None:
    """Refuse to overwrite what the backup lacks."""
    lost = copies.missing_from(found.database, copies.of_file(ws.store))
    if lost:
        raise errors.RefusedByPolicy(
            f"{ws.paths.database} holds what the backup of {local(str(found.manifest['made_at']))} lacks:"
            f" {', '.join(lost)}",
            code="NEWER_DATA",
            hint="Restore into another AMANI_HOME, or move the database away first if you mean it.",
        )


def _put_aside(ws: Workspace) -> Path:
    """Copy what is to be replaced, and say where it lies."""
    aside = _free_beside(ws.paths.database)
    copies.take(copies.of_file(ws.store), aside, held="the copy from before a restore")
    return aside


def _free_beside(path: Path) -> Path:
    """A name for what is put aside now; of two restores within a second each has its own."""
    first = path.with_name(f"{path.name}.before-restore-{now().replace(':', '')}")
    aside, number = first, 1
    while aside.exists():
        number += 1
        aside = first.with_name(f"{first.name}-{number}")
    return aside


def _about(copy: Store) -> dict[str, Any]:
    """What a person wants to know of a backup without opening its database."""
    verdict = audit.verify_store(copy)
    if not verdict.intact:
        raise errors.BooksDiffer(
            f"the audit log is broken at entry {verdict.broken_at}: {verdict.detail}",
            hint="See 'amani audit verify'. A backup is made of books that are whole.",
        )
    return {
        "audit_entries": verdict.entries,
        "audit_head": verdict.head,
        "payments": journal.count(copy),
        "wallets": [row.name for row in sorted(store_wallets.all_wallets(copy), key=lambda row: row.name_key)],
    }


def _warn_of_cheques(ws: Workspace, with_keys: bool) -> None:
    rows = cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    if rows and not with_keys:
        amount = sum(row.amount_msat + row.reserve_msat for row in rows)
        ws.talk.warn(
            f"the keys of {len(rows)} unclaimed cheque(s) over {format_sat(amount)} are not in this backup: should they"
            " be lost here, that money can't be taken back (--with-keys)"
        )


def view(path: Path, manifest: dict[str, Any], secrets: list[key_chest.Secret] | None, left_out: list[str]) -> Backup:
    return Backup(
        path=str(path),
        size_bytes=path.stat().st_size,
        made_at=manifest["made_at"],
        amani_version=manifest["amani"],
        schema_version=manifest["schema"],
        wallets=manifest["wallets"],
        payments=manifest["payments"],
        audit_entries=manifest["audit_entries"],
        audit_head=manifest["audit_head"],
        with_keys=secrets is not None,
        keys=len(secrets or ()),
        not_held=left_out,
    )


# -- the file ----------------------------------------------------------------------------------


@contextmanager
def _private_folder(ws: Workspace) -> Iterator[Path]:
    """A folder of our own beside the database: what is unpacked there is as private as the database itself.

    It is locked while it is in use, and one that is not is what a killed amani left, and goes.
    """
    with ExitStack() as stack:
        with _writable(ws.paths.data), _locked(ws.paths.data):
            for left in left_behind(ws):
                shutil.rmtree(left, ignore_errors=True)
            # What can't be taken away now, on a disk that has become read-only, the next one takes.
            made = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=ws.paths.data, ignore_cleanup_errors=True)
            folder = stack.enter_context(made)
            stack.enter_context(_locked(Path(folder)))
        yield Path(folder)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """A folder that is there and ours, while something is made in it. Raises `errors.Usage` where that can't be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.check_folder(folder)
        yield
    except OSError as error:
        raise files.cant_write(folder, error) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def left_behind(ws: Workspace) -> list[Path]:
    """Folders of backups and restores that were killed; the next one takes them away."""
    return [each for each in sorted(ws.paths.data.glob(f"{_PREFIX}*")) if each.is_dir() and _is_left(each)]


def _is_left(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # a link, or it has just gone
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def _opened(path: Path, passphrase: str, folder: Path) -> Contents:
    """Decrypt and check a backup, its database unpacked into `folder`."""
    manifest, parts, secrets = backup_file.opened(path, passphrase)
    if "amani.db" not in parts and "keys-here.json" in parts:
        raise errors.Usage(
            f"{path} holds the keys of a machine, and no ledger",
            code="BAD_BACKUP",
            hint="Bring them to another machine of the same ledger with --keys-only.",
        )
    if "amani.db" not in manifest["sha256"] or "amani.db" not in parts:
        raise backup_file.damaged(path)
    database = folder / "amani.db"
    files.write_private(database, parts["amani.db"])
    return Contents(manifest, database, parts.get("config.toml"), secrets)
