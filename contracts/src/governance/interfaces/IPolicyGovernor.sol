// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Token holders who own policies
/// @notice Beside OpenZeppelin's `IGovernor`: a Governor over votes of a token and a timelock. The timelock, not the governor, owns the policies: it
/// registers them, or accepts them from their former owner, by proposal. Then limits change only by a vote: one proposal
/// registers the successor (its identifier follows from the timelock's address) and calls
/// `IPolicyRegistry.scheduleReplacement`.
/// @dev A looser policy waits for the vote, the timelock's delay and the policy's notice, one after the other. A tighter one
/// waits for vote and delay, and counts as soon as the policy's publishers confirm it.
///
/// The timelock should know no other proposer and canceller than the governor, and no admin but itself: another proposer owns
/// the policies as much as the voters do. Who executes does not matter.
interface IPolicyGovernor {
    /// @notice Without a quorum a single vote would be enough.
    error ZeroQuorum();
}
