"""The steps between files: from a policy and a market to a statement, a signed source, a proof, a verdict."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from attest import (
    PreviousHoldings,
    Setup,
    SourceCommitment,
    Statement,
    StatementKey,
    build_statement,
    open_source,
    prove,
)
from attest.attestation import (
    PreviousRecord,
    check_previous,
    check_representations,
    check_sources,
    verify_attestation,
)
from attest.bundle import Bundle, FundFile, OpeningFile, ProgramProof, PublicValue, SignedSource, holdings_of
from attest.commitment import ROLES, SourceOpening, SourceSet
from attest.errors import EncodingError, ProofRejected, SourceError
from attest.program import Layout, Owner, solve
from attest.prover import Progress
from attest.registration import Duty
from attest.representation import RepresentationClaim, prove_representation
from attest.statement import NO_HASH
from attest.wallet import WalletFile
from optimizer.market import Market
from optimizer.policy import CompiledPolicy, Holdings, Policy, compile_policy

LAST_SECOND = 253_402_300_799
"""Of the year 9999, in Unix seconds: the calendar of Python ends there."""


@dataclass(frozen=True)
class Terms:
    """A compiled policy with the statement of each of its programs: all that is public about what is proved."""

    compiled: CompiledPolicy
    setup: Setup

    @classmethod
    def of(cls, policy: Policy, market: Market, setup: Setup, previous_layout: Layout | None = None) -> Terms:
        """Raises: PolicyError: the policy does not compile on this market."""
        return cls(compile_policy(policy, market, previous_layout), setup)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """One for each program, in order."""
        return tuple(
            build_statement(
                program,
                self.setup,
                layout=self.layout,
                policy_hash=self.compiled.policy_hash,
                market_hash=self.compiled.market_hash,
                previous_layout=self.compiled.previous_layout if program.previous_size else None,
            )
            for program in self.compiled.programs
        )

    @property
    def keys(self) -> tuple[StatementKey, ...]:
        return tuple(statement.key for statement in self.statements)

    @cached_property
    def digests(self) -> tuple[bytes, ...]:
        """Of each program's key, in order: what a registry approves."""
        return tuple(key.digest for key in self.keys)

    @property
    def layout(self) -> Layout:
        return self.compiled.layout

    @property
    def roles(self) -> dict[str, int]:
        """Source name → role code."""
        return {name: duty.role for name, duty in self.duties.items()}

    @property
    def duties(self) -> dict[str, Duty]:
        """Source name → what the policy asks of it."""
        return duties_of(self.compiled.policy)

    @property
    def owned_slots(self) -> dict[str, tuple[int, ...]]:
        """Source name → its slots, ascending."""
        return {name: self.layout.owned_by(name) for name in self.layout.sources}

    @property
    def as_of(self) -> int:
        """Midnight UTC of the market's day, Unix seconds."""
        midnight = dt.datetime.combine(self.compiled.market.as_of, dt.time(), dt.UTC)
        return int(midnight.timestamp())


def duties_of(policy: Policy) -> dict[str, Duty]:
    """Source name → what the policy asks of it."""
    return {source.name: Duty(ROLES[source.role], source.representation) for source in policy.sources}


def compares_epochs(policy: Policy) -> bool:
    """Whether some limit of a policy looks at the previous epoch."""
    return any(constraint.definition.compares_epochs for constraint in policy.named_constraints())


def layout_of(policy: Policy, market: Market) -> Layout:
    """The layout of a policy's holdings. Raises: as `compiled_alone`."""
    return compiled_alone(policy, market).layout


def compiled_alone(policy: Policy, market: Market) -> CompiledPolicy:
    """A policy where only its layout and wallet are wanted, which no epoch that it is compared with changes.

    Raises: PolicyError: the policy does not compile on this market.
    """
    return compile_policy(policy, market, any_previous_layout(policy, market))


def any_previous_layout(policy: Policy, market: Market) -> Layout | None:
    """A layout to compile against where only the epoch's own is wanted: that of the policy without its limits."""
    if not compares_epochs(policy):
        return None
    return compile_policy(policy.model_copy(update={"constraints": (), "base": None}), market).layout


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
    lots = terms.compiled.source_lots(holdings, source)
    return sign_opening(terms, open_source(terms.layout, source, lots), key, signing)


def sign_opening(
    terms: Terms, opening: SourceOpening, key: bytes, signing: Signing
) -> tuple[OpeningFile, SignedSource]:
    """The signed commitment of an opening, and both as files."""
    source, layout = opening.source, terms.layout
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
    chain_id, registry = signing.fund.chain_id, signing.fund.registry
    representation = b""
    if terms.duties[source].representation:
        claim = RepresentationClaim(chain_id, registry, commitment, layout.owned_by(source))
        representation = prove_representation(terms.setup, claim, opening)
    signed = SignedSource.of(commitment, commitment.sign(key, chain_id, registry), representation)
    return OpeningFile.of(opening, signing.epoch, layout.hash), signed


@dataclass(frozen=True, slots=True)
class PreviousEpoch:
    """The files of the previous epoch, for policies that compare with it."""

    openings: tuple[OpeningFile, ...] = field(repr=False)
    signed: tuple[SignedSource, ...]
    wallet: WalletFile | None = None


PublicValues = tuple[tuple[int, int], ...]
"""(slot, lots), ascending."""


def needed_public_values(layout: Layout, wallet: WalletFile | None, fund: FundFile, epoch: int) -> PublicValues:
    """What fills the public slots of a layout.

    Raises: EncodingError: the policy has the fund's addresses read and there is no reading, or the other way round; or
        it is of another layout, fund or epoch.
    """
    if not layout.of(Owner.PUBLIC):
        if wallet is not None:
            raise EncodingError("the policy has no wallet, so that nothing read from the fund's addresses goes into it")
        return ()
    if wallet is None:
        raise EncodingError(
            "the policy has what the fund's addresses hold read on chain: give --wallet, the file that "
            "`proofolio wallet read` writes"
        )
    return wallet.public_values(layout, fund, epoch)


def _ordered(
    signed: Sequence[SignedSource], public_values: PublicValues
) -> tuple[tuple[SignedSource, ...], SourceSet, tuple[bytes, ...]]:
    """Signed sources ascending by identifier, the set they make, and their signatures."""
    ordered = tuple(sorted(signed, key=lambda s: s.source_commitment().id))
    sources = SourceSet(tuple(s.source_commitment() for s in ordered), public_values)
    return ordered, sources, tuple(s.signature for s in ordered)


def prove_bundle(
    terms: Terms,
    fund: FundFile,
    openings: Sequence[OpeningFile],
    signed: Sequence[SignedSource],
    expiry: int,
    previous: PreviousEpoch | None = None,
    book_root: bytes = NO_HASH,
    wallet: WalletFile | None = None,
    progress: Progress = lambda step: None,
) -> Bundle:
    """The proofs that the openings satisfy all programs of the policy, with the sources they rest on.

    Args:
        previous: files of the fund's last registered epoch, where the policy compares epochs; None where it does not.
        book_root: of the fund's liability book, see `needed_book_root`.
        wallet: what the registry read, see `needed_public_values`.
        progress: called with the name of each round.
    Raises: StatementFalse: they do not, naming the constraints; SourceError, EncodingError: files that do not fit.
    """
    requirements = fund.requirements(terms.duties)
    place, layout = (fund.chain_id, fund.registry), terms.layout
    values = needed_public_values(layout, wallet, fund, max((s.epoch for s in signed), default=0))
    ordered, sources, signatures = _ordered(signed, values)
    check_sources(layout, requirements, sources, signatures, *place, as_of=terms.as_of)
    check_representations(terms.setup, layout, requirements, sources, [s.representation for s in ordered], *place)
    held = holdings_of(list(openings), sources, layout, terms.setup)
    layout_before = terms.compiled.previous_layout
    if (layout_before is None) != (previous is None):
        raise SourceError("a policy that compares epochs needs the previous epoch's files, and no other does")
    before: PreviousHoldings | None = None
    ordered_before: tuple[SignedSource, ...] = ()
    vector_before: list[int] = []
    if previous is not None and layout_before is not None:
        epoch_before = max((s.epoch for s in previous.signed), default=0)
        values_before = needed_public_values(layout_before, previous.wallet, fund, epoch_before)
        ordered_before, sources_before, signatures_before = _ordered(previous.signed, values_before)
        proofs_before = [source.representation for source in ordered_before]
        record = PreviousRecord(layout_before, sources_before, signatures_before, sources_before.hash, proofs_before)
        check_previous(terms.setup, record, sources, requirements, *place)
        held_before = holdings_of(list(previous.openings), sources_before, layout_before, terms.setup)
        before = PreviousHoldings(held_before, sources_before)
        vector_before = held_before.vector(layout_before.size, {})
    lots = held.vector(layout.size, {})
    aux = terms.compiled.aux_values([lots[slot] for slot in terms.compiled.held_slots])
    solve(terms.compiled.program, held.vector(layout.size, aux), vector_before)  # names all broken limits at once
    contexts = fund.contexts(terms.compiled.policy_hash, terms.duties, expiry, len(terms.statements), book_root)
    proofs = []
    for statement, context in zip(terms.statements, contexts, strict=True):
        compared = before if statement.key.vectors == 2 else None
        proof = prove(terms.setup, statement, context, held, sources, aux, previous=compared, progress=progress)
        proofs.append(ProgramProof.of(statement.key, proof))
    return Bundle(
        expiry=expiry,
        sources=ordered,
        public_values=_listed(sources),
        previous=ordered_before,
        previous_public_values=_listed(before.sources) if before is not None else (),
        proofs=tuple(proofs),
    )


def _listed(sources: SourceSet) -> tuple[PublicValue, ...]:
    return tuple(PublicValue(slot=slot, value=value) for slot, value in sources.public_values)


def verify_bundle(
    terms: Terms,
    fund: FundFile,
    bundle: Bundle,
    now: int | None = None,
    previous_source_set: bytes | None = None,
    book_root: bytes = NO_HASH,
    public_values: PublicValues = (),
) -> None:
    """Accept a bundle, or say why not. Everything but the proofs is recomputed from the public files.

    Args:
        now: Unix seconds at which the proofs must still be valid; None asks no such thing.
        previous_source_set: hash of the fund's last registered source set before this epoch, from the registry or from
            a bundle that was verified before; for policies that compare epochs.
        book_root: of the fund's liability book, from the registry or a book that was verified; see `needed_book_root`.
        public_values: what the registry read at the fund's addresses, from the registry; see `needed_public_values`.
    Raises: ProofRejected, SourceError, EncodingError.
    """
    if tuple(proved.digest for proved in bundle.proofs) != terms.digests:
        raise ProofRejected("statement key", "it was proved for another policy or market than the files given here")
    if tuple((item.slot, item.value) for item in bundle.public_values) != public_values:
        raise ProofRejected("public slots", "it was proved with other values than were read from the fund's addresses")
    sources, requirements = bundle.source_set(), fund.requirements(terms.duties)
    if int(sources.fund, 16) != int(fund.fund, 16):
        raise SourceError("the sources signed for another fund")
    verify_attestation(
        terms.setup,
        terms.keys,
        terms.layout,
        requirements,
        fund.contexts(terms.compiled.policy_hash, terms.duties, bundle.expiry, len(terms.keys), book_root),
        sources,
        [source.signature for source in bundle.sources],
        [proved.proof() for proved in bundle.proofs],
        as_of=terms.as_of,
        previous=_previous_record(terms, bundle, previous_source_set),
        representations=[source.representation for source in bundle.sources],
    )
    if now is not None and bundle.expiry < now:
        raise ProofRejected("expiry", f"it was valid until {timestamp(bundle.expiry)}")
    if now is not None and any(source.expiry < now for source in sources.sources):
        raise ProofRejected("expiry", "a source's signature is no longer valid")


def _previous_record(terms: Terms, bundle: Bundle, source_set_hash: bytes | None) -> PreviousRecord | None:
    layout, published = terms.compiled.previous_layout, bundle.previous_set()
    if layout is None:
        if published is not None:
            raise SourceError("the bundle has sources of a previous epoch, and the policy compares no epochs")
        return None
    if published is None:
        raise SourceError("the policy compares epochs, and the bundle lacks the previous epoch's sources")
    if source_set_hash is None:
        raise SourceError("the policy compares epochs: the previous epoch's source set must come from a trusted record")
    signatures = [source.signature for source in bundle.previous]
    representations = [source.representation for source in bundle.previous]
    return PreviousRecord(layout, published, signatures, source_set_hash, representations)


def quantities_by_instrument(holdings: Holdings) -> dict[str, Decimal]:
    """Instrument id → units over all sources. Secret."""
    totals: dict[str, Decimal] = {}
    for held in holdings.sources.values():
        for name, quantity in held.items():
            totals[name] = totals.get(name, Decimal(0)) + quantity
    return totals


def timestamp(seconds: int) -> str:
    """A moment in UTC; a file may name one that no calendar has."""
    if seconds > LAST_SECOND:
        return f"after the year 9999 ({seconds} s)"
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
