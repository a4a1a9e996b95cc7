// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IntegrationFixtures} from "./IntegrationFixtures.sol";

/// @title A fund that is attested, suspended, revoked and lapses, under three policies of which each replaces the one before
/// @dev It keeps an account of its own of what the registry should say, so that contracts which rely on it can be compared.
abstract contract ComplianceHandler is IntegrationFixtures {
    uint256 public constant POLICIES = 3;

    bytes32[POLICIES] public policyIds;
    uint64[][POLICIES] internal epochs;
    mapping(uint256 policy => mapping(uint64 epoch => bool)) internal revoked;
    mapping(uint64 epoch => uint64) private expiries;
    bool[POLICIES] private suspended;
    /// @dev Which policy counts, and from when on the next one does; 0 if that is not announced.
    uint256 private current;
    uint64 private nextFrom;
    uint64 private lastEpoch;
    uint256 public attestations;
    /// @dev Whether the registries fail, whatever they are asked.
    bool public broken;

    constructor() {
        deployRegistries();
        policyIds[0] = policyId;
        string[POLICIES] memory names = ["policy", "second", "third"];
        for (uint256 i = 1; i < POLICIES; ++i) {
            vm.prank(POLICY_OWNER);
            policyIds[i] = register(names[i]);
        }
    }

    /// @dev Every action ends a while after it began, and is about a registry that answers.
    modifier later(uint256 seed) {
        if (broken) _repair();
        _;
        vm.warp(block.timestamp + seed % 1 hours);
    }

    /// @dev The number of the policy that counts now.
    function currentIndex() public view returns (uint256) {
        return nextFrom != 0 && block.timestamp >= nextFrom ? current + 1 : current;
    }

    /// @dev Whether the fund keeps the policy that counts now, by what was said here.
    function shouldBeCompliant() public view returns (bool) {
        uint256 i = currentIndex();
        uint256 length = epochs[i].length;
        if (length == 0 || suspended[i]) return false;
        uint64 epoch = epochs[i][length - 1];
        return !revoked[i][epoch] && block.timestamp <= expiries[epoch];
    }

    /// @dev For some hours or days, mostly under the policy that counts.
    function attestSome(uint256 seed) external later(seed >> 128) {
        uint256 i = currentIndex();
        if (seed % 4 == 0 && i + 1 < POLICIES) ++i;
        uint64 expiry = to64(block.timestamp + bound(seed >> 8, 1 hours, 4 days));
        attest(policyIds[i], ++lastEpoch, expiry);
        epochs[i].push(lastEpoch);
        expiries[lastEpoch] = expiry;
        ++attestations;
    }

    function suspendSome(uint256 seed) external later(seed >> 128) {
        uint256 i = seed % 4 == 0 ? (seed >> 8) % POLICIES : currentIndex();
        vm.prank(AUDITOR);
        registry.suspend(FUND, policyIds[i], "books in dispute");
        suspended[i] = true;
    }

    function resumeSome(uint256 seed) external later(seed >> 128) {
        for (uint256 i; i < POLICIES; ++i) {
            if (!suspended[i]) continue;
            vm.prank(AUDITOR);
            registry.resume(FUND, policyIds[i]);
            suspended[i] = false;
        }
    }

    /// @dev The latest epoch mostly, else an earlier one.
    function revokeSome(uint256 seed) external later(seed >> 128) {
        uint256 i = (seed >> 8) % POLICIES;
        uint256 length = epochs[i].length;
        if (length == 0 || seed % 3 == 0) return;
        uint64 epoch = epochs[i][seed % 3 == 1 ? length - 1 : (seed >> 16) % length];
        if (revoked[i][epoch]) return;
        vm.prank(AUDITOR);
        registry.revoke(FUND, policyIds[i], epoch, "wrong prices");
        revoked[i][epoch] = true;
    }

    /// @dev The owner announces the next policy, takes it back, or lets the publisher hasten it.
    function replaceSome(uint256 seed) external later(seed >> 128) {
        if (currentIndex() != current) (current, nextFrom) = (current + 1, 0);
        if (current + 1 == POLICIES || seed % 4 == 0) return;
        (bytes32 from, bytes32 to) = (policyIds[current], policyIds[current + 1]);
        if (nextFrom == 0) {
            vm.prank(POLICY_OWNER);
            policies.scheduleReplacement(from, to);
            nextFrom = to64(block.timestamp) + NOTICE;
        } else if (seed % 4 == 1) {
            vm.prank(PUBLISHER);
            policies.confirmTightening(from, to);
            nextFrom = to64(block.timestamp);
        } else {
            vm.prank(POLICY_OWNER);
            policies.cancelReplacement(from);
            nextFrom = 0;
        }
    }

    function wait_(uint256 seed) external {
        vm.warp(block.timestamp + (seed >> 8) % (seed % 4 == 0 ? 4 days : 12 hours));
    }

    function _break() internal {
        vm.mockCallRevert(address(registry), "", "the registry fails");
        vm.mockCallRevert(address(policies), "", "the registry fails");
        broken = true;
    }

    function _repair() internal {
        vm.clearMockedCalls();
        acceptAllProofs();
        broken = false;
    }
}
