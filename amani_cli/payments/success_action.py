"""What a payee wants shown once it is paid: kept with the payment, and opened with its preimage (LUD-09, LUD-10)."""

from __future__ import annotations

import json
from base64 import b64decode

from amani_cli.models.document import as_json
from amani_cli.models.payments import SuccessAction


def to_text(action: SuccessAction | None) -> str | None:
    """The form in which the journal keeps it."""
    return None if action is None else json.dumps(as_json(action))


def from_text(text: str | None, preimage: str | None) -> SuccessAction | None:
    """What the journal keeps, as it is shown: an encrypted text is opened when the preimage is there."""
    if text is None:
        return None
    action = SuccessAction(**json.loads(text))
    if action.tag != "aes" or preimage is None:
        return action
    return action._replace(secret=_opened(action, preimage))


def _opened(action: SuccessAction, preimage: str) -> str | None:
    """The text behind an `aes` action: AES-256-CBC with the preimage as its key. None if it can't be opened."""
    # On Linux the keyring brings this library along, and nobody should write their own AES for the rest.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        cipher = Cipher(algorithms.AES256(bytes.fromhex(preimage)), modes.CBC(b64decode(action.iv or ""))).decryptor()
        padded = cipher.update(b64decode(action.ciphertext or "")) + cipher.finalize()
        padding = PKCS7(128).unpadder()
        return (padding.update(padded) + padding.finalize()).decode("utf-8")
    except ValueError:  # no key, no Base64, no padding, no UTF-8: the payee has sent something else
        return None
