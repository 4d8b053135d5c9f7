// Compiles the contract NAME of the source on the standard input, and prints the bytes that deploy it and those that stay
// on the chain: `node compile.mjs NAME`.
import { readFileSync } from "node:fs";
import solc from "solc";

const name = process.argv[2];
const input = {
  language: "Solidity",
  sources: { [name]: { content: readFileSync(0, "utf8") } },
  settings: {
    evmVersion: "cancun",
    metadata: { bytecodeHash: "none" },
    // The contract is assembly, which the optimizer of Yul fails on and has nothing to add to.
    optimizer: { enabled: true, runs: 200, details: { yul: false } },
    outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const { formattedMessage } of output.errors ?? []) console.error(formattedMessage);
// A warning stops too: a contract that is generated compiles without one.
if (output.errors?.length) process.exit(1);
const { bytecode, deployedBytecode } = output.contracts[name][name].evm;
console.log(bytecode.object);
console.log(deployedBytecode.object);
