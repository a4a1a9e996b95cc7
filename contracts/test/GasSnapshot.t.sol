// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AccountReader} from "../src/AccountReader.sol";
import {AttestationRegistry} from "../src/AttestationRegistry.sol";
import {BookRegistry} from "../src/BookRegistry.sol";
import {FundRegistry} from "../src/FundRegistry.sol";
import {ComplianceFeed} from "../src/integrations/ComplianceFeed.sol";
import {Disclosures} from "../src/integrations/Disclosures.sol";
import {GatedVault} from "../src/integrations/GatedVault.sol";
import {StatedRatio} from "../src/integrations/interfaces/IComplianceFeed.sol";
import {Disclosure} from "../src/integrations/interfaces/IDisclosures.sol";
import {ProgramProof, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {Inclusion, Book} from "../src/interfaces/IBookVerifier.sol";
import {Approval, SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {PolicyRegistry} from "../src/PolicyRegistry.sol";
import {BookFixtures} from "./BookFixtures.sol";
import {EpochCase, IntegrationFixtures} from "./integrations/IntegrationFixtures.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";
import {Test} from "./Test.sol";

/// @title The contracts as the package carries them, so that no run of a compiler moves the gas
abstract contract Artifacts is Test {
    function carried(string memory name, bytes memory arguments) internal returns (address created) {
        string memory json = vm.readFile(string.concat("../attest/chain/artifacts/", name, ".json"));
        bytes memory code = bytes.concat(vm.parseJsonBytes(json, ".bytecode"), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code)) // new name(arguments)
        }
        vm.assertTrue(created != address(0), name);
    }
}

/// @title Gas of the registries' calls with the fixtures' proofs
/// @dev Isolated, so that every call is a transaction, base cost and calldata included; views cost what they cost inside one.
/// forge-config: default.isolate = true
contract RegistryGasTest is RegistryFixtures, BookFixtures, Artifacts {
    string private constant GROUP = "registries";

    function create() internal override {
        funds = FundRegistry(carried("FundRegistry", ""));
        policies = PolicyRegistry(carried("PolicyRegistry", ""));
        books = BookRegistry(carried("BookRegistry", abi.encode(carried("BookVerifier", ""), funds)));
        accountReader = AccountReader(carried("AccountReader", abi.encode(funds, policies)));
        address verifier = carried("ProofVerifier", "");
        address representationVerifier = carried("RepresentationVerifier", "");
        bytes memory arguments = abi.encode(verifier, books, accountReader, representationVerifier);
        vm.prank(DEPLOYER);
        registry = AttestationRegistry(carried("AttestationRegistry", arguments));
    }

    function setUp() public {
        deploy();
        registerAll();
    }

    function _snap(string memory name) private {
        vm.snapshotGasLastCall(GROUP, name);
    }

    function _commit(Submission memory s) private {
        commit(policyIds[s.policy], s.epoch, s.sources);
    }

    function test_policies() public {
        SourceRequirement[] memory requirements = requirementsOf();
        Approval memory approval = approvalOf(0);
        bytes32 id = register(POLICY_OWNER, keccak256("one more"), requirements, 1);
        _snap("registerPolicy");
        approve(id, 7, approval);
        _snap("approveEpoch");
    }

    function test_submitOneProgram() public {
        Submission memory s = submission(0);
        submit(s, FUND_OWNER);
        _snap("submit, one program, with the source set");
        registry.isCompliant(FUND, policyIds[0]);
        _snap("isCompliant");
        vm.prank(AUDITOR);
        registry.revoke(FUND, policyIds[0], 7, "wrong prices");
        _snap("revoke");
    }

    function test_submitOneProgramLater() public {
        Submission memory s = submission(0);
        _commit(s);
        _snap("commitSourceSet");
        submit(s, STRANGER);
        _snap("submit, one program");
    }

    /// @dev The second one compares epochs. Once both are new, once the first is attested already.
    function test_submitTwoPrograms() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        _commit(submission(0));
        _commit(plain);
        ProgramProof[] memory programs = new ProgramProof[](2);
        (programs[0], programs[1]) = (programOf(plain)[0], programOf(comparing)[0]);
        submit(comparing, policyIds[2], programs, STRANGER);
        _snap("submit, two programs");
    }

    function test_submitTwoProgramsOfWhichOneIsIn() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        _commit(submission(0));
        _commit(plain);
        submit(plain, STRANGER);
        _snap("submit, one program of two");
        ProgramProof[] memory programs = new ProgramProof[](2);
        (programs[0], programs[1]) = (programOf(plain)[0], programOf(comparing)[0]);
        submit(comparing, policyIds[2], programs, STRANGER);
        _snap("submit, two programs of which one is in");
    }

    function test_books() public {
        BookCase memory c = book();
        publishBook(7, publishedRoot());
        _snap("publishBook");
        books.proveBook(c.book, c.chunks, c.proofs);
        _snap("proveBook, three chunks");
        (Book memory of_, Inclusion memory shown) = inclusion(1);
        books.checkInclusion(of_, shown);
        _snap("checkInclusion");
    }
}

/// @title Gas of what puts an attestation to use; a token's own gas is not in it
/// forge-config: default.isolate = true
contract IntegrationGasTest is IntegrationFixtures, Artifacts {
    string private constant GROUP = "integrations";
    address private constant TOKEN = 0x00000000000000000000000000000000000000C7;

    function create() internal override {
        funds = FundRegistry(carried("FundRegistry", ""));
        policies = PolicyRegistry(carried("PolicyRegistry", ""));
        accountReader = AccountReader(carried("AccountReader", abi.encode(funds, policies)));
        address books = carried("BookRegistry", abi.encode(VERIFIER, funds));
        bytes memory arguments = abi.encode(VERIFIER, books, accountReader, VERIFIER);
        registry = AttestationRegistry(carried("AttestationRegistry", arguments));
    }

    function setUp() public {
        deployRegistries();
        attest(7);
    }

    function test_feed() public {
        StatedRatio[] memory ratios = new StatedRatio[](1);
        ratios[0] = StatedRatio(policyId, 1.05e8);
        bytes memory arguments = abi.encode(registry, FUND, policyId, ratios, "collateral ratio");
        ComplianceFeed feed = ComplianceFeed(carried("ComplianceFeed", arguments));
        feed.latestRoundData();
        vm.snapshotGasLastCall(GROUP, "ComplianceFeed.latestRoundData");
    }

    function test_vault() public {
        vm.etch(TOKEN, hex"00");
        vm.mockCall(TOKEN, abi.encodePacked(IERC20.balanceOf.selector), abi.encode(0));
        vm.mockCall(TOKEN, abi.encodePacked(IERC20.transferFrom.selector), abi.encode(true));
        bytes memory arguments = abi.encode(TOKEN, "vault", "vTKN", registry, FUND, policyId);
        GatedVault vault = GatedVault(carried("GatedVault", arguments));
        vault.deposit(10 ** 6, STRANGER);
        vm.snapshotGasLastCall(GROUP, "GatedVault.deposit");
    }

    function test_disclosure() public {
        EpochCase memory c = epochCase(0);
        string memory json = vm.readFile("test/fixtures/disclosure.json");
        string memory path = ".cases[0].openings[0].";
        uint256 slot = vm.parseJsonUint(json, string.concat(path, "slot"));
        int256 lots = abi.decode(vm.parseJsonBytes(json, string.concat(path, "lots")), (int256));
        bytes memory opening = vm.parseJsonBytes(json, string.concat(path, "opening"));
        Disclosures disclosures = Disclosures(carried("Disclosures", abi.encode(registry)));
        disclosures.verifyDisclosure(Disclosure(FUND, policyId, 7, 0, slot, lots), c.key, c.sources, opening);
        vm.snapshotGasLastCall(GROUP, "Disclosures.verifyDisclosure");
    }
}
