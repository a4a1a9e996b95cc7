// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComplianceFeed} from "../../src/integrations/ComplianceFeed.sol";
import {StatedRatio} from "../../src/integrations/interfaces/IComplianceFeed.sol";
import {Test} from "../Test.sol";
import {ComplianceHandler} from "./ComplianceHandler.sol";

/// @title A feed that is read after whatever happens to its fund
/// @dev A ratio is stated for the first two policies; the last one has none.
contract FeedHandler is ComplianceHandler {
    ComplianceFeed public immutable FEED;

    uint80 private lastRound;
    uint256 private lastUpdate;
    bool public wentBack;
    uint256 public answers;
    uint256 public silences;

    constructor() {
        StatedRatio[] memory stated = new StatedRatio[](2);
        stated[0] = StatedRatio(policyIds[0], ratio(0));
        stated[1] = StatedRatio(policyIds[1], ratio(1));
        FEED = new ComplianceFeed(registry, FUND, policyId, stated, "collateral ratio");
    }

    function ratio(uint256 policy) public pure returns (int256) {
        int256[POLICIES] memory stated = [int256(1.05e8), 1.2e8, 0];
        return stated[policy];
    }

    /// @dev Completed epochs of a policy.
    function rounds(uint256 policy) external view returns (uint256) {
        return epochs[policy].length;
    }

    function isRevoked(uint256 policy, uint256 round) external view returns (bool) {
        return revoked[policy][epochs[policy][round - 1]];
    }

    /// @dev A consumer's look: round numbers only grow, and times under one policy. (A round under the next one may have come in
    /// before the last one under this.)
    function look() external {
        (uint80 round, int256 answer,, uint256 updatedAt,) = FEED.latestRoundData();
        bool samePhase = round >> 64 == lastRound >> 64;
        wentBack = wentBack || round < lastRound || (samePhase && updatedAt < lastUpdate);
        wentBack = wentBack || updatedAt > block.timestamp;
        (lastRound, lastUpdate) = (round, updatedAt);
        if (answer != 0) ++answers;
        else ++silences;
    }
}

/// @title What holds of a feed after anything that happens to its fund
contract FeedInvariantsTest is Test {
    uint80 private constant PHASE = 2 ** 64;

    FeedHandler private handler;
    ComplianceFeed private feed;
    address[] private targets;

    function setUp() public {
        handler = new FeedHandler();
        feed = handler.FEED();
        targets.push(address(handler));
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory) {
        return targets;
    }

    /// @dev The ratio of the policy that counts while the fund keeps it, and else 0, which no round has answered.
    /// forge-config: default.invariant.runs = 32
    function invariant_zeroUnlessCompliant() external view {
        uint256 policy = handler.currentIndex();
        bool compliant = handler.shouldBeCompliant();
        vm.assertEq(feed.isOpen(), compliant, "open");
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        vm.assertTrue(answer == (compliant ? handler.ratio(policy) : int256(0)), "answer");
        vm.assertEq(answeredIn, answer == 0 ? 0 : round, "answered in round");
        vm.assertEq(startedAt, updatedAt, "one time");
        vm.assertEq(round, PHASE * policy + handler.rounds(policy), "the policy's latest round");
        vm.assertEq(updatedAt == 0, handler.rounds(policy) == 0, "no time without a round");
    }

    /// @dev Rounds before the latest of the policy that counts answer what they certified, unless it was revoked.
    /// forge-config: default.invariant.runs = 32
    function invariant_earlierRoundsStand() external view {
        uint256 current = handler.currentIndex();
        for (uint80 policy; policy <= current; ++policy) {
            for (uint80 k = 1; k <= handler.rounds(policy); ++k) {
                uint80 round = PHASE * policy + k;
                (uint80 id, int256 answer,,, uint80 answeredIn) = feed.getRoundData(round);
                bool certified = policy == current && k == handler.rounds(policy)
                    ? handler.shouldBeCompliant()
                    : !handler.isRevoked(policy, k);
                vm.assertEq(id, round, "its number");
                vm.assertTrue(answer == (certified ? handler.ratio(policy) : int256(0)), "answer of a round");
                vm.assertEq(answeredIn, answer == 0 ? 0 : round, "answered in round");
            }
        }
    }

    /// @dev Nor is it ever from the future.
    /// forge-config: default.invariant.runs = 32
    function invariant_roundsAscend() external view {
        vm.assertTrue(!handler.wentBack(), "a round or a time that went back");
    }

    /// @dev Without it the others could hold because the feed was silent all along.
    function test_theHandlerGetsAnswers() external {
        handler.look();
        handler.attestSome(1);
        handler.look();
        vm.assertEq(handler.answers(), 1, "attested");
        handler.suspendSome(1);
        handler.look();
        handler.resumeSome(0);
        handler.look();
        vm.assertEq(handler.answers(), 2, "resumed");
        handler.revokeSome(1);
        handler.look();
        vm.assertEq(handler.silences(), 3, "not yet, suspended, revoked");
        handler.replaceSome(1);
        handler.replaceSome(1);
        vm.assertEq(handler.currentIndex(), 1, "replaced at once");
        handler.attestSome(1);
        handler.look();
        vm.assertEq(handler.answers(), 3, "under the successor");
        vm.assertTrue(!handler.wentBack(), "forwards");
    }
}
