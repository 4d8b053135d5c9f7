// Compiles each contract NAME.sol of the folders that are named, or of the current one, to NAME.json: ABI and bytecode. With
// --check, only tells whether these files are up to date.
//
// The current folder's package.json brings the compiler, and tells under "solidity" what differs: `evmVersion`, `runs` and
// `viaIR` of the compiler, and `outputs`, the bytecodes to keep (`bytecode`, `deployedBytecode`). Imports other than from the
// folder of a contract are paths from the root of the repository, or from the package's `node_modules`.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const home = process.cwd();
const solc = createRequire(join(home, "package.json"))("solc");
const { evmVersion, runs, viaIR, outputs } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")).solidity;
const isCheck = process.argv.includes("--check");
const folders = process.argv.slice(2).filter((argument) => argument !== "--check");

const importFile = (path) => {
  for (const base of [root, join(home, "node_modules")]) {
    const file = normalize(join(base, path));
    if (file.startsWith(base.endsWith(sep) ? base : base + sep) && existsSync(file)) {
      return { contents: readFileSync(file, "utf8") };
    }
  }
  return { error: `no file ${path} in the repository or the packages` };
};

let isStale = false;
for (const folder of (folders.length ? folders : ["."]).map((folder) => join(home, folder))) {
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
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: importFile }));
  for (const { formattedMessage } of output.errors ?? []) console.error(formattedMessage);
  // A warning stops too: what is committed compiles without one.
  if (output.errors?.length) process.exit(1);

  for (const name of names) {
    const { abi, evm } = output.contracts[`${name}.sol`][name];
    const artifact = { contractName: name, compiler: solc.version(), abi };
    for (const kind of outputs) artifact[kind] = `0x${evm[kind].object}`;
    const text = `${JSON.stringify(artifact, null, 2)}\n`;
    if (!isCheck) {
      writeFileSync(join(folder, `${name}.json`), text);
      console.log(`${name}.json: ${evm[outputs.at(-1)].object.length / 2} bytes of code`);
    } else if (existsSync(join(folder, `${name}.json`)) && read(name, "json") === text) {
      console.log(`${name}.json is up to date`);
    } else {
      console.error(`${name}.json is not what ${name}.sol compiles to: run \`npm run build\``);
      isStale = true;
    }
  }
}
if (isStale) process.exit(1);
