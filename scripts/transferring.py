"""`proofolio transfer`: hand a policy or a fund over in two steps, so that nothing is lost to a key that cannot act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from attest.chain import Call

from .acting import OnChain, OnFund, OnPolicy, grouped
from .options import parse_address, the_one
from .terminal import console

app = typer.Typer(
    help="Hand a policy or a fund over: its owner offers it with --to, the next one takes it with --accept.",
    no_args_is_help=True,
)
ToOption = Annotated[str | None, typer.Option("--to", help="Offer it to this address; as the owner.")]
AcceptOption = Annotated[bool, typer.Option("--accept", help="Take it over, as whom it is offered to.")]
CancelOption = Annotated[bool, typer.Option("--cancel", help="Withdraw the offer; as the owner.")]
NOBODY = "0x" + "00" * 20


@app.command()
@grouped
def policy(on: OnPolicy, to: ToOption = None, accept: AcceptOption = False, cancel: CancelOption = False) -> None:
    """Offer a policy to a new owner, accept it, or withdraw the offer.

    What was approved under it stays, and so does its id: fund files keep naming who registered it. The new owner
    registers successors under an address of its own, and must not act for a fund that the policy judges.

    Example: proofolio transfer policy --to 0x00000000000000000000000000000000000000b1 --policy p.json --fund fund.json
    --network sepolia --keystore owner.keystore
    """
    new_owner = _new_owner(to, accept, cancel)
    policies, name = on.registry.policies, on.policy_id
    _transfer(on, "policy", new_owner, lambda address: policies.offer(name, address), lambda: policies.accept(name))


@app.command()
@grouped
def fund(on: OnFund, to: ToOption = None, accept: AcceptOption = False, cancel: CancelOption = False) -> None:
    """Offer a fund to a new owner, accept it, or withdraw the offer.

    The fund keeps its address and its history. Operators of the former owner no longer act for it, so name new ones.

    Example: proofolio transfer fund --to 0x00000000000000000000000000000000000000b1 --fund fund.json --network sepolia
    --keystore owner.keystore
    """
    new_owner = _new_owner(to, accept, cancel)
    registry, name = on.registry, on.parties.fund
    offer, take = (lambda address: registry.offer_fund(name, address)), (lambda: registry.accept_fund(name))
    _transfer(on, "fund", new_owner, offer, take)


def _new_owner(to: str | None, accept: bool, cancel: bool) -> str | None:
    """Whom it is offered to, nobody where the offer is withdrawn; None where it is accepted. Raises: EncodingError."""
    the_one(to=to, accept=accept, cancel=cancel)
    if accept:
        return None
    return parse_address(to, "--to") if to is not None else NOBODY


def _transfer(
    on: OnChain, what: str, new_owner: str | None, offer: Callable[[str], Call], accept: Callable[[], Call]
) -> None:
    if new_owner is None:
        on.send(accept(), f"Taking over the {what}")
    elif new_owner == NOBODY:
        on.send(offer(NOBODY), "Withdrawing the offer")
    else:
        on.send(offer(new_owner), f"Offering the {what}")
        if not on.dry_run:
            console.print(f"{new_owner} takes it with: proofolio transfer {what} --accept", soft_wrap=True)


__all__ = ["app"]
