"""Changes that nothing notices, and why they may go unnoticed. No check is among them.

A change is named by its file and its words, so that an explanation is lost when the line changes.
"""

EXPLAINED: dict[tuple[str, str], str] = {
    ("attest/reference.py", "Add in: R_ORDER - 1"): "n divides r - 1, so that (r + 1) // n is the same number",
    ("contracts/src/ProofVerifier.sol", "& in: point[0] | point[1]"): "y != 0 on the curve, so its words decide alone",
    ("contracts/src/ProofVerifier.sol", "& in: point[0] | point[1] | point[2]"): "the low word of y decides alone",
    ("contracts/src/libraries/BookTree.sol", "| in: chunk ^ 1"): "an odd chunk and the one before it are both there",
    (
        "contracts/src/libraries/ChunkProofs.sol",
        "<= in: b < EDGE",
    ): "what is written behind the edge is written over",
    ("contracts/src/libraries/Curve.sol", "<= in: count < 128"): "128 is the last discount either way",
    ("contracts/src/libraries/Opening.sol", "+ in: proofs - 1"): "room that stays empty",
    ("contracts/src/libraries/PointEvaluation.sol", "& in: xHigh | xLow"): "y != 0 on the curve",
    ("contracts/src/libraries/PointEvaluation.sol", "& in: xHigh | xLow | yHigh"): "the low word of y decides alone",
    ("contracts/src/libraries/PointEvaluation.sol", "& in: xHigh | xLow | yHigh | yLow"): (
        "of a point's words the last shares a bit with another, but for one point in about 2^200"
    ),
    (
        "contracts/src/libraries/StatementKeys.sol",
        "+ in: (1 + HEAD_WORDS) * 32",
    ): "a shorter one ends elsewhere",
    ("contracts/src/libraries/StatementKeys.sol", "<= in: encoded.length < (1 + HEAD_WORDS) * 32"): "the same",
    (
        "contracts/src/libraries/StatementKeys.sol",
        ">= in: length > encoded.length",
    ): "it ends behind the key",
    ("contracts/src/libraries/Transcript.sol", "<= in: i < count"): "it ends at the scalar that is not canonical",
    ("contracts/src/libraries/Values.sol", ">= in: key.matrix(1).length > columns"): "of two equal numbers, either",
    ("attest/argument.py", "8 + 1"): "how often a prover starts again when a challenge falls on a pole: any number",
}
