// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Approval} from "../src/interfaces/IPolicyRegistry.sol";
import {ProgramProof} from "../src/interfaces/IAttestationRegistry.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title What the registries' functions cost, written to snapshots/Registry.json
/// @dev Gas of the call alone, without the transaction's 21 000 and its calldata. The fixtures' proofs are of five slots.
contract RegistryGasTest is RegistryFixtures {
    function setUp() public {
        deploy();
        registerAll();
    }

    function _spent(string memory name) private {
        vm.snapshotGasLastCall("Registry", name);
    }

    function test_registrations() public {
        vm.prank(STRANGER);
        funds.registerFund(STRANGER);
        _spent("registerFund");
        setOperator(OPERATOR, true);
        _spent("setOperator");
        bytes32 id = register(POLICY_OWNER, keccak256("a policy"), requirementsOf(), 1, committee());
        _spent("registerPolicy: 2 sources, 3 publishers");
        Approval memory approval = approvalOf(0);
        approveAs(publisher(0), id, 7, approval);
        _spent("approveEpoch: the first vote");
        approveAs(publisher(1), id, 7, approval);
        _spent("approveEpoch: the deciding vote");
        vm.prank(AUDITOR);
        policies.vetoEpoch(id, 7, "wrong price");
        _spent("vetoEpoch");
        publishBook(7, keccak256("a book"));
        _spent("publishBook");
    }

    function test_submissions() public {
        commit(policyIds[0], 7, submission(0).sources);
        _spent("commitSourceSet: 2 sources");
        submit(submission(0), STRANGER);
        _spent("submit: 1 program, its set committed");
        submit(submission(3), FUND_OWNER);
        _spent("submit: 1 program and its set");
        Submission memory comparing = submission(5);
        ProgramProof[] memory programs = new ProgramProof[](2);
        (programs[0], programs[1]) = (programOf(submission(4))[0], programOf(comparing)[0]);
        submit(comparing, policyIds[2], programs, STRANGER);
        _spent("submit: 2 programs, one of which compares epochs");
        vm.prank(AUDITOR);
        registry.suspend(FUND, policyIds[0], "under inquiry");
        _spent("suspend");
        vm.prank(AUDITOR);
        registry.resume(FUND, policyIds[0]);
        _spent("resume");
        registry.isCompliant(FUND, policyIds[0]);
        _spent("isCompliant");
        vm.prank(AUDITOR);
        registry.revoke(FUND, policyIds[0], 8, "a position was left out");
        _spent("revoke");
    }
}
