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
/// layout, which the chain knows by its hash; readers compare.
///
/// The policy is the reader's choice, as everywhere: its publishers approved the key that says which slots are aux. The
/// program must be attested for the epoch, so that these are the holdings that the proof was about, signed by the sources that
/// the policy requires; a source set alone may have been fixed under another policy, whose signers are anybody. A revoked
/// epoch is refused; an expired or suspended one is not, nor one under a replaced policy: what was held then was held.
///
/// Beside these errors those of `IAttestationRegistry` where key or sources are not those of the epoch, and of `IProofVerifier`
/// where they are malformed.
interface IDisclosures is IERC165 {
    /// @notice No proof of this program is on record for the epoch.
    error ProgramNotAttested(address fund, bytes32 policyId, uint64 epoch, uint256 program);
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
