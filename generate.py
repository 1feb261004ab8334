"""What `make generate` runs: writes the files that are made from the code. A test says when one is out of date.

The completion scripts, the page of every command and the page of every code: what `amani` itself says is the only
source, so that none of them can tell something else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parent
NOTE = "<!-- Made from the code by `make generate`; do not edit. -->\n"


def main() -> int:
    """Write every file that differs, and name it."""
    for name, text in files().items():
        path = CLONE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(name)
    return 0


def files() -> dict[str, str]:
    """Each file's name in the clone, and what it should hold."""
    from amani_cli import completion
    from amani_cli.cli import root

    tree = root()
    return {
        "completions/amani.bash": completion.script("bash", tree),
        "completions/_amani": completion.script("zsh", tree),
        "completions/amani.fish": completion.script("fish", tree),
        "docs/commands.md": commands_page(tree),
        "docs/exit-codes.md": codes_page(),
    }


# -- docs/commands.md ------------------------------------------------------------------------------------------------


def commands_page(tree: Any) -> str:
    """Every command with its arguments, options and JSON document."""
    from amani_cli.completion import walk

    (_, top), *below = walk(tree)
    shared = [option for option in _options(top) if option.name != "help"]
    names = {option.name for option in shared} | {"help"}
    parts = [
        f"# Commands\n\n{NOTE}",
        (
            "`amani COMMAND --help` shows the same. What the JSON documents hold: `amani schema COMMAND`; what the "
            "codes mean: [exit-codes.md](exit-codes.md).\n"
        ),
        "## Options that every command takes\n\nBefore or after the command word.\n",
        _table(shared, ""),
    ]
    for path, ctx in below:
        parts.append(_section(path, ctx, names))
    return "\n".join(parts)


def _section(path: tuple[str, ...], ctx: Any, shared: set[str]) -> str:
    command = ctx.command
    help = " ".join((command.help or "").split())
    if hasattr(command, "list_commands"):
        return f"## amani {' '.join(path)}\n\n{help}\n"
    arguments = [param for param in command.get_params(ctx) if param.param_type_name == "argument"]
    options = [option for option in _options(ctx) if option.name not in shared or option.help not in _said(ctx)]
    typed = " ".join(["amani", *path, *map(_placeholder, arguments)])
    lines = [f"{'##' if len(path) == 1 else '###'} amani {' '.join(path)}\n", f"    {typed}\n", f"{help}\n"]
    if arguments or options:
        lines.append(_table([*arguments, *options], "help"))
    schema = _document(path)
    if schema:
        lines.append(f"With `--json`: {schema}.\n")
    return "\n".join(lines)


def _said(ctx: Any) -> set[str]:
    return {option.help for option in _options(ctx.find_root())}


def _options(ctx: Any) -> list[Any]:
    params = ctx.command.get_params(ctx)
    return [param for param in params if param.param_type_name == "option" and not param.hidden]


def _placeholder(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()).strip("[].")
    name = name.removesuffix("]...")
    shown = f"{name}..." if argument.nargs == -1 else name
    return shown if argument.required else f"[{shown}]"


def _table(params: list[Any], leave_out: str) -> str:
    rows = ["| what | meaning |", "| --- | --- |"]
    for param in params:
        if param.name == leave_out:
            continue
        if param.param_type_name == "argument":
            left = f"`{_placeholder(param)}`"
        else:
            names = [*sorted(param.opts, key=len, reverse=True), *param.secondary_opts]
            value = "" if param.is_flag or param.count else f" {param.metavar or _value(param)}"
            left = ", ".join(f"`{name}{value if at == 0 else ''}`" for at, name in enumerate(names))
        rows.append(f"| {left} | {_cell(param.help or '')} |")
    return "\n".join(rows) + "\n"


def _value(param: Any) -> str:
    return "N" if "int" in param.type.name else "TEXT"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _document(path: tuple[str, ...]) -> str:
    from amani_cli.schemas import DOCUMENTS

    typed = " ".join(path)
    models: dict[str, str] = {}
    for command, model in DOCUMENTS.items():
        if command == typed or command.startswith((f"{typed} --", f"{typed} (")):
            models.setdefault(model.SCHEMA, command.removeprefix(typed).strip())  # type: ignore[attr-defined]
    return ", ".join(f"`{name}`" + (f" with {when}" if when else "") for name, when in models.items())


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


if __name__ == "__main__":
    sys.exit(main())
