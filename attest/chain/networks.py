"""Networks by name: presets and the user's own, in TOML (`networks.toml`)."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from attest.chain.errors import NetworkError

PRESETS = Path(__file__).with_name("networks.toml")
DAY = 86_400
"""Longer waits are mistakes, and the longest of them overflow the system's clocks."""
MOST_GAS, MOST_GWEI = 2**63 - 1, 10**9
"""A gas unit for an ether: far more than anybody pays, and a cost that a float holds."""


class Network(BaseModel):
    """Where a chain is reached, how much is paid there, and when what happened there is final.

    Args:
        chain_id: checked against each node's before it is asked anything.
        rpc_url, rpc_urls, rpc_url_env: the address, several of them, or the environment variable that holds one or
            several with commas between. They may carry access keys.
        embedded: a chain inside this process.
        request_seconds: how long an endpoint may take to answer.
        lag_blocks: an endpoint that is further behind the best one is not asked.
        gas_limit: gas of every transaction; None asks the node for an estimate and adds a fifth.
        base_fee_multiple: maxFeePerGas is this many times the base fee, plus the tip.
        priority_fee_gwei: the tip; None asks the node.
        max_fee_gwei: nothing is sent when maxFeePerGas would be above it; None sets no bound.
        bump_seconds: a transaction that waits longer is replaced by one that pays more.
        confirmations: blocks on top of a transaction's own that make it final.
        finalized: wait for the block that the node calls finalized instead, where it does so.
        mining_seconds: nothing is sent that expires sooner than this after the latest block.
        max_skew_seconds: how far the computer's clock and the latest block's may be apart; 0 compares nothing.
        poll_seconds, timeout_seconds: how often to look at a transaction, and how long without any progress.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False)

    name: str
    chain_id: Annotated[int, Field(ge=1)]
    rpc_url: str | None = Field(default=None, repr=False)
    rpc_urls: Annotated[tuple[str, ...], Field(strict=False, repr=False)] = ()
    rpc_url_env: str | None = None
    embedded: bool = False
    request_seconds: Annotated[float, Field(gt=0, le=DAY, strict=False)] = 20.0
    lag_blocks: Annotated[int, Field(ge=0)] = 3
    gas_limit: Annotated[int, Field(ge=21_000, le=MOST_GAS)] | None = None
    base_fee_multiple: Annotated[int, Field(ge=1, le=100)] = 2
    priority_fee_gwei: Annotated[float, Field(ge=0, le=MOST_GWEI, strict=False)] | None = None
    max_fee_gwei: Annotated[float, Field(gt=0, le=MOST_GWEI, strict=False)] | None = None
    bump_seconds: Annotated[float, Field(gt=0, strict=False)] = 90.0
    confirmations: Annotated[int, Field(ge=0, le=10_000)] = 12
    finalized: bool = False
    mining_seconds: Annotated[int, Field(ge=0)] = 60
    max_skew_seconds: Annotated[float, Field(ge=0, strict=False)] = 300.0
    poll_seconds: Annotated[float, Field(ge=0.001, le=DAY, strict=False)] = 2.0
    timeout_seconds: Annotated[float, Field(gt=0, strict=False)] = 600.0

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        given = sum(bool(x) for x in (self.rpc_url, self.rpc_urls, self.rpc_url_env, self.embedded))
        if given != 1:
            raise ValueError("give exactly one of rpc_url, rpc_urls, rpc_url_env and embedded = true")
        return self

    def addresses(self, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """The RPC addresses, in the order in which they are asked. May hold access keys: not for printing.

        Raises: NetworkError: the variable is not set, or holds something else than http addresses.
        """
        if self.embedded:
            raise NetworkError(f"network {self.name!r} lives inside the process and has no address")
        listed = environment.get(self.rpc_url_env or "", "").split(",")
        urls = self.rpc_urls or (
            (self.rpc_url,) if self.rpc_url else tuple(url.strip() for url in listed if url.strip())
        )
        if not urls:
            raise NetworkError(
                f"network {self.name!r}: set {self.rpc_url_env} to the address of a node's RPC, or to several "
                "addresses with commas between"
            )
        if not all(url.startswith(("http://", "https://")) for url in urls):
            raise NetworkError(f"network {self.name!r}: an RPC address must start with http:// or https://")
        return urls


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError):  # tomllib does not bound the nesting
        raise NetworkError(f"{path}: not a TOML file") from None
    networks = content.get("networks", {})
    if set(content) - {"networks"} or not isinstance(networks, dict):
        raise NetworkError(f"{path}: only tables [networks.NAME] may stand in it")
    if not all(isinstance(fields, dict) for fields in networks.values()):
        raise NetworkError(f"{path}: a network is a table [networks.NAME]")
    return networks


def _merge(preset: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The user's fields win; an address of the user's own replaces the preset's, however that was given."""
    addresses = {"rpc_url", "rpc_urls", "rpc_url_env", "embedded"}
    kept = {k: v for k, v in preset.items() if not (k in addresses and addresses & set(own))}
    return {**kept, **own}


def load_network(name: str, own: Path | None = None) -> Network:
    """A network by its name.

    Args:
        own: a file in the form of `networks.toml` whose fields replace the presets'.
    Raises: NetworkError: it names the file, the network and the field.
    """
    tables, where = _tables(PRESETS), "" if own is None else f"{own}: "
    if own is not None:
        for key, fields in _tables(own).items():
            tables[key] = _merge(tables.get(key, {}), fields)
    if name not in tables:
        raise NetworkError(f"{where}no network is called {name!r}; there are {', '.join(sorted(tables))}")
    try:
        return Network(**{**tables[name], "name": name})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise NetworkError(f"{where}network {name!r}: {field + ': ' if field else ''}{message}") from None
