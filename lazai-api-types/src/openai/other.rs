use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, btree_map::Entry},
    string::String,
};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::RequestError;

/// Fields of a request that its type does not have.
///
/// None is dropped unseen. Some change nothing: a field that is null, one that says what holds
/// anyway, such as `"min_p": 0`, and the few that [`is_ignored`](Self::is_ignored) lists. The rest
/// is kept here, and refused by [`Request::validate`](super::Request::validate) by its name, since
/// nobody would honour it. A server that honours more reads the body by serde, takes what it knows
/// out of here, and validates then.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OtherFields(BTreeMap<String, Value>);

impl OtherFields {
    /// Returns whether a field of this name changes no answer, whatever it says.
    ///
    /// They name a client, a cache, a queue or a log: `prompt_cache_key`, `cache_salt`,
    /// `priority`, `request_id`, `timings_per_token` and their like.
    #[must_use]
    pub fn is_ignored(name: &str) -> bool {
        IGNORED.binary_search(&name).is_ok()
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// The fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn validate(&self) -> Result<(), RequestError> {
        let Some(name) = self.0.keys().next() else { return Ok(()) };
        Err(match KNOWN.binary_search_by_key(&name.as_str(), |(known, _)| known) {
            Ok(place) => RequestError::Unsupported { parameter: KNOWN[place].0 },
            Err(_) => {
                let end = name.floor_char_boundary(MAX_NAME_BYTES);
                RequestError::Unknown { parameter: name[..end].to_owned() }
            }
        })
    }
}

impl<'de> Deserialize<'de> for OtherFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = OtherFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<OtherFields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if OtherFields::is_ignored(&name) {
                map.next_value::<de::IgnoredAny>()?;
                continue;
            }
            let value: Value = map.next_value()?;
            if changes_nothing(&name, &value) {
                continue;
            }
            match fields.entry(name) {
                Entry::Vacant(entry) => entry.insert(value),
                Entry::Occupied(entry) => {
                    let name = entry.key();
                    return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                }
            };
        }
        Ok(OtherFields(fields))
    }
}

fn changes_nothing(name: &str, value: &Value) -> bool {
    let Ok(place) = KNOWN.binary_search_by_key(&name, |(known, _)| known) else {
        return value.is_null();
    };
    let is = |text: &Value, expected| text.as_str() == Some(expected);
    match (KNOWN[place].1, value) {
        (_, Value::Null) => true,
        (Neutral::Empty, Value::Array(items)) => items.is_empty(),
        (Neutral::Empty, Value::Object(fields)) => fields.is_empty(),
        (Neutral::Empty, Value::String(text)) => text.is_empty(),
        (Neutral::Flag(neutral), Value::Bool(flag)) => *flag == neutral,
        (Neutral::Number(neutral), number) => number.as_f64() == Some(neutral.into()),
        (Neutral::Text(neutral), Value::Array(texts)) => texts.iter().all(|text| is(text, neutral)),
        (Neutral::Text(neutral), text) => is(text, neutral),
        (Neutral::Whatever, _) => true,
        _ => false,
    }
}

/// The value of a field that says what holds anyway; null always does.
#[derive(Clone, Copy, Debug)]
enum Neutral {
    /// An empty list, object or text.
    Empty,
    Flag(bool),
    /// None.
    Never,
    Number(i16),
    /// This text, or a list of it alone.
    Text(&'static str),
    /// Every value: it refines another field, whose neutral value turns it off.
    Whatever,
}

/// Fields that change an answer, of the OpenAI API, vLLM, llama.cpp, `SGLang`, Transformers,
/// `OpenRouter` and Ollama; by name.
static KNOWN: &[(&str, Neutral)] = &[
    ("add_generation_prompt", Neutral::Flag(true)),
    ("add_special_tokens", Neutral::Never),
    ("allowed_token_ids", Neutral::Never),
    ("audio", Neutral::Never),
    ("background", Neutral::Flag(false)),
    ("bad_words", Neutral::Empty),
    ("best_of", Neutral::Number(1)),
    ("chat_template", Neutral::Never),
    ("chat_template_kwargs", Neutral::Empty),
    ("continue_final_message", Neutral::Flag(false)),
    ("conversation", Neutral::Never),
    ("do_sample", Neutral::Never),
    ("documents", Neutral::Empty),
    ("dry_allowed_length", Neutral::Whatever),
    ("dry_base", Neutral::Whatever),
    ("dry_multiplier", Neutral::Number(0)),
    ("dry_penalty_last_n", Neutral::Whatever),
    ("dry_sequence_breakers", Neutral::Whatever),
    ("dynatemp_exponent", Neutral::Whatever),
    ("dynatemp_range", Neutral::Number(0)),
    ("early_stopping", Neutral::Flag(false)),
    ("ebnf", Neutral::Empty),
    ("echo", Neutral::Flag(false)),
    ("enable_thinking", Neutral::Never),
    ("epsilon_cutoff", Neutral::Number(0)),
    ("eta_cutoff", Neutral::Number(0)),
    ("format", Neutral::Empty),
    ("grammar", Neutral::Empty),
    ("guided_choice", Neutral::Empty),
    ("guided_decoding_backend", Neutral::Whatever),
    ("guided_grammar", Neutral::Empty),
    ("guided_json", Neutral::Empty),
    ("guided_regex", Neutral::Empty),
    ("guided_whitespace_pattern", Neutral::Whatever),
    ("ignore_eos", Neutral::Flag(false)),
    ("image_data", Neutral::Empty),
    ("include", Neutral::Empty),
    ("include_reasoning", Neutral::Flag(true)),
    ("include_stop_str_in_output", Neutral::Flag(false)),
    ("input_prefix", Neutral::Empty),
    ("input_suffix", Neutral::Empty),
    ("json_schema", Neutral::Empty),
    ("length_penalty", Neutral::Number(1)),
    ("logits_processors", Neutral::Empty),
    ("lora", Neutral::Empty),
    ("lora_path", Neutral::Empty),
    ("max_new_tokens", Neutral::Never),
    ("max_tool_calls", Neutral::Never),
    ("min_keep", Neutral::Number(0)),
    ("min_new_tokens", Neutral::Number(0)),
    ("min_p", Neutral::Number(0)),
    ("min_tokens", Neutral::Number(0)),
    ("mirostat", Neutral::Number(0)),
    ("mirostat_eta", Neutral::Whatever),
    ("mirostat_tau", Neutral::Whatever),
    ("mm_processor_kwargs", Neutral::Empty),
    ("modalities", Neutral::Text("text")),
    ("models", Neutral::Empty),
    ("moderation", Neutral::Never),
    ("n_indent", Neutral::Number(0)),
    ("n_keep", Neutral::Number(0)),
    ("n_predict", Neutral::Number(-1)),
    ("n_probs", Neutral::Number(0)),
    ("no_repeat_ngram_size", Neutral::Number(0)),
    ("no_stop_trim", Neutral::Flag(false)),
    ("num_beams", Neutral::Number(1)),
    ("num_predict", Neutral::Number(-1)),
    ("options", Neutral::Empty),
    ("penalize_nl", Neutral::Flag(false)),
    ("plugins", Neutral::Empty),
    ("post_sampling_probs", Neutral::Flag(false)),
    ("prediction", Neutral::Never),
    ("prompt", Neutral::Never),
    ("prompt_logprobs", Neutral::Never),
    ("reasoning", Neutral::Empty),
    ("reasoning_format", Neutral::Never),
    ("regex", Neutral::Empty),
    ("repeat_last_n", Neutral::Whatever),
    ("repeat_penalty", Neutral::Number(1)),
    ("repetition_penalty", Neutral::Number(1)),
    ("return_hidden_states", Neutral::Flag(false)),
    ("return_token_ids", Neutral::Flag(false)),
    ("return_tokens", Neutral::Flag(false)),
    ("return_tokens_as_token_ids", Neutral::Flag(false)),
    ("route", Neutral::Never),
    ("samplers", Neutral::Never),
    ("skip_special_tokens", Neutral::Flag(true)),
    ("spaces_between_special_tokens", Neutral::Flag(true)),
    ("stop_regex", Neutral::Empty),
    ("stop_sequences", Neutral::Empty),
    ("stop_token_ids", Neutral::Empty),
    ("structural_tag", Neutral::Never),
    ("structured_outputs", Neutral::Empty),
    ("system", Neutral::Empty),
    ("t_max_predict_ms", Neutral::Number(0)),
    ("template", Neutral::Empty),
    ("tfs_z", Neutral::Number(1)),
    ("think", Neutral::Never),
    ("thinking", Neutral::Never),
    ("thinking_budget_tokens", Neutral::Never),
    ("top_a", Neutral::Number(0)),
    ("top_n_sigma", Neutral::Number(-1)),
    ("transforms", Neutral::Empty),
    ("truncate_prompt_tokens", Neutral::Never),
    ("truncation", Neutral::Text("disabled")),
    ("typical", Neutral::Number(1)),
    ("typical_p", Neutral::Number(1)),
    ("use_beam_search", Neutral::Flag(false)),
    ("verbosity", Neutral::Text("medium")),
    ("web_search_options", Neutral::Never),
    ("xtc_probability", Neutral::Number(0)),
    ("xtc_threshold", Neutral::Whatever),
];

/// Fields that change no answer, by name: who asks, what is cached and logged, and how soon it is
/// answered.
static IGNORED: &[&str] = &[
    "cache_prompt",
    "cache_salt",
    "extra_headers",
    "id_slot",
    "keep_alive",
    "metadata",
    "n_cache_reuse",
    "priority",
    "prompt_cache_key",
    "prompt_cache_retention",
    "request_id",
    "return_progress",
    "rid",
    "safety_identifier",
    "service_tier",
    "session_id",
    "store",
    "timings_per_token",
    "trace_id",
    "user",
];

/// Bytes of an unknown name that an error repeats.
const MAX_NAME_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn read(json: &str) -> Result<OtherFields, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn both_tables_are_in_order_and_apart() {
        assert!(KNOWN.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(IGNORED.is_sorted_by(|a, b| a < b));
        assert!(KNOWN.iter().all(|(name, _)| !OtherFields::is_ignored(name)));
    }

    #[test]
    fn whatever_a_field_says_it_is_neutral_ignored_or_kept() {
        for name in IGNORED {
            let json = alloc::format!(r#"{{"{name}":{{"a":[1]}}}}"#);
            assert_eq!(read(&json), Ok(OtherFields::default()), "{name}");
        }
        for (name, neutral) in KNOWN {
            let json = |value: &str| alloc::format!(r#"{{"{name}":{value}}}"#);
            assert_eq!(read(&json("null")), Ok(OtherFields::default()), "{name}");
            let other = match neutral {
                Neutral::Whatever => continue,
                Neutral::Flag(flag) => (!flag).to_string(),
                Neutral::Number(number) => (number + 1).to_string(),
                Neutral::Empty | Neutral::Never | Neutral::Text(_) => r#"["x"]"#.to_owned(),
            };
            let refused = read(&json(&other)).unwrap().validate();
            assert_eq!(refused, Err(RequestError::Unsupported { parameter: name }));
        }
        for neutral in [
            r#"{"min_p":0.0,"repetition_penalty":1,"ignore_eos":false,"stop_token_ids":[]}"#,
            r#"{"modalities":["text"],"verbosity":"medium","top_n_sigma":-1.0,"n_predict":-1}"#,
            r#"{"guided_json":{},"grammar":"","skip_special_tokens":true,"xtc_threshold":0.1}"#,
        ] {
            assert_eq!(read(neutral), Ok(OtherFields::default()), "{neutral}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_and_cut() {
        let refused = read(r#"{"mood":"good"}"#).unwrap().validate();
        assert_eq!(refused, Err(RequestError::Unknown { parameter: "mood".to_owned() }));
        let long = alloc::format!(r#"{{"{}":1}}"#, "é".repeat(100));
        let Err(RequestError::Unknown { parameter }) = read(&long).unwrap().validate() else {
            panic!("expected a refusal");
        };
        assert_eq!(parameter, "é".repeat(32));
        assert!(read(r#"{"min_p":1,"min_p":2}"#).unwrap_err().contains("duplicate field `min_p`"));
    }

    #[test]
    fn a_server_takes_what_it_honours() {
        let mut fields = read(r#"{"min_p":0.5,"mood":null}"#).unwrap();
        assert_eq!(fields.iter().count(), 1);
        assert_eq!(fields.remove("min_p"), Some(Value::from(0.5)));
        assert_eq!(fields.validate(), Ok(()));
    }
}
