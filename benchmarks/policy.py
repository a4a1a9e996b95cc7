"""What the whole catalogue of limits costs: compiling it, its statement keys, and optimising under it.

Compiling and keys are held to seconds; optimising to the time of a problem with the same limits that is written by
hand in cvxpy, in the same process, whose optimum stands beside the optimiser's own. Run it as
`python -m benchmarks.policy`. The tables go to the screen, every figure to out/bench/policy.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from attest import Setup, build_statement, load_setup
from benchmarks.catalogue import full_market, full_policy, linear_limits, policy_of
from benchmarks.fund import NAV_USD
from benchmarks.handwritten import Answer, HandWritten
from benchmarks.proof import THREADS, machine, timed
from optimizer.allocate import Allocation, MaximiseReturn, MinimiseShortfall, Objective, optimise
from optimizer.market import Market
from optimizer.policy import CompiledPolicy, Policy, compile_policy

LARGE = (250, 1000)
"""Assets and scenarios of what is compiled."""
SMALL = (50, 500)
"""Of what is optimised."""
SECOND_OF_A_KIND = ("five_day_shortfall", "five_day_var")
"""Limits without which each kind is there once."""
REPEATS = 3
SECONDS = 120.0
"""After which the search by hand stops."""
RESULTS = Path("out/bench/policy.json")
OBJECTIVES: Mapping[str, Objective] = {"return": MaximiseReturn(), "shortfall": MinimiseShortfall()}


@dataclass(frozen=True, slots=True)
class Compilation:
    """Seconds of wall clock for one policy.

    Args:
        rows: of the whole policy.
        programs: it was parted into; `keys_s` is for all of them.
    """

    limits: str
    rows: int
    programs: int
    compile_s: float
    keys_s: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One optimisation by the rows and by hand.

    Args:
        seconds, by_hand_s: median of REPEATS, building the problem included; compiling the policy is not.
        value, by_hand: the objectives' values; by hand None without an answer in SECONDS.
        proven: whether the solver proved the answer by hand the best.
    """

    limits: str
    objective: str
    seconds: float
    by_hand_s: float
    ratio: float
    value: float
    by_hand: float | None
    proven: bool


def once_each(policy: Policy) -> Policy:
    """Every kind of limit once."""
    kept = tuple(c for c in policy.constraints if getattr(c, "name", None) not in SECOND_OF_A_KIND)
    return policy.model_copy(update={"constraints": kept})


def keys(compiled: CompiledPolicy, setup: Setup) -> None:
    """The statement keys of all programs."""
    for program in compiled.programs:
        build_statement(
            program,
            setup,
            layout=compiled.layout,
            policy_hash=compiled.policy_hash,
            market_hash=compiled.market_hash,
            previous_layout=compiled.previous_layout if program.previous_size else None,
            threads=THREADS,
        )


def compilations(setup: Setup) -> list[Compilation]:
    """Compile and key the large market's policies."""
    market = full_market(*LARGE)
    before = compile_policy(policy_of(market, linear_limits(market)), market).layout
    whole = full_policy(market)
    measured = []
    for limits, policy in (("each kind once", once_each(whole)), ("two horizons of VaR and of shortfall", whole)):
        compile_s, compiled = timed(lambda policy=policy: compile_policy(policy, market, before))
        keys_s, _ = timed(lambda compiled=compiled: keys(compiled, setup))
        measured.append(
            Compilation(limits, len(compiled.program.rows), len(compiled.programs), compile_s, keys_s),
        )
    return measured


def compare(
    limits: str, objective: str, by_rows: Callable[[], Allocation], by_hand: Callable[[], Answer]
) -> Comparison:
    """Both by turns, so that a change in the machine's load meets both."""
    ours, hand = [], []
    for _ in range(REPEATS):
        ours.append(timed(by_rows))
        hand.append(timed(by_hand))
    seconds, by_hand_s = median(s for s, _ in ours), median(s for s, _ in hand)
    value, answer = ours[-1][1].objective_value, hand[-1][1]
    return Comparison(
        limits, objective, seconds, by_hand_s, seconds / by_hand_s, value, answer.objective, answer.proven
    )


def comparisons() -> list[Comparison]:
    """Optimise on the small market, without and with what is counted."""
    market = full_market(*SMALL)
    convex = compile_policy(policy_of(market, linear_limits(market)), market)
    held = optimise(convex, MinimiseShortfall(), NAV_USD)
    weights = held.weights()
    before = np.array([weights.get(name, 0.0) for name in market.ids])
    whole = compile_policy(full_policy(market), market, convex.layout)
    previous = whole.previous_quantities(held.holdings())
    compared = []
    for name, objective in OBJECTIVES.items():
        compared.append(
            compare(
                "convex",
                name,
                lambda objective=objective: optimise(convex, objective, NAV_USD),
                lambda name=name: HandWritten(market, counting=False).solve(name, SECONDS),
            )
        )
    for name, objective in OBJECTIVES.items():
        compared.append(
            compare(
                "all",
                name,
                lambda objective=objective: optimise(whole, objective, NAV_USD, previous=previous),
                lambda name=name: _counting_by_hand(market, before, name),
            )
        )
        compared.append(
            compare(
                "all, exact",
                name,
                lambda objective=objective: optimise(whole, objective, NAV_USD, previous=previous, exact=True),
                lambda name=name: _counting_by_hand(market, before, name),
            )
        )
    return compared


def _counting_by_hand(market: Market, before: np.ndarray, objective: str) -> Answer:
    return HandWritten(market, counting=True, previous=before).solve(objective, SECONDS)


def compiling_table(measured: Sequence[Compilation]) -> Table:
    """Beside the targets, which are for each kind once."""
    table = Table(title=f"{LARGE[0]} assets, {LARGE[1]} scenarios; targets: compile 3 s, keys 6 s")
    for column in ("limits", "rows", "programs", "compile s", "keys s"):
        table.add_column(column)
    for m in measured:
        table.add_row(m.limits, str(m.rows), str(m.programs), f"{m.compile_s:.2f}", f"{m.keys_s:.2f}")
    return table


def optimising_table(compared: Sequence[Comparison]) -> Table:
    """Both times and both optima; at most 2 is the target of the ratio."""
    table = Table(title=f"{SMALL[0]} assets, {SMALL[1]} scenarios; target: ratio 2")
    for column in ("limits", "objective", "s", "by hand, s", "ratio", "value", "value by hand"):
        table.add_column(column)
    for c in compared:
        by_hand = "none in time" if c.by_hand is None else f"{c.by_hand:.5f}" + ("" if c.proven else " (not proven)")
        table.add_row(
            c.limits, c.objective, f"{c.seconds:.2f}", f"{c.by_hand_s:.2f}", f"{c.ratio:.2f}", f"{c.value:.5f}", by_hand
        )
    return table


def main() -> None:
    """Measure, print and record."""
    console = Console()
    console.print("compiling the large policy …")
    measured = compilations(load_setup())
    console.print(compiling_table(measured))
    console.print("optimising, by turns with the problem written by hand …")
    compared = comparisons()
    console.print(optimising_table(compared))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": machine(),
        "compiling": [asdict(m) for m in measured],
        "optimising": [asdict(c) for c in compared],
    }
    RESULTS.write_text(json.dumps(record, indent=2) + "\n")
    console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
