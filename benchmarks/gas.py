"""What an attestation costs on a chain, by number of assets and scenarios: the verifier alone and through the registry.

Runs on the embedded chain, whose gas is that of any chain at Prague.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from proofolio.pipeline import PreviousEpoch, Signing, Terms, commit_source, prove_bundle
from proofolio.stage import Stage, publish_on_stage, set_stage
from rich.console import Console
from rich.table import Table

from attest import load_setup
from attest.bundle import Bundle, FundFile
from attest.chain import Call, Deployment, Registry, Submission
from attest.chain.abi import Interface
from attest.chain.artifacts import load_artifact
from attest.curve import encode_point
from attest.registration import policy_id, program_id
from attest.statement import NO_HASH
from benchmarks.fund import diversified_lots, risk_policy, synthetic_market
from optimizer import Market
from optimizer.policy import Policy, Turnover

CASES = ("10x250", "25x250", "50x250", "100x250", "50x1000", "50x250+")
"""Assets x scenarios; the one of 1000 needs two programs, + is a second epoch with a turnover limit."""
OUT = Path("out/bench/gas.json")
VALIDITY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas of the transaction of one attestation, with the proofs of all programs, calldata and base cost included.

    Args:
        rows, packing, proof_bytes: of each program.
        calldata_gas: of the registry transaction's data by EIP-2028, part of registry_gas.
        verifier_gas, registry_gas: of whole transactions to the one and to the other.
    """

    case: str
    rows: tuple[int, ...]
    packing: tuple[int, ...]
    proof_bytes: tuple[int, ...]
    calldata_gas: int
    verifier_gas: int
    registry_gas: int


def turnover_policy(market: Market) -> Policy:
    """The fund's policy with a limit that compares epochs."""
    policy = risk_policy(market)
    return policy.model_copy(update={"constraints": (*policy.constraints, Turnover(limit=Decimal("0.5")))})


def prove_epoch(stage: Stage, terms: Terms, epoch: int, before: PreviousEpoch | None) -> tuple[Bundle, PreviousEpoch]:
    """The epoch's bundle, and its files for the next one."""
    held = terms.compiled.holdings(diversified_lots(terms.compiled))
    signing = Signing(stage.fund, epoch, int(time.time()) + VALIDITY_SECONDS)
    pairs = [commit_source(terms, held, name, key, signing) for name, key in stage.source_keys.items()]
    files = PreviousEpoch(tuple(opening for opening, _ in pairs), tuple(signed for _, signed in pairs))
    return prove_bundle(terms, stage.fund, files.openings, files.signed, signing.expiry, before), files


def measure(case: str, folder: Path) -> Cost:
    """Prove a synthetic fund and publish the proofs on a fresh embedded chain."""
    assets, scenarios = (int(number) for number in case.removesuffix("+").split("x"))
    market, setup = synthetic_market(assets, scenarios), load_setup()
    terms = Terms.of(risk_policy(market), market, setup)
    stage, before, epoch = set_stage(terms), None, 1
    fund, journal = stage.fund, folder / f"{case}.sqlite"
    if case.endswith("+"):
        first, before = prove_epoch(stage, terms, epoch, None)
        publish_on_stage(stage, terms, first, journal)
        terms, epoch = Terms.of(turnover_policy(market), market, setup, terms.layout), 2
    bundle, _ = prove_epoch(stage, terms, epoch, before)
    requirements = fund.requirements(terms.duties)
    policy = policy_id(fund.policy_owner, terms.compiled.policy_hash, requirements, len(terms.keys))
    submission = Submission.of_bundle(bundle, fund, policy, terms.keys, terms.owned_slots)
    data = Registry(stage.chain, fund.registry).submit(submission).data
    verifying = verifier_call(stage.deployment, submission, bundle, fund)
    verifier_gas = stage.chain.execute(stage.fund_key, verifying).gas_used
    outcome = publish_on_stage(stage, terms, bundle, journal)
    return Cost(
        case,
        tuple(key.row_count for key in terms.keys),
        tuple(key.parameters.packing for key in terms.keys),
        tuple(len(program.proof) for program in submission.programs),
        sum(16 if byte else 4 for byte in data),
        verifier_gas,
        outcome.gas,
    )


def verifier_call(deployment: Deployment, submission: Submission, bundle: Bundle, fund: FundFile) -> Call:
    """A transaction to the verifier alone, with the proofs of all programs: its views cost the same as transactions."""
    sources, before = bundle.source_set(), bundle.previous_set() if submission.previous else None
    ids = [program_id(submission.policy_id, program.index) for program in submission.programs]
    shared = len(ids) > 1
    context = (
        fund.registry,
        fund.fund,
        submission.epoch,
        submission.expiry,
        NO_HASH if shared else ids[0],
        NO_HASH,
        sources.hash,
        before.epoch if before else 0,
        before.hash if before else NO_HASH,
    )
    holdings = []
    for held in (sources, before) if before else (sources,):
        points = [(source.id, encode_point(source.commitment)) for source in held.sources]
        holdings.append(([(id_, [point[i : i + 32] for i in range(0, 128, 32)]) for id_, point in points], []))
    interface = Interface(load_artifact("ProofVerifier").abi)
    keys = [program.key for program in submission.programs]
    proofs = [program.proof for program in submission.programs]
    if shared:
        return Call(deployment.verifier, interface.encode("verifyAll", keys, context, ids, holdings, proofs))
    return Call(deployment.verifier, interface.encode("verify", keys[0], context, holdings, proofs[0]))


def main(arguments: list[str]) -> None:
    """Print a table and write it to out/bench/gas.json. Arguments: cases like those of CASES."""
    console = Console(highlight=False, width=150)
    columns = ("case", "rows", "B", "proof bytes", "registry calldata", "verifier alone", "through the registry")
    table = Table(*columns, box=None)
    costs = []
    for case in arguments or CASES:
        with console.status(case), tempfile.TemporaryDirectory() as folder:
            costs.append(measure(case, Path(folder)))
        c = costs[-1]
        cells = (" + ".join(f"{item:,}" for item in items) for items in (c.rows, c.packing, c.proof_bytes))
        table.add_row(case, *cells, *(f"{gas:,}" for gas in (c.calldata_gas, c.verifier_gas, c.registry_gas)))
    console.print(table)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([asdict(cost) for cost in costs], indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
