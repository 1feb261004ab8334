"""Tables as banks and payroll programs write them: their columns, read as those of a batch."""

from __future__ import annotations

import re

_ALIASES = {
    "account": (
        "account number",
        "account no",
        "account",
        "nuban",
        "beneficiary account",
        "beneficiary account number",
    ),
    "phone": ("phone", "phone number", "mobile", "mobile number", "msisdn"),
    "bank": ("bank", "bank name", "beneficiary bank"),
    "bank_code": ("bank code", "sort code", "swift code"),
    "operator": ("operator", "network", "mobile network", "provider"),
    "currency": ("currency", "ccy"),
    "amount": ("amount",),
    "to_name": ("account name", "beneficiary", "beneficiary name", "name", "payee", "recipient"),
    "description": ("narration", "description", "remarks", "remark", "details"),
    "memo": ("memo",),
    "reference": ("reference", "ref", "payment reference", "transaction reference"),
    "category": ("category",),
    "name_unverified": ("name_unverified",),
    "": ("s/n", "sn", "s/no", "no", "#"),  # the number of a row says nothing
}
_MEANINGS = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}


def columns(header: list[str]) -> list[str] | None:
    """What each column of a bank's table means, None where it is no such table: it lacks an account or an amount.

    `Amount (NGN)` says the currency in its name. A name that is not known is left as it is.
    """
    found = []
    for cell in header:
        plain = " ".join(re.sub(r"[._]", " ", cell.casefold()).split()) if cell != "name_unverified" else cell
        priced = re.fullmatch(r"amount \(?([a-z]{3})\)?", plain)
        found.append(f"amount {priced[1].upper()}" if priced else _MEANINGS.get(plain, cell))
    held = {name.partition(" ")[0] for name in found}
    return found if held & {"account", "phone"} and "amount" in held and "to" not in held else None


def cells(found: dict[str, str]) -> dict[str, str]:
    """A row of such a table as a batch has it: `to` put together from bank and account, the currency behind the amount.

    Cells of columns that are not known are handed on, for whoever refuses them.
    """
    row = {name: value for name, value in found.items() if name and name.partition(" ")[0] not in _PARTS}
    currency = found.get("currency", "")
    for name, value in found.items():
        if name.startswith("amount") and value:
            row["amount"] = value + (name.partition(" ")[2] or currency)
    account, phone = found.get("account", ""), found.get("phone", "")
    if account or not phone:
        row["to"] = f"bank:{found.get('bank_code') or found.get('bank', '')}/{account}"
    else:
        row["to"] = f"momo:{found.get('operator') or found.get('bank', '')}/{phone}"
    return row


_PARTS = {"account", "phone", "bank", "bank_code", "operator", "currency", "amount"}
