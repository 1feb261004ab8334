"""Balance and volume over time: as figures, and as a picture in SVG or PNG."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path

from amani_cli import errors, files
from amani_cli.books import reading
from amani_cli.books.reading import Books
from amani_cli.models.books import Chart, ChartPoint, ChartStep
from amani_cli.text import plain
from amani_cli.times import Period, from_rfc3339, zone
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

WIDTH, HEIGHT, MARGIN = 900, 420, 70
_BALANCE, _IN, _OUT, _INK = "#1f6feb", "#2da44e", "#cf222e", "#57606a"


def series(ws: Workspace, period: Period, wallet: KnownWallet | None, currency: str | None = None) -> Chart:
    """The balance at the end of each day, week or month (by how long the time is), and what came and left in it.

    Several wallets are added up, without what moved between them. Raises `errors.Usage` when it is not clear which
    currency is meant, `errors.NotFound` when nothing has ever moved and no beginning is given.
    """
    found = Books(ws, period, wallet)
    came: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    left: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for each in found.movements():
        if not each.own or wallet is not None:
            # What came back of a payment takes off what left; it is nothing received.
            back = each.row.kind == "refund" and each.amount > 0
            side, amount = (left, -each.amount) if back else (came if each.amount > 0 else left, abs(each.amount))
            side[each.unit, each.day] += amount
        left[each.unit, each.day] += each.fee
    unit = _unit({key[1] for key in found.closing}, currency)
    days = sorted(day for each, day in {*came, *left} if each == unit)
    if not days and not period.since:
        raise errors.NotFound("nothing has moved yet", hint="'amani history sync' brings in what others did.")
    first = from_rfc3339(period.since).astimezone().date() if period.since else days[0]
    last = (
        (from_rfc3339(period.until) - timedelta(seconds=1)).astimezone().date()
        if period.until
        else max(days[-1] if days else first, datetime.now().astimezone().date())
    )
    balance = sum((amount for key, amount in found.opening.items() if key[1] == unit), Decimal(0))
    step, points = _step((last - first).days), []
    begin = first
    while begin <= last:
        end = min(_next(begin, step), last + timedelta(days=1))
        span = [begin + timedelta(days=number) for number in range((end - begin).days)]
        received = sum((came[unit, day] for day in span), Decimal(0))
        sent = sum((left[unit, day] for day in span), Decimal(0))
        balance += received - sent
        values = (reading.value(amount, unit) for amount in (balance, received, sent))
        points.append(ChartPoint(begin.isoformat(), *values))
        begin = end
    return Chart(wallet.name if wallet else None, "msat" if unit == "sat" else unit, step, zone(), points)


def _unit(units: set[str], currency: str | None) -> str:
    """The one unit that a chart is in: sat unless a currency is named or all there is."""
    wanted = currency.upper() if currency else "sat" if "sat" in units or not units else ""
    if wanted and (wanted in units or wanted == "sat"):
        return wanted
    if not currency and len(units) == 1:
        return next(iter(units))
    names = ", ".join(sorted(units))
    raise errors.Usage("which currency?", code="AMBIGUOUS", hint=f"Say --currency; there is: {names}.")


def _step(days: int) -> ChartStep:
    return "day" if days <= 62 else "week" if days <= 400 else "month"


def _next(day: date, step: ChartStep) -> date:
    if step == "month":
        return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=1 if step == "day" else 7)


# -- pictures ----------------------------------------------------------------------------------


def write(chart: Chart, path: Path) -> None:
    """Write a picture, .svg or .png by the file's name. Raises `errors.Usage` for another name."""
    if path.suffix == ".svg":
        files.write_private(path, svg(chart))
    elif path.suffix == ".png":
        files.write_private(path, png(chart))
    else:
        raise errors.Usage("a chart is an .svg or a .png", hint="Name it so, e.g. --output balance.svg.")


def _shapes(chart: Chart) -> tuple[list[tuple[float, float]], list[tuple[float, float, float, str]]]:
    """The balance's corners, and each bar as x, top, bottom and colour; y grows downwards."""
    tall = HEIGHT - 2 * MARGIN
    wide = (WIDTH - 2 * MARGIN) / max(1, len(chart.points))
    top = float(max([1, *(max(point.balance, point.received, point.sent) for point in chart.points)]))
    low = float(min([0, *(point.balance for point in chart.points)]))

    def y(value: float) -> float:
        return HEIGHT - MARGIN - tall * (value - low) / (top - low)

    line, bars = [], []
    for number, point in enumerate(chart.points):
        x = MARGIN + wide * number
        line.append((x + wide / 2, y(float(point.balance))))
        bars.append((x + wide * 0.15, y(float(point.received)), y(0), _IN))
        bars.append((x + wide * 0.5, y(float(point.sent)), y(0), _OUT))
    return line, bars


def _labels(chart: Chart) -> list[tuple[int, int, str]]:
    """The words of a picture and where they stand."""
    shown = [reading.shown(point.balance, chart.unit) for point in chart.points]
    title = f"{chart.wallet or 'all wallets'}: balance (line), received and sent (bars), by {chart.step}"
    ends = f"{shown[0]} → {shown[-1]}; days of {chart.zone}"
    first, last = chart.points[0].day, chart.points[-1].day
    foot = HEIGHT - MARGIN + 24
    return [(MARGIN, 28, title), (MARGIN, 48, ends), (MARGIN, foot, first), (WIDTH - MARGIN - 70, foot, last)]


def svg(chart: Chart) -> str:
    """The chart as an SVG of its own, without script or anything from elsewhere."""
    line, bars = _shapes(chart)
    width = max(1.0, (WIDTH - 2 * MARGIN) / max(1, len(chart.points)) * 0.35)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} fill="{_INK}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    parts += [
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{bottom - top:.1f}" fill="{colour}"/>'
        for x, top, bottom, colour in bars
        if bottom > top
    ]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    parts.append(f'<polyline points="{corners}" fill="none" stroke="{_BALANCE}" stroke-width="2"/>')
    parts += [f'<text x="{x}" y="{y}">{escape(plain(text))}</text>' for x, y, text in _labels(chart)]
    return "\n".join([*parts, "</svg>\n"])


def png(chart: Chart) -> bytes:
    """The same as PNG. Raises `errors.Usage` where Pillow is not installed."""
    import io

    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise errors.Usage(
            "a .png needs Pillow, which is not installed",
            code="NO_PILLOW",
            hint="Install amani-cli[print], or write an .svg.",
        ) from None
    line, bars = _shapes(chart)
    width = max(1.0, (WIDTH - 2 * MARGIN) / max(1, len(chart.points)) * 0.35)
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    for x, top, bottom, colour in bars:
        if bottom > top:
            draw.rectangle((x, top, x + width, bottom), fill=colour)
    draw.line(line, fill=_BALANCE, width=2)
    for x, y, text in _labels(chart):
        draw.text((x, y - 11), text.encode("latin-1", "replace").decode("latin-1"), fill=_INK)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
