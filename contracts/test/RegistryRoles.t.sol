// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestationRegistry} from "../src/AttestationRegistry.sol";
import {Approval, IAttestationRegistry, SourceRequirement} from "../src/interfaces/IAttestationRegistry.sol";
import {IBookVerifier} from "../src/interfaces/IBookVerifier.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @title Who may register, hand over and approve what
contract RegistryRolesTest is RegistryFixtures {
    event FundTransferred(address indexed fund, address indexed previousOwner, address indexed owner);

    function setUp() public {
        deploy();
    }

    function _assertOwner(address fund, address owner, address pending) private view {
        (address actual, address actualPending) = registry.fundOwner(fund);
        vm.assertEq(actual, owner, "owner");
        vm.assertEq(actualPending, pending, "pending owner");
    }

    function _register(uint64 programs) private returns (bytes32) {
        SourceRequirement[] memory requirements = requirementsOf();
        vm.prank(POLICY_OWNER);
        return registry.registerPolicy(policyHashes[0], requirements, programs, "");
    }

    function test_needsItsVerifiers() public {
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.NotAContract.selector, STRANGER);
        (IProofVerifier verifier, IBookVerifier bookVerifier) = (registry.verifier(), registry.bookVerifier());
        vm.expectRevert(reason);
        new AttestationRegistry(IProofVerifier(STRANGER), bookVerifier);
        vm.expectRevert(reason);
        new AttestationRegistry(verifier, IBookVerifier(STRANGER));
        vm.assertTrue(address(verifier).code.length != 0, "verifier");
        vm.assertTrue(address(bookVerifier).code.length != 0, "verifier of books");
    }

    // Funds.

    function test_fundRegistersItselfOnce() public {
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.FundRegistered(FUND, FUND_OWNER);
        vm.prank(FUND);
        registry.registerFund(FUND_OWNER);
        _assertOwner(FUND, FUND_OWNER, address(0));
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.FundExists.selector, FUND);
        vm.expectRevert(reason);
        vm.prank(FUND);
        registry.registerFund(STRANGER);
        vm.expectRevert(IAttestationRegistry.ZeroOwner.selector);
        vm.prank(STRANGER);
        registry.registerFund(address(0));
    }

    function test_fundChangesHandsInTwoSteps() public {
        vm.prank(FUND);
        registry.registerFund(FUND_OWNER);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.FundTransferStarted(FUND, FUND_OWNER, STRANGER);
        vm.prank(FUND_OWNER);
        registry.transferFund(FUND, STRANGER);
        _assertOwner(FUND, FUND_OWNER, STRANGER);
        vm.expectEmit(address(registry));
        emit FundTransferred(FUND, FUND_OWNER, STRANGER);
        vm.prank(STRANGER);
        registry.acceptFund(FUND);
        _assertOwner(FUND, STRANGER, address(0));
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.NotOwner.selector, FUND_OWNER, STRANGER);
        vm.expectRevert(reason);
        vm.prank(FUND_OWNER);
        registry.transferFund(FUND, FUND_OWNER);
    }

    function test_fundOfferCanBeWithdrawn() public {
        vm.prank(FUND);
        registry.registerFund(FUND_OWNER);
        vm.prank(FUND_OWNER);
        registry.transferFund(FUND, STRANGER);
        vm.prank(FUND_OWNER);
        registry.transferFund(FUND, address(0));
        bytes memory reason =
            abi.encodeWithSelector(IAttestationRegistry.NotPendingOwner.selector, STRANGER, address(0));
        vm.expectRevert(reason);
        vm.prank(STRANGER);
        registry.acceptFund(FUND);
    }

    function testFuzz_onlyTheFundsOwnerActsForIt(address caller) public {
        vm.prank(FUND);
        registry.registerFund(FUND_OWNER);
        if (caller == FUND_OWNER) return;
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.NotOwner.selector, caller, FUND_OWNER);
        vm.expectRevert(reason);
        vm.prank(caller);
        registry.transferFund(FUND, caller);
        // The fund's own address is nobody special either once it has an owner.
        bytes32 id = _register(1);
        approve(id, 7, approvalOf(0));
        vm.expectRevert(reason);
        vm.prank(caller);
        registry.commitSourceSet(FUND, id, 7, submission(0).sources);
    }

    // Policies.

    function test_policyId() public {
        SourceRequirement[] memory requirements = requirementsOf();
        bytes32 expected =
            keccak256(abi.encode(POLICY_OWNER, policyHashes[0], keccak256(abi.encode(requirements)), uint256(1)));
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.PolicyRegistered(
            expected, POLICY_OWNER, policyHashes[0], requirements, 1, "ipfs://policy"
        );
        vm.prank(POLICY_OWNER);
        bytes32 id = registry.registerPolicy(policyHashes[0], requirements, 1, "ipfs://policy");
        vm.assertEq(id, expected, "id");
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.PolicyExists.selector, id);
        vm.expectRevert(reason);
        vm.prank(POLICY_OWNER);
        registry.registerPolicy(policyHashes[0], requirements, 1, "");
        // Anybody may register the same policy under their own name.
        vm.prank(STRANGER);
        vm.assertTrue(registry.registerPolicy(policyHashes[0], requirements, 1, "") != id, "another owner's id");
    }

    function _assertInvalidPolicy(bytes32 hash, SourceRequirement[] memory requirements, uint64 programs) private {
        vm.expectRevert(IAttestationRegistry.InvalidPolicy.selector);
        registry.registerPolicy(hash, requirements, programs, "");
    }

    function test_invalidPolicies() public {
        SourceRequirement[] memory requirements = requirementsOf();
        _assertInvalidPolicy(0, requirements, 1);
        _assertInvalidPolicy(policyHashes[0], requirements, 0);
        _assertInvalidPolicy(policyHashes[0], new SourceRequirement[](0), 1);
        (requirements[0], requirements[1]) = (requirements[1], requirements[0]);
        _assertInvalidPolicy(policyHashes[0], requirements, 1);
        requirements[1] = requirements[0];
        _assertInvalidPolicy(policyHashes[0], requirements, 1);
        requirements = requirementsOf();
        requirements[1].signer = address(0);
        _assertInvalidPolicy(policyHashes[0], requirements, 1);
    }

    function test_policyChangesHandsInTwoSteps() public {
        bytes32 id = _register(1);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.PolicyTransferStarted(id, POLICY_OWNER, STRANGER);
        vm.prank(POLICY_OWNER);
        registry.transferPolicy(id, STRANGER);
        Approval memory approval = approvalOf(0);
        bytes memory early = abi.encodeWithSelector(IAttestationRegistry.NotOwner.selector, STRANGER, POLICY_OWNER);
        vm.expectRevert(early);
        vm.prank(STRANGER);
        registry.approveEpoch(id, 1, approval);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.PolicyTransferred(id, POLICY_OWNER, STRANGER);
        vm.prank(STRANGER);
        registry.acceptPolicy(id);
        vm.prank(STRANGER);
        registry.approveEpoch(id, 1, approval);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.NotOwner.selector, POLICY_OWNER, STRANGER);
        vm.expectRevert(reason);
        approve(id, 2, approval);
    }

    function test_nobodyAcceptsWhatWasNotOffered() public {
        bytes32 id = _register(1);
        bytes memory reason =
            abi.encodeWithSelector(IAttestationRegistry.NotPendingOwner.selector, STRANGER, address(0));
        vm.expectRevert(reason);
        vm.prank(STRANGER);
        registry.acceptPolicy(id);
    }

    // Approvals.

    function testFuzz_onlyThePolicysOwnerApproves(address caller) public {
        if (caller == POLICY_OWNER) return;
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.NotOwner.selector, caller, POLICY_OWNER);
        vm.expectRevert(reason);
        vm.prank(caller);
        registry.approveEpoch(id, 1, approval);
    }

    function testFuzz_epochsOnlyAscend(uint64 first, uint64 second) public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        if (first == 0) first = 1;
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.EpochApproved(id, first, approval);
        approve(id, first, approval);
        if (second <= first) {
            bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.EpochNotAscending.selector, first, second);
            vm.expectRevert(reason);
        }
        approve(id, second, approval);
        vm.assertEq(registry.policy(id).lastEpoch, second > first ? second : first, "last epoch");
    }

    function test_epochZero() public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.EpochNotAscending.selector, 0, 0);
        vm.expectRevert(reason);
        approve(id, 0, approval);
    }

    function test_validity() public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        bytes4 selector = IAttestationRegistry.InvalidValidity.selector;
        approval.asOf = approval.validUntil;
        bytes memory reason = abi.encodeWithSelector(selector, approval.asOf, approval.validUntil);
        vm.expectRevert(reason);
        approve(id, 1, approval);
        approval = approvalOf(0);
        approval.validUntil = uint64(block.timestamp) - 1;
        reason = abi.encodeWithSelector(selector, approval.asOf, approval.validUntil);
        vm.expectRevert(reason);
        approve(id, 1, approval);
        approval.validUntil = uint64(block.timestamp);
        approve(id, 1, approval);
    }

    function _assertInvalidApproval(bytes32 id, Approval memory approval) private {
        vm.expectRevert(IAttestationRegistry.InvalidApproval.selector);
        approve(id, 1, approval);
    }

    /// @dev An unregistered digest is 0, and so is the code hash of a missing account: neither may ever be approved.
    function test_invalidApprovals() public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        approval.layoutHash = 0;
        _assertInvalidApproval(id, approval);
        approval = approvalOf(0);
        approval.digests[0] = 0;
        _assertInvalidApproval(id, approval);
        approval.digests = new bytes32[](0);
        _assertInvalidApproval(id, approval);
        _assertInvalidApproval(id, approvalOf(1)); // two digests for one program
        approval = approvalOf(0);
        approval.ownedSlotsHashes[1] = 0;
        _assertInvalidApproval(id, approval);
        approval.ownedSlotsHashes = new bytes32[](1);
        approval.ownedSlotsHashes[0] = keccak256("slots");
        _assertInvalidApproval(id, approval);
    }
}
