// Compiles each contract NAME.sol here to NAME.json (ABI and bytecode); with --check, only tells whether these files are up to
// date.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const names = readdirSync(here(".")).filter((file) => file.endsWith(".sol")).map((file) => file.slice(0, -4)).sort();

const input = {
  language: "Solidity",
  sources: Object.fromEntries(names.map((name) => [`${name}.sol`, { content: readFileSync(here(`${name}.sol`), "utf8") }])),
  settings: {
    evmVersion: "prague",
    metadata: { bytecodeHash: "none" },
    optimizer: { enabled: true, runs: 100000 },
    viaIR: true,
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};

const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const { formattedMessage } of output.errors ?? []) console.error(formattedMessage);
// A warning stops too: what is committed compiles without one.
if (output.errors?.length) process.exit(1);

let isStale = false;
for (const name of names) {
  const { abi, evm } = output.contracts[`${name}.sol`][name];
  const artifact = {
    contractName: name,
    compiler: solc.version(),
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
  };
  const text = `${JSON.stringify(artifact, null, 2)}\n`;
  if (!process.argv.includes("--check")) {
    writeFileSync(here(`${name}.json`), text);
    console.log(`${name}.json: ${evm.deployedBytecode.object.length / 2} bytes of code`);
  } else if (readFileSync(here(`${name}.json`), "utf8") === text) {
    console.log(`${name}.json is up to date`);
  } else {
    console.error(`${name}.json is not what ${name}.sol compiles to: run \`npm run build\``);
    isStale = true;
  }
}
if (isStale) process.exit(1);
