"""`proofolio integrate`: deploy what puts an attestation to use (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import FundFile
from attest.chain import Chain, Signer
from attest.chain.deployment import Creation, create, missing
from attest.chain.integrations import Gate, Governance, disclosures, feed, resolver, vault
from attest.errors import EncodingError

from .chain import DryRunOption, NetworkOption, NetworksOption, ProgramsOption, connect, refusals, registry_of
from .governing import policy_on_chain
from .options import FundOption, KeystoreOption, PolicyOption, SignerOption, parse_address
from .signers import load_signer
from .terminal import console, step

RATIO_DECIMALS = 8

app = typer.Typer(
    help="Deploy what puts an attestation to use, at addresses that follow from code and arguments.",
    no_args_is_help=True,
)
TokenOption = Annotated[str, typer.Option("--token", help="Address of the token with votes (ERC-5805).")]


@app.command("feed")
def feed_(
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    ratio: Annotated[str, typer.Option("--ratio", help="Collateral ratio that the policy promises, such as 1.05.")],
    description: Annotated[str, typer.Option("--description", help="What the feed calls itself.")],
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """A Chainlink-compatible feed of the certified collateral ratio, a lower bound; 0 while the fund is not compliant.

    Example: proofolio integrate feed --policy p.json --fund fund.json --ratio 1.05 --description "Fund / collateral"
    --network sepolia --keystore deployer.keystore
    """
    chain, gate = _gate(policy, fund, network, networks, programs)
    _deploy(chain, [feed(gate, _ratio(ratio), description)], keystore, signer, dry_run)


@app.command("vault")
def vault_(
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    asset: Annotated[str, typer.Option("--asset", help="Address of the token that is deposited (ERC-20).")],
    name: Annotated[str, typer.Option("--name", help="Of the shares.")],
    symbol: Annotated[str, typer.Option("--symbol", help="Of the shares.")],
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """An ERC-4626 vault whose deposits stop, and redemptions never, while the fund is not compliant.

    Example: proofolio integrate vault --policy p.json --fund fund.json --asset 0xab... --name Shares --symbol SH
    --network sepolia --keystore deployer.keystore
    """
    chain, gate = _gate(policy, fund, network, networks, programs)
    _deploy(chain, [vault(gate, parse_address(asset, "--asset"), name, symbol)], keystore, signer, dry_run)


@app.command("resolver")
def resolver_(
    fund: FundOption,
    network: NetworkOption,
    eas: Annotated[str, typer.Option("--eas", help="Address of the Ethereum Attestation Service.")],
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """A schema resolver that lets the Ethereum Attestation Service attest what the registry says, and nothing else.

    Example: proofolio integrate resolver --fund fund.json --eas 0xab... --network sepolia --keystore deployer.keystore
    """
    parties = FundFile.load(fund)
    registry = registry_of(connect(network, networks), parties)
    _deploy(registry.chain, [resolver(parse_address(eas, "--eas"), registry.address)], keystore, signer, dry_run)


@app.command("disclosures")
def disclosures_(
    fund: FundOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """A contract that checks what a fund discloses of a single slot.

    Example: proofolio integrate disclosures --fund fund.json --network sepolia --keystore deployer.keystore
    """
    registry = registry_of(connect(network, networks), FundFile.load(fund))
    _deploy(registry.chain, [disclosures(registry.address)], keystore, signer, dry_run)


@app.command()
def governor(
    network: NetworkOption,
    token: TokenOption,
    delay_hours: Annotated[float, typer.Option(min=0, help="Of the timelock.")] = 48.0,
    voting_delay: Annotated[int, typer.Option(min=0, help="To the first vote, in the token's clock.")] = 7_200,
    voting_period: Annotated[int, typer.Option(min=1, help="In the token's clock.")] = 50_400,
    threshold: Annotated[int, typer.Option(min=0, help="Votes that a proposer needs.")] = 0,
    quorum: Annotated[int, typer.Option(min=1, max=100, help="Percent of the supply.")] = 4,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Token holders who own policies: an OpenZeppelin Governor and its timelock, which then nobody administers.

    Give the timelock's address as `policy_owner` in the fund file, or hand a policy over to it.

    Example: proofolio integrate governor --token 0xab... --network sepolia --keystore deployer.keystore
    """
    chain, who = connect(network, networks), load_signer(keystore, signer)
    numbers = int(delay_hours * 3600), voting_delay, voting_period, threshold, quorum
    government = Governance(parse_address(token, "--token"), *numbers, deployer=who.address)
    wanted = [government.timelock, government.governor]
    if _announce(chain, wanted, dry_run):
        with refusals(), step("Deploying, and giving up the administration"):
            government.establish(chain, who)
        _show(wanted)


def _gate(policy: Path, fund: Path, network: str, networks: Path | None, programs: int | None) -> tuple[Chain, Gate]:
    registry, name = policy_on_chain(policy, fund, network, networks, programs)
    return registry.chain, Gate(registry.address, FundFile.load(fund).fund, name)


def _deploy(
    chain: Chain, wanted: Sequence[Creation], keystore: Path | None, account: str | None, dry_run: bool
) -> None:
    if not _announce(chain, wanted, dry_run):
        return
    if missing(chain, wanted):
        who: Signer = load_signer(keystore, account)
        with refusals(), step("Deploying"):
            create(chain, who, wanted)
    _show(wanted)


def _announce(chain: Chain, wanted: Sequence[Creation], dry_run: bool) -> bool:
    """Whether to go on."""
    if dry_run:
        lacking = missing(chain, wanted)
        bound = sum(each.gas_bound for each in lacking)
        console.print(f"up to {bound:,} gas in {len(lacking)} creations; nothing was sent")
        _show(wanted)
    return not dry_run


def _show(wanted: Sequence[Creation]) -> None:
    for each in wanted:
        console.print(f"{each.name} {each.address}", soft_wrap=True)


def _ratio(text: str) -> int:
    try:
        scaled = Decimal(text).scaleb(RATIO_DECIMALS)
    except InvalidOperation:
        raise EncodingError(f"--ratio {text}: a decimal number such as 1.05") from None
    if not scaled.is_finite() or scaled <= 0 or scaled != scaled.to_integral_value():
        raise EncodingError(f"--ratio {text}: a positive number of at most {RATIO_DECIMALS} digits behind the point")
    return int(scaled)


__all__ = ["app"]
