"""Contracts at addresses that follow from their bytes: the same everywhere, deployed once, and only by the factory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import rlp
from eth._utils.address import generate_contract_address, generate_safe_contract_address
from eth.vm.forks.prague import PragueVM
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend
from hexbytes import HexBytes
from web3 import EthereumTesterProvider, Web3

from attest.bundle import Address
from attest.chain import Chain, Deployment, EmbeddedChain, NetworkError, Registry, Reverted, deploy, load_network
from attest.chain.abi import ErrorTable
from attest.chain.artifacts import load_artifact
from attest.chain.deployment import SALT, Creation, missing, plan
from attest.chain.factory import FACTORY, FACTORY_COST, FACTORY_DEPLOYER, FACTORY_TRANSACTION
from tests.attest.chain.worlds import OWNER, STAND_INS, STRANGER, address

REGISTRIES = ("FundRegistry", "PolicyRegistry", "BookRegistry", "AccountReader", "AttestationRegistry")


def fresh() -> Chain:
    node = EmbeddedChain()
    for key in (OWNER, STRANGER):
        node.endow(address(key))
    return Chain.connect(load_network("embedded"), node)


@pytest.fixture(scope="module")
def chain() -> Chain:
    """With the contracts."""
    chain = fresh()
    deploy(chain, OWNER, STAND_INS)
    return chain


def sent(chain: Chain) -> int:
    return sum(chain.nonce(address(key)) for key in (OWNER, STRANGER))


def test_a_second_run_finds_everything(chain: Chain, tmp_path: Path) -> None:
    before = sent(chain)
    assert before == 8 and missing(chain, STAND_INS) == []
    deployment = deploy(chain, STRANGER, STAND_INS)
    assert sent(chain) == before
    deployment.save(tmp_path / "deployment.json")
    assert Deployment.load(tmp_path / "deployment.json") == deployment
    registry = Registry(chain, deployment.registry)
    for view, place in (
        ("policies", deployment.policies),
        ("funds", deployment.funds),
        ("books", deployment.books),
        ("verifier", deployment.verifier),
        ("accountReader", deployment.account_reader),
        ("representationVerifier", deployment.representation_verifier),
    ):
        assert registry.ask(view)[0].lower() == place.lower()
    assert registry.books.ask("bookVerifier")[0].lower() == deployment.book_verifier.lower()


def test_addresses_follow_from_the_bytes_alone(chain: Chain) -> None:
    """On any chain, whoever deploys (EIP-1014, by another implementation)."""
    factory = bytes.fromhex(FACTORY[2:])
    for creation in STAND_INS:
        there = generate_safe_contract_address(factory, int.from_bytes(SALT, "big"), creation.code)
        assert bytes.fromhex(creation.address[2:]) == there
        assert chain.code(creation.address) != b""
    another = fresh()
    here, there = deploy(chain, OWNER, STAND_INS), deploy(another, STRANGER, STAND_INS)
    assert here.model_dump(exclude={"block"}) == there.model_dump(exclude={"block"})
    real = [creation.address for creation in plan()]
    assert real == [creation.address for creation in plan()] and len(set(real)) == 8
    trusted = {"verifier", "account_reader", "representation_verifier", "registry"}
    changed = {name for name in STAND_INS.__dataclass_fields__ if getattr(plan(), name) != getattr(STAND_INS, name)}
    assert changed == {*trusted - {"account_reader"}, "book_verifier", "books"}, "what names another contract moves too"


def test_code_at_the_address_is_what_the_package_carries(chain: Chain) -> None:
    for creation in STAND_INS:
        if creation.name in REGISTRIES:
            assert load_artifact(creation.name).matches(chain.code(creation.address))


def test_a_run_goes_on_where_another_stopped() -> None:
    chain = fresh()
    for creation in list(STAND_INS)[:3]:
        chain.execute(STRANGER, creation.call)
    assert [creation.name for creation in missing(chain, STAND_INS)] == [c.name for c in list(STAND_INS)[3:]]
    deploy(chain, OWNER, STAND_INS)
    assert (chain.nonce(address(STRANGER)), chain.nonce(address(OWNER))) == (3, 5)


def test_the_bound_on_each_registrys_creation_holds() -> None:
    """The verifiers' constructors try the precompiles, which is not in the bound."""
    chain = fresh()
    for creation in STAND_INS:
        used = chain.execute(OWNER, creation.call).gas_used
        if creation.name in REGISTRIES:
            assert used <= creation.gas_bound <= used + 160_000


def test_a_constructor_that_refuses_says_why() -> None:
    """The factory swallows the reason, so it is asked for again without it."""
    nowhere = Creation("AttestationRegistry", load_artifact("AttestationRegistry").bytecode + bytes(4 * 32))
    chain = fresh()
    with pytest.raises(Reverted, match=r"NotAContract\(0x0{40}\)"):
        deploy(chain, OWNER, replace(STAND_INS, registry=nowhere))
    assert chain.code(nowhere.address) == b"" and chain.nonce(address(OWNER)) == 7
    deploy(chain, OWNER, STAND_INS)
    assert chain.nonce(address(OWNER)) == 8


def test_a_factory_that_does_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Chain, "execute", lambda *_: None)
    with pytest.raises(NetworkError, match="the factory did not deploy ProofVerifier"):
        deploy(fresh(), OWNER, STAND_INS)


# The factory ---------------------------------------------------------------------------------------------------------


def test_the_factorys_transaction() -> None:
    """Its sender, its cost and the address that it gives the factory follow from its bytes."""
    nonce, price, gas, to, value, _, v, r, s = rlp.decode(FACTORY_TRANSACTION)
    assert (nonce, to, value) == (b"", b"", b"")
    assert v == b"\x1b", "signed without a chain id (before EIP-155), so that every chain takes it"
    assert r == s == b"\x22" * 32, "nobody signed it"
    assert int.from_bytes(price, "big") * int.from_bytes(gas, "big") == FACTORY_COST
    assert Account.recover_transaction(FACTORY_TRANSACTION) == FACTORY_DEPLOYER
    made = generate_contract_address(bytes.fromhex(FACTORY_DEPLOYER[2:]), 0)
    assert made == bytes.fromhex(FACTORY[2:])


@pytest.fixture
def bare() -> Iterator[Chain]:
    """A chain without the factory."""
    overrides = {"gas_limit": 60_000_000}
    backend = PyEVMBackend(
        genesis_parameters=PyEVMBackend.generate_genesis_params(overrides), vm_configuration=((0, PragueVM),)
    )
    yield Chain(load_network("embedded"), Web3(EthereumTesterProvider(EthereumTester(backend=backend))), ErrorTable([]))


def give(chain: Chain, to: Address, wei: int) -> None:
    first = chain.web3.eth.accounts[0]
    chain.web3.eth.send_transaction({"from": first, "to": Web3.to_checksum_address(to), "value": wei})  # type: ignore[typeddict-item]


def test_a_chain_without_the_factory_says_how_to_bring_it(bare: Chain) -> None:
    with pytest.raises(NetworkError, match="no deployment factory stands at") as refused:
        deploy(bare, OWNER, STAND_INS)
    told = str(refused.value)
    assert f"send 0.01 ether to {FACTORY_DEPLOYER}" in told and f"0x{FACTORY_TRANSACTION.hex()}" in told
    give(bare, address(OWNER), 10**19)
    give(bare, FACTORY_DEPLOYER, FACTORY_COST)
    bare.web3.eth.send_raw_transaction(HexBytes(FACTORY_TRANSACTION))
    assert missing(bare, STAND_INS) == list(STAND_INS)
    assert deploy(bare, OWNER, STAND_INS).registry == STAND_INS.registry.address
