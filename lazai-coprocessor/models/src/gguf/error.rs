use lazai_api_types::IoError;

/// Why a GGUF file was refused, or a part of it is not to be had.
///
/// Keys, names and texts from the file are cut to 64 characters.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GgufError {
    /// Tensors cannot be aligned so.
    #[error("general.alignment must be a power of two from {min} to {max}, got {got}")]
    Alignment {
        /// The smallest alignment.
        min: u32,
        /// The largest alignment.
        max: u32,
        /// The alignment in the file.
        got: u32,
    },
    /// A boolean is neither 0 nor 1.
    #[error("{part}: a boolean must be 0 or 1, got {got}")]
    Bool {
        /// The key of the value.
        part: String,
        /// The byte.
        got: u8,
    },
    /// A size of a tensor is 0, or their product is not a number of elements.
    #[error("tensor {tensor}: {got:?} is not a shape, because {problem}")]
    Dimensions {
        /// The name of the tensor.
        tensor: String,
        /// The sizes of the tensor, outermost first.
        got: Vec<u64>,
        /// The reason why they are no shape.
        problem: &'static str,
    },
    /// The file is not the one that its name says, because the download is incomplete.
    #[error("the file {problem}")]
    Download {
        /// What is in its place, and what to do.
        problem: &'static str,
    },
    /// A key appears twice.
    #[error("metadata has the key {key} twice")]
    DuplicateKey {
        /// The name of the key.
        key: String,
    },
    /// A tensor appears twice.
    #[error("the file has the tensor {tensor} twice")]
    DuplicateTensor {
        /// The name of the tensor.
        tensor: String,
    },
    /// The file system refused.
    #[error("the GGUF file cannot be read: {}", source.kind())]
    Io {
        /// The error of the file system.
        source: IoError,
    },
    /// The elements of a tensor are of a kind that this version does not read.
    #[error("tensor {tensor} must be {expected}, got {got}")]
    Kind {
        /// The name of the tensor.
        tensor: String,
        /// The kinds that are read.
        expected: &'static str,
        /// The kind in the file.
        got: String,
    },
    /// Something is larger or more than this version reads.
    #[error("{part}: {what} is {got}, above the limit {max}")]
    Limit {
        /// The key, tensor or part of the file.
        part: String,
        /// What is counted.
        what: &'static str,
        /// The number in the file.
        got: u64,
        /// The limit.
        max: u64,
    },
    /// The file is of another format.
    #[error("a GGUF file starts with the bytes GGUF, got {got:?}")]
    Magic {
        /// The first bytes of the file.
        got: [u8; 4],
    },
    /// A merge of the tokenizer joins what it cannot join.
    #[error("tokenizer.ggml.merges: merge {index} {problem}: {got:?}")]
    Merge {
        /// The number of the merge.
        index: usize,
        /// The reason for the refusal.
        problem: &'static str,
        /// The merge.
        got: String,
    },
    /// A key is absent.
    #[error("metadata lacks the key {key}")]
    MissingKey {
        /// The name of the key.
        key: String,
    },
    /// A tensor is absent.
    #[error("the file lacks the tensor {tensor}")]
    MissingTensor {
        /// The name of the tensor.
        tensor: String,
    },
    /// A weight is infinite or not a number.
    #[error("tensor {tensor}: element {index} is not a finite number")]
    NotFinite {
        /// The name of the tensor.
        tensor: String,
        /// The first such element.
        index: usize,
    },
    /// A tensor does not start at a multiple of the alignment.
    #[error("tensor {tensor}: the offset {got} is not a multiple of {alignment}")]
    Offset {
        /// The name of the tensor.
        tensor: String,
        /// The alignment of the file.
        alignment: u64,
        /// The offset in the file's data.
        got: u64,
    },
    /// Two tensors share bytes.
    #[error("tensor {tensor} starts at {start}, inside the tensor {other}, which ends at {end}")]
    Overlap {
        /// The name of the tensor that starts later.
        tensor: String,
        /// The byte of the file at which the tensor starts.
        start: u64,
        /// The name of the other.
        other: String,
        /// The byte behind the other tensor.
        end: u64,
    },
    /// A tensor ends behind the end of the file.
    #[error("tensor {tensor} ends at {end}, but the file has {length} bytes")]
    Range {
        /// The name of the tensor.
        tensor: String,
        /// The byte behind the tensor.
        end: u64,
        /// The length of the file.
        length: u64,
    },
    /// Rows of a tensor are not whole blocks.
    #[error("tensor {tensor}: rows of {got} elements are not blocks of {block}")]
    RowLength {
        /// The name of the tensor.
        tensor: String,
        /// Elements of a block.
        block: usize,
        /// Elements of a row.
        got: u64,
    },
    /// Rows were asked for that a tensor does not have.
    #[error("tensor {tensor} has {rows} rows, but {start}..{end} were asked for")]
    Rows {
        /// The name of the tensor.
        tensor: String,
        /// Rows of the tensor.
        rows: usize,
        /// The first row that was asked for.
        start: usize,
        /// The row behind the last.
        end: usize,
    },
    /// The name of a part does not tell those of the others.
    #[error("the file is one of {count} parts, so its name must end with {suffix}")]
    SplitName {
        /// How many parts there are.
        count: u32,
        /// How the name must end.
        suffix: String,
    },
    /// The file is a part of a split, but not its first.
    #[error("the file is part {part} of {count} of a split model: give {first} instead")]
    SplitPart {
        /// The number of the part, from 1.
        part: u32,
        /// How many parts there are.
        count: u32,
        /// The name of the first part.
        first: String,
    },
    /// A part of a split cannot be used.
    #[error("{file}, a part of the split model, {problem}")]
    SplitOther {
        /// The name of the part.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A text is not UTF-8.
    #[error("{part}: a text is not UTF-8")]
    Text {
        /// The key or part of the file.
        part: String,
    },
    /// A token of the tokenizer is not one.
    #[error("tokenizer.ggml.tokens: token {index} {problem}: {got:?}")]
    Token {
        /// The number of the token.
        index: usize,
        /// The reason for the refusal.
        problem: &'static str,
        /// The token.
        got: String,
    },
    /// The file ends too early.
    #[error("the file ends inside {part}: {need} more bytes are needed, {left} are left")]
    Truncated {
        /// The key, tensor or part of the file.
        part: String,
        /// Bytes that must follow.
        need: u64,
        /// Bytes that are left in the file.
        left: u64,
    },
    /// A key has a value that this version does not read.
    #[error("key {key} must be {expected}, got {got}")]
    Value {
        /// The name of the key.
        key: String,
        /// The values that are read.
        expected: &'static str,
        /// The value in the file, described.
        got: String,
    },
    /// A value is of a type that GGUF does not have.
    #[error("{part}: GGUF has no type of values {got}")]
    ValueType {
        /// The key of the value.
        part: String,
        /// The number of the type.
        got: u32,
    },
    /// The file is of another version.
    #[error("GGUF of version 2 or 3, little-endian, is read; the file has version {got}")]
    Version {
        /// The version in the file.
        got: u32,
    },
}

impl GgufError {
    /// Returns the error of a reader that needs a key which is absent.
    #[must_use]
    pub fn missing_key(key: &str) -> Self {
        Self::MissingKey { key: shorten(key) }
    }

    pub(super) fn value(key: &str, expected: &'static str, got: impl Into<String>) -> Self {
        Self::Value { key: shorten(key), expected, got: shorten(&got.into()) }
    }
}

/// Returns what a download left in the place of a file that starts so, and what to do; `None` if it
/// may be the file.
#[must_use]
pub fn download_problem(start: &[u8]) -> Option<&'static str> {
    let pointer = b"version https://git-lfs";
    let is = |whole: &[u8], least: usize| {
        start.len() >= least && start.iter().zip(whole).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    if is(pointer, 4) {
        return Some(
            "is a pointer of Git LFS, not the file itself: run `git lfs pull` in its folder, or \
             download it again",
        );
    }
    (is(b"<!doctype html", 4) || is(b"<html", 4))
        .then_some("is a web page, not the file itself: download it again")
}

/// Cuts a text from the file, so that a message stays readable.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}
