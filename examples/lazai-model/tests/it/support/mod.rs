//! A folder with small models of random weights, and the program that is tested.

mod gguf;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

pub(crate) use gguf::write_gguf;

/// A folder that vanishes with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lazai-model-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A path in the folder.
    pub(crate) fn at(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.at(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A checkpoint of random weights.
    pub(crate) fn checkpoint(&self, shape: &str) -> String {
        let path = self.at(shape);
        run(&["synthetic", "--shape", shape, "--out", &path]);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Checkpoints and artifacts that all tests read and none changes.
pub(crate) struct Models {
    pub(crate) llama: String,
    pub(crate) llama_artifact: String,
    pub(crate) bert: String,
    pub(crate) bert_artifact: String,
}

impl Models {
    pub(crate) fn shared() -> &'static Self {
        static MODELS: OnceLock<Models> = OnceLock::new();
        MODELS.get_or_init(|| {
            // Statics are not dropped, so the folder is one that is written over.
            let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("models");
            fs::create_dir_all(&folder).unwrap();
            let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
            let make = |shape: &str| {
                let (checkpoint, artifact) = (at(shape), at(&format!("{shape}.safetensors")));
                run(&["synthetic", "--shape", shape, "--out", &checkpoint]);
                run(&["convert", &checkpoint, "--out", &artifact]);
                (checkpoint, artifact)
            };
            let (llama, llama_artifact) = make("tiny-llama");
            let (bert, bert_artifact) = make("tiny-bert");
            Self { llama, llama_artifact, bert, bert_artifact }
        })
    }
}

/// Runs the program with some input.
pub(crate) fn program(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lazai-model"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing closes its input.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What the program prints if it succeeds, which it must.
pub(crate) fn run(arguments: &[&str]) -> String {
    let output = program(arguments, "");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The JSON that the program prints.
pub(crate) fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&run(arguments)).unwrap()
}

/// Asserts that the program fails with the code, without a panic, and in one line that says all of
/// `parts`.
pub(crate) fn fails(arguments: &[&str], code: i32, parts: &[&str]) {
    program_fails(arguments, "", code, parts);
}

/// The same, of a program that reads some input.
pub(crate) fn program_fails(arguments: &[&str], input: &str, code: i32, parts: &[&str]) {
    let output = program(arguments, input);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed something");
    assert!(!error.contains("panicked"), "{arguments:?}: {error}");
    for part in parts {
        assert!(error.contains(part), "{arguments:?}: {part:?} is not in {error}");
    }
    let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 1, "{arguments:?}: {error}");
    if code == 1 {
        // Progress may stand before it, nothing behind it.
        assert!(error.trim_end().ends_with(lines[0]), "{arguments:?}: {error}");
    }
}

/// The numbers of an array.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Copies the files of a folder.
pub(crate) fn copy(from: &str, to: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), Path::new(to).join(entry.file_name())).unwrap();
    }
}
