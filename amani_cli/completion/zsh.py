"""The command tree as a completion script for zsh."""

from __future__ import annotations

from amani_cli.completion.tree import Node, Option, Source
from amani_cli.completion.words import escaped, filled, own_kinds, quoted

_ZSH = r"""#compdef amani
# zsh completion for amani. Made by `amani completion show zsh`; do not edit.
# Words and options stand below; only names are asked of amani itself.

# Offer the names of the kind that the last argument says; those before it are for compadd.
_amani_names() {
    local -a names
    names=(${(f)"$($amani completion values ${@[-1]} 2>/dev/null </dev/null)"})
    compadd "${@[1,-2]}" -a names
}

_amani() {
    local amani=${words[1]} curcontext=$curcontext
    typeset -A opt_args
    local -a shared
    shared=(
@SHARED@
    )
    _amani_root
}

@FUNCTIONS@

if [[ $funcstack[1] == _amani ]]; then
    _amani "$@"
else
    compdef _amani amani
fi
"""


_ZSH_GROUP = r"""_amani_@NAME@() {
    local state line
    local -a commands
    commands=(
@COMMANDS@
    )
    _arguments -C -s -S@OPTIONS@ $shared '1: :->command' '*:: :->rest'
    case $state in
    command) _describe -t commands 'amani command' commands ;;
    rest)
        case $line[1] in
@CALLS@
        esac
        ;;
    esac
}"""


def zsh(nodes: list[Node]) -> str:
    """The script for zsh."""
    functions = [_zsh_function(node, nodes[0].options) for node in nodes]
    shared = "\n".join(f"        {_zsh_option(option)}" for option in nodes[0].options)
    return filled(_ZSH, SHARED=shared, FUNCTIONS="\n\n".join(functions))


def _zsh_function(node: Node, shared: tuple[Option, ...]) -> str:
    name = "_".join(node.path) or "root"
    options = [_zsh_option(option) for option in own_kinds(node, shared)]
    if node.commands:
        lines = [f"{word}:{escaped(help, ':')}" for word, help in node.commands]
        return filled(
            _ZSH_GROUP,
            NAME=name,
            OPTIONS="".join(f" {option}" for option in options),
            COMMANDS="\n".join(f"        {quoted(line)}" for line in lines),
            CALLS="\n".join(f"        {word}) _amani_{'_'.join((*node.path, word))} ;;" for word, _ in node.commands),
        )
    places = []
    for at, argument in enumerate(node.arguments, 1):
        place = "*" if argument.repeats else str(at)
        places.append(quoted(f"{place}:{escaped(argument.help, ':')}:{_zsh_action(argument.source)}"))
    lines = ["$shared", *options, *places]
    arguments = " \\\n".join(f"        {line}" for line in lines)
    return f"_amani_{name}() {{\n    _arguments -s -S \\\n{arguments}\n}}"


def _zsh_option(option: Option) -> str:
    names, about = list(option.names), f"[{escaped(option.help, '[]:')}]"
    if option.value is not None:
        about += f":{escaped(names[0].lstrip('-'), ':')}:{_zsh_action(option.value)}"
        # The value may stand in the same word: after `=` for a long name, at once for a short one.
        names = [name + ("=" if name.startswith("--") else "+") for name in names]
    before = "*" if option.repeats else f"({' '.join(option.names)})"
    if len(names) == 1:
        return quoted(before + names[0] + about)
    return f"{quoted(before)}{{{','.join(names)}}}{quoted(about)}"


def _zsh_action(source: Source) -> str:
    if source.files:
        return "_files"
    if source.kind:
        return f"_amani_names {source.kind}"
    return f"({' '.join(source.words)})"  # without words nothing is offered; a bare message would keep options away
