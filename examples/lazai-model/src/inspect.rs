//! The command `inspect`: says what is in a file.

use std::{collections::BTreeMap, fs, io, path::Path};

use indicatif::{HumanBytes, HumanCount};
use lazai_api_types::ModelId;
use lazai_coprocessor::{
    kernel::Threads,
    program::{LayerScales, Program, Scales, Target, transformer},
};
use lazai_models::{
    gguf::Gguf,
    quantize::QuantizeOptions,
    reference::{Checkpoint, ReferenceError},
};
use serde::Serialize;

use crate::{
    convert::notes,
    error::Error,
    options::Inspect,
    page::{Page, show_json},
    shape::{Cost, Shape, operators},
    source::{self, Kind},
};

/// The content of a file. A checkpoint has the program that would be made of it.
#[derive(Clone, Debug, Serialize)]
struct Summary {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The identity of an artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<ModelId>,
    architecture: Shape,
    parameters: u64,
    bytes: u64,
    /// Tensors of a GGUF file by the kind of their elements.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tensors: BTreeMap<String, usize>,
    vocabulary: u32,
    context: u32,
    end_tokens: Vec<u32>,
    /// What a user of a checkpoint should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    operators: BTreeMap<&'static str, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<Cost>,
}

/// Tells what is in a file.
pub(crate) fn run(options: &Inspect) -> Result<(), Error> {
    let path = &options.file;
    let kind = Kind::of(path)?;
    let summary = match kind {
        Kind::Artifact => artifact(path)?,
        Kind::Folder | Kind::Gguf => checkpoint(path, kind)?,
    };
    if options.json {
        return show_json(&summary);
    }
    summary.page(path).show();
    Ok(())
}

fn artifact(path: &Path) -> Result<Summary, Error> {
    let threads = Threads::new(0).map_err(Error::Kernel)?;
    let model = source::model(path, &threads)?;
    let manifest = model.manifest();
    let program = &manifest.program;
    Ok(Summary {
        name: Some(manifest.name.clone()),
        model_id: Some(model.id()),
        parameters: model.artifact().parameters(),
        bytes: model.artifact().bytes().len() as u64,
        vocabulary: manifest.vocabulary,
        end_tokens: manifest.end_tokens.clone(),
        ..Summary::of(Kind::Artifact, program, manifest.context)?
    })
}

fn checkpoint(path: &Path, kind: Kind) -> Result<Summary, Error> {
    let checkpoint = source::checkpoint(path)?;
    let architecture = checkpoint.architecture();
    // Only calibration finds scales; shapes and work do not depend on them.
    let layers = vec![LayerScales::default(); architecture.layers as usize];
    let fine_positions = QuantizeOptions::new("").has_fine_positions(architecture);
    let program =
        transformer(architecture, &Scales { layers, fine_positions, ..Scales::default() });
    let mut summary = Summary {
        parameters: architecture.parameters(),
        vocabulary: architecture.vocabulary,
        end_tokens: architecture.end_tokens.clone(),
        notes: notes(&checkpoint, None)
            .map(|note| note.to_string())
            .chain(tokenizer_notes(&checkpoint))
            .collect(),
        ..Summary::of(kind, &program, checkpoint.context())?
    };
    if kind == Kind::Gguf {
        let opened = || Ok(Gguf::open(path)?);
        let file = opened().map_err(Error::checkpoint(path))?;
        summary.bytes = fs::metadata(path).map_err(Error::reading(path))?.len();
        summary.name = file.text("general.name").ok().flatten().map(str::to_owned);
        for info in file.tensors().values() {
            *summary.tensors.entry(format!("{:?}", info.kind)).or_default() += 1;
        }
    } else {
        summary.bytes = weight_bytes(path)?;
    }
    Ok(summary)
}

/// Returns what a user should know of the tokenizer: why `convert` refuses it, if it does.
fn tokenizer_notes(checkpoint: &Checkpoint) -> Vec<String> {
    match checkpoint.tokenizer() {
        Ok((_, notes)) => notes.iter().map(ToString::to_string).collect(),
        Err(ReferenceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            vec!["there is no tokenizer.json: convert wants one, or --tokenizer".to_owned()]
        }
        Err(error) => vec![format!("convert refuses the tokenizer: {error}")],
    }
}

/// Bytes of the weights of a folder.
fn weight_bytes(folder: &Path) -> Result<u64, Error> {
    let mut sum = 0_u64;
    for entry in fs::read_dir(folder).map_err(Error::reading(folder))? {
        let path = entry.map_err(Error::reading(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            // The weights may be a link to a store.
            sum = sum.saturating_add(fs::metadata(&path).map_err(Error::reading(&path))?.len());
        }
    }
    Ok(sum)
}

impl Summary {
    fn of(kind: Kind, program: &Program, context: u32) -> Result<Self, Error> {
        Ok(Self {
            kind: kind.name(),
            name: None,
            model_id: None,
            architecture: Shape::of(program),
            parameters: 0,
            bytes: 0,
            tensors: BTreeMap::new(),
            vocabulary: 0,
            context,
            end_tokens: Vec::new(),
            notes: Vec::new(),
            operators: operators(program),
            logits: Cost::of(program, Target::Logits, context)?,
            embedding: Cost::of(program, Target::Embedding, context)?,
        })
    }

    fn page(&self, path: &Path) -> Page {
        let mut page = Page::default();
        page.title(&format!("{}: {}", path.display(), self.kind));
        if let Some(name) = &self.name {
            page.item("name", name);
        }
        if let Some(id) = &self.model_id {
            page.item("model", id);
        }
        let [first, second, third] = self.architecture.lines();
        page.item("architecture", first).item("", second).item("", third);
        page.item("parameters", HumanCount(self.parameters));
        page.item(
            "size",
            format_args!("{} bytes = {}", HumanCount(self.bytes), HumanBytes(self.bytes)),
        );
        if !self.tensors.is_empty() {
            let kinds: Vec<_> =
                self.tensors.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            page.item("tensors", kinds.join(", "));
        }
        page.item("vocabulary", format_args!("{} tokens", HumanCount(self.vocabulary.into())));
        page.item("context", format_args!("{} positions", HumanCount(self.context.into())));
        let ends: Vec<String> = self.end_tokens.iter().map(u32::to_string).collect();
        page.item("end tokens", if ends.is_empty() { "none".to_owned() } else { ends.join(", ") });
        for note in &self.notes {
            page.item("note", note);
        }
        page.title("Program");
        for (name, times) in &self.operators {
            page.item(name, times);
        }
        for (title, cost) in [("Scores", &self.logits), ("Unit vector", &self.embedding)] {
            if let Some(cost) = cost {
                cost.add_to(title, &mut page);
            }
        }
        page
    }
}

impl Cost {
    fn add_to(&self, title: &str, page: &mut Page) {
        page.title(&format!("{title}: operations and memory"))
            .item("a token", HumanCount(self.flops_per_token))
            .item("a pair attended", HumanCount(self.flops_per_pair));
        if self.flops_per_output > 0 {
            page.item("a row of scores", HumanCount(self.flops_per_output));
        }
        if self.flops_once > 0 {
            page.item("the text", HumanCount(self.flops_once));
        }
        let peak = self.peak_bytes;
        page.item(
            "peak memory",
            format_args!("{} bytes = {}, with a full context", HumanCount(peak), HumanBytes(peak)),
        );
    }
}
