"""Mutants of the contracts, all of them in one build: each stands behind its own gas price.

Compiling takes minutes and running a test seconds, so change number k is compiled in as `tx.gasprice == k ? changed :
original` and chosen by `forge test --gas-price k`; at the default price of 0 the contracts do what they should.
Functions that are `pure` become `view` for it, in a copy; the operators of F must stay pure and are left out.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECK, FORMULA = "check", "formula"
_OTHERS = {
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "*",
    "%": "/",
    "**": "*",
    "<<": ">>",
    ">>": "<<",
    "&": "|",
    "|": "&",
    "^": "|",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
}
_OF_FIELD_ELEMENTS = {"+", "-", "*"}
_IN_ASSEMBLY = re.compile(r"(\w+) := and\(\s*\1,\s*(\w+\((?:[^()]|\([^()]*\))*\))\s*\)")
"""A condition that is added to those before it: `done := and(done, eq(returndatasize(), 0x20))`."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """Args: number: the gas price that turns it on; file: under src; change: in words; kind: CHECK or FORMULA."""

    number: int
    file: str
    line: int
    change: str
    kind: str


class _Rewriter:
    """One source file; offsets are those of its UTF-8 bytes, as the compiler gives them."""

    def __init__(self, file: str, source: bytes, mutants: list[Mutant]) -> None:
        self.file, self.source, self.mutants = file, source, mutants

    def number(self, start: int, change: str, kind: str) -> int:
        line = self.source[:start].count(b"\n") + 1
        self.mutants.append(Mutant(len(self.mutants) + 1, self.file, line, change, kind))
        return len(self.mutants)

    def text(self, start: int, end: int) -> str:
        return self.source[start:end].decode()

    def rewritten(self, node: Any) -> str:
        """The node's text with all mutants within it."""
        start, end = _span(node)
        parts, at = [], start
        for child in _outermost(node):
            low, high = _span(child)
            parts += [self.text(at, low), self.changed(child)]
            at = high
        return "".join(parts) + self.text(at, end)

    def changed(self, node: Any) -> str:
        """A node that is itself changed; within the changed variant nothing else is."""
        if node["nodeType"] == "IfStatement":
            condition, start = node["condition"], _span(node)[0]
            whole = self.text(*_span(condition))
            k = self.number(start, f"never: {_short(whole)}", CHECK)
            low, high = _span(condition)
            head, tail = self.text(start, low), self.text(high, _span(node)[1])
            return f"{head}(tx.gasprice != {k} && ({self._expression(condition)})){tail}"
        return self._expression(node)

    def _expression(self, node: Any) -> str:
        if node["nodeType"] != "BinaryOperation" or not _is_mutable(node):
            return self.rewritten(node)
        left, right, operator = node["leftExpression"], node["rightExpression"], node["operator"]
        start = _span(node)[0]
        a, b = self.text(*_span(left)), self.text(*_span(right))
        between = self.text(_span(left)[1], _span(right)[0])
        shown = _short(self.text(*_span(node)))
        variants: list[tuple[str, str, str]]
        if operator in ("&&", "||"):
            variants = [(a, f"without: {_short(b)}", CHECK), (b, f"without: {_short(a)}", CHECK)]
        else:
            other = _OTHERS[operator]
            variants = [(f"{a}{between.replace(operator, other, 1)}{b}", f"{other} in: {shown}", FORMULA)]
        text = f"{self._operand(left)}{between}{self._operand(right)}"
        for variant, change, kind in variants:
            k = self.number(start, change, kind)
            text = f"(tx.gasprice == {k} ? ({variant}) : ({text}))"
        return text

    def _operand(self, node: Any) -> str:
        return self._expression(node) if node["nodeType"] == "BinaryOperation" else self.rewritten(node)


def _span(node: Any) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def _short(text: str) -> str:
    return " ".join(text.split())


def _is_mutable(node: Any) -> bool:
    """Whether it is computed at run time, in a type whose other operator exists."""
    kind = node["typeDescriptions"]["typeString"]
    if node["operator"] in ("&&", "||"):
        return True
    if kind.startswith("int_const") or node["operator"] not in _OTHERS:
        return False
    common = node["commonType"]["typeString"]
    if common == "F":
        return node["operator"] in _OF_FIELD_ELEMENTS
    return not (common == "bool" or (node["operator"] in _OF_FIELD_ELEMENTS and "const" in common))


def _is_refusal(node: Any) -> bool:
    """Whether it reverts, or answers `false`, under a condition."""
    body = node.get("trueBody") or {}
    statements = body.get("statements", [body])
    return node["nodeType"] == "IfStatement" and any(_refuses(statement) for statement in statements)


def _refuses(statement: Any) -> bool:
    answer = statement.get("expression") or {}
    is_false = answer.get("nodeType") == "Literal" and answer.get("value") == "false"
    return statement.get("nodeType") == "RevertStatement" or (statement.get("nodeType") == "Return" and is_false)


def _children(node: Any) -> Iterator[Any]:
    for value in node.values():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict) and "nodeType" in child and "src" in child:
                yield child


def _outermost(node: Any) -> Iterator[Any]:
    """The nodes below it that are changed, outermost first, in the order of the text."""
    for child in sorted(_children(node), key=_span):
        constant = child["nodeType"] == "VariableDeclaration" and child.get("constant")
        if constant or child["nodeType"] in ("InlineAssembly", "ArrayTypeName", "StructDefinition"):
            continue
        if child["nodeType"] == "FunctionDefinition" and child.get("kind") == "freeFunction":
            continue
        is_expression = child["nodeType"] == "BinaryOperation" and _is_mutable(child)
        if _is_refusal(child) or is_expression:
            yield child
        else:
            yield from _outermost(child)


def _syntax_trees(contracts: Path) -> dict[str, Any]:
    """From the pinned compiler, without generating code."""
    sources = {str(p.relative_to(contracts)): p for p in (contracts / "src").rglob("*.sol")}
    library = contracts / "node_modules"
    wanted = [text for p in sources.values() for text in re.findall(r'"(@openzeppelin[^"]+)"', p.read_text())]
    while wanted:
        name = wanted.pop()
        if name not in sources:
            sources[name] = library / name
            for relative in re.findall(r'from "(\.[^"]+)"', sources[name].read_text()):
                wanted.append(str((library / name).parent.joinpath(relative).resolve().relative_to(library.resolve())))
    job = {
        "language": "Solidity",
        "sources": {name: {"content": path.read_text()} for name, path in sources.items()},
        "settings": {"outputSelection": {"*": {"": ["ast"]}}},
    }
    done = subprocess.run(
        [contracts / "solc", "--standard-json"], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    faults = [e["formattedMessage"] for e in answer.get("errors", ()) if e["severity"] == "error"]
    if faults:
        raise RuntimeError(faults[0])
    return {name: found["ast"] for name, found in answer["sources"].items() if name.startswith("src/")}


def imported_by(contracts: Path, files: Iterable[Path]) -> set[Path]:
    """These files and what they import of the project, and so on."""
    found: set[Path] = set()
    wanted = [path.resolve() for path in files]
    while wanted:
        path = wanted.pop()
        if path not in found:
            found.add(path)
            wanted += [(path.parent / name).resolve() for name in re.findall(r'from "(\.[^"]+)"', path.read_text())]
    return {path.relative_to(contracts.resolve()) for path in found}


def write_mutants(contracts: Path, folder: Path, tests: Iterable[Path], mutated: Set[Path]) -> list[Mutant]:
    """A copy of some tests and all that they import in `folder`, which does not exist yet, with every mutant in it.

    Args: mutated: files whose mutants are wanted, from `contracts` on.
    """
    copied = imported_by(contracts, tests)
    for name in copied:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(contracts / name, folder / name)
    shutil.copytree(contracts / "test/fixtures", folder / "test/fixtures")
    for name in ("node_modules", "solc"):
        (folder / name).symlink_to((contracts / name).resolve())
    settings = (contracts / "foundry.toml").read_text()
    (folder / "foundry.toml").write_text(settings.replace('deny = "warnings"', 'deny = "never"'))
    found: list[Mutant] = []
    for name, tree in sorted(_syntax_trees(contracts).items()):
        if Path(name) not in copied & mutated:
            continue
        rewriter = _Rewriter(name.removeprefix("src/"), (contracts / name).read_bytes(), found)
        text = rewriter.text(0, _span(tree)[0]) + rewriter.rewritten(tree)
        text += rewriter.text(_span(tree)[1], len(rewriter.source))
        for added in _IN_ASSEMBLY.finditer(rewriter.source.decode()):
            k = rewriter.number(added.start(), f"without: {_short(added[2])}", CHECK)
            text = text.replace(added[0], f"{added[1]} := and({added[1]}, or(eq(gasprice(), {k}), {added[2]} ))", 1)
        (folder / name).write_text(text)
    for name in copied:
        (folder / name).write_text(_impure((folder / name).read_text()))
    return found


def _impure(text: str) -> str:
    """Only the operators of F stay pure, which stand before the first library, contract or interface."""
    opening = re.search(r"^(abstract )?(library|contract|interface) ", text, re.MULTILINE)
    cut = opening.start() if opening else len(text)
    return text[:cut] + re.sub(r"\bpure\b", "view", text[cut:])
