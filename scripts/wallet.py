"""`proofolio wallet`: what the fund's own addresses hold, read by the chain instead of reported by a custodian."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import to_checksum_address

from attest.bundle import UINT64, FundFile
from attest.chain import address_of
from attest.errors import EncodingError, ProofRejected
from attest.program import decimal_string
from attest.wallet import AccountOwnership, OwnershipFile, WalletFile
from optimizer import Market
from optimizer.policy import CompiledPolicy, Policy
from optimizer.policy.holdings import exact_product

from .acting import OnPolicy, grouped
from .chain import NetworksOption, connect, recorded_wallet, registry_of
from .keys import load_key
from .options import FundOption, MarketOption, OutOption, parse_address
from .pipeline import compiled_alone
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

    The reader's address stands in the deployment file as account_reader. An address with code, also one that delegates
    to a contract (EIP-7702), signs as that contract accepts it.

    Example: proofolio wallet sign --fund fund.json --epoch 3 --network sepolia --keystore hot.keystore
    --out hot.ownership.json
    """
    parties = FundFile.load(fund)
    if (network is None) == (reader is None):
        raise EncodingError("give --network, or --reader with the deployment file's account_reader")
    if network is not None:
        reader = registry_of(connect(network, networks), parties).accounts.address
    reader = parse_address(reader or "", "--reader")
    if contract is not None:
        ownership = AccountOwnership(parties.fund, epoch, parse_address(contract, "--contract"))
        signed = _by_contract(ownership, parties.chain_id, reader, signature)
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
@grouped
def read(
    on: OnPolicy,
    owned: Annotated[list[Path], typer.Argument(help="A NAME.ownership.json of each of the fund's addresses.")],
    market: MarketOption,
    epoch: EpochOption,
    out: OutOption,
) -> None:
    """Have the chain read what the addresses hold now, once and for good; as the fund's owner or operator, with a key.

    The epoch must be approved, and its challenge window over. Sources report all else, as of the market's day: what
    moved between them and the addresses since then would count twice, and must not have moved.

    Example: proofolio wallet read hot.ownership.json cold.ownership.json --market m.json --policy p.json
    --fund fund.json --epoch 3 --network sepolia --keystore fund.keystore --out wallet.json
    """
    compiled = _compiled(on, market)
    fund, name = on.parties, on.policy_id
    known = recorded_wallet(on.registry, fund, name, epoch, compiled)
    if known is None:
        accounts = on.registry.accounts
        call = accounts.read(fund.fund, name, epoch, [OwnershipFile.load(path) for path in owned])
        on.send(call, "Reading the fund's addresses")
        if on.dry_run:
            return
        known = recorded_wallet(on.registry, fund, name, epoch, compiled)
    else:
        console.print("they were read before; that counts")
    _keep(on, known, compiled, epoch, out)


@app.command()
@grouped
def show(on: OnPolicy, market: MarketOption, epoch: EpochOption, out: OutOption) -> None:
    """Fetch what the chain read at a fund's addresses, as a reader of its proofs; it needs no key.

    Example: proofolio wallet show --market m.json --policy p.json --fund fund.json --epoch 3 --network sepolia
    --out wallet.json
    """
    compiled = _compiled(on, market)
    _keep(on, recorded_wallet(on.registry, on.parties, on.policy_id, epoch, compiled), compiled, epoch, out)


def _compiled(on: OnPolicy, market: Path) -> CompiledPolicy:
    """Raises: EncodingError: the policy reads no addresses."""
    compiled = compiled_alone(Policy.load(on.policy), Market.load(market))
    if not compiled.wallet_slots:
        raise EncodingError(f"{on.policy} has no wallet: sources report all that the fund holds")
    return compiled


def _keep(on: OnPolicy, wallet: WalletFile | None, compiled: CompiledPolicy, epoch: int, out: Path) -> None:
    if wallet is None:
        raise ProofRejected("public slots", f"the fund's addresses were not read for epoch {epoch}")
    wallet.save(out)
    layout, shown = compiled.layout, table(f"Read at the fund's addresses in epoch {epoch}", "instrument", "quantity")
    for slot, lots in wallet.public_values(layout, on.parties, epoch):
        shown.add_row(layout[slot].asset, decimal_string(exact_product(lots, layout[slot].lot)))
    console.print(shown)
    console.print(f"{out}: public")


__all__ = ["app"]
