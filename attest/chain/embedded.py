"""An Ethereum chain inside the process: py-evm at Prague behind web3, with a clock and the deployment factory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import eth.precompiles.point_evaluation
from eth.constants import ZERO_ADDRESS
from eth.vm.forks.prague import PragueVM
from eth_tester import EthereumTester, PyEVMBackend
from hexbytes import HexBytes
from web3 import EthereumTesterProvider, Web3
from web3.types import TxParams, Wei

from attest.chain.factory import FACTORY_DEPLOYER, FACTORY_TRANSACTION

BLOCK_GAS_LIMIT = 60_000_000
SECONDS_PER_BLOCK = 12
GENESIS_TIME = 1_750_000_000
"""2025-06-15, after Prague went live on mainnet (2025-05-07, EIP-7600)."""

# py-evm reads the ceremony's file anew at every call of this precompile, which takes more than a second.
eth.precompiles.point_evaluation.load_trusted_setup = lru_cache(maxsize=1)(
    eth.precompiles.point_evaluation.load_trusted_setup
)


class SteadyBackend(PyEVMBackend):  # type: ignore[misc]
    """py-evm whose blocks stand twelve seconds apart, whatever the computer's clock says."""

    def reset_to_genesis(self, *args: Any, **kwargs: Any) -> None:
        super().reset_to_genesis(*args, **kwargs)
        self._set_clock()

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = ZERO_ADDRESS) -> tuple[bytes, ...]:
        hashes: list[bytes] = []
        for _ in range(num_blocks):
            hashes += super().mine_blocks(1, coinbase)
            self._set_clock()
        return tuple(hashes)

    def _set_clock(self) -> None:
        parent = self.chain.get_canonical_head()
        self.chain.header = self.chain.header.copy(timestamp=parent.timestamp + SECONDS_PER_BLOCK)


class EmbeddedChain:
    """A fresh chain with mining at every transaction.

    Args:
        genesis_time: Unix seconds of block 0.
    """

    def __init__(self, genesis_time: int = GENESIS_TIME) -> None:
        overrides = {"gas_limit": BLOCK_GAS_LIMIT, "timestamp": genesis_time}
        parameters = PyEVMBackend.generate_genesis_params(overrides)
        backend = SteadyBackend(genesis_parameters=parameters, vm_configuration=((0, PragueVM),))
        self._tester = EthereumTester(backend=backend)
        self.web3 = Web3(EthereumTesterProvider(self._tester))
        self.endow(FACTORY_DEPLOYER, 1)
        self.web3.eth.send_raw_transaction(HexBytes(FACTORY_TRANSACTION))

    @property
    def time(self) -> int:
        """Timestamp of the latest block, Unix seconds."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def set_time(self, timestamp: int) -> None:
        """Mine a block at a later moment, Unix seconds."""
        self._tester.time_travel(timestamp)

    def endow(self, address: str, ether: int = 100) -> None:
        """Give an address some of the chain's own ether."""
        first = self.web3.eth.accounts[0]
        self.web3.eth.send_transaction(
            TxParams({"from": first, "to": Web3.to_checksum_address(address), "value": Wei(ether * 10**18)})
        )
