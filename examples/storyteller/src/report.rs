//! What the integers cost: perplexity beside floating point, on documents that were held out.

use core::fmt::{self, Display, Formatter};
use std::path::Path;

use lazai_coprocessor::{
    artifact::Artifact,
    kernel::{Backend, Threads},
    model::Model,
};
use lazai_models::reference::{Checkpoint, Comparison, ReferenceModel, compare, integer_scores};

use crate::{corpus::Corpus, error::RecipeError, tokenizer};

/// The integers beside floating point.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    model: String,
    artifact_bytes: usize,
    documents: usize,
    comparison: Comparison,
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
        let model = Model::load_untrusted(artifact, &threads)
            .map_err(RecipeError::model("the artifact"))?;
        let model_id = model.id().to_string();
        let mut report = Self { model: model_id, artifact_bytes, documents, ..Self::default() };
        for mut tokens in tokenizer::encode(&tokenizer, &texts)? {
            tokens.truncate(model.manifest().context as usize);
            report.comparison += compare(
                &tokens,
                tokens.len(),
                |tokens| {
                    let scores = float.forward(tokens, &mut ());
                    scores.map_err(RecipeError::model("the reference model"))
                },
                |tokens| {
                    let scores = integer_scores(&model, tokens, Backend::detect(), &threads);
                    scores.map_err(RecipeError::model("the integer model"))
                },
            )?;
        }
        Ok(report)
    }

    /// Returns integer perplexity over that of floating point.
    pub(crate) fn ratio(&self) -> f64 {
        self.comparison.ratio()
    }

    /// Returns whether the integers stay within the gate.
    pub(crate) fn passes(&self) -> bool {
        self.ratio() <= GATE
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Comparison { float, integer, .. } = self.comparison;
        let agreed = 100.0 * self.comparison.agreement();
        writeln!(formatter, "# The shipped storyteller: integers beside floating point\n")?;
        writeln!(formatter, "| what | figure |\n| --- | --- |")?;
        writeln!(formatter, "| model | `{}` |", self.model)?;
        writeln!(formatter, "| artifact | {} bytes |", self.artifact_bytes)?;
        writeln!(formatter, "| held-out documents | {} |", self.documents)?;
        writeln!(formatter, "| predictions | {} |", integer.predictions)?;
        writeln!(formatter, "| perplexity, fp32 | {:.6} |", float.value())?;
        writeln!(formatter, "| perplexity, integer | {:.6} |", integer.value())?;
        writeln!(formatter, "| integer over fp32 | {:.6} (gate: {GATE}) |", self.ratio())?;
        writeln!(formatter, "| same best token | {agreed:.3} % |")?;
        writeln!(
            formatter,
            "\nMade by `cargo run --release -p storyteller -- report`; every figure is the same on every machine."
        )
    }
}

/// The seed of the documents to measure with.
pub(crate) const HELD_OUT_SEED: u64 = 2;

/// The integer perplexity may be this much of that of floating point.
const GATE: f64 = 1.005;
