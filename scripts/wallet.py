"""`proofolio wallet`: what the fund's own addresses hold, read by the chain instead of reported by a custodian."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import to_checksum_address

from attest.bundle import UINT64, FundFile
from attest.chain import Registry, address_of
from attest.errors import EncodingError, ProofRejected
from attest.program import Layout, Owner, decimal_string
from attest.wallet import AccountOwnership, OwnershipFile, WalletFile
from optimizer import Market
from optimizer.policy import Policy
from optimizer.policy.holdings import exact_product

from .chain import (
    DryRunOption,
    NetworkOption,
    NetworksOption,
    ProgramsOption,
    connect,
    recorded_wallet,
    registered,
    registry_of,
    send,
)
from .keys import load_key
from .options import FundOption, KeystoreOption, MarketOption, OutOption, PolicyOption, SignerOption, parse_address
from .pipeline import layout_of
from .signers import load_signer
from .terminal import console, table

app = typer.Typer(
    help="The fund's own addresses: they sign, the registry's chain reads what they hold, and it counts as public.",
    no_args_is_help=True,
)
EpochOption = Annotated[int, typer.Option("--epoch", min=1, max=UINT64, help="Number of the epoch.")]


@app.command()
def sign(
    fund: FundOption,
    epoch: EpochOption,
    out: OutOption,
    network: Annotated[
        str | None, typer.Option("--network", help="Where the registry is asked for its reader of addresses.")
    ] = None,
    reader: Annotated[
        str | None, typer.Option("--reader", help="That reader's address, for keys that never go online.")
    ] = None,
    keystore: Annotated[
        Path | None, typer.Option(envvar="PROOFOLIO_KEYSTORE", help="Encrypted key of the address.")
    ] = None,
    contract: Annotated[
        str | None, typer.Option("--contract", help="The address, where it is a contract such as a Safe (EIP-1271).")
    ] = None,
    signature: Annotated[
        str | None, typer.Option("--signature", help="What that contract accepts; without it, prints what to sign.")
    ] = None,
    networks: NetworksOption = None,
) -> None:
    """An address says that it is the fund's in this epoch.

    Example: proofolio wallet sign --fund fund.json --epoch 3 --network sepolia --keystore hot.keystore
    --out hot.ownership.json
    """
    parties = FundFile.load(fund)
    if (network is None) == (reader is None):
        raise EncodingError("give --network, or --reader with the address that `proofolio wallet read` prints")
    if network is not None:
        reader = registry_of(connect(network, networks), parties).accounts.address
    reader = parse_address(reader or "", "--reader")
    if contract is not None:
        signed = _by_contract(AccountOwnership(parties.fund, epoch, contract), parties.chain_id, reader, signature)
    elif signature is not None or keystore is None:
        raise EncodingError("give --keystore, the address's own key, or --contract and --signature")
    else:
        key = load_key(keystore)
        ownership = AccountOwnership(parties.fund, epoch, address_of(key))
        signed = _file(ownership, ownership.sign(key, parties.chain_id, reader))
    if signed is not None:
        signed.save(out)
        console.print(f"{out}: {signed.account} is the fund's in epoch {epoch}", soft_wrap=True)


def _by_contract(
    ownership: AccountOwnership, chain_id: int, reader: str, signature: str | None
) -> OwnershipFile | None:
    parse_address(ownership.account, "--contract")
    if signature is None:
        console.print(f"to be signed: 0x{ownership.signing_hash(chain_id, reader).hex()}", soft_wrap=True)
        console.print("give what the contract then accepts as --signature")
        return None
    try:
        return _file(ownership, bytes.fromhex(signature.removeprefix("0x")))
    except ValueError:
        raise EncodingError("--signature: 0x and hexadecimal digits") from None


def _file(ownership: AccountOwnership, signature: bytes) -> OwnershipFile:
    account = to_checksum_address(ownership.account)
    return OwnershipFile(fund=ownership.fund, epoch=ownership.epoch, account=account, signature=signature)


@app.command()
def read(
    owned: Annotated[list[Path], typer.Argument(help="A NAME.ownership.json of each of the fund's addresses.")],
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    epoch: EpochOption,
    network: NetworkOption,
    out: OutOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Have the chain read what the addresses hold now, once and for good; as the fund's owner or operator.

    The epoch must be approved, and its challenge window over. Whatever else the fund has must be reported by the
    sources, and no address by both.

    Example: proofolio wallet read hot.ownership.json cold.ownership.json --market m.json --policy p.json
    --fund fund.json --epoch 3 --network sepolia --keystore fund.keystore --out wallet.json
    """
    registry, name, layout = _terms(market, policy, fund, network, networks, programs)
    fund_address = FundFile.load(fund).fund
    known = recorded_wallet(registry, fund_address, name, epoch, layout)
    if known is None:
        call = registry.accounts.read(fund_address, name, epoch, [OwnershipFile.load(path) for path in owned])
        send(registry.chain, load_signer(keystore, signer), call, "Reading the fund's addresses", dry_run)
        console.print(f"by the reader {registry.accounts.address}", soft_wrap=True)
        if dry_run:
            return
        known = recorded_wallet(registry, fund_address, name, epoch, layout)
    else:
        console.print("they were read before; that counts")
    _keep(known, layout, epoch, out)


@app.command()
def show(
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    epoch: EpochOption,
    network: NetworkOption,
    out: OutOption,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
) -> None:
    """Fetch what the chain read at a fund's addresses, as a reader of its proofs.

    Example: proofolio wallet show --market m.json --policy p.json --fund fund.json --epoch 3 --network sepolia
    --out wallet.json
    """
    registry, name, layout = _terms(market, policy, fund, network, networks, programs)
    _keep(recorded_wallet(registry, FundFile.load(fund).fund, name, epoch, layout), layout, epoch, out)


def _terms(
    market: Path, policy: Path, fund: Path, network: str, networks: Path | None, programs: int | None
) -> tuple[Registry, bytes, Layout]:
    """The registry, the policy's name there, and the layout. Raises: EncodingError: the policy reads no addresses."""
    rules, parties = Policy.load(policy), FundFile.load(fund)
    layout = layout_of(rules, Market.load(market))
    if not layout.of(Owner.PUBLIC):
        raise EncodingError(f"{policy} has no wallet: sources report all that the fund holds")
    registry = registry_of(connect(network, networks), parties)
    found = registered(registry, parties, rules, programs)
    if found is None:
        raise EncodingError(f"{policy}: this policy is not registered by the fund file's policy owner")
    return registry, found[0], layout


def _keep(wallet: WalletFile | None, layout: Layout, epoch: int, out: Path) -> None:
    if wallet is None:
        raise ProofRejected("public slots", f"the fund's addresses were not read for epoch {epoch}")
    wallet.save(out)
    shown = table(f"Read at the fund's addresses in epoch {epoch}", "instrument", "quantity, rounded down")
    for slot, lots in wallet.public_values(layout):
        shown.add_row(layout[slot].asset, decimal_string(exact_product(lots, layout[slot].lot)))
    console.print(shown)
    console.print(f"{out}: public")


__all__ = ["app"]
