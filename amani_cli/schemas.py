"""JSON Schemas of every document, built by pydantic from the very named tuples that are printed."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from amani_cli import errors, models

# Each command and the document it prints.
DOCUMENTS: dict[str, type] = {
    "wallet add": models.Wallet,
    "wallet create": models.Wallet,
    "wallet show": models.Wallet,
    "wallet use": models.Wallet,
    "wallet rename": models.Wallet,
    "wallet rotate-keys": models.Wallet,
    "wallet list": models.Wallets,
    "wallet balance": models.Balance,
    "wallet balance --all": models.Balances,
    "wallet remove": models.Removed,
    "invoice create": models.Invoice,
    "invoice show": models.Invoice,
    "invoice check": models.Invoice,
    "invoice wait": models.Invoice,
    "invoice list": models.Invoices,
    "invoice decode": models.Decoded,
    "invoice decode ADDRESS": models.Payee,
    "invoice claim": models.Invoice,
    "pay": models.Payment,
    "pay --dry-run": models.Plan,
    "pay bank: --dry-run": models.PayoutPlan,
    "contact banks": models.Banks,
    "wallet convert": models.Payment,
    "wallet convert --dry-run": models.PayoutPlan,
    "pay DEST max": models.Nothing,
    "batch plan": models.BatchPlan,
    "batch run": models.Batch,
    "batch run (each row)": models.BatchRow,
    "batch status": models.Batch,
    "batch results": models.Batch,
    "contact add": models.Contact,
    "contact show": models.Contact,
    "contact remove": models.Contact,
    "contact list": models.Contacts,
    "cheque create": models.Cheque,
    "cheque create --count": models.Cheques,
    "cheque claim": models.Payment,
    "cheque show": models.Cheque,
    "cheque void": models.Cheque,
    "cheque reissue": models.Cheque,
    "cheque list": models.Cheques,
    "cheque sweep": models.Cheques,
    "transfer": models.Payment,
    "faucet configure": models.Faucet,
    "faucet status": models.Faucet,
    "faucet claim": models.Payment,
    "wallet limit": models.Limits,
    "pin set": models.Pin,
    "pin change": models.Pin,
    "pin remove": models.Pin,
    "pin verify": models.Pin,
    "pin status": models.Pin,
    "pin reset": models.Pin,
    "history list": models.History,
    "history show": models.Payment,
    "history export": models.Exported,
    "backup create": models.Backup,
    "backup verify": models.Backup,
    "backup restore": models.Restored,
    "trace": models.Trace,
    "watch": models.Event,
    "wallet watch": models.Event,
    "webhook listen": models.Event,
    "close": models.Closing,
    "metrics": models.MetricsWritten,
    "history chart": models.Chart,
    "history sync": models.Synced,
    "reconcile": models.Reconciliation,
    "audit list": models.Audit,
    "audit verify": models.AuditVerdict,
    "login": models.Login,
    "logout": models.Login,
    "doctor": models.Diagnosis,
    "config show": models.Settings,
    "config set": models.Settings,
    "config path": models.Settings,
    "config explain": models.Settings,
    "explain": models.Explanation,
    "explain (bare)": models.Explanations,
    "completion show": models.CompletionScript,
    "completion install": models.CompletionScript,
    "sandbox start": models.SandboxView,
    "sandbox stop": models.SandboxView,
    "sandbox status": models.SandboxView,
    "sandbox reset": models.SandboxView,
    "sandbox fund": models.Balance,
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
    from pydantic import create_model

    if model not in made:
        omitted: frozenset[str] = getattr(model, "LEAVE_OUT", frozenset())
        fields: dict[str, Any] = {}
        for name, hint in get_type_hints(model).items():
            fields[name] = (_inside(hint, made), None if name in omitted else ...)
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
