"""A contract by its JSON ABI: calls, answers, and why it refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from attest.chain.errors import NetworkError

STANDARD = {"Error": ["string"], "Panic": ["uint256"]}
"""Errors of Solidity itself."""

UNDECODABLE = (DecodingError, OverflowError, ValueError)
"""What eth_abi raises for bytes of its own types, for lengths that no index holds, and for text that is not UTF-8."""

_HEXADECIMAL = re.compile(r"0x([0-9a-fA-F]{2})*")
_PRINTED_BYTES = re.compile(r"""b'([^'\\]|\\.)*'|b"([^"\\]|\\.)*\"""")
"""One literal and nothing behind it: a node chooses the text."""


def _type(component: Mapping[str, Any]) -> str:
    kind = str(component["type"])
    if kind.startswith("tuple"):
        return "(" + ",".join(_type(c) for c in component["components"]) + ")" + kind[len("tuple") :]
    return kind


def _show(value: Any) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_show(item) for item in value) + "]"
    return str(value)


def encode_arguments(abi: Iterable[Mapping[str, Any]], *arguments: Any) -> bytes:
    """What stands behind a contract's creation code."""
    types = [_type(c) for item in abi if item["type"] == "constructor" for c in item["inputs"]]
    return bytes(encode(types, arguments))


class Interface:
    """Calldata and answers of a contract whose functions are not overloaded. Structs are tuples in the ABI's order."""

    def __init__(self, abi: Iterable[Mapping[str, Any]]) -> None:
        self._functions = {
            item["name"]: ([_type(c) for c in item["inputs"]], [_type(c) for c in item["outputs"]])
            for item in abi
            if item["type"] == "function"
        }

    def encode(self, function: str, *arguments: Any) -> bytes:
        """Calldata of a call."""
        types, _ = self._functions[function]
        return bytes(keccak(text=f"{function}({','.join(types)})")[:4] + encode(types, arguments))

    def decode(self, function: str, answer: bytes) -> tuple[Any, ...]:
        """What a call returned. Raises: NetworkError: it is no answer of such a contract."""
        try:
            return tuple(decode(self._functions[function][1], answer))
        except UNDECODABLE:
            raise NetworkError(f"{function}: another answer than the contract's; is its address right?") from None


class ErrorTable:
    """The custom errors of some contracts, by selector.

    Args:
        abis: JSON ABIs; a call may revert with an error of any contract that it reaches.
    """

    def __init__(self, abis: Iterable[Iterable[Mapping[str, Any]]]) -> None:
        known = dict(STANDARD)
        for abi in abis:
            for item in abi:
                if item["type"] == "error":
                    known[item["name"]] = [_type(component) for component in item["inputs"]]
        self._errors = {keccak(text=f"{name}({','.join(types)})")[:4]: (name, types) for name, types in known.items()}

    def describe(self, data: bytes) -> str:
        """`Name(value, ...)`, or what can be said of data that no known error explains."""
        if not data:
            return "no reason given"
        name, types = self._errors.get(data[:4], ("", []))
        if not name:
            return f"unknown error 0x{data[:4].hex()}"
        try:
            values = decode(types, data[4:])
        except UNDECODABLE:
            return f"{name} with malformed values"
        if name == "Error":
            return str(values[0])
        return f"{name}({', '.join(_show(value) for value in values)})"


def revert_data(error: Exception) -> bytes | str:
    """The bytes that a node returned with a revert, or its text where it gives no bytes.

    Nodes send hexadecimal data; eth-tester prints the bytes into its message.
    """
    data = getattr(error, "data", None)
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    if isinstance(data, str) and _HEXADECIMAL.fullmatch(data):
        return bytes.fromhex(data[2:])
    text = str(error.args[0]) if error.args else ""
    reason = text.removeprefix("execution reverted").removeprefix(":").strip()
    if _PRINTED_BYTES.fullmatch(reason):
        with suppress(ValueError, SyntaxError):
            return bytes(ast.literal_eval(reason))
    return reason if reason not in ("", "no data") else b""
