"""Several nodes of one chain as one web3 provider: the first that works is asked, all that work are sent to.

An endpoint that is dead, slow, of another chain, out of our quota or behind the others is left alone for a while, with
a note that names its number and never its address, which may hold an access key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from requests import HTTPError, RequestException, Timeout
from web3 import HTTPProvider
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from attest.chain.errors import ChainError, Unreachable, WrongChain
from attest.chain.networks import Network

REST_SECONDS, LONGEST_REST_SECONDS = 30.0, 600.0
COMPARE_SECONDS = 30.0
SENDING = "eth_sendRawTransaction"
LOOKUPS = ("eth_getTransactionReceipt", "eth_getTransactionByHash")
"""Where one endpoint knows nothing, another one may; before a transaction counts as unknown, all were asked."""

TOO_MANY_REQUESTS = 429
LIMIT_EXCEEDED = -32005
"""EIP-1474."""

Note = Callable[[str], None]


def silent(_: str) -> None:
    """Notes of nobody's interest."""


@dataclass
class _Endpoint:
    """One node.

    Args:
        name: its number in the list; chain_id: None before it said so.
        rests_until: on the monotonic clock; fault: why it rests; faults: in a row.
    """

    name: str
    provider: BaseProvider
    chain_id: int | None = None
    rests_until: float = 0.0
    fault: str = ""
    faults: int = 0


class _Fault(Exception):
    """An endpoint is of no use now, in words that continue a sentence about it."""


class Endpoints(BaseProvider):
    """A web3 provider over the nodes of a network.

    Args:
        note: is told when an endpoint is skipped.
    """

    def __init__(self, network: Network, providers: Sequence[BaseProvider], note: Note = silent) -> None:
        super().__init__()
        count = len(providers)
        names = ["the node"] if count == 1 else [f"endpoint {i} of {count}" for i in range(1, count + 1)]
        self._endpoints = [_Endpoint(name, provider) for name, provider in zip(names, providers, strict=True)]
        self._network, self._note = network, note
        self._compared = -COMPARE_SECONDS

    @classmethod
    def of(cls, network: Network, note: Note = silent) -> Endpoints:
        """Over HTTP. Raises: NetworkError: the network has no address."""
        urls, options = network.addresses(), {"timeout": network.request_seconds}
        if len(urls) == 1:
            return cls(network, [HTTPProvider(urls[0], options)], note)
        # Another endpoint is the better second attempt.
        return cls(network, [HTTPProvider(url, options, exception_retry_configuration=None) for url in urls], note)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The answer of an endpoint that works. Raises: WrongChain; Unreachable: there is none."""
        self._compare_heads()
        found: RPCResponse | None = None
        for answer in self._answers(method, params):
            found = answer if found is None or _says_more(answer, found) else found
            if method != SENDING and (method not in LOOKUPS or answer.get("result") is not None):
                break
        if found is None:
            raise self._none_works()
        return found

    def _answers(self, method: RPCEndpoint, params: Any) -> Iterator[RPCResponse]:
        """Of the endpoints that are awake; of those at rest, if there are no others."""
        now, answered = time.monotonic(), False
        awake = [endpoint for endpoint in self._endpoints if endpoint.rests_until <= now]
        resting = [endpoint for endpoint in self._endpoints if endpoint.rests_until > now]
        for endpoints in (awake, resting):
            for endpoint in endpoints:
                answer = self._try(endpoint, method, params)
                if answer is not None:
                    answered = True
                    yield answer
            if answered:
                return

    def _try(self, endpoint: _Endpoint, method: RPCEndpoint, params: Any) -> RPCResponse | None:
        """An endpoint's answer; None when it is of no use, which is noted."""
        try:
            if endpoint.chain_id is None:
                endpoint.chain_id = _number(_ask(endpoint.provider, RPCEndpoint("eth_chainId"), []))
            if endpoint.chain_id != self._network.chain_id:
                raise _Fault(f"serves chain {endpoint.chain_id} instead of {self._network.chain_id}")
            answer = _ask(endpoint.provider, method, params)
        except _Fault as fault:
            self._rest(endpoint, str(fault))
            return None
        endpoint.faults = 0
        return answer

    def _rest(self, endpoint: _Endpoint, fault: str) -> None:
        if endpoint.chain_id == self._network.chain_id:
            endpoint.chain_id = None  # who comes back says again which chain it serves
        seconds = min(REST_SECONDS * 2**endpoint.faults, LONGEST_REST_SECONDS)
        endpoint.rests_until = time.monotonic() + seconds
        if len(self._endpoints) > 1 and fault != endpoint.fault:
            self._note(f"network {self._network.name!r}: {endpoint.name} is skipped: it {fault}")
        endpoint.fault, endpoint.faults = fault, min(endpoint.faults + 1, 10)

    def _compare_heads(self) -> None:
        """Leave those alone that are behind the best, from time to time."""
        if len(self._endpoints) == 1 or time.monotonic() < self._compared + COMPARE_SECONDS:
            return
        self._compared = time.monotonic()
        heads: list[tuple[_Endpoint, int]] = []
        awake = [endpoint for endpoint in self._endpoints if endpoint.rests_until <= self._compared]
        for endpoint in awake:
            answer = self._try(endpoint, RPCEndpoint("eth_blockNumber"), [])
            if answer is not None:
                try:
                    heads.append((endpoint, _number(answer)))
                except _Fault as fault:
                    self._rest(endpoint, str(fault))
        best = max((head for _, head in heads), default=0)
        for endpoint, head in heads:
            if head < best - self._network.lag_blocks:
                self._rest(endpoint, f"is {best - head} blocks behind")

    def _none_works(self) -> ChainError:
        name, expected = self._network.name, self._network.chain_id
        served = [e.chain_id for e in self._endpoints if e.chain_id is not None]
        if len(served) == len(self._endpoints) and expected not in served:
            return WrongChain(name, expected, served[0])
        faults = "; ".join(f"{endpoint.name} {endpoint.fault}" for endpoint in self._endpoints)
        return Unreachable(f"network {name!r}: {faults}")


def _ask(provider: BaseProvider, method: RPCEndpoint, params: Any) -> RPCResponse:
    """An answer, perhaps an error of the request's own. Raises: _Fault: the endpoint is at fault."""
    try:
        answer = provider.make_request(method, params)
    except Timeout:
        raise _Fault("takes too long to answer") from None
    except HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise _Fault("limits our requests" if status == TOO_MANY_REQUESTS else f"answers HTTP {status}") from None
    except (RequestException, OSError) as error:
        raise _Fault(f"cannot be reached ({type(error).__name__})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Fault(f"gives an answer that is not understood ({type(error).__name__})") from None
    if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
        raise _Fault("gives an answer that is not understood")
    if _limited(answer.get("error")):
        raise _Fault("limits our requests")
    return answer


def _says_more(answer: RPCResponse, before: RPCResponse) -> bool:
    """One endpoint that took or knows a transaction is enough."""
    return answer.get("result") is not None and before.get("result") is None


def _limited(error: object) -> bool:
    if not isinstance(error, dict):
        return False
    text = str(error.get("message", "")).lower()
    spoken = any(words in text for words in ("rate limit", "too many requests", "quota"))
    return spoken or error.get("code") in (TOO_MANY_REQUESTS, LIMIT_EXCEEDED)


def _number(answer: RPCResponse) -> int:
    try:
        return int(cast(str, answer["result"]), 16)
    except (KeyError, ValueError, TypeError):
        raise _Fault("gives an answer that is not understood") from None
