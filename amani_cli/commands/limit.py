"""`amani wallet limit`: a wallet's budget, the line above which a second person must agree, what agents may spend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from amani_cli import errors, options

if TYPE_CHECKING:
    from amani_cli.options import Options
    from amani_cli.rules.changes import Change
    from amani_cli.wallets.known import KnownWallet


def limit(
    ctx: typer.Context,
    name: str | None = typer.Argument(None, help="The wallet."),
    per_payment: str | None = typer.Option(None, "--per-payment", help="Most that one payment may be; off lifts it."),
    per_day: str | None = typer.Option(None, "--per-day", help="Most that 24 hours may be; off lifts it."),
    approve_above: str | None = typer.Option(
        None, "--approve-above", help="Above this a second person must approve; off lifts it.", metavar="A"
    ),
    approvals: int | None = typer.Option(None, "--approvals", help="How many must approve.", min=1, max=20),
    approvers: str | None = typer.Option(
        None,
        "--approvers",
        help="Who of the approvers: names, parted by commas; any: whoever there is.",
        metavar="LIST",
    ),
    request: bool = typer.Option(False, "--request", help="File the change, for an approver to sign."),
    agent: str | None = typer.Option(None, "--agent", help="The budget is this agent's (amani mcp).", metavar="NAME"),
    payees: str | None = typer.Option(
        None, "--payees", help="With --agent: whom alone it may pay, parted by commas.", metavar="LIST"
    ),
    off: bool = typer.Option(False, "--off", help="With --agent: it may spend nothing any more, at once."),
    pin_stdin: bool = options.PIN_STDIN,
    pin_file: str | None = options.PIN_FILE,
    reason: str | None = options.REASON,
) -> None:
    """Show a wallet's limits, or set its budget, the line for a second person's approval, or an agent's budget.

    A budget is over amount and fee, and what is in flight is reserved. Above --approve-above a payment is filed by
    --request and sent when enough others than who asked have approved ('amani request'). An agent spends nothing until
    it was given both --per-payment and --per-day.
    """
    from amani_cli.rules import budgets
    from amani_cli.wallets import finding, known

    said = options.of(ctx)
    ws = said.ws
    ws.said.reason = reason
    wallet = finding.named(ws, name, said.wallet)
    known.identify(wallet)
    drawing = approve_above is not None or approvals is not None or approvers is not None
    if agent is None and (payees or off):
        raise errors.Usage("--payees and --off go with --agent")
    if request and not drawing:
        raise errors.Usage("--request goes with --approve-above, --approvals and --approvers")
    if drawing and (agent or per_payment or per_day):
        raise errors.Usage("set the line for approvals by itself", hint="Then the budget, in a command of its own.")
    said.take_pin(pin_stdin, pin_file)
    if agent is not None:
        _limit_agent(said, wallet, agent, (per_payment, per_day), payees, off=off)
    elif drawing:
        change = _drawn(said, wallet, approve_above, approvals, approvers)
        if request:
            from amani_cli.commands.filed import filed
            from amani_cli.requests import filing

            filed(said, wallet, filing.of_change(change))
            return
        from amani_cli.rules import changes

        changes.make(ws, change)
    elif per_payment is not None or per_day is not None:
        fiat = wallet.provider == "fincra"
        unit, payment = _budget(per_payment, fiat=fiat)
        day_unit, day = _budget(per_day, fiat=fiat)
        if unit and day_unit and unit != day_unit:
            raise errors.Usage("give both limits in the same unit", code="BAD_AMOUNT")
        unit = (
            unit or day_unit or _lifted(wallet, budgets.units(ws, wallet), "--per-day" if per_day else "--per-payment")
        )
        budgets.set_budget(ws, wallet, unit=unit, per_payment=payment, per_day=day)
    from amani_cli.requests import standing

    said.emit(standing.limits(ws, wallet))


def _drawn(
    said: Options, wallet: KnownWallet, above: str | None, approvals: int | None, approvers: str | None
) -> Change:
    from amani_cli.rules import changes
    from amani_cli.store import approvers as store_approvers

    fiat = wallet.provider == "fincra"
    unit, amount = _budget(above, fiat=fiat)
    if amount == "off":
        units = [row.unit for row in store_approvers.lines(said.ws.store, wallet.identity)]
        unit = unit or _lifted(wallet, units, "--approve-above")
    names = None if approvers is None else [each.strip() for each in approvers.split(",") if each.strip()]
    if names is not None and [name.casefold() for name in names] == ["any"]:
        names = []
    elif names == []:
        raise errors.Usage("--approvers names nobody", hint="Names parted by commas, or any.")
    return changes.drawing(said.ws, wallet, unit=unit, above=amount, approvals=approvals, named=names)


def _lifted(wallet: KnownWallet, units: list[str], option: str) -> str:
    """The unit in which a limit is lifted, of those that it is in. Raises `errors.Usage` where they are several."""
    if len(units) > 1:
        raise errors.Usage(
            f"'{wallet.name}' has such a limit in {' and in '.join(units)}",
            code="BAD_AMOUNT",
            hint=f"Say which: {option} 'off {units[0]}'.",
        )
    return units[0] if units else "msat" if wallet.provider == "lnbits" else "NGN"


def _limit_agent(
    said: Options,
    wallet: KnownWallet,
    agent: str,
    amounts: tuple[str | None, str | None],
    payees: str | None,
    *,
    off: bool,
) -> None:
    from amani_cli.rules import agents

    name = agent.strip()
    if not name or len(name) > 60 or not name.isprintable():
        raise errors.Usage("an agent's name is one line of up to 60 characters", code="BAD_NAME")
    per_payment, per_day = amounts
    if off:
        if per_payment or per_day or payees:
            raise errors.Usage("--off goes alone with --agent")
        agents.take_back(said.ws, wallet, name)
        return
    if per_payment is None and per_day is None and payees is None:
        return
    if per_payment is None or per_day is None:
        raise errors.Usage(
            "an agent is given both --per-payment and --per-day",
            hint=f"E.g. amani wallet limit '{wallet.name}' --agent '{name}' --per-payment 1000sat --per-day 5000sat",
        )
    fiat = wallet.provider == "fincra"
    unit, payment = _budget(per_payment, fiat=fiat)
    day_unit, day = _budget(per_day, fiat=fiat)
    if unit is None or unit != day_unit or "off" in (payment, day) or payment is None or day is None:
        raise errors.Usage(
            "give both limits as amounts in the same unit", code="BAD_AMOUNT", hint="--off takes it back."
        )
    whom = None if payees is None else [_payee(said, each, unit) for each in payees.split(",") if each.strip()]
    agents.set_limit(said.ws, wallet, name, unit=unit, per_payment=payment, per_day=day, payees=whom)


def _payee(said: Options, text: str, unit: str) -> dict[str, str]:
    """Whom an agent may pay, in the one text of who that is; a contact is who it is now."""
    from amani_cli.destinations import reading
    from amani_cli.encodings import bolt11
    from amani_cli.payees import canonical

    name = text.strip()
    if len(name) == 66 and name[:2] in ("02", "03") and all(each in "0123456789abcdef" for each in name.lower()):
        return {"shown": name.lower(), "payee": name.lower()}
    to = reading.read(said.ws, name)
    if to.kind == "bolt11":
        node = bolt11.decode_invoice(to.text).payee or ""
        raise errors.Usage("an invoice is paid once: name the node that it is of", hint=f"Here it is {node}.")
    return {"shown": to.contact or to.shown, "payee": canonical.of(said.ws, to.shown, None if unit == "msat" else unit)}


def _budget(text: str | None, *, fiat: bool) -> tuple[str | None, str | None]:
    """Read a budget as its unit and its amount: 'off' (or 'off NGN'), None, or an amount in msat or a currency."""
    from amani_cli.amounts import Fiat, code_last, parse_amount

    if text is None:
        return None, None
    word, _, currency = text.strip().partition(" ")
    if word == "off":
        return currency.strip().upper() or None, word
    amount = parse_amount(code_last(text.strip()) if fiat else text)
    if isinstance(amount, Fiat):
        return amount.currency, format(amount.value, "f")
    if isinstance(amount, str):
        raise errors.Usage("a limit is an amount, or off", code="BAD_AMOUNT")
    return "msat", str(amount)
