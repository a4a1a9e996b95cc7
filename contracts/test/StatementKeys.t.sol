// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {Group, StatementKey} from "../src/libraries/StatementKeys.sol";
import {Fixtures} from "./Fixtures.sol";
import {VerifierHarness} from "./VerifierHarness.sol";

contract StatementKeysTest is Fixtures {
    VerifierHarness private harness = new VerifierHarness();

    /// @dev A small key that is in order: 11 slots in columns of 4, one of them aux, 7 rows, a target in each family.
    function _key() private pure returns (StatementKey memory key) {
        (key.version, key.n, key.packing, key.limbWidth, key.limbCount) = (1, 4096, 4, 11, 7);
        (key.size, key.rowCount) = (11, 7);
        key.kinds = hex"01000102010100";
        key.aux = new uint256[](1);
        key.aux[0] = 5;
        key.weights = new Group[](3);
        (key.weights[0].row, key.weights[1].row, key.weights[2].row) = (2, 4, 7);
        key.flagWeights = new Group[](1);
        key.flagWeights[0].row = 6;
        key.squareWeights = new Group[](0);
        key.columns = new bytes32[4][](3);
        key.previousColumns = new bytes32[4][](0);
        key.columns[1][2] = keccak256("a coordinate");
        key.layoutHash = keccak256("layout");
        key.marketHash = keccak256("market");
    }

    function _assertUnsupported(StatementKey memory key, string memory what) private view {
        try harness.decode(abi.encode(key)) {
            vm.assertTrue(false, what);
        } catch (bytes memory reason) {
            vm.assertEq(reason, abi.encodePacked(IProofVerifier.UnsupportedKey.selector), what);
        }
    }

    function testFuzz_roundTrip(
        uint256 size,
        uint256 previousSize,
        uint256 rows,
        uint256 packingIndex,
        bytes32[4] calldata hashes
    ) public view {
        StatementKey memory key = _key();
        key.packing = 2 ** bound(packingIndex, 1, 3);
        key.size = bound(size, 6, 300);
        key.previousSize = bound(previousSize, 0, 300);
        key.columns = new bytes32[4][]((key.size + key.packing - 1) / key.packing);
        key.previousColumns = new bytes32[4][]((key.previousSize + key.packing - 1) / key.packing);
        key.columns[key.columns.length - 1] = hashes;
        key.rowCount = bound(rows, 7, 507);
        key.kinds = new bytes(key.rowCount);
        key.weights[2].row = key.rowCount;
        (key.layoutHash, key.previousLayoutHash, key.policyHash, key.marketHash) =
        (hashes[0], hashes[1], hashes[2], hashes[3]);
        bytes memory encoded = abi.encode(key);
        vm.assertEq(abi.encode(harness.decode(encoded)), encoded, "decoded key");
    }

    function test_readsPythonsKeys() public view {
        string[4] memory names = ["packing8", "packing4", "packing2", "vectors2"];
        for (uint256 i; i < names.length; ++i) {
            bytes memory encoded = load(names[i]).key;
            vm.assertEq(abi.encode(harness.decode(encoded)), encoded, names[i]);
        }
    }

    /// @dev Every length but the right one, and every offset and length word changed: nothing is read outside the digest.
    function test_refusesOtherEncodings() public {
        bytes memory encoded = abi.encode(_key());
        for (uint256 length; length < encoded.length; length += length % 96 == 64 ? 33 : 31) {
            bytes memory cut = slice(encoded, 0, length);
            vm.expectRevert(IProofVerifier.MalformedKey.selector);
            harness.decode(cut);
        }
        bytes memory longer = bytes.concat(encoded, bytes32(0));
        vm.expectRevert(IProofVerifier.MalformedKey.selector);
        harness.decode(longer);
        bytes memory shifted = withWord(encoded, 0, 64);
        vm.expectRevert(IProofVerifier.MalformedKey.selector);
        harness.decode(shifted);
        for (uint256 member = 8; member < 15; ++member) {
            uint256 position = 32 + 32 * member;
            uint256 offset = word(encoded, position);
            uint256[4] memory wrong = [offset + 32, offset - 32, type(uint256).max - 31, 0];
            for (uint256 i; i < 4; ++i) {
                bytes memory moved = withWord(encoded, position, wrong[i]);
                vm.expectRevert(IProofVerifier.MalformedKey.selector);
                harness.decode(moved);
            }
            uint256 length = word(encoded, 32 + offset);
            // The last takes no more bytes than the right one, mod 2^256.
            uint256[4] memory wrongLength = [length + 32, type(uint256).max, uint256(1) << 200, length + (1 << 251)];
            for (uint256 i; i < 4; ++i) {
                bytes memory stretched = withWord(encoded, 32 + offset, wrongLength[i]);
                vm.expectRevert(IProofVerifier.MalformedKey.selector);
                harness.decode(stretched);
            }
        }
    }

    function test_refusesOtherParameters() public view {
        harness.decode(abi.encode(_key()));
        StatementKey memory key = _key();
        key.version = 2;
        _assertUnsupported(key, "version");
        key = _key();
        key.n = 8192;
        _assertUnsupported(key, "n");
        uint256[5] memory packings = [uint256(0), 1, 3, 16, type(uint256).max];
        for (uint256 i; i < packings.length; ++i) {
            key = _key();
            key.packing = packings[i];
            _assertUnsupported(key, "packing");
        }
        key = _key();
        key.limbWidth = 12;
        _assertUnsupported(key, "limb width");
        key = _key();
        key.limbCount = 6;
        _assertUnsupported(key, "limb count");
    }

    function test_takesTheLargestVectors() public view {
        StatementKey memory key = _key();
        (key.size, key.previousSize) = (4088, 4088);
        key.columns = new bytes32[4][](1022);
        key.previousColumns = new bytes32[4][](1022);
        vm.assertEq(harness.decode(abi.encode(key)).previousSize, 4088, "4088 slots");
    }

    function test_refusesContradictions() public view {
        StatementKey memory key = _key();
        (key.size, key.columns, key.aux) = (0, new bytes32[4][](0), new uint256[](0));
        _assertUnsupported(key, "empty vector");
        key.size = 4089;
        key.columns = new bytes32[4][](1023);
        _assertUnsupported(key, "slots in the blinding entries");
        key.size = 11;
        key.columns = new bytes32[4][](2);
        _assertUnsupported(key, "a column short");
        key.columns = new bytes32[4][](4);
        _assertUnsupported(key, "a column over");
        key = _key();
        key.previousColumns = new bytes32[4][](1);
        _assertUnsupported(key, "previous columns without a previous vector");
        key.previousColumns = new bytes32[4][](0);
        key.previousSize = 1;
        _assertUnsupported(key, "a previous vector without columns");
        key.previousSize = 4089;
        key.previousColumns = new bytes32[4][](1023);
        _assertUnsupported(key, "previous slots in the blinding entries");
        key = _key();
        key.kinds = hex"0100";
        _assertUnsupported(key, "fewer kinds than rows");
        key = _key();
        (key.rowCount, key.kinds) = (1020, new bytes(1020));
        key.weights[2].row = 1020;
        _assertUnsupported(key, "more rows than the packing has room for");
        (key.rowCount, key.kinds) = (1019, new bytes(1019));
        key.weights[2].row = 1019;
        harness.decode(abi.encode(key));
    }

    function test_refusesUnorderedGroupsAndAux() public view {
        StatementKey memory key = _key();
        key.weights = new Group[](0);
        _assertUnsupported(key, "no zero group");
        key = _key();
        key.weights[2].row = 6;
        _assertUnsupported(key, "no zero group on row rho");
        key = _key();
        key.weights[1].row = 2;
        _assertUnsupported(key, "a target twice");
        key = _key();
        key.weights[0].row = 5;
        _assertUnsupported(key, "targets descending");
        key = _key();
        key.flagWeights[0].row = 7;
        _assertUnsupported(key, "flags of row rho");
        key = _key();
        key.squareWeights = new Group[](1);
        key.squareWeights[0].row = 7;
        _assertUnsupported(key, "squares of row rho");
        uint256[2] memory slots = [uint256(0), 11];
        for (uint256 i; i < 2; ++i) {
            key = _key();
            key.aux[0] = slots[i];
            _assertUnsupported(key, "the constant, or a slot outside, as aux");
        }
        key = _key();
        key.aux = new uint256[](2);
        (key.aux[0], key.aux[1]) = (5, 5);
        _assertUnsupported(key, "an aux slot twice");
    }
}
