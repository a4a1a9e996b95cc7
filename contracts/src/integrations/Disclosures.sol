// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IAccountReader} from "../interfaces/IAccountReader.sol";
import {IAttestationRegistry, PreviousSource} from "../interfaces/IAttestationRegistry.sol";
import {Approval, IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {Holdings, PublicSlot} from "../interfaces/IProofVerifier.sol";
import {Curve} from "../libraries/Curve.sol";
import {F, ONE, R} from "../libraries/Field.sol";
import {PointEvaluation} from "../libraries/PointEvaluation.sol";
import {Precompiles} from "../libraries/Precompiles.sol";
import {PublicSlots} from "../libraries/PublicSlots.sol";
import {Setup} from "../libraries/Setup.sol";
import {SourceSet, SourceSets} from "../libraries/SourceSets.sol";
import {StatementKey, StatementKeys} from "../libraries/StatementKeys.sol";
import {Values} from "../libraries/Values.sol";
import {Disclosure, IDisclosures} from "./interfaces/IDisclosures.sol";

/// @title Disclosure of single slots, by the point-evaluation precompile (EIP-4844)
contract Disclosures is IDisclosures, ERC165 {
    using Curve for Curve.Sum;

    /// @dev Quantities lie strictly between −2^77 and 2^77.
    uint256 private constant LIMIT = 2 ** (StatementKeys.LIMB_WIDTH * StatementKeys.LIMB_COUNT);

    IAttestationRegistry private immutable REGISTRY;
    IPolicyRegistry private immutable POLICIES;
    IAccountReader private immutable ACCOUNT_READER;

    constructor(IAttestationRegistry registry_) {
        Precompiles.selfTest();
        Precompiles.selfTestPointEvaluation();
        REGISTRY = registry_;
        POLICIES = registry_.policies();
        ACCOUNT_READER = registry_.accountReader();
    }

    /// @inheritdoc IDisclosures
    function registry() external view returns (IAttestationRegistry) {
        return REGISTRY;
    }

    /// @inheritdoc IDisclosures
    function verifyDisclosure(
        Disclosure calldata disclosure,
        bytes calldata key,
        PreviousSource[] calldata sources,
        bytes calldata opening
    ) external view {
        int256 lots = disclosure.lots;
        uint256 magnitude = SignedMath.abs(lots);
        if (magnitude >= LIMIT) revert LotsOutOfRange(lots);
        Approval memory approved = _approved(disclosure);
        _checkSlot(disclosure.slot, approved.publicSlots, _key(approved.digests[disclosure.program], key));
        bytes memory commitment = _commitment(_holdings(disclosure, approved, sources));
        F z = Values.root(disclosure.slot);
        F y = F.wrap(lots < 0 ? R - magnitude : magnitude);
        if (!PointEvaluation.holds(commitment, z, y, opening)) revert DisclosureRejected(disclosure.slot, lots);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IDisclosures).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev The epoch's statements, with account slots among the public ones. What is attested was approved, past the challenge
    /// window, and signed by the sources that this policy requires: a set alone could be fixed under anybody's policy. Unlike
    /// `IPolicyRegistry.statements` this answers under replaced policies too: what was held then was held.
    function _approved(Disclosure calldata disclosure) private view returns (Approval memory approved) {
        (address fund, bytes32 policyId, uint64 epoch) = (disclosure.fund, disclosure.policyId, disclosure.epoch);
        (uint256 attested,,) = REGISTRY.progress(fund, policyId, epoch);
        if (attested >> disclosure.program & 1 == 0) {
            revert ProgramNotAttested(fund, policyId, epoch, disclosure.program);
        }
        if (REGISTRY.isRevoked(fund, policyId, epoch)) revert IAttestationRegistry.EpochRevoked(fund, policyId, epoch);
        (approved,) = POLICIES.approval(policyId, epoch);
        // Of a complete epoch the registry answers all bits.
        if (disclosure.program >= approved.digests.length) {
            revert ProgramNotAttested(fund, policyId, epoch, disclosure.program);
        }
        if (approved.accountSlots.length == 0) return approved;
        uint256[] memory lots = ACCOUNT_READER.values(fund, policyId, epoch);
        approved.publicSlots = PublicSlots.merge(approved.publicSlots, approved.accountSlots, lots);
    }

    /// @dev The approved key, which is of the approved layout since a proof was accepted with it.
    function _key(bytes32 approvedDigest, bytes calldata encoded) private pure returns (StatementKey calldata) {
        bytes32 digest = keccak256(encoded);
        if (digest != approvedDigest) revert IAttestationRegistry.DigestNotApproved(approvedDigest, digest);
        return StatementKeys.decode(encoded);
    }

    /// @dev A slot of the holdings that a source fills. The size of the holdings leaves out the blinding entries.
    function _checkSlot(uint256 slot, PublicSlot[] memory publicSlots, StatementKey calldata key) private pure {
        bool disclosable = slot != 0 && slot < key.size;
        for (uint256 i; i < publicSlots.length; ++i) {
            if (publicSlots[i].slot == slot) disclosable = false;
        }
        for (uint256 i; i < key.aux.length; ++i) {
            if (key.aux[i] == slot) disclosable = false;
        }
        if (!disclosable) revert NotDisclosable(slot);
    }

    /// @dev The epoch's commitments, if they are the ones on record.
    function _holdings(Disclosure calldata disclosure, Approval memory approved, PreviousSource[] calldata sources)
        private
        view
        returns (Holdings memory)
    {
        (address fund, uint64 epoch) = (disclosure.fund, disclosure.epoch);
        SourceSet memory set =
            SourceSets.restore(fund, epoch, approved, POLICIES.policy(disclosure.policyId).requirements, sources);
        bytes32 committed = REGISTRY.sourceSet(fund, epoch);
        if (set.hash != committed) revert IAttestationRegistry.SourceSetMismatch(committed, set.hash);
        return set.holdings;
    }

    /// @dev [L_0] + Σ C_k, each point checked by the multiplication. (P.24)
    function _commitment(Holdings memory holdings) private view returns (bytes memory) {
        uint256 count = holdings.sources.length;
        Curve.Sum memory sum = Curve.allocate(count + 1);
        sum.add(Setup.G1_SLOT_ZERO, ONE);
        for (uint256 i; i < count; ++i) {
            sum.add(abi.encodePacked(holdings.sources[i].commitment), ONE);
        }
        return sum.evaluate();
    }
}
