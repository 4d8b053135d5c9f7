// Compiles Results.sol to Results.json (ABI and bytecode); with --check, only tells whether that file is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const imports = {
  "lazai-precompiles/solidity/LazAI.sol": here("../../../lazai-precompiles/solidity/LazAI.sol"),
};

const input = {
  language: "Solidity",
  sources: { "Results.sol": { content: readFileSync(here("Results.sol"), "utf8") } },
  settings: {
    evmVersion: "cancun",
    metadata: { bytecodeHash: "none" },
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "Results.sol": { Results: ["abi", "evm.bytecode.object"] } },
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

const { abi, evm } = output.contracts["Results.sol"].Results;
const artifact = { contractName: "Results", compiler: solc.version(), abi, bytecode: `0x${evm.bytecode.object}` };
const text = `${JSON.stringify(artifact, null, 2)}\n`;

if (process.argv.includes("--check")) {
  if (readFileSync(here("Results.json"), "utf8") !== text) {
    console.error("Results.json is not what Results.sol compiles to: run `npm run build`");
    process.exit(1);
  }
  console.log("Results.json is up to date");
} else {
  writeFileSync(here("Results.json"), text);
  console.log(`Results.json: ${evm.bytecode.object.length / 2} bytes of code`);
}
