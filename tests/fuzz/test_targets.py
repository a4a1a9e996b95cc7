"""Every fuzzing target on its seeds and on some mutations of them, without atheris; and nothing is read without one."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from attest.bundle import File
from optimizer.documents import Document
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import SHAPES, TARGETS

SLOW = {
    "reference-points": 5,
    "reference-compressed-points": 5,
    "reference-chunks": 10,
    "reference-keys": 10,
    "keystores": 40,
    "answers": 100,
    "journals": 50,
}
"""Fewer examples where a parser checks subgroups in plain Python, derives a key or opens a database."""
EXAMPLES = 300
ROOT = Path(__file__).parents[2]
PACKAGES = {"attest": "attest", "optimizer": "optimizer", "scripts": "proofolio"}
"""Folder → name for imports."""
MODULES = [
    ".".join([name, *path.relative_to(ROOT / folder).with_suffix("").parts]).removesuffix(".__init__")
    for folder, name in PACKAGES.items()
    for path in sorted((ROOT / folder).rglob("*.py"))
]
READS = re.compile(r"_?(parse|decode|decompress|read|load|open|recover|describe|signer)(_|$)")
"""How functions that turn bytes into something are called here."""

# What reads no foreign bytes itself, or by way of what has a target ------------------------------------------------

BASES = {
    "attest.bundle.File.parse": "of every file class",
    "attest.bundle.File.load": "File.parse of a path",
    "optimizer.documents.parse_document": "of every document class",
    "optimizer.documents.read_document": "parse_document of a path",
    "optimizer.documents.read_bytes": "reads a path, whatever it holds",
    "optimizer.instruments.specification.InstrumentList.load": "parse_document of a path",
    "optimizer.market.Market.load": "parse_document of a path",
    "optimizer.policy.holdings.Holdings.load": "parse_document of a path, checked by tests/optimizer",
    "optimizer.policy.model.Policy.load": "Policy.parse of a path",
    "attest.liabilities.accounts._open": "read_accounts",
    "attest.liabilities.accounts._open_parquet": "read_accounts",
    "attest.commitment.SourceCommitment.signer": "the sources target recovers the signer of each file",
    "proofolio.options.load_terms": "loads documents",
    "proofolio.options.load_layout_terms": "loads documents",
    "proofolio.options.parse_root": "loads a book",
    "proofolio.signers.load_signer": "load_key",
    "proofolio.wallet.read": "a verb",
    "proofolio.watch.Watcher._read_wallet": "loads files",
    "attest.chain.accounts.Accounts.read": "builds a call",
}
NOT_FUZZED = {
    "attest.srs.parse": "its SHA-256 is pinned",
    "attest.chain.database._open": "opens what the journals target opens, or a database's URL",
    "attest.liabilities.ledger.Ledger.open": "an SQLite file of 4088 entries at least, longer than an input",
    "attest.liabilities.workdir.Workdir.open": "a folder of such a file",
}


UNREAD = {
    "optimizer.policy.constraints.leverage.GrossCap": "of a policy's own field",
    "optimizer.policy.constraints.nav.NavFloor": "of a policy's own field",
}


def qualified(reader: Callable[..., Any]) -> str:
    return f"{reader.__module__}.{reader.__qualname__}"


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_accepted(name: str) -> None:
    target = TARGETS[name]
    assert target.seeds()
    for seed in target.seeds():
        assert target.run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_only_declared_errors_leave_the_parser(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()

    @settings(max_examples=SLOW.get(name, EXAMPLES), deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(seeds), st.integers(0, 2**32), st.binary(max_size=200))
    def check(seed: bytes, choice: int, noise: bytes) -> None:
        target.run(mutate(seed, random.Random(choice)))
        target.run(noise)

    check()


def test_proofs_of_every_shape_are_fuzzed() -> None:
    assert set(SHAPES.values()) == {(packing, vectors) for packing in (2, 4, 8) for vectors in (1, 2)}
    assert {len(seed) for seed in TARGETS["proofs"].seeds()} == set(SHAPES)


# Completeness --------------------------------------------------------------------------------------------------------


def classes_within(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from classes_within(part)


def parts(model: type[BaseModel], known: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """The model and all models in its fields."""
    if model not in known:
        known.add(model)
        for field in model.model_fields.values():
            for inner in classes_within(field.annotation):
                parts(inner, known)
    return known


def subclasses(of: type[BaseModel]) -> set[type[BaseModel]]:
    found = {each for each in of.__subclasses__() if each.__module__.split(".")[0] in PACKAGES.values()}
    return found.union(*map(subclasses, found))


def test_every_file_class_has_a_target() -> None:
    """A class whose objects stand in the files of another one is read with it."""
    for module in MODULES:
        import_module(module)
    fuzzed: set[type[BaseModel]] = set()
    for target in TARGETS.values():
        for reader in target.readers:
            if isinstance(reader, type) and issubclass(reader, BaseModel):
                parts(reader, fuzzed)
    abstract = {File, Document, *(each for each in subclasses(Document) if subclasses(each))}
    assert fuzzed <= subclasses(BaseModel)
    assert {qualified(each) for each in subclasses(BaseModel) - fuzzed - abstract} == set(UNREAD)


def functions(node: ast.AST, name: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield f"{name}.{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from functions(child, f"{name}.{child.name}")


def test_every_reader_of_bytes_has_a_target() -> None:
    """A function that is called as readers are, and takes bytes or a path."""
    found = set()
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join([package, *path.relative_to(ROOT / folder).with_suffix("").parts])
            for name, function in functions(ast.parse(path.read_text()), module.removesuffix(".__init__")):
                arguments = [*function.args.args, *function.args.kwonlyargs]
                taken = " ".join(ast.unparse(each.annotation) for each in arguments if each.annotation)
                if READS.match(function.name) and re.search(r"\b(bytes|Path)\b", taken):
                    found.add(name)
    fuzzed = {qualified(reader) for target in TARGETS.values() for reader in target.readers}
    assert len(found) > 30
    assert not found - fuzzed - set(BASES) - set(NOT_FUZZED)
    assert set(BASES) | set(NOT_FUZZED) <= found - fuzzed, "an exemption of nothing"
