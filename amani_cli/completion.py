"""Completion scripts for bash, zsh and fish, made from the command tree.

Command words, options and fixed values stand in the script, so that a TAB on them starts no Python; only names
that change (wallets and the like) are asked for, by `amani completion values KIND`. This module walks the tree once
and says what may stand where; `shells` writes that down in each shell's own language.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amani_cli import errors
from amani_cli.config import REGISTRY
from amani_cli.explanations import ERROR_CODES, EXIT_CODES

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Source:
    """What may stand in a place: fixed words, names of a kind that amani is asked for, files, or anything at all."""

    words: tuple[str, ...] = ()
    kind: str = ""
    files: bool = False


ANYTHING = Source()
FILES = Source(files=True)
WALLETS = Source(kind="wallets")
CHEQUES = Source(kind="cheques")
CONTACTS = Source(kind="contacts")
SETTINGS = Source(tuple(setting.name for setting in REGISTRY))

# What completes a parameter, by its name in the code; the command's words before it, as many as are needed, tell
# parameters of the same name apart. Parameters that are shown as a path are completed with files.
SOURCES: dict[str, Source] = {
    "wallet": WALLETS,
    "wallet name": WALLETS,
    "wallet names": WALLETS,
    "wallet add name": ANYTHING,
    "wallet create name": ANYTHING,
    "watch names": WALLETS,
    "sandbox fund name": WALLETS,
    "transfer to": WALLETS,
    "transfer source": WALLETS,
    "cheque claim to": WALLETS,
    "pay dest": CONTACTS,
    "batch plan file": FILES,
    "batch plan output": FILES,
    "batch plan fiat_wallet": WALLETS,
    "batch run plan": FILES,
    "batch status plan": FILES,
    "batch results plan": FILES,
    "batch results output": FILES,
    "contact show name": CONTACTS,
    "contact remove name": CONTACTS,
    "contact add name": ANYTHING,
    "cheque show id": CHEQUES,
    "cheque void id": CHEQUES,
    "cheque reissue id": CHEQUES,
    "wallet add provider": Source(("lnbits", "fincra")),
    "color": Source(("auto", "always", "never")),
    "invoice list status": Source(("pending", "paid", "expired")),
    "history list status": Source(("settled", "failed", "unknown")),
    "history list direction": Source(("in", "out")),
    "history export rates": FILES,
    "history export form": Source(("csv", "jsonl", "ledger", "beancount")),
    "history export month": Source(("last", "this")),
    "close month": Source(("last",)),
    "cheque list status": Source(("open", "claiming", "claimed", "void", "expired")),
    "completion shell": Source(SHELLS),
    "config set name": SETTINGS,
    "config explain name": SETTINGS,
    "explain code": Source((*map(str, EXIT_CODES), *ERROR_CODES)),
}
FILE_METAVARS = ("PATH", "FILE")


@dataclass(frozen=True)
class Option:
    """An option: its names, its line in the help, and what its value may be (None for a flag)."""

    names: tuple[str, ...]
    help: str
    value: Source | None
    repeats: bool


@dataclass(frozen=True)
class Argument:
    """An argument in its place; the last one may repeat."""

    help: str
    source: Source
    repeats: bool


@dataclass(frozen=True)
class Node:
    """A command or a group: its words after `amani`, and what it takes; `commands` are words with their help."""

    path: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]


def script(shell: str, root: Any) -> str:
    """The completion script of a shell for the command tree `root`. Raises `errors.Usage` for another shell."""
    _known(shell)
    from amani_cli import shells

    writers = {"bash": shells.bash, "zsh": shells.zsh, "fish": shells.fish}
    return writers[shell](read_tree(root))


def read_tree(root: Any) -> list[Node]:
    """What completion has to know of each command of the tree, the root first."""
    return [_node(path, ctx) for path, ctx in walk(root)]


def walk(command: Any, parent: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command that is not hidden: its words after `amani`, and its context; a group before what is in it."""
    name = path[-1] if path else "amani"
    ctx = command.context_class(command, parent=parent, info_name=name, **command.context_settings)
    yield path, ctx
    for word, below in _below(ctx):
        yield from walk(below, ctx, (*path, word))


def _below(ctx: Any) -> list[tuple[str, Any]]:
    group = ctx.command
    words = group.list_commands(ctx) if hasattr(group, "list_commands") else []
    commands = [(word, group.get_command(ctx, word)) for word in words]
    return [(word, command) for word, command in commands if not command.hidden]


def _node(path: tuple[str, ...], ctx: Any) -> Node:
    shown = [param for param in ctx.command.get_params(ctx) if not getattr(param, "hidden", False)]
    return Node(
        path=path,
        commands=tuple((word, first_sentence(command.help or "")) for word, command in _below(ctx)),
        options=tuple(_option(param, path) for param in shown if param.param_type_name == "option"),
        arguments=tuple(_argument(param, path) for param in shown if param.param_type_name == "argument"),
    )


def _option(param: Any, path: tuple[str, ...]) -> Option:
    value = None if param.is_flag or param.count else _source(param, path)
    names = sorted(param.opts, key=len, reverse=True)  # those of --help come in no order
    return Option((*names, *param.secondary_opts), _one_line(param.help or ""), value, bool(param.count))


def _argument(param: Any, path: tuple[str, ...]) -> Argument:
    return Argument(_one_line(param.help or param.name), _source(param, path), param.nargs == -1)


def _source(param: Any, path: tuple[str, ...]) -> Source:
    for words in range(len(path), -1, -1):
        key = " ".join((*path[:words], param.name))
        if key in SOURCES:
            return SOURCES[key]
    return FILES if param.metavar in FILE_METAVARS else ANYTHING


def first_sentence(text: str) -> str:
    """The first sentence of a help text, in one line and without its full stop."""
    return re.split(r"\. (?=[A-Z])", _one_line(text.split("\n\n")[0]))[0].removesuffix(".")


def _one_line(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")


def install(shell: str, root: Any, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Write the script where the shell looks for it; returns the file and what is left to do, which may be nothing.

    Raises `errors.Usage` for another shell, without a home folder, or where the file can't be written.
    """
    text = script(shell, root)
    home = environ.get("HOME")
    if not home:
        raise errors.Usage("HOME is not set", hint=f"Use: amani completion show {shell}")
    data = Path(environ.get("XDG_DATA_HOME") or Path(home, ".local", "share"))
    config = Path(environ.get("XDG_CONFIG_HOME") or Path(home, ".config"))
    path = {
        "bash": Path(environ.get("BASH_COMPLETION_USER_DIR") or data / "bash-completion") / "completions" / "amani",
        "zsh": Path(environ.get("ZDOTDIR") or home) / ".zfunc" / "_amani",
        "fish": config / "fish" / "completions" / "amani.fish",
    }[shell]
    half = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise errors.Usage(
            f"can't write {path}: {error.strerror}", hint=f"Use: amani completion show {shell} > FILE"
        ) from error
    return path, _left_to_do(shell, path)


def _left_to_do(shell: str, path: Path) -> str:
    if shell == "zsh":
        return f"Have these in .zshrc, once: fpath=({path.parent} $fpath); autoload -Uz compinit && compinit"
    if shell == "bash" and not _has_bash_completion():
        return f"bash-completion is not installed here, so have this in .bashrc, once: source {path}"
    return ""


def _has_bash_completion() -> bool:
    """Whether the package that loads scripts from the user's folder is there, where systems put it."""
    prefixes = ("/usr", "/usr/local", "/opt/homebrew", "/opt/local", sys.prefix)
    return any(Path(prefix, "share", "bash-completion", "bash_completion").exists() for prefix in prefixes)


def _known(shell: str) -> None:
    if shell not in SHELLS:
        raise errors.Usage(f"no completion for '{shell[:40]}'", hint=f"There are: {', '.join(SHELLS)}.")
