"""Public JSON documents: published decimals, strict models, one meaning per file (protocol §6).

A number in a document is a string of decimal digits. Floats are refused, because two machines may read one
double differently; so are repeated keys, because two readers may keep different ones.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import from_json

from attest.program import decimal_string
from optimizer.errors import DataError

M = TypeVar("M", bound=BaseModel)

MAX_DIGITS = 30
"""On either side of the point: far more than any price needs, and cheap to compute with."""

_PLAIN = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}(\.[0-9]{{1,{MAX_DIGITS}}})?")


def parse_decimal(value: Any) -> Decimal:
    """A decimal from its published spelling.

    Args:
        value: a plain decimal string without exponent, or in Python an int or a Decimal.
    Raises: ValueError: anything else, floats above all.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"a {type(value).__name__} is no exact number; use a decimal string or a Decimal")
    text = value
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > 2 * MAX_DIGITS:
            raise ValueError("a number outside the range of published decimals")
        text = decimal_string(value)
    elif isinstance(value, int):
        text = str(value) if abs(value) < 10**MAX_DIGITS else ""
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        raise ValueError(f"not a plain decimal number of at most {MAX_DIGITS} digits on either side of the point")
    return Decimal(text)


def _published(value: Any, info: ValidationInfo) -> Decimal:
    if info.mode == "json" and not isinstance(value, str):
        raise ValueError('write numbers as decimal strings, such as "0.25"')
    return parse_decimal(value)


PublishedDecimal = Annotated[
    Decimal,
    BeforeValidator(_published),
    PlainSerializer(decimal_string, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_PLAIN.pattern}$"}),
]
"""A Decimal that is a string in JSON and never was a float."""


def _published_integer(value: Any, info: ValidationInfo) -> int:
    number = _published(value, info)
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


PublishedInteger = Annotated[
    int,
    BeforeValidator(_published_integer),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^-?[0-9]{{1,{MAX_DIGITS}}}$"}),
]
"""A whole number that is a string in JSON, as every number is."""

Symbol = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$")]
"""An identifier of an instrument, asset or source: ASCII, no spaces and no slash."""


class Document(BaseModel):
    """Base of everything that is read from a JSON file; errors never repeat what it says, which may be private."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {repeated!r} stands twice in one object; remove one of them")
    return result


def read_bytes(path: str | Path) -> bytes:
    """Raises: DataError: the file cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", file=path) from error


def parse_document(model: type[M], content: bytes, file: str | Path | None = None) -> M:
    """A document from its bytes.

    Raises: DataError: not JSON, a repeated key, or a field that the model refuses, named with its path.
    """
    try:
        from_json(content)  # bounds the nesting, which overflows json's stack where a package raised its limit
        json.loads(content.decode("utf-8"), object_pairs_hook=_refuse_repeated_keys)
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no JSON document: {error}", file=file) from error
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = first["msg"].removeprefix("Value error, ")
        raise DataError(message, file=file, column=field) from error


def read_document(model: type[M], path: str | Path) -> M:
    """A document from a file. Raises: DataError."""
    return parse_document(model, read_bytes(path), path)
