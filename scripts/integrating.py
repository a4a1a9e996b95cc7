"""`proofolio integrate`: create the contracts that put attestations to use (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.crypto import keccak

from attest.chain import Call, Chain, Reverted, integrations
from attest.chain.deployment import Creation, create, missing
from attest.chain.integrations import RATIO_DECIMALS, Governance, Integrations
from attest.errors import EncodingError
from optimizer.policy import Policy

from .acting import OnChain, OnFund, OnPolicy, grouped
from .options import parse_address
from .terminal import console, step

app = typer.Typer(
    help="Create contracts that put attestations to use, at addresses that follow from their bytes.",
    no_args_is_help=True,
)
RecordOption = Annotated[Path, typer.Option("--out", help="File that records what was created; it is added to.")]
RECORD = Path("integrations.json")
UINT32, UINT48, UINT208 = 2**32 - 1, 2**48 - 1, 2**208 - 1
"""What the governor stores a period and a delay in, and its token a number of votes."""


@app.command()
@grouped
def feed(
    on: OnPolicy,
    ratio: Annotated[
        str, typer.Option(help="Assets after haircuts over debts that the policy promises at least: 1.25.")
    ],
    successor: Annotated[
        list[str] | None,
        typer.Option(help="FILE=RATIO of a policy that may replace this one, registered before; any number of times."),
    ] = None,
    description: Annotated[str | None, typer.Option(help="For readers; default: the policy's name.")] = None,
    out: RecordOption = RECORD,
) -> None:
    """A feed in Chainlink's form: the ratio that the policy promises while the fund is compliant, else 0.

    The ratio is yours to state, and readers compare it with the policy's solvency limit. A successor without one
    answers 0 until there is a new feed.

    Example: proofolio integrate feed --ratio 1.25 --policy p.json --fund fund.json --network sepolia
    --keystore deployer.keystore
    """
    stated = _ratio(ratio, "--ratio")
    others = [_file_and_ratio(text) for text in successor or ()]
    described = description or f"Collateral ratio under {Policy.load(on.policy).name}"
    ratios = {on.policy_id: stated} | {on.successor_id(path): number for path, number in others}
    _create(on, [integrations.feed(on.registry.address, on.parties.fund, on.policy_id, ratios, described)], out)


@app.command()
@grouped
def vault(
    on: OnPolicy,
    asset: Annotated[str, typer.Option(help="Address of the ERC-20 token that is deposited.")],
    name: Annotated[str, typer.Option(help="Name of the shares.")],
    symbol: Annotated[str, typer.Option(help="Symbol of the shares.")],
    out: RecordOption = RECORD,
) -> None:
    """An ERC-4626 vault that takes deposits only while the fund keeps the policy, and always pays out.

    Example: proofolio integrate vault --asset 0x00000000000000000000000000000000000000c1 --name "Gated dollars"
    --symbol gUSD --policy p.json --fund fund.json --network sepolia --keystore deployer.keystore
    """
    token = parse_address(asset, "--asset")
    name_of_policy, registry = on.policy_id, on.registry
    _answers(on.chain, token, "--asset", "totalSupply()")
    _create(on, [integrations.vault(registry.address, on.parties.fund, name_of_policy, token, name, symbol)], out)


@app.command()
@grouped
def resolver(
    on: OnFund,
    eas: Annotated[str, typer.Option(help="Address of the Ethereum Attestation Service on this chain.")],
    out: RecordOption = RECORD,
) -> None:
    """A resolver that lets the Ethereum Attestation Service attest what the registry says now, of any fund in it.

    Example: proofolio integrate resolver --eas 0xC2679fBD37d54388Ce493F1DB75320D236e1815e --fund fund.json
    --network sepolia --keystore deployer.keystore
    """
    service = parse_address(eas, "--eas")
    _create(on, [integrations.resolver(on.registry.address, service)], out)


@app.command()
@grouped
def disclosures(on: OnFund, out: RecordOption = RECORD) -> None:
    """A contract that checks single disclosed slots of attested epochs, of any fund in the registry.

    Example: proofolio integrate disclosures --fund fund.json --network sepolia --keystore deployer.keystore
    """
    _create(on, [integrations.disclosures(on.registry.address)], out)


@app.command()
@grouped
def governor(
    on: OnChain,
    token: Annotated[str, typer.Option(help="Address of the token that votes (ERC-20 with votes).")],
    voting_delay: Annotated[
        int,
        typer.Option(
            min=0, max=UINT48, help="From a proposal to the vote, in units of the token's clock: blocks or s."
        ),
    ],
    voting_period: Annotated[int, typer.Option(min=1, max=UINT32, help="Length of the vote, in the same units.")],
    proposal_threshold: Annotated[
        int, typer.Option(min=0, max=UINT208, help="Votes that a proposer needs, in the token's smallest unit.")
    ] = 0,
    quorum_percent: Annotated[
        int, typer.Option(min=1, max=100, help="Share of the supply that must vote for or abstain.")
    ] = 4,
    timelock_delay: Annotated[
        int, typer.Option(min=0, max=UINT48, help="From the end of the vote to its execution, in seconds.")
    ] = 172_800,
    out: RecordOption = RECORD,
) -> None:
    """A governor, and the timelock that owns policies for it: then limits change only by a vote of token holders.

    Five transactions. In between the signer is the timelock's admin, and gives that up with the last one: hand policies
    over (proofolio transfer policy --to TIMELOCK; a proposal accepts) only when the command has ended. Run again by the
    same signer with the same settings, it goes on where it stopped.

    Example: proofolio integrate governor --token 0x00000000000000000000000000000000000000c1 --voting-delay 7200
    --voting-period 50400 --network sepolia --keystore deployer.keystore
    """
    votes = parse_address(token, "--token")
    _answers(on.chain, votes, "--token", "getVotes(address)")
    settings = voting_delay, voting_period, proposal_threshold, quorum_percent, timelock_delay
    planned = Governance.of(on.who.address, votes, *settings)
    _create(on, [planned.timelock, planned.governor], out)
    if missing(on.chain, [planned.timelock, planned.governor]):
        console.print("what the timelock's admin then sends can be estimated when both stand")
        return
    for title, call in planned.handover(on.chain):
        on.send(call, title)
        if on.dry_run:
            return  # the next one rests on it
    console.print(
        f"the timelock {planned.timelock.address} is the governor's alone; it owns the policies", soft_wrap=True
    )


def _create(on: OnChain, creations: Sequence[Creation], out: Path) -> None:
    """Create what does not stand, compare what stands with what the package carries, and record it."""
    chain = on.chain
    record = Integrations(network=on.network, chain_id=chain.network.chain_id)
    if out.exists():
        record = Integrations.load(out)
    if record.chain_id != chain.network.chain_id:
        raise EncodingError(f"{out} is of chain {record.chain_id}; name another file with --out")
    lacking = missing(chain, creations)
    for creation in creations:
        standing = "" if creation in lacking else " stands"
        console.print(f"{creation.name} {creation.address}{standing}", soft_wrap=True)
    for creation in lacking:
        who = on.who  # a keystore asks for its password
        if on.dry_run:
            chain.call(Call(None, creation.code), who.address)  # the factory swallows the constructor's reason
            on.send(creation.call, f"Creating {creation.name}")
        else:
            with step(f"Creating {creation.name}"):
                create(chain, who, [creation])
    if on.dry_run:
        return
    with_these = record.including(chain, creations)
    if with_these != record:
        with_these.save(out)
        console.print(f"{out} written")


def _ratio(text: str, option: str) -> int:
    """A ratio in the feed's units. Raises: EncodingError."""
    try:
        units = Decimal(text).scaleb(RATIO_DECIMALS)
    except ArithmeticError:  # no number, or beyond all bounds
        units = Decimal("NaN")
    if not units.is_finite() or not 0 < units < 2**63 or units != int(units):
        raise EncodingError(
            f"{option} {text}: a ratio is a positive number of up to {RATIO_DECIMALS} decimals, as 1.25"
        )
    return int(units)


def _file_and_ratio(text: str) -> tuple[Path, int]:
    path, found, ratio = text.rpartition("=")
    if not found or not path:
        raise EncodingError(f"--successor {text}: FILE=RATIO is wanted, as next.json=1.25")
    return Path(path), _ratio(ratio, f"--successor {path}")


def _answers(chain: Chain, address: str, option: str, function: str) -> None:
    """Raises: EncodingError: no contract that answers a word to this stands there."""
    try:
        answer = chain.call(Call(address, keccak(text=function)[:4] + bytes(32)))
    except Reverted:
        answer = b""
    if len(answer) != 32:
        raise EncodingError(f"{option} {address}: no contract with {function} stands there")


__all__ = ["app"]
