"""What makes a model a document, and a document JSON."""

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, TypeVar

_Model = TypeVar("_Model", bound=type)


def document(schema: str, *, leave_out: Collection[str] = ()) -> Callable[[_Model], _Model]:
    """Make a model a document of that name; the fields to `leave_out` are not printed when there is nothing to say."""

    def mark(model: _Model) -> _Model:
        model.SCHEMA, model.LEAVE_OUT = schema, frozenset(leave_out)  # type: ignore[attr-defined]
        return model

    return mark


def as_json(model: Any) -> Any:
    """Turn a model into what `json.dumps` takes: Decimals as strings, absent amounts left out."""
    if isinstance(model, Decimal):
        return format(model, "f")
    if isinstance(model, list):
        return [as_json(each) for each in model]
    if isinstance(model, dict):
        return {key: as_json(value) for key, value in model.items()}
    if not isinstance(model, tuple):
        return model
    omit: frozenset[str] = getattr(model, "LEAVE_OUT", frozenset())
    values = zip(model._fields, model, strict=True)  # type: ignore[attr-defined]
    return {name: as_json(value) for name, value in values if not (value is None and name in omit)}
