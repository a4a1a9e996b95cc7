"""Damage to one value of a JSON document: what fuzzing needs to get behind the first brace.

Everything that is wrong with a file in practice, one thing at a time: a type, a sign, a length, something missing,
something extra, a repeated key, a number that is none, a huge one, a deep one, and text that is no text.
"""

from __future__ import annotations

import copy
import json
import random
import re
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
KINDS = ("type", "sign", "length", "missing", "extra", "repeated", "nan", "huge", "nested", "text")
OTHER_TYPES: tuple[Any, ...] = (None, True, 0, -1, 1.5, "", "x", [], {}, [[]], {"": ""})
NOT_NUMBERS = ("NaN", "Infinity", "-Infinity", '"NaN"', '"Infinity"', '"sNaN"', '"-0"', "-0.0", '"0x"')
HUGE = (
    "1e400",
    "9" * 5000,
    "-" + "9" * 300,
    str(2**64),
    str(2**256),
    f'"{2**256}"',
    '"' + "9" * 5000 + '"',
    '"1e999999999"',
    '"0.' + "0" * 400 + '1"',
)
DEPTH = 100_000
NESTED = ("[" * DEPTH + "]" * DEPTH, '{"a":' * DEPTH + "1" + "}" * DEPTH, "[" * 300 + "]" * 300)
TEXTS = (
    '"\\ud800"',
    '"\\u0000"',
    '"\\u0661\\u0662"',
    '"\\u2028"',
    '" 1"',
    '"1_0"',
    '"+1"',
    '"' + "x" * 70_000 + '"',
    '"[red]x[/red]"',
    '"\\n\\u001b[31m"',
)
_RAW = "__raw__"
_AGAIN = "__again__"


@dataclass(frozen=True)
class Damage:
    """A damaged document. Args: kind: one of KINDS; path: of the value."""

    kind: str
    path: Path
    content: bytes

    def __str__(self) -> str:
        return f"{self.kind} at {'.'.join(map(str, self.path)) or 'the top'}"


def paths(document: Any, at: Path = ()) -> list[Path]:
    """Of all values, the document's own first."""
    found = [at]
    items = document.items() if isinstance(document, dict) else enumerate(document) if _is_list(document) else ()
    for key, value in items:
        found += paths(value, (*at, key))
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _get(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def _replace(document: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    copied = copy.deepcopy(document)
    _get(copied, path[:-1])[path[-1]] = value
    return copied


def encode(document: Any) -> bytes:
    """JSON in which raw text and repeated keys stand as they were asked for."""
    text = json.dumps(document)
    text = re.sub(rf'"{_RAW}((?:[^"\\]|\\.)*)"', lambda match: str(json.loads(f'"{match[1]}"')), text)
    return text.replace(f'"{_AGAIN}', '"').encode()


def kinds_at(value: Any, path: Path) -> list[str]:
    """What can be done to a value."""
    number = isinstance(value, int) and not isinstance(value, bool)
    digits = isinstance(value, str) and bool(re.fullmatch(r"-?[0-9.]+", value))
    able = {
        "sign": bool(number or digits),
        "length": isinstance(value, (str, list)) and bool(value),
        "missing": bool(path),
        "extra": isinstance(value, (dict, list)),
        "repeated": isinstance(value, dict) and bool(value),
    }
    return [kind for kind in KINDS if able.get(kind, True)]


def _negated(value: Any) -> Any:
    if isinstance(value, str):
        return value[1:] if value.startswith("-") else "-" + value
    return -value or -1


def _longer_or_shorter(value: Any, rng: random.Random) -> Any:
    """By one character or element; "0x" and a digit on top keep a hexadecimal string hexadecimal."""
    return value[:-1] if rng.random() < 0.5 else value + value[-1:]


def damage(document: Any, rng: random.Random, kind: str | None = None) -> Damage:
    """One value damaged in one way, chosen at random."""
    candidates = [(path, able) for path in paths(document) if (able := kinds_at(_get(document, path), path))]
    candidates = [(path, able) for path, able in candidates if kind is None or kind in able]
    path, able = rng.choice(candidates)
    kind = kind or rng.choice(able)
    value = _get(document, path)
    if kind == "missing":
        damaged = copy.deepcopy(document)
        del _get(damaged, path[:-1])[path[-1]]
    elif kind == "extra":
        more = [*value, value[-1] if value else 0] if isinstance(value, list) else {**value, "extra": "1"}
        damaged = _replace(document, path, more)
    elif kind == "repeated":
        key = rng.choice(list(value))
        damaged = _replace(document, path, {**value, _AGAIN + key: value[key]})
    else:
        others = [other for other in OTHER_TYPES if type(other) is not type(value)]
        raw = {"nan": NOT_NUMBERS, "huge": HUGE, "nested": NESTED, "text": TEXTS}
        replacement = {
            "type": lambda: rng.choice(others),
            "sign": lambda: _negated(value),
            "length": lambda: _longer_or_shorter(value, rng),
        }.get(kind, lambda: _RAW + rng.choice(raw[kind]))()
        damaged = _replace(document, path, replacement)
    return Damage(kind, path, encode(damaged))
