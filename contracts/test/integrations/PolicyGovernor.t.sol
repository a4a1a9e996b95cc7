// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {PolicyGovernor} from "../../src/governance/PolicyGovernor.sol";
import {IPolicyGovernor} from "../../src/governance/interfaces/IPolicyGovernor.sol";
import {IPolicyRegistry} from "../../src/interfaces/IPolicyRegistry.sol";
import {TwoStepOwner} from "../../src/libraries/TwoStepOwner.sol";
import {IntegrationFixtures} from "./IntegrationFixtures.sol";
import {VotingToken} from "./VotingToken.sol";

/// @notice What a proposal does, and why.
struct Proposal {
    address[] targets;
    uint256[] values;
    bytes[] calls;
    string description;
}

contract PolicyGovernorTest is IntegrationFixtures {
    address private constant WHALE = 0x00000000000000000000000000000000000000C1;
    address private constant SHRIMP = 0x00000000000000000000000000000000000000c2;
    uint48 private constant VOTING_DELAY = 10;
    uint32 private constant VOTING_PERIOD = 100;
    uint256 private constant THRESHOLD = 5;
    uint256 private constant QUORUM_PERCENT = 20;
    uint256 private constant DELAY = 1 days;
    uint8 private constant AGAINST = 0;
    uint8 private constant FOR = 1;

    VotingToken private token;
    TimelockController private timelock;
    PolicyGovernor private governor;

    function setUp() public {
        deployRegistries();
        vm.roll(1000);
        token = new VotingToken();
        timelock = new TimelockController(DELAY, new address[](0), new address[](1), address(this)); // anyone executes
        governor = new PolicyGovernor(token, timelock, VOTING_DELAY, VOTING_PERIOD, THRESHOLD, QUORUM_PERCENT);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        grant(WHALE, 30);
        grant(SHRIMP, 5);
        token.mint(STRANGER, 65); // and does not vote
        vm.roll(block.number + 1);
    }

    function grant(address account, uint256 amount) private {
        token.mint(account, amount);
        vm.prank(account);
        token.delegate(account);
    }

    // Steps of a proposal.

    function toRegistry(bytes memory call, string memory description) private view returns (Proposal memory p) {
        p.targets = new address[](1);
        p.targets[0] = address(policies);
        p.values = new uint256[](1);
        p.calls = new bytes[](1);
        p.calls[0] = call;
        p.description = description;
    }

    function registration(string memory name) private view returns (bytes memory) {
        return abi.encodeCall(
            IPolicyRegistry.registerPolicy,
            (keccak256(bytes(name)), requirements(), 1, oversight(), "", new string[](0))
        );
    }

    /// @dev Registers the successor and announces it, in one proposal.
    function replacement(bytes32 id, string memory name) private view returns (Proposal memory p) {
        p.targets = new address[](2);
        p.targets[0] = p.targets[1] = address(policies);
        p.values = new uint256[](2);
        p.calls = new bytes[](2);
        p.calls[0] = registration(name);
        p.calls[1] = abi.encodeCall(IPolicyRegistry.scheduleReplacement, (id, policyIdOf(address(timelock), name)));
        p.description = name;
    }

    function propose(Proposal memory p) private returns (uint256 id) {
        vm.prank(SHRIMP);
        id = governor.propose(p.targets, p.values, p.calls, p.description);
        vm.roll(block.number + VOTING_DELAY + 1);
    }

    function vote(uint256 id, address voter, uint8 support) private {
        vm.prank(voter);
        governor.castVote(id, support);
    }

    function queue(Proposal memory p) private {
        vm.roll(block.number + VOTING_PERIOD + 1);
        governor.queue(p.targets, p.values, p.calls, keccak256(bytes(p.description)));
    }

    function execute(Proposal memory p) private {
        governor.execute(p.targets, p.values, p.calls, keccak256(bytes(p.description)));
    }

    /// @dev All of it, with a vote of the majority.
    function carry(Proposal memory p) private {
        vote(propose(p), WHALE, FOR);
        queue(p);
        vm.warp(block.timestamp + DELAY);
        execute(p);
    }

    /// @dev The timelock registers the policy that the other tests replace, and the fund is attested under it.
    function governed() private returns (bytes32 id) {
        carry(toRegistry(registration("governed"), "begin"));
        id = policyIdOf(address(timelock), "governed");
        vm.assertEq(policies.policy(id).owner, address(timelock), "the timelock owns it");
        attest(id, 1, EXPIRY);
        vm.assertTrue(registry.isCompliant(FUND, id), "compliant");
    }

    // What it is.

    function test_whatItIs() public view {
        vm.assertEq(bytes(governor.name()), "PolicyGovernor", "name");
        vm.assertEq(address(governor.token()), address(token), "token");
        vm.assertEq(governor.timelock(), address(timelock), "timelock");
        vm.assertEq(governor.votingDelay(), VOTING_DELAY, "delay");
        vm.assertEq(governor.votingPeriod(), VOTING_PERIOD, "period");
        vm.assertEq(governor.proposalThreshold(), THRESHOLD, "threshold");
        vm.assertEq(governor.quorum(block.number - 1), 20, "quorum");
        vm.assertTrue(governor.proposalNeedsQueuing(0), "queued");
        vm.assertTrue(governor.supportsInterface(type(IGovernor).interfaceId), "governor");
        vm.assertTrue(governor.supportsInterface(type(IERC165).interfaceId), "ERC-165");
    }

    function test_needsAQuorum() public {
        vm.expectRevert(IPolicyGovernor.ZeroQuorum.selector);
        new PolicyGovernor(token, timelock, VOTING_DELAY, VOTING_PERIOD, THRESHOLD, 0);
        Proposal memory p =
            toRegistry(abi.encodeCall(GovernorVotesQuorumFraction.updateQuorumNumerator, (0)), "vote the quorum away");
        p.targets[0] = address(governor);
        vote(propose(p), WHALE, FOR);
        queue(p);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(IPolicyGovernor.ZeroQuorum.selector);
        execute(p);
        p.calls[0] = abi.encodeCall(GovernorVotesQuorumFraction.updateQuorumNumerator, (1));
        carry(p);
        vm.assertEq(governor.quorumNumerator(), 1, "any other may be voted");
    }

    // How a timelock comes to own a policy.

    function test_registersAPolicy() public {
        governed();
    }

    function test_acceptsAPolicy() public {
        attest(1);
        vm.prank(POLICY_OWNER);
        policies.transferPolicy(policyId, address(timelock));
        carry(toRegistry(abi.encodeCall(IPolicyRegistry.acceptPolicy, (policyId)), "accept"));
        vm.assertEq(policies.policy(policyId).owner, address(timelock), "owner");
        vm.assertTrue(registry.isCompliant(FUND, policyId), "what was attested counts");
        vm.prank(POLICY_OWNER);
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwner.NotOwner.selector, POLICY_OWNER, address(timelock)));
        policies.scheduleReplacement(policyId, bytes32(uint256(1)));
    }

    // Looser is slow, tighter is fast.

    function test_aLooserPolicyWaitsForVoteDelayAndNotice() public {
        bytes32 id = governed();
        Proposal memory p = replacement(id, "looser");
        bytes32 looser = policyIdOf(address(timelock), "looser");
        uint256 proposal = propose(p);
        vote(proposal, WHALE, FOR);
        queue(p);
        vm.assertTrue(governor.state(proposal) == IGovernor.ProposalState.Queued, "queued");
        vm.warp(block.timestamp + DELAY - 1);
        vm.expectRevert();
        execute(p);
        vm.warp(block.timestamp + 1);
        execute(p);
        vm.assertTrue(governor.state(proposal) == IGovernor.ProposalState.Executed, "executed");

        uint64 effectiveAt = uint64(block.timestamp) + NOTICE;
        (bytes32 successor, uint64 counts) = policies.replacement(id);
        vm.assertEq(successor, looser, "successor");
        vm.assertEq(counts, effectiveAt, "after the notice");
        vm.warp(effectiveAt - 1);
        vm.assertTrue(registry.isCompliant(FUND, id), "until then the old policy counts");
        vm.assertEq(policies.current(id), id, "current");
        vm.warp(effectiveAt);
        vm.assertTrue(!registry.isCompliant(FUND, id), "the attestation falls with its policy");
        vm.assertEq(registry.since(FUND, id), 0, "since");
        vm.assertEq(policies.current(id), looser, "current");
        attest(looser, 2, EXPIRY);
        vm.assertTrue(registry.isCompliant(FUND, looser), "under the new one");
    }

    function test_aTighterPolicyCountsWhenPublishersConfirm() public {
        bytes32 id = governed();
        carry(replacement(id, "tighter"));
        bytes32 tighter = policyIdOf(address(timelock), "tighter");
        vm.assertTrue(registry.isCompliant(FUND, id), "announced");
        vm.prank(PUBLISHER);
        policies.confirmTightening(id, tighter);
        vm.assertEq(policies.current(id), tighter, "at once");
        vm.assertTrue(!registry.isCompliant(FUND, id), "the attestation falls with its policy");
        attest(tighter, 2, EXPIRY);
        vm.assertTrue(registry.isCompliant(FUND, tighter), "under the new one");
    }

    function test_aReplacementIsTakenBackByVote() public {
        bytes32 id = governed();
        carry(replacement(id, "looser"));
        carry(toRegistry(abi.encodeCall(IPolicyRegistry.cancelReplacement, (id)), "take it back"));
        vm.warp(block.timestamp + NOTICE);
        vm.assertTrue(registry.isCompliant(FUND, id), "still under the old policy");
    }

    // Nobody else.

    function test_aMinorityChangesNothing() public {
        bytes32 id = governed();
        Proposal memory p = replacement(id, "looser");
        uint256 proposal = propose(p);
        vote(proposal, SHRIMP, FOR); // 5 of 100, below the quorum
        vm.roll(block.number + VOTING_PERIOD + 1);
        vm.assertTrue(governor.state(proposal) == IGovernor.ProposalState.Defeated, "no quorum");
        p.description = "again";
        proposal = propose(p);
        vote(proposal, SHRIMP, FOR);
        vote(proposal, WHALE, AGAINST);
        vm.roll(block.number + VOTING_PERIOD + 1);
        vm.assertTrue(governor.state(proposal) == IGovernor.ProposalState.Defeated, "outvoted");
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        governor.queue(p.targets, p.values, p.calls, keccak256(bytes(p.description)));
    }

    function test_votesAreThoseBeforeTheVote() public {
        Proposal memory p = toRegistry(registration("borrowed"), "with borrowed votes");
        uint256 proposal = propose(p);
        grant(STRANGER, 1000);
        vm.roll(block.number + 1);
        vote(proposal, STRANGER, FOR);
        vm.roll(block.number + VOTING_PERIOD);
        vm.assertTrue(governor.state(proposal) == IGovernor.ProposalState.Defeated, "they do not count");
    }

    function test_proposersNeedVotes() public {
        Proposal memory p = toRegistry(registration("a stranger's"), "");
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, STRANGER, 0, THRESHOLD)
        );
        vm.prank(STRANGER);
        governor.propose(p.targets, p.values, p.calls, p.description);
    }

    function test_onlyTheGovernorUsesTheTimelock() public {
        bytes32 role = timelock.PROPOSER_ROLE();
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), role)
        );
        timelock.schedule(address(policies), 0, registration("mine"), 0, 0, DELAY);
        vm.assertTrue(!timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(this)), "no admin");
    }

    /// @dev A proposer withdraws a proposal before votes begin, and the timelock's copy goes with a queued one.
    function test_aProposerWithdraws() public {
        Proposal memory p = toRegistry(registration("withdrawn"), "withdrawn");
        vm.prank(SHRIMP);
        uint256 proposal = governor.propose(p.targets, p.values, p.calls, p.description);
        vm.prank(SHRIMP);
        governor.cancel(p.targets, p.values, p.calls, keccak256(bytes(p.description)));
        vm.assertTrue(governor.state(proposal) == IGovernor.ProposalState.Canceled, "cancelled");
    }

    /// @dev Whatever the share of votes, it passes exactly with the quorum and a majority.
    function testFuzz_passesWithQuorumAndMajority(uint256 yes, uint256 no) public {
        (yes, no) = (bound(yes, 0, 60), bound(no, 0, 60));
        (address first, address second) = (address(0x1001), address(0x1002));
        if (yes != 0) grant(first, yes);
        if (no != 0) grant(second, no);
        vm.roll(block.number + 1);
        uint256 supply = token.totalSupply();
        uint256 proposal = propose(toRegistry(registration("fuzzed"), "fuzzed"));
        vote(proposal, first, FOR);
        vote(proposal, second, AGAINST);
        vm.roll(block.number + VOTING_PERIOD + 1);
        bool passes = yes >= supply * QUORUM_PERCENT / 100 && yes > no;
        bool succeeded = governor.state(proposal) == IGovernor.ProposalState.Succeeded;
        vm.assertEq(succeeded, passes, "passes");
    }
}
