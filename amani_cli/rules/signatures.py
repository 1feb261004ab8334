"""Approvers' signatures: Ed25519 over what was asked for, and a public half that says whose key it is.

A key is bound to the OS user and the host that made it; the public half carries both, signed by the key itself.
"""

from __future__ import annotations

import base64
import os
import socket
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from amani_cli import errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

APPROVE, REFUSE = "approve", "refuse"
_PREFIX = "amani-approver"


class Person(NamedTuple):
    """Whoever runs amani, as the system has it: `--actor` and variables make nobody else."""

    os_user: str
    host: str

    def __str__(self) -> str:
        return f"{self.os_user}@{self.host}"


class Public(NamedTuple):
    """The public half of an approver's key (hex), and the person whose it is."""

    key: str
    person: Person


def myself() -> Person:
    """The person that this process belongs to, by the system's own list of users."""
    import pwd

    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:  # no passwd entry, as in a bare container
        user = f"uid-{uid}"
    return Person(user, socket.gethostname())


def new_key() -> str:
    """A fresh private key, in hex."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw().hex()


def public_of(private: str) -> str:
    """The public key of a private one, both in hex. Raises `errors.NotAuthorised` for what is no key."""
    return str(_loaded(private).public_key().public_bytes_raw().hex())


def public_half(private: str, person: Person) -> str:
    """What an approver hands out: one word, with the key and whose it is, signed."""
    key = public_of(private)
    parts = (_short(bytes.fromhex(key)), _named(person), _short(_loaded(private).sign(_binding(key, person))))
    return ":".join((_PREFIX, *parts))


def read_public_half(text: str) -> Public:
    """Read what `public_half` made. Raises `errors.Usage` for what is none, or was changed on its way."""
    bad = errors.Usage(
        "this is not the public half of an approver's key",
        code="BAD_APPROVER_KEY",
        hint="Take the whole line that 'amani approver init' prints on the approver's own machine.",
    )
    parts = text.strip().split(":")
    if len(parts) != 4 or parts[0] != _PREFIX or parts[2].count("@") != 1:
        raise bad
    try:
        key = base64.urlsafe_b64decode(parts[1] + "==").hex()
        signature = base64.urlsafe_b64decode(parts[3] + "==").hex()
    except ValueError:
        raise bad from None
    user, _, host = parts[2].partition("@")
    person = Person(unquote(user), unquote(host))
    if not person.os_user or not person.host or not _verifies(key, signature, _binding(key, person)):
        raise bad
    return Public(key, person)


def sign(private: str, digest: str, verdict: str) -> str:
    """Sign a verdict about the request of a digest; the signature in hex."""
    return str(_loaded(private).sign(_message(digest, verdict)).hex())


def is_signed(public: str, digest: str, verdict: str, signature: str) -> bool:
    """Whether a signature (hex) is that key's, of that verdict about that digest and no other."""
    return _verifies(public, signature, _message(digest, verdict))


def _message(digest: str, verdict: str) -> bytes:
    return f"amani.approval/1\n{verdict}\n{digest}".encode()


def _binding(key: str, person: Person) -> bytes:
    return f"amani.approver/1\n{key}\n{_named(person)}".encode()


def _named(person: Person) -> str:
    return f"{quote(person.os_user, safe='')}@{quote(person.host, safe='')}"


def _short(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _loaded(private: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private))
    except ValueError:
        raise errors.NotAuthorised(
            "what is kept as your approver key is none", code="NO_APPROVER_KEY", hint="Restore it from your own copy."
        ) from None


def _verifies(public: str, signature: str, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)
    except (ValueError, InvalidSignature):
        return False
    return True
