"""Changes that nothing notices, and why they may go unnoticed. No check is among them.

A change is named by its file and its words, so that an explanation is lost when the line changes.
"""

EXPLAINED: dict[tuple[str, str], str] = {
    ("attest/reference.py", "Add in: R_ORDER - 1"): "n divides r - 1, so that (r + 1) // n is the same number",
    ("contracts/src/ProofVerifier.sol", "& in: point[0] | point[1]"): (
        "a point of the curve other than infinity has y != 0, so that the words of y decide alone"
    ),
    (
        "contracts/src/ProofVerifier.sol",
        "& in: point[0] | point[1] | point[2]",
    ): "the same; the low half of y is not 0 either",
    ("attest/argument.py", "8 + 1"): "how often a prover starts again when a challenge falls on a pole: any number",
}
