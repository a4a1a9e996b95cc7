// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Approval, IPolicyRegistry, Oversight, PolicyRecord} from "../src/interfaces/IPolicyRegistry.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @title Votes of publishers on an epoch's statements, vetoes, and changes of overseers
contract PolicyVotesTest is RegistryFixtures {
    bytes32 private id;
    Approval private first;
    Approval private second;

    function setUp() public {
        deploy();
        id = register(POLICY_OWNER, policyHashes[0], requirementsOf(), 1, committee());
        (first, second) = (approvalOf(0), approvalOf(0));
        second.digests[0] = keccak256("another statement");
    }

    function _vote(uint256 i, uint64 epoch, Approval memory word_) private {
        approveAs(publisher(i), id, epoch, word_);
    }

    function _veto(address caller, uint64 epoch) private {
        vm.prank(caller);
        policies.vetoEpoch(id, epoch, "wrong price of ETH");
    }

    function _approveBoth(uint64 epoch) private {
        _vote(0, epoch, first);
        _vote(1, epoch, first);
    }

    function _votes(uint64 epoch, Approval memory word_) private view returns (uint256) {
        return policies.votes(id, epoch, keccak256(abi.encode(word_)));
    }

    function _effectiveAt(uint64 epoch) private view returns (uint64 effectiveAt) {
        (, effectiveAt) = policies.approval(id, epoch);
    }

    function _assertNotApproved(uint64 epoch) private {
        vm.assertEq(_effectiveAt(epoch), 0, "not approved");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotApproved.selector, id, epoch));
        policies.statements(id, epoch);
    }

    // Votes.

    function test_twoOfThreeApprove() public {
        bytes32 hash = keccak256(abi.encode(first));
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.EpochVoted(id, 5, publisher(2), hash, 1);
        _vote(2, 5, first);
        _assertNotApproved(5);
        vm.assertEq(policies.policy(id).lastEpoch, 0, "no epoch yet");
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.EpochVoted(id, 5, publisher(0), hash, 2);
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.EpochApproved(id, 5, first, uint64(block.timestamp) + 1 hours);
        _vote(0, 5, first);
        (Approval memory approved, uint64 effectiveAt) = policies.approval(id, 5);
        vm.assertEq(abi.encode(approved), abi.encode(first), "what they said");
        vm.assertEq(effectiveAt, block.timestamp + 1 hours, "after the challenge window");
        vm.assertEq(policies.policy(id).lastEpoch, 5, "last epoch");
    }

    function test_statementsCountAfterTheWindow() public {
        _approveBoth(5);
        uint64 effectiveAt = _effectiveAt(5);
        bytes memory reason =
            abi.encodeWithSelector(IPolicyRegistry.ChallengeWindowOpen.selector, id, uint64(5), effectiveAt);
        vm.expectRevert(reason);
        policies.statements(id, 5);
        vm.warp(effectiveAt - 1);
        vm.expectRevert(reason);
        policies.statements(id, 5);
        vm.warp(effectiveAt);
        (PolicyRecord memory record, Approval memory approved) = policies.statements(id, 5);
        vm.assertEq(abi.encode(record), abi.encode(policies.policy(id)), "the policy");
        vm.assertEq(abi.encode(approved), abi.encode(first), "the approval");
    }

    function test_sayingItTwiceCountsOnce() public {
        _vote(0, 5, first);
        _vote(0, 5, first);
        vm.assertEq(_votes(5, first), 1, "one publisher");
        _assertNotApproved(5);
    }

    function test_aChangedWordIsTakenBack() public {
        _vote(0, 5, first);
        _vote(0, 5, second);
        vm.assertEq(_votes(5, first), 0, "taken back");
        vm.assertEq(_votes(5, second), 1, "said instead");
        _vote(1, 5, first);
        _assertNotApproved(5);
        _vote(0, 5, first);
        vm.assertEq(_votes(5, second), 0, "taken back again");
        vm.assertTrue(_effectiveAt(5) != 0, "agreed in the end");
    }

    function test_differentWordsDoNotAddUp() public {
        _vote(0, 5, first);
        _vote(1, 5, second);
        _assertNotApproved(5);
        _vote(2, 5, second);
        (Approval memory approved,) = policies.approval(id, 5);
        vm.assertEq(approved.digests[0], second.digests[0], "the majority's");
    }

    function test_votesOnOtherEpochsDoNotAddUp() public {
        _vote(0, 5, first);
        _vote(1, 6, first);
        _assertNotApproved(5);
        _assertNotApproved(6);
    }

    function test_noVotesOnWhatIsApproved() public {
        _approveBoth(5);
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 5, 5);
        vm.expectRevert(reason);
        _vote(2, 5, second);
        vm.warp(_effectiveAt(5));
        vm.expectRevert(reason);
        _vote(2, 5, second);
        reason = abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 5, 4);
        vm.expectRevert(reason);
        _vote(2, 4, first);
    }

    /// @dev Votes in any order, against a plain count of who says what.
    function testFuzz_votes(uint256 seed) public {
        bytes32[3] memory hashes;
        uint256[3] memory said = [uint256(3), 3, 3];
        Approval memory word_ = approvalOf(0);
        for (uint256 step; step < 12; ++step) {
            (uint256 who, uint256 what) = ((seed >> 8 * step) % 3, (seed >> (8 * step + 4)) % 3);
            word_.digests[0] = keccak256(abi.encode(what));
            hashes[what] = keccak256(abi.encode(word_));
            _vote(who, 5, word_);
            said[who] = what;
            uint256 most;
            for (uint256 k; k < 3; ++k) {
                uint256 count;
                for (uint256 i; i < 3; ++i) {
                    if (said[i] == k) ++count;
                }
                if (hashes[k] != 0) vm.assertEq(policies.votes(id, 5, hashes[k]), count, "as counted");
                if (count > most) most = count;
            }
            vm.assertEq(_effectiveAt(5) != 0, most >= 2, "approved as soon as two agree");
            if (most >= 2) return;
        }
    }

    // Vetoes.

    function test_everyOverseerMayVeto() public {
        address[5] memory overseers = [publisher(0), publisher(1), publisher(2), AUDITOR, POLICY_OWNER];
        for (uint64 epoch = 1; epoch <= 5; ++epoch) {
            _approveBoth(epoch);
            vm.expectEmit(address(policies));
            emit IPolicyRegistry.EpochVetoed(id, epoch, overseers[epoch - 1], "wrong price of ETH");
            _veto(overseers[epoch - 1], epoch);
            _assertNotApproved(epoch);
            (Approval memory approved,) = policies.approval(id, epoch);
            vm.assertEq(approved.digests.length, 0, "nothing left");
        }
    }

    function testFuzz_strangersDoNotVeto(address caller) public {
        if (policies.isPublisher(id, caller) || policies.isAuditor(id, caller) || caller == POLICY_OWNER) return;
        _approveBoth(5);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotOverseer.selector, id, caller));
        _veto(caller, 5);
    }

    function test_aVetoHasAReason() public {
        _approveBoth(5);
        vm.expectRevert(IPolicyRegistry.EmptyReason.selector);
        vm.prank(AUDITOR);
        policies.vetoEpoch(id, 5, "");
    }

    function test_noVetoAfterTheWindow() public {
        _approveBoth(5);
        _approveBoth(6);
        vm.warp(_effectiveAt(5) - 1);
        _veto(AUDITOR, 5);
        vm.warp(_effectiveAt(6));
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NothingToVeto.selector, id, uint64(6)));
        _veto(AUDITOR, 6);
        policies.statements(id, 6);
    }

    function test_nothingToVeto() public {
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.NothingToVeto.selector, id, uint64(5));
        vm.expectRevert(reason);
        _veto(AUDITOR, 5);
        _vote(0, 5, first);
        _veto(AUDITOR, 5);
        vm.expectRevert(reason);
        _veto(AUDITOR, 5);
    }

    /// @dev A vote that a veto has swept away is no vote in the next round.
    function test_aVetoSweepsVotesAway() public {
        _vote(0, 5, first);
        _veto(AUDITOR, 5);
        vm.assertEq(_votes(5, first), 0, "swept away");
        _vote(1, 5, first);
        _assertNotApproved(5);
        _vote(0, 5, first);
        vm.assertTrue(_effectiveAt(5) != 0, "approved in the second round");
    }

    function test_aVetoedEpochIsVotedOnAnew() public {
        _approveBoth(5);
        _veto(AUDITOR, 5);
        _approveBoth(7);
        vm.assertEq(policies.policy(id).lastEpoch, 7, "later ones go on");
        vm.warp(block.timestamp + 10);
        _vote(1, 5, second);
        _vote(2, 5, second);
        (Approval memory approved, uint64 effectiveAt) = policies.approval(id, 5);
        vm.assertEq(approved.digests[0], second.digests[0], "the second word");
        vm.assertEq(effectiveAt, block.timestamp + 1 hours, "with a window of its own");
        vm.assertEq(policies.policy(id).lastEpoch, 7, "the last stays the last");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 7, 5));
        _vote(0, 5, first);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 7, 6));
        _vote(0, 6, first);
        _veto(AUDITOR, 5);
        _approveBoth(5);
    }

    /// @dev Else one wrong epoch, far ahead, would block all between.
    function test_aVetoGivesTheEpochsBetweenBack() public {
        _approveBoth(5);
        _approveBoth(1000);
        _veto(AUDITOR, 1000);
        vm.assertEq(policies.policy(id).lastEpoch, 5, "as before");
        _approveBoth(6);
        vm.assertEq(policies.policy(id).lastEpoch, 6, "the next");
        _veto(AUDITOR, 5);
        vm.assertEq(policies.policy(id).lastEpoch, 6, "not the last, nothing to go back to");
        _approveBoth(1000);
        vm.assertEq(policies.policy(id).lastEpoch, 1000, "and the vetoed one anew");
    }

    /// @dev A veto of the last epoch does not go back behind one that was approved anew, which stays what it is.
    function test_whatIsApprovedNeverChanges() public {
        _approveBoth(5);
        _veto(AUDITOR, 5);
        _approveBoth(7);
        _approveBoth(5);
        _veto(AUDITOR, 7);
        vm.assertEq(policies.policy(id).lastEpoch, 5, "approved anew");
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 5, 5);
        vm.expectRevert(reason);
        _vote(0, 5, second);
        vm.warp(_effectiveAt(5));
        vm.expectRevert(reason);
        _vote(0, 5, first);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 5, 4));
        _vote(0, 4, first);
        (, Approval memory approved) = policies.statements(id, 5);
        vm.assertEq(abi.encode(approved), abi.encode(first), "in force");
    }

    /// @dev Else two wrong epochs, far ahead, would block all between for good.
    function test_vetoesGoBackAsFarAsTheyReach() public {
        for (uint64 order; order < 2; ++order) {
            uint64 base = 5 + 100 * order;
            _approveBoth(base);
            _approveBoth(base + 50);
            _approveBoth(base + 51);
            _veto(AUDITOR, order == 0 ? base + 51 : base + 50);
            _veto(AUDITOR, order == 0 ? base + 50 : base + 51);
            vm.assertEq(policies.policy(id).lastEpoch, base, "the last that stands");
            _approveBoth(base + 1);
            _approveBoth(base + 50);
            vm.assertEq(policies.policy(id).lastEpoch, base + 50, "anew");
        }
    }

    /// @dev One that was approved anew, behind the last, is what a veto of the last goes back to, and to what was before it after that.
    function test_whatIsApprovedAnewFindsItsPlace() public {
        _approveBoth(5);
        _approveBoth(7);
        _approveBoth(9);
        _veto(AUDITOR, 9);
        _veto(AUDITOR, 7);
        _approveBoth(10);
        _approveBoth(7);
        _approveBoth(9);
        _veto(AUDITOR, 10);
        vm.assertEq(policies.policy(id).lastEpoch, 9, "approved anew");
        _veto(AUDITOR, 9);
        vm.assertEq(policies.policy(id).lastEpoch, 7, "the one before");
        _veto(AUDITOR, 7);
        vm.assertEq(policies.policy(id).lastEpoch, 5, "and before that");
        _veto(AUDITOR, 5);
        vm.assertEq(policies.policy(id).lastEpoch, 0, "none is left");
    }

    /// @dev In the middle of others an epoch keeps its place while it is vetoed.
    function test_vetoedInTheMiddle() public {
        _approveBoth(5);
        _approveBoth(7);
        _approveBoth(9);
        _veto(AUDITOR, 7);
        _approveBoth(7);
        _veto(AUDITOR, 7);
        _veto(AUDITOR, 9);
        vm.assertEq(policies.policy(id).lastEpoch, 5, "over the vetoed one");
    }

    /// @dev What was vetoed may come again behind a later one, and so may its veto.
    function test_aWordBehindTheLastIsVetoedIfItMayStillPass() public {
        _approveBoth(5);
        _veto(AUDITOR, 5);
        _approveBoth(7);
        _vote(0, 5, first);
        _veto(AUDITOR, 5);
        vm.assertEq(_votes(5, first), 0, "swept away");
    }

    /// @dev A word for an epoch that was passed over would come back to life by a veto.
    function test_whatCannotPassIsNotVetoed() public {
        _vote(0, 6, first);
        _approveBoth(7);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NothingToVeto.selector, id, uint64(6)));
        _veto(publisher(0), 6);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 7, 6));
        _vote(1, 6, first);
    }

    function test_withoutAWindowThereIsNoVeto() public {
        Oversight memory oversight = committee();
        oversight.challengeWindow = 0;
        id = register(POLICY_OWNER, policyHashes[1], requirementsOf(), 1, oversight);
        _approveBoth(5);
        policies.statements(id, 5);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NothingToVeto.selector, id, uint64(5)));
        _veto(AUDITOR, 5);
    }

    // Other overseers.

    function _schedule(Oversight memory oversight) private {
        vm.prank(POLICY_OWNER);
        policies.scheduleOversight(id, oversight);
    }

    function test_overseersChangeAfterNotice() public {
        Oversight memory next = oversightOf(STRANGER);
        next.auditors = listOf(OPERATOR);
        uint64 effectiveAt = uint64(block.timestamp) + NOTICE;
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.OversightScheduled(id, next, effectiveAt);
        _schedule(next);
        (Oversight memory pending, uint64 pendingAt) = policies.pendingOversight(id);
        vm.assertEq(abi.encode(pending, pendingAt), abi.encode(next, effectiveAt), "announced");
        vm.warp(effectiveAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NoticeRunning.selector, id, effectiveAt));
        policies.applyOversight(id);
        vm.assertTrue(policies.isPublisher(id, publisher(0)) && !policies.isPublisher(id, STRANGER), "not yet");
        vm.warp(effectiveAt);
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.OversightChanged(id, next);
        vm.prank(STRANGER);
        policies.applyOversight(id);
        vm.assertEq(abi.encode(policies.oversight(id)), abi.encode(next), "in office");
        vm.assertTrue(!policies.isPublisher(id, publisher(0)) && policies.isPublisher(id, STRANGER), "publishers");
        vm.assertTrue(!policies.isAuditor(id, AUDITOR) && policies.isAuditor(id, OPERATOR), "auditors");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NoOversightScheduled.selector, id));
        policies.applyOversight(id);
    }

    function test_announcedOverseersAreWithdrawn() public {
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.NoOversightScheduled.selector, id);
        vm.expectRevert(reason);
        vm.prank(POLICY_OWNER);
        policies.cancelOversight(id);
        _schedule(oversightOf(STRANGER));
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.OversightCancelled(id);
        vm.prank(POLICY_OWNER);
        policies.cancelOversight(id);
        (, uint64 pendingAt) = policies.pendingOversight(id);
        vm.assertEq(pendingAt, 0, "withdrawn");
        vm.warp(block.timestamp + NOTICE);
        vm.expectRevert(reason);
        policies.applyOversight(id);
    }

    /// @dev Else an announcement that nobody minds could be swapped at the last moment.
    function test_anotherAnnouncementHasANoticeOfItsOwn() public {
        _schedule(oversightOf(STRANGER));
        vm.warp(block.timestamp + NOTICE);
        _schedule(oversightOf(OPERATOR));
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyRegistry.NoticeRunning.selector, id, uint64(block.timestamp) + NOTICE)
        );
        policies.applyOversight(id);
        vm.warp(block.timestamp + NOTICE);
        policies.applyOversight(id);
        vm.assertTrue(policies.isPublisher(id, OPERATOR) && !policies.isPublisher(id, STRANGER), "the later one");
    }

    /// @dev The notice that counts is the present one, not the next.
    function test_theNoticeIsThePresentOne() public {
        Oversight memory patient = committee();
        patient.noticePeriod = 30 days;
        _schedule(patient);
        vm.warp(block.timestamp + NOTICE);
        policies.applyOversight(id);
        _schedule(committee());
        vm.warp(block.timestamp + 30 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NoticeRunning.selector, id, block.timestamp + 1));
        policies.applyOversight(id);
    }

    /// @dev A former publisher's vote, and a vote under a former threshold, are void.
    function test_staleVotesDoNotCount() public {
        _vote(0, 5, first);
        Oversight memory next = committee();
        next.publishers[0] = address(0xC0);
        _schedule(next);
        vm.warp(block.timestamp + NOTICE);
        policies.applyOversight(id);
        vm.assertEq(_votes(5, first), 0, "void");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotPublisher.selector, id, publisher(0)));
        _vote(0, 5, first);
        _vote(1, 5, first);
        _assertNotApproved(5);
        _vote(2, 5, first);
        vm.assertTrue(_effectiveAt(5) != 0, "two of the new ones");
    }

    function test_whatWasApprovedStays() public {
        _approveBoth(5);
        _schedule(oversightOf(STRANGER));
        vm.warp(block.timestamp + NOTICE);
        policies.applyOversight(id);
        policies.statements(id, 5);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 5, 5));
        approveAs(STRANGER, id, 5, second);
    }
}
