use core::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use crate::tokenizer::TokenizerError;

/// A part of a file: steps that follow each other.
#[derive(Clone, Debug)]
pub(crate) struct Part<S>(Vec<S>);

/// A step of a part, with the fields of its type.
pub(crate) trait Step: DeserializeOwned + fmt::Debug + Serialize {
    /// The field of the part.
    const PART: &'static str;
    /// The field of a sequence that lists its steps.
    const LIST: &'static str;
    /// Most steps, and most sequences of them: somewhat more than published files have.
    const MAX: usize;
    /// Whether a sequence of no steps is the same as no part.
    const MAY_BE_EMPTY: bool;

    /// Returns whether a part has one step at most of those for which this holds.
    fn is_once(&self) -> bool;
}

impl<S: Step> Part<S> {
    /// Reads a part, sequences taken apart. The parser bounds the nesting.
    ///
    /// # Errors
    /// [`TokenizerError::TextLength`] if it is long, [`TokenizerError::Step`] for a step of no
    /// known type, with a field that its type has not or without one that it has, and for a
    /// sequence without steps where it is not the same as no part, [`TokenizerError::Steps`] for
    /// too many.
    pub(crate) fn read(raw: Option<&RawValue>) -> Result<Self, TokenizerError> {
        let Some(raw) = raw.map(RawValue::get) else { return Ok(Self(Vec::new())) };
        let (got, max) = (raw.len(), MAX_PART_BYTES);
        if got > max {
            return Err(TokenizerError::TextLength { part: S::PART, got, max });
        }
        let value: Value = serde_json::from_str(raw).map_err(TokenizerError::syntax)?;
        if value.is_null() {
            return Ok(Self(Vec::new()));
        }
        let (mut steps, mut sequences) = (Vec::new(), 0);
        add(value, &mut steps, &mut sequences)?;
        if steps.is_empty() && !S::MAY_BE_EMPTY {
            return Err(TokenizerError::Step { part: S::PART, got: SEQUENCE.to_owned() });
        }
        let repeated = steps.iter().filter(|step: &&S| step.is_once()).count();
        if repeated > 1 {
            return Err(TokenizerError::Steps { part: S::PART, got: repeated, max: 1 });
        }
        Ok(Self(steps))
    }

    /// Returns the part as the crate has it; `None` without steps.
    pub(crate) fn of_the_crate<C: DeserializeOwned>(&self) -> Result<Option<C>, TokenizerError> {
        match self.0.as_slice() {
            [] => Ok(None),
            [step] => of_the_crate(step).map(Some),
            steps => of_the_crate(&json!({"type": SEQUENCE, S::LIST: steps})).map(Some),
        }
    }
}

/// Returns a step as the crate has it.
pub(crate) fn of_the_crate<C: DeserializeOwned>(
    step: &impl Serialize,
) -> Result<C, TokenizerError> {
    let value = serde_json::to_value(step).map_err(TokenizerError::syntax)?;
    serde_json::from_value(value).map_err(TokenizerError::syntax)
}

impl<S> Part<S> {
    pub(crate) fn steps(&self) -> &[S] {
        &self.0
    }
}

/// Adds a step, or those of a sequence.
fn add<S: Step>(
    value: Value,
    steps: &mut Vec<S>,
    sequences: &mut usize,
) -> Result<(), TokenizerError> {
    let name = value["type"].as_str().unwrap_or_default();
    let got = name.chars().take(64).collect();
    let refused = TokenizerError::Step { part: S::PART, got };
    if name == SEQUENCE {
        *sequences += 1;
        let Sequence(list) = Sequence::read::<S>(value).ok_or(refused)?;
        for step in list {
            add(step, steps, sequences)?;
        }
    } else {
        steps.push(serde_json::from_value(value).map_err(|_| refused)?);
    }
    let got = steps.len().max(*sequences);
    if got > S::MAX {
        return Err(TokenizerError::Steps { part: S::PART, got, max: S::MAX });
    }
    Ok(())
}

struct Sequence(Vec<Value>);

impl Sequence {
    /// An object of a type and a list, and no more.
    fn read<S: Step>(mut value: Value) -> Option<Self> {
        let fields = value.as_object_mut().filter(|fields| fields.len() == 2)?;
        let Value::Array(list) = fields.remove(S::LIST)? else { return None };
        Some(Self(list))
    }
}

/// What a step looks for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Pattern {
    Regex(String),
    String(String),
}

/// How bytes are spelled as characters, and characters as bytes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByteLevel {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) add_prefix_space: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trim_offsets: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) use_regex: Option<bool>,
}

/// How spaces are marked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metaspace {
    pub(crate) replacement: char,
    #[serde(skip_serializing_if = "Option::is_none")]
    prepend_scheme: Option<PrependScheme>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_prefix_space: Option<bool>,
    /// The same as `replacement`, in older files.
    #[serde(rename = "str_rep", skip_serializing)]
    _str_rep: Option<char>,
}

/// Where a text gets a mark that it does not have.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum PrependScheme {
    Always,
    First,
    Never,
}

/// The type of a step that lists others.
const SEQUENCE: &str = "Sequence";

/// Most bytes of a part as it is written; the character map of XLM-R has 320,000.
const MAX_PART_BYTES: usize = 1 << 19;

#[cfg(test)]
mod tests {
    use super::{
        super::{Decoder, Normalizer, PostProcessor, PreTokenizer},
        *,
    };

    fn read<S: Step>(value: &Value) -> Result<Part<S>, TokenizerError> {
        let json = value.to_string();
        Part::read(Some(serde_json::from_str(&json).unwrap()))
    }

    fn written<S: Step>(part: &Part<S>) -> Vec<Value> {
        part.steps().iter().map(|step| serde_json::to_value(step).unwrap()).collect()
    }

    /// A step of each type with all of its fields.
    fn normalizers() -> Vec<Value> {
        vec![
            json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": false}),
            json!({"type": "ByteLevel"}),
            json!({"type": "Lowercase"}),
            json!({"type": "NFC"}),
            json!({"type": "NFD"}),
            json!({"type": "NFKC"}),
            json!({"type": "NFKD"}),
            json!({"type": "Nmt"}),
            json!({"type": "Precompiled", "precompiled_charsmap": ""}),
            json!({"type": "Prepend", "prepend": "a"}),
            json!({"type": "Replace", "pattern": {"String": "a"}, "content": "b"}),
            json!({"type": "Strip", "strip_left": true, "strip_right": false}),
            json!({"type": "StripAccents"}),
        ]
    }

    fn byte_level() -> Value {
        json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": false})
    }

    fn metaspace() -> Value {
        json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always",
            "split": true, "add_prefix_space": true})
    }

    fn pre_tokenizers() -> Vec<Value> {
        vec![
            json!({"type": "BertPreTokenizer"}),
            byte_level(),
            json!({"type": "Digits", "individual_digits": true}),
            metaspace(),
            json!({"type": "Punctuation", "behavior": "Isolated"}),
            json!({"type": "Split", "pattern": {"Regex": "a"}, "behavior": "MergedWithNext",
                "invert": false}),
            json!({"type": "Whitespace"}),
            json!({"type": "WhitespaceSplit"}),
        ]
    }

    fn post_processors() -> Vec<Value> {
        vec![
            json!({"type": "BertProcessing", "sep": ["b", 3], "cls": ["a", 2]}),
            byte_level(),
            json!({"type": "RobertaProcessing", "sep": ["b", 3], "cls": ["a", 2],
                "trim_offsets": true, "add_prefix_space": false}),
            json!({"type": "TemplateProcessing",
                "single": [{"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"SpecialToken": {"id": "a", "type_id": 0}}],
                "special_tokens": {"a": {"id": "a", "ids": [0], "tokens": ["a"]}}}),
        ]
    }

    fn decoders() -> Vec<Value> {
        vec![
            json!({"type": "BPEDecoder", "suffix": "</w>"}),
            json!({"type": "ByteFallback"}),
            byte_level(),
            json!({"type": "Fuse"}),
            metaspace(),
            json!({"type": "Replace", "pattern": {"Regex": "a"}, "content": "b"}),
            json!({"type": "Strip", "content": "a", "start": 1, "stop": 0}),
            json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
        ]
    }

    fn a_step_has_the_fields_of_its_type_and_no_other<S: Step>(steps: &[Value]) {
        let fields = |step: &Value| step.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let all: Vec<String> =
            steps.iter().flat_map(fields).chain([S::LIST.to_owned(), "x".to_owned()]).collect();
        for step in steps {
            let expected = core::slice::from_ref(step);
            assert_eq!(written(&read::<S>(step).unwrap()), expected);
            let empty = json!({"type": "Sequence", S::LIST: []});
            let nested = json!({"type": "Sequence", S::LIST: [step, empty]});
            assert_eq!(written(&read::<S>(&nested).unwrap()), expected);
            let name = step["type"].as_str().unwrap().to_owned();
            let refused = TokenizerError::Step { part: S::PART, got: name };
            for other in all.iter().filter(|field| step.get(field).is_none()) {
                let mut hidden = step.clone();
                hidden[other] = json!([]);
                assert_eq!(read::<S>(&hidden).unwrap_err(), refused, "{hidden}");
            }
            for field in fields(step) {
                let mut wrong = step.clone();
                wrong[&field] = json!({"a": []});
                assert!(read::<S>(&wrong).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn steps_have_the_fields_of_their_type_and_no_other() {
        a_step_has_the_fields_of_its_type_and_no_other::<Normalizer>(&normalizers());
        a_step_has_the_fields_of_its_type_and_no_other::<PreTokenizer>(&pre_tokenizers());
        a_step_has_the_fields_of_its_type_and_no_other::<PostProcessor>(&post_processors());
        a_step_has_the_fields_of_its_type_and_no_other::<Decoder>(&decoders());
    }

    fn a_step_without_a_known_type_is_refused<S: Step>() {
        for step in [
            json!({}),
            json!([]),
            json!("NFC"),
            json!({"type": "Bert", "lowercase": true}),
            json!({"type": "Foo"}),
            json!({"suffix": "</w>"}),
            json!({"type": "Sequence"}),
            json!({"type": "Sequence", S::LIST: {}}),
            json!({"type": "Sequence", S::LIST: [], "content": "a"}),
            json!({S::LIST: []}),
        ] {
            let error = read::<S>(&step).unwrap_err();
            assert!(matches!(error, TokenizerError::Step { .. }), "{}: {step}", S::PART);
        }
        let empty = json!({"type": "Sequence", S::LIST: []});
        for step in [json!({"type": "Sequence", S::LIST: [empty]}), empty] {
            let steps = read::<S>(&step).map(|part| part.steps().len()).ok();
            assert_eq!(steps, S::MAY_BE_EMPTY.then_some(0), "{}", S::PART);
        }
        assert!(read::<S>(&Value::Null).unwrap().steps().is_empty());
        assert!(Part::<S>::read(None).unwrap().steps().is_empty());
    }

    #[test]
    fn steps_without_a_known_type_are_refused() {
        a_step_without_a_known_type_is_refused::<Normalizer>();
        a_step_without_a_known_type_is_refused::<PreTokenizer>();
        a_step_without_a_known_type_is_refused::<PostProcessor>();
        a_step_without_a_known_type_is_refused::<Decoder>();
    }

    fn steps_of_a_part_are_few<S: Step>(all: &[Value]) {
        let list = |steps: Vec<Value>| json!({"type": "Sequence", S::LIST: steps});
        let is_once = |step: &&Value| read::<S>(step).unwrap().steps()[0].is_once();
        let plain = all.iter().find(|step| !is_once(step)).unwrap();
        assert!(read::<S>(&list(vec![plain.clone(); S::MAX])).is_ok());
        let many = TokenizerError::Steps { part: S::PART, got: S::MAX + 1, max: S::MAX };
        assert_eq!(read::<S>(&list(vec![plain.clone(); S::MAX + 1])).unwrap_err(), many);
        let mut nested = plain.clone();
        for _ in 0..S::MAX {
            nested = list(vec![nested]);
        }
        assert!(read::<S>(&nested).is_ok());
        assert_eq!(read::<S>(&list(vec![nested])).unwrap_err(), many);
        for step in all.iter().filter(is_once) {
            let twice = TokenizerError::Steps { part: S::PART, got: 2, max: 1 };
            assert_eq!(read::<S>(&list(vec![step.clone(); 2])).unwrap_err(), twice);
        }
    }

    #[test]
    fn steps_are_few() {
        steps_of_a_part_are_few::<Normalizer>(&normalizers());
        steps_of_a_part_are_few::<PreTokenizer>(&pre_tokenizers());
        steps_of_a_part_are_few::<PostProcessor>(&post_processors());
        steps_of_a_part_are_few::<Decoder>(&decoders());
    }

    /// As in Command R+.
    #[test]
    fn a_template_may_keep_the_fields_of_a_byte_level() {
        let template = post_processors().pop().unwrap();
        let mut kept = template.clone();
        for field in ["add_prefix_space", "trim_offsets", "use_regex"] {
            kept[field] = json!(true);
        }
        assert_eq!(written(&read::<PostProcessor>(&kept).unwrap()), [template]);
    }

    #[test]
    fn a_long_part_is_not_read() {
        let long = json!({"type": "Prepend", "prepend": "a".repeat(MAX_PART_BYTES)});
        let got = long.to_string().len();
        let error = TokenizerError::TextLength { part: "normalizer", got, max: MAX_PART_BYTES };
        assert_eq!(read::<Normalizer>(&long).unwrap_err(), error);
    }
}
