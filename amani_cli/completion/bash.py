"""The command tree written down as a completion script, in the language of each shell.

All three work alike: a table of what each command takes, and a walk over the words before the cursor that finds the
command they name. bash is kept to what 3.2 knows, which macOS still has, and needs no bash-completion.
"""

from __future__ import annotations

from amani_cli.completion.tree import Node, Source
from amani_cli.completion.words import as_typed, filled, names_of, own_kinds, places, quoted

_BASH = r"""# bash completion for amani, from 3.2 on. Made by `amani completion show bash`; do not edit.
# Words and options stand in the tables below; only names are asked of amani itself.

# What the command $1 takes: its commands, its options, and those of them that take a value.
_amani_takes() {
    case $1 in
@TAKES@
    *) commands='' options='' valued='' ;;
    esac
    options="$options @SHARED@"
    valued="$valued @SHARED_VALUED@"
}

# What may stand for the option or argument $2 of the command $1: words, names or files.
_amani_source() {
    case "$1 $2" in
@SOURCES@
    esac
}

# Offer the names of kind $1 that begin with $2, quoted as the line needs it.
_amani_names() {
    local name begin=$2 quote=''
    case $begin in
    [\"\']*) quote=${begin:0:1} begin=${begin:1} ;;
    *) begin=${begin//\\/} ;;
    esac
    while IFS= read -r name; do
        [[ $name == "$begin"* ]] || continue
        case $quote in
        '') printf -v name '%q' "$name" ;;
        \") [[ $name == *[\\\"\$\`]* ]] && continue ;;
        \') [[ $name == *\'* ]] && continue ;;
        esac
        COMPREPLY[${#COMPREPLY[@]}]=$prefix$name
    done < <("$amani" completion values "$1" 2>/dev/null </dev/null)
}

_amani() {
    local IFS=$' \t\n'
    local amani=$1 path=amani commands options valued words='' names='' files=''
    local word option='' ended='' prefix='' at=1 i current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    _amani_takes "$path"
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $option ]]; then
            [[ $word == '=' ]] || option='' # bash takes --wallet=alice apart at the sign
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -* ]]; then
            [[ " $valued " == *" $word "* ]] && option=$word
        elif [[ " $commands " == *" $word "* ]]; then
            path="$path $word"
            _amani_takes "$path"
        else
            at=$((at + 1))
        fi
    done
    if [[ -n $option && $current == '=' ]]; then
        current=''
    elif [[ -z $option && -z $ended && $current == --*=* ]]; then
        option=${current%%=*} current=${current#*=}
        prefix="$option="
    fi
    if [[ -n $option ]]; then
        _amani_source "$path" "$option"
    elif [[ -z $ended && $current == -* ]]; then
        words=$options
    elif [[ -n $commands ]]; then
        words=$commands
    else
        _amani_source "$path" "$at"
    fi
    # With nothing to offer, bash goes on to offer files: right where files are due, switched off elsewhere (4.0 on).
    [[ -n $files ]] || compopt +o default 2>/dev/null
    if [[ -n $names ]]; then
        _amani_names "$names" "$current"
    elif [[ -n $words ]]; then
        COMPREPLY=($(compgen -P "$prefix" -W "$words" -- "$current"))
    fi
}

complete -o default -F _amani amani
"""


def bash(nodes: list[Node]) -> str:
    """The script for bash."""
    shared = nodes[0].options
    takes = []
    for node in nodes:
        own = own_kinds(node, shared)
        commands = " ".join(word for word, _ in node.commands)
        options, valued = names_of(own), names_of(each for each in own if each.value is not None)
        takes.append(f"    {quoted(as_typed(node))}) commands='{commands}' options='{options}' valued='{valued}' ;;")
    return filled(
        _BASH,
        TAKES="\n".join(takes),
        SHARED=names_of(shared),
        SHARED_VALUED=names_of(each for each in shared if each.value is not None),
        SOURCES="\n".join(
            f"    {' | '.join(map(_bash_pattern, patterns))}) {_bash_source(source)} ;;"
            for source, patterns in places(nodes)
        ),
    )


def _bash_pattern(pattern: str) -> str:
    return pattern.replace(" ", "\\ ").replace("#", "[0-9]*")


def _bash_source(source: Source) -> str:
    if source.files:
        return "files=1"
    return f"names={source.kind}" if source.kind else f"words='{' '.join(source.words)}'"
