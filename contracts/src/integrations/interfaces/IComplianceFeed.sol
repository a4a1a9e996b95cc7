// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {AggregatorV3Interface} from "./AggregatorV3Interface.sol";
import {IComplianceGate} from "./IComplianceGate.sol";

/// @notice What a policy's solvency limit promises: assets after haircuts are at least `ratio` times debts and claims. ratio: 8
/// decimals.
struct StatedRatio {
    bytes32 policyId;
    int256 ratio;
}

/// @title A fund's certified collateral ratio as a Chainlink feed
/// @notice `latestRoundData` answers the ratio that the current policy promises while the fund is compliant, else 0. The ratio is
/// a lower bound: how far above it the fund is, no proof shows. The deployer states it, since the chain sees hashes of
/// policies only; readers compare it with the policy file before they rely on a feed.
/// @dev Why 0 and not a revert: a consumer that compares the answer with a threshold, or refuses what is not positive, fails
/// closed on 0; and one that reads the feed where it pays out or liquidates is not blocked by somebody else's lapse. To a
/// consumer that looks at `answeredInRound >= roundId` instead, a round without a ratio is not answered (0). `updatedAt` is
/// when the last proof of the epoch came in and never later, so a lapsed fund's feed grows stale too. But a fund can lapse
/// within a heartbeat (revoked, suspended, replaced): no consumer may rely on `updatedAt` alone or keep an answer for as
/// long as the round number stays. As of when the holdings were is in the approval (`IPolicyRegistry.approval`).
///
/// Each ratio belongs to one policy. A successor whose ratio was not stated at deployment answers 0 until there is a new feed:
/// what was stated for a policy certifies no other one.
///
/// A round is a completed or renewed epoch. Its number is phase · 2^64 + place in the fund's history, from 1; the phase counts the
/// policies that were replaced since the root policy, 0 for its own rounds. So numbers ascend over replacements, as those of
/// Chainlink's proxies do over aggregators.
interface IComplianceFeed is AggregatorV3Interface, IComplianceGate, IERC165 {
    event RatioStated(bytes32 indexed policyId, int256 ratio);

    /// @notice Ratios are positive, and each policy has one.
    error InvalidRatio(bytes32 policyId, int256 ratio);
    /// @notice A feed without a ratio for the policy that is current at deployment would never answer.
    error NoRatio(bytes32 policyId);
    /// @notice There is no such round.
    error NoDataPresent(uint80 roundId);

    /// @notice The ratio that was stated for a policy, 0 if none was.
    function statedRatio(bytes32 policyId) external view returns (int256);

    /// @notice The latest round, with the ratio while the fund is compliant, else 0. Before the first round of the current policy
    /// everything but the phase is 0.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice A round; `NoDataPresent` if there is none. An earlier one answers the ratio that it certified then, unless it was
    /// revoked; that the fund was suspended for a time it does not tell. The latest one answers as `latestRoundData` does.
    function getRoundData(uint80 roundId_)
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
