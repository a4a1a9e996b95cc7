// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Approval, Oversight} from "../src/interfaces/IPolicyRegistry.sol";
import {PolicyRegistry} from "../src/PolicyRegistry.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @title Publishers, overseers and strangers who vote, veto and change offices in any order
/// @dev It keeps an account of its own of who says what, by office and round.
contract PolicyHandler is RegistryFixtures {
    uint64 public constant EPOCHS = 3;
    uint256 public constant WORDS = 2;
    uint256 private constant VOTERS = 5; // three publishers at first; the last is nobody's publisher ever

    bytes32 public id;
    Approval[2] private words;
    mapping(bytes32 ballot => mapping(uint256 voter => uint256 word_)) private said;
    mapping(uint64 epoch => uint256) private rounds;
    uint256 private office;
    mapping(uint64 epoch => uint64) private effectiveAt;
    uint64 private lastEpoch;
    bool public wrong;
    uint256 public approvals;

    constructor() {
        deploy();
        id = register(POLICY_OWNER, policyHashes[0], requirementsOf(), 1, committee());
        words[0] = approvalOf(0);
        words[1] = approvalOf(0);
        words[1].digests[0] = keccak256("another statement");
    }

    /// @dev The last epoch only goes back by a veto of it.
    modifier remembered(bool mayGoBack) {
        _;
        uint64 last = policies.policy(id).lastEpoch;
        wrong = wrong || (last < lastEpoch && !mayGoBack);
        lastEpoch = last;
    }

    function target() external view returns (PolicyRegistry) {
        return policies;
    }

    function hashOf(uint256 k) public view returns (bytes32) {
        return keccak256(abi.encode(words[k]));
    }

    function _ballot(uint64 epoch) private view returns (bytes32) {
        return keccak256(abi.encode(epoch, rounds[epoch], office));
    }

    /// @dev How many present publishers' last word in this round is number `k`.
    function counted(uint64 epoch, uint256 k) public view returns (uint256 count) {
        for (uint256 i; i < VOTERS; ++i) {
            if (said[_ballot(epoch)][i] == k + 1 && policies.isPublisher(id, publisher(i))) ++count;
        }
    }

    function voteSome(uint256 seed) external remembered(false) {
        (uint256 who, uint256 what) = (seed % VOTERS, (seed >> 8) % WORDS);
        uint64 epoch = 1 + uint64((seed >> 16) % EPOCHS);
        bool mayVote = policies.isPublisher(id, publisher(who));
        vm.prank(publisher(who));
        try policies.approveEpoch(id, epoch, words[what]) {
            said[_ballot(epoch)][who] = what + 1;
            (, uint64 counts) = policies.approval(id, epoch);
            bool enough = counted(epoch, what) >= policies.oversight(id).threshold;
            wrong = wrong || !mayVote || effectiveAt[epoch] != 0 || (counts != 0) != enough;
            if (counts != 0) ++approvals;
            effectiveAt[epoch] = counts;
        } catch {}
    }

    function vetoSome(uint256 seed) external remembered(true) {
        address[4] memory callers = [AUDITOR, POLICY_OWNER, publisher(0), STRANGER];
        address caller = callers[seed % 4];
        uint64 epoch = 1 + uint64((seed >> 8) % EPOCHS);
        if ((seed >> 16) % 3 != 0) return; // else nothing is ever approved
        uint64 counts = effectiveAt[epoch];
        vm.prank(caller);
        try policies.vetoEpoch(id, epoch, "wrong price") {
            wrong = wrong || caller == STRANGER || (counts != 0 && block.timestamp >= counts);
            ++rounds[epoch];
            effectiveAt[epoch] = 0;
        } catch {}
    }

    /// @dev The committee moves on by one publisher, and may come back.
    function changeOffice(uint256 seed) external remembered(false) {
        if (seed % 4 == 0) {
            address[] memory publishers = new address[](3);
            for (uint256 i; i < 3; ++i) {
                publishers[i] = publisher(i + (seed >> 8) % 2);
            }
            vm.prank(POLICY_OWNER);
            policies.scheduleOversight(id, _committeeOf(publishers));
        }
        try policies.applyOversight(id) {
            ++office;
        } catch {}
    }

    function _committeeOf(address[] memory publishers) private pure returns (Oversight memory oversight) {
        oversight = committee();
        oversight.publishers = publishers;
    }

    function wait_(uint256 seed) external remembered(false) {
        vm.warp(block.timestamp + (seed % 8 == 0 ? 1 days : seed % 2000));
    }

    function expectedEffectiveAt(uint64 epoch) external view returns (uint64) {
        return effectiveAt[epoch];
    }
}

/// @title What holds of votes and approvals after any calls
contract PolicyInvariantsTest is RegistryFixtures {
    PolicyHandler private handler;
    address[] private targets;

    function setUp() public {
        handler = new PolicyHandler();
        targets.push(address(handler));
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory) {
        return targets;
    }

    /// @dev Each present publisher counts once, in the round and under the overseers of today.
    function invariant_votesAreCounted() external view {
        PolicyRegistry registry_ = handler.target();
        uint256 publishers = registry_.oversight(handler.id()).publishers.length;
        for (uint64 epoch = 1; epoch <= handler.EPOCHS(); ++epoch) {
            uint256 all;
            for (uint256 k; k < handler.WORDS(); ++k) {
                uint256 votes = registry_.votes(handler.id(), epoch, handler.hashOf(k));
                vm.assertEq(votes, handler.counted(epoch, k), "as counted");
                all += votes;
            }
            vm.assertTrue(all <= publishers, "more votes than publishers");
        }
    }

    /// @dev Approved with the threshold's vote and not before, until a veto in time; epochs only ascend.
    function invariant_approvalsAreEarned() external view {
        vm.assertTrue(!handler.wrong(), "an approval that was not earned, or a veto out of time");
        for (uint64 epoch = 1; epoch <= handler.EPOCHS(); ++epoch) {
            (, uint64 effectiveAt) = handler.target().approval(handler.id(), epoch);
            vm.assertEq(effectiveAt, handler.expectedEffectiveAt(epoch), "approved or not");
        }
    }

    /// @dev Without it the two above could hold because nothing was ever approved.
    function test_theHandlerGetsEpochsApproved() external {
        handler.voteSome(0);
        handler.voteSome(1);
        vm.assertEq(handler.approvals(), 1, "approved");
        handler.vetoSome(0);
        handler.voteSome(2);
        handler.voteSome(1);
        vm.assertEq(handler.approvals(), 2, "again after a veto");
        vm.assertTrue(!handler.wrong(), "and nothing wrong");
    }
}
