"""Every parser of untrusted bytes, with the errors that it declares and what must hold of what it accepts."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from eth_account import Account
from proofolio.keys import PASSWORD_VARIABLE, load_key
from pydantic import BaseModel

from attest import reference
from attest.bundle import Bundle, File, FundFile, OpeningFile, ProgramProof, SignedSource
from attest.chain.abi import ErrorTable, Interface, revert_data
from attest.chain.artifacts import ContractName, load_artifact
from attest.chain.errors import NetworkError
from attest.chain.networks import load_network
from attest.curve import compress, decode_point, decode_scalar, decompress, encode_point
from attest.errors import AccountError, EncodingError, ProofRejected, SourceError
from attest.liabilities.accounts import Currency, read_accounts
from attest.liabilities.book import ChunkCommitments, book_root
from attest.liabilities.files import BookFile, InclusionFile
from attest.liabilities.inclusion import check_inclusion
from attest.liabilities.proof import ChunkProof
from attest.liabilities.workdir import SecretFile
from attest.program import RANGE_BITS, canonical_json
from attest.proof import ProofReader, proof_sizes
from attest.registration import Duty
from attest.srs import load_setup
from attest.transcript import Transcript
from attest.wallet import OwnershipFile, WalletFile
from optimizer import InstrumentList, Market
from optimizer.data.files import read_csv
from optimizer.documents import parse_document
from optimizer.errors import DataError, PolicyError
from optimizer.policy import Holdings, Policy
from tests.fuzz import seeds

Parse = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """One parser.

    Args:
        parse: raises the declared errors, and AssertionError where what it accepted is not as it should be.
        seeds: inputs that it accepts.
    """

    name: str
    parse: Parse
    declared: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]

    def run(self, data: bytes) -> bool:
        """Whether the input is accepted. Raises: whatever is a defect."""
        try:
            self.parse(data)
        except self.declared as error:
            assert str(error), "an error that says nothing"
            return False
        return True


def _points(data: bytes) -> None:
    point = decode_point(data)
    assert encode_point(point) == data


def _reference_points(data: bytes) -> None:
    """Both parsers take the same bytes."""
    try:
        reference.parse_point(data)
    except reference.Malformed:
        try:
            decode_point(data)
        except EncodingError:
            raise
        raise AssertionError("the reference refuses what the fast parser accepts") from None
    assert encode_point(decode_point(data)) == data


def _compressed(data: bytes) -> None:
    assert compress(decompress(data)) == data


def _scalars(data: bytes) -> None:
    value = decode_scalar(data)
    assert value.to_bytes(32, "big") == data


def _proofs(data: bytes) -> None:
    transcript = Transcript()
    reader = ProofReader(data, transcript, 4, 1)
    points, scalars = proof_sizes(4, 1)
    read = b"".join(map(encode_point, reader.points(points)))
    read += b"".join(value.to_bytes(32, "big") for value in reader.scalars(scalars))
    assert read == data


def _chunk_proofs(data: bytes) -> None:
    proof = ChunkProof.decode(data)
    points = (proof.mask, proof.multiplicities, *proof.helpers, proof.running_sum, *proof.quotient)
    values = [*proof.evals.at_zeta(), proof.evals.running_sum_next]
    read = b"".join(map(encode_point, (*points, proof.opening, proof.opening_at_u)))
    assert read + b"".join(value.to_bytes(32, "big") for value in values) == data


def _chunks(data: bytes) -> None:
    assert ChunkCommitments.decode(data, 1).encode() == data


def _keys(data: bytes) -> None:
    assert reference.Key.parse(data).encoding == data


def _file(model: type[File], use: Callable[[Any], object]) -> Parse:
    """What is parsed can be used, and one reading of it is written back as one text."""

    def parse(data: bytes) -> None:
        document = model.parse(data, "the file")
        use(document)
        encoded = document.encode()
        again = model.parse(encoded)
        assert again == document and again.encode() == encoded

    return parse


def _use_source(file: SignedSource) -> None:
    file.source_commitment().signer(file.signature, 1, seeds.ADDRESS)


def _use_fund(file: FundFile) -> None:
    for context in file.contexts(seeds.HASH, dict.fromkeys(file.signers, Duty(0)), 1, 2):
        Transcript().absorb_scalar(context.chain_id)
    seeds.source_file().source_commitment().signing_hash(file.chain_id, file.registry)


def _use_bundle(file: Bundle) -> None:
    for proof in file.proofs:
        proof.proof()
    before = file.previous_set()
    assert len(file.source_set().hash) == 32 and (before is None or len(before.hash) == 32)


def _use_book(file: BookFile) -> None:
    assert len(book_root(file.terms, file.commitments())) == 32


def _use_inclusion(file: InclusionFile) -> None:
    with suppress(ProofRejected):
        check_inclusion(load_setup(), file.terms, seeds.HASH, file.key, file.inclusion())


def _document(model: type[BaseModel]) -> Parse:
    """What is parsed has a hash, which is that of its canonical form."""

    def parse(data: bytes) -> None:
        document = parse_document(model, data, "the file")
        canonical = canonical_json(document.model_dump(mode="json"))
        again = parse_document(model, canonical)
        assert again == document and canonical_json(again.model_dump(mode="json")) == canonical

    return parse


def _policies(data: bytes) -> None:
    policy = Policy.parse(data)
    assert Policy.parse(canonical_json(policy.model_dump(mode="json"))).hash == policy.hash
    assert len(policy.sentences()) == len(policy.named_constraints())


@lru_cache(maxsize=1)
def _scratch() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="fuzz-")
    _kept.append(folder)
    return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _written(data: bytes, name: str) -> Path:
    path = _scratch() / name
    path.write_bytes(data)
    return path


def _prices(data: bytes) -> None:
    history = read_csv(_written(data, "prices.csv"))
    assert all(len(series) == len(history.dates) for series in history.prices_usd.values())


CURRENCIES = (Currency("claim-USD", Decimal("0.01")), Currency("claim-BTC", Decimal("0.0000001")))


def _accounts(data: bytes) -> None:
    for account in read_accounts(_written(data, "accounts.csv"), CURRENCIES):
        assert account.account and all(0 <= lots < 1 << RANGE_BITS for lots in account.balances)


def _networks(data: bytes) -> None:
    network = load_network("mine", _written(data, "networks.toml"))
    assert network.name == "mine"


def _keystores(data: bytes) -> None:
    os.environ[PASSWORD_VARIABLE] = "password"
    assert len(load_key(_written(data, "a.keystore"))) == 32


class _NodeError(Exception):
    """What a node's answer becomes. Args: data: of its JSON."""

    def __init__(self, text: str, data: Any) -> None:
        super().__init__(text)
        self.data = data


@lru_cache(maxsize=1)
def _abis() -> tuple[list[Any], ErrorTable]:
    abis = [load_artifact(name).abi for name in get_args(ContractName)]
    return [Interface(abi) for abi in abis], ErrorTable(abis)


def _answers(data: bytes) -> None:
    """Whatever a node answers, a refusal is described and an answer is decoded or refused."""
    interfaces, table = _abis()
    text = data.decode("latin-1")
    for error in (
        _NodeError(text, None),
        _NodeError("execution reverted: " + repr(data), None),
        _NodeError("execution reverted: b'" + text, None),
        _NodeError("", "0x" + data.hex()),
        _NodeError("", "0x" + text),
        _NodeError("", {"data": text}),
    ):
        assert isinstance(revert_data(error), (bytes, str))
    assert isinstance(table.describe(data), str)
    for interface in interfaces:
        for function in interface._functions:
            try:
                interface.decode(function, data)
            except NetworkError:
                continue


def _keystore_seed() -> list[bytes]:
    return [
        json.dumps(Account.encrypt(bytes(range(1, 33)), "password", kdf, 2)).encode() for kdf in ("scrypt", "pbkdf2")
    ]


def _encoded(*files: Callable[[], File]) -> Callable[[], list[bytes]]:
    return lambda: [file().encode() for file in files]


REFUSED = (EncodingError, SourceError)
TARGETS = {
    target.name: target
    for target in (
        Target("points", _points, (EncodingError,), lambda: [bytes(128), encode_point(seeds.point(5))]),
        Target(
            "reference-points", _reference_points, (EncodingError,), lambda: [bytes(128), encode_point(seeds.point(5))]
        ),
        Target("compressed-points", _compressed, (EncodingError,), lambda: [compress(seeds.point(k)) for k in (0, 5)]),
        Target("scalars", _scalars, (EncodingError,), lambda: [bytes(32), (2**250).to_bytes(32, "big")]),
        Target("proofs", _proofs, (EncodingError,), lambda: [seeds.proof_bytes()]),
        Target("chunk-proofs", _chunk_proofs, (EncodingError,), lambda: [seeds.chunk_proof()]),
        Target("chunks", _chunks, (EncodingError,), lambda: [seeds.commitments().encode()]),
        Target("reference-keys", _keys, (reference.Malformed,), lambda: [seeds.key()]),
        Target("bundles", _file(Bundle, _use_bundle), REFUSED, _encoded(seeds.bundle)),
        Target("program-proofs", _file(ProgramProof, ProgramProof.proof), REFUSED, _encoded(seeds.program_proof)),
        Target("funds", _file(FundFile, _use_fund), REFUSED, _encoded(seeds.fund)),
        Target("sources", _file(SignedSource, _use_source), REFUSED, _encoded(seeds.source_file)),
        Target("openings", _file(OpeningFile, OpeningFile.opening), REFUSED, _encoded(seeds.opening)),
        Target("ownerships", _file(OwnershipFile, lambda file: file.ownership), REFUSED, _encoded(seeds.ownership)),
        Target("wallets", _file(WalletFile, lambda file: file.values), REFUSED, _encoded(seeds.wallet)),
        Target("books", _file(BookFile, _use_book), REFUSED, _encoded(seeds.book)),
        Target("inclusions", _file(InclusionFile, _use_inclusion), REFUSED, _encoded(seeds.inclusion)),
        Target("book-secrets", _file(SecretFile, lambda file: file.currencies), REFUSED, _encoded(seeds.secret)),
        Target("policies", _policies, (PolicyError,), seeds.policies),
        Target("markets", _document(Market), (DataError,), lambda: [seeds.market()]),
        Target("holdings", _document(Holdings), (DataError,), lambda: [seeds.holdings()]),
        Target("instruments", _document(InstrumentList), (DataError,), lambda: [seeds.instruments()]),
        Target("prices", _prices, (DataError,), lambda: [seeds.PRICES]),
        Target("accounts", _accounts, (AccountError,), lambda: [seeds.ACCOUNTS]),
        Target("networks", _networks, (NetworkError,), lambda: [seeds.NETWORKS]),
        Target("keystores", _keystores, (EncodingError,), _keystore_seed),
        Target("answers", _answers, (), seeds.reverts),
    )
}
