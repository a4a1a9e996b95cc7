"""What a proof costs on a chain, by number of assets: the verifier alone and through the registry.

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

ASSETS = (10, 25, 50, 100)
SCENARIOS = 250
OUT = Path("out/bench/gas.json")
VALIDITY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas of one published proof, calldata and base cost included.

    Args:
        calldata_gas: of the registry transaction's data by EIP-2028, part of registry_gas.
        verifier_gas, registry_gas: of whole transactions to the one and to the other.
    """

    assets: int
    rows: int
    packing: int
    proof_bytes: int
    calldata_gas: int
    verifier_gas: int
    registry_gas: int


def measure(assets: int) -> Cost:
    """Prove a synthetic fund and publish the proof on a fresh embedded chain."""
    market = synthetic_market(assets, SCENARIOS)
    terms = Terms.of(risk_policy(market), market, load_setup())
    stage = set_stage(terms)
    fund, expiry = stage.fund, int(time.time()) + VALIDITY_SECONDS
    held = terms.compiled.holdings(diversified_lots(terms.compiled))
    signing = Signing(fund, 1, expiry)
    pairs = [commit_source(terms, held, name, key, signing) for name, key in stage.source_keys.items()]
    bundle = prove_bundle(terms, fund, [o for o, _ in pairs], [s for _, s in pairs], expiry)
    requirements = fund.requirements(terms.roles)
    policy = policy_id(fund.policy_owner, terms.compiled.policy_hash, requirements, 1)
    submission = Submission.of(bundle, fund, policy, terms.statement.key.encode())
    data = Registry(stage.chain, fund.registry).submit(submission).data
    call = verifier_call(stage.deployment, submission, bundle, fund)
    verifier_gas = stage.chain.execute(stage.fund_key, call).gas_used
    with tempfile.TemporaryDirectory() as folder:
        outcome = publish_on_stage(stage, terms, bundle, Path(folder) / "journal.sqlite")
    key = terms.statement.key
    calldata_gas = sum(16 if byte else 4 for byte in data)
    return Cost(
        assets,
        key.row_count,
        key.parameters.packing,
        len(bundle.proof()),
        calldata_gas,
        verifier_gas,
        outcome.gas,
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
    """Print a table and write it to out/bench/gas.json."""
    console = Console(highlight=False)
    table = Table(
        "assets", "rows", "B", "proof bytes", "registry calldata", "verifier alone", "through the registry", box=None
    )
    costs = []
    for assets in [int(x) for x in arguments] or ASSETS:
        with console.status(f"{assets} assets"):
            costs.append(measure(assets))
        c = costs[-1]
        gas = (c.calldata_gas, c.verifier_gas, c.registry_gas)
        table.add_row(*map(str, (c.assets, c.rows, c.packing, c.proof_bytes)), *(f"{item:,}" for item in gas))
    console.print(table)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([asdict(cost) for cost in costs], indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
