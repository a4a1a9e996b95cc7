// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAttestationRegistry, Record} from "../interfaces/IAttestationRegistry.sol";
import {ComplianceGate} from "./ComplianceGate.sol";
import {AggregatorV3Interface} from "./interfaces/AggregatorV3Interface.sol";
import {IComplianceFeed, StatedRatio} from "./interfaces/IComplianceFeed.sol";
import {IComplianceGate} from "./interfaces/IComplianceGate.sol";

/// @title A fund's certified collateral ratio as a Chainlink feed
contract ComplianceFeed is IComplianceFeed, ComplianceGate, ERC165 {
    uint8 private constant DECIMALS = 8;
    uint256 private constant VERSION = 1;
    /// @dev Numbers of rounds of one phase.
    uint80 private constant PHASE = 2 ** 64;

    mapping(bytes32 policyId => int256) private _ratios;
    string private _description;

    constructor(
        IAttestationRegistry registry_,
        address fund_,
        bytes32 rootPolicy_,
        StatedRatio[] memory ratios,
        string memory description_
    ) ComplianceGate(registry_, fund_, rootPolicy_) {
        for (uint256 i; i < ratios.length; ++i) {
            (bytes32 policyId, int256 ratio) = (ratios[i].policyId, ratios[i].ratio);
            if (ratio <= 0 || _ratios[policyId] != 0) revert InvalidRatio(policyId, ratio);
            _ratios[policyId] = ratio;
            emit RatioStated(policyId, ratio);
        }
        bytes32 current = currentPolicy();
        if (_ratios[current] == 0) revert NoRatio(current);
        _description = description_;
    }

    /// @inheritdoc AggregatorV3Interface
    function decimals() external pure returns (uint8) {
        return DECIMALS;
    }

    /// @inheritdoc AggregatorV3Interface
    function description() external view returns (string memory) {
        return _description;
    }

    /// @inheritdoc AggregatorV3Interface
    function version() external pure returns (uint256) {
        return VERSION;
    }

    /// @inheritdoc IComplianceFeed
    function statedRatio(bytes32 policyId) external view returns (int256) {
        return _ratios[policyId];
    }

    /// @inheritdoc IComplianceFeed
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        (bytes32 policyId, uint256 phase) = _policyIn(type(uint256).max);
        uint256 length = REGISTRY.historyLength(FUND, policyId);
        if (length == 0) return (_roundId(phase, 0), 0, 0, 0, 0);
        return _round(policyId, phase, length, length, true);
    }

    /// @inheritdoc IComplianceFeed
    function getRoundData(uint80 roundId_) external view returns (uint80, int256, uint256, uint256, uint80) {
        (uint256 wanted, uint256 number) = (roundId_ / PHASE, roundId_ % PHASE);
        (bytes32 policyId, uint256 phase) = _policyIn(wanted);
        uint256 length = REGISTRY.historyLength(FUND, policyId);
        if (phase != wanted || number == 0 || number > length) revert NoDataPresent(roundId_);
        return _round(policyId, phase, number, length, POLICIES.isCurrent(policyId));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(AggregatorV3Interface).interfaceId
            || interfaceId == type(IComplianceFeed).interfaceId || interfaceId == type(IComplianceGate).interfaceId
            || super.supportsInterface(interfaceId);
    }

    /// @dev The policy of a phase, or the current one and its phase if there is no such phase yet.
    function _policyIn(uint256 wanted) private view returns (bytes32 policyId, uint256 phase) {
        policyId = ROOT_POLICY;
        while (phase != wanted && !POLICIES.isCurrent(policyId)) {
            (policyId,) = POLICIES.replacement(policyId);
            ++phase;
        }
    }

    /// @dev Round `number` of `length` under a policy, from 1.
    function _round(bytes32 policyId, uint256 phase, uint256 number, uint256 length, bool current)
        private
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Record memory record = REGISTRY.history(FUND, policyId, number - 1, 1)[0];
        bool certified = current && number == length
            ? REGISTRY.isCompliant(FUND, policyId)
            : !REGISTRY.isRevoked(FUND, policyId, record.epoch);
        roundId = _roundId(phase, number);
        if (certified) answer = _ratios[policyId];
        if (answer != 0) answeredInRound = roundId;
        startedAt = updatedAt = record.completedAt;
    }

    function _roundId(uint256 phase, uint256 number) private pure returns (uint80) {
        return SafeCast.toUint80(phase * PHASE + number);
    }
}
