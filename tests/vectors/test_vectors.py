"""Every vector before every verifier in Python that judges its kind (format.md); the reference has
`test_reference_vectors`, the contracts have `test_on_chain`, and PROOFOLIO_VECTORS=all runs what takes minutes too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import attest.reference
from attest.program import Owner
from attest.srs import Setup, load_setup
from tests.vectors import openings, plain, signed, transcripts
from tests.vectors.cases import (
    ACCEPT,
    FOLDER,
    MALFORMED,
    REJECT,
    BookCase,
    ProofCase,
    book_cases,
    book_verdict,
    data_of,
    fast_verdict,
    one_by_one_verdict,
    proof_cases,
    read,
    read_key,
)
from tests.vectors.generate import encoded, files
from tests.vectors.inclusions import InclusionCase, inclusion_cases, inclusion_verdict
from tests.vectors.keys import KeyCase, computed_key, key_base, key_cases, key_verdict, reference_key_verdict
from tests.vectors.make_inclusions import inclusion_cases as made_inclusion_cases
from tests.vectors.make_openings import commitments_file, openings_file
from tests.vectors.make_representations import representations_file
from tests.vectors.programs import layout_of
from tests.vectors.representations import (
    plain_representation_verdict,
    representation_cases,
    representation_verdict,
)
from tests.vectors.selection import ONLY_IF_ALL
from tests.vectors.writing import inclusions_file

FILES = sorted(path.stem for path in FOLDER.glob("*.json"))


def name_of(case: Any) -> str:
    return str(case["name"] if isinstance(case, dict) else case.name)


def of_each(cases: Sequence[Any]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=name_of)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return load_setup()


# The files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_where_it_is_from_and_has_every_verdict(name: str) -> None:
    content = read(name)
    listed = [*content["cases"], *content.get("sets", [])]
    assert content["provenance"]
    assert {case["expected"] for case in listed} == {ACCEPT, REJECT, MALFORMED}
    assert max(Counter(case["name"] for case in listed).values()) == 1


@pytest.mark.parametrize("name", FILES)
def test_numbers_are_decimal_strings(name: str) -> None:
    def numbers(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for item in value.values():
                yield from numbers(item)
        elif isinstance(value, list):
            for item in value:
                yield from numbers(item)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield value

    assert not [*numbers({**read(name)})]


def test_quick_files_are_what_the_generator_makes(setup: Setup) -> None:
    made = {
        "commitments": commitments_file(setup),
        "inclusions": inclusions_file(made_inclusion_cases(setup)),
        "openings": openings_file(setup),
    }
    for name, content in made.items():
        assert encoded(content) == (FOLDER / f"{name}.json").read_bytes(), name


@pytest.mark.slow
@ONLY_IF_ALL
def test_all_files_are_what_the_generator_makes(setup: Setup) -> None:
    made = files(setup)
    assert sorted(made) == FILES
    assert [name for name in FILES if encoded(made[name]) != (FOLDER / f"{name}.json").read_bytes()] == []


# Policy proofs -------------------------------------------------------------------------------------------------------


@of_each(proof_cases())
def test_a_proof_before_the_fast_verifier(case: ProofCase) -> None:
    assert fast_verdict(case) == case.expected


# Keys ----------------------------------------------------------------------------------------------------------------


@of_each(key_cases())
def test_a_key(case: KeyCase) -> None:
    assert key_verdict(case) == case.expected
    computed = computed_key(case.base)
    assert reference_key_verdict(case, computed.encode()) == case.expected
    assert "0x" + computed.digest.hex() == key_base(case.base)["digest"]


@pytest.mark.parametrize("name", ["packing8", "vectors2"])
def test_a_key_is_committed_to_as_the_definitions_say(name: str) -> None:
    """Weights and matrix on py_ecc. (P.2), (P.4)"""
    key = attest.reference.Key.parse(computed_key(name).encode())
    rows = key_base(name)["program"]["rows"]
    assert key.row_count == len(rows)
    for family, member in zip(key.families, ("weights", "flagWeights", "squareWeights"), strict=True):
        for group in family:
            if group.row == len(rows):
                entries = plain.forbidden_entries(rows, key.packing)
            else:
                entries = plain.weight_entries(rows[group.row][member], key.packing)
            assert plain.same(group.commitment, plain.commit(entries))
    for matrix, member in zip(key.columns, ("coefficients", "previous"), strict=True):
        for k, column in enumerate(matrix):
            assert plain.same(column, plain.commit(plain.matrix_column(rows, member, key.packing, k)))


# Transcript, commitments, openings -----------------------------------------------------------------------------------


@of_each(read("transcript")["cases"])
def test_a_transcript(case: dict[str, Any]) -> None:
    assert transcripts.transcript_verdict(case) == case["expected"]
    assert transcripts.reference_transcript_verdict(case) == case["expected"]


@of_each(read("commitments")["cases"])
def test_a_commitment(case: dict[str, Any]) -> None:
    assert openings.commitment_verdict(case) == case["expected"]
    assert openings.plain_commitment_verdict(case) == case["expected"]


@of_each(read("openings")["cases"])
def test_an_opening(case: dict[str, Any]) -> None:
    assert openings.opening_verdict(case) == case["expected"]
    assert openings.ckzg_opening_verdict(case) == case["expected"]


# Sources and disclosures ---------------------------------------------------------------------------------------------


@of_each(signed.source_cases())
def test_a_signed_source(case: dict[str, Any]) -> None:
    assert signed.typed_data_verdict(case) == case["expected"]
    assert signed.source_verdict(case) == case["expected"]


@of_each(signed.set_cases())
def test_a_source_set(case: dict[str, Any]) -> None:
    assert signed.set_verdict(case) == case["expected"]
    assert signed.reference_set_verdict(case) == case["expected"]


@of_each(signed.disclosure_cases())
def test_a_disclosure(case: dict[str, Any]) -> None:
    assert signed.disclosure_verdict(case) == case["expected"]
    assert signed.plain_disclosure_verdict(case) == case["expected"]


@pytest.mark.parametrize("name", read("disclosures")["bases"])
def test_the_key_beside_disclosures_is_of_their_layout(name: str) -> None:
    """A contract learns from it which slots there are and which are aux."""
    base = read("disclosures")["bases"][name]
    key, layout = read_key(data_of(base["key"])), layout_of(base["layout"])
    assert (key.size, key.aux, key.layout_hash) == (layout.size, layout.of(Owner.AUX), layout.hash)


@of_each(representation_cases())
def test_a_proof_of_representation(case: dict[str, Any]) -> None:
    assert representation_verdict(case) == case["expected"]
    assert plain_representation_verdict(case) == case["expected"]


def test_proofs_of_representation_are_made_bit_for_bit(setup: Setup) -> None:
    assert encoded(representations_file(setup)) == (FOLDER / "representations.json").read_bytes()


# Liability books -----------------------------------------------------------------------------------------------------


@of_each(book_cases())
def test_a_book(case: BookCase) -> None:
    assert book_verdict(case) == case.expected
    assert one_by_one_verdict(case) == case.expected


@of_each(inclusion_cases())
def test_an_inclusion(case: InclusionCase) -> None:
    assert inclusion_verdict(case) == case.expected
