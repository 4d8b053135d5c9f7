// Compiles each contract NAME.sol of the current folder to NAME.json: ABI and bytecode. With --check, only tells whether
// these files are up to date.
//
// The folder's package.json brings the compiler, and tells under "solidity" what differs: `evmVersion`, `runs` and `viaIR` of
// the compiler, and `outputs`, the bytecodes to keep (`bytecode`, `deployedBytecode`). Imports other than from the folder
// itself are paths from the root of the repository.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = process.cwd();
const solc = createRequire(join(folder, "package.json"))("solc");
const { evmVersion, runs, viaIR, outputs } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).solidity;

const names = readdirSync(folder).filter((file) => file.endsWith(".sol")).map((file) => file.slice(0, -4)).sort();
const read = (name, kind) => readFileSync(join(folder, `${name}.${kind}`), "utf8");
const input = {
  language: "Solidity",
  sources: Object.fromEntries(names.map((name) => [`${name}.sol`, { content: read(name, "sol") }])),
  settings: {
    evmVersion,
    metadata: { bytecodeHash: "none" },
    optimizer: { enabled: true, runs },
    ...(viaIR && { viaIR }),
    outputSelection: { "*": { "*": ["abi", ...outputs.map((output) => `evm.${output}.object`)] } },
  },
};

const importFile = (path) => {
  const file = normalize(join(root, path));
  return file.startsWith(root.endsWith(sep) ? root : root + sep) && existsSync(file)
    ? { contents: readFileSync(file, "utf8") }
    : { error: `no file ${path} in the repository` };
};
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: importFile }));
for (const { formattedMessage } of output.errors ?? []) console.error(formattedMessage);
// A warning stops too: what is committed compiles without one.
if (output.errors?.length) process.exit(1);

let isStale = false;
for (const name of names) {
  const { abi, evm } = output.contracts[`${name}.sol`][name];
  const artifact = { contractName: name, compiler: solc.version(), abi };
  for (const kind of outputs) artifact[kind] = `0x${evm[kind].object}`;
  const text = `${JSON.stringify(artifact, null, 2)}\n`;
  if (!process.argv.includes("--check")) {
    writeFileSync(join(folder, `${name}.json`), text);
    console.log(`${name}.json: ${evm[outputs.at(-1)].object.length / 2} bytes of code`);
  } else if (read(name, "json") === text) {
    console.log(`${name}.json is up to date`);
  } else {
    console.error(`${name}.json is not what ${name}.sol compiles to: run \`npm run build\``);
    isStale = true;
  }
}
if (isStale) process.exit(1);
