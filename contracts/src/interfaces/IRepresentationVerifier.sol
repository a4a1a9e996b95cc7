// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a source proves to know the opening of. registry, fund, epoch, sourceId: whom the proof is for. ownedSlotsHash:
/// keccak256(abi.encode(slots)). commitment: C_k.
struct RepresentationClaim {
    address registry;
    address fund;
    uint64 epoch;
    bytes32 sourceId;
    bytes32 ownedSlotsHash;
    bytes32[4] commitment;
}

/// @title Verifier of proofs of representation (protocol §4)
/// @notice Checks that whoever made a commitment knows quantities and a blinding factor that it opens to, in its own slots and
/// no others. A source that proves it can neither move another source's slot nor choose C_k as something less another's.
interface IRepresentationVerifier {
    /// @notice The claim's slots are others, or do not ascend strictly between the constant and the blinding entries.
    error InvalidOwnedSlots();
    /// @notice A proof for these slots has another length.
    error WrongRepresentationLength(uint256 expected, uint256 actual);
    /// @notice The proof does not hold: it is another's, or the commitment has something in other slots.
    error RepresentationRejected(bytes32 sourceId);

    /// @notice Reverts unless the representation is valid; the chain id is this chain's.
    /// @param representation abi.encode(uint256[] slots, bytes proof); the proof is [R], 128 bytes, the responses for each slot and
    /// the blinding factor, 32 bytes each, and an opening, 48 bytes
    function verify(RepresentationClaim calldata claim, bytes calldata representation) external view;
}
