"""Lightning addresses of ours."""

from typing import NamedTuple

from amani_cli.models.document import document


@document("amani.address/1")
class Address(NamedTuple):
    """A Lightning address: whose wallet it pays, what it takes, and how long a comment may be.

    `address` is null where nobody said at which base URL it is served.
    """

    name: str
    address: str | None
    wallet: str
    min_msat: int
    max_msat: int
    comment: int
    created_at: str


@document("amani.addresses/1")
class Addresses(NamedTuple):
    """Every address, by name."""

    items: list[Address]
