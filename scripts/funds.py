"""The verbs of a fund's owner: register it, and say who acts for it."""

from __future__ import annotations

from typing import Annotated

import typer

from .acting import OnFund, grouped
from .chain import check_signer
from .options import parse_address, the_one
from .terminal import console


@grouped
def register(
    on: OnFund,
    owner: Annotated[str | None, typer.Option(help="Who acts for the fund; default: the fund's own address.")] = None,
) -> None:
    """Register a fund; the keystore holds the fund's own key.

    Example: proofolio register --fund fund.json --network sepolia --keystore fund.keystore
    """
    fund = on.parties.fund
    acting = parse_address(owner, "--owner") if owner is not None else fund
    registry = on.registry
    check_signer(on.who, on.keystore, fund, "the fund")
    current = registry.fund_owner(fund)
    if current is not None:
        console.print(f"fund {fund} is registered, owner {current}")
        return
    on.send(registry.register_fund(acting), "Registering the fund")


@grouped
def operator(
    on: OnFund,
    allow: Annotated[str | None, typer.Option("--allow", help="Address that may act for the fund from now on.")] = None,
    withdraw: Annotated[str | None, typer.Option("--withdraw", help="Address that may no longer.")] = None,
) -> None:
    """Let an address fix source sets, publish books, suspend and revoke for the fund, or no longer; as its owner.

    A key that runs unattended is an operator's, so that the owner's own stays in a drawer. An operator can use up
    epochs for good, and cannot transfer the fund or name operators.

    Example: proofolio operator --allow 0x00000000000000000000000000000000000000a1 --fund fund.json --network sepolia
    --keystore owner.keystore
    """
    allowed = the_one(allow=allow, withdraw=withdraw) == "allow"
    account = parse_address(str(allow or withdraw), "--allow" if allowed else "--withdraw")
    fund, registry = on.parties.fund, on.registry
    owner = registry.fund_owner(fund)
    if owner is not None and int(owner, 16) == int(account, 16):
        console.print(f"{account} is the fund's owner, who acts for it anyway; see proofolio transfer")
        return
    if registry.acts_for(fund, account) == allowed:
        console.print(f"{account} {'is an operator already' if allowed else 'is no operator'}")
        return
    call = registry.set_operator(fund, account, allowed)
    on.send(call, "Allowing the operator" if allowed else "Withdrawing the operator")


__all__ = ["operator", "register"]
