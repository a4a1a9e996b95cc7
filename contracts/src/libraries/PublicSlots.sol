// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountSlot} from "../interfaces/IPolicyRegistry.sol";
import {PublicSlot} from "../interfaces/IProofVerifier.sol";

/// @title Public slots of an epoch: those that publishers approved, and those that were read from the fund's addresses
library PublicSlots {
    /// @notice Both lists in one, ascending if both are.
    /// @dev Slots that do not ascend or stand in both lists end in an order that the verifier refuses.
    /// @param lots of each account slot
    function merge(PublicSlot[] memory given, AccountSlot[] memory slots, uint256[] memory lots)
        internal
        pure
        returns (PublicSlot[] memory merged)
    {
        merged = new PublicSlot[](given.length + slots.length);
        (uint256 i, uint256 k) = (0, 0);
        for (uint256 next; next < merged.length; ++next) {
            bool isGiven = k == slots.length || (i != given.length && given[i].slot < slots[k].slot);
            if (isGiven) merged[next] = given[i++];
            else (merged[next].slot, merged[next].value) = (slots[k].slot, lots[k++]);
        }
    }
}
