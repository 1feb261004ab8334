"""Words that people try, and the command that each of them is after."""

from __future__ import annotations

WORDS = {
    "balance": "wallet balance",
    "balances": "wallet balance --all",
    "send": "pay",
    "withdraw": "pay",
    "payinvoice": "pay",
    "receive": "invoice create",
    "deposit": "invoice create",
    "approve": "request approve",
    "approvals": "request list",
    "agent": "mcp",
    "charge": "invoice create",
    "addinvoice": "invoice create",
    "ls": "wallet list",
    "wallets": "wallet list",
    "list": "history list",
    "log": "history list",
    "tx": "history list",
    "transactions": "history list",
    "payments": "history list",
    "find": "trace",
    "search": "trace",
    "info": "status",
    "move": "transfer",
    "redeem": "cheque claim",
    "voucher": "cheque create",
    "gift": "cheque create",
    "limit": "wallet limit",
    "limits": "wallet limit",
    "init": "sandbox start",
    "setup": "wallet add",
    "new": "wallet add",
    "settings": "config show",
    "version": "--version",
    "help": "--help",
}
# The same inside a group.
BELOW = {
    "ls": "list",
    "rm": "remove",
    "delete": "remove",
    "del": "remove",
    "new": "create",
    "make": "create",
    "get": "show",
    "info": "show",
    "redeem": "claim",
    "cancel": "void",
    "amount": "balance",
    "mv": "rename",
}


def first(word: str, tree: list[str]) -> str:
    """The hint for a first word that is no command."""
    word = word.lower()
    if word in tree:
        return f"Did you mean 'amani {word}'?"
    if word in WORDS:
        return f"Did you mean 'amani {WORDS[word]}'?"
    from difflib import get_close_matches

    from amani_cli.examples import EXAMPLES

    below = [path for path in EXAMPLES if path.endswith(f" {word}")]
    if below:
        return "There are: " + ", ".join(f"amani {path}" for path in below) + "."
    near = get_close_matches(word, [*tree, *WORDS])
    if near:
        return f"Did you mean 'amani {WORDS.get(near[0], near[0])}'?"
    return "See: amani --help"


def below(path: str, word: str, names: list[str]) -> str:
    """The hint for a word in a group that is none of its commands."""
    from difflib import get_close_matches

    word = word.lower()
    near = [BELOW[word]] if BELOW.get(word) in names else get_close_matches(word, names, 1)
    if near:
        return f"Did you mean '{path} {near[0]}'?"
    return f"See: {path} --help"
