use lazai_coprocessor::kernel::Threads;
use lazai_models::{
    quantize::Rounding,
    reference::{Checkpoint, ReferenceModel},
};

use crate::folder::{Sequence, integers, logits, reference, sequences};

/// How far scores are from the expected ones.
#[derive(Default)]
struct Distance {
    rows: usize,
    same_best: usize,
    /// Sum of the Kullback-Leibler divergences, in nats.
    divergence: f64,
    largest_difference: f64,
}

impl Distance {
    fn add(&mut self, expected: &[f32], got: &[f64], vocabulary: usize) {
        assert_eq!(expected.len(), got.len());
        for (expected, got) in expected.chunks(vocabulary).zip(got.chunks(vocabulary)) {
            let expected: Vec<f64> = expected.iter().map(|x| f64::from(*x)).collect();
            self.rows += 1;
            self.same_best += usize::from(best(&expected) == best(got));
            let (p, q) = (log_softmax(&expected), log_softmax(got));
            self.divergence += p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>();
            for (expected, got) in expected.iter().zip(got) {
                self.largest_difference = self.largest_difference.max((expected - got).abs());
            }
        }
    }

    fn same_best(&self) -> f64 {
        self.same_best as f64 / self.rows as f64
    }

    fn divergence(&self) -> f64 {
        self.divergence / self.rows as f64
    }
}

fn best(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0)
}

fn log_softmax(scores: &[f64]) -> Vec<f64> {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - best).exp()).sum();
    scores.iter().map(|score| score - best - sum.ln()).collect()
}

/// Compares the f32 model and the integer model with the expected scores; returns the latter
/// distance.
fn compare(name: &str) -> Option<Distance> {
    let folder = reference(name)?;
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let architecture = checkpoint.architecture();
    let context = architecture.context as usize;
    let sequences: Vec<Sequence> = sequences(&folder.join("expected.safetensors"))
        .into_iter()
        .filter(|sequence| sequence.tokens.len() <= context)
        .collect();
    let vocabulary = architecture.vocabulary as usize;
    let tokenizer = std::fs::read(folder.join("tokenizer.json")).unwrap();
    let float = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
    let (mut exact, mut distance) = (Distance::default(), Distance::default());
    for sequence in &sequences {
        let got = float.forward(&sequence.tokens, &mut ()).unwrap();
        let got: Vec<f64> = got.into_iter().map(f64::from).collect();
        exact.add(&sequence.logits, &got, vocabulary);
    }
    let mut figures = String::new();
    for rounding in [Rounding::Nearest, Rounding::Gptq] {
        let model = integers(&checkpoint, &tokenizer, &sequences, rounding);
        distance = Distance::default();
        // The calibration did not see these.
        for sequence in sequences.iter().skip(1).step_by(2) {
            distance.add(&sequence.logits, &logits(&model, &sequence.tokens), vocabulary);
        }
        let (same, divergence) = (100.0 * distance.same_best(), distance.divergence());
        figures += &format!(" {same:.1} % | {divergence:.1e} |");
    }
    println!("| {name} | {} |{figures} {:.0e} |", distance.rows, exact.largest_difference);
    // Logits have a deviation of 3: this is the noise of 32-bit sums in another order.
    assert!(exact.largest_difference < 2e-3, "{name}: {}", exact.largest_difference);
    assert_eq!(exact.same_best, exact.rows, "{name}");
    Some(distance)
}

#[test]
fn decoders_agree_with_transformers() {
    println!("| | | nearest | | compensated | | |");
    println!(
        "| model | rows | same best | KL, nats | same best | KL, nats | fp32, largest difference |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for name in [
        "llama2",
        "llama3",
        "llama-linear",
        "tinyllama",
        "smollm",
        "mistral",
        "mistral-window",
        "qwen2",
        "qwen3",
        "gpt2",
    ] {
        let Some(distance) = compare(name) else { return };
        // Random weights give close scores, so the best token changes more often than in a trained
        // model.
        assert!(distance.same_best() > 0.75, "{name}: {}", distance.same_best());
        assert!(distance.divergence() < 8e-2, "{name}: {}", distance.divergence());
    }
}
