"""Secrets that stand in what a user types to be kept, such as a key inside --key-command: refused with the way out."""

from __future__ import annotations

from collections.abc import Mapping

from amani_cli import errors, keys
from amani_cli.text import holds_secret, is_secret, mask


def new_command(line: str, environ: Mapping[str, str]) -> keys.Key:
    """The key that a command prints, which is to be kept: it must not have the secret written out in it.

    Raises `errors.Usage` (KEY_IN_ARGUMENT), before it is run where its form shows it.
    """
    if holds_secret(line):
        raise _in_argument("the key command has a secret written out in it")
    key = keys.from_command(line, environ)
    if mask(line, (key.value,)) != line:
        raise _in_argument("the key itself stands in the key command")
    return key


def check_name(name: str, what: str) -> None:
    """Refuse what is to be kept as a name or path and is a key by its form. Raises `errors.Usage` (KEY_IN_ARGUMENT)."""
    if is_secret(name):
        raise _in_argument(f"what was given as {what} looks like a key")


def _in_argument(what: str) -> errors.Usage:
    return errors.Usage(
        f"{what}, which would be kept and shown",
        code="KEY_IN_ARGUMENT",
        hint="Nothing was stored. Give a command that looks the key up ('pass show lnbits'), --key-file or --key-stdin."
        " This one is in your shell's history now: change it.",
    )
