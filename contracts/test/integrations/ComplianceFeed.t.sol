// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {ComplianceFeed} from "../../src/integrations/ComplianceFeed.sol";
import {AggregatorV3Interface} from "../../src/integrations/interfaces/AggregatorV3Interface.sol";
import {IComplianceFeed, StatedRatio} from "../../src/integrations/interfaces/IComplianceFeed.sol";
import {IComplianceGate} from "../../src/integrations/interfaces/IComplianceGate.sol";
import {IAttestationRegistry} from "../../src/interfaces/IAttestationRegistry.sol";
import {IPolicyRegistry} from "../../src/interfaces/IPolicyRegistry.sol";
import {IntegrationFixtures} from "./IntegrationFixtures.sol";

/// @notice What a feed answers for a round.
struct Round {
    uint80 id;
    int256 answer;
    uint256 startedAt;
    uint256 updatedAt;
    uint80 answeredInRound;
}

contract ComplianceFeedTest is IntegrationFixtures {
    int256 private constant RATIO = 1.05e8;
    uint80 private constant NEXT_PHASE = uint80(1) << 64;

    ComplianceFeed private feed;

    function setUp() public {
        deployRegistries();
        feed = new ComplianceFeed(registry, FUND, policyId, ratios(policyId, RATIO), "collateral ratio");
    }

    function ratios(bytes32 id, int256 ratio) private pure returns (StatedRatio[] memory stated) {
        stated = new StatedRatio[](1);
        stated[0] = StatedRatio(id, ratio);
    }

    function latest() private view returns (Round memory r) {
        (r.id, r.answer, r.startedAt, r.updatedAt, r.answeredInRound) = feed.latestRoundData();
    }

    function round(uint80 id) private view returns (Round memory r) {
        (r.id, r.answer, r.startedAt, r.updatedAt, r.answeredInRound) = feed.getRoundData(id);
    }

    function check(Round memory r, uint80 id, int256 answer, uint256 time) private pure {
        vm.assertEq(r.id, id, "round");
        vm.assertTrue(r.answer == answer, "answer");
        vm.assertEq(r.startedAt, time, "started");
        vm.assertEq(r.updatedAt, time, "updated");
        vm.assertEq(r.answeredInRound, answer == 0 ? 0 : id, "answered in round");
    }

    function test_whatItIs() public view {
        vm.assertEq(feed.decimals(), 8, "decimals");
        vm.assertEq(bytes(feed.description()), "collateral ratio", "description");
        vm.assertEq(feed.version(), 1, "version");
        vm.assertTrue(feed.statedRatio(policyId) == RATIO, "ratio");
        vm.assertEq(address(feed.registry()), address(registry), "registry");
        vm.assertEq(feed.fund(), FUND, "fund");
        vm.assertEq(feed.rootPolicy(), policyId, "policy");
        vm.assertTrue(feed.supportsInterface(type(AggregatorV3Interface).interfaceId), "aggregator");
        vm.assertTrue(feed.supportsInterface(type(IComplianceFeed).interfaceId), "feed");
        vm.assertTrue(feed.supportsInterface(type(IComplianceGate).interfaceId), "gate");
        vm.assertTrue(feed.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        vm.assertTrue(!feed.supportsInterface(0xffffffff), "not everything");
        // As Chainlink's: decimals 313ce567, latestRoundData feaf968c, getRoundData 9a6fc8f5.
        vm.assertTrue(AggregatorV3Interface.latestRoundData.selector == 0xfeaf968c, "latestRoundData");
        vm.assertTrue(AggregatorV3Interface.getRoundData.selector == 0x9a6fc8f5, "getRoundData");
    }

    function test_nothingBeforeTheFirstRound() public {
        check(latest(), 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoDataPresent.selector, uint80(0)));
        feed.getRoundData(0);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoDataPresent.selector, uint80(1)));
        feed.getRoundData(1);
    }

    function test_roundsFollowTheHistory() public {
        attest(1);
        check(latest(), 1, RATIO, NOW);
        vm.warp(NOW + 1 days);
        check(latest(), 1, RATIO, NOW); // no fresher than the proof
        attest(5);
        check(latest(), 2, RATIO, NOW + 1 days);
        check(round(1), 1, RATIO, NOW);
        check(round(2), 2, RATIO, NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoDataPresent.selector, uint80(3)));
        feed.getRoundData(3);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoDataPresent.selector, NEXT_PHASE));
        feed.getRoundData(NEXT_PHASE);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoDataPresent.selector, NEXT_PHASE + 1));
        feed.getRoundData(NEXT_PHASE + 1);
    }

    function test_anExpiredAttestationHasNoAnswer() public {
        attest(1);
        vm.warp(EXPIRY);
        check(latest(), 1, RATIO, NOW);
        vm.warp(EXPIRY + 1);
        check(latest(), 1, 0, NOW);
        check(round(1), 1, 0, NOW);
    }

    function test_aSuspendedFundHasNoAnswer() public {
        attest(1);
        attest(2);
        suspend();
        check(latest(), 2, 0, NOW);
        check(round(2), 2, 0, NOW);
        check(round(1), 1, RATIO, NOW); // certified then
        resume();
        check(latest(), 2, RATIO, NOW);
    }

    function test_aRevokedEpochHasNoAnswer() public {
        attest(1);
        attest(2);
        revoke(1);
        check(round(1), 1, 0, NOW);
        check(latest(), 2, RATIO, NOW);
        revoke(2);
        check(latest(), 2, 0, NOW);
    }

    /// @dev What was stated for one policy certifies no other.
    function test_aReplacedPolicyHasNoAnswer() public {
        attest(1);
        bytes32 successor = replace(policyId, "looser");
        vm.assertEq(feed.currentPolicy(), successor, "current");
        check(latest(), NEXT_PHASE, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoDataPresent.selector, NEXT_PHASE));
        feed.getRoundData(NEXT_PHASE);
        attest(successor, 2, EXPIRY);
        vm.assertTrue(registry.isCompliant(FUND, successor), "compliant");
        check(latest(), NEXT_PHASE + 1, 0, NOW + NOTICE);
        check(round(1), 1, RATIO, NOW);
    }

    /// @dev The last round of a replaced policy is the latest no more.
    function test_roundsOfAReplacedPolicyStay() public {
        attest(1);
        vm.prank(POLICY_OWNER);
        bytes32 tighter = register("tighter");
        StatedRatio[] memory stated = new StatedRatio[](2);
        stated[0] = StatedRatio(policyId, RATIO);
        stated[1] = StatedRatio(tighter, 1.2e8);
        feed = new ComplianceFeed(registry, FUND, policyId, stated, "");
        vm.prank(POLICY_OWNER);
        policies.scheduleReplacement(policyId, tighter);
        check(latest(), 1, RATIO, NOW); // announced
        vm.prank(PUBLISHER);
        policies.confirmTightening(policyId, tighter);
        check(latest(), NEXT_PHASE, 0, 0); // in force
        attest(tighter, 2, EXPIRY);
        check(latest(), NEXT_PHASE + 1, 1.2e8, NOW);
        check(round(NEXT_PHASE + 1), NEXT_PHASE + 1, 1.2e8, NOW);
        suspend(); // under the former policy
        check(round(1), 1, RATIO, NOW);
        check(latest(), NEXT_PHASE + 1, 1.2e8, NOW);
        revoke(1);
        check(round(1), 1, 0, NOW);
    }

    function test_startsWithTheCurrentPolicyOfAChain() public {
        bytes32 second = replace(policyId, "second");
        bytes32 third = replace(second, "third");
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoRatio.selector, third));
        new ComplianceFeed(registry, FUND, policyId, ratios(policyId, RATIO), "");
        feed = new ComplianceFeed(registry, FUND, policyId, ratios(third, RATIO), "");
        attest(third, 1, EXPIRY);
        check(latest(), 2 * NEXT_PHASE + 1, RATIO, NOW + 2 * NOTICE);
        check(round(2 * NEXT_PHASE + 1), 2 * NEXT_PHASE + 1, RATIO, NOW + 2 * NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoDataPresent.selector, NEXT_PHASE + 1));
        feed.getRoundData(NEXT_PHASE + 1);
    }

    function test_ratiosArePositiveAndOneAPolicy() public {
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.InvalidRatio.selector, policyId, int256(0)));
        new ComplianceFeed(registry, FUND, policyId, ratios(policyId, 0), "");
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.InvalidRatio.selector, policyId, int256(-1)));
        new ComplianceFeed(registry, FUND, policyId, ratios(policyId, -1), "");
        StatedRatio[] memory twice = new StatedRatio[](2);
        twice[0] = twice[1] = StatedRatio(policyId, RATIO);
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.InvalidRatio.selector, policyId, RATIO));
        new ComplianceFeed(registry, FUND, policyId, twice, "");
        vm.expectRevert(abi.encodeWithSelector(IComplianceFeed.NoRatio.selector, policyId));
        new ComplianceFeed(registry, FUND, policyId, new StatedRatio[](0), "");
    }

    function test_ratiosAreLogged() public {
        bytes memory arguments = abi.encode(registry, FUND, policyId, ratios(policyId, RATIO), "");
        bytes32 code = keccak256(bytes.concat(type(ComplianceFeed).creationCode, arguments));
        bytes32 place = keccak256(abi.encodePacked(bytes1(0xff), address(this), bytes32(0), code));
        vm.expectEmit(address(uint160(uint256(place))));
        emit IComplianceFeed.RatioStated(policyId, RATIO);
        new ComplianceFeed{salt: 0}(registry, FUND, policyId, ratios(policyId, RATIO), "");
    }

    function test_unknownFundsAndPoliciesAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.UnknownFund.selector, STRANGER));
        new ComplianceFeed(registry, STRANGER, policyId, ratios(policyId, RATIO), "");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, bytes32(uint256(1))));
        new ComplianceFeed(registry, FUND, bytes32(uint256(1)), ratios(policyId, RATIO), "");
    }

    /// @dev Whatever happens, the latest round answers the ratio exactly while the fund is compliant, and is the round of its
    /// number.
    function testFuzz_theLatestRoundIsItsRound(uint256 epochs, uint256 event_, uint256 wait) public {
        epochs = bound(epochs, 1, 4);
        for (uint64 epoch = 1; epoch <= epochs; ++epoch) {
            attest(epoch);
            vm.warp(block.timestamp + 1 hours);
        }
        if (event_ % 4 == 1) suspend();
        if (event_ % 4 == 2) revoke(uint64(bound(wait, 1, epochs)));
        if (event_ % 4 == 3) replace(policyId, "other");
        vm.warp(block.timestamp + bound(wait, 0, EXPIRY - NOW + 1 days));
        Round memory last = latest();
        bool compliant = registry.isCompliant(FUND, policyId);
        vm.assertTrue(last.answer == (compliant ? RATIO : int256(0)), "answer");
        vm.assertEq(feed.isOpen(), compliant, "open");
        vm.assertTrue(last.updatedAt <= NOW + epochs * 1 hours, "no fresher than the last proof");
        if (last.id % NEXT_PHASE == 0) return;
        check(round(last.id), last.id, last.answer, last.updatedAt);
    }
}
