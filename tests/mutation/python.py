"""Mutants of a Python module: the module with one small thing changed, so that a test should notice.

A change is a check that never refuses, a part of its condition left out, a comparison that takes in or leaves out its
border, a sign, or a number that is one larger.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CHECK, FORMULA = "check", "formula"

_BORDERS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OTHERS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Mod: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed module.

    Args:
        line, end: first and last of the change; change: in words; kind: CHECK or FORMULA.
        source: of the whole module with it. function: the outermost function or class that it is in.
    """

    line: int
    end: int
    change: str
    source: str
    kind: str
    function: str


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its syntax tree."""
    tree = ast.parse(source)
    for outermost in tree.body:
        for node in list(ast.walk(outermost)):
            for kind, change, do, undo in _changes(node):
                do()
                name = getattr(outermost, "name", "")
                lines = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
                yield Mutant(*lines, change, ast.unparse(tree), kind, name)
                undo()


_Change = tuple[str, str, Callable[[], None], Callable[[], None]]


def _set(node: ast.AST, field: str, value: object, kind: str, change: str) -> _Change:
    old = getattr(node, field)
    return kind, change, lambda: setattr(node, field, value), lambda: setattr(node, field, old)


def _changes(node: ast.AST) -> Iterator[_Change]:
    if isinstance(node, ast.If) and any(isinstance(inner, ast.Raise) for inner in node.body):
        shown = ast.unparse(node.test)
        yield _set(node, "test", ast.Constant(value=False), CHECK, f"never: {shown}")
        if isinstance(node.test, ast.BoolOp):
            operands = node.test.values
            for i, operand in enumerate(operands):
                rest = operands[:i] + operands[i + 1 :]
                yield _set(node.test, "values", rest, CHECK, f"without: {ast.unparse(operand)}")
    elif isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            other = _BORDERS[type(operator)]()
            name = type(other).__name__ + (f", the {i + 1}," if len(node.ops) > 1 else "")
            ops = [*node.ops[:i], other, *node.ops[i + 1 :]]
            yield _set(node, "ops", ops, FORMULA, f"{name} in: {ast.unparse(node)}")
    elif isinstance(node, ast.BinOp) and type(node.op) in _OTHERS:
        instead = _OTHERS[type(node.op)]()
        yield _set(node, "op", instead, FORMULA, f"{type(instead).__name__} in: {ast.unparse(node)}")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield _set(node, "op", ast.UAdd(), FORMULA, f"no sign: {ast.unparse(node)}")
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield _set(node, "value", node.value + 1, FORMULA, f"{node.value} + 1")
