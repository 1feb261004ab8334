"""Where settings come from: the environment, a trusted `.env`, the settings file; and where amani keeps things."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amani_cli import errors, private
from amani_cli.files import named, write_private
from amani_cli.settings import REGISTRY, known
from amani_cli.text import did_you_mean

if TYPE_CHECKING:
    from amani_cli.models.operations import Settings

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


# What amani itself looks at in the environment beside the settings, each of which has a variable too.
_VARIABLES = ("AMANI_HOME", "AMANI_WALLET", "AMANI_ACTOR", "AMANI_LOG", "AMANI_KEY_FILE", "AMANI_KEY_COMMAND")


def variable_of(name: str) -> str:
    """The environment's variable for a setting."""
    return "AMANI_" + name.upper().replace(".", "_")


def _refuse_dangling(folder: Path) -> None:
    """Refuse a home that is, or lies behind, a link to nothing: a journal begun elsewhere would pay things again."""
    if folder.exists():
        return
    for each in (folder, *folder.parents):
        if each.is_symlink() and not each.exists():
            raise errors.Usage(
                f"AMANI_HOME leads through the link {each} to {os.readlink(each)}, where there is nothing",
                code="NO_HOME",
                hint=f"Is its disk mounted? Else make {os.readlink(each)}, or name another folder.",
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
    def approver(self) -> Path:
        """Whose approver key this is, and where its private half lies."""
        return self.data / "approver.json"

    @property
    def sandbox(self) -> Path:
        """The sandbox: its environment, data and keys."""
        return self.data / "sandbox"


def paths(environ: Mapping[str, str]) -> Paths:
    """`AMANI_HOME` for everything, or else the platform's own folders."""
    home = environ.get("AMANI_HOME")
    if home:
        if not home.strip():
            raise errors.Usage("AMANI_HOME is blank", code="NO_HOME", hint="Name a folder, or unset it.")
        folder = named(home).absolute()
        _refuse_dangling(folder)
        return Paths(folder, folder)
    try:
        import platformdirs

        return Paths(platformdirs.user_config_path("amani"), platformdirs.user_data_path("amani"))
    except (RuntimeError, KeyError) as error:  # no HOME and no passwd entry
        raise errors.Usage(
            "no home folder to keep things in",
            hint="Set AMANI_HOME to a folder of yours, e.g. AMANI_HOME=/var/lib/amani.",
        ) from error


class Config:
    """Settings as they stand for this run, each with its source. Reads files when first asked."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], folder: Path | None = None) -> None:
        self.paths = paths
        self.environ = environ
        self.warnings: list[str] = []
        self._folder = folder or Path.cwd
        self._stored: dict[str, str] | None = None
        self._dotenv: dict[str, str] | None = None
        self._set_aside: set[str] = set()

    def get(self, name: str) -> str:
        """The value of a setting: `AMANI_NAME` in the environment, then the file, then the default."""
        return self.explain(name)[0]

    def explain(self, name: str) -> tuple[str, str]:
        """The value of a setting and where it came from. Raises `errors.Usage` for an unknown name."""
        setting = known(name)
        variable = variable_of(name)
        if name in self._set_aside:
            return setting.default, "default, for what is said can't be right"
        if self.environ.get(variable):
            text, source, mend = self.environ[variable], f"environment ({variable})", f"Mend or unset {variable}."
        elif name in self.stored():
            text, source = self.stored()[name], str(self.paths.settings)
            mend = f"Mend it there, or: amani config set {name} VALUE ('' for the default, {setting.default})."
        else:
            return setting.default, "default"
        try:
            return setting.check(text), source
        except errors.Usage as error:
            raise errors.Usage(
                f"{name} in {source}: {error.message}", code="BAD_SETTINGS", hint=f"{error.hint} {mend}".lstrip()
            ) from None

    def stored(self) -> dict[str, str]:
        """What the settings file says. Raises `errors.Usage` for one that others can write, or that makes no sense."""
        if self._stored is None:
            private.check_folder(self.paths.config)
            self._stored = _read_toml(self.paths.settings)
        return self._stored

    def unknown(self) -> list[str]:
        """A line for each name, in the file or among the variables, that means nothing, with the nearest that does.

        A file that can't be read has a line too.
        """
        variables = {*_VARIABLES, *(variable_of(setting.name) for setting in REGISTRY)}
        said = sorted(name for name, value in self.environ.items() if name.startswith("AMANI_") and value)
        lines = []
        for name in said:
            if name not in variables and not name.startswith("AMANI_TEST_"):  # those of a clone's own tests
                near = did_you_mean(name, variables, prefix="AMANI_")
                lines.append(f"{name} in the environment means nothing to amani. {near}".rstrip())
        names = [setting.name for setting in REGISTRY]
        try:
            stored = self.stored()
        except errors.Usage as error:
            return [*lines, error.message]
        for name in stored:
            if name not in names:
                line = f"'{name}' in {self.paths.settings} is no setting. {did_you_mean(name, names)}"
                lines.append(line.rstrip())
        return lines

    def set_aside(self) -> list[errors.Usage]:
        """What is wrong with the file and with each value that can't be right; from now on it counts as not said.

        For commands that look for what is wrong and must not end by it. Raises `errors.Usage` (NOT_PRIVATE).
        """
        faults = []
        try:
            self.stored()
        except errors.Usage as error:
            if error.code != "BAD_SETTINGS":
                raise
            faults.append(error)
            self._stored = {}
        for setting in REGISTRY:
            try:
                self.explain(setting.name)
            except errors.Usage as error:
                faults.append(error)
                self._set_aside.add(setting.name)
        return faults

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
        setting = known(name)
        return setting.default if value == "" else setting.check(value)

    def default(self, name: str) -> str:
        """The value of a setting of which nobody said anything."""
        return known(name).default

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
        from amani_cli.models.operations import Settings, SettingView

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
