"""The command tree as a completion script for fish."""

from __future__ import annotations

from collections.abc import Iterable

from amani_cli.completion.tree import Node, Option, Source
from amani_cli.completion.words import as_typed, filled, names_of, own_kinds, places, quoted

_FISH = r"""# fish completion for amani. Made by `amani completion show fish`; do not edit.
# Words and options stand in the tables below; only names are asked of amani itself.

# The commands of the command $argv[1].
function __amani_commands
    switch $argv[1]
@COMMANDS@
    end
end

# The options of the command $argv[1].
function __amani_options
    switch $argv[1]
@OPTIONS@
    end
    __amani_say @SHARED@
end

# Those of its options that take a value.
function __amani_valued
    string split ' ' -- '@SHARED_VALUED@'
    switch $argv[1]
@VALUED@
    end
end

# What may stand for the option or argument $argv[2] of the command $argv[1], each with $argv[3] before it.
function __amani_source
    switch "$argv[1] $argv[2]"
@SOURCES@
    end
end

function __amani_say
    printf '%s\t%s\n' $argv
end

function __amani_words
    printf '%s\n' $argv[1]$argv[2..]
end

function __amani_names
    set -l typed (commandline -opc)
    set -l names ($typed[1] completion values $argv[2] 2>/dev/null </dev/null)
    printf '%s\n' $argv[1]$names
end

function __amani_files
    set -l found (__fish_complete_path (string replace -r '^--[^=]*=' '' -- (commandline -ct)))
    printf '%s\n' $argv[1]$found
end

function __amani
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l path amani
    set -l at 1
    set -l option
    set -l ended
    for word in $words[2..]
        if set -q option[1]
            set option
        else if set -q ended[1]
            set at (math $at + 1)
        else if test "$word" = --
            set ended 1
        else if string match -q -- '-*' $word
            contains -- $word (__amani_valued $path); and set option $word
        else if contains -- $word (__amani_commands $path | string replace -r '\t.*' '')
            set path "$path $word"
        else
            set at (math $at + 1)
        end
    end
    set -l commands (__amani_commands $path)
    if set -q option[1]
        __amani_source $path $option ''
    else if not set -q ended[1]; and string match -q -- '--*=*' $current
        set option (string split -m 1 = -- $current)[1]
        __amani_source $path $option "$option="
    else if not set -q ended[1]; and string match -q -- '-*' $current
        __amani_options $path
    else if set -q commands[1]
        printf '%s\n' $commands
    else
        __amani_source $path $at ''
    end
end

complete -c amani -e
complete -c amani -f -a '(__amani)'
"""


def fish(nodes: list[Node]) -> str:
    """The script for fish."""
    shared = nodes[0].options
    commands, options, valued = [], [], []
    for node in nodes:
        case = f"        case {quoted(as_typed(node))}\n            "
        own = own_kinds(node, shared)
        if node.commands:
            said = [text for command in node.commands for text in command]
            commands.append(case + "__amani_say " + " ".join(map(quoted, said)))
        if own:
            options.append(case + "__amani_say " + _fish_options(own))
        if any(option.value is not None for option in own):
            names = names_of(option for option in own if option.value is not None)
            valued.append(f"{case}string split ' ' -- '{names}'")
    return filled(
        _FISH,
        COMMANDS="\n".join(commands),
        OPTIONS="\n".join(options),
        SHARED=_fish_options(shared),
        VALUED="\n".join(valued),
        SHARED_VALUED=names_of(option for option in shared if option.value is not None),
        SOURCES="\n".join(
            f"        case {' '.join(map(_fish_pattern, patterns))}\n            {_fish_source(source)}"
            for source, patterns in places(nodes)
        ),
    )


def _fish_options(options: Iterable[Option]) -> str:
    return " ".join(quoted(text) for option in options for name in option.names for text in (name, option.help))


def _fish_pattern(pattern: str) -> str:
    """fish knows no class of characters: an argument that repeats is completed nine times."""
    return " ".join(quoted(pattern.replace("#", str(at))) for at in (range(1, 10) if "#" in pattern else (0,)))


def _fish_source(source: Source) -> str:
    if source.files:
        return "__amani_files $argv[3]"
    return (
        f"__amani_names $argv[3] {source.kind}" if source.kind else f"__amani_words $argv[3] {' '.join(source.words)}"
    )
