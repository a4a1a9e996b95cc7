"""Imports go one way, and the packages keep to what they promise (checked on the source, not by running it)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("attest", "optimizer", "scripts")

ORDER = (
    ("errors", "reference"),
    ("field",),
    ("polynomial", "curve"),
    ("program",),
    ("srs",),
    ("kzg", "transcript", "row_basis", "typed_data"),
    ("commitment", "statement"),
    ("range_check", "representation"),
    ("proof", "argument"),
    ("masking",),
    ("prover", "verifier"),
    ("registration",),
    ("attestation",),
    ("bundle",),
    ("liabilities", "wallet"),
    ("chain",),
)
"""Modules of `attest`, each layer using only itself and those above: algebra, KZG, program and statement, prover and
verifier, sources, files, chain. The commitments of sources stand early, because a proof speaks about them."""
LAYER = {module: layer for layer, modules in enumerate(ORDER) for module in modules}

PROGRAM_OR_ITS_ERRORS = ("attest.program", "attest.errors")
"""What `optimizer` may import of `attest`: the program, and the errors that the program raises."""


def sources(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts)


def imported(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports, wherever in the file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(parts[: len(parts) - node.level]) if node.level else ""
            module = ".".join(part for part in (start, node.module) if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


ATTEST = sources("attest")
OPTIMIZER = sources("optimizer")
ALL = [path for package in PACKAGES for path in sources(package)]


def test_there_is_something_to_check() -> None:
    assert ROOT / "attest" / "verifier.py" in ATTEST
    assert ROOT / "optimizer" / "market.py" in OPTIMIZER
    assert set(imported(ROOT / "attest" / "verifier.py")) >= {"attest.kzg", "attest.kzg.check_batch"}


@pytest.mark.parametrize("path", ATTEST, ids=relative)
def test_attest_knows_no_market(path: Path) -> None:
    foreign = [name for name in imported(path) if any(inside(name, p) for p in ("optimizer", "proofolio", "scripts"))]
    assert foreign == []


@pytest.mark.parametrize("path", OPTIMIZER, ids=relative)
def test_optimizer_uses_the_program_alone(path: Path) -> None:
    names = list(imported(path))
    assert [name for name in names if inside(name, "proofolio") or inside(name, "scripts")] == []
    foreign = [
        name
        for name in names
        if inside(name, "attest") and not any(inside(name, allowed) for allowed in PROGRAM_OR_ITS_ERRORS)
    ]
    assert foreign == []


@pytest.mark.parametrize("path", ATTEST, ids=relative)
def test_attest_is_layered(path: Path) -> None:
    own = path.relative_to(ROOT / "attest").with_suffix("").parts[0]
    if own == "__init__":
        return
    assert own in LAYER, f"attest/{own} has no layer; give it one in ORDER"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "attest":
            assert len(parts) > 1, "import the module, not the package that imports all of them"
            # program/rules.py reads program.parameters, and so does srs.py: a package counts as a whole.
            assert LAYER[parts[1]] <= LAYER[own], f"attest.{own} imports attest.{parts[1]}, which stands above it"


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_no_assert_outside_tests(path: Path) -> None:
    """`python -O` removes them."""
    found = [node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Assert)]
    assert found == []


@pytest.mark.parametrize("path", ATTEST, ids=relative)
def test_randomness_is_cryptographic(path: Path) -> None:
    """`random` and `numpy.random` are predictable; blinding comes from `secrets` or the caller."""
    assert [name for name in imported(path) if inside(name, "random") or inside(name, "numpy.random")] == []
    attributes = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "random" and isinstance(node.value, ast.Name)
    ]
    assert [node.lineno for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "np"] == []
