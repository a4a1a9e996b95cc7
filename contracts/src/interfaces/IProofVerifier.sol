// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a proof is good for; with the chain id it goes into the proof's transcript.
/// @dev registry: who stores the result. expiry: Unix seconds. programId: keccak256(abi.encode(policyId, programIndex)).
/// bookRoot: root of the liability book, 0 without one. previousEpoch, previousSourceSetHash: of the previous epoch's
/// holdings, 0 with keys of one vector.
struct Context {
    address registry;
    address fund;
    uint64 epoch;
    uint64 expiry;
    bytes32 programId;
    bytes32 bookRoot;
    bytes32 sourceSetHash;
    uint64 previousEpoch;
    bytes32 previousSourceSetHash;
}

/// @notice One source's share C_k of the holdings commitment. id: keccak256 of its name.
struct Source {
    bytes32 id;
    bytes32[4] commitment;
}

/// @notice A slot of the private vector whose value is public.
struct PublicSlot {
    uint256 slot;
    uint256 value;
}

/// @notice Where one epoch's private vector comes from: sources ascending by id, public slots ascending.
struct Holdings {
    Source[] sources;
    PublicSlot[] publicSlots;
}

/// @title Verifier of policy proofs
/// @notice Checks that holdings committed by their sources satisfy the integer program of a statement key. Stateless and
/// generic over keys. It says nothing about whether a key is right: whoever relies on it compares the digest.
/// @dev Points are 128 bytes (EIP-2537). Equations and sections are those of the protocol's specification.
interface IProofVerifier {
    /// @notice A batch needs one program id and one proof for each key.
    error WrongBatchLength(uint256 expected, uint256 actual);

    /// @notice A batch of no proofs proves nothing.
    error EmptyBatch();

    /// @notice The context that a batch shares names a program; each proof has its own.
    error SharedProgramId(bytes32 programId);

    /// @notice A precompile of EIP-198 or EIP-2537 is missing on this chain, or does not do what its EIP says.
    error PrecompileMissing(address precompile);

    /// @notice The key is not the canonical ABI encoding of a statement key.
    error MalformedKey();

    /// @notice The key's parameters are not this proof system's, or its members contradict one another.
    error UnsupportedKey();

    /// @notice A key of one vector takes one epoch's holdings, a key of two takes the previous epoch's too; a batch takes
    /// what the largest of its keys does.
    error WrongVectorCount(uint256 expected, uint256 actual);

    /// @notice With two vectors the previous epoch is an earlier one; with one vector its fields are 0.
    error WrongPreviousEpoch(uint64 previousEpoch);

    /// @notice There is no source, or source ids do not ascend strictly.
    error UnorderedSources();

    /// @notice A source's commitment is the point at infinity, which commits to nothing.
    error EmptyCommitment(bytes32 sourceId);

    /// @notice A public slot is out of order, the constant, an aux slot, outside the vector, or its value is not below 2^77.
    error InvalidPublicSlot(uint256 slot, uint256 value);

    /// @notice Proofs for this key have another length.
    error WrongProofLength(uint256 expected, uint256 actual);

    /// @notice Scalar number `index` of the proof is not below r.
    error ScalarNotCanonical(uint256 index);

    /// @notice A point of the key, the sources or the proof is not canonical, not on the curve or not in the subgroup.
    error MalformedPoint();

    /// @notice A challenge fell on a zero divisor (ζ = 0, ζ ∈ H, α ∈ H', ζ or ζ/ω = α, u on an opening point): prove again.
    error ZeroDivisor();

    /// @notice The batched opening does not hold: the statement is false, or the proof is of something else.
    error OpeningRejected();

    /// @notice Verifies a proof; returns only if it is valid, else reverts with one of the errors above.
    /// @param key canonical ABI encoding of the `StatementKey`
    /// @param context what the proof is good for; the chain id is this chain's
    /// @param holdings the epoch's holdings and, with keys of two vectors, the previous epoch's behind them
    /// @param proof its points, 128 bytes each, then its scalars, 32 bytes each, in the order of protocol §5
    /// @return digest keccak256 of `key`: the statement that was proved
    function verify(bytes calldata key, Context calldata context, Holdings[] calldata holdings, bytes calldata proof)
        external
        view
        returns (bytes32 digest);

    /// @notice Verifies proofs of several programs over the same holdings, with one multi-scalar multiplication and one
    /// pairing check; returns only if all are valid. A proof is the same whichever function verifies it.
    /// @dev The checks are weighted by a hash of all proofs, so that false ones cannot cancel: a false proof passes with
    /// probability below 2^-127 for each batch that is tried.
    /// @param keys one key a program
    /// @param context what all proofs are good for, with programId 0
    /// @param programIds what takes the context's programId in each proof
    /// @param holdings as for `verify`, the previous epoch's only if some key has two vectors. A key of one vector takes
    /// the first and a context without a previous epoch
    /// @param proofs one proof a program
    /// @return digests keccak256 of each key
    function verifyAll(
        bytes[] calldata keys,
        Context calldata context,
        bytes32[] calldata programIds,
        Holdings[] calldata holdings,
        bytes[] calldata proofs
    ) external view returns (bytes32[] memory digests);
}
