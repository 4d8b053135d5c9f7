//! From a checkpoint to an artifact.

use std::{
    fs,
    path::{Path, PathBuf},
};

use indicatif::{HumanBytes, HumanCount};
use lazai_api_types::Work;
use lazai_coprocessor::{
    Monitor, ResourceUsage, Tokenizer,
    architecture::{Mask, Pooling},
    artifact::Artifact,
};
use lazai_models::{
    quantize::{Progress as Done, QuantizeOptions, Quantized, Stage, quantize},
    reference::{Checkpoint, Note, OpenOptions, ReferenceError},
    tokenizer::{rounded_scores, with_integer_scores},
};

use crate::{
    error::Error,
    loss::LossTable,
    options::{Convert, RoundingOption},
    page::{Page, printable},
    parse::MAX_NAME_BYTES,
    progress::Progress,
    source,
    text::{Text, read_bounded},
};

/// Quantizes a checkpoint and writes the artifact; the same input gives the same bytes.
pub(crate) fn run(options: &Convert) -> Result<(), Error> {
    let monitor = Monitor::start();
    // What cannot succeed should not fail after minutes.
    check_out(&options.out)?;
    if let Some(report) = &options.report {
        check_out(report)?;
    }
    let pooling = options.pooling.map(Into::into);
    let open_options = OpenOptions { pooling, ..OpenOptions::default() };
    let checkpoint = source::checkpoint_with(&options.source, &open_options)?;
    let (path, json, tokenizer_notes) = tokenizer_json(options, &checkpoint)?;
    let json = with_integer_scores(&json).map_err(|error| Error::Quantize(error.into()))?;
    let tokenizer = Tokenizer::new(&json, checkpoint.architecture().vocabulary)
        .map_err(|source| Error::Tokenizer { path, source })?;
    let calibration = calibration(options, &checkpoint, &tokenizer)?;
    let mut quantize_options = QuantizeOptions::new(name(options));
    quantize_options.context = options.context;
    quantize_options.headroom_bits = options.headroom;
    let rounding = options.rounding.unwrap_or(match checkpoint.architecture().mask {
        Mask::Bidirectional => RoundingOption::Gptq,
        Mask::Causal => RoundingOption::Nearest,
    });
    quantize_options.rounding = rounding.into();
    quantize_options.threads = options.machine.threads()?;

    let Quantized { artifact, report } = {
        let mut bar = Progress::new();
        let progress = &mut |Done { stage, done, total }: Done| {
            let action = match stage {
                Stage::Calibrate => "calibrating",
                Stage::Quantize => "quantizing",
            };
            bar.set(action, done, total);
        };
        quantize(&checkpoint, &json, &calibration, &quantize_options, progress)
            .map_err(Error::Quantize)?
    };
    let written = artifact.id().and_then(|id| artifact.write(&options.out).map(|()| id));
    let id = written.map_err(Error::Written)?;
    // Its memory is needed no more, and what was written is read as its users will read it.
    drop(artifact);
    let written = Artifact::open(&options.out).map_err(Error::artifact(&options.out))?;
    let artifact_bytes = written.bytes().len() as u64;
    if let Some(path) = &options.report {
        fs::write(path, report.to_string()).map_err(Error::writing(path))?;
    }
    let usage = monitor.finish(0, Work::default());

    let mut page = Page::default();
    page.title(match rounding {
        RoundingOption::Gptq => {
            "What the integers lost: signal to noise of each matrix's results, in dB"
        }
        RoundingOption::Nearest => "What the integers lost: signal to noise of each matrix, in dB",
    });
    page.line(LossTable::new(&report));
    page.title("Artifact")
        .item("name", &quantize_options.name)
        .item("model", id)
        .item("file", options.out.display())
        .item("size", size(artifact_bytes, checkpoint.architecture().parameters()))
        .item("calibration", calibrated(&calibration))
        .item("embeds by", pooled(checkpoint.architecture().pooling));
    for note in notes(&checkpoint, options.context).chain(tokenizer_notes) {
        page.item("note", note);
    }
    finish(&mut page, &usage);
    page.show();
    Ok(())
}

/// Refuses a path that no file can be written to.
fn check_out(path: &Path) -> Result<(), Error> {
    let refuse = |problem| Err(Error::Out { path: path.to_owned(), problem });
    if path.is_dir() {
        return refuse("this is a folder: name a file in it");
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) => Path::new("."),
        None => return refuse("this is no file: name one"),
    };
    if folder.is_dir() { Ok(()) } else { refuse("its folder does not exist: make it first") }
}

/// Returns the tokenizer, and where it is from.
fn tokenizer_json(
    options: &Convert,
    checkpoint: &Checkpoint,
) -> Result<(PathBuf, Vec<u8>, Vec<Note>), Error> {
    if let Some(path) = &options.tokenizer {
        let json = read_bounded(path, MAX_TOKENIZER_BYTES)?;
        let count = rounded_scores(&json);
        let note = (count > 0).then_some(Note::RoundedScores { count });
        return Ok((path.clone(), json, note.into_iter().collect()));
    }
    let path = options.source.clone();
    match checkpoint.tokenizer() {
        Ok((json, notes)) => Ok((path, json, notes)),
        Err(ReferenceError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::TokenizerMissing { path })
        }
        Err(source) => Err(Error::Checkpoint { path, source }),
    }
}

/// Sequences of tokens as the model will meet them.
fn calibration(
    options: &Convert,
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Result<Vec<Vec<u32>>, Error> {
    let text = match &options.calibration {
        Some(path) => Text::read(path)?,
        None => Text {
            name: "the calibration text".to_owned(),
            content: include_str!("calibration.txt").to_owned(),
        },
    };
    let context = options.context.unwrap_or_else(|| checkpoint.context());
    let length = SEQUENCE_TOKENS.min(checkpoint.architecture().context.min(context) as usize);
    let budget = options.calibration_tokens as usize;
    match checkpoint.architecture().mask {
        // It reads whole texts, each between the tokens of the tokenizer's template.
        Mask::Bidirectional => text.lines(tokenizer, length, budget),
        Mask::Causal => text.sequences(tokenizer, length, budget),
    }
}

/// Returns the name that was asked for, or that of the source.
fn name(options: &Convert) -> String {
    if let Some(name) = &options.name {
        return name.clone();
    }
    let path = options.source.canonicalize().unwrap_or_else(|_| options.source.clone());
    let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let mut name = printable(&stem.unwrap_or_default().to_string_lossy());
    name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
    if name.is_empty() { "model".to_owned() } else { name }
}

/// Returns what a user should know of the checkpoint, but for limits that `context` replaces.
pub(crate) fn notes(checkpoint: &Checkpoint, context: Option<u32>) -> impl Iterator<Item = Note> {
    let limits = |note: &Note| matches!(note, Note::Context { .. } | Note::SentenceLength { .. });
    let shown = move |note: &&Note| context.is_none() || !limits(note);
    checkpoint.notes().iter().filter(shown).cloned()
}

fn size(artifact_bytes: u64, parameters: u64) -> String {
    let bits = 8.0 * artifact_bytes as f64 / parameters.max(1) as f64;
    format!(
        "{}, {} parameters, {bits:.2} bits for each",
        HumanBytes(artifact_bytes),
        HumanCount(parameters)
    )
}

const fn pooled(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::First => "its first row",
        Pooling::Last => "its last row",
        Pooling::Mean => "the mean of its rows",
    }
}

fn calibrated(sequences: &[Vec<u32>]) -> String {
    let tokens: usize = sequences.iter().map(Vec::len).sum();
    let plural = if sequences.len() == 1 { "" } else { "s" };
    format!(
        "{} tokens in {} sequence{plural}",
        HumanCount(tokens as u64),
        HumanCount(sequences.len() as u64)
    )
}

/// Adds what the run cost this machine.
pub(crate) fn finish(page: &mut Page, usage: &ResourceUsage) {
    page.item("time", format_args!("{:.1?}", usage.wall));
    if let Some(peak) = usage.peak_resident_bytes {
        page.item("peak memory", HumanBytes(peak));
    }
}

/// Most tokens of a calibration sequence.
const SEQUENCE_TOKENS: usize = 256;

/// As much as the library reads, and one byte to see that there is more.
const MAX_TOKENIZER_BYTES: u64 = 32 << 20;
