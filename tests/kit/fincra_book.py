"""What the double knows of the world: banks, operators, accounts and whose they are, rates, rules per currency.

Accounts are those of Fincra's sandbox (its API page "test accounts and mobile wallets"):
those that pass, with their holders, and those that fail. Codes and rules per currency: payouts/*.mdx and
`fincra-core.yaml`, `fincra-disbursements.yaml` in https://github.com/FincraNG/docs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

WHOLE = {"UGX", "XAF", "XOF", "RWF"}  # currencies without decimals (fincra-disbursements.yaml, `amount`)
# A choice of the double's: the sandbox documents no naira account that passes the name check and then fails.
FAILING_ACCOUNT = "9999999999"


def _operator(number: int, code: str, name: str) -> dict[str, Any]:
    return {"id": number, "code": code, "name": name, "isMobileVerified": True}


BANKS: dict[str, list[dict[str, Any]]] = {
    "NGN": [
        {"id": 1, "code": "044", "name": "Access Bank"},
        {"id": "2", "code": "058", "name": "Guaranty Trust Bank"},
        {"id": 3, "code": "305", "name": "OPay"},
    ],
    "GHS": [
        _operator(4, "MTN", "MTN"),
        _operator(5, "AIRTEL", "AirtelTigo"),
        {"id": 6, "code": "GH130100", "name": "Ecobank Ghana", "swiftCode": "ECOCGHAC"},
        {"id": 13, "code": "GH190100", "name": "Stanbic Bank Ghana", "swiftCode": "STBGGHAC"},
        {"id": 14, "code": "GH360100", "name": "OmniBSIC Bank", "swiftCode": "OMNI1HAC"},
        {"id": 15, "code": "GH999999", "name": "Village Rural Bank"},
        _operator(16, "AIRTEL_TIGO", "AirtelTigo Money"),
    ],
    "KES": [
        _operator(7, "MPESA", "M-Pesa"),
        _operator(8, "AIRTEL", "Airtel Kenya"),
        {"id": 9, "code": "01", "name": "Kenya Commercial Bank"},
        {"id": 17, "code": "03", "name": "Absa Kenya"},
    ],
    "UGX": [
        _operator(10, "MTN", "MTN Uganda"),
        _operator(11, "AIRTEL", "Airtel Uganda"),
        {"id": 18, "code": "UG04000", "name": "Stanbic Uganda", "swiftCode": "SBICUGKX"},
        {"id": 19, "code": "STAN", "name": "Standard Chartered Uganda"},
    ],
    "TZS": [
        _operator(20, "MPESA", "Vodacom M-Pesa"),
        _operator(21, "TIGO", "Tigo Pesa"),
        {"id": 22, "code": "21009678", "name": "NMB Bank"},
    ],
    "ZMW": [
        _operator(23, "MTN", "MTN Zambia"),
        _operator(24, "AIRTEL", "Airtel Zambia"),
        {"id": 25, "code": "ZNCOZMLU", "name": "Zanaco"},
    ],
    "ZAR": [
        {"id": 26, "code": "FNB", "name": "First National Bank", "swiftCode": "FIRNZAJJ"},
        {"id": 27, "code": "PAYSHAP_ID", "name": "PayShap"},
    ],
    "EGP": [_operator(28, "VODAFONE", "Vodafone Cash"), {"id": 29, "code": "CIB", "name": "CIB Egypt"}],
    "RWF": [
        _operator(30, "MTN", "MTN Rwanda"),
        _operator(31, "AIRTEL", "Airtel Rwanda"),
        {"id": 32, "code": "BKIGRWRWXXX", "name": "Bank of Kigali"},
    ],
    "XAF": [_operator(33, "MTN", "MTN Cameroon"), _operator(34, "ORANGE", "Orange Cameroon")],
    "XOF": [
        _operator(12, "ORANGE", "Orange Money"),
        _operator(35, "MTN", "MTN Money"),
        _operator(36, "WAVE", "Wave"),
    ],
}
ACCOUNTS = {  # (account, the code that it is asked about with): the holder
    ("0987654321", "305"): "Grace Okoro",
    ("2345678901", "058"): "Chinwe Eze",
    (FAILING_ACCOUNT, "058"): "Fails Always",
    ("233541234567", "AIRTEL"): "Ama Boateng",
    ("4005006007", "ECOCGHAC"): "Ecobank Ghana Test",
    ("254731234567", "AIRTEL"): "Mary Atieno",
    ("254722345678", "MPESA"): "James Kariuki",
    ("1000012345", "01"): "KCB Test Account",
    ("0713058274@nedbank", "PAYSHAP_ID"): "Khanya Fresh Produce",
}
# Accounts of the sandbox that fail: the name check where there is one, and a payout.
FAILING = {
    FAILING_ACCOUNT,
    "0123456789",
    "233201234567",
    "5006007008",
    "254712345678",
    "2000012345",
    "256772123456",
    "1002003014",
    "260971234567",
    "255671234567",
    "250781234567",
    "2250701234567",
    "237671234567",
}
RATES = {("USD", "NGN"): Decimal(1500), ("NGN", "USD"): Decimal("0.00066"), ("USD", "GHS"): Decimal(15)}
# Where money can go: payouts/payout-coverage.mdx; RWF by the sandbox's rows alone.
BANKED = {"NGN", "GHS", "KES", "UGX", "TZS", "ZMW", "ZAR", "EGP", "RWF", "USD", "GBP", "EUR"}
PHONED = {"GHS", "KES", "UGX", "TZS", "ZMW", "XAF", "XOF", "EGP", "RWF", "MWK", "MZN", "CDF"}

# fincra-disbursements.yaml, schema of POST /disbursements/payouts.
PAYOUT_NEEDED = {
    *("sourceCurrency", "destinationCurrency", "amount", "business", "customerReference", "paymentDestination"),
    "beneficiary",
}
PAYOUT_KEYS = PAYOUT_NEEDED | {
    *("description", "quoteReference", "paymentScheme", "sender", "customerName", "files", "action", "senderId"),
    *("purposeOfFund", "relationshipWithBeneficiary", "feeBearer", "transactionId", "otp", "additionalInfo"),
    *("correspondent", "intermediary"),
}
BENEFICIARY_KEYS = {
    *("type", "firstName", "lastName", "accountHolderName", "accountNumber", "email", "phone", "bankCode", "bankName"),
    *("sortCode", "bankSwiftCode", "country", "mobileMoneyCode", "mobileMoneyId", "address"),
}
METHODS = {  # checkout-core.yaml
    "NGN": {"card", "bank_transfer", "payattitude", "palmpay"},
    "GHS": {"mobile_money"},
    "KES": {"mobile_money"},
    "UGX": {"mobile_money"},
    "TZS": {"mobile_money"},
    "ZMW": {"mobile_money"},
    "XAF": {"mobile_money"},
    "XOF": {"mobile_money"},
    "ZAR": {"card", "eft", "bank_transfer"},
    "USD": {"card"},
    "GBP": {"eft"},
    "EUR": {"eft"},
}
