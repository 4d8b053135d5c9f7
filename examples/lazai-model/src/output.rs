//! The commands `logits` and `embed`: print what a model computes, as JSON.

use lazai_api_types::ModelId;
use lazai_coprocessor::{
    Session,
    model::Model,
    program::{Target, Value},
};
use serde::Serialize;

use crate::{
    error::Error,
    options::{Embed, Input, Logits},
    page::show_json,
    source,
    text::Text,
};

/// Scores: `logits` are `integers` times `2^-fraction_bits`.
#[derive(Debug, Serialize)]
struct Scores<'a> {
    model_id: ModelId,
    tokens: &'a [u32],
    fraction_bits: i8,
    /// Rows after the last tokens, in order.
    logits: Vec<Vec<f64>>,
    integers: Vec<&'a [i32]>,
}

/// A unit vector: `embedding` is `integers` times `2^-fraction_bits`.
#[derive(Debug, Serialize)]
struct Vector<'a> {
    model_id: ModelId,
    tokens: &'a [u32],
    fraction_bits: i8,
    embedding: Vec<f64>,
    integers: &'a [i16],
}

/// Prints the scores of the next token.
pub(crate) fn logits(options: &Logits) -> Result<(), Error> {
    let threads = options.machine.threads()?;
    let model = source::model(&options.file, &threads)?;
    let value = value(&model, Target::Logits)?;
    let tokens = tokens(&model, &options.input)?;
    let outputs = if options.all { Model::STEP_TOKENS } else { 1 };
    let backend = options.machine.backend;
    let mut session =
        Session::new(&model, Target::Logits, tokens.len(), outputs, backend, &threads)
            .map_err(Error::Run)?;
    let mut integers = Vec::new();
    for step in tokens.chunks(if options.all { outputs } else { tokens.len() }) {
        session.feed(step, outputs.min(step.len())).map_err(Error::Run)?;
        integers.extend_from_slice(session.logits().map_err(Error::Run)?);
    }
    let integers: Vec<&[i32]> = integers.chunks_exact(value.width as usize).collect();
    let real = |row: &&[i32]| row.iter().map(|score| f64::from(*score) * value.unit()).collect();
    let logits = integers.iter().map(real).collect();
    let model_id = model.id();
    show_json(&Scores { model_id, tokens: &tokens, fraction_bits: value.bits, logits, integers })
}

/// Prints the unit vector of a text.
pub(crate) fn embed(options: &Embed) -> Result<(), Error> {
    let threads = options.machine.threads()?;
    let model = source::model(&options.file, &threads)?;
    let value = value(&model, Target::Embedding)?;
    let tokens = tokens(&model, &options.input)?;
    let backend = options.machine.backend;
    let mut session = Session::new(&model, Target::Embedding, tokens.len(), 1, backend, &threads)
        .map_err(Error::Run)?;
    session.feed(&tokens, 1).map_err(Error::Run)?;
    let integers = session.embedding().map_err(Error::Run)?;
    let embedding = integers.iter().map(|x| f64::from(*x) * value.unit()).collect();
    let (model_id, fraction_bits) = (model.id(), value.bits);
    show_json(&Vector { model_id, tokens: &tokens, fraction_bits, embedding, integers })
}

/// Returns the program value of `target`, if the model computes it.
fn value(model: &Model, target: Target) -> Result<Value, Error> {
    let program = &model.manifest().program;
    let (task, hint) = match target {
        Target::Embedding => ("embed", "its program has no unit vector"),
        Target::Logits => ("score tokens", "it only embeds; use `lazai-model embed`"),
    };
    let id = program.output(target).ok_or(Error::Unsupported { task, hint })?;
    Ok(program.values[id.index()])
}

/// Returns the tokens to read: at least one, and no more than the context holds.
fn tokens(model: &Model, input: &Input) -> Result<Vec<u32>, Error> {
    let tokens = match (&input.tokens, &input.text) {
        (Some(tokens), _) => tokens.clone(),
        (None, text) => {
            let text = Text::given(text.as_deref(), input.text_file.as_deref())?;
            text.tokens(model.tokenizer())?
        }
    };
    let (got, max) = (tokens.len() as u64, u64::from(model.manifest().context));
    match got {
        0 => Err(Error::NoTokens),
        _ if got > max => {
            Err(Error::Context { what: "the input", got, max, options: "its length" })
        }
        _ => Ok(tokens),
    }
}
