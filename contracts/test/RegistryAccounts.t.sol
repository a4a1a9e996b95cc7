// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IAccountReader} from "../src/interfaces/IAccountReader.sol";
import {IAttestationRegistry, PreviousSource, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {AccountSlot, Approval} from "../src/interfaces/IPolicyRegistry.sol";
import {IProofVerifier, PublicSlot} from "../src/interfaces/IProofVerifier.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title What was read from the fund's addresses becomes public slots of its holdings
contract RegistryAccountsTest is RegistryFixtures {
    uint64 private constant EPOCH = 20;

    bytes32 private id;

    function setUp() public {
        deploy();
        registerAll();
        id = policyIds[0];
    }

    /// @dev An approval in which the slots of `given` have values of 100 more, and those of `read` are read.
    function _approvalOf(uint256[] memory given, uint256[] memory read)
        private
        view
        returns (Approval memory approval)
    {
        approval = approvalOf(0);
        approval.publicSlots = new PublicSlot[](given.length);
        for (uint256 i; i < given.length; ++i) {
            approval.publicSlots[i] = PublicSlot(given[i], given[i] + 100);
        }
        approval.accountSlots = new AccountSlot[](read.length);
        for (uint256 i; i < read.length; ++i) {
            approval.accountSlots[i] = AccountSlot(read[i], _token(i), 1);
        }
    }

    /// @dev The chain's coin, then tokens.
    function _token(uint256 i) private pure returns (address) {
        return i == 0 ? address(0) : vm.addr(i);
    }

    function _signed(uint64 epoch, Approval memory approval) private view returns (SignedSource[] memory sources) {
        sources = submission(0).sources;
        for (uint256 i; i < sources.length; ++i) {
            sources[i].signature = signature(signerKey(i), sourceDigest(sources[i], i, epoch, approval));
        }
    }

    /// @dev As if the reader had read these values.
    function _mockReading(uint64 epoch, uint256[] memory values) private {
        vm.mockCall(
            address(accountReader), abi.encodeCall(IAccountReader.values, (FUND, id, epoch)), abi.encode(values)
        );
    }

    function _list(uint256 a, uint256 b) private pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (a, b);
    }

    function test_nothingWasRead() public {
        Approval memory approval = _approvalOf(new uint256[](0), _list(2, 3));
        approve(id, EPOCH, approval);
        SignedSource[] memory sources = _signed(EPOCH, approval);
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.AccountsNotRead.selector, FUND, id, EPOCH));
        commit(id, EPOCH, sources);
    }

    /// @dev From a balance to the hash of the source set, through the reader itself.
    function test_readAndMerged() public {
        Approval memory approval = _approvalOf(_list(2, 5), _list(3, 6));
        approve(id, EPOCH, approval);
        uint256 key = uint256(keccak256("an account"));
        vm.deal(vm.addr(key), 77);
        vm.mockCall(_token(1), abi.encodeCall(IERC20.balanceOf, (vm.addr(key))), abi.encode(33));
        bytes32 typehash = keccak256("AccountOwnership(address fund,uint64 epoch,address account)");
        bytes32 struct_ = keccak256(abi.encode(typehash, FUND, EPOCH, vm.addr(key)));
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = signature(key, typedDigest(address(accountReader), struct_));
        vm.prank(FUND_OWNER, FUND_OWNER);
        accountReader.readAccounts(FUND, id, EPOCH, listOf(vm.addr(key)), signatures);
        PublicSlot[] memory merged = new PublicSlot[](4);
        (merged[0], merged[1]) = (PublicSlot(2, 102), PublicSlot(3, 77));
        (merged[2], merged[3]) = (PublicSlot(5, 105), PublicSlot(6, 33));
        SignedSource[] memory sources = _signed(EPOCH, approval);
        vm.assertEq(commit(id, EPOCH, sources), setHash(sources, EPOCH, approval, merged), "hash");
    }

    /// @dev Any division of slots 1 to 8 among given, read and neither comes out ascending.
    function testFuzz_merging(uint16 seed) public {
        uint256[2] memory counts;
        for (uint256 slot = 1; slot < 9; ++slot) {
            uint256 kind = (seed >> (2 * (slot - 1))) % 4;
            if (kind < 2) ++counts[kind];
        }
        (uint256[] memory given, uint256[] memory read) = (new uint256[](counts[0]), new uint256[](counts[1]));
        uint256[] memory values = new uint256[](counts[1]);
        PublicSlot[] memory merged = new PublicSlot[](counts[0] + counts[1]);
        (uint256 i, uint256 k) = (0, 0);
        for (uint256 slot = 1; slot < 9; ++slot) {
            uint256 kind = (seed >> (2 * (slot - 1))) % 4;
            if (kind > 1) continue;
            merged[i + k] = PublicSlot(slot, slot + (kind == 0 ? 100 : 200));
            if (kind == 0) given[i++] = slot;
            else (read[k], values[k++]) = (slot, slot + 200);
        }
        Approval memory approval = _approvalOf(given, read);
        approve(id, EPOCH, approval);
        if (k != 0) _mockReading(EPOCH, values);
        SignedSource[] memory sources = _signed(EPOCH, approval);
        vm.assertEq(commit(id, EPOCH, sources), setHash(sources, EPOCH, approval, merged), "ascending");
    }

    /// @dev A slot that is both given and read could be either; the verifier takes neither.
    function test_aSlotInBothLists() public {
        Approval memory approval = _approvalOf(_list(2, 3), _list(3, 4));
        approve(id, EPOCH, approval);
        _mockReading(EPOCH, _list(7, 8));
        Submission memory s = submission(0);
        (s.epoch, s.sources) = (EPOCH, _signed(EPOCH, approval));
        vm.expectPartialRevert(IProofVerifier.InvalidPublicSlot.selector);
        submit(s, FUND_OWNER);
    }

    /// @dev The proof of holdings without public slots is no proof of holdings with them.
    function test_theProofIsAboutWhatWasRead() public {
        Approval memory approval = _approvalOf(new uint256[](0), _list(2, 3));
        approve(id, EPOCH, approval);
        _mockReading(EPOCH, _list(7, 8));
        Submission memory s = submission(0);
        (s.epoch, s.sources) = (EPOCH, _signed(EPOCH, approval));
        vm.expectRevert(IProofVerifier.OpeningRejected.selector);
        submit(s, FUND_OWNER);
        acceptAllProofs();
        submit(s, FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, id), "attested");
    }

    /// @dev Comparison with an epoch of which accounts were read restores what was read then.
    function test_thePreviousEpochsReading() public {
        Approval memory approval = _approvalOf(new uint256[](0), _list(2, 3));
        approve(id, EPOCH, approval);
        _mockReading(EPOCH, _list(7, 8));
        SignedSource[] memory sources = _signed(EPOCH, approval);
        bytes32 hash = commit(id, EPOCH, sources);
        approve(policyIds[2], EPOCH + 1, approvalOf(2));
        acceptAllProofs();
        Submission memory s = submission(5);
        (s.epoch, s.sources) = (EPOCH + 1, resigned(s.sources, EPOCH + 1));
        for (uint256 i; i < 2; ++i) {
            s.previousSources[i] = PreviousSource(sources[i].expiry, sources[i].nonce, sources[i].commitment);
        }
        _mockReading(EPOCH, _list(7, 9));
        vm.expectPartialRevert(IAttestationRegistry.PreviousSourceSetMismatch.selector);
        submit(s, FUND_OWNER);
        _mockReading(EPOCH, _list(7, 8));
        submit(s, FUND_OWNER);
        vm.assertEq(registry.sourceSet(FUND, registry.previousEpoch(FUND, EPOCH + 1)), hash, "compared");
    }
}
