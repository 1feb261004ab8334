"""What the scripts of all shells spell alike."""

from __future__ import annotations

from collections.abc import Iterable

from amani_cli.completion.tree import ANYTHING, Node, Option, Source


def places(nodes: list[Node]) -> list[tuple[Source, list[str]]]:
    """Each source with the places it belongs to, as patterns of a command and an option or a position (`#`: any)."""
    found: list[tuple[Source, str]] = []
    for option in nodes[0].options:
        found += [(option.value, f"* {name}") for name in option.names if option.value]
    for node in nodes:
        typed = as_typed(node)
        for option in own_kinds(node, nodes[0].options):
            found += [(option.value, f"{typed} {name}") for name in option.names if option.value]
        for at, argument in enumerate(node.arguments, 1):
            found.append((argument.source, f"{typed} {'#' if argument.repeats else at}"))
    places: dict[Source, list[str]] = {}
    for source, pattern in found:
        if source != ANYTHING:
            places.setdefault(source, []).append(pattern)
    return list(places.items())


def as_typed(node: Node) -> str:
    return " ".join(("amani", *node.path))


def own_kinds(node: Node, shared: tuple[Option, ...]) -> list[Option]:
    """The options of a command that it does not share with all others."""
    return [option for option in node.options if option not in shared] if node.path else []


def names_of(options: Iterable[Option]) -> str:
    return " ".join(name for option in options for name in option.names)


def quoted(text: str) -> str:
    """A word in single quotes, as all three shells read it."""
    return "'" + text.replace("'", "'\\''") + "'"


def escaped(text: str, characters: str) -> str:
    for character in "\\" + characters:
        text = text.replace(character, "\\" + character)
    return text


def filled(template: str, **parts: str) -> str:
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template
