"""The verb `deploy`: what an attestation needs, at addresses that follow from its bytes, as often as one likes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attest.chain import deploy as deploy_contracts
from attest.chain.deployment import Deployment, missing, plan, standing
from attest.errors import EncodingError

from .acting import OnChain, grouped
from .terminal import console, step, table


@grouped
def deploy(
    on: OnChain, out: Annotated[Path, typer.Option("--out", help="Deployment file to write.")] = Path("deployment.json")
) -> None:
    """Deploy the verifiers and registries; what stands already is left as it is.

    The addresses are the same on every chain (CREATE2), and commit to the bytes that this package carries. What puts
    attestations to use, a feed, a vault or a governor, is created by proofolio integrate.

    Example: proofolio deploy --network sepolia --keystore deployer.keystore --out deployment.json
    """
    chain, planned = on.chain, plan()
    lacking = missing(chain, planned)
    shown = table(f"Contracts on {on.network}", "contract", "address", "")
    for creation in planned:
        state = f"up to {creation.gas_bound:,} gas" if creation in lacking else "stands"
        shown.add_row(creation.name, creation.address, state)
    console.print(shown)
    if on.dry_run:
        bound = sum(creation.gas_bound for creation in lacking)
        console.print(f"up to {bound:,} gas in {len(lacking)} transactions; nothing was sent")
        return
    if lacking:
        who = on.who  # a keystore asks for its password
        with step(f"Deploying {len(lacking)} contracts"):
            deploy_contracts(chain, who, planned)
    deployment = standing(chain, planned)
    _save(deployment, out)
    console.print(f"registry {deployment.registry}")


def _save(deployment: Deployment, out: Path) -> None:
    """Write the deployment file. Raises: EncodingError: it is of another deployment, which would be lost."""
    if out.exists():
        before = Deployment.load(out)
        if (before.chain_id, before.registry) != (deployment.chain_id, deployment.registry):
            raise EncodingError(f"{out} is of another deployment; name another file with --out")
        console.print(f"{out} is of this deployment")
        return
    deployment.save(out)
    console.print(f"{out} written")
