"""Mutants of the Python verifiers before the frozen vectors and, where those notice nothing, before the tests.

Each mutant runs in a process of its own, forked where everything is loaded: its source is executed over the module's
names, and what other modules had imported of them is exchanged there.
"""

from __future__ import annotations

import ast
import contextlib
import io
import multiprocessing
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import pytest

import attest.reference
from attest.errors import AttestError
from tests.mutation.python import CHECK, FORMULA, Mutant, mutants
from tests.vectors.books import BookCase, book_cases, book_verdict, reference_book_answer
from tests.vectors.inclusions import InclusionCase, inclusion_cases, inclusion_verdict, reference_inclusion_answer
from tests.vectors.policy_proofs import fast_verdict, proof_cases, reference_verdict

ROOT = Path(__file__).parents[2]
SECONDS_A_VECTOR, SECONDS_OF_TESTS = 60, 600


class Case(Protocol):
    """A vector of any file."""

    @property
    def name(self) -> str: ...

    @property
    def expected(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Result:
    """Args: file: from the root of the project; kind, change: of the mutant; noticed: by a vector or a test."""

    file: str
    line: int
    kind: str
    change: str
    noticed: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """A verifier's file.

    Args:
        cases: the vectors before it; verdict: what the verifier says of one.
        quick: tests that are asked after one vector; tests: those that are asked where no vector notices.
    """

    cases: Callable[[], Sequence[Case]]
    verdict: Callable[[Any], str]
    quick: tuple[str, ...]
    tests: tuple[str, ...]


_FAST_TESTS = (
    "tests/attest/attacks/test_verifier_checks.py",
    "tests/attest/test_damage.py",
    "tests/attest/test_public_slots.py",
    "tests/attest/attacks/test_constraints.py",
    "tests/attest/attacks/test_evaluations.py",
)


_BOOK_TESTS = "tests/attest/liabilities/test_zero_divisors.py", "tests/attest/liabilities/test_checks.py"


def _fast_book_verdict(case: BookCase | InclusionCase) -> str:
    return book_verdict(case) if isinstance(case, BookCase) else inclusion_verdict(case)


def _reference_book_verdict(case: BookCase | InclusionCase) -> str:
    return (reference_book_answer(case) if isinstance(case, BookCase) else reference_inclusion_answer(case))[0]


def _book_subject(verdict: Callable[[Any], str], *tests: str) -> Subject:
    return Subject(lambda: [*book_cases(), *inclusion_cases()], verdict, (), tests)


SUBJECTS = {
    "attest/verifier.py": Subject(proof_cases, fast_verdict, (), _FAST_TESTS),
    "attest/proof.py": Subject(
        proof_cases, fast_verdict, (), (*_FAST_TESTS, "tests/attest/attacks/test_statement_fields.py")
    ),
    "attest/curve.py": Subject(proof_cases, fast_verdict, ("tests/attest/test_curve.py",), _FAST_TESTS),
    "attest/kzg.py": Subject(proof_cases, fast_verdict, ("tests/attest/test_kzg.py",), _FAST_TESTS),
    "attest/argument.py": Subject(proof_cases, fast_verdict, (), _FAST_TESTS),
    "attest/reference.py": Subject(
        proof_cases, reference_verdict, ("tests/attest/test_reference_parsing.py",), ("tests/attest/test_reference.py",)
    ),
    "attest/liabilities/reference.py": _book_subject(
        _reference_book_verdict, "tests/attest/liabilities/test_reference.py"
    ),
    "attest/liabilities/verifier.py": _book_subject(_fast_book_verdict, *_BOOK_TESTS),
    "attest/liabilities/inclusion.py": _book_subject(_fast_book_verdict, *_BOOK_TESTS),
}
FILES = tuple(SUBJECTS)


def judged(file: str, kinds: set[str], processes: int) -> Iterator[Result]:
    """One result a mutant, in no order. Raises: RuntimeError: the verifier is wrong without any mutant."""
    subject = SUBJECTS[file]
    cases = _quickest_first(file, subject)
    source = (ROOT / file).read_text("utf-8")
    chosen = [mutant for mutant in mutants(source) if mutant.kind in kinds]
    context = multiprocessing.get_context("fork")
    with context.Pool(processes, maxtasksperchild=1) as pool:
        unchanged = Mutant(0, 0, "none", ast.unparse(ast.parse(source)), FORMULA, "")
        if pool.apply(_judge, ((file, unchanged, ()),))[1]:
            raise RuntimeError(f"{file} fails its tests without any mutant")
        jobs = [(file, mutant, cases) for mutant in chosen]
        for mutant, noticed in pool.imap_unordered(_judge, jobs, chunksize=1):
            yield Result(file, mutant.line, mutant.kind, mutant.change, noticed)


@dataclass(frozen=True, slots=True)
class _Timed:
    """Args: raises: lines of the verifier's file at which the case is refused."""

    case: Case
    seconds: float
    raises: frozenset[int]


def _quickest_first(file: str, subject: Subject) -> list[_Timed]:
    """The vectors that are refused early come first, but the quickest of each file that is accepted before all."""
    timed = []
    for case in subject.cases():
        start = time.perf_counter()
        with _raising_lines(ROOT / file) as lines:
            if subject.verdict(case) != case.expected:
                raise RuntimeError(f"{file} misjudges the vector {case.name} without any mutant")
        timed.append(_Timed(case, time.perf_counter() - start, frozenset(lines)))
    ordered = sorted(timed, key=lambda each: each.seconds)
    accepted = [each for each in ordered if each.case.expected == "accept"]
    first = {type(each.case): each for each in reversed(accepted)}.values()
    return [*sorted(first, key=ordered.index), *(each for each in ordered if each not in first)]


@contextlib.contextmanager
def _raising_lines(file: Path) -> Iterator[set[int]]:
    """Lines of a file at which an error of ours is raised meanwhile, there or further down."""
    lines: set[int] = set()

    def noted(own: Callable[..., None]) -> Callable[..., None]:
        def note(error: Exception, *arguments: Any, **named: Any) -> None:
            stack = traceback.walk_stack(sys._getframe(1))
            lines.update(line for frame, line in stack if frame.f_code.co_filename == str(file))
            own(error, *arguments, **named)

        return note

    with contextlib.ExitStack() as patches:
        for kind in (*_below(AttestError), attest.reference.Malformed, attest.reference.Refused):
            patches.enter_context(patch.object(kind, "__init__", noted(kind.__init__)))
        yield lines


def _below(kind: type[Exception]) -> list[type[Exception]]:
    """A class of errors and all of its subclasses."""
    return [kind, *(each for child in kind.__subclasses__() for each in _below(child))]


def _judge(job: tuple[str, Mutant, Sequence[_Timed]]) -> tuple[Mutant, bool]:
    """In the forked process. A mutant that hangs is noticed."""
    file, mutant, cases = job
    subject = SUBJECTS[file]
    signal.signal(signal.SIGALRM, _give_up)
    try:
        _install(file, mutant)
        first, *others = _suited(mutant, cases) or [None]
        steps: tuple[Callable[[], bool], ...] = (
            lambda: first is not None and _misjudged(subject, first),
            lambda: _fails(subject.quick),
            lambda: any(_misjudged(subject, case) for case in others if case is not None),
            lambda: _fails(subject.tests),
        )
        return mutant, any(notices() for notices in steps)
    except Exception:
        return mutant, True
    finally:
        signal.alarm(0)


def _fails(tests: Sequence[str]) -> bool:
    if not tests:
        return False
    signal.alarm(SECONDS_OF_TESTS)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]) != 0


def _suited(mutant: Mutant, cases: Sequence[_Timed]) -> list[Case]:
    """A check that is gone lets through only what was refused there."""
    if mutant.kind != CHECK:
        return [each.case for each in cases]
    return [each.case for each in cases if any(mutant.line <= line <= mutant.end for line in each.raises)]


def _misjudged(subject: Subject, case: Case) -> bool:
    signal.alarm(SECONDS_A_VECTOR)
    try:
        return subject.verdict(case) != case.expected
    except TimeoutError:
        raise
    except Exception:
        return True


def _give_up(*_: object) -> None:
    raise TimeoutError


def _install(file: str, mutant: Mutant) -> None:
    name = file.removesuffix(".py").replace("/", ".")
    module = sys.modules[name]
    before = dict(vars(module))
    exec(compile(mutant.source, file, "exec"), vars(module))
    if "ceremony" in before and mutant.function != "ceremony":
        vars(module)["ceremony"] = before["ceremony"]  # it is read once, which takes seconds
    for importer in [vars(each) for key, each in sys.modules.items() if key.startswith(("attest.", "tests."))]:
        for taken in [key for key, old in before.items() if importer.get(key, module) is old]:
            importer[taken] = vars(module)[taken]
