"""Certificates for servers on loopback."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any


def self_signed(path: Path, name: str) -> Path:
    """A certificate that nobody has signed but itself, and its key."""
    made = Authority(name)
    path.write_bytes(made.key + made.certificate)
    return path


class Authority:
    """Somebody who signs certificates, and whose own nobody has signed but itself."""

    def __init__(self, name: str) -> None:
        """`name` is also a host's, so that it can be a server's certificate itself."""
        self._name = name
        self.certificate, self.key, self._signer = _made(name, name, None)

    def signs(self, name: str) -> bytes:
        """A certificate for the host of that name, and its key."""
        certificate, key, _ = _made(name, self._name, self._signer)
        return certificate + key


def _made(name: str, by: str, signer: Any) -> tuple[bytes, bytes, Any]:
    """A certificate, its key as text and as itself; signed by itself where there is no `signer`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    issuer, who = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (by, name))
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(1)
    number = x509.random_serial_number()
    made = (
        x509.CertificateBuilder(issuer, who, key.public_key(), number, now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .sign(signer or key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), text, key
