"""Where keys come from and go to: keyring, file, command, systemd credential, environment, the sandbox's own file.

A wallet's `key_source` names the place and never holds a key: `keyring:SLOT`, `file:PATH`, `command:LINE`,
`credential:NAME`, `sandbox:ID` or `env`. Whatever is read here is remembered in `SEEN`, so that one mask can keep it
out of every stream.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from amani_cli import errors, private
from amani_cli.files import cant_write, write_private

SERVICE = "amani"
KEYRING_CAP_S = 3.0
COMMAND_CAP_S = 30.0
LONGEST_KEY = 4096
OUTPUT_LIMIT = 64 * 1024  # bytes of a command's or a file's that are looked at: no key, token or password is longer

OTHER_WAYS = "Give the key by --key-file PATH, --key-command 'pass show lnbits' or --key-credential NAME (systemd)."

SEEN: set[str] = set()

# What a child process must not inherit: it would show up in its /proc/PID/environ.
SECRET_VARIABLES = ("LNBITS_API_KEY", "FINCRA_API_KEY", "FINCRA_API_SECRET")

T = TypeVar("T")


class KeySource(str):
    """Where a wallet's key lives, in the one way of saying it: `place`, and which one there (`where`, may be empty)."""

    __slots__ = ()

    @property
    def place(self) -> str:
        """`keyring`, `file`, `command`, `credential`, `sandbox`, `env`, or for a cheque's `kept` or `code`."""
        return self.partition(":")[0]

    @property
    def where(self) -> str:
        """The slot, path, command line, name or id."""
        return self.partition(":")[2]

    @property
    def is_gone(self) -> bool:
        """Whether it is a file that is not there any more; of other places that is seen only by asking them."""
        return self.place == "file" and not os.path.exists(self.where)


class Key(NamedTuple):
    """A key and where it came from, in words fit for a person."""

    value: str
    source: str


def clean(text: str, source: str) -> str:
    """Strip and check a key, and remember it for the mask. Raises `errors.NotAuthorised` if it can't be a key."""
    value = text.strip()
    if 0 < len(value) <= LONGEST_KEY:
        SEEN.add(value)
    if not value:
        raise errors.NotAuthorised(f"the key from {source} is empty", code="NO_KEY")
    if not all("!" <= character <= "~" for character in value) or len(value) > LONGEST_KEY:
        raise errors.NotAuthorised(
            f"what {source} holds is not a key (it has spaces, line breaks or odd characters)", code="BAD_KEY"
        )
    return value


def from_file(path: Path) -> Key:
    """Read a key from a file that is the user's own and nobody else's to read."""
    source = f"file {path}"
    return Key(clean(private_text(path), source), source)


def private_text(path: Path) -> str:
    """What a file holds that is the user's own and nobody else's to read. Raises `errors.NotAuthorised`."""
    try:
        # systemd may keep a credential under root, readable by the unit alone (https://systemd.io/CREDENTIALS/).
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        if credentials and path.parent == Path(credentials):
            return path.read_text(encoding="utf-8", errors="strict")
        if (found := private.fault(path)) is not None:
            raise errors.NotAuthorised(f"{path} {found.words}", code="KEY_FILE", hint=found.mend)
        with path.open(encoding="utf-8", errors="strict") as file:
            return file.read(OUTPUT_LIMIT)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise errors.NotAuthorised(
            f"can't read the key file {path}: {reason}", code="KEY_FILE", hint="Check the path and its owner."
        ) from None


def from_command(line: str, environ: Mapping[str, str]) -> Key:
    """Read a key from a command's stdout."""
    text, program = command_output(line, environ)
    return Key(clean(text, "the key command"), f"command {program}")


def command_output(line: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """What a command prints, and its first word; no shell, a cap of 30 s, its stderr goes to the user.

    Raises `errors.NotAuthorised` when it can't be run, fails or takes longer.
    """
    import shlex
    import subprocess

    name = "the key command"
    try:
        words = shlex.split(line)
        text, code = _run(words, {key: value for key, value in environ.items() if key not in SECRET_VARIABLES})
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "not a command line"
        raise errors.NotAuthorised(f"{name} can't be run: {reason}", code="KEY_COMMAND") from None
    except subprocess.TimeoutExpired:
        raise errors.NotAuthorised(f"{name} gave no key within {COMMAND_CAP_S:.0f} s", code="KEY_COMMAND") from None
    if len(text) > OUTPUT_LIMIT:
        raise errors.NotAuthorised(f"{name} prints far more than a key", code="KEY_COMMAND")
    if code != 0:
        raise errors.NotAuthorised(f"{name} failed with exit code {code}", code="KEY_COMMAND")
    return text.decode("utf-8", "replace"), words[0]


def _run(words: list[str], environ: Mapping[str, str]) -> tuple[bytes, int]:
    """What a command prints, no more than a little over `OUTPUT_LIMIT`, and its exit code; it does not outlive this.

    Raises `OSError`, or `subprocess.TimeoutExpired` after `COMMAND_CAP_S`.
    """
    import select
    import subprocess
    import time

    ends, text = time.monotonic() + COMMAND_CAP_S, b""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environ) as run:
        assert run.stdout is not None
        try:
            while len(text) <= OUTPUT_LIMIT:
                if not select.select([run.stdout], [], [], max(0.0, ends - time.monotonic()))[0]:
                    raise subprocess.TimeoutExpired(words[0], COMMAND_CAP_S)
                part = os.read(run.stdout.fileno(), 65536)
                if not part:
                    return text, run.wait(max(0.0, ends - time.monotonic()))
                text += part
            return text, 0
        finally:
            run.kill()


def from_credential(name: str, environ: Mapping[str, str]) -> Key:
    """Read a systemd credential (https://systemd.io/CREDENTIALS/); the file belongs to the unit alone."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise errors.NotAuthorised(
            f"no credential '{name}': this was not started by systemd with LoadCredential=",
            code="KEY_CREDENTIAL",
            hint=f"Add LoadCredential={name}:/path/to/key to the unit.",
        )
    if "/" in name or name in ("", ".", ".."):
        raise errors.Usage(f"'{name}' is not a credential's name", code="KEY_CREDENTIAL")
    try:
        text = (Path(folder) / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise errors.NotAuthorised(
            f"systemd passed no credential '{name}'",
            code="KEY_CREDENTIAL",
            hint=f"Add LoadCredential={name}:/path/to/key to the unit.",
        ) from None
    return Key(clean(text, f"credential {name}"), f"systemd credential {name}")


def keyring_get(name: str) -> str | None:
    """A secret from the OS keyring, or None. Raises `errors.NotAuthorised` when there is no usable keyring."""
    value = _with_keyring(lambda backend: backend.get_password(SERVICE, name))
    if value is not None and not isinstance(value, str):
        raise errors.NotAuthorised("the keyring gave something that is no text", code="KEYRING")
    if value:
        SEEN.add(value)
    return value


def keyring_set(name: str, value: str) -> None:
    """Put a secret into the OS keyring and read it back, so that it is relied on only when it is there."""
    SEEN.add(value)
    _with_keyring(lambda backend: backend.set_password(SERVICE, name, value))
    if keyring_get(name) != value:
        raise errors.NotAuthorised("the keyring did not keep what it was given", code="KEYRING", hint=OTHER_WAYS)


def keyring_delete(name: str) -> None:
    """Remove a secret; one that is not there is fine."""
    if keyring_get(name) is not None:
        _with_keyring(lambda backend: backend.delete_password(SERVICE, name))


def keyring_name() -> str:
    """Which backend answers; it is asked for something, so that a locked or dead one shows before it is needed."""

    def answer(backend: Any) -> str:
        backend.get_password(SERVICE, "probe")
        return str(getattr(backend, "name", type(backend).__name__))

    return _with_keyring(answer)


def keyring_keeps() -> None:
    """Make sure that the keyring keeps what it is given, before what depends on it is made: some forget everything.

    Raises `errors.NotAuthorised`.
    """
    name = f"probe:{os.urandom(4).hex()}"  # several processes may try at once
    keyring_set(name, os.urandom(16).hex())
    keyring_delete(name)


@contextmanager
def otherwise(way_out: str) -> Iterator[None]:
    """Have a keyring that can't be used lead to what there is in its place, where that is not an option for a key."""
    try:
        yield
    except errors.NotAuthorised as error:
        error.hint = error.hint.replace(OTHER_WAYS, way_out)
        raise


def _with_keyring(act: Callable[..., T]) -> T:
    """Run one keyring call under a cap of 3 s, in a thread that the program does not wait for.

    A locked collection with a display waits for a person for ever otherwise
    (https://github.com/jaraco/keyring/issues/280); gh and stripe-cli cap theirs at the same 3 s.
    """
    import queue
    import threading

    result: queue.Queue[tuple[bool, object]] = queue.Queue()

    def run() -> None:
        try:
            result.put((True, act(_backend())))
        except BaseException as error:
            result.put((False, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        fine, value = result.get(timeout=KEYRING_CAP_S)
    except queue.Empty:
        raise errors.NotAuthorised(
            f"the keyring did not answer within {KEYRING_CAP_S:.0f} s",
            code="KEYRING",
            hint=f"It may be locked and waiting for its password. {OTHER_WAYS}",
        ) from None
    if fine:
        return value  # type: ignore[return-value]
    if isinstance(value, errors.AmaniError):
        raise value
    if isinstance(value, BaseException) and "Locked" in type(value).__name__:
        raise errors.NotAuthorised(
            "the keyring is locked", code="KEYRING_LOCKED", hint=f"Unlock it, or else: {OTHER_WAYS}"
        )
    raise errors.NotAuthorised(f"no usable keyring ({type(value).__name__})", code="NO_KEYRING", hint=OTHER_WAYS)


def _backend() -> object:
    """The keyring's backend, named directly: discovery walks every installed package's entry points (50 ms and more).

    `PYTHON_KEYRING_BACKEND` and `keyringrc.cfg` are honoured, as users of keyring expect.
    """
    from keyring.util import platform_

    if os.environ.get("PYTHON_KEYRING_BACKEND") or (Path(platform_.config_root()) / "keyringrc.cfg").exists():
        import keyring

        return keyring.get_keyring()
    if sys.platform == "darwin":
        from keyring.backends import macOS

        return macOS.Keyring()
    if sys.platform == "win32":
        from keyring.backends import Windows

        return Windows.WinVaultKeyring()
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        raise errors.NotAuthorised(
            "no usable keyring: there is no D-Bus session here", code="NO_KEYRING", hint=OTHER_WAYS
        )
    from keyring.backends import SecretService

    return SecretService.Keyring()  # type: ignore[no-untyped-call]


def write_key_file(path: Path, value: str, *, replace: bool = False) -> None:
    """Write a key into a file of the user's, 0600; one that exists is refused unless it is to be replaced."""
    SEEN.add(value)
    write_private(path, value + "\n", replace=replace)


# -- secrets of amani's own: a PIN's pepper, the keys of cheques ---------------------------------------------


def place_for(source: KeySource, sandbox_folder: Path) -> str:
    """Where secrets that belong to a wallet are kept: with its key, wherever that is.

    Beside a key file in a folder of its own, with the sandbox's keys, or in the keyring. A key that comes from a
    command, a credential or the environment leaves only the keyring, which must then be usable (raises
    `errors.NotAuthorised`).
    """
    if source.place == "file":
        return f"folder:{source.where}.amani"
    if source.place == "sandbox":
        return f"folder:{sandbox_folder / 'secrets'}"
    with otherwise(
        "This is kept with the wallet's key, in the keyring or beside a key file. Without a keyring have the key in a"
        " file: amani wallet add NAME --url URL --key-file PATH, after 'amani wallet remove NAME' where it is added"
        " otherwise (from every machine of a shared ledger); its history and rules stay."
    ):
        keyring_name()
    return "keyring"


def keep(place: str, name: str, value: str) -> None:
    """Keep a secret under a name, durably, before it is relied on."""
    SEEN.add(value)
    kind, _, folder = place.partition(":")
    if kind == "keyring":
        keyring_set(name, value)
    else:
        write_key_file(Path(folder) / name.replace(":", "-"), value, replace=True)


def kept(place: str, name: str) -> str | None:
    """A kept secret, or None."""
    kind, _, folder = place.partition(":")
    if kind == "keyring":
        return keyring_get(name)
    path = Path(folder) / name.replace(":", "-")
    return from_file(path).value if os.path.lexists(path) else None


def unkeep(place: str, name: str) -> None:
    """Drop a kept secret; one that is not there is fine. Raises `errors.AmaniError` where it can't be."""
    kind, _, folder = place.partition(":")
    if kind == "keyring":
        keyring_delete(name)
    else:
        path = Path(folder) / name.replace(":", "-")
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cant_write(path, error) from None
