"""Changes that nothing notices, and why they may go unnoticed. No check is among them.

A change is named by its file and its words, so that an explanation is lost when the line changes.
"""

EXPLAINED: dict[tuple[str, str], str] = {
    ("attest/reference.py", "Add in: R_ORDER - 1"): "n divides r - 1, so that (r + 1) // n is the same number",
    ("contracts/src/ProofVerifier.sol", "& in: point[0] | point[1]"): "y != 0 on the curve, so its words decide alone",
    ("contracts/src/ProofVerifier.sol", "& in: point[0] | point[1] | point[2]"): "the low word of y decides alone",
    ("contracts/src/libraries/BookTree.sol", "| in: chunk ^ 1"): "an odd chunk and the one before it are both there",
    ("attest/argument.py", "8 + 1"): "how often a prover starts again when a challenge falls on a pole: any number",
}
