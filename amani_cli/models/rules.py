"""PINs and limits."""

from typing import NamedTuple

from amani_cli.models.document import document
from amani_cli.models.money import Money


@document("amani.pin/1")
class Pin(NamedTuple):
    """How a wallet's PIN stands; up to and including `threshold_msat` none is asked for.

    A fiat wallet has `thresholds` instead, one a currency; in a currency without one the PIN is always needed.
    """

    wallet: str
    set: bool
    locked_until: str | None
    attempts_left: int
    always: bool
    threshold_msat: int | None
    reset_at: str | None
    thresholds: list[Money]


class LimitView(NamedTuple):
    """One limit of a wallet: what it allows, what is used and reserved, and when the next slot opens."""

    name: str
    allowed: str
    used: str
    reserved: str
    left: str
    opens_at: str | None


@document("amani.limits/1")
class Limits(NamedTuple):
    """Every limit and budget of a wallet as it stands."""

    wallet: str
    items: list[LimitView]
