// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An owner that changes in two steps
/// @notice The next owner accepts, so that nothing is lost to an address that cannot act.
library TwoStepOwner {
    /// @dev handovers: how often the owner changed.
    struct Slot {
        address owner;
        uint64 handovers;
        address pendingOwner;
    }

    error NotOwner(address caller, address owner);
    error NotPendingOwner(address caller, address pendingOwner);

    function check(Slot storage slot) internal view {
        if (msg.sender != slot.owner) revert NotOwner(msg.sender, slot.owner);
    }

    function offer(Slot storage slot, address newOwner) internal {
        check(slot);
        slot.pendingOwner = newOwner;
    }

    function accept(Slot storage slot) internal returns (address previousOwner) {
        if (msg.sender != slot.pendingOwner) revert NotPendingOwner(msg.sender, slot.pendingOwner);
        previousOwner = slot.owner;
        slot.owner = msg.sender;
        ++slot.handovers;
        slot.pendingOwner = address(0);
    }
}
