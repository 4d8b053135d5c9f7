use serde::{Deserialize, Serialize};
use tokenizers::SplitDelimiterBehavior;

use super::{ByteLevel, Metaspace, Pattern, Step};

/// What splits a text into words.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum PreTokenizer {
    #[serde(rename = "BertPreTokenizer")]
    Bert {},
    ByteLevel(ByteLevel),
    Digits {
        individual_digits: bool,
    },
    Metaspace(Metaspace),
    Punctuation {
        #[serde(skip_serializing_if = "Option::is_none")]
        behavior: Option<Behavior>,
    },
    Split {
        pattern: Pattern,
        behavior: Behavior,
        invert: bool,
    },
    Whitespace {},
    WhitespaceSplit {},
}

/// What becomes of that at which a text is cut.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum Behavior {
    Contiguous,
    Isolated,
    MergedWithNext,
    MergedWithPrevious,
    Removed,
}

impl Behavior {
    pub(crate) const fn of_the_crate(self) -> SplitDelimiterBehavior {
        match self {
            Self::Contiguous => SplitDelimiterBehavior::Contiguous,
            Self::Isolated => SplitDelimiterBehavior::Isolated,
            Self::MergedWithNext => SplitDelimiterBehavior::MergedWithNext,
            Self::MergedWithPrevious => SplitDelimiterBehavior::MergedWithPrevious,
            Self::Removed => SplitDelimiterBehavior::Removed,
        }
    }
}

impl Step for PreTokenizer {
    const PART: &'static str = "pre_tokenizer";
    const LIST: &'static str = "pretokenizers";
    const MAX: usize = 8;
    const MAY_BE_EMPTY: bool = true;

    /// Each makes more of the text that the one before has made.
    fn is_once(&self) -> bool {
        matches!(self, Self::ByteLevel(_) | Self::Metaspace(_))
    }
}
