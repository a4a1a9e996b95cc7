"""What the chain charges for the contracts, for verifying liability books and for inclusion, on the embedded chain.

Run it as `python -m benchmarks.book_gas`; the table goes to the screen, the figures to out/bench/book_gas.json.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from eth_account import Account as Key
from rich.console import Console
from rich.table import Table

from attest.chain import Chain, EmbeddedChain, Registry, load_network
from attest.chain.books import book_tuple, inclusion_tuple
from attest.chain.deployment import plan
from attest.liabilities import Account, BookSource, ClaimsSlot, Workdir, Workers

CASES = ((1, 1), (2, 1), (4, 1), (8, 1), (1, 2), (8, 2))
"""Chunks and currencies."""
RESULTS = Path("out/bench/book_gas.json")


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas of one book, whole transactions.

    Args:
        calldata_bytes, prove_gas: of `proveBook`; inclusion_gas: of `checkInclusion`, were it sent.
    """

    chunks: int
    currencies: int
    calldata_bytes: int
    prove_gas: int
    inclusion_gas: int


def measure(chain: Chain, registry: Registry, key: bytes, epoch: int, chunks: int, currencies: int) -> Cost:
    """Make a book, publish its root and have the chain verify it."""
    fund = Key.from_key(key).address
    slots = tuple(ClaimsSlot(k + 1, f"claim-{k}", Decimal("0.01")) for k in range(currencies))
    listed = (Account(i, f"user-{i}", f"word-{i}", (100 * i,) * currencies) for i in range(100))
    with tempfile.TemporaryDirectory() as folder:
        source = BookSource(fund, epoch, "administrator", slots)
        work = Workdir.create(Path(folder) / "work", source, listed, least_chunks=chunks)
        work.commit(Workers())
        work.prove(Workers())
        book, held = work.book(), work.inclusion("user-1")
    chain.execute(key, registry.publish_book(fund, epoch, book.root))
    proving = registry.prove_book(book)
    receipt = chain.execute(key, proving)
    shown = inclusion_tuple(held.key, held.inclusion())
    checking = registry.books.transaction("checkInclusion", book_tuple(held.terms), shown)
    return Cost(chunks, currencies, len(proving.data), receipt.gas_used, chain.execute(key, checking).gas_used)


def deployment_costs(chain: Chain, key: bytes) -> tuple[str, dict[str, int]]:
    """Deploys all contracts; the registry's address, and the gas of each creation."""
    planned = plan()
    gas = {creation.name: chain.execute(key, creation.call).gas_used for creation in planned}
    return planned.registry.address, gas


def main() -> None:
    """Print a table and keep the figures."""
    console = Console(highlight=False, width=150)
    node = EmbeddedChain()
    owner = Key.create()
    node.endow(owner.address)
    chain, key = Chain.connect(load_network("embedded"), node), bytes(owner.key)
    address, deployment = deployment_costs(chain, key)
    for name, gas in deployment.items():
        console.print(f"deployment of {name}: {gas:,} gas")
    registry = Registry(chain, address)
    chain.execute(key, registry.register_fund(owner.address))
    table = Table("chunks", "currencies", "calldata bytes", "gas, whole book", "gas, inclusion", box=None)
    costs = []
    for epoch, (chunks, currencies) in enumerate(CASES, start=1):
        with console.status(f"{chunks} chunks of {currencies} currencies"):
            costs.append(measure(chain, registry, key, epoch, chunks, currencies))
        table.add_row(*(f"{value:,}" for value in asdict(costs[-1]).values()))
    console.print(table)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    figures = {"deployment": deployment, "books": [asdict(cost) for cost in costs]}
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
