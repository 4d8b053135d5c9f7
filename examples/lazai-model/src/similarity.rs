//! The command `eval` for models that embed: how near their unit vectors are to those of fp32.

use indicatif::HumanCount;
use lazai_api_types::ModelId;
use lazai_coprocessor::{
    Session,
    architecture::Pooling,
    kernel::Threads,
    model::Model,
    program::{Operator, Target},
};
use lazai_models::reference::{OpenOptions, ReferenceModel};
use serde::Serialize;

use crate::{
    error::Error,
    options::Eval,
    page::{Page, show_json},
    progress::Progress,
    source,
    text::Text,
};

/// The unit vectors of some texts beside those of fp32.
#[derive(Clone, Debug, Serialize)]
struct Similarity {
    model_id: ModelId,
    model_name: String,
    texts: usize,
    tokens: usize,
    mean_cosine: f64,
    smallest_cosine: f64,
    /// The text with the smallest cosine.
    farthest_text: String,
}

/// Measures how near the unit vector of each line of the text is to that of the checkpoint.
pub(crate) fn run(options: &Eval, model: &Model, threads: &Threads) -> Result<(), Error> {
    let Some(path) = &options.reference else {
        let hint = "it only embeds; give its checkpoint with --reference to compare unit vectors";
        return Err(Error::Unsupported { task: "predict a text", hint });
    };
    // The artifact may have been made with another pooling than the checkpoint names.
    let program = &model.manifest().program;
    let operators = program.schedule(Target::Embedding);
    let pooling = operators
        .into_iter()
        .find_map(|index| match program.operators[index] {
            Operator::FirstRow { .. } => Some(Pooling::First),
            Operator::LastRows { .. } => Some(Pooling::Last),
            _ => None,
        })
        .unwrap_or(Pooling::Mean);
    let open = OpenOptions { pooling: Some(pooling), ..OpenOptions::default() };
    let checkpoint = source::checkpoint_with(path, &open)?;
    let (expected, got) = (model.manifest().vocabulary, checkpoint.architecture().vocabulary);
    if expected != got {
        return Err(Error::ReferenceVocabulary { path: path.to_owned(), expected, got });
    }
    let reference =
        ReferenceModel::new(&checkpoint, threads.clone()).map_err(Error::checkpoint(path))?;
    let text = Text::given(options.text.text.as_deref(), options.text.text_file.as_deref())?;
    let lines: Vec<&str> = text.content.lines().filter(|line| !line.trim().is_empty()).collect();
    let similarity = measure(options, model, &reference, (&text.name, &lines), threads)?;
    if options.json {
        return show_json(&similarity);
    }
    similarity.page().show();
    Ok(())
}

fn measure(
    options: &Eval,
    model: &Model,
    reference: &ReferenceModel,
    (name, lines): (&str, &[&str]),
    threads: &Threads,
) -> Result<Similarity, Error> {
    let (mut bar, mut tokens) = (Progress::new(), 0);
    let mut cosines = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        bar.set("measuring", index, lines.len());
        let text = Text { name: name.to_owned(), content: (*line).to_owned() };
        let ids = text.tokens(model.tokenizer())?;
        let (got, max) = (ids.len() as u64, u64::from(model.manifest().context));
        if got > max {
            return Err(Error::Context { what: "a line", got, max, options: "its length" });
        }
        if ids.is_empty() {
            continue;
        }
        tokens += ids.len();
        let mut session =
            Session::new(model, Target::Embedding, ids.len(), 1, options.machine.backend, threads)
                .map_err(Error::Run)?;
        session.feed(&ids, 1).map_err(Error::Run)?;
        let integers = session.embedding().map_err(Error::Run)?;
        let expected = reference.embed(&ids).map_err(Error::Reference)?;
        cosines.push((cosine(integers, &expected), *line));
    }
    let farthest = cosines.iter().min_by(|left, right| left.0.total_cmp(&right.0));
    let Some((smallest, farthest)) = farthest else {
        return Err(Error::NoTokens);
    };
    Ok(Similarity {
        model_id: model.id(),
        model_name: model.manifest().name.clone(),
        texts: cosines.len(),
        tokens,
        mean_cosine: cosines.iter().map(|(cosine, _)| cosine).sum::<f64>() / cosines.len() as f64,
        smallest_cosine: *smallest,
        farthest_text: (*farthest).to_owned(),
    })
}

impl Similarity {
    fn page(&self) -> Page {
        let mut page = Page::default();
        page.title("Unit vectors beside those of fp32")
            .item("name", &self.model_name)
            .item("model", self.model_id)
            .item("texts", HumanCount(self.texts as u64))
            .item("tokens", HumanCount(self.tokens as u64))
            .item("mean cosine", format_args!("{:.6}", self.mean_cosine))
            .item("smallest", format_args!("{:.6}", self.smallest_cosine))
            .item("of the text", &self.farthest_text);
        page
    }
}

/// Returns the cosine of two vectors; 0 if one of them is 0.
fn cosine(integers: &[i16], expected: &[f32]) -> f64 {
    let pairs = integers.iter().zip(expected).map(|(x, y)| (f64::from(*x), f64::from(*y)));
    let (mut product, mut left, mut right) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        product += x * y;
        left += x * x;
        right += y * y;
    }
    let lengths = f64::sqrt(left * right);
    if lengths > 0.0 { product / lengths } else { 0.0 }
}
