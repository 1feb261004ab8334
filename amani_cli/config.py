"""Where settings come from: the environment, a trusted `.env`, the settings file; and where amani keeps things."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from amani_cli import errors, private
from amani_cli.files import named, write_private
from amani_cli.models.operations import Settings, SettingView
from amani_cli.text import did_you_mean

DEFAULT_LNBITS_URL = "https://legend.lnbits.com"

# The only names that a `.env` may set. An old backend's file holds many more; they are none of amani's business.
DOTENV_NAMES = frozenset(
    {
        "LNBITS_API_KEY",
        "LNBITS_BASE_URL",
        "FINCRA_API_KEY",
        "FINCRA_API_SECRET",
        "FINCRA_PUBLIC_KEY",
        "FINCRA_BUSINESS_ID",
        "FINCRA_BASE_URL",
    }
)


@dataclass(frozen=True)
class Paths:
    """The folders and files that amani keeps."""

    config: Path
    data: Path

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.config / "config.toml"

    @property
    def database(self) -> Path:
        """The database."""
        return self.data / "amani.db"

    @property
    def locks(self) -> Path:
        """Lock files."""
        return self.data / "locks"

    @property
    def sandbox(self) -> Path:
        """The sandbox: its environment, data and keys."""
        return self.data / "sandbox"


def paths(environ: Mapping[str, str]) -> Paths:
    """`AMANI_HOME` for everything, or else the platform's own folders."""
    home = environ.get("AMANI_HOME")
    if home:
        folder = named(home).absolute()
        return Paths(folder, folder)
    try:
        import platformdirs

        return Paths(platformdirs.user_config_path("amani"), platformdirs.user_data_path("amani"))
    except (RuntimeError, KeyError) as error:  # no HOME and no passwd entry
        raise errors.Usage(
            "no home folder to keep things in",
            hint="Set AMANI_HOME to a folder of yours, e.g. AMANI_HOME=/var/lib/amani.",
        ) from error


@dataclass(frozen=True)
class Setting:
    """A setting: its name, default, meaning, and what checks a value (returning it normalised)."""

    name: str
    default: str
    meaning: str
    check: Callable[[str], str]


def _duration(text: str) -> str:
    from amani_cli.times import parse_duration

    parse_duration(text)
    return text.strip()


def _duration_or_off(text: str) -> str:
    return text.strip() if text.strip() == "off" else _duration(text)


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.strip() not in words:
            raise errors.Usage(f"'{text}' is none of: {', '.join(words)}")
        return text.strip()

    return check


def _rate(text: str) -> str:
    text = text.strip()
    if text != "off":
        parse_rate(text)
    return text


def parse_rate(text: str) -> tuple[int, int] | None:
    """Read `10/1m` as (10, 60), `off` as None. Raises `errors.Usage`."""
    if text.strip() == "off":
        return None
    from amani_cli.times import parse_duration

    number, slash, window = text.strip().partition("/")
    if not slash or not number.isascii() or not number.isdigit() or int(number) < 1:
        raise errors.Usage(f"'{text[:40]}' is not a limit", hint="Write it as 10/1m, or off.")
    return int(number), parse_duration(window)


def _currency(text: str) -> str:
    from amani_cli.amounts import CURRENCIES

    text = text.strip()
    if text != "off" and text.upper() not in CURRENCIES:
        raise errors.Usage(f"'{text[:40]}' is not a currency of ISO 4217", hint="Write it as USD, or off.")
    return text if text == "off" else text.upper()


def _count(text: str) -> str:
    if not (text.strip().isascii() and text.strip().isdigit() and int(text) > 0):
        raise errors.Usage(f"'{text[:40]}' is not a whole number above zero")
    return text.strip()


def payer_text(kind: str, text: str) -> str:
    """What a payer says of themselves (`name`, `email`, `identifier`), trimmed. Raises `errors.Usage`."""
    text = text.strip()
    is_address = kind == "name" or (0 < text.find("@") < len(text) - 1 and " " not in text)
    if not text or len(text) > 200 or not text.isprintable() or not is_address:
        what = "a name is one line of up to 200 characters" if kind == "name" else f"'{text[:40]}' is no {kind}"
        raise errors.Usage(
            what, code="BAD_PAYER_DATA", hint="E.g. --payer-name 'Ada Obi', --payer-email a@example.com."
        )
    return text


def _payer(kind: str) -> Callable[[str], str]:
    return lambda text: text.strip() if text.strip() == "off" else payer_text(kind, text)


def _store(text: str) -> str:
    from amani_cli.store.address import checked

    return checked(text)


def _command(text: str) -> str:
    import shlex

    try:
        if shlex.split(text):
            return text.strip()
    except ValueError:
        pass
    raise errors.Usage(f"'{text[:40]}' is no command line", hint="Write it as 'pass show ledger', or off.")


def _url(text: str) -> str:
    from amani_cli.providers.addresses import clean_url

    return clean_url(text)


REGISTRY: tuple[Setting, ...] = (
    Setting(
        "default_url",
        DEFAULT_LNBITS_URL,
        "the LNbits of the env wallet without LNBITS_BASE_URL, and of 'wallet create' if set",
        _url,
    ),
    Setting("timeout", "30s", "how long a command may wait for a provider (--timeout)", _duration),
    Setting("expiry", "1h", "how long a new invoice can be paid (--expiry)", _duration),
    Setting(
        "network",
        "bitcoin",
        "the network whose invoices may be paid",
        _one_of("bitcoin", "testnet", "signet", "regtest"),
    ),
    Setting("limit.invoice", "10/1m", "invoices a wallet may make in that time (off: any number)", _rate),
    Setting("limit.check", "60/1m", "questions about an invoice's status", _rate),
    Setting("limit.cheque", "10/1h", "cheques, or sets of them, a wallet may write", _rate),
    Setting("limit.transfer", "20/1h", "transfers out of a wallet", _rate),
    Setting("cheque_count", "100", "cheques that one --count may write", _count),
    Setting(
        "key_max_age", "365d", "how old a stored key may get before 'doctor' warns of it, or off", _duration_or_off
    ),
    Setting("pin_reset_delay", "24h", "how long after 'pin reset' a forgotten PIN falls away", _duration),
    Setting(
        "books_currency", "off", "the currency whose rate is kept beside each settled payment, e.g. USD", _currency
    ),
    Setting("payer.name", "off", "your name, for payees whose server insists on it (LUD-18)", _payer("name")),
    Setting("payer.email", "off", "your email address, for payees whose server insists on it", _payer("email")),
    Setting("payer.identifier", "off", "your Lightning address, as above", _payer("identifier")),
    Setting("store", "sqlite", "where the ledger is: sqlite, or postgresql://… for several machines", _store),
    Setting(
        "store_password_command",
        "off",
        "what prints the password of the ledger's role, where no ~/.pgpass or service file has it",
        _command,
    ),
    Setting("color", "auto", "colour on a terminal (--color)", _one_of("auto", "always", "never")),
)


class Config:
    """Settings as they stand for this run, each with its source. Reads files when first asked."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], folder: Path | None = None) -> None:
        self.paths = paths
        self.environ = environ
        self.warnings: list[str] = []
        self._folder = folder or Path.cwd
        self._stored: dict[str, str] | None = None
        self._dotenv: dict[str, str] | None = None

    def get(self, name: str) -> str:
        """The value of a setting: `AMANI_NAME` in the environment, then the file, then the default."""
        return self.explain(name)[0]

    def explain(self, name: str) -> tuple[str, str]:
        """The value of a setting and where it came from. Raises `errors.Usage` for an unknown name."""
        setting = _known(name)
        variable = "AMANI_" + name.upper().replace(".", "_")
        if self.environ.get(variable):
            return setting.check(self.environ[variable]), f"environment ({variable})"
        if name in self.stored():
            return setting.check(self.stored()[name]), str(self.paths.settings)
        return setting.default, "default"

    def stored(self) -> dict[str, str]:
        """What the settings file says. Raises `errors.Usage` for one that others can write, or that makes no sense."""
        if self._stored is None:
            private.check_folder(self.paths.config)
            self._stored = _read_toml(self.paths.settings)
        return self._stored

    def set(self, name: str, value: str) -> str:
        """Check and store a setting; returns it as stored. An empty value goes back to the default."""
        checked = self.checked(name, value)
        stored = dict(self.stored())
        if value == "":
            stored.pop(name, None)
        else:
            stored[name] = checked
        _write_toml(self.paths.settings, stored)
        self._stored = stored
        return checked

    def checked(self, name: str, value: str) -> str:
        """A value as it would be stored; an empty one is the default. Raises `errors.Usage` for one that can't be."""
        setting = _known(name)
        return setting.default if value == "" else setting.check(value)

    def default(self, name: str) -> str:
        """The value of a setting of which nobody said anything."""
        return _known(name).default

    def variable(self, name: str) -> tuple[str, str] | None:
        """A provider's variable and where it stands: the environment first, then a trusted `.env` of this folder."""
        if self.environ.get(name):
            return self.environ[name], "environment"
        if self.dotenv().get(name):
            return self.dotenv()[name], ".env"
        return None

    def dotenv(self) -> dict[str, str]:
        """The `.env` of the current folder, if it is the user's own and nobody else can write it."""
        if self._dotenv is None:
            self._dotenv = self._read_dotenv()
        return self._dotenv

    def _read_dotenv(self) -> dict[str, str]:
        try:
            path = (self._folder() if callable(self._folder) else self._folder) / ".env"
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                return {}
            if about.st_uid != os.getuid():
                self.warnings.append(f"{path} was not read: it belongs to another user")
                return {}
            if about.st_mode & 0o022:
                self.warnings.append(f"{path} was not read: others can write it (chmod 600 .env)")
                return {}
            text = path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            return {}
        return {name: value for name, value in parse_dotenv(text).items() if name in DOTENV_NAMES}

    def view(self) -> Settings:
        """Every setting with its source, for `config show`."""
        items = [SettingView(setting.name, *self.explain(setting.name), setting.meaning) for setting in REGISTRY]
        for name in sorted(DOTENV_NAMES):
            found = self.variable(name)
            if found:
                secret = name.endswith(("_KEY", "_SECRET")) or "@" in found[0]  # an address with a login in it
                items.append(SettingView(name, "(set)" if secret else found[0], found[1], "provider variable"))
        folders = {
            "config": str(self.paths.settings),
            "database": str(self.paths.database),
            "sandbox": str(self.paths.sandbox),
        }
        return Settings(items, folders)


def parse_dotenv(text: str) -> dict[str, str]:
    """Read `NAME=value` lines: comments, `export `, quotes; nothing is expanded or run."""
    values = {}
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("export "):
            line = line[7:].lstrip()
        name, equals, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name.replace("_", "a").isalnum() or line.startswith("#"):
            continue
        if value[:1] in ("'", '"'):
            end = value.find(value[0], 1)
            value = value[1:end] if end > 0 else value[1:]
        else:
            value = value.split(" #", 1)[0].rstrip()
        values[name] = value
    return values


def _known(name: str) -> Setting:
    for setting in REGISTRY:
        if setting.name == name:
            return setting
    names = ", ".join(setting.name for setting in REGISTRY)
    meant = did_you_mean(name, [setting.name for setting in REGISTRY])
    raise errors.Usage(f"no setting '{name}'", code="NO_SUCH_SETTING", hint=f"{meant}There are: {names}.")


def _read_toml(path: Path) -> dict[str, str]:
    try:
        private.refuse(path, private.fault_of_settings(path))
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _bad_settings(path, error.strerror or "it can't be read") from error
    return parse_toml(content, path)


def parse_toml(content: bytes, path: Path) -> dict[str, str]:
    """The settings in a file's content. Raises `errors.Usage` for what is none."""
    try:
        import tomllib

        raw = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise _bad_settings(path, str(error)) from error
    return {name: value if isinstance(value, str) else str(value) for name, value in _flat(raw).items()}


def _bad_settings(path: Path, why: str) -> errors.Usage:
    return errors.Usage(f"can't read {path}: {why}", code="BAD_SETTINGS", hint="Mend or remove the file.")


def _flat(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def _write_toml(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step, 0600 from its first byte."""
    lines = []
    for name, value in sorted(values.items()):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'"{name}" = "{quoted}"\n')
    write_private(path.resolve() if path.is_symlink() else path, "".join(lines))  # a link of the user's stays one
