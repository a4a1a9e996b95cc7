"""The verb `equivocation`: evidence that a source signed twice for one epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import FundFile, SignedSource
from attest.errors import EncodingError
from attest.registration import check_equivocation
from optimizer.policy import Policy

from .options import FundOption, PolicyOption
from .pipeline import duties_of
from .terminal import console, styled


def equivocation(
    first: Annotated[Path, typer.Argument(help="A NAME.source.json.")],
    second: Annotated[Path, typer.Argument(help="Another of the same source, fund and epoch.")],
    policy: PolicyOption,
    fund: FundOption,
) -> None:
    """Whether a source signed two different commitments for one fund and epoch. Exit code 0: it did.

    Both files together are the evidence; anybody can check it.

    Example: proofolio equivocation mine.source.json theirs.source.json --policy policy.json --fund fund.json
    """
    parties, files = FundFile.load(fund), [SignedSource.load(first), SignedSource.load(second)]
    required = {each.source: each for each in parties.requirements(duties_of(Policy.load(policy)))}
    name = files[0].source
    if name not in required:
        raise EncodingError(f"{first}: the policy has no source {name!r}; it has {', '.join(sorted(required))}")
    if any(int(file.fund, 16) != int(parties.fund, 16) for file in files):
        raise EncodingError(f"a statement is about another fund than {fund}")
    statements = [(file.source_commitment(), file.signature) for file in files]
    check_equivocation(statements, required[name], parties.chain_id, parties.registry)
    found = f"source {name} signed twice for epoch {files[0].epoch}"
    console.print(styled("red", found, f": {required[name].signer}"))
    for source, _ in statements:
        console.print(f"commitment 0x{source.commitment_hash.hex()}", soft_wrap=True)
        console.print(f"signed 0x{source.signing_hash(parties.chain_id, parties.registry).hex()}", soft_wrap=True)


__all__ = ["equivocation"]
