"""Completion at real shells: what a TAB makes of a line, and that words and options start no Python for it.

In each shell's PATH `amani` is a stand-in that notes how it was called and knows three wallets. A line is typed with
a TAB and Enter after it, so what the stand-in notes is what the TAB made of the line.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from amani_cli import config, errors
from amani_cli.cli import root
from amani_cli.completion import scripts, tree
from amani_cli.store import names
from tests.kit.driver import Amani, Terminal

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
STAND_IN = """#!/bin/sh
for word; do printf '%s|' "$word"; done >>"$NOTES"
echo >>"$NOTES"
case "$*" in
'completion values wallets') printf '%s\\n' alice 'my wallet' "Ada's" ;;
'completion values contacts') echo 'Ada Obi' ;;
'completion values '*) ;;
*) echo 'all done' ;;
esac
"""

START = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
LOAD = {
    "bash": "set -u; source amani.script; PS1='read''y> '",
    "zsh": "autoload -Uz compinit; compinit -D -u; source amani.script; PS1='read''y> '",
    "fish": "source amani.script; function fish_prompt; echo 'read''y> '; end",
}
INSTALLED = {
    "bash": (START["bash"], f"source {BASH_COMPLETION}; PS1='read''y> '; amani() {{ echo \"words: $*\"; }}"),
    "zsh": (
        START["zsh"],
        "fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit -D -u; PS1='read''y> '; amani() { echo words: $* }",
    ),
    "fish": (
        ["-i"],
        "function amani; echo words: $argv; end; function fish_prompt; echo 'read''y> '; end",
    ),
}

WORDS = [
    ("amani wal", ["wallet"]),
    ("amani wallet rot", ["wallet", "rotate-keys"]),
    ("amani --json history li", ["--json", "history", "list"]),
    ("amani --wallet x -v wallet bal", ["--wallet", "x", "-v", "wallet", "balance"]),
    ("amani pay lnbc1 --max-f", ["pay", "lnbc1", "--max-fee"]),
    ("amani pay lnbc1 --no-inp", ["pay", "lnbc1", "--no-input"]),
    ("amani history list --status se", ["history", "list", "--status", "settled"]),
    ("amani --color=nev", ["--color=never"]),
    ("amani completion show zs", ["completion", "show", "zsh"]),
    ("amani wallet add x --key-file ./own", ["wallet", "add", "x", "--key-file", "./own.key"]),
    ("amani wallet add ali", ["wallet", "add", "ali"]),
    ("amani invoice decode -- --js", ["invoice", "decode", "--", "--js"]),
]
NAMES = [
    ("amani wallet use al", ["wallet", "use", "alice"]),
    ("amani wallet use my", ["wallet", "use", "my wallet"]),
    ("amani wallet use my\\ w", ["wallet", "use", "my wallet"]),
    ('amani wallet use "my w', ["wallet", "use", "my wallet"]),
    ("amani wallet use Ad", ["wallet", "use", "Ada's"]),
    ("amani wallet balance alice --json my", ["wallet", "balance", "alice", "--json", "my wallet"]),
    ("amani pay lnbc1 -w al", ["pay", "lnbc1", "-w", "alice"]),
    ("amani --wallet=al", ["--wallet=alice"]),
    ("amani pay A", ["pay", "Ada Obi"]),
]


@dataclass
class Shell:
    """A shell with the completion loaded, at its prompt."""

    name: str
    terminal: Terminal
    notes: Path

    def completed(self, line: str) -> tuple[list[str], list[str]]:
        """The words that `line` became by a TAB; and what amani was asked for it."""
        self.notes.write_text("")
        self.terminal.seen = ""
        self.terminal.press(line.encode() + b"\t")
        self.terminal.press(b"\n")
        self.terminal.expect("all done")
        self.terminal.expect("ready> ")
        *asked, became = self.notes.read_text().splitlines()
        return became.split("|")[:-1], asked


@pytest.fixture(params=tree.SHELLS, scope="module")
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Each shell that is installed, in a folder and with a PATH that hold little but the stand-in."""
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    stand_in = folder / "bin" / "amani"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o700)
    (stand_in.parent / "ls").symlink_to(shutil.which("ls") or "/bin/ls")  # which fish lists files with
    (folder / "own.key").touch()
    (folder / "amani.script").write_text(scripts.script(request.param, root()))
    env = {
        "PATH": str(stand_in.parent),
        "HOME": str(folder),
        "NOTES": str(folder / "notes"),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }
    here = Path.cwd()
    os.chdir(folder)
    try:
        running = Terminal([program, *START[request.param]], env)
    finally:
        os.chdir(here)
    with running as terminal:
        terminal.type(LOAD[request.param])
        terminal.expect("ready> ")
        yield Shell(request.param, terminal, folder / "notes")


@pytest.mark.parametrize(("line", "words"), WORDS)
def test_words_options_and_files_complete_without_starting_anything(shell: Shell, line: str, words: list[str]) -> None:
    assert shell.completed(line) == (words, [])


@pytest.mark.parametrize(("line", "words"), NAMES)
def test_names_are_asked_of_amani_and_quoted(shell: Shell, line: str, words: list[str]) -> None:
    became, asked = shell.completed(line)
    assert became == words
    kind = "contacts" if line == "amani pay A" else "wallets"
    assert set(asked) == {f"completion|values|{kind}|"}


def test_a_tab_on_nothing_lists_the_commands(shell: Shell) -> None:
    assert shell.completed("amani wallet " + ("\t" if shell.name == "bash" else "")) == (["wallet"], [])
    assert all(name in shell.terminal.seen for name in ("balance", "create", "rotate-keys"))


def test_each_shell_finds_what_install_wrote(amani: Amani, shell: Shell) -> None:
    """As it does by itself: bash by the bash-completion package, zsh by its fpath, fish by its own folder."""
    if shell.name == "bash" and not BASH_COMPLETION.exists():
        pytest.skip("bash-completion is not installed")
    assert amani("completion", "install", shell.name).code == 0
    start, ready = INSTALLED[shell.name]
    with Terminal([shell.name, *start], {**os.environ, "LANG": "C.UTF-8"}) as terminal:
        terminal.type(ready)
        terminal.expect("ready> ")
        terminal.press(b"amani wallet rot\t\n")
        terminal.expect("words: wallet rotate-keys")


def test_bash_is_kept_to_what_3_2_knows() -> None:
    script = scripts.script("bash", root())
    later = r"\b(mapfile|readarray|declare -A|local -n|coproc)\b|\$\{\w+(,,|\^\^|@)|\|&|&>>|_init_completion|__ltrim"
    assert not re.search(later, script)
    assert script.count("compopt") == script.count("compopt +o default 2>/dev/null")  # which 3.2 lacks, unharmed


def test_every_source_belongs_to_a_parameter() -> None:
    """A parameter that was renamed must not silently lose its completion."""
    named = {
        " ".join((*path[:depth], param.name))
        for path, ctx in tree.walk(root())
        for param in ctx.command.get_params(ctx)
        for depth in range(len(path) + 1)
    }
    assert tree.SOURCES.keys() <= named
    kinds = {source.kind for source in tree.SOURCES.values()}
    assert kinds <= {"", *names.KINDS}


# -- amani's side ----------------------------------------------------------------------------------------------------


def test_show_prints_a_script_and_refuses_other_shells(amani: Amani) -> None:
    script = amani("completion", "show", "zsh")
    assert script.stdout.startswith("#compdef amani\n")
    assert amani("completion", "show", "zsh", "--json").data == {"shell": "zsh", "script": script.stdout}
    refused = amani("completion", "show", "tcsh", "--json")
    assert (refused.code, refused.error["hint"]) == (2, "There are: bash, zsh, fish.")


@pytest.mark.parametrize(
    ("shell", "where"),
    [
        ("bash", ".local/share/bash-completion/completions/amani"),
        ("zsh", ".zfunc/_amani"),
        ("fish", ".config/fish/completions/amani.fish"),
    ],
)
def test_install_writes_where_the_shell_looks(amani: Amani, shell: str, where: str) -> None:
    path = Path(os.environ["HOME"]) / where
    done = amani("completion", "install", shell)
    assert (done.code, done.stdout) == (0, f"{path}\n")
    assert path.read_text() == amani("completion", "show", shell).stdout
    assert ("source" in done.stderr or "fpath" in done.stderr) == (done.stderr.count("\n") == 2)
    again = amani("completion", "install", shell, "--json").data  # it can be repeated
    assert (again["shell"], again["path"]) == (shell, str(path))


def test_install_says_what_is_in_the_way(amani: Amani) -> None:
    assert amani("completion", "install", "fish", env={"HOME": None}).code == 2
    (Path(os.environ["HOME"]) / ".config").touch()
    refused = amani("completion", "install", "fish", "--json")
    assert refused.error["message"].startswith("can't write ")


def test_zsh_is_told_what_to_have_in_its_rc(amani: Amani) -> None:
    assert "fpath=(" in amani("completion", "install", "zsh").stderr


@pytest.mark.sqlite
def test_names_come_from_the_database_and_from_little_else(amani: Amani, home: Path) -> None:
    assert amani.process("completion", "values", "wallets").stdout == "", "no database, no names"
    amani("reconcile")  # makes one
    from amani_cli.store import wallets as store_wallets
    from amani_cli.store.sqlite import open_store

    store = open_store(home / "amani.db")
    with store.write() as db:
        for name in ("bob", "Ada's shop"):
            store_wallets.insert(
                db,
                name=name,
                name_key=store_wallets.name_key(name),
                provider="lnbits",
                url="https://x.example",
                remote_id=None,
                access="read",
                key_source="file:/k",
            )
    store.close()
    told = amani.process("completion", "values", "wallets", python=("-X", "importtime"))
    assert told.stdout == "Ada's shop\nbob\n"
    loaded = set(re.findall(r"\| +(\S+)\n", told.stderr))
    assert "sqlite3" in loaded
    heavy = {"httpx", "rich", "typer", "pydantic", "keyring", "platformdirs", "dataclasses", "json", "pathlib"}
    assert not loaded & {*heavy, "amani_cli.cli", "amani_cli.store.ledger"}


@pytest.mark.sqlite
def test_names_that_can_not_be_had_are_none(amani: Amani, home: Path) -> None:
    assert amani.process("completion", "values").stdout == ""
    assert amani.process("completion", "values", "nonsense").stdout == ""
    home.mkdir()
    (home / "amani.db").write_text("no database at all, but quite a long text that SQLite refuses to read")
    told = amani.process("completion", "values", "wallets")
    assert (told.code, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "environ",
    [
        {"AMANI_HOME": "/srv/amani"},
        {"AMANI_HOME": "~/amani"},
        {},
        {"XDG_DATA_HOME": "/srv/data"},
        {"XDG_DATA_HOME": "relative"},
        {"XDG_CONFIG_HOME": "/srv/settings"},
    ],
)
def test_names_looks_where_the_settings_say(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is worked out twice, because doing it by the library costs too much at a TAB."""
    for name in ("AMANI_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert names.database(os.environ) == str(config.paths(os.environ).database)
    assert names.settings(os.environ) == str(config.paths(os.environ).settings)


def test_an_unknown_shell_is_refused() -> None:
    with pytest.raises(errors.Usage):
        scripts.script("tcsh", root())


@pytest.mark.sqlite
def test_every_kind_of_name_is_a_query_that_the_database_knows(home: Path) -> None:
    """One that fails would only ever offer nothing."""
    from amani_cli.store.rows import Row
    from amani_cli.store.sqlite import open_store

    store = open_store(home / "amani.db")
    for query in names.KINDS.values():
        assert store.all(Row, query) == []
    store.close()
