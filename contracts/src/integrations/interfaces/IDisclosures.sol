// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IAttestationRegistry, PreviousSource} from "../../interfaces/IAttestationRegistry.sol";

/// @notice That a fund's sources together hold `lots` in one slot of an epoch. program: of the policy, whose key tells which
/// slots there are.
struct Disclosure {
    address fund;
    bytes32 policyId;
    uint64 epoch;
    uint256 program;
    uint256 slot;
    int256 lots;
}

/// @title Disclosure of single slots
/// @notice Checks that one quantity, and no other one, stands in a slot of the holdings that a fund's sources committed to and
/// signed. Everything else stays hidden.
/// @dev Follows `attest.commitment.check_disclosure`. The opening is of [L_0] + Σ C_k (P.24), at ω^slot: shares of public
/// slots are no part of it. What a slot is (its asset, its lot, whose it is, and whether it may be negative) stands in the
/// layout, which the chain knows by its hash; readers compare. An unsigned slot shows no negative number in holdings that are
/// proved, so a disclosure need not be refused for it here.
///
/// The policy is the reader's choice, as everywhere: its publishers approved the key that says which slots are aux. What is
/// disclosed is what the sources signed. That it is also what a proof was about shows `IAttestationRegistry.progress`; a
/// revoked epoch is refused.
///
/// Beside these errors those of `IPolicyRegistry` where the epoch's statements are not approved, of `IAttestationRegistry` where
/// key or sources are not those of the epoch, and of `IProofVerifier` where they are malformed.
interface IDisclosures is IERC165 {
    /// @notice The constant, a public slot, a slot that the prover fills, or none of the holdings (blinding entries are not).
    error NotDisclosable(uint256 slot);
    /// @notice Quantities lie between −2^77 and 2^77: others are congruent to one that does.
    error LotsOutOfRange(int256 lots);
    /// @notice Another quantity stands in this slot, or the opening is of something else.
    error DisclosureRejected(uint256 slot, int256 lots);

    function registry() external view returns (IAttestationRegistry);

    /// @notice Checks a disclosure; returns only if it is right, else reverts.
    /// @param key canonical ABI encoding of the program's statement key, as approved
    /// @param sources of the epoch's source set, in its order
    /// @param opening KZG proof, 48 bytes
    function verifyDisclosure(
        Disclosure calldata disclosure,
        bytes calldata key,
        PreviousSource[] calldata sources,
        bytes calldata opening
    ) external view;
}
