use serde::{Deserialize, Serialize};

use super::{Pattern, Step};

/// What changes a text before it is split.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum Normalizer {
    #[serde(rename = "BertNormalizer")]
    Bert {
        clean_text: bool,
        handle_chinese_chars: bool,
        strip_accents: Option<bool>,
        lowercase: bool,
    },
    ByteLevel {},
    Lowercase {},
    #[serde(rename = "NFC")]
    Nfc {},
    #[serde(rename = "NFD")]
    Nfd {},
    #[serde(rename = "NFKC")]
    Nfkc {},
    #[serde(rename = "NFKD")]
    Nfkd {},
    Nmt {},
    Precompiled {
        precompiled_charsmap: String,
    },
    Prepend {
        prepend: String,
    },
    Replace {
        pattern: Pattern,
        content: String,
    },
    Strip {
        strip_left: bool,
        strip_right: bool,
    },
    StripAccents {},
}

impl Step for Normalizer {
    const PART: &'static str = "normalizer";
    const LIST: &'static str = "normalizers";
    const MAX: usize = 8;
    const MAY_BE_EMPTY: bool = true;

    fn is_once(&self) -> bool {
        matches!(self, Self::ByteLevel {})
    }
}
