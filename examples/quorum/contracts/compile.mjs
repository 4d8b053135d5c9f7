// Compiles Quorums.sol to Quorums.json (ABI and bytecode); with --check, only tells whether that file is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const imports = {
  "lazai-precompiles/solidity/LazAI.sol": here("../../../lazai-precompiles/solidity/LazAI.sol"),
};

const input = {
  language: "Solidity",
  sources: { "Quorums.sol": { content: readFileSync(here("Quorums.sol"), "utf8") } },
  settings: {
    evmVersion: "cancun",
    metadata: { bytecodeHash: "none" },
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "Quorums.sol": { Quorums: ["abi", "evm.bytecode.object"] } },
  },
};

const output = JSON.parse(
  solc.compile(JSON.stringify(input), {
    import: (path) =>
      path in imports
        ? { contents: readFileSync(imports[path], "utf8") }
        : { error: `unknown import ${path}; known: ${Object.keys(imports).join(", ")}` },
  }),
);
for (const { formattedMessage } of output.errors ?? []) console.error(formattedMessage);
// A warning stops too: what is committed compiles without one.
if (output.errors?.length) process.exit(1);

const { abi, evm } = output.contracts["Quorums.sol"].Quorums;
const artifact = { contractName: "Quorums", compiler: solc.version(), abi, bytecode: `0x${evm.bytecode.object}` };
const text = `${JSON.stringify(artifact, null, 2)}\n`;

if (process.argv.includes("--check")) {
  if (readFileSync(here("Quorums.json"), "utf8") !== text) {
    console.error("Quorums.json is not what Quorums.sol compiles to: run `npm run build`");
    process.exit(1);
  }
  console.log("Quorums.json is up to date");
} else {
  writeFileSync(here("Quorums.json"), text);
  console.log(`Quorums.json: ${evm.bytecode.object.length / 2} bytes of code`);
}
