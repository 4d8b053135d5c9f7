//! Bad input ends with one line that says what to do, and never with a panic.

use std::fs;

use crate::support::{Folder, Models, copy, fails, program, run, write_gguf};

#[test]
fn options_are_refused_with_code_two() {
    for arguments in [
        &["convert", "model"][..],
        &["convert", "model", "--out", "x", "--headroom", "99"],
        &["eval", "model"],
        &["eval", "model", "--text", "x", "--window", "1"],
        &["logits", "model"],
        &["embed", "model", "--tokens", "-1"],
        &["bench", "model", "--new", "0"],
        &["nothing"],
    ] {
        fails(arguments, 2, &[]);
    }
}

#[test]
fn paths_are_checked_before_work_begins() {
    let folder = Folder::new("paths");
    let Models { llama, llama_artifact, .. } = Models::shared();
    let nowhere = folder.at("nowhere");
    for command in ["inspect", "bench"] {
        fails(&[command, &nowhere], 1, &["reading", "nowhere"]);
    }
    fails(&["convert", &nowhere, "--out", &folder.at("x")], 1, &["reading", "nowhere"]);
    let hub = ["convert", "meta-llama/Llama-3.2-1B", "--out", &folder.at("x")];
    fails(&hub, 1, &["hf download meta-llama/Llama-3.2-1B", "Llama-3.2-1B"]);
    let pointer = folder.file("model.gguf", "version https://git-lfs.github.com/spec/v1\n");
    fails(&["convert", &pointer, "--out", &folder.at("x")], 1, &["git lfs pull"]);
    let lost = folder.at("nowhere/x");
    fails(&["convert", llama, "--out", &lost], 1, &["--out", "make it first"]);
    fails(&["convert", llama, "--out", &folder.at("")], 1, &["--out", "name a file"]);
    let report = ["convert", llama, "--out", &folder.at("x"), "--report", &lost];
    fails(&report, 1, &["make it first"]);
    fs::create_dir(folder.at("x.partial")).unwrap();
    fails(&["convert", llama, "--out", &folder.at("x")], 1, &["cannot be written", "x: "]);
    assert!(!fs::exists(folder.at("x")).unwrap());
    fs::remove_dir(folder.at("x.partial")).unwrap();
    fails(&["convert", llama_artifact, "--out", &folder.at("x")], 1, &["neither a Hugging Face"]);
    fails(&["logits", llama, "--text", "x"], 1, &["is a checkpoint", "lazai-model convert"]);
}

#[test]
fn damaged_artifacts_are_refused() {
    let folder = Folder::new("artifacts");
    let whole = fs::read(&Models::shared().llama_artifact).unwrap();
    let mut longer = whole.clone();
    longer.push(0);
    let mut header = whole.clone();
    header[20] ^= 0x20;
    for (name, bytes) in [
        ("empty", &[][..]),
        ("short", &whole[..6]),
        ("cut", &whole[..whole.len() / 2]),
        ("longer", &longer),
        ("header", &header),
        ("claim", &u64::MAX.to_le_bytes()),
        ("text", b"just some text in a file"),
    ] {
        let path = folder.file(name, bytes);
        fails(&["inspect", &path], 1, &[name, "lazai-model convert"]);
        fails(&["embed", &path, "--text", "x"], 1, &[name]);
    }
}

#[test]
fn damaged_checkpoints_are_refused() {
    let folder = Folder::new("checkpoints");
    let out = folder.at("out");
    let refuse = |name: &str, parts: &[&str], damage: &dyn Fn(&str)| {
        let source = folder.at(name);
        copy(&Models::shared().llama, &source);
        damage(&source);
        fails(&["convert", &source, "--out", &out], 1, parts);
        assert!(!fs::exists(&out).unwrap(), "{name} left a file");
    };
    let edit = |file: &'static str, from: &'static str, to: &'static str| {
        move |source: &str| {
            let path = format!("{source}/{file}");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{from} is not in {file}");
            fs::write(&path, text.replace(from, to)).unwrap();
        }
    };
    let remove = |file: &'static str| {
        move |source: &str| fs::remove_file(format!("{source}/{file}")).unwrap()
    };
    let cut = |source: &str| {
        let path = format!("{source}/model.safetensors");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    };
    let not_finite = |source: &str| {
        let path = format!("{source}/model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len();
        bytes[end - 2..].copy_from_slice(&0x7fc0_u16.to_le_bytes());
        fs::write(&path, bytes).unwrap();
    };
    refuse("no config", &["config.json"], &remove("config.json"));
    refuse("no weights", &["model.safetensors"], &remove("model.safetensors"));
    refuse("no tokenizer", &["tokenizer.json", "--tokenizer"], &remove("tokenizer.json"));
    refuse("config", &["config.json"], &edit("config.json", "{", "["));
    refuse(
        "family",
        &["model_type", "bert, gpt2, llama"],
        &edit("config.json", "\"llama\"", "\"mamba\""),
    );
    refuse("field", &["rms_norm_eps"], &edit("config.json", "rms_norm_eps", "rms_norm"));
    refuse(
        "shape",
        &["must have the shape"],
        &edit("config.json", "\"intermediate_size\": 128", "\"intermediate_size\": 127"),
    );
    refuse("tokenizer", &["tokenizer.json"], &edit("tokenizer.json", "{", "["));
    refuse(
        "vocabulary",
        &["vocabulary"],
        &edit("tokenizer.json", "\"ids\": [", "\"ids\": [ 300, "),
    );
    let pickle = |source: &str| {
        let at = |name: &str| format!("{source}/{name}");
        fs::rename(at("model.safetensors"), at("pytorch_model.bin")).unwrap();
    };
    refuse("pickle", &["pytorch_model.bin", "transformers"], &pickle);
    refuse("cut", &["model.safetensors has", "download it again"], &cut);
    refuse("not finite", &["not a finite number"], &not_finite);
}

#[test]
fn damaged_gguf_files_are_refused() {
    let folder = Folder::new("bad-gguf");
    let path = folder.at("model.gguf");
    write_gguf(&path);
    let whole = fs::read(&path).unwrap();
    for (name, bytes) in [("magic", &whole[..4]), ("cut", &whole[..whole.len() - 64])] {
        let path = folder.file(name, bytes);
        fails(&["inspect", &path], 1, &[name]);
        fails(&["convert", &path, "--out", &folder.at("out")], 1, &[name]);
    }
}

#[test]
fn texts_and_tokens_are_checked() {
    let folder = Folder::new("texts");
    let Models { llama, llama_artifact, bert, bert_artifact } = Models::shared();
    let (llama_artifact, bert_artifact) = (llama_artifact.as_str(), bert_artifact.as_str());
    let text = folder.file("text", "some words to predict");
    let binary = folder.file("binary", [b'a', 0xff, b'b']);
    let empty = folder.file("empty", "");
    let eval = |file: &str, options: &[&str], parts: &[&str]| {
        let arguments = ["eval", llama_artifact, "--text-file", file];
        fails(&[&arguments, options].concat(), 1, parts);
    };
    eval(&binary, &[], &["UTF-8", "byte 1"]);
    eval(&empty, &[], &["longer text"]);
    eval(&folder.at("nowhere"), &[], &["reading"]);
    eval(&text, &["--window", "513"], &["512", "--window"]);
    eval(&text, &["--reference", bert], &["reference only embeds"]);
    fails(&["eval", llama_artifact, "--text", ""], 1, &["--text", "longer text"]);
    fails(&["eval", bert_artifact, "--text", "some words"], 1, &["only embeds"]);
    let artifact = ["eval", llama_artifact, "--text-file", &text, "--reference", llama_artifact];
    fails(&artifact, 1, &["neither a Hugging Face"]);
    fails(&["logits", llama_artifact, "--tokens", "0,300"], 1, &["token 300 at position 1", "300"]);
    fails(&["logits", llama_artifact, "--text", &"x".repeat(600)], 1, &["601", "512"]);
    fails(&["logits", bert_artifact, "--text", "x"], 1, &["only embeds"]);
    fails(&["embed", bert_artifact, "--tokens", "9999"], 1, &["9999"]);
    let calibrated = ["convert", llama, "--out", &folder.at("out"), "--calibration"];
    fails(&[&calibrated[..], &[&empty]].concat(), 1, &["at least one token"]);
    fails(&[&calibrated[..], &[&binary]].concat(), 1, &["UTF-8"]);
    let context = ["convert", llama, "--out", &folder.at("out"), "--context", "513"];
    fails(&context, 1, &["context must be from 1 to 512"]);
    assert!(!fs::exists(folder.at("out")).unwrap());
}

#[test]
fn nothing_panics_at_random_damage() {
    let folder = Folder::new("random");
    let mut state = 1_u64;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let gguf = folder.at("model.gguf");
    write_gguf(&gguf);
    for (name, path) in [("artifact", &Models::shared().llama_artifact), ("gguf", &gguf)] {
        let whole = fs::read(path).unwrap();
        for round in 0..12 {
            let mut bytes = whole.clone();
            for _ in 0..4 {
                // The headers are what is parsed.
                let place = random() % bytes.len().min(8_192);
                bytes[place] = random() as u8;
            }
            let damaged = folder.file(name, &bytes);
            let output = program(&["inspect", &damaged], "");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code().is_some_and(|code| code < 2), "{name} {round}: {error}");
            assert!(!error.contains("panicked"), "{name} {round}: {error}");
        }
    }
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let arguments = ["logits", &Models::shared().llama_artifact, "--text", "x"];
    assert!(!run(&arguments).is_empty());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lazai-model"))
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
