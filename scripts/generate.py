"""What `make generate` runs: writes the files that are made from the code. A test says when one is out of date.

Completion scripts, man pages, the page of every command and the page of every code: what `amani` itself says is the
only source, so that none of them can tell something else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

CLONE = Path(__file__).resolve().parent.parent
NOTE = "<!-- Made from the code by `make generate`; do not edit. -->\n"


def main() -> int:
    """Write every file that differs, remove man pages of commands that are gone, and name what changed."""
    made = files()
    for name, text in made.items():
        path = CLONE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(name)
    for path in (CLONE / "man").glob("*.1"):
        if f"man/{path.name}" not in made:
            path.unlink()
            print(f"man/{path.name} removed")
    return 0


def files() -> dict[str, str]:
    """Each file's name in the clone, and what it should hold."""
    from amani_cli.cli import root
    from amani_cli.completion import scripts

    tree = root()
    commands = read_commands(tree)
    return {
        "completions/amani.bash": scripts.script("bash", tree),
        "completions/_amani": scripts.script("zsh", tree),
        "completions/amani.fish": scripts.script("fish", tree),
        "docs/commands.md": commands_page(commands),
        "docs/exit-codes.md": codes_page(),
        **{f"man/{name}.1": text for name, text in man_pages(commands).items()},
    }


# -- what there is to tell -------------------------------------------------------------------------------------------


class Taken(NamedTuple):
    """An argument or option: its names, what its value is called, and its help."""

    names: tuple[str, ...]
    value: str
    help: str


class Command(NamedTuple):
    """A command or group: its words after `amani`, its help, what it takes, and its JSON documents by when."""

    path: tuple[str, ...]
    is_group: bool
    help: str
    arguments: list[Taken]
    options: list[Taken]
    documents: dict[str, str]

    @property
    def typed(self) -> str:
        """The command's words."""
        return " ".join(("amani", *self.path))


def read_commands(tree: Any) -> list[Command]:
    """Every command of the tree, the root first; the root's options are those that all share, and told there alone."""
    from amani_cli.completion.tree import walk

    found: list[Command] = []
    for path, ctx in walk(tree):
        params = [param for param in ctx.command.get_params(ctx) if not getattr(param, "hidden", False)]
        shared = found[0].options if found else []
        options = [_option(param) for param in params if param.param_type_name == "option" and param.name != "help"]
        found.append(
            Command(
                path,
                hasattr(ctx.command, "list_commands"),
                _one_line(ctx.command.help or ""),
                [_argument(param) for param in params if param.param_type_name == "argument"],
                [option for option in options if option not in shared],
                _documents(" ".join(path)),
            )
        )
    return found


def _argument(param: Any) -> Taken:
    name = (param.metavar or param.name.upper()).strip("[].")
    shown = f"{name}..." if param.nargs == -1 else name
    return Taken((shown if param.required else f"[{shown}]",), "", _one_line(param.help or ""))


def _option(param: Any) -> Taken:
    value = "" if param.is_flag or param.count else param.metavar or ("N" if "int" in param.type.name else "TEXT")
    names = (*sorted(param.opts, key=len, reverse=True), *param.secondary_opts)
    return Taken(names, value, _one_line(param.help or ""))


def _documents(typed: str) -> dict[str, str]:
    from amani_cli.schemas import DOCUMENTS

    found: dict[str, str] = {}
    for command, model in DOCUMENTS.items():
        if command == typed or command.startswith((f"{typed} --", f"{typed} (")):
            found.setdefault(model.SCHEMA, command.removeprefix(typed).strip())  # type: ignore[attr-defined]
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())


# -- docs/commands.md ------------------------------------------------------------------------------------------------


def commands_page(commands: list[Command]) -> str:
    """Every command with its arguments, options and JSON document."""
    top, *below = commands
    parts = [
        f"# Commands\n\n{NOTE}",
        (
            "`amani COMMAND --help` shows the same. What the JSON documents hold: `amani schema COMMAND`; what the "
            "codes mean: [exit-codes.md](exit-codes.md).\n"
        ),
        "## Options that every command takes\n\nBefore or after the command word.\n",
        _table(top.options),
    ]
    for command in below:
        parts.append(f"{'##' if len(command.path) == 1 else '###'} {command.typed}\n")
        if not command.is_group:
            parts.append(f"    {' '.join([command.typed, *(each.names[0] for each in command.arguments)])}\n")
        parts.append(f"{command.help}\n")
        if command.arguments or command.options:
            parts.append(_table([*command.arguments, *command.options]))
        if command.documents:
            told = [f"`{name}`" + (f" with {when}" if when else "") for name, when in command.documents.items()]
            parts.append(f"With `--json`: {', '.join(told)}.\n")
    return "\n".join(parts)


def _table(taken: list[Taken]) -> str:
    rows = ["| what | meaning |", "| --- | --- |"]
    for each in taken:
        first, *others = each.names
        names = ", ".join(f"`{name}`" for name in (f"{first} {each.value}".rstrip(), *others))
        rows.append(f"| {names} | {_cell(each.help)} |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


# -- docs/exit-codes.md ----------------------------------------------------------------------------------------------


def codes_page() -> str:
    """Every exit code and error code: what happened, whether money moved, what to do."""
    from amani_cli.explanations import ERROR_CODES, EXIT_CODES

    exits = [
        f"| {code} | {_cell(happened)} | {money} | {_cell(do)} |" for code, (happened, money, do) in EXIT_CODES.items()
    ]
    codes = [
        f"| `{code}` | {', '.join(map(str, exits))} | {_cell(happened)} | {_cell(do)} |"
        for code, (exits, happened, do) in sorted(ERROR_CODES.items())
    ]
    return "\n".join(
        [
            f"# Exit codes and error codes\n\n{NOTE}",
            (
                "`amani explain CODE` says the same for one of them. The exit code is the contract for scripts; the "
                "error code (`error.code` with `--json`) says more closely why. An error's own `money_moved` and "
                "`retry` outrank this table.\n"
            ),
            (
                "**8 is not a failure.** Money may have moved: run `amani reconcile`, and never pay the same thing "
                "again by other means until it says what became of it.\n"
            ),
            "## Exit codes\n",
            "| code | what happened | has money moved? | what to do |\n| --- | --- | --- | --- |",
            *exits,
            "\n## Error codes\n",
            "| code | exit | what happened | what to do |\n| --- | --- | --- | --- |",
            *codes,
            "",
        ]
    )


# -- man pages -------------------------------------------------------------------------------------------------------

VARIABLES = {
    "AMANI_HOME": "One folder for all that amani keeps. Without it the platform's own folders are used.",
    "AMANI_WALLET": "The wallet to use, like --wallet.",
    "AMANI_KEY_FILE, AMANI_KEY_COMMAND": "Where to take the key from, for this run.",
    "AMANI_ACTOR": "Who is behind a call, like --actor.",
    "LNBITS_API_KEY, LNBITS_BASE_URL": "A wallet without registration, called env.",
}


def man_pages(commands: list[Command]) -> dict[str, str]:
    """`amani`, and `amani-COMMAND` for each of the first level, as man(7) sources by name."""
    from amani_cli.explanations import EXIT_CODES

    top, *below = commands
    first = [command for command in below if len(command.path) == 1]
    pages = {"amani": _man_head(top)}
    pages["amani"] += (
        _request("SH", "SYNOPSIS") + "\\fBamani\\fR [\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIARG\\fR]...\n"
    )
    pages["amani"] += _request("SH", "COMMANDS")
    for command in first:
        pages["amani"] += f".TP\n.BR {_roff(command.typed.replace(' ', '-'))} (1)\n{_roff(command.help)}\n"
    pages["amani"] += _request("SH", "OPTIONS") + "Every command takes these, before or after its word.\n"
    pages["amani"] += "".join(map(_man_taken, top.options))
    pages["amani"] += _request("SH", "EXIT STATUS")
    for code, (happened, money, _) in EXIT_CODES.items():
        pages["amani"] += f".TP\n.B {code}\n{_roff(happened)} Has money moved? {_roff(money)}.\n"
    pages["amani"] += _request("SH", "ENVIRONMENT")
    pages["amani"] += "".join(f".TP\n.B {name}\n{_roff(meaning)}\n" for name, meaning in VARIABLES.items())
    for command in first:
        name = command.typed.replace(" ", "-")
        parts = [each for each in below if each.path[0] == command.path[0] and not each.is_group]
        pages[name] = _man_head(command) + _request("SH", "SYNOPSIS")
        pages[name] += ".br\n".join(_man_line(each) for each in parts)
        pages[name] += _request("SH", "DESCRIPTION" if len(parts) == 1 else "COMMANDS")
        for each in parts:
            pages[name] += (_request("SS", each.typed) if len(parts) > 1 else "") + f"{_roff(each.help)}\n"
            pages[name] += "".join(map(_man_taken, [*each.arguments, *each.options]))
        pages[name] += _request("SH", "SEE ALSO") + ".BR amani (1),\nfor the options that every command takes.\n"
    return pages


def _man_head(command: Command) -> str:
    from amani_cli import __version__
    from amani_cli.completion.tree import first_sentence

    name = command.typed.replace(" ", "-")
    line = first_sentence(command.help).removeprefix("amani: ")
    return (
        '.\\" Made from the code by `make generate`; do not edit.\n'
        f'.TH {_roff(name.upper())} 1 "" "amani {__version__}" "User Commands"\n'
        f"{_request('SH', 'NAME')}{_roff(name)} \\- {_roff(line)}\n"
    )


def _man_line(command: Command) -> str:
    options = " [\\fIOPTION\\fR]..." if command.options else ""
    arguments = "".join(f" \\fI{_roff(each.names[0])}\\fR" for each in command.arguments)
    return f"\\fB{_roff(command.typed)}\\fR{options}{arguments}\n"


def _man_taken(taken: Taken) -> str:
    names = ", ".join(f"\\fB{_roff(name)}\\fR" for name in taken.names)
    value = f" \\fI{_roff(taken.value)}\\fR" if taken.value else ""
    return f".TP\n{names}{value}\n{_roff(taken.help)}\n"


def _request(name: str, text: str) -> str:
    return f".{name} {_roff(text)}\n"


def _roff(text: str) -> str:
    """Text that man(7) shows as it is: no request, no escape, and a hyphen that can be copied as a minus."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = "".join(each if ord(each) < 128 else f"\\[u{ord(each):04X}]" for each in text)
    return "\\&" + text if text.startswith(".") else text


if __name__ == "__main__":
    sys.exit(main())
