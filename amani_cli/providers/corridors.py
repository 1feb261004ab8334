"""Where Fincra pays to, currency by currency: one table, from which what is refused and what is sent both follow.

Sources, as `source` names them: `guide` is payouts/payout-coverage.mdx and the country pages in
https://github.com/FincraNG/docs; `sandbox` its list of test accounts alone; `old list` an older list of payout
currencies alone; `payshap` https://docs.fincra.com/docs/payshap-payout. What no source pays is not in it.
"""

from typing import Literal, NamedTuple

PAYSHAP = "PAYSHAP_ID"
"""The bank code under which South Africa's PayShap takes an alias (`0713058274@nedbank`) for an account."""


class Phones(NamedTuple):
    """A country's phone numbers: `digits` after the calling code (ITU-T E.164).

    `trunk` is what goes before them inside the country, where anything does; `begins` what they begin with, as far as
    it is needed to tell countries apart.
    """

    calling: str
    digits: int
    country: str
    trunk: str = "0"
    source: str = "guide"
    begins: str = ""


class Corridor(NamedTuple):
    """How a currency is paid. `country` is that of its banks, None where Fincra pays none.

    `code` says which of a bank's codes a payout names; `payer` that it wants the beneficiary's name once more.
    """

    country: str | None
    code: Literal["bankCode", "bankSwiftCode"] = "bankCode"
    phones: tuple[Phones, ...] = ()
    payer: bool = False
    source: str = "guide"


CORRIDORS = {
    "NGN": Corridor("NG"),
    "GHS": Corridor("GH", "bankSwiftCode", (Phones("233", 9, "GH"),)),
    "KES": Corridor("KE", phones=(Phones("254", 9, "KE"),)),
    "UGX": Corridor("UG", phones=(Phones("256", 9, "UG"),), payer=True),
    "TZS": Corridor("TZ", phones=(Phones("255", 9, "TZ"),)),
    "ZMW": Corridor("ZM", phones=(Phones("260", 9, "ZM"),)),
    "ZAR": Corridor("ZA", "bankSwiftCode"),
    "EGP": Corridor("EG", phones=(Phones("20", 10, "EG"),)),
    "RWF": Corridor("RW", phones=(Phones("250", 9, "RW", source="sandbox"),), source="sandbox"),
    "XAF": Corridor(
        None,
        phones=(
            Phones("237", 9, "CM", trunk="", begins="6"),
            Phones("236", 8, "CF", trunk="", source="old list"),
            Phones("242", 9, "CG", trunk="", source="old list", begins="0"),
            Phones("241", 8, "GA", trunk="", source="old list"),
        ),
    ),
    "XOF": Corridor(
        None,
        phones=(
            Phones("221", 9, "SN", trunk="", begins="7"),
            Phones("225", 10, "CI", trunk="", source="sandbox", begins="0"),
            Phones("229", 10, "BJ", trunk="", source="old list", begins="01"),
            Phones("226", 8, "BF", trunk="", source="old list"),
            Phones("223", 8, "ML", trunk="", source="old list"),
            Phones("227", 8, "NE", trunk="", source="old list"),
        ),
    ),
    "MWK": Corridor(None, phones=(Phones("265", 9, "MW", source="old list"),), source="old list"),
    "MZN": Corridor(None, phones=(Phones("258", 9, "MZ", trunk="", source="old list"),), source="old list"),
    "CDF": Corridor(None, phones=(Phones("243", 9, "CD", source="old list"),), source="old list"),
}

ABROAD = frozenset({"USD", "GBP", "EUR", "CAD", "CNY"})
"""What Fincra pays to other countries: it wants the sender's papers and the payee's address, which amani can't give."""


def name_check(currency: str, account: str, code: str, *, mobile: bool) -> dict[str, str] | None:
    """What Fincra is asked about an account's holder, or None where no source knows a check that takes this.

    `POST /core/accounts/resolve`: `fincra-core.yaml` for NGN and GHS, Fincra's newer API description for KES, its
    PayShap page for ZAR. A currency is always named: without one Fincra takes it for naira.
    """
    if mobile:
        # Letters alone: an operator like AIRTEL_TIGO can't be asked about.
        known = currency in ("GHS", "KES") and code.isascii() and code.isalpha() and 2 <= len(code) <= 20
        body = {"type": "mobile_money", "accountNumber": account, "mobileMoneyCode": code}
    elif currency == "NGN":
        known = code.isascii() and code.isdigit() and 3 <= len(code) <= 6
        body = {"type": "nuban", "accountNumber": account, "bankCode": code}
    elif currency == "GHS":
        # Letters alone: a BIC with a digit in it is refused, and so is an account number with a letter.
        known = code.isascii() and code.isalpha() and 8 <= len(code) <= 11 and account.isdigit()
        body = {"type": "bank_account", "accountNumber": account, "bankSwiftCode": code}
    elif currency == "KES":
        known = code.isascii() and code.isdigit() and 1 <= len(code) <= 4 and account.isdigit()
        body = {"type": "bank_account", "accountNumber": account, "bankCode": code}
    else:
        known = currency == "ZAR" and code == PAYSHAP
        body = {"type": "bank_account", "accountNumber": account, "bankCode": code}
    return {"currency": currency, **body} if known else None
