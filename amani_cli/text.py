"""Text from outside, made harmless: for a terminal, for a spreadsheet, and with secrets taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from amani_cli import errors

# What can move the cursor, colour the screen, turn the reading direction or hide text. Letters of every
# script, combining marks and emoji stay. Compiled when it is first needed, which plain ASCII never does.
_UNSAFE = (
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: ESC, BEL, CSI, OSC, backspace, carriage return
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # letters and joiners that show nothing
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, overrides, isolates; zero width
    "\u2028\u2029"  # line and paragraph separators
    "\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff"  # other invisible format characters
    "\ufe00-\ufe0d"  # variation selectors, but for the two that choose between text and emoji
    "\ud800-\udfff"  # lone surrogates, which can't be printed at all
    "\U0001d173-\U0001d17a"  # musical format characters
    "\U000e0000-\U000e0fff"  # tags and more selectors, which can spell hidden text
    "]"
    # A joiner or emoji selector belongs once after a sign that it can change (1️⃣); elsewhere it only hides.
    "|(?<![\u00a9\u00ae\u0100-\U0010ffff])(?!(?<=[0-9#*])\ufe0f\u20e3)[\u200c\u200d\ufe0e\ufe0f]"
    "|(?<=[\u200c\u200d\ufe0e\ufe0f])[\u200c\ufe0e\ufe0f]"
    "|(?<=[\u200c\u200d])\u200d"
)
_FORMULA = tuple("=+-@＝＋－＠")
_BEFORE_A_FORMULA = {" ", *_FORMULA}
_SHORTEST_SECRET = 4
_SHORTEST_NUMBER = 8


def plain(text: str) -> str:
    r"""Return `text` safe to show on a terminal: what could act on it or hide is shown as `\x1b` or `\u202e`.

    A tab becomes a space and a line break `\n`, so that one text stays one line. Safe text is unchanged.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", " ")
    # Again until nothing is found: a joiner may have stood after what has just been spelled out.
    while (shown := re.sub(_UNSAFE, _escaped, text)) != text:
        text = shown
    return text


def one_line(text: str, limit: int) -> str:
    """Return `text` as `plain` does, its white space run together and cut to `limit` characters with `…`."""
    line = plain(" ".join(text.split()))
    return line if len(line) <= limit else line[: max(limit - 1, 0)].rstrip() + "…" * min(limit, 1)


def holds(text: str, part: str) -> bool:
    """Whether a text has another one in it, as people search: case and runs of white space are the same."""
    return " ".join(part.split()).casefold() in " ".join(text.split()).casefold()


def csv_cell(text: str) -> str:
    """Return `text` as `plain` does, and so that a spreadsheet takes it for text: an apostrophe before a formula.

    https://owasp.org/www-community/attacks/CSV_Injection. For text only; a negative number is not text.
    """
    text = plain(text)
    if text[:1] not in _BEFORE_A_FORMULA:  # nearly always, and an export asks for millions
        return text
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def json_line(document: object) -> str:
    """A document as one line of JSON in which no character can act on a terminal: JSON itself leaves DEL as it is."""
    import json

    return json.dumps(document).replace("\x7f", "\\u007f") + "\n"


def mask(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every one of `secrets` replaced by `***`, in whatever form it was written.

    That is: as it is, in either case, as in a Python or JSON string, percent-encoded, in hex, and in Base64,
    alone or inside something longer. Fewer than four characters are left: they would blot out the text. So are fewer
    than eight digits (a PIN is in no text to begin with) and digits that are part of a number: no amount must change.
    """
    forms: set[str] = set()
    for secret in secrets:
        if len(secret) >= (_SHORTEST_NUMBER if _is_number(secret) else _SHORTEST_SECRET):
            forms |= _forms(secret)
    if not forms:
        return text
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.sub("|".join(map(_pattern, longest_first)), "***", text, flags=re.IGNORECASE)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x0A:
        return r"\n"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _pattern(form: str) -> str:
    return rf"(?<![\w.,]){form}(?!\w|[.,]\d)" if _is_number(form) else re.escape(form)


def _forms(secret: str) -> set[str]:
    # Imported here: only text that is about to be logged or shown after a failure comes this way.
    import json
    from base64 import b64encode
    from urllib.parse import quote, quote_plus

    raw = secret.encode("utf-8", "surrogatepass")
    forms = {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
    forms |= {quote(raw, safe=""), quote(raw), quote_plus(raw), raw.hex()}
    if len(raw) >= 8:
        for before in range(3):
            # Inside something longer a secret starts at one of three places in a group of three bytes.
            # The letters at its edges depend on its neighbours, those between do not.
            start, end = -(-8 * before // 6), 8 * (before + len(raw)) // 6
            core = b64encode(bytes(before) + raw).decode()[start:end]
            forms |= {core, core.replace("+", "-").replace("/", "_")}
        whole = b64encode(raw).decode()
        forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    return forms


# A word that is a secret by its form: keys of LNbits, hashes (preimages among them), Fincra's and others' keys, JSON
# web tokens, cheques, private keys. One that is a part of a path or name (`lnbits/…`) names where a secret is.
_KEY_LIKE = (
    r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{64}|sk_\w{8,}|amani1[0-9a-z]{40,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|hvs\.[\w-]{20,}|gh[a-z]_\w{30,}|xox[a-z]-[\w-]{10,})"
)
_WRITTEN_OUT = (
    rf"(?<![\w/.-]){_KEY_LIKE}(?![\w/.-])"
    r"|\w+://[^\s/@]*:[^\s/@]+@"  # a password in an address
    r"|(?i:bearer|basic)\s+[\w.+/=-]{8,}"
    r"|--?(?i:pass(?:word|phrase|wd)?|token|secret|api[-_]?key)[= ]['\"]?[A-Za-z0-9][\w.+/-]{7,}"
    r"|(?i:\w*(?:token|password|secret|api_?key|admin_?key))=['\"]?[A-Za-z0-9][\w.+/-]{7,}"
)


def is_secret(word: str) -> bool:
    """Whether a word looks like a key, token or cheque by itself."""
    return re.fullmatch(_KEY_LIKE, word.strip()) is not None


def holds_secret(line: str) -> bool:
    """Whether a command or an address that is to be kept has a key, token or password written out in it."""
    return re.search(_WRITTEN_OUT, line) is not None


def quoted(asked: str, limit: int = 80) -> str:
    """What a person typed, in quotes for an error; a key or a cheque's code in the wrong place is not repeated."""
    bare = asked.strip().lower()
    if bare.startswith("amani1") or (len(bare) in (32, 64) and all(c in "0123456789abcdef" for c in bare)):
        return "with what was given (it looks like a secret, or a hash that is not known here)"
    return f"'{asked[:limit]}'"


def did_you_mean(word: str, names: Iterable[str], *, prefix: str = "") -> str:
    """`Did you mean 'shop'? ` for a word that is nearly one of some names, else nothing; for the start of a hint.

    What all of them begin with, `prefix`, makes none alike.
    """
    from difflib import get_close_matches

    by_lower = {name.removeprefix(prefix).lower(): name for name in names}
    near = get_close_matches(word.strip().removeprefix(prefix).lower()[:80], by_lower, 1)
    return f"Did you mean '{by_lower[near[0]]}'? " if near else ""


def one_of(known: Sequence[str], text: str | None, what: str = "status") -> str | None:
    """What was said of a list's `what`, which is one of those there are. Raises `errors.Usage`, with the nearest."""
    if text is None or text.strip().lower() in known:
        return None if text is None else text.strip().lower()
    hint = f"{did_you_mean(text, known)}There are: {', '.join(known)}."
    raise errors.Usage(f"no {what} {quoted(text)}", hint=hint)
