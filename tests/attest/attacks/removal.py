"""One check less: a function in which exactly one `raise` is left out, and nothing else is changed.

The code of the function itself is exchanged, so that whoever imported it has the weaker one, and methods too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any


class LeaveOut(ast.NodeTransformer):
    """Puts `pass` where a `raise` stood whose text, as `ast.unparse` writes it, has the fragment."""

    def __init__(self, fragment: str) -> None:
        self.fragment = fragment
        self.count = 0

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        if self.fragment not in ast.unparse(node):
            return node
        self.count += 1
        return ast.copy_location(ast.Pass(), node)


def definition(function: FunctionType) -> ast.stmt:
    """Found by its name and not by its line, which is another one where a mutant is installed (tests/mutation)."""
    found: ast.stmt | ast.Module = ast.parse(Path(str(sys.modules[function.__module__].__file__)).read_text("utf-8"))
    for name in function.__qualname__.split("."):
        assert isinstance(found, ast.Module | ast.ClassDef)
        (found,) = [n for n in found.body if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == name]
    assert isinstance(found, ast.FunctionDef)
    return found


def weakened(function: FunctionType, fragments: tuple[str, ...]) -> CodeType:
    """The function's code with one `raise` less for each fragment."""
    name = f"<{function.__qualname__} weakened>"
    if function.__code__.co_filename == name:
        raise LookupError(f"{function.__qualname__} is weakened already; say all fragments at once")
    node = definition(function)
    for fragment in fragments:
        leave_out = LeaveOut(fragment)
        node = leave_out.visit(node)
        if leave_out.count != 1:
            raise LookupError(f"{fragment!r} is in {leave_out.count} raises of {function.__qualname__}")
    module = compile(ast.Module([node], []), name, "exec")
    (code,) = [c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == function.__name__]
    return code


@contextmanager
def without(function: Callable[..., Any], *fragments: str) -> Iterator[None]:
    """Everybody's `function` lacks the check whose `raise` has this fragment of a message.

    Args:
        fragments: more than one where several checks refuse the same thing; each picks one `raise`.
    Raises: LookupError: a fragment is in no `raise` of the function, or in several.
    """
    assert isinstance(function, FunctionType)
    honest = function.__code__
    function.__code__ = weakened(function, fragments)
    try:
        yield
    finally:
        function.__code__ = honest
