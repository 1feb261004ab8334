"""JSON Schemas of every document, built by pydantic from the very named tuples that are printed."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from amani_cli import errors
from amani_cli.models.addresses import Address, Addresses
from amani_cli.models.batches import Batch, BatchPlan, BatchRow
from amani_cli.models.books import Audit, AuditVerdict, Chart, Closing, Exported, History, Synced
from amani_cli.models.cheques import Cheque, Cheques, Faucet
from amani_cli.models.invoices import Decoded, Invoice, Invoices
from amani_cli.models.ledgers import Claims, StoreCopy, StoreView
from amani_cli.models.money import Balance, Balances
from amani_cli.models.operations import (
    Backup,
    CompletionScript,
    Diagnosis,
    Event,
    Explanation,
    Explanations,
    MetricsWritten,
    Reconciliation,
    Restored,
    SandboxView,
    Settings,
    Trace,
)
from amani_cli.models.payments import Banks, Contact, Contacts, Nothing, Payee, Payment, PayoutPlan, Plan
from amani_cli.models.requests import AgentPlan, ApprovalFile, Approver, Approvers, Request, RequestFile, Requests
from amani_cli.models.rules import Limits, Pin
from amani_cli.models.status import Status
from amani_cli.models.wallets import Login, Removed, Wallet, Wallets

# Each command and the document it prints.
DOCUMENTS: dict[str, type] = {
    "wallet add": Wallet,
    "wallet create": Wallet,
    "wallet show": Wallet,
    "wallet use": Wallet,
    "wallet rename": Wallet,
    "wallet rotate-keys": Wallet,
    "wallet list": Wallets,
    "wallet balance": Balance,
    "wallet balance --all": Balances,
    "wallet remove": Removed,
    "invoice create": Invoice,
    "invoice show": Invoice,
    "invoice check": Invoice,
    "invoice wait": Invoice,
    "invoice list": Invoices,
    "invoice decode": Decoded,
    "invoice decode ADDRESS": Payee,
    "invoice claim": Invoice,
    "pay": Payment,
    "pay --dry-run": Plan,
    "pay bank: --dry-run": PayoutPlan,
    "contact banks": Banks,
    "wallet convert": Payment,
    "wallet convert --dry-run": PayoutPlan,
    "pay DEST max": Nothing,
    "batch plan": BatchPlan,
    "batch run": Batch,
    "batch run (each row)": BatchRow,
    "batch status": Batch,
    "batch results": Batch,
    "contact add": Contact,
    "contact show": Contact,
    "contact remove": Contact,
    "contact list": Contacts,
    "cheque create": Cheque,
    "cheque create --count": Cheques,
    "cheque claim": Payment,
    "cheque show": Cheque,
    "cheque void": Cheque,
    "cheque reissue": Cheque,
    "cheque list": Cheques,
    "cheque sweep": Cheques,
    "transfer": Payment,
    "faucet configure": Faucet,
    "faucet status": Faucet,
    "faucet claim": Payment,
    "wallet limit": Limits,
    "pay --request": Request,
    "request list": Requests,
    "request show": Request,
    "request cancel": Request,
    "request approve": Request,
    "request approve FILE": ApprovalFile,
    "request refuse": Request,
    "request refuse FILE": ApprovalFile,
    "request export": RequestFile,
    "request run": Payment,
    "request run (a change)": Request,
    "mcp plan": AgentPlan,
    "approver init": Approver,
    "approver show": Approver,
    "approver add": Approver,
    "approver remove": Approver,
    "approver list": Approvers,
    "pin set": Pin,
    "pin change": Pin,
    "pin remove": Pin,
    "pin verify": Pin,
    "pin status": Pin,
    "pin reset": Pin,
    "status": Status,
    "history list": History,
    "history show": Payment,
    "history export": Exported,
    "backup create": Backup,
    "backup verify": Backup,
    "backup restore": Restored,
    "trace": Trace,
    "watch": Event,
    "wallet watch": Event,
    "webhook listen": Event,
    "serve": Event,
    "address add": Address,
    "address show": Address,
    "address remove": Address,
    "address list": Addresses,
    "close": Closing,
    "metrics": MetricsWritten,
    "history chart": Chart,
    "history sync": Synced,
    "reconcile": Reconciliation,
    "store show": StoreView,
    "store upgrade": StoreView,
    "store copy": StoreCopy,
    "store copy --undo": StoreView,
    "store claims": Claims,
    "store release": Claims,
    "audit list": Audit,
    "audit verify": AuditVerdict,
    "login": Login,
    "logout": Login,
    "doctor": Diagnosis,
    "config show": Settings,
    "config set": Settings,
    "config path": Settings,
    "config explain": Settings,
    "explain": Explanation,
    "explain (bare)": Explanations,
    "completion show": CompletionScript,
    "completion install": CompletionScript,
    "sandbox start": SandboxView,
    "sandbox stop": SandboxView,
    "sandbox status": SandboxView,
    "sandbox reset": SandboxView,
    "sandbox fund": Balance,
}

ERROR: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "amani.error/1",
    "type": "object",
    "required": ["schema", "ok", "error", "warnings"],
    "properties": {
        "schema": {"const": "amani.error/1"},
        "ok": {"const": False},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "error": {
            "type": "object",
            "required": ["code", "exit", "message", "hint", "money_moved", "retry"],
            "properties": {
                "code": {"type": "string"},
                "exit": {"type": "integer"},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "money_moved": {"enum": ["no", "yes", "maybe"]},
                "retry": {"enum": ["safe", "after_reconcile", "never"]},
                "id": {"type": "string"},
                # What was sent and not told of when the command was stopped.
                "ids": {"type": "array", "items": {"type": "string"}},
                # When a limit, budget or cool-down lets it through.
                "opens_at": {"type": "string"},
                "wait_s": {"type": "integer"},
                # How many approvals it needs, and has.
                "needed": {"type": "integer"},
                "approved": {"type": "integer"},
                # The log of a sandbox that would not start.
                "log": {"type": "string"},
                # What is wrong with a batch's table, cell by cell.
                "rows": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["row", "column", "message"],
                        "properties": {
                            "row": {"type": "integer"},
                            "column": {"type": "string"},
                            "message": {"type": "string"},
                        },
                    },
                },
            },
        },
    },
}


def schemas(asked: str = "") -> dict[str, Any]:
    """The schema of one document, by command or by name; with nothing asked, all of them by name.

    Raises `errors.NotFound` for a command that prints no document.
    """
    by_name = {model.SCHEMA: model for model in DOCUMENTS.values()}  # type: ignore[attr-defined]
    if not asked:
        return {**{name: _schema(model) for name, model in sorted(by_name.items())}, "amani.error/1": ERROR}
    if asked in ("error", "amani.error/1"):
        return ERROR
    model = DOCUMENTS.get(asked) or by_name.get(asked)
    if model is None:
        raise errors.NotFound(
            f"no document for '{asked[:60]}'", hint=f"There are: {', '.join(sorted(DOCUMENTS))}, error."
        )
    return _schema(model)


def _schema(model: Any) -> dict[str, Any]:
    data = _described(model, {}).model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = data.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": model.SCHEMA,
        "type": "object",
        "required": ["schema", "ok", "data", "warnings"],
        "properties": {
            "schema": {"const": model.SCHEMA},
            "ok": {"const": True},
            "data": data,
            "warnings": {"type": "array", "items": {"type": "string"}},
        },
        "$defs": definitions,
    }


def _described(model: Any, made: dict[Any, Any]) -> Any:
    """The pydantic model of a named tuple, and of those inside it: what is printed is an object, not an array.

    Every field is required, if only as null, but for those that are left out when there is nothing to say.
    """
    from pydantic import Field, create_model

    if model not in made:
        omitted: frozenset[str] = getattr(model, "LEAVE_OUT", frozenset())
        fields: dict[str, Any] = {}
        for name, hint in get_type_hints(model).items():
            said = None if name in omitted else ...
            if name == "schema":  # the name of a method of pydantic's
                fields["schema_"] = (_inside(hint, made), Field(said, alias=name))
                continue
            fields[name] = (_inside(hint, made), said)
        made[model] = create_model(model.__name__, __doc__=model.__doc__, **fields)
    return made[model]


def _inside(hint: Any, made: dict[Any, Any]) -> Any:
    """A type with each named tuple in it replaced by its pydantic model."""
    if isinstance(hint, type) and hasattr(hint, "_fields"):
        return _described(hint, made)
    if get_origin(hint) is list:
        return list[_inside(get_args(hint)[0], made)]  # type: ignore[misc]
    if get_origin(hint) is UnionType:
        return Union[tuple(_inside(each, made) for each in get_args(hint))]  # noqa: UP007 (made of a tuple)
    return hint
