"""Random markets and policies of all kinds: what the optimiser answers is provable, and one lot past a limit is not.

What cannot be compiled or allocated is left out, and each test counts what it has shown.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from attest import Context, Holdings, SourceSet, Statement, build_statement, open_source, prove
from attest.commitment import ROLES, SourceCommitment
from attest.errors import StatementFalse
from attest.masking import PreviousHoldings
from attest.program import Layout, solve
from attest.srs import Setup
from attest.verifier import verify
from optimizer.allocate import Allocation, MaximiseReturn, MinimiseShortfall, MinimiseVolatility, Objective, optimise
from optimizer.errors import Infeasible, PolicyError, SolverFailed
from optimizer.market import Market
from optimizer.policy import (
    CollateralCap,
    CompiledPolicy,
    Concentration,
    Constraint,
    ExpectedShortfall,
    FactorExposure,
    Greek,
    GrossLeverage,
    HealthFactor,
    HistoricalVar,
    Liquidity,
    MinPositionSize,
    NetLeverage,
    ParametricVar,
    PositionCount,
    PositionLimit,
    RedemptionCoverage,
    Solvency,
    Stress,
    Turnover,
    Volatility,
    compile_policy,
)
from optimizer.scenarios.stress import Contagion, Gap, ProtocolLoss
from tests.optimizer.policy_strategies import policy_of, splits
from tests.optimizer.strategies import decimals, rich_markets

CAPITAL = 1_000_000.0
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
OBJECTIVES: list[Objective] = [MaximiseReturn(), MinimiseShortfall(0.9), MinimiseVolatility()]
EVERY = sorted(Constraint.registry)
LACKING = (
    "hits nothing",
    "nothing that the policy holds has",
    "may be short",
    "nothing that the policy owns",
    "does not follow",
)
"""Why a policy is refused on a market that happens to lack what it is about."""


def drawn(kind: str, market: Market, draw: Any) -> Constraint:
    """A constraint of a kind with a limit that many allocations keep."""
    level = draw(decimals("0.55", "0.99", 2))
    loose = draw(decimals("0.3", "1", 2))
    makers: dict[str, Any] = {
        "concentration": lambda: Concentration(
            limit=loose + 1, by=draw(st.sampled_from(["instrument", "asset", "chain", "protocol", "issuer"]))
        ),
        "expected_shortfall": lambda: ExpectedShortfall(confidence=level, limit=loose),
        "factor_exposure": lambda: FactorExposure(factor="MKT", min=-loose, max=loose),
        "greek": lambda: Greek(greek=draw(st.sampled_from(["delta", "gamma", "vega", "theta"])), min=-loose, max=loose),
        "gross_leverage": lambda: GrossLeverage(limit=1 + loose),
        "health_factor": lambda: HealthFactor(minimum=1 + loose),
        "historical_var": lambda: HistoricalVar(confidence=level, limit=loose),
        "liquidity": lambda: Liquidity(limit=loose / 10, days=30, participation=Decimal("0.5")),
        "min_position_size": lambda: MinPositionSize(min_usd=1000 * loose),
        "net_leverage": lambda: NetLeverage(limit=1 + loose),
        "parametric_var": lambda: ParametricVar(
            confidence=Decimal("0.99"), limit=loose, quantile=Decimal("2.326347875")
        ),
        "position_count": lambda: PositionCount(maximum=draw(st.integers(1, 4))),
        "position_limit": lambda: PositionLimit(instrument=market.ids[0], max_usd=1_000_000 * loose),
        "redemption_coverage": lambda: RedemptionCoverage(
            redemptions=loose / 20, days=60, participation=Decimal("0.5"), include_supplied=True
        ),
        "solvency": lambda: Solvency(
            margin=loose / 10,
            caps=(CollateralCap(by="asset", group="AAA", max_share=loose),) if draw(st.booleans()) else (),
        ),
        "stress": lambda: Stress(
            scenario=draw(
                st.sampled_from(
                    [
                        Gap(drop=Decimal("0.3")),
                        ProtocolLoss(protocol="alpha", share=Decimal("0.5")),
                        Contagion(factor="MKT", move=Decimal("-0.2")),
                    ]
                )
            ),
            max_loss=loose,
        ),
        "turnover": lambda: Turnover(limit=1 + 3 * loose),
        "volatility": lambda: Volatility(limit=4 * loose),
    }
    constraint = makers[kind]()
    assert isinstance(constraint, Constraint)
    return constraint


Case = tuple[CompiledPolicy, tuple[int, ...]]
"""A compiled policy and the previous epoch's vector, empty where nothing compares epochs."""


@st.composite
def cases(draw: st.DrawFn, kinds: Sequence[str] = EVERY, always: Sequence[str] = ()) -> Case:
    """Policies of some kinds, without those for which the market lacks something. Args: always: among the kinds."""
    market = draw(rich_markets(max_instruments=4, max_scenarios=8))
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6, unique=True))
    sources = draw(splits(market))
    constraints = [drawn(kind, market, draw) for kind in dict.fromkeys([*always, *chosen])]
    # Where nothing else bounds it, borrowing is bounded by this.
    constraints.append(GrossLeverage(name="bound", limit=Decimal(6)))
    options: dict[str, Any] = {"sources": sources, "netting": draw(st.sampled_from(["across_sources", "none"]))}
    before = compile_policy(policy_of(market, gross_cap_usd=Decimal(20_000_000), **options), market)
    policy = policy_of(market, *constraints, nav_floor_usd="1000", gross_cap_usd=Decimal(20_000_000), **options)
    try:
        compiled = compile_policy(policy, market, before.layout)
    except PolicyError as error:
        assert any(reason in str(error) for reason in LACKING), error
        reject()
    previous: tuple[int, ...] = ()
    if compiled.previous_layout is not None:
        value = abs(before.lot_values_usd[0])
        previous = (1, int(Fraction(CAPITAL) / value), *[0] * (before.layout.size - 2))
    return compiled, previous


def answer(compiled: CompiledPolicy, previous: Sequence[int], objective: Objective) -> Allocation | None:
    """The optimum, whose lots satisfy the integer program, or None where there is none, or an odd market hides it."""
    try:
        allocation = optimise(compiled, objective, CAPITAL, previous=previous)
    except Infeasible as error:
        assert error.constraints
        assert set(error.constraints) <= {c.name for c in compiled.constraints}
        return None
    except SolverFailed as error:
        assert any(reason in str(error) for reason in ("less than a lot of room", "undecided", "gave no answer"))
        return None
    solve(compiled.program, allocation.quantities, previous)
    assert set(allocation.shadow_prices) <= {c.name for c in compiled.constraints}
    return allocation


def broken(compiled: CompiledPolicy, lots: Sequence[int], previous: Sequence[int]) -> tuple[str, ...]:
    try:
        solve(compiled.program, compiled.quantities(lots), previous)
    except StatementFalse as error:
        return error.constraints
    return ()


def past_the_limit(compiled: CompiledPolicy, lots: Sequence[int], previous: Sequence[int], name: str) -> bool:
    """Move one position lot by lot: the first lot at which the limit's slack is negative is refused by its name.

    Returns: whether there was such a lot.
    """

    def moved(slot: int, step: int) -> list[int]:
        changed = list(lots)
        changed[slot] += step
        return changed

    def left(slot: int, step: int) -> Fraction:
        return compiled.slacks_usd(compiled.quantities(moved(slot, step)), previous)[name]

    if not compiled.constraint(name).definition.continuous:
        return False
    now = left(0, 0)
    reach = 10**6
    falls = [(left(s, d * reach), s, d) for s in range(len(lots)) for d in (1, -1)]
    lowest, slot, direction = min(falls)
    if lowest >= 0 or lowest >= now:
        return False  # nothing that a single position can do breaks it
    low, high = 0, reach
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if left(slot, direction * middle) < 0 else (middle, high)
    assert name not in broken(compiled, moved(slot, direction * low), previous)
    assert name in broken(compiled, moved(slot, direction * high), previous)
    return True


@pytest.mark.slow
def test_what_the_optimiser_answers_is_provable() -> None:
    """Of 200 questions most have an answer, to policies of every kind, and limits of several kinds are gone past."""
    answered, passed = Counter[str](), Counter[str]()

    @given(case=cases(), objective=st.sampled_from(OBJECTIVES))
    @settings(max_examples=200, deadline=None, phases=UNSHRUNK, suppress_health_check=list(HealthCheck))
    def judge(case: Case, objective: Objective) -> None:
        compiled, previous = case
        allocation = answer(compiled, previous, objective)
        if allocation is None:
            return
        answered.update({"policies", *(constraint.definition.kind for constraint in compiled.constraints)})
        for name in allocation.binding:
            if past_the_limit(compiled, allocation.lots, previous, name):
                passed[compiled.constraint(name).definition.kind] += 1

    judge()
    assert answered["policies"] >= 100
    assert answered.keys() >= {*EVERY}
    assert passed.total() >= 50
    assert len(passed) >= 5


def signed(layout: Layout, quantities: Sequence[int], epoch: int, setup: Setup) -> PreviousHoldings:
    """Openings of all sources of an epoch, and their commitments as they would be signed.

    Args: quantities: by slot.
    """
    openings, commitments = [], []
    for source in layout.sources:
        opening = open_source(layout, source, {slot: quantities[slot] for slot in layout.owned_by(source)})
        openings.append(opening)
        commitments.append(
            SourceCommitment(
                fund="0x" + "11" * 20,
                epoch=epoch,
                as_of=epoch,
                source=source,
                role=ROLES["custodian"],
                layout_hash=layout.hash,
                owned_slots_hash=layout.owned_slots_hash(source),
                commitment=opening.commitment(setup),
                expiry=2**40,
                nonce=0,
            )
        )
    return PreviousHoldings(Holdings(tuple(openings)), SourceSet(tuple(commitments)))


def statements(compiled: CompiledPolicy, setup: Setup) -> list[Statement]:
    return [
        build_statement(
            program,
            setup,
            layout=compiled.layout,
            previous_layout=compiled.previous_layout if program.previous_size else None,
            policy_hash=compiled.policy_hash,
            market_hash=compiled.market_hash,
        )
        for program in compiled.programs
    ]


def prove_and_verify(compiled: CompiledPolicy, lots: Sequence[int], previous: Sequence[int], setup: Setup) -> list[int]:
    """Prove every program of a policy and verify it; the number of vectors of each."""
    now = signed(compiled.layout, compiled.quantities(lots), 2, setup)
    before = signed(compiled.previous_layout, previous, 1, setup) if compiled.previous_layout else None
    context = Context(chain_id=1, registry="0x" + "22" * 20, expiry=2**40, program_id=bytes(32))
    vectors = []
    for statement in statements(compiled, setup):
        own = before if statement.program.previous_size else None
        aux = compiled.aux_values(lots)
        proof = prove(setup, statement, context, now.holdings, now.sources, aux, previous=own)
        verify(setup, statement.key, context, now.sources, proof, own.sources if own else None)
        vectors.append(statement.key.vectors)
    return vectors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kinds", "always", "vectors"),
    [
        pytest.param([kind for kind in EVERY if kind != "turnover"], [], 1, id="one epoch"),
        pytest.param(EVERY, ["turnover"], 2, id="two epochs"),
    ],
)
def test_full_proofs_of_what_the_optimiser_answers(
    setup: Setup, kinds: Sequence[str], always: Sequence[str], vectors: int
) -> None:
    """What has no answer is drawn again, so that every example is a policy whose programs are all proved."""
    proved: list[list[int]] = []

    @given(case=cases(kinds, always), objective=st.sampled_from(OBJECTIVES))
    @settings(max_examples=5, deadline=None, phases=UNSHRUNK, suppress_health_check=list(HealthCheck))
    def judge(case: Case, objective: Objective) -> None:
        allocation = answer(*case, objective)
        if allocation is None:
            reject()
        proved.append(prove_and_verify(case[0], allocation.lots, case[1], setup))

    judge()
    assert len(proved) >= 3
    assert all(vectors in policy for policy in proved)
