/// Why a `tokenizer.json` was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenizerError {
    /// Nothing is left of an added token when it is normalized, so that it is found everywhere.
    #[error("nothing is left of added token {token} when it is normalized")]
    AddedEmpty {
        /// The token.
        token: u32,
    },
    /// Two added tokens are one text when they are normalized, so that one is read at random.
    #[error("added tokens {first} and {second} are both {text:?} when they are normalized")]
    AddedTwice {
        /// The smaller token.
        first: u32,
        /// The larger token.
        second: u32,
        /// Their text.
        text: String,
    },
    /// Bytes stand for what no piece covers, and each character has a prefix or suffix, which would
    /// become bytes as well.
    #[error("tokenizer.json has a byte_fallback beside a prefix or suffix; remove one of the two")]
    AffixBytes,
    /// Two texts have one token, so that it would be decoded at random.
    #[error("the tokens of tokenizer.json are not unique: {texts} texts have {tokens} tokens")]
    Ambiguous {
        /// Texts of the vocabulary.
        texts: usize,
        /// The number of tokens found.
        tokens: usize,
    },
    /// It merges at random, so that two machines would read two texts.
    #[error("tokenizer.json has a dropout; remove it, because it makes tokens random")]
    Dropout,
    /// The scores of a unigram model are floats, or integers of another scale.
    #[error(
        "the scores of tokenizer.json are no integers of {bits} fraction bits; convert it again"
    )]
    FloatScores {
        /// The fraction bits of a score.
        bits: u32,
    },
    /// A part of it makes more of a text than an honest tokenizer does.
    #[error("the {part} of tokenizer.json can make a text {got} times longer; at most {max}")]
    Growth {
        /// The part.
        part: &'static str,
        /// Bytes that it may make of one.
        got: u64,
        /// The limit.
        max: u64,
    },
    /// An added token of white space takes in the white space beside it, over and over.
    #[error("token {token} of tokenizer.json is white space and has lstrip or rstrip")]
    AddedSpaces {
        /// The token.
        token: u32,
    },
    /// A step of the decoder that needs a token follows one that may leave none.
    #[error("the step {step} of the decoder of tokenizer.json must be the first")]
    LateStep {
        /// The type of the step.
        step: &'static str,
    },
    /// A merge of a BPE model with a prefix does not start with it.
    #[error("merge {index} does not start with the continuing_subword_prefix")]
    Merge {
        /// The merge.
        index: usize,
    },
    /// A pattern is searched by taking steps back, of which there may be many, looks far behind
    /// what it finds, or is long.
    #[error(
        "the pattern {got:?} of tokenizer.json looks around or far ahead, refers back, or is long"
    )]
    Pattern {
        /// The pattern, cut to 64 characters.
        got: String,
    },
    /// A score is out of range.
    #[error("the score of piece {index} is {got}, beyond {max} either way")]
    Score {
        /// The piece.
        index: usize,
        /// Its score.
        got: i64,
        /// The limit.
        max: i64,
    },
    /// A step of a part has no type that is known, or a field that its type has not.
    #[error("a step {got:?} of the {part} of tokenizer.json has another form than its type")]
    Step {
        /// The part.
        part: &'static str,
        /// The type of the step, cut to 64 characters.
        got: String,
    },
    /// A part has too many steps, or too many that make a text longer or search it.
    #[error("the {part} of tokenizer.json has {got} steps of which there may be {max}")]
    Steps {
        /// The part.
        part: &'static str,
        /// The steps found.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// It does not parse.
    #[error("tokenizer.json does not parse: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// A part, or a text of one, is too long, so that it would be copied or searched for at length.
    #[error("the {part} of tokenizer.json has {got} bytes, above the limit {max}")]
    TextLength {
        /// The part or field.
        part: &'static str,
        /// The bytes found.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// A token is too long, so that decoding a few would fill the memory.
    #[error("token {token} has {got} bytes, above the limit {max}")]
    TokenLength {
        /// The token.
        token: u32,
        /// The bytes found.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// It is too large.
    #[error("tokenizer.json has {got} bytes, above the limit {max}")]
    TooLarge {
        /// The bytes found.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// This program was built with other Unicode tables than those of the specification.
    #[error("this build has other {table} than Unicode {} needs", super::unicode::VERSION)]
    Unicode {
        /// What the table tells.
        table: &'static str,
    },
    /// The unknown token is none of the pieces.
    #[error("unk_id is {got}, but there are {pieces} pieces")]
    UnknownId {
        /// The token.
        got: u32,
        /// Pieces of the model.
        pieces: usize,
    },
    /// It makes tokens that the model does not have.
    #[error("tokenizer.json has token {got}, but the vocabulary of the model has {vocabulary}")]
    Vocabulary {
        /// The largest token.
        got: u32,
        /// Tokens of the model.
        vocabulary: u32,
    },
    /// It looks for pieces in words so long that reading one takes minutes.
    #[error("max_input_chars_per_word is {got}, above the limit {max}")]
    WordLength {
        /// Characters of a word.
        got: u64,
        /// The limit.
        max: u64,
    },
}

impl TokenizerError {
    /// Tells what does not parse.
    pub(super) fn syntax(error: impl core::fmt::Display) -> Self {
        Self::Syntax { message: error.to_string() }
    }

    /// Refuses a pattern.
    pub(super) fn pattern(pattern: &str) -> Self {
        Self::Pattern { got: pattern.chars().take(64).collect() }
    }
}
