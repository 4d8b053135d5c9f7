//! The steps of the parts of a `tokenizer.json`, by exact form.
//!
//! The crate decides by the type what a step is and passes over fields that it does not know. So a
//! rule that looked at a field, or passed over a type, would speak of another step than the one
//! that runs.

use serde_json::Value;

use super::TokenizerError;

/// A part of a `tokenizer.json` that is made of steps.
#[derive(Debug)]
pub(super) struct Part {
    /// Its field.
    pub(super) name: &'static str,
    /// The field of a sequence that lists its steps.
    list: &'static str,
    /// The types of its steps, each with its fields.
    forms: &'static [(&'static str, &'static [&'static str])],
    /// Most steps, and most sequences of them: somewhat more than published files have.
    max: usize,
    /// Types of which there is one step at most, together.
    once: &'static [&'static str],
}

impl Part {
    /// Lists the steps of `value` in order, sequences taken apart. The parser bounds the nesting.
    ///
    /// # Errors
    /// [`TokenizerError::Step`] for one of another form, [`TokenizerError::Steps`] for too many.
    pub(super) fn steps(&self, value: &Value) -> Result<Vec<Value>, TokenizerError> {
        let (mut steps, mut sequences) = (Vec::new(), 0);
        self.add(value, &mut steps, &mut sequences)?;
        let once = |step: &&Value| self.once.iter().any(|name| step["type"] == *name);
        let repeated = steps.iter().filter(once).count();
        for (got, max) in [(steps.len(), self.max), (sequences, self.max), (repeated, 1)] {
            if got > max {
                return Err(TokenizerError::Steps { part: self.name, got, max });
            }
        }
        Ok(steps)
    }

    fn add(
        &self,
        value: &Value,
        steps: &mut Vec<Value>,
        sequences: &mut usize,
    ) -> Result<(), TokenizerError> {
        if value.is_null() {
            return Ok(());
        }
        let name = value["type"].as_str().unwrap_or_default();
        let refused = || {
            let got = name.chars().take(64).collect();
            TokenizerError::Step { part: self.name, got }
        };
        let fields = value.as_object().ok_or_else(refused)?;
        let others = fields.keys().filter(|field| *field != "type");
        if name == "Sequence" {
            let nested = value[self.list].as_array().ok_or_else(refused)?;
            if others.count() != 1 {
                return Err(refused());
            }
            *sequences += 1;
            return nested.iter().try_for_each(|step| self.add(step, steps, sequences));
        }
        let (_, known) = self.forms.iter().find(|form| form.0 == name).ok_or_else(refused)?;
        if !others.into_iter().all(|field| known.contains(&field.as_str())) {
            return Err(refused());
        }
        steps.push(value.clone());
        Ok(())
    }
}

/// What changes a text before it is split.
pub(super) const NORMALIZER: Part = Part {
    name: "normalizer",
    list: "normalizers",
    forms: &[
        ("BertNormalizer", &["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"]),
        ("ByteLevel", &[]),
        ("Lowercase", &[]),
        ("NFC", &[]),
        ("NFD", &[]),
        ("NFKC", &[]),
        ("NFKD", &[]),
        ("Nmt", &[]),
        ("Precompiled", &["precompiled_charsmap"]),
        ("Prepend", &["prepend"]),
        ("Replace", &["pattern", "content"]),
        ("Strip", &["strip_left", "strip_right"]),
        ("StripAccents", &[]),
    ],
    max: 8,
    once: &["ByteLevel"],
};

/// What splits a text into words.
pub(super) const PRE_TOKENIZER: Part = Part {
    name: "pre_tokenizer",
    list: "pretokenizers",
    forms: &[
        ("BertPreTokenizer", &[]),
        ("ByteLevel", &["add_prefix_space", "trim_offsets", "use_regex"]),
        ("CharDelimiterSplit", &["delimiter"]),
        ("Digits", &["individual_digits"]),
        ("FixedLength", &["length"]),
        ("Metaspace", &["replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"]),
        ("Punctuation", &["behavior"]),
        ("Split", &["pattern", "behavior", "invert"]),
        ("UnicodeScripts", &[]),
        ("Whitespace", &[]),
        ("WhitespaceSplit", &[]),
    ],
    max: 8,
    // Each makes more of the text that the one before has made.
    once: &["ByteLevel", "Metaspace"],
};

/// What adds tokens around a text.
pub(super) const POST_PROCESSOR: Part = Part {
    name: "post_processor",
    list: "processors",
    forms: &[
        ("BertProcessing", &["sep", "cls"]),
        ("ByteLevel", &["add_prefix_space", "trim_offsets", "use_regex"]),
        ("RobertaProcessing", &["sep", "cls", "trim_offsets", "add_prefix_space"]),
        ("TemplateProcessing", &["single", "pair", "special_tokens"]),
    ],
    max: 3,
    once: &["TemplateProcessing"],
};

/// What makes a text of tokens.
pub(super) const DECODER: Part = Part {
    name: "decoder",
    list: "decoders",
    forms: &[
        ("BPEDecoder", &["suffix"]),
        ("ByteFallback", &[]),
        ("ByteLevel", &["add_prefix_space", "trim_offsets", "use_regex"]),
        ("CTC", &["pad_token", "word_delimiter_token", "cleanup"]),
        ("Fuse", &[]),
        ("Metaspace", &["replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"]),
        ("Replace", &["pattern", "content"]),
        ("Strip", &["content", "start", "stop"]),
        ("WordPiece", &["prefix", "cleanup"]),
    ],
    max: 5,
    // They look for spaces to take away in each token.
    once: &["CTC", "WordPiece"],
};

#[cfg(test)]
mod tests {
    use core::slice;

    use serde_json::json;

    use super::*;

    const PARTS: [Part; 4] = [NORMALIZER, PRE_TOKENIZER, POST_PROCESSOR, DECODER];

    #[test]
    fn a_step_has_the_fields_of_its_type_and_no_other() {
        for part in PARTS {
            for (name, fields) in part.forms {
                let mut step = json!({"type": name});
                for field in *fields {
                    step[*field] = json!(0);
                }
                assert_eq!(part.steps(&step).unwrap(), slice::from_ref(&step));
                let nested = json!({"type": "Sequence", part.list: [step, {"type": "Sequence", part.list: []}]});
                assert_eq!(part.steps(&nested).unwrap(), slice::from_ref(&step));
                let others = part.forms.iter().flat_map(|form| form.1).chain([&part.list, &"x"]);
                for other in others.filter(|other| !fields.contains(*other)) {
                    let mut hidden = step.clone();
                    hidden[*other] = json!([]);
                    let refused = TokenizerError::Step { part: part.name, got: (*name).to_owned() };
                    assert_eq!(part.steps(&hidden).unwrap_err(), refused, "{hidden}");
                }
            }
            assert!(part.steps(&Value::Null).unwrap().is_empty());
        }
    }

    #[test]
    fn a_step_without_a_known_type_is_refused() {
        for part in PARTS {
            for step in [
                json!({}),
                json!([]),
                json!("NFC"),
                json!({"type": "Bert", "lowercase": true}),
                json!({"type": "Foo"}),
                json!({"suffix": "</w>"}),
                json!({"type": "Sequence"}),
                json!({"type": "Sequence", part.list: {}}),
                json!({"type": "Sequence", part.list: [], "content": "a"}),
                json!({part.list: []}),
            ] {
                assert!(part.steps(&step).is_err(), "{}: {step}", part.name);
            }
        }
    }

    #[test]
    fn steps_are_few() {
        for part in PARTS {
            let plain = part.forms.iter().find(|form| !part.once.contains(&form.0)).unwrap().0;
            let list = |name: &str, count| json!({"type": "Sequence", part.list: vec![json!({"type": name}); count]});
            assert!(part.steps(&list(plain, part.max)).is_ok());
            let (got, max) = (part.max + 1, part.max);
            let many = TokenizerError::Steps { part: part.name, got, max };
            assert_eq!(part.steps(&list(plain, got)).unwrap_err(), many);
            for name in part.once {
                assert!(part.steps(&list(name, 1)).is_ok());
                let twice = TokenizerError::Steps { part: part.name, got: 2, max: 1 };
                assert_eq!(part.steps(&list(name, 2)).unwrap_err(), twice);
            }
        }
    }
}
