use serde::{Deserialize, Serialize};

use super::{ByteLevel, Metaspace, Pattern, Step};

/// What makes a text of tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum Decoder {
    #[serde(rename = "BPEDecoder")]
    BytePairs {
        suffix: String,
    },
    ByteFallback {},
    ByteLevel(ByteLevel),
    Fuse {},
    Metaspace(Metaspace),
    Replace {
        pattern: Pattern,
        content: String,
    },
    Strip {
        content: char,
        start: usize,
        stop: usize,
    },
    WordPiece {
        prefix: String,
        cleanup: bool,
    },
}

impl Step for Decoder {
    const PART: &'static str = "decoder";
    const LIST: &'static str = "decoders";
    const MAX: usize = 5;
    // Without a decoder tokens are joined by spaces.
    const MAY_BE_EMPTY: bool = false;

    /// It looks for spaces to take away in each token.
    fn is_once(&self) -> bool {
        matches!(self, Self::WordPiece { .. })
    }
}
