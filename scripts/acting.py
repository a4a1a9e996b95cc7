"""Options that verbs of a chain share, each group of them said once: where one acts, as whom, and on what."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from inspect import Parameter
from pathlib import Path
from typing import get_type_hints

from attest.bundle import FundFile
from attest.chain import Call, Chain, Registry, Signer
from attest.errors import EncodingError
from optimizer.policy import Policy

from .chain import (
    DryRunOption,
    NetworkOption,
    NetworksOption,
    ProgramsOption,
    connect,
    registered,
    registry_of,
    send,
)
from .options import FundOption, KeystoreOption, PolicyOption, SignerOption
from .signers import load_signer


@dataclass(frozen=True, kw_only=True)
class OnChain:
    """Acting on a network, as somebody who signs and pays."""

    network: NetworkOption
    keystore: KeystoreOption = None
    signer: SignerOption = None
    networks: NetworksOption = None
    dry_run: DryRunOption = False

    @cached_property
    def chain(self) -> Chain:
        return connect(self.network, self.networks)

    @cached_property
    def who(self) -> Signer:
        return load_signer(self.keystore, self.signer)

    def send(self, call: Call, title: str) -> None:
        """Send a transaction and say what came of it, or what it would cost."""
        send(self.chain, self.who, call, title, self.dry_run)


@dataclass(frozen=True, kw_only=True)
class OnFund(OnChain):
    """Acting on a fund."""

    fund: FundOption

    @cached_property
    def parties(self) -> FundFile:
        return FundFile.load(self.fund)

    @cached_property
    def registry(self) -> Registry:
        parties = self.parties  # a malformed file is found before the node is asked
        return registry_of(self.chain, parties)


@dataclass(frozen=True, kw_only=True)
class OnPolicy(OnFund):
    """Acting on a registered policy, and a fund of it."""

    policy: PolicyOption
    programs: ProgramsOption = None

    @cached_property
    def policy_id(self) -> bytes:
        """Raises: EncodingError: it is not registered, or more than once."""
        found = registered(self.registry, self.parties, Policy.load(self.policy), self.programs)
        if found is None:
            raise EncodingError(f"{self.policy}: this policy is not registered by the fund file's policy owner")
        return found[0]

    def successor_id(self, successor: Path) -> bytes:
        """A policy that may replace this one: its present owner registered it, who need not be the fund file's.

        Raises: EncodingError: it is not registered, or more than once.
        """
        rules = Policy.load(successor)
        for owner in (self.registry.policies.owner(self.policy_id), self.parties.policy_owner):
            parties = self.parties.model_copy(update={"policy_owner": owner})
            found = registered(self.registry, parties, rules)
            if found is not None:
                return found[0]
        raise EncodingError(f"{successor}: this policy is not registered by the owner of {self.policy}")


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb whose first parameter is one of the groups above, as typer reads it: with the group's options instead.

    Typer takes names, types and defaults from the signature, and calls with keywords.
    """
    group, *own = inspect.signature(verb, eval_str=True).parameters.values()
    hints = get_type_hints(group.annotation, include_extras=True)
    shared = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group.annotation)
    ]
    listed = [*(parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in own), *shared]
    listed.sort(key=lambda parameter: parameter.default is not Parameter.empty)  # what is required, first

    def run(**given: object) -> None:
        options = group.annotation(**{parameter.name: given.pop(parameter.name) for parameter in shared})
        verb(options, **given)

    run.__name__, run.__doc__, run.__module__ = verb.__name__, verb.__doc__, verb.__module__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in listed}
    run.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    return run


__all__ = ["OnChain", "OnFund", "OnPolicy", "grouped"]
