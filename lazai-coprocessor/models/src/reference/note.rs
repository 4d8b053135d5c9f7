use core::fmt;

/// What a user of a checkpoint should know that is no reason to refuse it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Note {
    /// A file asks for ways to choose tokens that an artifact does not keep: each request says its
    /// own.
    Choices {
        /// The file that says so.
        file: &'static str,
        /// The fields with their values.
        choices: Vec<String>,
    },
    /// The checkpoint has more positions than are read.
    Context {
        /// Positions of the checkpoint.
        positions: u64,
        /// Positions that are read.
        context: u32,
    },
    /// Tokens of the tokenizer that the embedding has no row for are left out.
    DroppedTokens {
        /// The texts of the first few tokens, cut.
        tokens: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// The first row is pooled of a network in which it has seen the first token alone.
    FirstRow,
    /// There is no projection to scores, so the model only embeds.
    NoHead,
    /// The folder names a class of tokenizers that is not known to read `tokenizer.json` as it
    /// stands.
    OtherTokenizerClass {
        /// The class, cut.
        class: String,
    },
    /// The projection to scores is said to be the embedding, but differs from it.
    OwnHead {
        /// The tensor of the projection.
        tensor: String,
    },
    /// The folder of a sentence encoder limits the length of a text.
    SentenceLength {
        /// The file that says so.
        file: &'static str,
        /// Most tokens of a text.
        length: u32,
    },
    /// The tool of the folder removes spaces before marks when it writes a text.
    Spaces,
    /// A sentence encoder has texts to be written before others.
    Prompts {
        /// Their names.
        names: Vec<String>,
    },
    /// The class of tokenizers that the folder's tool takes has a part of its own, which differs
    /// from that of `tokenizer.json`.
    TokenizerClass {
        /// The class.
        class: String,
        /// What differs.
        part: &'static str,
    },
    /// Scores of a unigram tokenizer had to be rounded, so that other ways may win where several
    /// are equally likely.
    RoundedScores {
        /// How many there are.
        count: usize,
    },
    /// The folder of a sentence encoder does not normalize its vectors.
    UnitVectors,
    /// A file of a sentence encoder is read, though no `modules.json` names it.
    Unlisted {
        /// The file.
        file: &'static str,
    },
    /// A sliding window ends the context.
    Window {
        /// Positions of the window.
        window: u32,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choices { file, choices } => {
                write!(formatter, "each request chooses its own of what {file} says: ")?;
                formatter.write_str(&choices.join(", "))
            }
            Self::Context { positions, context } => {
                write!(formatter, "of the checkpoint's {positions} positions, {context} are read")
            }
            Self::DroppedTokens { tokens, count } => {
                let more = if *count > tokens.len() { ", .." } else { "" };
                let tokens = tokens.join(" ");
                write!(
                    formatter,
                    "{count} tokens beyond the vocabulary are read as letters: {tokens}{more}"
                )
            }
            Self::FirstRow => formatter.write_str(
                "the first row of a decoder depends on the first token alone; the model only embeds",
            ),
            Self::NoHead => formatter.write_str("without lm_head.weight the model only embeds"),
            Self::OtherTokenizerClass { class } => {
                write!(formatter, "tokenizer.json is read; {class} of transformers 5 may read texts by rules of its own")
            }
            Self::OwnHead { tensor } => {
                write!(formatter, "{tensor} differs from the embedding and is the head")
            }
            Self::SentenceLength { file, length } => {
                write!(formatter, "{file} ends texts at {length} tokens")
            }
            Self::Spaces => formatter.write_str(
                "clean_up_tokenization_spaces is not followed: texts keep spaces before marks",
            ),
            Self::Prompts { names } => write!(
                formatter,
                "prompts are part of a text here: write those of {} before it",
                names.join(", ")
            ),
            Self::TokenizerClass { class, part } => {
                write!(formatter, "tokenizer.json is read; {class} of transformers 5 has its own rule for {part}")
            }
            Self::RoundedScores { count } => {
                write!(formatter, "{count} scores of pieces were rounded to 24 fraction bits")
            }
            Self::UnitVectors => {
                formatter.write_str("the folder's own vectors have any length; here it is 1")
            }
            Self::Unlisted { file } => {
                write!(formatter, "{file} is read, without a modules.json that names it")
            }
            Self::Window { window } => {
                write!(formatter, "a sliding window of {window} positions ends the context")
            }
        }
    }
}
