use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use alloy_primitives::{Bytes, hex};

use crate::error::Error;

/// What a contract compiles to.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// The bytes that a transaction deploys.
    pub(crate) deployment: Bytes,
    /// How many of them stay on the chain.
    pub(crate) runtime_bytes: usize,
}

/// The compiler of Solidity, from npm.
#[derive(Clone, Debug)]
pub(crate) struct Solc {
    folder: PathBuf,
}

impl Solc {
    /// Installs the compiler beside this program, if it is not there.
    pub(crate) fn install() -> Result<Self, Error> {
        let program = env::current_exe().map_err(|error| no_solc(&error))?;
        let folder = program.parent().unwrap_or(Path::new(".")).join("solc");
        fs::create_dir_all(&folder).map_err(|error| no_solc(&error))?;
        for (name, contents) in FILES {
            // Another process may read it, so that it must not be seen half written.
            let part = folder.join(format!("{name}.{}", std::process::id()));
            fs::write(&part, contents).map_err(|error| no_solc(&error))?;
            fs::rename(&part, folder.join(name)).map_err(|error| no_solc(&error))?;
        }
        if !folder.join("node_modules/solc/soljson.js").exists() {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
            succeed(&npm.stdin(Stdio::null()).output().map_err(|error| no_solc(&error))?)?;
        }
        Ok(Self { folder })
    }

    /// Compiles the contract `name`.
    pub(crate) fn compile(&self, source: &str, name: &str) -> Result<Code, Error> {
        let mut node = Command::new("node")
            .args(["compile.mjs", name])
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| no_solc(&error))?;
        if let Some(mut stdin) = node.stdin.take() {
            stdin.write_all(source.as_bytes()).map_err(|error| no_solc(&error))?;
        }
        let output = node.wait_with_output().map_err(|error| no_solc(&error))?;
        succeed(&output)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let codes: Vec<_> = text.lines().map(hex::decode).collect();
        match codes.as_slice() {
            [Ok(deployment), Ok(runtime)] => {
                Ok(Code { deployment: deployment.clone().into(), runtime_bytes: runtime.len() })
            }
            _ => Err(Error::Solc("it printed something else than two hexadecimal lines".into())),
        }
    }
}

fn no_solc(error: &io::Error) -> Error {
    Error::Solc(error.to_string())
}

fn succeed(output: &Output) -> Result<(), Error> {
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Solc(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// What is installed, and the script that uses it.
const FILES: [(&str, &str); 3] = [
    ("compile.mjs", include_str!("../solidity/compile.mjs")),
    ("package-lock.json", include_str!("../solidity/package-lock.json")),
    ("package.json", include_str!("../solidity/package.json")),
];
