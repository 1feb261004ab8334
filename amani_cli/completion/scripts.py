"""Completion scripts for bash, zsh and fish, made from the command tree.

Command words, options and fixed values stand in the script, so that a TAB on them starts no Python; only names
that change (wallets and the like) are asked for, by `amani completion values KIND`. This module walks the tree once
and says what may stand where; `shells` writes that down in each shell's own language.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amani_cli import errors
from amani_cli.completion.tree import SHELLS, read_tree


def script(shell: str, root: Any) -> str:
    """The completion script of a shell for the command tree `root`. Raises `errors.Usage` for another shell."""
    _known(shell)
    from amani_cli.completion import bash, fish, zsh

    writers = {"bash": bash.bash, "zsh": zsh.zsh, "fish": fish.fish}
    return writers[shell](read_tree(root))


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
