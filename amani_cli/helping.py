"""What --help prints: how a command is called, what it takes, the shared options in one line, and examples."""

from __future__ import annotations

import os
from typing import Any

# The first level by what people want. Each command of the tree is in one section.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Move money": ("pay", "transfer", "batch", "contact", "request"),
    "Ask for money": ("invoice", "address"),
    "Hand out": ("cheque", "faucet"),
    "Look": ("status", "history", "trace", "watch"),
    "Run it": ("reconcile", "close", "audit", "backup", "store", "metrics", "webhook", "serve", "mcp", "doctor"),
    "Set up": ("wallet", "login", "logout", "pin", "approver", "sandbox", "config", "completion", "schema", "explain"),
}
_BEGIN = (
    ("amani sandbox start", "try everything, with fake sats"),
    ("amani wallet add main --url URL", "a wallet of your own, by its key"),
    ("export LNBITS_API_KEY=… LNBITS_BASE_URL=…", "or just this shell's"),
)


def write(command: Any, ctx: Any, formatter: Any, shared: list[Any], sections: list[Any] | None = None) -> None:
    """Write a command's help; `sections` are headings with the commands below them, for a group."""
    path = ctx.command_path.partition(" ")[2]
    formatter.write_usage(ctx.command_path, " ".join(usage(command, ctx)))
    command.format_help_text(ctx, formatter)
    if not path and _is_new():
        with formatter.section("No wallet yet. Begin with one of these"):
            formatter.write_dl(_BEGIN, col_max=42)
    params = [param for param in command.get_params(ctx) if not getattr(param, "hidden", False)]
    _write_params(formatter, "Arguments", [each for each in params if each.param_type_name == "argument"])
    for heading, rows in sections or []:
        with formatter.section(heading):
            formatter.write_dl(rows)
    options = [each for each in params if each.param_type_name == "option"]
    own = [each for each in options if each not in shared and each.name != "help"]
    _write_params(formatter, "Options", own)
    if path:
        formatter.write_paragraph()
        formatter.write_text("Every command takes --wallet, --json, --quiet, --yes, … too: see amani --help")
    else:
        _write_params(formatter, "Options of every command", [each for each in options if each not in own])
    _write_examples(formatter, path)


def usage(command: Any, ctx: Any) -> list[str]:
    """The pieces of a usage line: arguments in capitals, in brackets where they may be left out."""
    params = [each for each in command.get_params(ctx) if each.param_type_name == "argument"]
    end = ["COMMAND", "..."] if hasattr(command, "list_commands") else []
    return ["[OPTION]...", *(called(each) for each in params), *end]


def called(param: Any) -> str:
    """What stands for an argument: NAME, [NAME] or [NAME]..."""
    name = (param.metavar or param.name.upper()).strip("[].")
    return (name if param.required else f"[{name}]") + ("..." if param.nargs == -1 else "")


def value(param: Any) -> str:
    """What stands for an option's value: a word in capitals, N for a number, nothing for a flag."""
    if param.is_flag or param.count:
        return ""
    return str(param.metavar or ("N" if "int" in param.type.name else "TEXT"))


def _write_params(formatter: Any, heading: str, params: list[Any]) -> None:
    rows = []
    for param in params:
        if param.param_type_name == "argument":
            rows.append((called(param), param.help or ""))
            continue
        names = ", ".join(sorted(param.opts, key=len)) + "".join(f" / {name}" for name in param.secondary_opts)
        rows.append((f"{names} {value(param)}".rstrip(), _told(param)))
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows)


def _told(param: Any) -> str:
    """An option's help, and its default where there is one that says something."""
    default = param.default
    if (
        param.is_flag
        or param.count
        or default in (None, "")
        or callable(default)
        or not isinstance(default, (str, int))
    ):
        return str(param.help or "")
    return f"{param.help} [{default}]"


def _write_examples(formatter: Any, path: str) -> None:
    from amani_cli import examples

    found = examples.of(path)
    if found:
        with formatter.section("Examples"):
            for line in found:  # never wrapped: it is there to be copied
                formatter.write(f"{' ' * formatter.current_indent}{line}\n")


def _is_new() -> bool:
    """Whether there is no wallet to use: none registered, none in the environment."""
    from amani_cli.store import names

    if os.environ.get("LNBITS_API_KEY") or os.environ.get("FINCRA_API_KEY"):
        return False
    # Who shares a ledger with others is not new, and no help waits for a server.
    return names.shared(os.environ) is None and not names.known("wallets", os.environ)
