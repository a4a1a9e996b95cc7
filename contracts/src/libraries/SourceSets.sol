// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Approval, IAttestationRegistry, SignedSource, SourceRequirement} from "../interfaces/IAttestationRegistry.sol";
import {Holdings, PublicSlot, Source} from "../interfaces/IProofVerifier.sol";

/// @notice The sources of one fund and epoch with the hash that stands for them, and what it is made from.
/// @dev holdings: one entry, as the verifier takes it.
struct SourceSet {
    bytes32 hash;
    bytes32[] structHashes;
    bytes32[] commitmentHashes;
    Holdings[] holdings;
}

/// @title Signed source commitments and the hash of a source set (protocol §4)
library SourceSets {
    bytes32 internal constant TYPEHASH = keccak256(
        "SourceCommitment(address fund,uint64 epoch,uint64 asOf,bytes32 sourceId,uint8 role,bytes32 layoutHash,"
        "bytes32 ownedSlotsHash,bytes32 commitmentHash,uint64 expiry,uint256 nonce)"
    );

    /// @notice Checks that each required source signed its commitment, once and in order.
    /// @dev Fund, epoch, date, role, layout and owned slots are not read from calldata: a signature over others is invalid.
    /// @param domain the EIP-712 domain separator
    function check(
        bytes32 domain,
        address fund,
        uint64 epoch,
        Approval storage approved,
        SourceRequirement[] storage requirements,
        SignedSource[] calldata sources
    ) internal view returns (SourceSet memory set) {
        uint256 count = requirements.length;
        if (sources.length != count) revert IAttestationRegistry.WrongSourceCount(count, sources.length);
        bytes32[] memory ids = new bytes32[](count);
        set.structHashes = new bytes32[](count);
        set.commitmentHashes = new bytes32[](count);
        set.holdings = new Holdings[](1);
        set.holdings[0].sources = new Source[](count);
        set.holdings[0].publicSlots = approved.publicSlots;
        for (uint256 i; i < count; ++i) {
            SourceRequirement memory required = requirements[i];
            ids[i] = required.sourceId;
            set.commitmentHashes[i] = keccak256(abi.encode(sources[i].commitment));
            set.structHashes[i] = keccak256(
                abi.encode(
                    TYPEHASH,
                    fund,
                    epoch,
                    approved.asOf,
                    required.sourceId,
                    required.role,
                    approved.layoutHash,
                    approved.ownedSlotsHashes[i],
                    set.commitmentHashes[i],
                    sources[i].expiry,
                    sources[i].nonce
                )
            );
            _checkSignature(MessageHashUtils.toTypedDataHash(domain, set.structHashes[i]), required, sources[i]);
            set.holdings[0].sources[i] = Source(required.sourceId, sources[i].commitment);
        }
        set.hash = _hash(fund, epoch, approved, ids, set);
    }

    function _checkSignature(bytes32 digest, SourceRequirement memory required, SignedSource calldata source)
        private
        view
    {
        if (block.timestamp > source.expiry) {
            revert IAttestationRegistry.SourceExpired(required.sourceId, source.expiry);
        }
        if (!SignatureChecker.isValidSignatureNow(required.signer, digest, source.signature)) {
            revert IAttestationRegistry.InvalidSourceSignature(required.sourceId, required.signer);
        }
    }

    function _hash(address fund, uint64 epoch, Approval storage approved, bytes32[] memory ids, SourceSet memory set)
        private
        view
        returns (bytes32)
    {
        PublicSlot[] memory publicSlots = set.holdings[0].publicSlots;
        uint256[] memory slots = new uint256[](publicSlots.length);
        uint256[] memory values = new uint256[](publicSlots.length);
        for (uint256 i; i < publicSlots.length; ++i) {
            slots[i] = publicSlots[i].slot;
            values[i] = publicSlots[i].value;
        }
        return keccak256(
            abi.encode(
                fund,
                epoch,
                approved.asOf,
                approved.layoutHash,
                ids,
                set.structHashes,
                set.commitmentHashes,
                slots,
                values
            )
        );
    }
}
