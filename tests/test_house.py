"""The plan of the house: what CONTRIBUTING says of rooms, files and the ledger holds for every file there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import amani_cli

HOUSE = Path(amani_cli.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))
ROOMS = sorted(path.parent for path in HOUSE.glob("*/__init__.py"))
LONGEST_FILE, LONGEST_FUNCTION, MOST_FILES = 400, 60, 30
TABLES = {"explanations.py", "store/migrations.py"}  # as long as what they list
# A statement by how it begins, or by the part of one that a longer is put together from.
SQL = re.compile(
    r"\s*(SELECT\b.+|INSERT (OR \w+ )?INTO\b.*|UPDATE (OR \w+ )?\w+ SET\b.*|DELETE FROM\b.*|REPLACE INTO\b.*"
    r"|PRAGMA \w+.*|BEGIN( IMMEDIATE)?|CREATE (TABLE|INDEX|TRIGGER)\b.*|FROM \w+ WHERE\b.*|WHERE \w+=\?.*)",
    re.DOTALL,
)


def name_of(path: Path) -> str:
    return str(path.relative_to(HOUSE))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def in_store(path: Path) -> bool:
    return HOUSE / "store" in path.parents


OUTSIDE = [path for path in FILES if not in_store(path)]


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def arrows() -> dict[str, set[str]]:
    """Which module names which, wherever in it: imports inside functions and those for types alone as well."""
    modules = {}
    for path in FILES:
        words = ("amani_cli", *path.relative_to(HOUSE).with_suffix("").parts)
        modules[".".join(words).removesuffix(".__init__")] = path
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        named: set[str] = set()
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                each = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= {name if name in modules else node.module for name in each}
            elif isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
        found[module] = (named & modules.keys()) - {module, "amani_cli"}
    return found


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """What can be reached from itself, by taking away whatever names nothing that is left."""
    left = {name: set(named) for name, named in graph.items()}
    while True:
        ends = {name for name, named in left.items() if not named & left.keys()}
        ends |= {name for name in left if not any(name in named for named in left.values())}
        if not ends:
            return [[name, *sorted(named & left.keys())] for name, named in sorted(left.items())]
        left = {name: named for name, named in left.items() if name not in ends}


def test_no_file_leads_back_to_itself() -> None:
    assert circles(arrows()) == []


def test_a_circle_would_be_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"], ["c", "b"]]


def test_the_store_alone_speaks_sql() -> None:
    """Put a function into store/ that is named for what it answers."""
    found = []
    for path in OUTSIDE:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.fullmatch(node.value):
                found.append(f"{name_of(path)}:{node.lineno}: {node.value[:60]}")
            if isinstance(node, ast.Attribute) and node.attr in ("connection", "execute", "executemany"):
                found.append(f"{name_of(path)}:{node.lineno}: .{node.attr}")
    assert found == []


def is_column(node: ast.AST, rows: set[str]) -> bool:
    """Whether this is a row's column that is spelled as text."""
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in rows
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    )


def test_a_column_is_an_attribute_of_its_row() -> None:
    """Mypy refuses it spelled as text; this looks at what is said to be a row, without mypy."""
    kinds = re.compile(r"\b(Row|Entry|\w+Row)\b")
    found = []
    for path in OUTSIDE:
        for function in functions(tree_of(path)):
            given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            rows = {each.arg for each in given if each.annotation and kinds.search(ast.unparse(each.annotation))}
            found += [f"{name_of(path)}: {ast.unparse(node)}" for node in ast.walk(function) if is_column(node, rows)]
    assert found == []


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in FILES if name_of(path) not in TABLES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    """Of a command that counts what it does: its options are a list."""
    found = {}
    for path in FILES:
        is_command = path.parent.name == "commands"
        for function in functions(tree_of(path)):
            first = function.body[0].lineno if is_command else function.lineno
            lines = (function.end_lineno or first) - first + 1
            if lines > LONGEST_FUNCTION:
                found[f"{name_of(path)} {function.name}"] = lines
    assert found == {}


def test_the_hall_is_not_a_room() -> None:
    assert len(list(HOUSE.glob("*.py"))) <= MOST_FILES


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.name))
def test_a_room_says_what_it_is_for_and_hands_nothing_on(room: Path) -> None:
    (only,) = tree_of(room / "__init__.py").body
    assert isinstance(only, ast.Expr)
    said = ast.get_docstring(tree_of(room / "__init__.py"))
    assert said
    assert said.endswith(".")
    assert len(said.splitlines()) == 1


def test_every_folder_of_code_is_a_room() -> None:
    assert {path.parent for path in FILES} == {HOUSE, *ROOMS}
