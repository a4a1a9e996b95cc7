// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {Disclosures} from "../../src/integrations/Disclosures.sol";
import {Disclosure, IDisclosures} from "../../src/integrations/interfaces/IDisclosures.sol";
import {IAccountReader} from "../../src/interfaces/IAccountReader.sol";
import {IAttestationRegistry, PreviousSource, SignedSource} from "../../src/interfaces/IAttestationRegistry.sol";
import {AccountSlot, Approval, Oversight, SourceRequirement} from "../../src/interfaces/IPolicyRegistry.sol";
import {IProofVerifier, PublicSlot} from "../../src/interfaces/IProofVerifier.sol";
import {EpochCase, IntegrationFixtures} from "./IntegrationFixtures.sol";

/// @notice An opening that the Python side made. Slots 1 to 4 are sources'.
struct Opening {
    uint256 slot;
    int256 lots;
    bytes opening;
    bytes negatedOpening;
}

/// @dev Cases 0 and 1 have commitments of either sign, and 2 has the public slots 7 and 8.
contract DisclosuresTest is IntegrationFixtures {
    uint64 private constant EPOCH = 7;
    int256 private constant LIMIT = 2 ** 77;
    int256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    Disclosures private disclosures;

    function setUp() public {
        deployRegistries();
        disclosures = new Disclosures(registry);
    }

    function attestCase(uint256 index) private returns (EpochCase memory c) {
        c = epochCase(index);
        attestCase(c);
        vm.assertEq(registry.sourceSet(FUND, EPOCH), c.sourceSetHash, "the set's hash as in Python");
    }

    function attestCase(EpochCase memory c) private {
        approve(policyId, EPOCH, approvalOf(c));
        submit(policyId, EPOCH, EXPIRY, c);
    }

    function openings(uint256 index, uint256 place) private view returns (Opening memory o) {
        string memory json = vm.readFile("test/fixtures/disclosure.json");
        string memory path = string.concat(".cases[", vm.toString(index), "].openings[", vm.toString(place), "].");
        o.slot = vm.parseJsonUint(json, string.concat(path, "slot"));
        o.lots = abi.decode(vm.parseJsonBytes(json, string.concat(path, "lots")), (int256));
        o.opening = vm.parseJsonBytes(json, string.concat(path, "opening"));
        o.negatedOpening = vm.parseJsonBytes(json, string.concat(path, "negatedOpening"));
    }

    function disclosed(uint256 slot, int256 lots) private view returns (Disclosure memory) {
        return Disclosure(FUND, policyId, EPOCH, 0, slot, lots);
    }

    function check(EpochCase memory c, Opening memory o) private view {
        disclosures.verifyDisclosure(disclosed(o.slot, o.lots), c.key, c.sources, o.opening);
    }

    function refuse(EpochCase memory c, Opening memory o) private {
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.DisclosureRejected.selector, o.slot, o.lots));
        check(c, o);
    }

    function test_whatItIs() public view {
        vm.assertEq(address(disclosures.registry()), address(registry), "registry");
        vm.assertTrue(disclosures.supportsInterface(type(IDisclosures).interfaceId), "disclosures");
        vm.assertTrue(disclosures.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        vm.assertTrue(!disclosures.supportsInterface(0xffffffff), "not everything");
    }

    function test_needsThePrecompiles() public {
        vm.mockCall(address(0x0a), "", "");
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, address(0x0a)));
        new Disclosures(registry);
        vm.clearMockedCalls();
        vm.mockCall(address(0x0c), "", "");
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, address(0x0c)));
        new Disclosures(registry);
    }

    /// @dev Negative quantities, and the largest one.
    function test_acceptsWhatStandsInASlot() public {
        for (uint256 index; index < 3; ++index) {
            setUp();
            EpochCase memory c = attestCase(index);
            for (uint256 place; place < 3; ++place) {
                check(c, openings(index, place));
            }
        }
        vm.assertTrue(openings(0, 0).lots < 0 && openings(0, 2).lots == LIMIT - 1, "among them");
    }

    function testFuzz_refusesOtherQuantities(uint256 index, uint256 place, int256 lots) public {
        index = bound(index, 0, 2);
        EpochCase memory c = attestCase(index);
        Opening memory o = openings(index, bound(place, 0, 2));
        int256 other = lots % LIMIT;
        o.lots = other == o.lots ? -other : other;
        refuse(c, o);
    }

    function testFuzz_refusesOtherOpenings(uint256 index, uint256 place, uint256 offset, uint8 bit) public {
        index = bound(index, 0, 2);
        EpochCase memory c = attestCase(index);
        Opening memory o = openings(index, bound(place, 0, 2));
        offset = bound(offset, 0, 47);
        o.opening[offset] ^= bytes1(uint8(1)) << (bit % 8);
        refuse(c, o);
        o.opening = bytes.concat(o.opening, hex"00");
        refuse(c, o);
    }

    /// @dev −C opens to −q by the negated opening, and has the same x: only the sign of its y tells them apart.
    function test_refusesTheNegatedPoint() public {
        for (uint256 index; index < 3; ++index) {
            setUp();
            EpochCase memory c = attestCase(index);
            for (uint256 place; place < 3; ++place) {
                Opening memory o = openings(index, place);
                (o.lots, o.opening) = (-o.lots, o.negatedOpening);
                refuse(c, o);
            }
        }
    }

    /// @dev Openings hold mod r, so a quantity out of range would pass for one that is congruent to it.
    function test_refusesQuantitiesOutOfRange() public {
        EpochCase memory c = attestCase(0);
        Opening memory largest = openings(0, 3);
        vm.assertTrue(largest.lots == LIMIT, "one too large");
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.LotsOutOfRange.selector, LIMIT));
        check(c, largest);
        Opening memory congruent = openings(0, 1);
        congruent.lots -= R;
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.LotsOutOfRange.selector, congruent.lots));
        check(c, congruent);
        congruent.lots = type(int256).min;
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.LotsOutOfRange.selector, congruent.lots));
        check(c, congruent);
        congruent.lots = -LIMIT;
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.LotsOutOfRange.selector, congruent.lots));
        check(c, congruent);
        congruent.lots = 1 - LIMIT;
        refuse(c, congruent);
    }

    /// @dev The openings are all right; what stands there is no source's.
    function test_refusesSlotsOfNoSource() public {
        for (uint256 index; index < 3; ++index) {
            setUp();
            EpochCase memory c = attestCase(index);
            // The constant, aux, aux, public or behind the end, the same, behind the end, blinding, blinding, one turn later.
            for (uint256 place = 4; place < 13; ++place) {
                Opening memory o = openings(index, place);
                vm.expectRevert(abi.encodeWithSelector(IDisclosures.NotDisclosable.selector, o.slot));
                check(c, o);
            }
        }
    }

    /// @dev Slot 8 is read from the fund's address; the set's hash is the same as if it were published.
    function test_slotsReadFromAccounts() public {
        EpochCase memory c = epochCase(2);
        Approval memory approval = approvalOf(c);
        approval.accountSlots = new AccountSlot[](1);
        approval.accountSlots[0] = AccountSlot(8, address(0), 1);
        approval.publicSlots = new PublicSlot[](1);
        approval.publicSlots[0] = c.publicSlots[0];
        approve(policyId, EPOCH, approval);
        Opening memory o = openings(2, 0);
        uint256[] memory lots = new uint256[](1);
        lots[0] = c.publicSlots[1].value;
        vm.mockCall(
            address(accountReader), abi.encodeCall(IAccountReader.values, (FUND, policyId, EPOCH)), abi.encode(lots)
        );
        submit(policyId, EPOCH, EXPIRY, c);
        vm.assertEq(registry.sourceSet(FUND, EPOCH), c.sourceSetHash, "the same set");
        check(c, o);
        Opening memory account = openings(2, 8);
        vm.assertEq(account.slot, 8, "slot");
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.NotDisclosable.selector, 8));
        check(c, account);
    }

    function test_needsTheApprovedKey() public {
        EpochCase memory c = attestCase(0);
        Opening memory o = openings(0, 0);
        bytes memory other = epochCase(2).key;
        vm.expectRevert(
            abi.encodeWithSelector(IAttestationRegistry.DigestNotApproved.selector, c.digest, keccak256(other))
        );
        disclosures.verifyDisclosure(disclosed(o.slot, o.lots), other, c.sources, o.opening);
    }

    function notAttested(Disclosure memory d) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IDisclosures.ProgramNotAttested.selector, d.fund, d.policyId, d.epoch, d.program);
    }

    function test_needsAnAttestedProgram() public {
        EpochCase memory c = attestCase(0);
        Opening memory o = openings(0, 0);
        Disclosure memory d = disclosed(o.slot, o.lots);
        uint256[3] memory programs = [uint256(1), 256, type(uint256).max];
        for (uint256 i; i < 3; ++i) {
            d.program = programs[i];
            vm.expectRevert(notAttested(d));
            disclosures.verifyDisclosure(d, c.key, c.sources, o.opening);
        }
        d = disclosed(o.slot, o.lots);
        d.epoch = 8;
        vm.expectRevert(notAttested(d));
        disclosures.verifyDisclosure(d, c.key, c.sources, o.opening);
        d = disclosed(o.slot, o.lots);
        d.fund = STRANGER;
        vm.expectRevert(notAttested(d));
        disclosures.verifyDisclosure(d, c.key, c.sources, o.opening);
    }

    /// @dev A stranger's policy that requires the same sources, for all of which one key signs.
    function registerWithOneSigner() private returns (bytes32) {
        SourceRequirement[] memory required = requirements();
        required[0].signer = required[1].signer = vm.addr(signerKey(2));
        Oversight memory overseers = oversight();
        vm.prank(STRANGER);
        return policies.registerPolicy(bytes32(uint256(1)), required, 1, overseers, "", new string[](0));
    }

    function commitWithOneSigner(bytes32 id, EpochCase memory c) private returns (bytes32) {
        SignedSource[] memory signed = signedSources(c, EPOCH);
        signed[0].signature = sign(signerKey(2), c, EPOCH, 0);
        signed[1].signature = sign(signerKey(2), c, EPOCH, 1);
        vm.prank(FUND_OWNER);
        return registry.commitSourceSet(FUND, id, EPOCH, signed);
    }

    /// @dev A set's hash does not name the signers: under a policy that is the fund's own in all but name, it would sign for
    /// the sources itself.
    function test_aSetOfOtherSignersShowsNothing() public {
        EpochCase memory c = epochCase(0);
        approve(policyId, EPOCH, approvalOf(c));
        bytes32 own = registerWithOneSigner();
        approve(own, EPOCH, approvalOf(c));
        vm.assertEq(commitWithOneSigner(own, c), c.sourceSetHash, "the same hash");
        Opening memory o = openings(0, 0);
        vm.expectRevert(notAttested(disclosed(o.slot, o.lots)));
        check(c, o);
    }

    function test_needsTheSourcesOnRecord() public {
        EpochCase memory c = attestCase(0);
        Opening memory o = openings(0, 0);
        c.sources[1] = epochCase(1).sources[1];
        vm.expectPartialRevert(IAttestationRegistry.SourceSetMismatch.selector);
        check(c, o);
        c.sources = new PreviousSource[](1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.WrongSourceCount.selector, 2, 1));
        check(c, o);
    }

    function test_refusesARevokedEpoch() public {
        EpochCase memory c = attestCase(0);
        revoke(EPOCH);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.EpochRevoked.selector, FUND, policyId, EPOCH));
        check(c, openings(0, 0));
    }

    /// @dev What was held then was held.
    function test_answersUnderAReplacedPolicy() public {
        EpochCase memory c = attestCase(0);
        replace(policyId, "other");
        check(c, openings(0, 0));
    }

    /// @dev The multiplication checks it, whatever the verifier of proofs took.
    function test_refusesWhatIsNoPointOfTheGroup() public {
        EpochCase memory c = epochCase(0);
        c.sources[0].commitment = [bytes32(0), bytes32(0), bytes32(0), bytes32(uint256(2))]; // of order 3
        attestCase(c);
        vm.expectRevert(IProofVerifier.MalformedPoint.selector);
        check(c, openings(0, 0));
    }
}
