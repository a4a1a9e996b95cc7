// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Context, Holdings, IProofVerifier, PublicSlot, Source} from "./interfaces/IProofVerifier.sol";
import {F} from "./libraries/Field.sol";
import {Challenges, FiatShamir, Proof} from "./libraries/FiatShamir.sol";
import {Opening} from "./libraries/Opening.sol";
import {Precompiles} from "./libraries/Precompiles.sol";
import {StatementKey, StatementKeys} from "./libraries/StatementKeys.sol";

/// @title Verifier of policy proofs
/// @notice For each proof one transcript and one field equation; for all of them one multi-scalar multiplication and one
/// pairing check.
contract ProofVerifier is IProofVerifier {
    /// @dev Public slot values lie in [0, 2^77), like every part of a row.
    uint256 private constant VALUE_LIMIT = 2 ** (StatementKeys.LIMB_WIDTH * StatementKeys.LIMB_COUNT);

    /// @dev One proof. key, proof: where their bytes start in calldata. vectors: how many its key is about. parsed, drawn:
    /// the proof, replayed.
    struct Claim {
        uint256 key;
        uint256 keyLength;
        uint256 proof;
        uint256 proofLength;
        bytes32 programId;
        uint256 vectors;
        Proof parsed;
        Challenges drawn;
    }

    constructor() {
        Precompiles.selfTest();
        Precompiles.selfTestAddition();
    }

    /// @inheritdoc IProofVerifier
    function verify(bytes calldata key, Context calldata context, Holdings[] calldata holdings, bytes calldata proof)
        external
        view
        returns (bytes32 digest)
    {
        Claim[] memory claims = new Claim[](1);
        _fill(claims[0], key, context.programId, proof);
        digest = _check(claims, context, holdings)[0];
    }

    /// @inheritdoc IProofVerifier
    function verifyAll(
        bytes[] calldata keys,
        Context calldata context,
        bytes32[] calldata programIds,
        Holdings[] calldata holdings,
        bytes[] calldata proofs
    ) external view returns (bytes32[] memory digests) {
        uint256 count = keys.length;
        if (count == 0) revert EmptyBatch();
        if (programIds.length != count) revert WrongBatchLength(count, programIds.length);
        if (proofs.length != count) revert WrongBatchLength(count, proofs.length);
        if (context.programId != 0) revert SharedProgramId(context.programId);
        Claim[] memory claims = new Claim[](count);
        for (uint256 i; i < count; ++i) {
            _fill(claims[i], keys[i], programIds[i], proofs[i]);
        }
        digests = _check(claims, context, holdings);
    }

    /// @dev All claims in one multi-scalar multiplication and one pairing check; answers the digests of their keys.
    function _check(Claim[] memory claims, Context memory context, Holdings[] calldata holdings)
        private
        view
        returns (bytes32[] memory digests)
    {
        uint256 count = claims.length;
        uint256 terms = _checkInstance(claims, context, holdings);
        digests = new bytes32[](count);
        bytes32[] memory bindings = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            Claim memory claim = claims[i];
            digests[i] = keccak256(_bytes(claim.key, claim.keyLength));
            context.programId = claim.programId;
            (claim.parsed, claim.drawn) = FiatShamir.replay(
                _key(claim), digests[i], context, _held(claim, holdings), _bytes(claim.proof, claim.proofLength)
            );
            bindings[i] = claim.parsed.binding;
        }
        F[] memory weights = Opening.weights(bindings);
        Opening.State memory state = Opening.start(terms, holdings, count);
        for (uint256 i; i < count; ++i) {
            Claim memory claim = claims[i];
            Opening.add(state, _key(claim), _held(claim, holdings), claim.parsed, claim.drawn, weights[i]);
        }
        Opening.check(state, holdings);
    }

    function _fill(Claim memory claim, bytes calldata key, bytes32 programId, bytes calldata proof) private pure {
        claim.programId = programId;
        (claim.keyLength, claim.proofLength) = (key.length, proof.length);
        assembly ("memory-safe") {
            // (claim.key, claim.proof) = where the bytes of key and proof start in calldata
            mstore(claim, key.offset)
            mstore(add(claim, 0x40), proof.offset)
        }
    }

    /// @dev The bytes of calldata from `start` on.
    function _bytes(uint256 start, uint256 length) private pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            // data = msg.data[start:start + length]
            data.offset := start
            data.length := length
        }
    }

    /// @dev The claim's key, once it is decoded.
    function _key(Claim memory claim) private pure returns (StatementKey calldata) {
        return StatementKeys.accepted(_bytes(claim.key, claim.keyLength));
    }

    /// @dev As many of the holdings as the claim is about.
    function _held(Claim memory claim, Holdings[] calldata holdings) private pure returns (Holdings[] calldata held) {
        held = holdings;
        uint256 vectors = claim.vectors;
        assembly ("memory-safe") {
            // held = holdings[:vectors]
            held.length := vectors
        }
    }

    /// @dev Keys are well-formed, and the holdings fit them with nothing left over. Answers how many terms of the sum the keys
    /// and their proofs are.
    function _checkInstance(Claim[] memory claims, Context memory context, Holdings[] calldata holdings)
        private
        pure
        returns (uint256 terms)
    {
        uint256 vectors = 1;
        for (uint256 i; i < claims.length; ++i) {
            Claim memory claim = claims[i];
            StatementKey calldata key = StatementKeys.decode(_bytes(claim.key, claim.keyLength));
            claim.vectors = key.previousSize == 0 ? 1 : 2;
            if (claim.vectors == 2) vectors = 2;
            terms += Opening.terms(key);
        }
        if (holdings.length != vectors) revert WrongVectorCount(vectors, holdings.length);
        bool earlier = vectors == 2
            ? context.previousEpoch < context.epoch
            : context.previousEpoch == 0 && context.previousSourceSetHash == 0;
        if (!earlier) revert WrongPreviousEpoch(context.previousEpoch);
        for (uint256 i; i < vectors; ++i) {
            _checkSources(holdings[i].sources);
        }
        for (uint256 i; i < claims.length; ++i) {
            Claim memory claim = claims[i];
            StatementKey calldata key = _key(claim);
            uint256[] calldata aux = StatementKeys.auxSlots(key);
            _checkPublicSlots(holdings[0].publicSlots, key.size, aux);
            // Aux slots are zero in the previous vector; they are not in its key.
            if (claim.vectors == 2) _checkPublicSlots(holdings[1].publicSlots, key.previousSize, aux[:0]);
        }
    }

    function _checkSources(Source[] calldata sources) private pure {
        if (sources.length == 0) revert UnorderedSources();
        bytes32 last; // no id is 0: ids are hashes
        for (uint256 i; i < sources.length; ++i) {
            Source calldata source = sources[i];
            bytes32 id = source.id;
            if (id <= last) revert UnorderedSources();
            bytes32[4] calldata point = source.commitment;
            if (point[0] | point[1] | point[2] | point[3] == 0) revert EmptyCommitment(id);
            last = id;
        }
    }

    function _checkPublicSlots(PublicSlot[] calldata slots, uint256 size, uint256[] calldata aux) private pure {
        uint256 last; // slot 0 is the constant 1
        for (uint256 i; i < slots.length; ++i) {
            (uint256 slot, uint256 value) = (slots[i].slot, slots[i].value);
            if (slot <= last || slot >= size || value >= VALUE_LIMIT) revert InvalidPublicSlot(slot, value);
            for (uint256 k; k < aux.length; ++k) {
                if (aux[k] == slot) revert InvalidPublicSlot(slot, value);
            }
            last = slot;
        }
    }
}
