// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RepresentationClaim} from "../src/interfaces/IRepresentationVerifier.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @notice A proof of representation with what it is about.
struct Representation {
    RepresentationClaim claim;
    uint256[] slots;
    bytes proof;
}

/// @title Proofs of representation by both sources of the fixtures' epoch 7, written by tests/contracts/make_fixtures.py
abstract contract RepresentationFixtures is RegistryFixtures {
    string private constant CLAIMS = "test/fixtures/representation.json";

    function representation(uint256 i) internal view returns (Representation memory r) {
        string memory path = string.concat(".claims[", vm.toString(i), "]");
        string memory json = vm.readFile(CLAIMS);
        r.claim = abi.decode(vm.parseJsonBytes(json, string.concat(path, ".claim")), (RepresentationClaim));
        (r.slots, r.proof) =
            abi.decode(vm.parseJsonBytes(json, string.concat(path, ".representation")), (uint256[], bytes));
    }

    /// @dev As a signed source carries it.
    function representationOf(uint256 i) internal view returns (bytes memory) {
        Representation memory r = representation(i);
        return abi.encode(r.slots, r.proof);
    }
}
