//! The steps of the recipe, in their order, and the files between them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    corpus::{Corpus, EOS},
    error::RecipeError,
    report::{HELD_OUT_SEED, Report},
    tokenizer,
};

/// The files in which each step leaves its result.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    folder: PathBuf,
}

impl Layout {
    pub(crate) fn new(folder: &Path) -> Result<Self, RecipeError> {
        fs::create_dir_all(folder).map_err(RecipeError::writing(folder))?;
        Ok(Self { folder: folder.to_owned() })
    }

    pub(crate) fn train(&self) -> PathBuf {
        self.folder.join("train.txt")
    }

    pub(crate) fn held_out(&self) -> PathBuf {
        self.folder.join("held-out.txt")
    }

    pub(crate) fn tokenizer(&self) -> PathBuf {
        self.folder.join("tokenizer.json")
    }

    /// Returns the folder of the trained model.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join("hf")
    }
}

/// Copies the trained checkpoint to where it is kept beside the artifact.
#[cfg_attr(not(feature = "train"), expect(dead_code, reason = "only the trainer needs it"))]
pub(crate) fn keep_checkpoint(layout: &Layout, checkpoint: &Path) -> Result<(), RecipeError> {
    fs::create_dir_all(checkpoint).map_err(RecipeError::writing(checkpoint))?;
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let path = checkpoint.join(name);
        fs::copy(layout.model().join(name), &path).map_err(RecipeError::writing(&path))?;
    }
    Ok(())
}

/// Measures the artifact beside its checkpoint, and writes the report.
pub(crate) fn write_report(
    checkpoint: &Path,
    artifact: &Path,
    path: &Path,
) -> Result<(), RecipeError> {
    let report = Report::measure(checkpoint, artifact, HELD_OUT_DOCUMENTS)?;
    println!("{report}");
    fs::write(path, report.to_string()).map_err(RecipeError::writing(path))?;
    if report.passes() { Ok(()) } else { Err(RecipeError::Gate { ratio: report.ratio() }) }
}

/// Writes the corpus: documents to train on, and documents of another seed to measure with.
pub(crate) fn write_corpus(layout: &Layout, documents: usize) -> Result<(), RecipeError> {
    for (path, seed, count) in [
        (layout.train(), TRAIN_SEED, documents),
        (layout.held_out(), HELD_OUT_SEED, HELD_OUT_DOCUMENTS),
    ] {
        let mut text = String::new();
        for document in Corpus::new(seed).take(count) {
            text.push_str(&document);
            text.push_str(SEPARATOR);
        }
        fs::write(&path, &text).map_err(RecipeError::writing(&path))?;
        println!("{}: {count} documents, {} bytes", path.display(), text.len());
    }
    Ok(())
}

/// Learns the tokenizer from the start of the training documents.
pub(crate) fn learn_tokenizer(layout: &Layout) -> Result<(), RecipeError> {
    let mut documents = read_documents(&layout.train())?;
    // The grammar repeats its words often; more text changes nothing but the time.
    documents.truncate(TOKENIZER_DOCUMENTS);
    let json = tokenizer::learn(&documents, VOCAB)?;
    let path = layout.tokenizer();
    fs::write(&path, json).map_err(RecipeError::writing(&path))?;
    let (tokenizer, _) = tokenizer::load(&path)?;
    let tokens: usize = tokenizer::encode(&tokenizer, &documents)?.iter().map(Vec::len).sum();
    println!(
        "{}: {} tokens, {} per document",
        path.display(),
        tokenizer.get_vocab_size(true),
        tokens / documents.len().max(1)
    );
    Ok(())
}

/// Reads the documents of a corpus file.
pub(crate) fn read_documents(path: &Path) -> Result<Vec<String>, RecipeError> {
    let text = fs::read_to_string(path).map_err(RecipeError::reading(path))?;
    let documents = text.split_terminator(SEPARATOR);
    Ok(documents.filter(|document| document.ends_with(EOS)).map(str::to_owned).collect())
}

/// Tokens in the vocabulary.
pub(crate) const VOCAB: usize = 1_024;

/// A blank line lies between documents; none holds one.
const SEPARATOR: &str = "\n\n";

/// The seed of the documents to train on.
pub(crate) const TRAIN_SEED: u64 = 1;
const HELD_OUT_DOCUMENTS: usize = 400;
const TOKENIZER_DOCUMENTS: usize = 20_000;
