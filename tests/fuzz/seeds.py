"""Valid files of every kind, small and built in code: where fuzzing begins."""

from __future__ import annotations

import datetime as dt
import io
import json
import tempfile
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]  # ships no stubs
import pyarrow.parquet  # type: ignore[import-untyped]  # ships no stubs
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from proofolio.epochs import PublishedFile
from py_arkworks_bls12381 import G1Point

from attest.bundle import Bundle, FundFile, OpeningFile, ProgramProof, PublicValue, SignedSource
from attest.chain import Deployment, Journal, LocalSigner, Oversight
from attest.chain.artifacts import load_artifact
from attest.chain.integrations import Integration, Integrations
from attest.chain.journal import Content
from attest.chain.journal import Identity as JournalIdentity
from attest.chain.signers import Signed, Transaction
from attest.commitment import SourceCommitment, SourceOpening
from attest.curve import compress, encode_point, multiply
from attest.liabilities.book import BookTerms, ChunkCommitments, ClaimsSlot, CurrencyCommitments
from attest.liabilities.files import BookFile, InclusionFile, PublishedChunk, published_currency
from attest.liabilities.inclusion import Inclusion
from attest.liabilities.proof import PROOF_SIZE
from attest.liabilities.workdir import SecretFile
from attest.program import Parameters, slots_hash
from attest.proof import proof_sizes
from attest.representation import RepresentationClaim, prove_representation
from attest.srs import load_setup
from attest.statement import Group, StatementKey
from attest.wallet import OwnershipFile, WalletFile
from optimizer import sample_market

ADDRESS = "0x00000000000000000000000000000000000000F1"
FUND = "0x00000000000000000000000000000000000000F2"
HASH = bytes(range(32))
"""Also a signing key."""
CURRENCY = ClaimsSlot(5, "claim-USD", Decimal("0.01"))
NOT_PLACES = ("version", "network", "chain_id", "block")
"""Fields of a deployment that are no addresses."""
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def point(k: int) -> G1Point:
    return multiply(G1Point(), k)


def source_file(name: str = "custodian") -> SignedSource:
    commitment = SourceCommitment(ADDRESS, 1, 1_579_219_200, name, 0, HASH, HASH, point(3), 2_000_000_000, 7)
    return SignedSource.of(commitment, commitment.sign(HASH, 1, ADDRESS))


@lru_cache(maxsize=1)
def represented() -> tuple[RepresentationClaim, bytes]:
    """What a source claims of its commitment, and the proof that it is so."""
    held, slots = SourceOpening("custodian", {1: 400, 2: -300}, 2**200 + 1), (1, 2)
    commitment = SourceCommitment(
        ADDRESS, 1, 1_579_219_200, held.source, 0, HASH, slots_hash(slots), held.commitment(load_setup()), 2**31, 7
    )
    claim = RepresentationClaim(31337, ADDRESS, commitment, slots)
    return claim, prove_representation(load_setup(), claim, held, lambda size: (HASH * size)[:size])


def represented_source() -> SignedSource:
    claim, proof = represented()
    return SignedSource.of(claim.source, claim.source.sign(HASH, claim.chain_id, claim.registry), proof)


SHAPES = tuple((packing, vectors) for packing in (2, 4, 8) for vectors in (1, 2))
"""Packing and vectors of proofs: no two have one length."""


def proof_bytes(packing: int = 4, vectors: int = 1) -> bytes:
    """Points and scalars of the right number, of no proof."""
    points, scalars = proof_sizes(packing, vectors)
    listed = [encode_point(point(k)) for k in range(points)]
    return b"".join(listed) + b"".join(k.to_bytes(32, "big") for k in range(scalars))


def program_proof() -> ProgramProof:
    points = tuple(compress(point(k)) for k in range(3))
    return ProgramProof(digest=HASH, points=points, scalars=(HASH, bytes(32)))


def bundle() -> Bundle:
    value = PublicValue(slot=3, value=11)
    sources = (source_file("custodian"),)
    return Bundle(
        expiry=2_000_000_000, sources=sources, public_values=(value,), previous=sources, proofs=(program_proof(),)
    )


def fund() -> FundFile:
    signers = {"custodian": ADDRESS, "lender": ADDRESS}
    return FundFile(chain_id=31337, registry=ADDRESS, fund=ADDRESS, policy_owner=ADDRESS, signers=signers)


def ownership() -> OwnershipFile:
    return OwnershipFile(fund=ADDRESS, epoch=1, account=ADDRESS, signature=bytes(65))


def wallet() -> WalletFile:
    values = PublicValue(slot=3, value=11), PublicValue(slot=4, value=0)
    return WalletFile(chain_id=1, registry=ADDRESS, fund=ADDRESS, epoch=1, layout_hash=HASH, values=values)


def oversight() -> Oversight:
    return Oversight(publishers=(ADDRESS, FUND), challenge_window=3600, notice_period=259_200, auditors=(ADDRESS,))


def deployment() -> Deployment:
    places: dict[str, Any] = {name: ADDRESS for name in Deployment.model_fields if name not in NOT_PLACES}
    return Deployment(network="anvil", chain_id=31337, block=9, **places)


def integrations() -> Integrations:
    feed = Integration(contract="ComplianceFeed", address=ADDRESS, salt=HASH, arguments=bytes(64))
    return Integrations(network="anvil", chain_id=31337, contracts=(feed,))


def published() -> PublishedFile:
    return PublishedFile(epoch=3, block=9, transaction="0x" + HASH.hex(), source_set_hash=HASH)


def signed_transactions() -> list[bytes]:
    """A call, and the creation of a contract."""
    made = [Transaction(31337, 3, 90_000, 2 * 10**9, 10**9, to, 0, b"\x01\x02") for to in ("0x" + "11" * 20, None)]
    return [LocalSigner(HASH).sign(each).raw for each in made]


IDENTITY = JournalIdentity(31337, ADDRESS, ADDRESS, HASH, 3)


@lru_cache(maxsize=1)
def journal() -> bytes:
    """Of one submission, which is signed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        opened = Journal(path, clock=lambda: 1_579_219_200.0)
        record = opened.prepare(IDENTITY, Content(HASH, HASH, 2_000_000_000))
        opened.sign(record, ADDRESS, 3, lambda nonce: Signed(nonce, bytes(100), HASH))
        opened.close()
        return path.read_bytes()


def opening() -> OpeningFile:
    return OpeningFile.of(SourceOpening("custodian", {1: 400, 2: -300}, 2**200 + 1), 1, HASH)


def commitments() -> ChunkCommitments:
    limbs = tuple(point(k) for k in range(2, 9))
    return ChunkCommitments(point(1), (CurrencyCommitments(limbs, point(9)),))


def chunk_proof() -> bytes:
    points = (PROOF_SIZE - 15 * 32) // 128
    listed = [encode_point(point(k)) for k in range(points)]
    return b"".join(listed) + b"".join(k.to_bytes(32, "big") for k in range(15))


def book() -> BookFile:
    chunk = PublishedChunk(commitments=commitments().encode(), proofs=(chunk_proof(),))
    currency = published_currency(CURRENCY)
    return BookFile(fund=ADDRESS, epoch=1, source="investors", currencies=(currency,), root=HASH, chunks=(chunk,))


def inclusion() -> InclusionFile:
    shown = Inclusion(0, 17, commitments(), (HASH,), (12_345,), point(4), (point(5),))
    return InclusionFile.of(BookTerms(ADDRESS, 1, (CURRENCY,), 2), "alice", "nonce of alice", HASH, shown)


def secret() -> SecretFile:
    currency = published_currency(CURRENCY)
    return SecretFile(fund=ADDRESS, epoch=1, source="investors", currencies=(currency,), seed=HASH)


def key() -> bytes:
    """A statement key of ten rows in its ABI encoding."""
    kinds, columns = bytes([1] * 9 + [2]), (point(2),)
    groups = (Group(3, point(6)), Group(10, point(7)))
    zeros = bytes(32)
    made = StatementKey(
        Parameters(8), 7, 0, kinds, (5,), groups, (Group(4, point(8)),), (), columns, (), HASH, zeros, HASH, HASH
    )
    return made.encode()


@lru_cache(maxsize=1)
def market() -> bytes:
    """Three instruments of the sample and three days."""
    content: dict[str, Any] = json.loads(sample_market().model_dump_json())
    ids = ("BTC", "USD", "borrow-USD")
    content["instruments"] = [item for item in content["instruments"] if item["id"] in ids]
    scenarios, model = content["scenarios"], content["risk_model"]
    scenarios["dates"] = scenarios["dates"][:3]
    scenarios["returns"] = {name: scenarios["returns"][name][:3] for name in ids}
    model["loadings"] = {name: model["loadings"][name] for name in ids}
    content["betas"] = {"BTC": {"BTC": "1", "USD": "0"}}
    content["assets"] = {"USD": {"issuer": "somebody", "daily_volume_usd": "1000000"}}
    return json.dumps(content).encode()


def policies() -> list[bytes]:
    """The example, and one with groups, a scope and a base."""
    plain: dict[str, Any] = json.loads((EXAMPLES / "policy.json").read_text())
    tighter = {**plain, "name": "tighter", "base": plain}
    tighter["constraints"] = [
        {"kind": "gross_leverage", "limit": "2"},
        {"kind": "turnover", "limit": "0.2"},
        {"kind": "position_count", "maximum": "20"},
    ]
    return [json.dumps(plain).encode(), json.dumps(tighter).encode()]


def holdings() -> bytes:
    sources = {"custodian": {"BTC": "80", "USD": "1200000.5"}, "lender": {"borrow-USD": "600000"}}
    return json.dumps({"version": "1", "as_of": "2020-01-17", "sources": sources}).encode()


def instruments() -> bytes:
    listed = [
        {"id": "BTC", "asset": "BTC", "kind": "spot", "haircut": "0.15"},
        {"id": "borrow-USD", "asset": "USD", "kind": "borrow", "protocol": "lender", "account": "vault", "lot": "0.01"},
    ]
    assets = {"BTC": {"daily_volume_usd": "1000000"}}
    return json.dumps({"version": "1", "instruments": listed, "assets": assets}).encode()


PRICES = b"date,BTC,ETH_close_usd,BTC_volume_usd\n2020-01-01,7200.17,130.5,1e6\n2020-01-02,6985.5,,2.5e6\n"
ACCOUNTS = b'account,nonce,claim-USD,claim-BTC\nalice,n1,1.005,0.01\n"bob, the second",,200,0\n'
DATES = [dt.date(2020, 1, 1), dt.date(2020, 1, 2)]


def parquet(table: dict[str, Any]) -> bytes:
    """Column → cells, as Arrow arrays or as what Arrow makes of them."""
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(table), file)
    return file.getvalue()


def price_tables() -> list[bytes]:
    """Prices as numbers and as texts, days as dates, times and texts."""
    volumes = {"BTC_volume_usd": [10**6, None]}
    midnights = pyarrow.array([dt.datetime(day.year, day.month, day.day) for day in DATES], pyarrow.timestamp("us"))
    texts = {"date": [str(day) for day in DATES], "BTC": ["7200.17", "6985.5"], "ETH": [Decimal("130.5"), None]}
    return [
        parquet({"date": DATES, "BTC": [7200.17, 6985.5], "ETH_close_usd": [130, None]} | volumes),
        parquet({"date": midnights, "BTC": pyarrow.array([7200.5, 6985.5], pyarrow.float32())}),
        parquet(texts),
    ]


def account_table() -> bytes:
    """Text, whole numbers and decimals, as a custodian's database gives them."""
    balances = {"claim-USD": [Decimal("1.005"), Decimal("2.000")], "claim-BTC": [1, 0]}
    return parquet({"account": ["alice", "bob"], "nonce": ["n1", None]} | balances)


NETWORKS = b'[networks.mine]\nchain_id = 5\nrpc_url = "https://rpc.example/key"\nmax_fee_gwei = 2.5\n'


def reverts() -> list[bytes]:
    """Solidity's own errors, one of the contracts', and one of nobody."""
    texts = [b"Error(string)", b"Panic(uint256)"]
    values = [abi_encode(["string"], ["no"]), abi_encode(["uint256"], [17])]
    found = [keccak(name)[:4] + value for name, value in zip(texts, values, strict=True)]
    for entry in load_artifact("AttestationRegistry").abi:
        if entry["type"] == "error":
            types = [component["type"] for component in entry["inputs"]]
            selector = keccak(text=f"{entry['name']}({','.join(types)})")[:4]
            if set(types) <= {"uint256", "bytes32", "uint64", "uint8"}:
                found.append(selector + b"".join((k + 1).to_bytes(32, "big") for k in range(len(types))))
    return [*found, b"\x12\x34\x56\x78", b""]
