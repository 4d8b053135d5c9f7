//! Every command on small models of random weights, as a user calls it.

use std::fs;

use crate::support::{Folder, Models, fails, json, numbers, run, write_gguf};
use serde_json::{Value, json as value};

#[test]
fn converting_twice_gives_the_same_bytes_and_leaves_nothing_else() {
    let folder = Folder::new("twice");
    let source = folder.checkpoint("tiny-llama");
    let (first, second) = (folder.at("first"), folder.at("second"));
    let report = folder.at("report.txt");
    let text = run(&["convert", &source, "--out", &first, "--report", &report]);
    run(&["convert", &source, "--out", &second, "--threads", "1"]);
    assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap());
    assert!(!fs::exists(format!("{first}.partial")).unwrap());

    let inspected = json(&["inspect", &first, "--json"]);
    assert!(text.contains(inspected["model_id"].as_str().unwrap()), "{text}");
    assert_eq!(inspected["name"], "tiny-llama");
    for part in ["query", "key", "value", "output", "gate", "up", "down", "head", "embedding"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(text.contains("peak memory") || !fs::exists("/proc/self/status").unwrap());
    let report = fs::read_to_string(report).unwrap();
    assert!(report.contains("layers.1.down") && report.contains("logits"), "{report}");
}

#[test]
fn files_of_weights_may_be_many() {
    let folder = Folder::new("shards");
    let models = Models::shared();
    let source = folder.at("tiny-llama");
    run(&["synthetic", "--shape", "tiny-llama", "--out", &source, "--shard-bytes", "20000"]);
    assert!(fs::exists(folder.at("tiny-llama/model.safetensors.index.json")).unwrap());
    let artifact = folder.at("artifact");
    run(&["convert", &source, "--out", &artifact]);
    assert!(fs::read(&artifact).unwrap() == fs::read(&models.llama_artifact).unwrap());
}

#[test]
fn options_change_the_artifact() {
    let folder = Folder::new("options");
    let Models { llama, llama_artifact, bert, bert_artifact } = Models::shared();
    let calibration = folder.file("calibration.txt", "The calibration of this model is short.\n");
    let id = |path: &str| json(&["inspect", path, "--json"])["model_id"].clone();
    let artifact = folder.at("artifact");
    for (source, standard, options) in [
        (llama, llama_artifact, &["--calibration", &calibration][..]),
        (llama, llama_artifact, &["--calibration-tokens", "8"]),
        (llama, llama_artifact, &["--context", "64"]),
        (llama, llama_artifact, &["--headroom", "3"]),
        (llama, llama_artifact, &["--rounding", "compensated"]),
        (llama, llama_artifact, &["--name", "another name"]),
        (bert, bert_artifact, &["--pooling", "first"]),
        (bert, bert_artifact, &["--pooling", "last"]),
        (llama, llama_artifact, &["--pooling", "last"]),
    ] {
        let convert = ["convert", source, "--out", &artifact];
        run(&[&convert, options].concat());
        assert_ne!(id(&artifact), id(standard), "{options:?}");
    }
    run(&["convert", llama, "--out", &artifact, "--context", "64", "--name", "short"]);
    let inspected = json(&["inspect", &artifact, "--json"]);
    assert_eq!((&inspected["context"], &inspected["name"]), (&value!(64), &value!("short")));
}

#[test]
fn an_artifact_and_its_checkpoint_are_the_same_network() {
    let Models { llama, llama_artifact, bert, bert_artifact } = Models::shared();
    for (checkpoint, artifact, kind) in
        [(llama, llama_artifact, "decoder"), (bert, bert_artifact, "encoder")]
    {
        let (source, made) =
            (json(&["inspect", checkpoint, "--json"]), json(&["inspect", artifact, "--json"]));
        assert_eq!((&source["kind"], &made["kind"]), (&value!("folder"), &value!("artifact")));
        for field in [
            "architecture",
            "parameters",
            "vocabulary",
            "context",
            "end_tokens",
            "operators",
            "logits",
            "embedding",
        ] {
            assert_eq!(source[field], made[field], "{field}");
        }
        assert_eq!(made["architecture"]["kind"], kind);
        assert_eq!(made["bytes"], fs::metadata(artifact).unwrap().len());
        let tensors = format!("{checkpoint}/model.safetensors");
        assert_eq!(source["bytes"], fs::metadata(tensors).unwrap().len());
        let text = run(&["inspect", artifact]);
        for part in [made["model_id"].as_str().unwrap(), "MatMul", "peak memory", kind] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
    let inspected = json(&["inspect", llama_artifact, "--json"]);
    let (hidden, layers, feed_forward, kv, vocabulary) = (64, 2, 128, 32, 300);
    let layer = 2 * hidden * hidden + 2 * kv * hidden + 3 * feed_forward * hidden + 2 * hidden;
    let parameters = layers * layer + hidden + 2 * vocabulary * hidden;
    assert_eq!(inspected["parameters"], parameters);
    assert_eq!(inspected["operators"]["Attention"], layers);
    assert_eq!(inspected["end_tokens"], value!([1]));
}

#[test]
fn gguf_files_are_read() {
    let folder = Folder::new("gguf");
    let path = folder.at("tiny.gguf");
    write_gguf(&path);
    let source = json(&["inspect", &path, "--json"]);
    assert_eq!((&source["kind"], &source["name"]), (&value!("gguf"), &value!("tiny gguf")));
    assert_eq!(source["tensors"], value!({"F32": 12}));
    assert_eq!(source["bytes"], fs::metadata(&path).unwrap().len());
    let artifact = folder.at("artifact");
    run(&["convert", &path, "--out", &artifact]);
    // The tokenizer of the file knows the pair.
    let tokens = json(&["logits", &artifact, "--text", "abc"])["tokens"].clone();
    assert_eq!(tokens, value!([258, 2 + u32::from(b'c')]));
    let made = json(&["inspect", &artifact, "--json"]);
    for field in ["architecture", "parameters", "vocabulary", "context", "end_tokens"] {
        assert_eq!(source[field], made[field], "{field}");
    }
    assert_eq!(made["name"], "tiny");

    let tokenizer = format!("{}/tokenizer.json", Models::shared().llama);
    run(&["convert", &path, "--out", &artifact, "--tokenizer", &tokenizer]);
    let tokens = json(&["logits", &artifact, "--text", "abc"])["tokens"].clone();
    assert_eq!(tokens, value!([0, 99, 100, 101]));
}

#[test]
fn logits_are_integers_of_a_scale() {
    let artifact = &Models::shared().llama_artifact;
    let all = json(&["logits", artifact, "--text", "hello world", "--all"]);
    let last = json(&["logits", artifact, "--text", "hello world", "--threads", "2"]);
    // One mark, and one token for each byte.
    let tokens: Vec<u32> = serde_json::from_value(all["tokens"].clone()).unwrap();
    assert_eq!((tokens.len(), tokens[0], tokens[1]), (12, 0, 2 + u32::from(b'h')));
    let (logits, integers) =
        (all["logits"].as_array().unwrap(), all["integers"].as_array().unwrap());
    assert_eq!((logits.len(), integers.len()), (12, 12));
    let unit = 2_f64.powi(-i32::try_from(all["fraction_bits"].as_i64().unwrap()).unwrap());
    for (logits, integers) in logits.iter().zip(integers) {
        let (logits, integers) = (numbers(logits), numbers(integers));
        assert_eq!(logits.len(), 300);
        assert!(logits.iter().zip(integers).all(|(real, integer)| is(*real, integer * unit)));
    }
    assert_eq!(last["integers"], value!([integers[11]]));
    assert_eq!(last["logits"], value!([logits[11]]));

    let ids: Vec<String> = tokens.iter().map(u32::to_string).collect();
    let same = json(&["logits", artifact, "--tokens", &ids.join(","), "--backend", "scalar"]);
    assert_eq!(same, last);
}

#[test]
fn long_inputs_are_scored_in_steps() {
    let artifact = &Models::shared().llama_artifact;
    let text = "many words ".repeat(30);
    let all = json(&["logits", artifact, "--text", &text, "--all"]);
    let last = json(&["logits", artifact, "--text", &text]);
    let rows = all["integers"].as_array().unwrap();
    assert_eq!(rows.len(), text.len() + 1);
    assert_eq!(Some(&last["integers"][0]), rows.last());
}

#[test]
fn unit_vectors_are_measured_beside_fp32() {
    let Models { bert, bert_artifact, .. } = Models::shared();
    let folder = Folder::new("similarity");
    let text = folder.file("text", "abc\n\nd e\nff\n");
    let arguments = ["eval", bert_artifact, "--text-file", &text, "--reference", bert];
    let got = json(&[&arguments[..], &["--json"]].concat());
    assert_eq!(got["texts"], 3);
    let [mean, smallest] = ["mean_cosine", "smallest_cosine"].map(|key| got[key].as_f64().unwrap());
    assert!(0.99 < smallest && smallest <= mean && mean <= 1.0, "{got}");
    let farthest = got["farthest_text"].as_str().unwrap();
    assert!(["abc", "d e", "ff"].contains(&farthest), "{got}");
    let page = run(&arguments);
    assert!(page.contains(&format!("{mean:.6}")) && page.contains(farthest), "{page}");
}

#[test]
fn embeddings_are_unit_vectors() {
    let Models { llama_artifact, bert_artifact, .. } = Models::shared();
    for artifact in [bert_artifact, llama_artifact] {
        let vector = json(&["embed", artifact, "--text", "hello", "--threads", "1"]);
        let (embedding, integers) = (numbers(&vector["embedding"]), numbers(&vector["integers"]));
        let unit = 2_f64.powi(-i32::try_from(vector["fraction_bits"].as_i64().unwrap()).unwrap());
        assert!(embedding.iter().zip(&integers).all(|(real, integer)| is(*real, integer * unit)));
        let norm: f64 = embedding.iter().map(|x| x * x).sum();
        assert!((norm - 1.0).abs() < 1e-3 && embedding.len() == 64, "{norm}");
        let tokens = vector["tokens"].as_array().unwrap();
        let ids: Vec<String> = tokens.iter().map(Value::to_string).collect();
        let same = json(&["embed", artifact, "--tokens", &ids.join(","), "--threads", "2"]);
        assert_eq!(same, vector);
        let other = json(&["embed", artifact, "--text", "Hello"]);
        assert_ne!(other["integers"], vector["integers"]);
    }
}

#[test]
fn perplexity_is_that_of_the_logits() {
    let folder = Folder::new("perplexity");
    let Models { llama, llama_artifact, .. } = Models::shared();
    let text = folder.file("text.txt", "It was neither the best season nor the worst.\n");
    let eval = ["eval", llama_artifact, "--text-file", &text, "--window", "16", "--json"];
    let alone = json(&eval);
    // 46 bytes and a mark: windows of 16, 16 and 15 tokens.
    assert_eq!((&alone["tokens"], &alone["predictions"]), (&value!(47), &value!(15 + 15 + 14)));
    assert!(alone.get("ratio").is_none());

    let tokens = json(&["logits", llama_artifact, "--text", &fs::read_to_string(&text).unwrap()]);
    let tokens: Vec<usize> = serde_json::from_value(tokens["tokens"].clone()).unwrap();
    let mut loss = 0.0;
    for window in tokens.chunks(16) {
        let ids: Vec<String> = window.iter().map(usize::to_string).collect();
        let scores = json(&["logits", llama_artifact, "--tokens", &ids.join(","), "--all"]);
        for (row, target) in scores["logits"].as_array().unwrap().iter().zip(&window[1..]) {
            let row = numbers(row);
            loss += row.iter().map(|score| score.exp()).sum::<f64>().ln() - row[*target];
        }
    }
    let expected = (loss / 44.0).exp();
    let got = alone["perplexity"].as_f64().unwrap();
    assert!((got / expected - 1.0).abs() < 1e-9, "{got} is not {expected}");

    let beside = json(&[&eval[..], &["--reference", llama, "--threads", "1"]].concat());
    assert_eq!(beside["perplexity"], alone["perplexity"]);
    let number = |name: &str| beside[name].as_f64().unwrap();
    assert!((number("ratio") - got / number("reference_perplexity")).abs() < 1e-12);
    assert!((number("ratio") - 1.0).abs() < 0.01, "{beside}");
    assert!(number("top1_agreement") > 0.8, "{beside}");
    assert!((0.0..0.01).contains(&number("mean_kl_divergence")), "{beside}");
    let text = run(&[&eval[..6], &["--reference", llama]].concat());
    for part in ["fp32", "KL divergence", "same best token"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let few = json(&[&eval[..], &["--max-tokens", "20"]].concat());
    assert_eq!((&few["tokens"], &few["predictions"]), (&value!(20), &value!(15 + 3)));
}

#[test]
fn speed_is_measured() {
    let Models { llama_artifact, bert_artifact, .. } = Models::shared();
    let options = ["--prompt", "16", "--new", "4", "--runs", "1", "--threads", "1"];
    let decoder = json(&[&["bench", llama_artifact, "--json"], &options[..]].concat());
    assert_eq!((&decoder["prompt_tokens"], &decoder["new_tokens"]), (&value!(16), &value!(4)));
    for rate in ["prefill_tokens_per_second", "decode_tokens_per_second"] {
        assert!(decoder[rate].as_f64().unwrap() > 0.0, "{decoder}");
    }
    let encoder = json(&["bench", bert_artifact, "--json", "--runs", "1"]);
    assert_eq!(encoder["prompt_tokens"], 512);
    assert!(encoder["embeddings_per_second"].as_f64().unwrap() > 0.0, "{encoder}");
    let text = run(&[&["bench", llama_artifact], &options[..]].concat());
    assert!(text.contains("prefill") && text.contains("decode"), "{text}");
    fails(
        &["bench", llama_artifact, "--prompt", "500", "--new", "64"],
        1,
        &["564", "512", "--prompt or --new"],
    );
}

/// Whether a number is what was printed; the parser of the tests may be off by a last bit.
fn is(parsed: f64, printed: f64) -> bool {
    (parsed - printed).abs() <= f64::EPSILON * printed.abs()
}

#[test]
fn a_text_is_a_text_in_every_command() {
    let folder = Folder::new("special");
    let Models { llama, llama_artifact, bert_artifact, .. } = Models::shared();
    let tokens = |arguments: &[&str]| json(arguments)["tokens"].clone();
    // What spells a special token is read as letters.
    let spelled = tokens(&["logits", llama_artifact, "--text", "a</s>"]);
    assert_eq!(spelled, value!([0, 99, 62, 49, 117, 64]));
    let file = folder.file("text", "a</s>");
    assert_eq!(tokens(&["logits", llama_artifact, "--text-file", &file]), spelled);
    assert_eq!(tokens(&["logits", llama_artifact, "--text", ""]), value!([0]));
    for text in ["fill the [MASK] here", ""] {
        let vector = json(&["embed", bert_artifact, "--text", text]);
        assert_eq!(vector["tokens"].as_array().unwrap().len() > 4, !text.is_empty());
    }
    let long = folder.file("long", "a line </s> of words\n".repeat(20));
    run(&["eval", llama_artifact, "--text-file", &long]);
    run(&["convert", llama, "--out", &folder.at("artifact"), "--calibration", &long]);
    // Whoever takes the text for a file is told.
    let output = crate::support::program(&["eval", llama_artifact, "--text", &file], "");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.contains("--text-file"), "{error}");
}

#[test]
fn what_should_be_known_is_noted() {
    let folder = Folder::new("notes");
    let source = folder.at("bert");
    crate::support::copy(&Models::shared().bert, &source);
    let name = format!("{source}/sentence_bert_config.json");
    fs::write(name, r#"{"max_seq_length": 16}"#).unwrap();
    let artifact = folder.at("artifact");
    let printed = run(&["convert", &source, "--out", &artifact]);
    assert!(printed.contains("sentence_bert_config.json ends texts at 16 tokens"), "{printed}");
    assert_eq!(json(&["inspect", &artifact, "--json"])["context"], 16);
    let inspected = json(&["inspect", &source, "--json"]);
    assert_eq!(
        (&inspected["context"], inspected["notes"].as_array().unwrap().len()),
        (&value!(16), 3)
    );
    // What convert says of the tokenizer, or why it refuses it.
    for (options, expected) in [
        (r#"{"tokenizer_class": "GPTNeoXTokenizer"}"#, "GPTNeoXTokenizer of transformers 5"),
        (r#"{"split_special_tokens": true}"#, "convert refuses the tokenizer: tokenizer_config"),
    ] {
        fs::write(format!("{source}/tokenizer_config.json"), options).unwrap();
        let inspected = json(&["inspect", &source, "--json"])["notes"].to_string();
        assert!(inspected.contains(expected), "{inspected}");
    }
    fs::remove_file(format!("{source}/tokenizer_config.json")).unwrap();
    let printed = run(&["convert", &source, "--out", &artifact, "--context", "32"]);
    assert!(!printed.contains("ends texts"), "{printed}");
    assert_eq!(json(&["inspect", &artifact, "--json"])["context"], 32);
}
