use std::path::Path;

use lazai_coprocessor::{Tokenizer, architecture::Pooling, kernel::Threads, model::Model};
use lazai_models::{
    quantize::Rounding,
    reference::{Checkpoint, OpenOptions, ReferenceModel},
};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::folder::{cosine, embedding, floats, integers, quantized, reference, sequences};

/// Poolings in the order of the embeddings of a sequence.
const POOLINGS: [Pooling; 2] = [Pooling::Mean, Pooling::First];

/// Compares the embeddings of the reference with those of the model in f32 and in integers, and
/// returns the latter.
fn compare(name: &str, index: usize) -> Option<Model> {
    let folder = reference(name)?;
    let sequences = sequences(&folder.join("expected.safetensors"));
    let tokenizer = std::fs::read(folder.join("tokenizer.json")).unwrap();
    let pooling = POOLINGS[index];
    let options = OpenOptions { pooling: Some(pooling), ..OpenOptions::default() };
    let checkpoint = Checkpoint::open_with(&folder, &options).unwrap();
    let float = ReferenceModel::new(&checkpoint, Threads::new(2).unwrap()).unwrap();
    let model = integers(&checkpoint, &tokenizer, &sequences, Rounding::Gptq);
    let (mut cosines, mut exact) = (Vec::new(), 1.0_f64);
    for sequence in &sequences {
        let expected = &sequence.embeddings[index];
        exact = exact.min(cosine(expected, &float.embed(&sequence.tokens).unwrap()));
        cosines.push(cosine(expected, &embedding(&model, &sequence.tokens)));
    }
    let worst = cosines.iter().copied().fold(1.0, f64::min);
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    println!("| model, pooling | texts | mean cosine | smallest | fp32, smallest |");
    println!("| --- | --- | --- | --- | --- |");
    println!("| {name}, {pooling:?} | {} | {mean:.6} | {worst:.6} | {exact:.9} |", cosines.len());
    assert!(exact > 0.999_999, "{name} in f32: {exact}");
    assert!(worst > 0.999, "{name}: {worst}");
    Some(model)
}

#[test]
fn encoders_agree_with_transformers() {
    for index in 0..POOLINGS.len() {
        compare("bert", index);
    }
}

/// The vectors of `MiniLM` are those of `transformers`, and find the same passages.
#[test]
fn minilm_finds_the_same_passages() {
    let Some(model) = compare("minilm", 0) else { return };
    let folder = reference("minilm").unwrap();
    let checkpoint = Checkpoint::open(&folder).unwrap();
    assert_eq!(checkpoint.architecture().pooling, POOLINGS[0]);
    let json: Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let texts = |name: &str| -> Vec<Vec<f32>> {
        let texts =
            json[name].as_array().unwrap().iter().zip(json["ids"][name].as_array().unwrap());
        texts
            .map(|(text, ids)| {
                let tokens = model.tokenizer().encode(text.as_str().unwrap()).unwrap();
                let ids: Vec<u32> =
                    ids.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
                assert_eq!(tokens, ids, "{text}");
                embedding(&model, &tokens)
            })
            .collect()
    };
    let (passages, queries) = (texts("passages"), texts("queries"));
    let bytes = std::fs::read(folder.join("expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let best = file.tensor("retrieval.top1").unwrap();
    let margins = floats(file.tensor("retrieval.margin").unwrap().data());
    let smallest = margins.iter().copied().fold(f32::INFINITY, f32::min);
    let expected =
        best.data().as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes) as usize);
    for (index, (query, expected)) in queries.iter().zip(expected).enumerate() {
        let score = |passage: &usize| cosine(query, &passages[*passage]);
        let got = (0..passages.len()).max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
        assert_eq!(got, expected, "query {index}");
    }
    println!(
        "retrieval: {} queries, {} passages, the same first passage for all; smallest margin {smallest:.4}",
        queries.len(),
        passages.len()
    );
}

#[test]
fn minilm_embeds_short_texts() {
    check_minilm(10, [(0.9996, 0.998_5), (0.9997, 0.998_5)]);
}

/// Reads all texts, not every tenth.
#[test]
#[ignore = "takes minutes"]
fn minilm_embeds_all_short_texts_slow() {
    check_minilm(1, [(0.9997, 0.999), (0.9998, 0.999)]);
}

/// Compares the vectors of every `step`-th text with those of the checkpoint: of short texts and of
/// sentences, each with the least mean and the least smallest cosine.
fn check_minilm(step: usize, [short, sentences]: [(f64, f64); 2]) {
    let Some(folder) = reference("minilm") else { return };
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let json = std::fs::read(folder.join("tokenizer.json")).unwrap();
    let tokenizer = Tokenizer::new(&json, checkpoint.architecture().vocabulary).unwrap();
    let texts = |path: &str| -> Vec<Vec<u32>> {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/lazai-model").join(path);
        let content = std::fs::read_to_string(path).unwrap();
        let lines = content.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| tokenizer.encode(line).unwrap()).collect()
    };
    // The text that the command `convert` calibrates with, which has no short texts.
    let model = quantized(&checkpoint, &json, &texts("src/calibration.txt"), Rounding::Gptq);
    let float = ReferenceModel::new(&checkpoint, Threads::new(2).unwrap()).unwrap();
    for (path, (mean, smallest)) in
        [("reference/short_texts.txt", short), ("reference/corpus/sentences.txt", sentences)]
    {
        // The model's files say where a sentence ends.
        let texts = texts(path).into_iter().filter(|tokens| tokens.len() <= 256);
        let cosines: Vec<f64> = texts
            .step_by(step)
            .map(|tokens| cosine(&float.embed(&tokens).unwrap(), &embedding(&model, &tokens)))
            .collect();
        let got = cosines.iter().sum::<f64>() / cosines.len() as f64;
        let least = cosines.iter().copied().fold(1.0, f64::min);
        println!("| {path} | {} | {got:.6} | {least:.6} |", cosines.len());
        assert!(got > mean && least > smallest, "{path}: mean {got}, smallest {least}");
    }
}
