// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestationRegistry} from "../src/AttestationRegistry.sol";
import {BookRegistry} from "../src/BookRegistry.sol";
import {FundRegistry} from "../src/FundRegistry.sol";
import {IAccountReader} from "../src/interfaces/IAccountReader.sol";
import {IAttestationRegistry, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {IBookRegistry} from "../src/interfaces/IBookRegistry.sol";
import {Oversight} from "../src/interfaces/IPolicyRegistry.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {IRepresentationVerifier} from "../src/interfaces/IRepresentationVerifier.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title What the registry is built on, and who acts for a fund in it
contract RegistryRolesTest is RegistryFixtures {
    function setUp() public {
        deploy();
        registerAll();
    }

    // What it is built on.

    function test_needsItsContracts() public {
        IProofVerifier verifier = registry.verifier();
        IRepresentationVerifier representations = registry.representationVerifier();
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.NotAContract.selector, STRANGER);
        vm.expectRevert(reason);
        new AttestationRegistry(IProofVerifier(STRANGER), books, accountReader, representations);
        vm.expectRevert(reason);
        new AttestationRegistry(verifier, IBookRegistry(STRANGER), accountReader, representations);
        vm.expectRevert(reason);
        new AttestationRegistry(verifier, books, IAccountReader(STRANGER), representations);
        vm.expectRevert(reason);
        new AttestationRegistry(verifier, books, accountReader, IRepresentationVerifier(STRANGER));
    }

    /// @dev Books published for a fund of another registry would be another fund's.
    function test_oneRegistryOfFunds() public {
        (IProofVerifier verifier, IRepresentationVerifier representations) =
            (registry.verifier(), registry.representationVerifier());
        BookRegistry others = new BookRegistry(books.bookVerifier(), new FundRegistry());
        vm.expectRevert(IAttestationRegistry.MismatchedContracts.selector);
        new AttestationRegistry(verifier, others, accountReader, representations);
    }

    function test_itSaysWhatItIsBuiltOn() public view {
        vm.assertEq(address(registry.funds()), address(funds), "funds");
        vm.assertEq(address(registry.policies()), address(policies), "policies");
        vm.assertEq(address(registry.books()), address(books), "books");
        vm.assertEq(address(registry.accountReader()), address(accountReader), "accounts");
        vm.assertTrue(address(registry.verifier()).code.length != 0, "proofs");
        vm.assertTrue(address(registry.representationVerifier()).code.length != 0, "representations");
        assertInterfaces(registry, type(IAttestationRegistry).interfaceId);
    }

    // Who acts for a fund.

    function testFuzz_onlyTheFundFixesItsSources(address caller) public {
        if (caller == FUND_OWNER) return;
        SignedSource[] memory sources = submission(0).sources;
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.NotFund.selector, FUND, caller));
        vm.prank(caller);
        registry.commitSourceSet(FUND, policyIds[0], 7, sources);
    }

    function test_operatorsCommitAndSubmit() public {
        setOperator(OPERATOR, true);
        Submission memory s = submission(0);
        vm.prank(OPERATOR);
        registry.commitSourceSet(FUND, policyIds[0], 7, s.sources);
        submit(submission(3), OPERATOR);
        vm.assertEq(registry.latest(FUND, policyIds[0]).epoch, 8, "fixed and proved");
        setOperator(OPERATOR, false);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.NotFund.selector, FUND, OPERATOR));
        vm.prank(OPERATOR);
        registry.commitSourceSet(FUND, policyIds[0], 9, s.sources);
    }

    function test_formerOperatorsFixNothing() public {
        setOperator(OPERATOR, true);
        setOperator(OPERATOR, false);
        Submission memory s = submission(0);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.SourceSetNotCommitted.selector, FUND, uint64(7)));
        submit(s, OPERATOR);
    }

    // Who may not judge.

    function _policyOf(Oversight memory oversight) private returns (bytes32 id) {
        id = register(POLICY_OWNER, keccak256("a policy"), requirementsOf(), 1, oversight);
        approveAs(oversight.publishers[0], id, 7, approvalOf(0));
    }

    function _assertSelfApproved(bytes32 id) private {
        Submission memory s = submission(0);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.SelfApproved.selector, id));
        submit(s, id, FUND_OWNER);
    }

    /// @dev A fund that publishes its own statements would choose its own prices.
    function test_fundsDoNotPublishForThemselves() public {
        _assertSelfApproved(_policyOf(oversightOf(FUND)));
    }

    function test_ownersDoNotPublishForTheirFunds() public {
        _assertSelfApproved(_policyOf(oversightOf(FUND_OWNER)));
    }

    /// @dev Not even as one of several who say the same.
    function test_oneAmongPublishers() public {
        Oversight memory oversight = oversightOf(POLICY_OWNER);
        oversight.publishers = new address[](2);
        (oversight.publishers[0], oversight.publishers[1]) = (POLICY_OWNER, FUND_OWNER);
        _assertSelfApproved(_policyOf(oversight));
    }

    /// @dev Who buys a policy's fund can no longer be measured by it.
    function test_publishersWhoBuyAFund() public {
        Submission memory s = submission(0);
        submit(s, FUND_OWNER);
        vm.prank(FUND_OWNER);
        funds.transferFund(FUND, POLICY_OWNER);
        vm.prank(POLICY_OWNER);
        funds.acceptFund(FUND);
        s = submission(3);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.SelfApproved.selector, policyIds[0]));
        submit(s, POLICY_OWNER);
    }

    /// @dev Who audits a fund is not the fund: it could resume what it suspended as an auditor.
    function test_fundsDoNotAuditThemselves() public {
        for (uint256 i; i < 2; ++i) {
            Oversight memory oversight = oversightOf(POLICY_OWNER);
            oversight.auditors = listOf(i == 0 ? FUND : FUND_OWNER);
            bytes32 id = register(POLICY_OWNER, keccak256(abi.encode(i)), requirementsOf(), 1, oversight);
            approve(id, 7, approvalOf(0));
            _assertSelfApproved(id);
        }
    }
}
