"""The command tree as completion sees it: what may stand where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amani_cli.explanations import ERROR_CODES, EXIT_CODES
from amani_cli.settings import REGISTRY

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
    "mcp wallets": WALLETS,
    "approver add name": ANYTHING,
    "request list status": Source(("open", "approved", "refused", "expired", "cancelled", "running", "settled")),
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
    "history list status": Source(("settled", "failed", "unknown", "reversed")),
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
