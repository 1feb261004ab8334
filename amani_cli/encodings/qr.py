"""QR codes: in the terminal, and as PNG or SVG files that only their owner can read."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

from amani_cli.errors import Usage

if TYPE_CHECKING:
    from pathlib import Path

    from segno import QRCode

# ISO/IEC 18004 asks for four light modules on every side; phones read the code without trouble from two.
_TERMINAL_BORDER, _FILE_BORDER = 2, 4
_PIXELS_PER_MODULE = 8
# Black on white, said outright: the same on a dark and a light background. 16 and 231 are the black and white
# of the colour cube, which no theme changes.
_BLACK_ON_WHITE, _RESET = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
# Bech32 means the same in upper case, which a QR code packs more tightly (BOLT 11 recommends it).
_BECH32 = r"(?:lightning:)?ln[a-z0-9]{1,40}1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{6,}"


def terminal(text: str, color: bool = True) -> str:
    """Return `text` as a QR code to print, two rows of modules a line, quiet zone included.

    Without `color` the light modules are drawn in the foreground colour, which is right on a dark background.

    Raises:
        Usage: code `BAD_QR`, for text that no QR code can hold.
    """
    rows = [[bool(dark) for dark in row] for row in _code(text).matrix_iter(border=_TERMINAL_BORDER)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    # In colour the ink is the dark modules; without, the light ones.
    ink = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        line = "".join(ink[(top == color, bottom == color)] for top, bottom in zip(upper, lower, strict=True))
        lines.append(f"{_BLACK_ON_WHITE}{line}{_RESET}" if color else line)
    return "\n".join(lines)


def write(text: str, path: str | Path) -> None:
    """Write `text` as a QR code to `path` (`.png` or `.svg`), readable by its owner only, or not at all.

    Raises:
        Usage: code `BAD_QR`, for another suffix, text that is too long, or a path that can't be written.
    """
    import tempfile

    target = os.fspath(path)
    kind = check_path(target)
    picture = io.BytesIO()
    _code(text).save(picture, kind=kind[1:], scale=_PIXELS_PER_MODULE, border=_FILE_BORDER, light="white")
    try:
        # mkstemp makes the file 0600 from the start, and the rename shows it whole or not at all.
        handle, unfinished = tempfile.mkstemp(dir=os.path.dirname(target) or os.curdir, prefix=".qr-", suffix=kind)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(picture.getvalue())
            os.replace(unfinished, target)
        except BaseException:
            os.unlink(unfinished)
            raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise Usage(
            f"The QR code can't be written to {target!r}: {reason or 'that is no path'}.",
            code="BAD_QR",
            hint="Name a file in a folder that you can write to.",
        ) from None


def check_path(path: str | Path) -> str:
    """The kind of picture a path asks for, `.png` or `.svg`; raises `Usage` (code `BAD_QR`) for any other."""
    suffix = os.path.splitext(os.fspath(path))[1]
    if suffix.lower() not in {".png", ".svg"}:
        raise Usage(
            f"A QR code is written as .png or .svg, not as {suffix!r}.",
            code="BAD_QR",
            hint="For example --qr-file invoice.png",
        )
    return suffix.lower()


def _code(text: str) -> QRCode:
    import segno

    packed = text.upper() if re.fullmatch(_BECH32, text) else text
    if not text:
        raise Usage("There is nothing to show as a QR code.", code="BAD_QR")
    try:
        return segno.make_qr(packed, error="l", boost_error=False)
    except ValueError:  # also of lone surrogates, which nothing can encode
        raise Usage("That is too long for a QR code.", code="BAD_QR") from None
