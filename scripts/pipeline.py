"""The steps between files: from a policy and a market to a statement, a signed source, a proof, a verdict."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from attest import Setup, SourceCommitment, Statement, build_statement, open_source, prove, verify_attestation
from attest.attestation import check_sources
from attest.bundle import Bundle, FundFile, OpeningFile, SignedSource, holdings_of
from attest.commitment import ROLES, SourceSet
from attest.errors import ProofRejected, SourceError
from attest.program import Layout
from attest.prover import Progress
from optimizer.market import Market
from optimizer.policy import CompiledPolicy, Holdings, Policy, compile_policy


@dataclass(frozen=True)
class Terms:
    """A compiled policy with its statement key: all that is public about what is proved."""

    compiled: CompiledPolicy
    setup: Setup

    @classmethod
    def of(cls, policy: Policy, market: Market, setup: Setup) -> Terms:
        """Raises: PolicyError: the policy does not compile on this market."""
        return cls(compile_policy(policy, market), setup)

    @cached_property
    def statement(self) -> Statement:
        return build_statement(
            self.compiled.program,
            self.setup,
            layout=self.layout,
            policy_hash=self.compiled.policy_hash,
            market_hash=self.compiled.market_hash,
        )

    @property
    def layout(self) -> Layout:
        return self.compiled.layout

    @property
    def roles(self) -> dict[str, int]:
        """Source name → role code."""
        return {source.name: ROLES[source.role] for source in self.compiled.policy.sources}

    @property
    def as_of(self) -> int:
        """Midnight UTC of the market's day, Unix seconds."""
        midnight = dt.datetime.combine(self.compiled.market.as_of, dt.time(), dt.UTC)
        return int(midnight.timestamp())


@dataclass(frozen=True, slots=True)
class Signing:
    """For which fund, epoch and validity a source signs."""

    fund: FundFile
    epoch: int
    expiry: int


def commit_source(
    terms: Terms, holdings: Holdings, source: str, key: bytes, signing: Signing
) -> tuple[OpeningFile, SignedSource]:
    """A source's fresh commitment to its own holdings, and its signature.

    Raises: DataError: the holdings do not fit the policy; SourceError: the policy does not know the source.
    """
    if source not in terms.roles:
        raise SourceError(f"the policy has no source {source!r}; it has {', '.join(terms.roles)}")
    lots = dict(zip(terms.compiled.source_slots, terms.compiled.lots(holdings), strict=True))
    layout = terms.layout
    opening = open_source(layout, source, {slot: lots[slot] for slot in layout.owned_by(source)})
    commitment = SourceCommitment(
        fund=signing.fund.fund,
        epoch=signing.epoch,
        as_of=terms.as_of,
        source=source,
        role=terms.roles[source],
        layout_hash=layout.hash,
        owned_slots_hash=layout.owned_slots_hash(source),
        commitment=opening.commitment(terms.setup),
        expiry=signing.expiry,
        nonce=secrets.randbits(256),
    )
    signature = commitment.sign(key, signing.fund.chain_id, signing.fund.registry)
    signed = SignedSource.of(commitment, signature)
    return OpeningFile.of(opening, signing.epoch, layout.hash), signed


def prove_bundle(
    terms: Terms,
    fund: FundFile,
    openings: Sequence[OpeningFile],
    signed: Sequence[SignedSource],
    expiry: int,
    progress: Progress = lambda step: None,
) -> Bundle:
    """The proof that the openings satisfy the policy, with the sources it rests on.

    Raises: StatementFalse: they do not, naming the constraints; SourceError, EncodingError: files that do not fit.
    """
    ordered = tuple(sorted(signed, key=lambda s: s.source_commitment().id))
    sources = SourceSet(tuple(s.source_commitment() for s in ordered))
    check_sources(
        terms.layout,
        fund.requirements(terms.roles),
        sources,
        [s.signature for s in ordered],
        fund.chain_id,
        fund.registry,
        as_of=terms.as_of,
    )
    held = holdings_of(list(openings), sources, terms.layout, terms.setup)
    lots = [held.vector(terms.layout.size, {})[slot] for slot in terms.compiled.source_slots]
    context = fund.context(terms.compiled.policy_hash, terms.roles, expiry, 0, len(terms.compiled.programs))
    aux = terms.compiled.aux_values(lots)
    proof = prove(terms.setup, terms.statement, context, held, sources, aux, progress=progress)
    key = terms.statement.key
    return Bundle.of(key.digest, 0, expiry, ordered, proof, key.parameters.packing)


def verify_bundle(terms: Terms, fund: FundFile, bundle: Bundle, now: int | None = None) -> None:
    """Accept a bundle, or say why not. Everything but the proof is recomputed from the public files.

    Args:
        now: Unix seconds at which the proof must still be valid; None asks no such thing.
    Raises: ProofRejected, SourceError, EncodingError.
    """
    key = terms.statement.key
    if bundle.digest != key.digest:
        raise ProofRejected("statement key", "it was proved for another policy or market than the files given here")
    if bundle.program != 0 or bundle.public_values:
        raise ProofRejected("program", "the policy has one program and no public slots")
    sources = bundle.source_set()
    if int(sources.fund, 16) != int(fund.fund, 16):
        raise SourceError("the sources signed for another fund")
    context = fund.context(terms.compiled.policy_hash, terms.roles, bundle.expiry, 0, len(terms.compiled.programs))
    verify_attestation(
        terms.setup,
        key,
        terms.layout,
        fund.requirements(terms.roles),
        context,
        sources,
        bundle.signatures,
        bundle.proof(),
        as_of=terms.as_of,
    )
    if now is not None and bundle.expiry < now:
        raise ProofRejected("expiry", f"it was valid until {timestamp(bundle.expiry)}")
    if now is not None and any(source.expiry < now for source in sources.sources):
        raise ProofRejected("expiry", "a source's signature is no longer valid")


def quantities_by_instrument(holdings: Holdings) -> dict[str, Decimal]:
    """Instrument id → units over all sources. Secret."""
    totals: dict[str, Decimal] = {}
    for held in holdings.sources.values():
        for name, quantity in held.items():
            totals[name] = totals.get(name, Decimal(0)) + quantity
    return totals


def timestamp(seconds: int) -> str:
    """A moment in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
