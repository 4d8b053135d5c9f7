use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ByteLevel, Step};

/// What adds tokens around a text.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum PostProcessor {
    BertProcessing {
        sep: (String, u32),
        cls: (String, u32),
    },
    ByteLevel(ByteLevel),
    RobertaProcessing {
        sep: (String, u32),
        cls: (String, u32),
        trim_offsets: bool,
        add_prefix_space: bool,
    },
    TemplateProcessing {
        single: Vec<TemplatePiece>,
        pair: Vec<TemplatePiece>,
        special_tokens: BTreeMap<String, SpecialToken>,
        /// Those of a byte level, which some files leave in place; they mean nothing here.
        #[serde(rename = "add_prefix_space", skip_serializing)]
        _add_prefix_space: Option<bool>,
        #[serde(rename = "trim_offsets", skip_serializing)]
        _trim_offsets: Option<bool>,
        #[serde(rename = "use_regex", skip_serializing)]
        _use_regex: Option<bool>,
    },
}

/// A text, or tokens, in a template.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum TemplatePiece {
    Sequence(Named<Text>),
    SpecialToken(Named<String>),
}

/// What is named, and the type of its tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named<T> {
    pub(crate) id: T,
    type_id: u32,
}

/// Which of two texts.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum Text {
    A,
    B,
}

/// Tokens that a template puts for a name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpecialToken {
    id: String,
    pub(crate) ids: Vec<u32>,
    pub(crate) tokens: Vec<String>,
}

impl Step for PostProcessor {
    const PART: &'static str = "post_processor";
    const LIST: &'static str = "processors";
    const MAX: usize = 3;
    const MAY_BE_EMPTY: bool = false;

    fn is_once(&self) -> bool {
        matches!(self, Self::TemplateProcessing { .. })
    }
}
