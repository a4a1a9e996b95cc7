"""Writes the frozen vectors, bit for bit the same each time: `python -m tests.vectors.generate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attest.srs import Setup, load_setup
from tests.vectors.make_chunks import chunk_cases
from tests.vectors.make_inclusions import inclusion_cases
from tests.vectors.make_keys import keys_file
from tests.vectors.make_openings import commitments_file, openings_file
from tests.vectors.make_proofs import examples, proof_cases
from tests.vectors.make_representations import representations_file
from tests.vectors.make_sources import disclosures_file, sources_file
from tests.vectors.make_transcripts import transcript_file
from tests.vectors.reading import FOLDER
from tests.vectors.writing import chunks_file, inclusions_file, proofs_file

RECORDED = ("packing8", "vectors2", "public2")
"""Proofs whose transcripts are in transcript.json."""


def files(setup: Setup) -> dict[str, Any]:
    """Name → content of every file."""
    named = examples(setup)
    proofs, chunks = proof_cases(setup, named), chunk_cases(setup)
    recorded = [case for case in proofs if case.name in RECORDED]
    (book,) = (case for case in chunks if case.name == "one chunk")
    return {
        "chunks": chunks_file(chunks),
        "commitments": commitments_file(setup),
        "disclosures": disclosures_file(setup, named),
        "inclusions": inclusions_file(inclusion_cases(setup)),
        "keys": keys_file(named, [case for case in proofs if case.name.startswith("key: ")]),
        "openings": openings_file(setup),
        "proofs": proofs_file(proofs),
        "representations": representations_file(setup),
        "sources": sources_file(named),
        "transcript": transcript_file(setup, recorded, book),
    }


def encoded(content: Any) -> bytes:
    """A file's bytes."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def write(folder: Path) -> None:
    """All files into a folder."""
    for name, content in files(load_setup()).items():
        (folder / f"{name}.json").write_bytes(encoded(content))


if __name__ == "__main__":
    write(FOLDER)
