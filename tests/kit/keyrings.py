"""Keyring backends for tests, named in PYTHON_KEYRING_BACKEND as users of `keyring` name theirs."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

IN_MEMORY = f"{__name__}.InMemory"
IN_FOLDER = f"{__name__}.InFolder"
HANGING = f"{__name__}.Hanging"
LOCKED = f"{__name__}.Locked"


class InMemory(KeyringBackend):
    """One that lasts as long as this process; for commands that run in it."""

    priority = 1
    content: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.content.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.content[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.content.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


class Hanging(InMemory):
    """One that waits for a person who is not there."""

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(60)
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        time.sleep(60)


class Locked(InMemory):
    """One whose collection nobody has unlocked."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the collection is locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("the collection is locked")


class InFolder(KeyringBackend):
    """One that many processes share: a file a secret, in the folder that AMANI_TEST_KEYRING names."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        path = self._path(service, username)
        return path.read_text() if path.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        path = self._path(service, username)
        half = path.with_name(f"{path.name}.{os.getpid()}")
        half.write_text(password)
        half.replace(path)

    def delete_password(self, service: str, username: str) -> None:
        self._path(service, username).unlink()

    def _path(self, service: str, username: str) -> Path:
        folder = Path(os.environ["AMANI_TEST_KEYRING"])
        folder.mkdir(exist_ok=True)
        return folder / quote(f"{service} {username}", safe="")
