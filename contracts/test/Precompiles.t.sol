// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {Setup} from "../src/libraries/Setup.sol";
import {ProofVerifier} from "../src/ProofVerifier.sol";
import {Test} from "./Test.sol";

/// @title Chains on which the verifier refuses to exist
contract PrecompilesTest is Test {
    address private constant MODEXP = address(0x05);
    address private constant G1MSM = address(0x0c);
    address private constant PAIRING = address(0x0f);

    function _assertRefused(address precompile) private {
        bytes memory reason = abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, precompile);
        vm.expectRevert(reason);
        new ProofVerifier();
    }

    function test_existsHere() public {
        vm.assertTrue(address(new ProofVerifier()).code.length != 0, "code");
    }

    /// @dev A call to an address without code succeeds with empty output.
    function test_noModexp() public {
        vm.mockCall(MODEXP, "", "");
        _assertRefused(MODEXP);
    }

    function test_wrongModexp() public {
        vm.mockCall(MODEXP, "", abi.encode(uint256(1)));
        _assertRefused(MODEXP);
    }

    function test_noMultiplication() public {
        vm.mockCall(G1MSM, "", "");
        _assertRefused(G1MSM);
    }

    /// @dev It answers the one sum right and everything else too: no check of the subgroup.
    function test_multiplicationWithoutSubgroupCheck() public {
        vm.mockCall(G1MSM, "", Setup.G1_ONE);
        _assertRefused(G1MSM);
    }

    function test_noPairing() public {
        vm.mockCall(PAIRING, "", "");
        _assertRefused(PAIRING);
    }

    function test_pairingThatAcceptsAll() public {
        vm.mockCall(PAIRING, "", abi.encode(uint256(1)));
        _assertRefused(PAIRING);
    }

    function test_pairingThatAcceptsNothing() public {
        vm.mockCall(PAIRING, "", abi.encode(uint256(0)));
        _assertRefused(PAIRING);
    }

    function test_failingPrecompiles() public {
        vm.mockCallRevert(PAIRING, "", "");
        _assertRefused(PAIRING);
        vm.mockCallRevert(G1MSM, "", "");
        _assertRefused(G1MSM);
        vm.mockCallRevert(MODEXP, "", "");
        _assertRefused(MODEXP);
    }
}
