"""The command tree written down as a completion script, in the language of each shell.

All three work alike: a table of what each command takes, and a walk over the words before the cursor that finds the
command they name. bash is kept to what 3.2 knows, which macOS still has, and needs no bash-completion.
"""

from __future__ import annotations

from collections.abc import Iterable

from amani_cli.completion import ANYTHING, Node, Option, Source

# -- bash ------------------------------------------------------------------------------------------------------------

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
        own = _own(node, shared)
        commands = " ".join(word for word, _ in node.commands)
        options, valued = _names(own), _names(each for each in own if each.value is not None)
        takes.append(f"    {_quoted(_typed(node))}) commands='{commands}' options='{options}' valued='{valued}' ;;")
    return _filled(
        _BASH,
        TAKES="\n".join(takes),
        SHARED=_names(shared),
        SHARED_VALUED=_names(each for each in shared if each.value is not None),
        SOURCES="\n".join(
            f"    {' | '.join(map(_bash_pattern, patterns))}) {_bash_source(source)} ;;"
            for source, patterns in _places(nodes)
        ),
    )


def _bash_pattern(pattern: str) -> str:
    return pattern.replace(" ", "\\ ").replace("#", "[0-9]*")


def _bash_source(source: Source) -> str:
    if source.files:
        return "files=1"
    return f"names={source.kind}" if source.kind else f"words='{' '.join(source.words)}'"


# -- zsh -------------------------------------------------------------------------------------------------------------

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
    return _filled(_ZSH, SHARED=shared, FUNCTIONS="\n\n".join(functions))


def _zsh_function(node: Node, shared: tuple[Option, ...]) -> str:
    name = "_".join(node.path) or "root"
    options = [_zsh_option(option) for option in _own(node, shared)]
    if node.commands:
        lines = [f"{word}:{_escaped(help, ':')}" for word, help in node.commands]
        return _filled(
            _ZSH_GROUP,
            NAME=name,
            OPTIONS="".join(f" {option}" for option in options),
            COMMANDS="\n".join(f"        {_quoted(line)}" for line in lines),
            CALLS="\n".join(f"        {word}) _amani_{'_'.join((*node.path, word))} ;;" for word, _ in node.commands),
        )
    places = []
    for at, argument in enumerate(node.arguments, 1):
        place = "*" if argument.repeats else str(at)
        places.append(_quoted(f"{place}:{_escaped(argument.help, ':')}:{_zsh_action(argument.source)}"))
    lines = ["$shared", *options, *places]
    arguments = " \\\n".join(f"        {line}" for line in lines)
    return f"_amani_{name}() {{\n    _arguments -s -S \\\n{arguments}\n}}"


def _zsh_option(option: Option) -> str:
    names, about = list(option.names), f"[{_escaped(option.help, '[]:')}]"
    if option.value is not None:
        about += f":{_escaped(names[0].lstrip('-'), ':')}:{_zsh_action(option.value)}"
        # The value may stand in the same word: after `=` for a long name, at once for a short one.
        names = [name + ("=" if name.startswith("--") else "+") for name in names]
    before = "*" if option.repeats else f"({' '.join(option.names)})"
    if len(names) == 1:
        return _quoted(before + names[0] + about)
    return f"{_quoted(before)}{{{','.join(names)}}}{_quoted(about)}"


def _zsh_action(source: Source) -> str:
    if source.files:
        return "_files"
    if source.kind:
        return f"_amani_names {source.kind}"
    return f"({' '.join(source.words)})"  # without words nothing is offered; a bare message would keep options away


# -- fish ------------------------------------------------------------------------------------------------------------

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
        case = f"        case {_quoted(_typed(node))}\n            "
        own = _own(node, shared)
        if node.commands:
            said = [text for command in node.commands for text in command]
            commands.append(case + "__amani_say " + " ".join(map(_quoted, said)))
        if own:
            options.append(case + "__amani_say " + _fish_options(own))
        if any(option.value is not None for option in own):
            names = _names(option for option in own if option.value is not None)
            valued.append(f"{case}string split ' ' -- '{names}'")
    return _filled(
        _FISH,
        COMMANDS="\n".join(commands),
        OPTIONS="\n".join(options),
        SHARED=_fish_options(shared),
        VALUED="\n".join(valued),
        SHARED_VALUED=_names(option for option in shared if option.value is not None),
        SOURCES="\n".join(
            f"        case {' '.join(map(_fish_pattern, patterns))}\n            {_fish_source(source)}"
            for source, patterns in _places(nodes)
        ),
    )


def _fish_options(options: Iterable[Option]) -> str:
    return " ".join(_quoted(text) for option in options for name in option.names for text in (name, option.help))


def _fish_pattern(pattern: str) -> str:
    """fish knows no class of characters: an argument that repeats is completed nine times."""
    return " ".join(_quoted(pattern.replace("#", str(at))) for at in (range(1, 10) if "#" in pattern else (0,)))


def _fish_source(source: Source) -> str:
    if source.files:
        return "__amani_files $argv[3]"
    return (
        f"__amani_names $argv[3] {source.kind}" if source.kind else f"__amani_words $argv[3] {' '.join(source.words)}"
    )


# -- what they share -------------------------------------------------------------------------------------------------


def _places(nodes: list[Node]) -> list[tuple[Source, list[str]]]:
    """Each source with the places it belongs to, as patterns of a command and an option or a position (`#`: any)."""
    found: list[tuple[Source, str]] = []
    for option in nodes[0].options:
        found += [(option.value, f"* {name}") for name in option.names if option.value]
    for node in nodes:
        typed = _typed(node)
        for option in _own(node, nodes[0].options):
            found += [(option.value, f"{typed} {name}") for name in option.names if option.value]
        for at, argument in enumerate(node.arguments, 1):
            found.append((argument.source, f"{typed} {'#' if argument.repeats else at}"))
    places: dict[Source, list[str]] = {}
    for source, pattern in found:
        if source != ANYTHING:
            places.setdefault(source, []).append(pattern)
    return list(places.items())


def _typed(node: Node) -> str:
    return " ".join(("amani", *node.path))


def _own(node: Node, shared: tuple[Option, ...]) -> list[Option]:
    """The options of a command that it does not share with all others."""
    return [option for option in node.options if option not in shared] if node.path else []


def _names(options: Iterable[Option]) -> str:
    return " ".join(name for option in options for name in option.names)


def _quoted(text: str) -> str:
    """A word in single quotes, as all three shells read it."""
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(text: str, characters: str) -> str:
    for character in "\\" + characters:
        text = text.replace(character, "\\" + character)
    return text


def _filled(template: str, **parts: str) -> str:
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template
