// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Context, Holdings, IProofVerifier, PublicSlot, Source} from "./interfaces/IProofVerifier.sol";
import {Constraints} from "./libraries/Constraints.sol";
import {F} from "./libraries/Field.sol";
import {Challenges, FiatShamir, Proof} from "./libraries/FiatShamir.sol";
import {Opening} from "./libraries/Opening.sol";
import {Precompiles} from "./libraries/Precompiles.sol";
import {StatementKey, StatementKeys} from "./libraries/StatementKeys.sol";
import {PublicValues, Values} from "./libraries/Values.sol";

/// @title Verifier of policy proofs
/// @notice One transcript, one field equation, one multi-scalar multiplication, one pairing check.
contract ProofVerifier is IProofVerifier {
    /// @dev Public slot values lie in [0, 2^77), like every part of a row.
    uint256 private constant VALUE_LIMIT = 2 ** (StatementKeys.LIMB_WIDTH * StatementKeys.LIMB_COUNT);

    constructor() {
        Precompiles.selfTest();
    }

    /// @inheritdoc IProofVerifier
    function verify(bytes calldata key, Context calldata context, Holdings[] calldata holdings, bytes calldata proof)
        external
        view
        returns (bytes32 digest)
    {
        StatementKey calldata statement = StatementKeys.decode(key);
        digest = keccak256(key);
        _checkInstance(statement, context, holdings);
        (Proof memory parsed, Challenges memory drawn) = FiatShamir.replay(statement, digest, context, holdings, proof);
        PublicValues memory values = Values.compute(statement, holdings, drawn.alpha, drawn.zeta);
        F quotient = Constraints.sum(parsed, drawn, values) * values.vanishingInverse;
        Opening.check(statement, holdings, parsed, drawn, values, quotient);
    }

    function verifyAll(
        bytes[] calldata keys,
        Context calldata context,
        bytes32[] calldata programIds,
        Holdings[] calldata holdings,
        bytes[] calldata proofs
    ) external view returns (bytes32[] memory digests) {
        digests = new bytes32[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            Context memory own = context;
            own.programId = programIds[i];
            Holdings[] memory held = new Holdings[](StatementKeys.decode(keys[i]).previousSize == 0 ? 1 : 2);
            held[0] = holdings[0];
            if (held.length == 2) held[1] = holdings[1];
            else (own.previousEpoch, own.previousSourceSetHash) = (0, 0);
            digests[i] = this.verify(keys[i], own, held, proofs[i]);
        }
    }

    /// @dev Sources and public slots fit the key, and do not touch slots that are not theirs.
    function _checkInstance(StatementKey calldata key, Context calldata context, Holdings[] calldata holdings)
        private
        pure
    {
        uint256 vectors = key.previousSize == 0 ? 1 : 2;
        if (holdings.length != vectors) revert WrongVectorCount(vectors, holdings.length);
        bool earlier = vectors == 2
            ? context.previousEpoch < context.epoch
            : context.previousEpoch == 0 && context.previousSourceSetHash == 0;
        if (!earlier) revert WrongPreviousEpoch(context.previousEpoch);
        _checkSources(holdings[0].sources);
        _checkPublicSlots(holdings[0].publicSlots, key.size, key.aux);
        if (vectors == 2) {
            _checkSources(holdings[1].sources);
            // Aux slots are zero in the previous vector; they are not in its key.
            _checkPublicSlots(holdings[1].publicSlots, key.previousSize, key.aux[:0]);
        }
    }

    function _checkSources(Source[] calldata sources) private pure {
        if (sources.length == 0) revert UnorderedSources();
        bytes32 last; // no id is 0: ids are hashes
        for (uint256 i; i < sources.length; ++i) {
            bytes32 id = sources[i].id;
            if (id <= last) revert UnorderedSources();
            bytes32[4] calldata point = sources[i].commitment;
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
