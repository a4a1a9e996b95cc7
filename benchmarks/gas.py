"""What an attestation costs on a chain, by number of assets and scenarios: the verifier alone and through the registry.

Runs on the embedded chain, whose gas is that of any chain at Prague.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from proofolio.pipeline import Signing, Terms, commit_source, prove_bundle
from proofolio.stage import publish_on_stage, set_stage
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

CASES = ((10, 250), (25, 250), (50, 250), (100, 250), (50, 1000))
"""Assets and scenarios; the last needs two programs."""
OUT = Path("out/bench/gas.json")
VALIDITY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas of the transactions of one attestation, one for each program, calldata and base cost included.

    Args:
        rows, packing, proof_bytes: of each program.
        calldata_gas: of the registry transactions' data by EIP-2028, part of registry_gas.
        verifier_gas, registry_gas: of whole transactions to the one and to the other.
    """

    assets: int
    scenarios: int
    rows: tuple[int, ...]
    packing: tuple[int, ...]
    proof_bytes: tuple[int, ...]
    calldata_gas: tuple[int, ...]
    verifier_gas: tuple[int, ...]
    registry_gas: tuple[int, ...]


def measure(assets: int, scenarios: int) -> Cost:
    """Prove a synthetic fund and publish the proofs on a fresh embedded chain."""
    market = synthetic_market(assets, scenarios)
    terms = Terms.of(risk_policy(market), market, load_setup())
    stage = set_stage(terms)
    fund, expiry = stage.fund, int(time.time()) + VALIDITY_SECONDS
    held = terms.compiled.holdings(diversified_lots(terms.compiled))
    signing = Signing(fund, 1, expiry)
    pairs = [commit_source(terms, held, name, key, signing) for name, key in stage.source_keys.items()]
    bundle = prove_bundle(terms, fund, [o for o, _ in pairs], [s for _, s in pairs], expiry)
    requirements = fund.requirements(terms.roles)
    policy = policy_id(fund.policy_owner, terms.compiled.policy_hash, requirements, len(terms.keys))
    submissions = Submission.of_bundle(bundle, fund, policy, terms.keys)
    registry, execute = Registry(stage.chain, fund.registry), stage.chain.execute
    calls = [verifier_call(stage.deployment, submission, bundle, fund) for submission in submissions]
    verifier_gas = tuple(execute(stage.fund_key, call).gas_used for call in calls)
    with tempfile.TemporaryDirectory() as folder:
        outcome = publish_on_stage(stage, terms, bundle, Path(folder) / "journal.sqlite")
    return Cost(
        assets,
        scenarios,
        tuple(key.row_count for key in terms.keys),
        tuple(key.parameters.packing for key in terms.keys),
        tuple(len(submission.proof) for submission in submissions),
        tuple(sum(16 if byte else 4 for byte in registry.submit(s).data) for s in submissions),
        verifier_gas,
        tuple(published.gas_used or 0 for published in outcome.published),
    )


def verifier_call(deployment: Deployment, submission: Submission, bundle: Bundle, fund: FundFile) -> Call:
    """A transaction to the verifier alone: `verify` is a view, and costs the same as one."""
    sources = bundle.source_set()
    context = (
        fund.registry,
        fund.fund,
        submission.epoch,
        submission.expiry,
        program_id(submission.policy_id, submission.program),
        NO_HASH,
        sources.hash,
        0,
        NO_HASH,
    )
    points = [(source.id, encode_point(source.commitment)) for source in sources.sources]
    holdings = [([(id_, [point[i : i + 32] for i in range(0, 128, 32)]) for id_, point in points], [])]
    interface = Interface(load_artifact("ProofVerifier").abi)
    data = interface.encode("verify", submission.key, context, holdings, submission.proof)
    return Call(deployment.verifier, data)


def main(arguments: list[str]) -> None:
    """Print a table and write it to out/bench/gas.json. Arguments: ASSETSxSCENARIOS, any number of them."""
    console = Console(highlight=False, width=150)
    columns = (
        "assets",
        "scenarios",
        "rows",
        "B",
        "proof bytes",
        "registry calldata",
        "verifier alone",
        "registry",
        "sum",
    )
    table = Table(*columns, box=None)
    costs = []
    for assets, scenarios in [(int(x), int(y)) for x, y in (a.split("x") for a in arguments)] or CASES:
        with console.status(f"{assets} assets, {scenarios} scenarios"):
            costs.append(measure(assets, scenarios))
        c = costs[-1]
        measured = (c.rows, c.packing, c.proof_bytes, c.calldata_gas, c.verifier_gas, c.registry_gas)
        cells = (" + ".join(f"{item:,}" for item in items) for items in measured)
        table.add_row(str(assets), str(scenarios), *cells, f"{sum(c.registry_gas):,}")
    console.print(table)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([asdict(cost) for cost in costs], indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
