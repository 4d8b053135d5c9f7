//! The command `eval`: measures how well a model predicts a text.

use core::cell::RefCell;
use std::path::Path;

use indicatif::HumanCount;
use lazai_api_types::ModelId;
use lazai_coprocessor::{architecture::Head, kernel::Threads, model::Model, program::Target};
use lazai_models::reference::{
    Comparison, Perplexity, ReferenceModel, compare, integer_scores, perplexity,
};
use serde::Serialize;

use crate::{
    error::Error,
    options::Eval,
    page::{Page, show_json},
    progress::Progress,
    similarity, source,
    text::Text,
};

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
struct Evaluation {
    model_id: ModelId,
    model_name: String,
    tokens: usize,
    window: usize,
    predictions: u64,
    perplexity: f64,
    #[serde(flatten)]
    reference: Option<Reference>,
}

/// The comparison of the integers with floating point.
#[derive(Clone, Copy, Debug, Serialize)]
struct Reference {
    reference_perplexity: f64,
    /// Integer perplexity over that of floating point.
    ratio: f64,
    /// Share of predictions with the same best token.
    top1_agreement: f64,
    /// Mean Kullback-Leibler divergence of the integers from floating point, in nats.
    mean_kl_divergence: f64,
}

/// Measures how well a model predicts a text; one that only embeds, how near it is to fp32.
pub(crate) fn run(options: &Eval) -> Result<(), Error> {
    let threads = options.machine.threads()?;
    let model = source::model(&options.file, &threads)?;
    if !model.supports(Target::Logits) {
        return similarity::run(options, &model, &threads);
    }
    let context = model.manifest().context;
    if options.window > context {
        let (got, max) = (u64::from(options.window), u64::from(context));
        return Err(Error::Context { what: "a window", got, max, options: "--window" });
    }
    let text = Text::given(options.text.text.as_deref(), options.text.text_file.as_deref())?;
    let mut tokens = text.tokens(model.tokenizer())?;
    tokens.truncate(options.max_tokens.map_or(usize::MAX, |max| max as usize));
    if tokens.len() < 2 {
        let (what, got) = (text.name, tokens.len());
        return Err(Error::TextLength { what, got });
    }
    let reference = match &options.reference {
        Some(path) => Some(open_reference(path, &model, &threads)?),
        None => None,
    };
    let evaluation = evaluate(options, &model, reference.as_ref(), &tokens, &threads)?;
    if options.json {
        return show_json(&evaluation);
    }
    evaluation.page().show();
    Ok(())
}

fn open_reference(path: &Path, model: &Model, threads: &Threads) -> Result<ReferenceModel, Error> {
    let checkpoint = source::checkpoint(path)?;
    if checkpoint.architecture().head == Head::None {
        let hint = "the reference only embeds; give the checkpoint that the artifact was made from";
        return Err(Error::Unsupported { task: "predict a text beside it", hint });
    }
    let (expected, got) = (model.manifest().vocabulary, checkpoint.architecture().vocabulary);
    if expected != got {
        return Err(Error::ReferenceVocabulary { path: path.to_owned(), expected, got });
    }
    ReferenceModel::new(&checkpoint, threads.clone()).map_err(Error::checkpoint(path))
}

fn evaluate(
    options: &Eval,
    model: &Model,
    reference: Option<&ReferenceModel>,
    tokens: &[u32],
    threads: &Threads,
) -> Result<Evaluation, Error> {
    let window = options.window as usize;
    let bar = RefCell::new((Progress::new(), 0));
    let total = tokens.len().div_ceil(window);
    bar.borrow_mut().0.set("measuring", 0, total);
    let integer = |tokens: &[u32]| {
        let scores = integer_scores(model, tokens, options.machine.backend, threads);
        let (bar, done) = &mut *bar.borrow_mut();
        *done += 1;
        bar.set("measuring", *done, total);
        scores.map_err(Error::Run)
    };
    let (integer, reference) = match reference {
        None => (perplexity(tokens, window, integer)?, None),
        Some(reference) => {
            let float =
                |tokens: &[u32]| reference.forward(tokens, &mut ()).map_err(Error::Reference);
            let comparison = compare(tokens, window, float, integer)?;
            (comparison.integer, Some(Reference::from(comparison)))
        }
    };
    let Perplexity { predictions, .. } = integer;
    Ok(Evaluation {
        model_id: model.id(),
        model_name: model.manifest().name.clone(),
        tokens: tokens.len(),
        window,
        predictions,
        perplexity: integer.value(),
        reference,
    })
}

impl From<Comparison> for Reference {
    fn from(comparison: Comparison) -> Self {
        Self {
            reference_perplexity: comparison.float.value(),
            ratio: comparison.ratio(),
            top1_agreement: comparison.agreement(),
            mean_kl_divergence: comparison.mean_divergence(),
        }
    }
}

impl Evaluation {
    fn page(&self) -> Page {
        let mut page = Page::default();
        page.title("Perplexity")
            .item("name", &self.model_name)
            .item("model", self.model_id)
            .item("tokens", HumanCount(self.tokens as u64))
            .item("windows", format_args!("of {} tokens", HumanCount(self.window as u64)))
            .item("predictions", HumanCount(self.predictions))
            .item("integer", format_args!("{:.6}", self.perplexity));
        if let Some(reference) = &self.reference {
            page.item("fp32", format_args!("{:.6}", reference.reference_perplexity))
                .item("integer / fp32", format_args!("{:.6}", reference.ratio))
                .item("same best token", format_args!("{:.3} %", 100.0 * reference.top1_agreement))
                .item("KL divergence", format_args!("{:.3e} nats", reference.mean_kl_divergence));
        }
        page
    }
}
