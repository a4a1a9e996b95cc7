"""The factory by which contracts get addresses that follow from their bytes.

Source: Arachnid's deterministic deployment proxy, which stands at the same address on every chain that has it: it
takes a salt and creation code and answers with CREATE2 (EIP-1014).
"""

FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
FACTORY_DEPLOYER = "0x3fAB184622Dc19b6109349B94811493BF2a45362"
"""Nobody has its key: the factory's transaction was made with a signature out of thin air."""
FACTORY_COST = 10**16
"""Wei that the deployer needs: 100 000 gas at 100 gwei."""
FACTORY_TRANSACTION = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222"
    "222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222"
)
