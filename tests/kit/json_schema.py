"""A strict JSON Schema validator for the part of the language that amani's schemas use.

It fails on a keyword it does not know, so no rule is skipped in silence; and on a field that the schema does not
name, so no field can be printed that `amani schema` does not tell of.
"""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_ANNOTATIONS = {"$schema", "$defs", "title", "description", "default", "format"}
_ENFORCED = {
    "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "$ref", "pattern",
}  # fmt: skip


def check(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$") -> None:
    """Raise AssertionError if `value` is not what `schema` allows."""
    problem = _problem(value, schema, schema if root is None else root, at)
    assert problem is None, problem


def _problem(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> str | None:
    unknown = set(schema) - _ANNOTATIONS - _ENFORCED
    assert not unknown, f"{at}: the validator does not know {unknown}"
    if "$ref" in schema:
        return _problem(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
    if "anyOf" in schema:
        problems = [_problem(value, each, root, at) for each in schema["anyOf"]]
        return None if None in problems else "; ".join(map(str, problems))
    if "const" in schema and value != schema["const"]:
        return f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at}: {value!r} is none of {schema['enum']}"
    kind = schema.get("type")
    if kind is not None and not _is(value, kind):
        return f"{at}: {value!r} is no {kind}"
    if "pattern" in schema and isinstance(value, str):
        import re

        if re.search(schema["pattern"], value) is None:
            return f"{at}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, list):
        return _first(_problem(each, schema.get("items", {}), root, f"{at}[{i}]") for i, each in enumerate(value))
    if isinstance(value, dict):
        return _object_problem(value, schema, root, at)
    return None


def _object_problem(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> str | None:
    known = schema.get("properties", {})
    missing = set(schema.get("required", ())) - set(value)
    if missing:
        return f"{at}: no {sorted(missing)}"
    other = schema.get("additionalProperties", False)
    extra = set(value) - set(known)
    if extra and other is False:
        return f"{at}: the schema does not tell of {sorted(extra)}"
    rules = {name: known.get(name, other if isinstance(other, dict) else {}) for name in value}
    return _first(_problem(value[name], rule, root, f"{at}.{name}") for name, rule in rules.items())


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _first(problems: Any) -> str | None:
    return next((problem for problem in problems if problem is not None), None)
