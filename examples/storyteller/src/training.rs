//! The training step, and a look at what the model says afterwards.

use core::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressStyle};
use lazai_trainer::{Dataset, ModelShape, TrainConfig, TrainedModel, train};
use tokenizers::Tokenizer;

use crate::{
    corpus,
    error::RecipeError,
    recipe::{Layout, VOCAB, read_documents},
    tokenizer,
};

/// Trains on the corpus and writes the model's folder.
pub(crate) fn train_model(layout: &Layout, steps: usize) -> Result<(), RecipeError> {
    let (tokenizer, json) = tokenizer::load(&layout.tokenizer())?;
    let load = |path| -> Result<Dataset, RecipeError> {
        let documents = tokenizer::encode(&tokenizer, &read_documents(path)?)?;
        Ok(Dataset::pack(documents, SHAPE.context))
    };
    let (data, held_out) = (load(&layout.train())?, load(&layout.held_out())?);
    let config = config(steps);
    println!(
        "{} parameters, {} rows of {} tokens, {} steps of {} rows",
        SHAPE.parameters(),
        data.len(),
        SHAPE.context,
        steps,
        config.batch,
    );
    let bar = ProgressBar::new(steps as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} (ends in {eta}) {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let model = train(&config, &data, &held_out, |progress| {
        bar.set_position(progress.step as u64);
        bar.set_message(format!(
            "loss {:.3}, {:.0} tokens/s",
            progress.loss, progress.tokens_per_second
        ));
        if let Some(validation) = progress.validation {
            let line = format!(
                "step {:5}: loss {:.4}, held out {validation:.4}, rate {:.2e}, {:.0} tokens/s",
                progress.step, progress.loss, progress.learning_rate, progress.tokens_per_second
            );
            // A log file has no terminal to draw a bar on.
            if bar.is_hidden() { println!("{line}") } else { bar.println(line) }
        }
        ControlFlow::Continue(())
    })?;
    bar.finish();
    model.save(&layout.model(), &json)?;
    println!("{}: written", layout.model().display());
    for question in QUESTIONS {
        let prompt = corpus::prompt(question);
        println!("\n{prompt}{}", answer(&model, &tokenizer, &prompt)?);
    }
    Ok(())
}

fn answer(
    model: &TrainedModel,
    tokenizer: &Tokenizer,
    prompt: &str,
) -> Result<String, RecipeError> {
    let prompt = tokenizer.encode(prompt, true)?;
    let tokens = model.continue_greedily(prompt.get_ids(), ANSWER_TOKENS)?;
    Ok(tokenizer.decode(&tokens, true)?)
}

const fn config(steps: usize) -> TrainConfig {
    TrainConfig {
        shape: SHAPE,
        steps,
        batch: 8,
        shards: 4,
        warmup: 100,
        learning_rate: 3.0e-3,
        weight_decay: 0.01,
        clip: 1.0,
        validate_every: 100,
        seed: 1,
    }
}

/// Each dimension is a multiple of 32, the group of the integer scales.
const SHAPE: ModelShape = ModelShape {
    vocab: VOCAB,
    hidden: 192,
    intermediate: 512,
    layers: 4,
    heads: 6,
    kv_heads: 2,
    head_dim: 32,
    context: 256,
    norm_epsilon: 1.0e-5,
    rope_theta: 10_000.0,
};

const ANSWER_TOKENS: usize = 160;

/// Asked after training; the world answers most of them.
const QUESTIONS: [&str; 6] = [
    "What does the fox eat?",
    "Where does the owl live?",
    "Who eats honey?",
    "Does the cat eat hay?",
    "What is three plus four?",
    "Tell me a story about a fox and a frog.",
];
