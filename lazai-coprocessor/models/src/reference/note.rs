use core::fmt;

/// What a user of a checkpoint should know that is no reason to refuse it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Note {
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
    /// A sliding window ends the context.
    Window {
        /// Positions of the window.
        window: u32,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
            Self::OwnHead { tensor } => {
                write!(formatter, "{tensor} differs from the embedding and is the head")
            }
            Self::SentenceLength { file, length } => {
                write!(formatter, "{file} ends texts at {length} tokens")
            }
            Self::Window { window } => {
                write!(formatter, "a sliding window of {window} positions ends the context")
            }
        }
    }
}
