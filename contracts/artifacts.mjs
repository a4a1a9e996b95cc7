// Builds the contracts from scratch and writes what Python needs of them, one JSON file each, into attest/chain/artifacts.
// `node artifacts.mjs --check` writes nothing and fails if a committed file differs from the build.
//
// Always a full build of src/ alone: the compiler's intermediate names depend on all sources of a run, so an incremental
// build may give other, equivalent bytecode.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CONTRACTS = [
  "AccountReader",
  "AttestationRegistry",
  "BookRegistry",
  "BookVerifier",
  "ComplianceFeed",
  "ComplianceResolver",
  "Disclosures",
  "FundRegistry",
  "GatedVault",
  "PolicyGovernor",
  "PolicyRegistry",
  "ProofVerifier",
  "RepresentationVerifier",
  "TimelockController",
];

const root = dirname(fileURLToPath(import.meta.url));
const target = join(root, "..", "attest", "chain", "artifacts");
const out = join(root, "out", "artifacts");
const cache = join(root, "cache", "artifacts");

function build() {
  rmSync(out, { recursive: true, force: true });
  const forge = join(root, "node_modules", ".bin", "forge");
  const options = ["--force", "--skip", "test", "--out", out, "--cache-path", cache];
  execFileSync(forge, ["build", ...options], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
}

// Places in the deployed code that the constructor fills in; the compiler keys them by numbers that mean nothing here.
function immutables(references) {
  return Object.values(references ?? {})
    .flat()
    .sort((a, b) => a.start - b.start);
}

function artifact(name) {
  const built = JSON.parse(readFileSync(join(out, `${name}.sol`, `${name}.json`), "utf8"));
  const { compiler, settings } = built.metadata;
  const content = {
    name,
    compiler: compiler.version,
    settings: {
      evmVersion: settings.evmVersion,
      optimizer: settings.optimizer,
      viaIR: settings.viaIR,
    },
    abi: built.abi,
    bytecode: built.bytecode.object,
    deployedBytecode: built.deployedBytecode.object,
    immutables: immutables(built.deployedBytecode.immutableReferences),
  };
  return `${JSON.stringify(content, null, 1)}\n`;
}

build();
let different = 0;
mkdirSync(target, { recursive: true });
for (const name of CONTRACTS) {
  const path = join(target, `${name}.json`);
  const content = artifact(name);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, content);
  } else if (readFileSync(path, "utf8") !== content) {
    console.error(`${name}.json is not what the sources build; run: npm --prefix contracts run artifacts`);
    different += 1;
  }
}
process.exitCode = different === 0 ? 0 : 1;
