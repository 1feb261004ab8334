"""The tree of commands: each has help, takes the shared options, and those that the contract spells out are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from amani_cli import cli, schemas
from amani_cli.options import Options
from tests.kit.driver import Amani


def walk(command: Any, ctx: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every command below, with its words and a context."""
    yield path, command, ctx
    if hasattr(command, "list_commands"):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            yield from walk(below, type(ctx)(below, parent=ctx, info_name=name), (*path, name))


def every_command() -> dict[tuple[str, ...], tuple[Any, Any]]:
    root = cli.root()
    ctx = root.make_context("amani", ["wallet"], obj=Options())
    return {path: (command, inner) for path, command, inner in walk(root, ctx, ())}


TREE = every_command()
LEAVES = [" ".join(path) for path, (command, _) in TREE.items() if not hasattr(command, "list_commands")]
SHARED = {
    *("--wallet", "-w", "--json", "--quiet", "-q", "--yes", "-y", "--no-input", "--timeout", "--verbose", "-v"),
    *("--log-json", "--color"),
}


def options_of(words: str) -> set[str]:
    command, ctx = TREE[tuple(words.split())]
    return {name for param in command.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}


def arguments_of(words: str) -> list[str]:
    command, _ = TREE[tuple(words.split())]
    return [param.name for param in command.params if param.param_type_name == "argument"]


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_says_what_it_does(words: str) -> None:
    command, _ = TREE[tuple(words.split())]
    summary = (command.help or "").splitlines()[0]
    assert summary, words
    assert summary[0].isupper()
    assert summary.endswith((".", ";", ","))
    for param in command.params:
        if not getattr(param, "hidden", False) and not command.hidden:
            assert getattr(param, "help", None), f"{words}: {param.name} has no help"


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_takes_the_shared_options(words: str) -> None:
    assert options_of(words) >= SHARED, words


def test_no_option_takes_a_secret() -> None:
    """A value of these would be seen in `ps`: what is secret comes by stdin, a file, a command or a prompt."""
    for words in LEAVES:
        for option in options_of(words):
            assert option not in {"--key", "--password", "--pin", "--token", "--secret", "--api-key", "--code"}, words


def test_the_help_at_the_root_tells_of_each_first_word(amani: Amani) -> None:
    told = amani("--help").stdout
    for name in cli.TREE:
        assert f"  {name} " in told


@pytest.mark.parametrize("words", LEAVES)
def test_help_works_and_fits_a_terminal(amani: Amani, words: str) -> None:
    answer = amani(*words.split(), "--help")
    assert (answer.code, answer.stderr) == (0, "")
    assert max(map(len, answer.stdout.splitlines())) <= 100


STAYS = {"serve", "mcp", "watch", "webhook listen", "sandbox start", "sandbox reset"}


@pytest.mark.parametrize("words", sorted(set(LEAVES) - STAYS))
def test_no_command_ends_without_a_word(amani: Amani, words: str) -> None:
    """On a machine where nothing was done yet: an answer, or what is missing."""
    answer = amani(*words.split())
    assert answer.stdout.strip() or answer.stderr.strip(), answer


# The block of the contract that spells out where a script would trip over a guess.
SPELLED_OUT = {
    "wallet add": "--url --key-stdin --key-file --key-command --key-credential --read-only --insecure-http",
    "wallet create": "--url --reference",
    "wallet balance": "--all --max-age",
    "wallet list": "",
    "wallet show": "",
    "wallet use": "",
    "wallet rename": "",
    "wallet remove": "--delete-remote",
    "wallet rotate-keys": "",
    "login": "--username --password-stdin",
    "logout": "",
    "invoice create": "--memo --expiry --webhook --qr --qr-file --wait --reference",
    "invoice show": "",
    "invoice check": "",
    "invoice wait": "",
    "invoice list": "",
    "invoice decode": "",
    "pay": "--max-fee --memo --reference --dry-run --wait --no-wait",
    "history list": "--limit --since --until --status --direction --min --max --search --after",
    "history show": "",
    "history sync": "",
    "reconcile": "--older-than",
    "config show": "",
    "config set": "",
    "config path": "",
    "config explain": "",
    "completion install": "",
    "completion show": "",
    "doctor": "",
    "schema": "",
    "sandbox start": "",
    "sandbox stop": "",
    "sandbox status": "",
    "sandbox reset": "",
    "sandbox fund": "",
}
ARGUMENTS = {
    "wallet add": ["name"],
    "wallet create": ["name"],
    "wallet balance": ["names"],
    "login": ["url"],
    "invoice create": ["amount"],
    "invoice check": ["hash"],
    "invoice wait": ["hash"],
    "invoice show": ["hash"],
    "invoice decode": ["text"],
    "pay": ["dest", "amount"],
    "history show": ["id"],
    "reconcile": ["ids"],
}


@pytest.mark.parametrize("words", SPELLED_OUT)
def test_what_the_contract_spells_out_is_there(words: str) -> None:
    assert tuple(words.split()) in TREE
    assert set(SPELLED_OUT[words].split()) <= options_of(words)
    assert arguments_of(words) == ARGUMENTS.get(words, arguments_of(words))


def test_every_command_with_a_document_is_in_the_tree() -> None:
    for words in schemas.DOCUMENTS:
        assert any(f"{words} ".startswith(f"{leaf} ") for leaf in LEAVES), words


GROUPS = [" ".join(path) for path, (command, _) in TREE.items() if hasattr(command, "list_commands")]


@pytest.mark.parametrize("words", GROUPS)
def test_a_group_alone_prints_its_help(amani: Amani, words: str) -> None:
    alone, asked = amani(*words.split()), amani(*words.split(), "--help")
    assert (alone.code, alone.stderr) == (0, "")
    assert alone.stdout == asked.stdout
    assert "Usage: amani" in alone.stdout
    assert "\\n" not in alone.stdout
