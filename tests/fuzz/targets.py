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
from typing import Any, TypeVar, get_args

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import is_checksum_address
from hexbytes import HexBytes
from proofolio.epochs import PublishedFile
from proofolio.keys import PASSWORD_VARIABLE, load_key
from pydantic import BaseModel

from attest import reference
from attest.bundle import Bundle, File, FundFile, OpeningFile, ProgramProof, SignedSource
from attest.chain import Deployment, Journal, Oversight
from attest.chain.abi import ErrorTable, Interface, revert_data
from attest.chain.artifacts import ContractName, load_artifact
from attest.chain.errors import JournalError, NetworkError, SignerError
from attest.chain.integrations import Integrations
from attest.chain.networks import Network, load_network
from attest.chain.signers import parse as parse_transaction
from attest.curve import compress, decode_point, decode_scalar, decompress, encode_point
from attest.errors import AccountError, EncodingError, ProofRejected, SourceError
from attest.liabilities import reference as book_reference
from attest.liabilities.accounts import Currency, read_accounts
from attest.liabilities.book import ChunkCommitments, book_root
from attest.liabilities.files import BookFile, InclusionFile
from attest.liabilities.inclusion import check_inclusion
from attest.liabilities.proof import ChunkProof
from attest.liabilities.workdir import SecretFile
from attest.program import RANGE_BITS, canonical_json
from attest.proof import ProofReader, proof_sizes
from attest.registration import Duty
from attest.representation import verify_representation
from attest.srs import load_setup
from attest.transcript import Transcript
from attest.wallet import OwnershipFile, WalletFile
from optimizer import InstrumentList, Market, build_market
from optimizer.data.assembly import with_volumes
from optimizer.data.files import read_csv, read_parquet, read_prices
from optimizer.documents import Document, parse_document
from optimizer.errors import DataError, PolicyError
from optimizer.policy import Holdings, Policy
from tests.fuzz import seeds

Parse = Callable[[bytes], None]
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Target:
    """One parser.

    Args:
        parse: raises the declared errors, and AssertionError where what it accepted is not as it should be.
        seeds: inputs that it accepts.
        readers: classes of files, and functions that take bytes or paths, to which the input gets.
    """

    name: str
    parse: Parse
    declared: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]
    readers: tuple[Callable[..., Any], ...]

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


def _both(data: bytes, plain: Callable[[bytes], A], fast: Callable[[bytes], B]) -> tuple[A, B]:
    """What both parsers read; they take the same bytes."""
    try:
        read = plain(data)
    except reference.Malformed:
        fast(data)
        raise AssertionError("the reference refuses what the fast parser accepts") from None
    return read, fast(data)


def _reference_points(data: bytes) -> None:
    _, point = _both(data, reference.parse_point, decode_point)
    assert encode_point(point) == data


def _compressed(data: bytes) -> None:
    assert compress(decompress(data)) == data


def _reference_compressed(data: bytes) -> None:
    _, point = _both(data, reference.parse_short_point, decompress)
    assert reference.long_encoding(data) == encode_point(point)


def _scalars(data: bytes) -> None:
    value, same = _both(data, reference.parse_scalar, decode_scalar)
    assert value == same and value.to_bytes(32, "big") == data


def _length(packing: int, vectors: int) -> int:
    return sum(count * size for count, size in zip(proof_sizes(packing, vectors), (128, 32), strict=True))


SHAPES = {_length(*shape): shape for shape in seeds.SHAPES}
"""Length of a proof → packing and vectors."""


def _proofs(data: bytes) -> None:
    """Of the shape that the length belongs to, or of one whose length it has not."""
    packing, vectors = SHAPES.get(len(data), (4, 1))
    reader = ProofReader(data, Transcript(), packing, vectors)
    points, scalars = proof_sizes(packing, vectors)
    read = b"".join(map(encode_point, reader.points(points)))
    read += b"".join(value.to_bytes(32, "big") for value in reader.scalars(scalars))
    assert read == data


def _representations(data: bytes) -> None:
    """Nobody makes a second proof by changing bytes of the first."""
    claim, proof = seeds.represented()
    verify_representation(load_setup(), claim, data)
    assert data == proof


def _chunk_proofs(data: bytes) -> None:
    proof = ChunkProof.decode(data)
    points = (proof.mask, proof.multiplicities, *proof.helpers, proof.running_sum, *proof.quotient)
    values = [*proof.evals.at_zeta(), proof.evals.running_sum_next]
    read = b"".join(map(encode_point, (*points, proof.opening, proof.opening_at_u)))
    assert read + b"".join(value.to_bytes(32, "big") for value in values) == data


def _chunks(data: bytes) -> None:
    assert ChunkCommitments.decode(data, 1).encode() == data


def _reference_chunks(data: bytes) -> None:
    chunk, same = _both(
        data, lambda read: book_reference.Chunk.parse(read, 1), lambda read: ChunkCommitments.decode(read, 1)
    )
    assert chunk.leaf(3) == same.leaf(3)


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


def _use_oversight(file: Oversight) -> None:
    """The contract can be told."""
    Interface(load_artifact("PolicyRegistry").abi).encode("scheduleOversight", bytes(32), file.encoded())


def _signed_transactions(data: bytes) -> None:
    """Nothing of what was signed is left out."""
    made, sender = parse_transaction(data)
    assert is_checksum_address(sender) and (made.to is None or is_checksum_address(made.to))
    numbers = made.chain_id, made.nonce, made.gas, made.max_fee, made.priority_fee, made.value
    assert all(isinstance(number, int) and number >= 0 for number in numbers)
    typed = TypedTransaction.from_bytes(HexBytes(data))
    unsigned = {k: v for k, v in typed.as_dict().items() if k not in ("v", "r", "s")}
    assert TypedTransaction.from_dict(made.params()).hash() == TypedTransaction.from_dict(unsigned).hash()


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


def _prices(name: str) -> Parse:
    """What is read makes a market, or another error of the data."""

    def parse(data: bytes) -> None:
        history = read_prices(_written(data, name))
        assert all(len(series) == len(history.dates) for series in history.prices_usd.values())
        if len(history.dates) > 1:
            with suppress(DataError):
                with_volumes(build_market(history, scenario_count=1).market, history)

    return parse


CURRENCIES = (Currency("claim-USD", Decimal("0.01")), Currency("claim-BTC", Decimal("0.0000001")))


def _accounts(name: str) -> Parse:
    def parse(data: bytes) -> None:
        for account in read_accounts(_written(data, name), CURRENCIES):
            assert account.account and all(0 <= lots < 1 << RANGE_BITS for lots in account.balances)

    return parse


def _networks(data: bytes) -> None:
    network = load_network("mine", _written(data, "networks.toml"))
    assert network.name == "mine"


def _journals(data: bytes) -> None:
    path = _written(data, "journal.sqlite")
    for stale in path.parent.glob("journal.sqlite-*"):
        stale.unlink()
    journal = Journal(path)
    try:
        journal.find(seeds.IDENTITY)
        journal.holders(31337, seeds.ADDRESS, 0)
    finally:
        journal.close()


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


def _two_points() -> list[bytes]:
    return [bytes(128), encode_point(seeds.point(5))]


def _two_short_points() -> list[bytes]:
    return [compress(seeds.point(k)) for k in (0, 5)]


def _file_target(name: str, model: type[File], use: Callable[[Any], object], *made: Callable[[], File]) -> Target:
    return Target(name, _file(model, use), REFUSED, lambda: [file().encode() for file in made], (model,))


def _document_target(name: str, model: type[Document], seed: Callable[[], bytes]) -> Target:
    return Target(name, _document(model), (DataError,), lambda: [seed()], (model,))


REFUSED = (EncodingError, SourceError)
TARGETS = {
    target.name: target
    for target in (
        Target("points", _points, (EncodingError,), _two_points, (decode_point,)),
        Target("reference-points", _reference_points, (EncodingError,), _two_points, (reference.parse_point,)),
        Target(
            "compressed-points",
            _compressed,
            (EncodingError,),
            _two_short_points,
            (decompress,),
        ),
        Target(
            "reference-compressed-points",
            _reference_compressed,
            (EncodingError,),
            _two_short_points,
            (reference.parse_short_point,),
        ),
        Target(
            "scalars",
            _scalars,
            (EncodingError,),
            lambda: [bytes(32), (2**250).to_bytes(32, "big")],
            (decode_scalar, reference.parse_scalar),
        ),
        Target(
            "proofs",
            _proofs,
            (EncodingError,),
            lambda: [seeds.proof_bytes(*shape) for shape in seeds.SHAPES],
            (ProofReader,),
        ),
        Target(
            "representations",
            _representations,
            (EncodingError, ProofRejected),
            lambda: [seeds.represented()[1]],
            (verify_representation,),
        ),
        Target("chunk-proofs", _chunk_proofs, (EncodingError,), lambda: [seeds.chunk_proof()], (ChunkProof.decode,)),
        Target("chunks", _chunks, (EncodingError,), lambda: [seeds.commitments().encode()], (ChunkCommitments.decode,)),
        Target(
            "reference-chunks",
            _reference_chunks,
            (EncodingError,),
            lambda: [seeds.commitments().encode()],
            (book_reference.Chunk.parse,),
        ),
        Target("reference-keys", _keys, (reference.Malformed,), lambda: [seeds.key()], (reference.Key.parse,)),
        _file_target("bundles", Bundle, _use_bundle, seeds.bundle),
        _file_target("program-proofs", ProgramProof, ProgramProof.proof, seeds.program_proof),
        _file_target("funds", FundFile, _use_fund, seeds.fund),
        _file_target("sources", SignedSource, _use_source, seeds.source_file, seeds.represented_source),
        _file_target("openings", OpeningFile, OpeningFile.opening, seeds.opening),
        _file_target("ownerships", OwnershipFile, lambda file: file.ownership, seeds.ownership),
        _file_target("wallets", WalletFile, lambda file: file.values, seeds.wallet),
        _file_target("oversights", Oversight, _use_oversight, seeds.oversight),
        _file_target("deployments", Deployment, lambda file: file.registry, seeds.deployment),
        _file_target("integrations", Integrations, lambda file: file.contracts, seeds.integrations),
        _file_target("published-epochs", PublishedFile, lambda file: file.epoch, seeds.published),
        _file_target("books", BookFile, _use_book, seeds.book),
        _file_target("inclusions", InclusionFile, _use_inclusion, seeds.inclusion),
        _file_target("book-secrets", SecretFile, lambda file: file.currencies, seeds.secret),
        Target("policies", _policies, (PolicyError,), seeds.policies, (Policy, Policy.parse)),
        _document_target("markets", Market, seeds.market),
        _document_target("holdings", Holdings, seeds.holdings),
        _document_target("instruments", InstrumentList, seeds.instruments),
        Target("prices", _prices("prices.csv"), (DataError,), lambda: [seeds.PRICES], (read_prices, read_csv)),
        Target("price-tables", _prices("prices.parquet"), (DataError,), seeds.price_tables, (read_parquet,)),
        Target("accounts", _accounts("accounts.csv"), (AccountError,), lambda: [seeds.ACCOUNTS], (read_accounts,)),
        Target(
            "account-tables",
            _accounts("accounts.parquet"),
            (AccountError,),
            lambda: [seeds.account_table()],
            (read_accounts,),
        ),
        Target("networks", _networks, (NetworkError,), lambda: [seeds.NETWORKS], (Network, load_network)),
        Target("keystores", _keystores, (EncodingError,), _keystore_seed, (load_key,)),
        Target("journals", _journals, (JournalError,), lambda: [seeds.journal()], (Journal,)),
        Target("answers", _answers, (), seeds.reverts, (Interface.decode, ErrorTable.describe, revert_data)),
        Target(
            "transactions",
            _signed_transactions,
            (SignerError,),
            seeds.signed_transactions,
            (parse_transaction,),
        ),
    )
}
