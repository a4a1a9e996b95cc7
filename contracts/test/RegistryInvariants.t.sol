// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestationRegistry} from "../src/AttestationRegistry.sol";
import {Compliance, ProgramProof} from "../src/interfaces/IAttestationRegistry.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title Whoever calls whatever in any order, with valid proofs and approvals at hand
/// @dev It remembers what the registry ever said, so that the invariants can tell whether it changed its mind.
contract RegistryHandler is RegistryFixtures {
    uint64 private constant FIRST_EPOCH = 7;
    uint64 private constant LAST_EPOCH = 8;

    /// @dev Whether the proof of this submission was ever accepted.
    bool[6] public accepted;
    bytes32[9] public sets;
    bytes32[9] public roots;
    uint64 public lastEpoch;
    uint64[3] public latestEpoch;
    uint256[3] public historyLength;
    bool[3] public replaced;
    address public fundOwner = FUND_OWNER;
    mapping(address account => bool) public isOperator;
    bool public changedItsMind;
    uint256 public acceptances;

    constructor() {
        deploy();
        registerAll();
    }

    modifier remembered() {
        _;
        for (uint64 epoch = FIRST_EPOCH; epoch <= LAST_EPOCH; ++epoch) {
            changedItsMind = changedItsMind || _lost(sets[epoch], registry.sourceSet(FUND, epoch))
                || _lost(roots[epoch], books.bookRoot(FUND, epoch));
            (sets[epoch], roots[epoch]) = (registry.sourceSet(FUND, epoch), books.bookRoot(FUND, epoch));
        }
        changedItsMind = changedItsMind || registry.lastEpoch(FUND) < lastEpoch;
        lastEpoch = registry.lastEpoch(FUND);
        for (uint256 i; i < 3; ++i) {
            uint64 epoch = registry.latest(FUND, policyIds[i]).epoch;
            changedItsMind = changedItsMind || epoch < latestEpoch[i];
            latestEpoch[i] = epoch;
            uint256 length = registry.historyLength(FUND, policyIds[i]);
            changedItsMind = changedItsMind || length < historyLength[i] || length > historyLength[i] + 1;
            historyLength[i] = length;
            bool current = policies.isCurrent(policyIds[i]);
            changedItsMind = changedItsMind || (replaced[i] && current);
            replaced[i] = !current;
        }
        (address owner,) = funds.fundOwner(FUND);
        changedItsMind = changedItsMind || owner != fundOwner || funds.actsFor(FUND, OPERATOR) != isOperator[OPERATOR];
    }

    function _lost(bytes32 before, bytes32 now_) private pure returns (bool) {
        return before != 0 && now_ != before;
    }

    function target() external view returns (AttestationRegistry) {
        return registry;
    }

    function policyOf(uint256 i) external view returns (bytes32) {
        return policyIds[i];
    }

    /// @dev One of the six proofs, sent by one of three, sometimes damaged.
    function submitSome(uint256 seed, uint256 damage) external remembered {
        uint256 i = seed % 6;
        Submission memory s = submission(i);
        address[3] memory callers = [FUND_OWNER, FUND, STRANGER];
        bool byOwner = (seed >> 8) % 3 == 0;
        bool fixed_ = registry.sourceSet(FUND, s.epoch) == s.sourceSetHash;
        bool damaged = damage % 4 == 0;
        // forge-lint: disable-next-line(unsafe-typecast)
        if (damaged) s.proof[(damage >> 8) % s.proof.length] ^= bytes1(uint8(1 + damage % 255));
        vm.prank(callers[(seed >> 8) % 3]);
        try registry.submit(FUND, policyIds[s.policy], s.epoch, s.expiry, programOf(s), s.sources, s.previousSources) {
            assert(!damaged && (byOwner || fixed_) && block.timestamp <= s.expiry);
            accepted[i] = true;
            ++acceptances;
        } catch {}
    }

    /// @dev Both programs of policy 2, of which one at most may be attested before.
    function submitBoth(uint256 seed) external remembered {
        (Submission memory plain, Submission memory s) = (submission(4), submission(5));
        ProgramProof[] memory programs = new ProgramProof[](2);
        (programs[0], programs[1]) = (programOf(plain)[0], programOf(s)[0]);
        vm.prank(seed % 2 == 0 ? FUND_OWNER : STRANGER);
        try registry.submit(FUND, policyIds[2], 8, s.expiry, programs, s.sources, s.previousSources) {
            assert(!(accepted[4] && accepted[5]) && registry.latest(FUND, policyIds[2]).epoch == 8);
            accepted[4] = accepted[5] = true;
            ++acceptances;
        } catch {}
    }

    function commitSome(uint256 seed) external remembered {
        Submission memory s = submission(seed % 6);
        vm.prank((seed >> 8) % 3 == 0 ? STRANGER : FUND_OWNER);
        try registry.commitSourceSet(FUND, policyIds[s.policy], s.epoch, s.sources) {
            assert((seed >> 8) % 3 != 0);
        } catch {}
    }

    function commitOthers(uint256 seed) external remembered {
        Submission memory s = submission(seed % 6);
        s.sources = resigned(s.sources, s.epoch);
        vm.prank(FUND_OWNER);
        try registry.commitSourceSet(FUND, policyIds[s.policy], s.epoch, s.sources) {} catch {}
    }

    function publishSome(uint256 seed, bytes32 root) external remembered {
        vm.prank(seed % 2 == 0 ? FUND_OWNER : STRANGER);
        try books.publishBook(FUND, to64(seed % 12), root) {
            assert(seed % 2 == 0 && root != 0);
        } catch {}
    }

    function approveAgain(uint256 seed) external remembered {
        uint256 i = seed % 3;
        vm.prank(seed % 2 == 0 ? POLICY_OWNER : FUND_OWNER);
        try policies.approveEpoch(policyIds[i], to64(7 + seed % 2), approvalOf(i)) {} catch {}
    }

    /// @dev Only the owner's word changes who acts for the fund.
    function operateSome(uint256 seed) external remembered {
        address[3] memory callers = [FUND_OWNER, OPERATOR, STRANGER];
        address caller = callers[seed % 3];
        bool allowed = seed >> 8 & 1 == 1;
        vm.prank(caller);
        try funds.setOperator(FUND, OPERATOR, allowed) {
            assert(caller == FUND_OWNER);
            isOperator[OPERATOR] = allowed;
        } catch {}
    }

    function offerSome(uint256 seed) external remembered {
        vm.prank(seed % 2 == 0 ? FUND : STRANGER);
        try funds.transferFund(FUND, STRANGER) {
            assert(false);
        } catch {}
        vm.prank(STRANGER);
        try funds.acceptFund(FUND) {
            assert(false);
        } catch {}
    }

    /// @dev The owner, another owner's eyes on it, or an overseer replaces one policy by another, and takes it back.
    function replaceSome(uint256 seed) external remembered {
        address caller = seed % 4 == 0 ? STRANGER : POLICY_OWNER;
        (bytes32 from, bytes32 to) = (policyIds[(seed >> 8) % 3], policyIds[(seed >> 16) % 3]);
        uint256 what = (seed >> 24) % 8;
        vm.prank(caller);
        if (what == 0) {
            try policies.scheduleReplacement(from, to) {
                assert(caller == POLICY_OWNER && from != to);
            } catch {}
        } else if (what == 1) {
            try policies.confirmTightening(from, to) {
                assert(caller == POLICY_OWNER);
            } catch {}
        } else {
            try policies.cancelReplacement(from) {
                assert(caller == POLICY_OWNER && policies.isCurrent(from));
            } catch {}
        }
    }

    /// @dev Mostly some minutes; now and then beyond every expiry.
    function wait_(uint256 seed) external remembered {
        vm.warp(block.timestamp + (seed % 40 == 0 ? 100_000_000 : seed % 1000));
    }
}

/// @title What holds of the registry after any calls
contract RegistryInvariantsTest is RegistryFixtures {
    RegistryHandler private handler;
    address[] private targets;

    function setUp() public {
        handler = new RegistryHandler();
        targets.push(address(handler));
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory) {
        return targets;
    }

    function _programs(uint256 policy, uint64 epoch) private pure returns (uint256 first, uint256 count) {
        if (policy == 0) return (epoch == 7 ? 0 : 3, 1);
        return (policy == 1 ? 1 : 4, 2);
    }

    /// @dev A fund counts as compliant only by proofs of all programs, of one epoch, none of them expired.
    function invariant_complianceIsProved() external view {
        for (uint256 i; i < 3; ++i) {
            bytes32 id = handler.policyOf(i);
            Compliance memory last = handler.target().latest(FUND, id);
            bool compliant = handler.target().isCompliant(FUND, id);
            bool running = last.epoch != 0 && block.timestamp <= last.expiry;
            vm.assertEq(compliant, running && !handler.replaced(i), "compliant until it expires or is replaced");
            vm.assertEq(handler.target().since(FUND, id) != 0, compliant, "since some time, if at all");
            if (last.epoch == 0) continue;
            (uint256 first, uint256 count) = _programs(i, last.epoch);
            for (uint256 k; k < count; ++k) {
                vm.assertTrue(handler.accepted(first + k), "a program without a proof");
                vm.assertTrue(last.expiry <= submission(first + k).expiry, "longer than a proof is valid");
            }
            vm.assertEq(last.sourceSetHash, handler.target().sourceSet(FUND, last.epoch), "other sources");
        }
    }

    /// @dev Source sets and book roots stand once, epochs only ascend, histories only grow, a replaced policy stays replaced,
    /// and nobody but the owner changes who acts for the fund.
    function invariant_nothingIsTakenBack() external view {
        vm.assertTrue(!handler.changedItsMind(), "the registry changed its mind");
    }

    /// @dev Without it the two above could hold because nothing was ever accepted.
    function test_theHandlerGetsProofsAccepted() external {
        handler.submitSome(1, 1);
        handler.submitSome(2, 1);
        vm.assertEq(handler.acceptances(), 2, "accepted");
        vm.assertTrue(handler.target().isCompliant(FUND, handler.policyOf(1)), "compliant");
        handler.submitSome(1, 4);
        vm.assertEq(handler.acceptances(), 2, "damaged");
        handler.submitSome(4, 1);
        handler.submitBoth(0);
        vm.assertEq(handler.acceptances(), 4, "one, and both");
        handler.submitBoth(0);
        vm.assertEq(handler.acceptances(), 4, "a replay");
    }
}
