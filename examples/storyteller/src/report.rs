//! What the integers cost: perplexity beside floating point, on documents that were held out.

use core::fmt::{self, Display, Formatter};
use std::path::Path;

use lazai_coprocessor::{
    Session,
    artifact::Artifact,
    kernel::{Backend, Threads},
    model::Model,
    program::Target,
    reference::{Checkpoint, Perplexity, ReferenceModel, perplexity},
};

use crate::{corpus::Corpus, error::RecipeError, recipe::HELD_OUT_SEED, tokenizer};

/// The integers beside floating point.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    model: String,
    artifact_bytes: usize,
    documents: usize,
    float: Perplexity,
    integer: Perplexity,
    /// Predictions whose best token is the same.
    agreed: u64,
}

impl Report {
    /// Measures `artifact` against `checkpoint` on `documents` held-out documents.
    pub(crate) fn measure(
        checkpoint: &Path,
        artifact: &Path,
        documents: usize,
    ) -> Result<Self, RecipeError> {
        let threads = Threads::new(0).map_err(RecipeError::model("starting threads"))?;
        let (tokenizer, _) = tokenizer::load(&checkpoint.join("tokenizer.json"))?;
        let texts: Vec<String> = Corpus::new(HELD_OUT_SEED).take(documents).collect();
        let checkpoint =
            Checkpoint::open(checkpoint).map_err(RecipeError::model("the checkpoint"))?;
        let float = ReferenceModel::new(&checkpoint, threads.clone())
            .map_err(RecipeError::model("the checkpoint"))?;
        let artifact = Artifact::open(artifact).map_err(RecipeError::model("the artifact"))?;
        let artifact_bytes = artifact.bytes().len();
        let model =
            Model::load(artifact, None, &threads).map_err(RecipeError::model("the artifact"))?;
        let model_id = model.id().to_string();
        let mut report = Self { model: model_id, artifact_bytes, documents, ..Self::default() };
        for mut tokens in tokenizer::encode(&tokenizer, &texts)? {
            tokens.truncate(model.manifest().context as usize);
            let float_scores = float
                .forward(&tokens, &mut ())
                .map_err(RecipeError::model("the reference model"))?;
            let integer_scores = scores(&model, &tokens, &threads)?;
            let vocabulary = model.manifest().vocabulary as usize;
            let rows = float_scores.chunks(vocabulary).zip(integer_scores.chunks(vocabulary));
            let agreed = rows.take(tokens.len() - 1).filter(|(a, b)| best(a) == best(b)).count();
            report.agreed += agreed as u64;
            add(&mut report.float, &tokens, &float_scores)?;
            add(&mut report.integer, &tokens, &integer_scores)?;
        }
        Ok(report)
    }

    /// Integer perplexity over that of floating point.
    pub(crate) fn ratio(&self) -> f64 {
        self.integer.value() / self.float.value()
    }

    /// Whether the integers stay within the gate.
    pub(crate) fn passes(&self) -> bool {
        self.ratio() <= GATE
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let agreed = 100.0 * self.agreed as f64 / self.integer.predictions.max(1) as f64;
        writeln!(formatter, "# The shipped storyteller: integers beside floating point\n")?;
        writeln!(formatter, "| what | figure |\n| --- | --- |")?;
        writeln!(formatter, "| model | `{}` |", self.model)?;
        writeln!(formatter, "| artifact | {} bytes |", self.artifact_bytes)?;
        writeln!(formatter, "| held-out documents | {} |", self.documents)?;
        writeln!(formatter, "| predictions | {} |", self.integer.predictions)?;
        writeln!(formatter, "| perplexity, fp32 | {:.6} |", self.float.value())?;
        writeln!(formatter, "| perplexity, integer | {:.6} |", self.integer.value())?;
        writeln!(formatter, "| integer over fp32 | {:.6} (gate: {GATE}) |", self.ratio())?;
        writeln!(formatter, "| same best token | {agreed:.3} % |")?;
        writeln!(
            formatter,
            "\nMade by `cargo run --release -p storyteller -- report`; every figure is the same on every machine."
        )
    }
}

/// The integer scores after each token, as natural logarithms up to a constant.
fn scores(model: &Model, tokens: &[u32], threads: &Threads) -> Result<Vec<f64>, RecipeError> {
    let failed = RecipeError::model("the integer model");
    let run = || {
        let (count, backend) = (tokens.len(), Backend::detect());
        let mut session = Session::new(model, Target::Logits, count, count, backend, threads)?;
        session.feed(tokens, count)?;
        session.logits().map(<[i32]>::to_vec)
    };
    let logits = run().map_err(failed)?;
    let program = &model.manifest().program;
    let bits = program.logits.map_or(0, |id| program.values[id.index()].bits);
    let unit = f64::from(-i32::from(bits)).exp2();
    Ok(logits.into_iter().map(|logit| f64::from(logit) * unit).collect())
}

fn add<T: Copy + Into<f64>>(
    sum: &mut Perplexity,
    tokens: &[u32],
    scores: &[T],
) -> Result<(), RecipeError> {
    let one = perplexity(tokens, tokens.len(), |_| Ok::<_, RecipeError>(scores.to_vec()))?;
    sum.loss += one.loss;
    sum.predictions += one.predictions;
    Ok(())
}

/// The place of the best score, the first of equals.
fn best<T: Copy + Into<f64>>(scores: &[T]) -> usize {
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        let (score, leader): (f64, f64) = ((*score).into(), scores[best].into());
        if score > leader {
            best = index;
        }
    }
    best
}

/// The integer perplexity may be this much of that of floating point.
const GATE: f64 = 1.005;
