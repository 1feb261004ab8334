"""The file of a backup: a gzipped tar archive, encrypted as age does with a passphrase; packed, opened, and checked."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from amani_cli import errors, keys
from amani_cli.config import parse_toml
from amani_cli.operations import key_chest
from amani_cli.store.ledger import SCHEMA_VERSION

FORMAT = 1
# Before age opens a file it measures for a millisecond how fast the machine is, and refuses what would take too long.
# One that was interrupted just then is measured far too slow: so it is asked again.
_MEASUREMENTS = 20


def packed(parts: dict[str, bytes]) -> bytes:
    """The parts as one archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def encrypted(content: bytes, passphrase: str) -> bytes:
    """What only the passphrase opens."""
    from pyrage import passphrase as age

    encrypted: bytes = age.encrypt(content, passphrase)
    return encrypted


def opened(path: Path, passphrase: str) -> tuple[dict[str, Any], dict[str, bytes], list[key_chest.Secret]]:
    """Decrypt and check a backup: its manifest, its parts by name, and the secrets in it.

    Raises `errors.NotAuthorised` for a wrong passphrase, `errors.Usage` for what is damaged or newer.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise errors.Usage(f"can't read {path}: {error.strerror}", code="BAD_BACKUP") from None
    parts = _unpacked(path, _decrypted(path, content, passphrase))
    try:
        manifest = json.loads(parts["manifest.json"])
        if manifest["format"] != FORMAT or manifest["schema"] > SCHEMA_VERSION:
            raise errors.Usage(
                f"{path} was made by a newer amani ({manifest['amani']})", code="NEWER_BACKUP", hint="Upgrade amani."
            )
        if any(hashlib.sha256(parts[name]).hexdigest() != right for name, right in manifest["sha256"].items()):
            raise damaged(path)
        secrets = [key_chest.Secret(**each) for each in json.loads(parts.get("keys.json", b"[]"))]
        if not _is_whole(manifest, secrets):
            raise damaged(path)
        if "config.toml" in parts:
            parse_toml(parts["config.toml"], path)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise damaged(path) from None
    keys.SEEN.update(secret.value for secret in secrets)
    return manifest, parts, secrets


def _is_whole(manifest: dict[str, Any], secrets: list[key_chest.Secret]) -> bool:
    """Whether a manifest and its secrets have all that is read from them, each of its kind."""
    kinds = {"made_at": str, "amani": str, "schema": int, "payments": int, "audit_entries": int, "audit_head": str}
    texts = [*manifest["wallets"], *(text for secret in secrets for text in secret)]
    sums = {*(["keys.json"] if secrets else [])} <= set(manifest["sha256"])
    whole = sums and all(type(manifest[name]) is kind for name, kind in kinds.items())
    return whole and isinstance(manifest["wallets"], list) and all(isinstance(text, str) for text in texts)


def _decrypted(path: Path, content: bytes, passphrase: str) -> bytes:
    import pyrage

    for _ in range(_MEASUREMENTS):
        try:
            decrypted: bytes = pyrage.passphrase.decrypt(content, passphrase)
            return decrypted
        except pyrage.DecryptError as error:
            # age says this of a header that the passphrase does not open, and other words of what comes after it.
            if str(error) == "Decryption failed":
                raise errors.NotAuthorised(
                    "wrong passphrase", code="WRONG_PASSPHRASE", hint=f"It does not open {path}."
                ) from None
            if "xcessive work" not in str(error):
                raise damaged(path) from None
    raise errors.Usage(
        f"this machine is too busy, or too slow, to open {path} just now",
        code="BAD_BACKUP",
        hint="The file may be whole: try again when less is running, or on the machine that made it.",
    )


def _unpacked(path: Path, content: bytes) -> dict[str, bytes]:
    parts = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for entry in archive:
                file = archive.extractfile(entry)
                if file is not None:
                    parts[entry.name] = file.read()
    except (tarfile.TarError, OSError, EOFError):
        raise damaged(path) from None
    return parts


def damaged(path: Path) -> errors.Usage:
    """The error for a file that is no backup, or not whole."""
    return errors.Usage(
        f"{path} is no backup of amani, is cut off or is damaged", code="BAD_BACKUP", hint="Use another copy of it."
    )
