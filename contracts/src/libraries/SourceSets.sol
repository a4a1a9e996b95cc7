// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IAttestationRegistry, PreviousSource, SignedSource} from "../interfaces/IAttestationRegistry.sol";
import {Approval, SourceRequirement} from "../interfaces/IPolicyRegistry.sol";
import {Holdings, PublicSlot, Source} from "../interfaces/IProofVerifier.sol";

/// @notice The sources of one fund and epoch with the hash that stands for them, and what it is made from.
/// @dev holdings: as the verifier takes them.
struct SourceSet {
    bytes32 hash;
    bytes32[] structHashes;
    bytes32[] commitmentHashes;
    Holdings holdings;
}

/// @title Signed source commitments and the hash of a source set (protocol §4)
library SourceSets {
    bytes32 internal constant TYPEHASH = keccak256(
        "SourceCommitment(address fund,uint64 epoch,uint64 asOf,bytes32 sourceId,uint8 role,bytes32 layoutHash,"
        "bytes32 ownedSlotsHash,bytes32 commitmentHash,uint64 expiry,uint256 nonce)"
    );

    /// @notice The set of an epoch. Checks that each required source signed its commitment, once and in order.
    /// @dev Fund, epoch, date, role, layout and owned slots are not read from calldata: a signature over others is invalid.
    /// @param domain the EIP-712 domain separator
    function check(
        bytes32 domain,
        address fund,
        uint64 epoch,
        Approval memory approved,
        SourceRequirement[] memory requirements,
        SignedSource[] calldata sources
    ) internal view returns (SourceSet memory set) {
        set = _empty(approved, requirements.length, sources.length);
        for (uint256 i; i < sources.length; ++i) {
            SignedSource calldata source = sources[i];
            SourceRequirement memory required = requirements[i];
            _add(set, i, fund, epoch, approved, required, source.expiry, source.nonce, source.commitment);
            _checkSignature(MessageHashUtils.toTypedDataHash(domain, set.structHashes[i]), required, source);
        }
        set.hash = _hash(fund, epoch, approved, set);
    }

    /// @notice The set of an earlier epoch, without signatures: it is that epoch's only if its hash is the one on record.
    /// @param approved what was approved when it was fixed
    function restore(
        address fund,
        uint64 epoch,
        Approval memory approved,
        SourceRequirement[] memory requirements,
        PreviousSource[] calldata sources
    ) internal pure returns (SourceSet memory set) {
        set = _empty(approved, requirements.length, sources.length);
        for (uint256 i; i < sources.length; ++i) {
            PreviousSource calldata source = sources[i];
            _add(set, i, fund, epoch, approved, requirements[i], source.expiry, source.nonce, source.commitment);
        }
        set.hash = _hash(fund, epoch, approved, set);
    }

    function _empty(Approval memory approved, uint256 required, uint256 count)
        private
        pure
        returns (SourceSet memory set)
    {
        if (count != required) revert IAttestationRegistry.WrongSourceCount(required, count);
        set.structHashes = new bytes32[](count);
        set.commitmentHashes = new bytes32[](count);
        set.holdings.sources = new Source[](count);
        set.holdings.publicSlots = approved.publicSlots;
    }

    /// @dev Source number i: its share of the holdings, and hashStruct of its `SourceCommitment`.
    function _add(
        SourceSet memory set,
        uint256 i,
        address fund,
        uint64 epoch,
        Approval memory approved,
        SourceRequirement memory required,
        uint64 expiry,
        uint256 nonce,
        bytes32[4] calldata commitment
    ) private pure {
        set.holdings.sources[i] = Source(required.sourceId, commitment);
        set.commitmentHashes[i] = keccak256(abi.encode(commitment));
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
                expiry,
                nonce
            )
        );
    }

    function _checkSignature(bytes32 digest, SourceRequirement memory required, SignedSource calldata source)
        private
        view
    {
        if (block.timestamp > source.expiry) {
            revert IAttestationRegistry.SourceExpired(required.sourceId, source.expiry);
        }
        // Most signers are keys, and recovering one is cheaper than looking for code at its address.
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, source.signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == required.signer) return;
        if (!SignatureChecker.isValidERC1271SignatureNow(required.signer, digest, source.signature)) {
            revert IAttestationRegistry.InvalidSourceSignature(required.sourceId, required.signer);
        }
    }

    function _hash(address fund, uint64 epoch, Approval memory approved, SourceSet memory set)
        private
        pure
        returns (bytes32)
    {
        Source[] memory sources = set.holdings.sources;
        bytes32[] memory ids = new bytes32[](sources.length);
        for (uint256 i; i < sources.length; ++i) {
            ids[i] = sources[i].id;
        }
        PublicSlot[] memory publicSlots = set.holdings.publicSlots;
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
