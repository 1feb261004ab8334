"""JSON as a broken or hostile server sends it: the true answer with one thing wrong, or no JSON at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

HOSTILE_TEXTS = (
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m\x85",
    "paid\r\nok: 1,000,000 sat\rerror: none\b\b\b",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "\ud800",
    "=HYPERLINK(1)",
    "\x00",
    "{}{0}%s%n$(id)`id`",
    "x" * 70_000,
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "-1",
    "1e999999999",
    "ff" * 32,
)
# Written as they are: what no encoder of JSON would write.
_RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1e999999999",
    "1e-999999999",
    "1e99999999999999999999",
    "-0",
    "-0.0",
    "1.5",
    "1000.0",
    "0.1e1",
    "9" * 5000,
    "9" * 400,
    str(2**53 + 1),
    str(2**62 - 1),
    str(2**63),
    str(-(2**63)),
    str(10**18),
    "253402300800",
    "[" * 2000 + "]" * 2000,
    '{"a":' * 2000 + "1" + "}" * 2000,
)
_VALUES: tuple[Any, ...] = (None, True, False, "", [], {}, [None], {"status": "failure"}, 0, 1, -1, *HOSTILE_TEXTS)
_MARK = "\ue000spoiled\ue000"


def spoiled(true: Any) -> st.SearchStrategy[bytes]:
    """Bodies made of `true`: something in it missing, of another type, too large or there twice; or cut, or no JSON."""
    places = list(_places(true))
    values = st.one_of(
        st.sampled_from([json.dumps(value) for value in _VALUES]), st.sampled_from(_RAW), st.text().map(json.dumps)
    )
    inside = st.builds(lambda place, value: _with(true, place, value), st.sampled_from(places), values)
    without = st.builds(
        lambda place: _without(true, place), st.sampled_from([place for place in places if place] or [()])
    )
    doubled = st.builds(
        lambda place, value: _doubled(true, place, value),
        st.sampled_from([place for place in places if place and isinstance(place[-1], str)] or [()]),
        values,
    )
    return st.one_of(inside, inside, without, doubled, _whole(json.dumps(true).encode()))


def spoilers() -> st.SearchStrategy[Callable[[Any], bytes]]:
    """What does the same to a body that is not known yet: one that names what is new each time."""
    values = st.one_of(st.sampled_from([json.dumps(value) for value in _VALUES]), st.sampled_from(_RAW))

    def spoiler(how: str, at: int, value: str) -> Callable[[Any], bytes]:
        def spoil(true: Any) -> bytes:
            places = list(_places(true))
            place = places[at % len(places)]
            if how == "cut":
                whole = json.dumps(true).encode()
                return whole[: at % len(whole)]
            return _with(true, place, value) if how == "put" else _without(true, place)

        return spoil

    return st.builds(spoiler, st.sampled_from(["put", "put", "put", "drop", "cut"]), st.integers(0, 10_000), values)


def _whole(body: bytes) -> st.SearchStrategy[bytes]:
    """What becomes of a whole body."""
    cut = st.integers(0, max(len(body) - 1, 0)).map(lambda at: body[:at])
    flipped = st.builds(
        lambda at, byte: body[:at] + bytes([byte]) + body[at + 1 :],
        st.integers(0, max(len(body) - 1, 0)),
        st.integers(0, 255),
    )
    others = [
        *(
            b"",
            b"null",
            b"[]",
            b"{}",
            b'"text"',
            b"42",
            b"true",
            b"\xff\xfe{\x00}\x00",
            b"\xef\xbb\xbf" + body,
            body + body,
        ),
        *(b"[" + body + b"]", b"[" * 100_000, b"<html>502</html>", b"{" + b"\xc3\x28" + b"}", b" " * 100_000 + body),
    ]
    return st.one_of(cut, flipped, st.sampled_from(others), st.binary(max_size=64))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _places(each, (*path, name))
    elif isinstance(value, list):
        for at, each in enumerate(value[:3]):
            yield from _places(each, (*path, at))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _parent(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


def _with(true: Any, path: tuple[Any, ...], value: str) -> bytes:
    if not path:
        return value.encode("utf-8", "surrogatepass")
    document = _copy(true)
    _parent(document, path)[path[-1]] = _MARK
    return json.dumps(document).replace(json.dumps(_MARK), value).encode()


def _without(true: Any, path: tuple[Any, ...]) -> bytes:
    document = _copy(true)
    if path:
        del _parent(document, path)[path[-1]]
    return json.dumps(document).encode()


def _doubled(true: Any, path: tuple[Any, ...], value: str) -> bytes:
    """The same name twice, with another value the second time."""
    document = _copy(true)
    if not path:
        return json.dumps(document).encode()
    parent = _parent(document, path)
    parent[_MARK] = _MARK
    text = json.dumps(document)
    return text.replace(f"{json.dumps(_MARK)}: {json.dumps(_MARK)}", f"{json.dumps(path[-1])}: {value}").encode()
