//! `tokenizer.json` with what the files beside it add to it, as `transformers` puts them together.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::{Map, Value};

use super::{
    class::{QWEN2, class_of, default_tokens, difference, is_rebuilt},
    files::{cut, read_bounded, read_optional},
    tokenizer_config::CONFIG,
    tokenizer_file::{AddedToken, MAX_TOKENIZER_BYTES, TOKENIZER, Tokenizer},
    tokenizer_options::{check_options, check_words, cleans_spaces},
};
use crate::{
    reference::{Note, ReferenceError, json},
    tokenizer::rounded_scores,
};

/// Reads the tokenizer of a folder, for an embedding of `vocabulary` rows.
pub(super) fn read(folder: &Path, vocabulary: u32) -> Result<(Vec<u8>, Vec<Note>), ReferenceError> {
    let bytes = read_bounded(folder, TOKENIZER, MAX_TOKENIZER_BYTES)?;
    let Ok(tokenizer) = serde_json::from_slice::<Tokenizer>(&bytes) else {
        // Whoever loads the tokenizer says what is wrong with it.
        return Ok((bytes, Vec::new()));
    };
    let optional = |file: &str| -> Result<Map<String, Value>, ReferenceError> {
        let bytes = read_optional(folder, file, MAX_CONFIG_BYTES)?;
        bytes.map_or_else(|| Ok(Map::new()), |bytes| json::object(file, &bytes))
    };
    let mut config = optional(CONFIG)?;
    let model = optional("config.json")?;
    let class = class_of(&config, &model, tokenizer.is_byte_level()).unwrap_or_default();
    if config.get(EXTRA).is_none_or(is_empty) {
        // The name that older releases gave to the same.
        config.remove(ADDITIONAL).and_then(|tokens| config.insert(EXTRA.to_owned(), tokens));
    }
    let mut added = Vec::new();
    if config.get(DECODER).is_some_and(|decoder| !decoder.is_null()) {
        added = read_decoder(&config)?;
        check_numbered(&class, &config, &tokenizer, &added, vocabulary)?;
    } else {
        // What older releases wrote in files of their own.
        for (name, mut value) in optional("special_tokens_map.json")? {
            if let (EXTRA, Value::Array(more)) = (name.as_str(), &mut value)
                && let Some(Value::Array(tokens)) = config.get(EXTRA)
            {
                more.splice(0..0, tokens.iter().cloned());
            }
            config.insert(name, value);
        }
        for (content, id) in optional("added_tokens.json")? {
            let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
            added.push((id, AddedToken::new(content, false)));
        }
        added.sort_by_key(|(id, _)| *id);
    }
    check_options(&class, &config, &tokenizer)?;
    check_words(&config, &model, &tokenizer)?;
    check_types(&tokenizer.post_processor)?;
    let spaces = cleans_spaces(&config, &tokenizer)?;
    let difference = difference(&class, &config, &tokenizer);
    let mut tokens = AddedTokens::new(tokenizer);
    let named = named_texts(&config);
    for (id, token) in added {
        let special = token.special || named.contains(&token.content);
        let token = AddedToken { special, ..token };
        tokens.add(id, token)?;
    }
    let mut fresh = BTreeMap::new();
    for token in named_tokens(&config) {
        if let Some(other) = fresh.get(&token.content)
            && *other != token
        {
            return Err(named_twice(&token.content));
        }
        if !tokens.has(&token.content) {
            fresh.insert(token.content.clone(), token.clone());
            tokens.add(None, token)?;
        }
    }
    if class == QWEN2 {
        tokens.check_plain(&config)?;
    }
    let dropped = tokens.drop_beyond(vocabulary);
    let json = tokens.write(bytes)?;
    let count = rounded_scores(&json);
    let rounded = (count > 0).then_some(Note::RoundedScores { count });
    let spaces = spaces.then_some(Note::Spaces);
    let notes = [dropped, difference, rounded, spaces].into_iter().flatten();
    Ok((json, notes.collect()))
}

/// The added tokens of a tokenizer, with all it takes to number another.
struct AddedTokens {
    tokens: Vec<AddedToken>,
    vocab: BTreeMap<String, u32>,
    size: u32,
    post_processor: String,
    changed: bool,
}

impl AddedTokens {
    fn new(tokenizer: Tokenizer) -> Self {
        let vocab: BTreeMap<String, u32> = match tokenizer.model.vocab {
            Value::Object(map) => {
                let id = |id: Value| u32::try_from(id.as_u64()?).ok();
                map.into_iter().filter_map(|(token, value)| Some((token, id(value)?))).collect()
            }
            Value::Array(pieces) => {
                let text = |piece: &Value| Some(piece.get(0)?.as_str()?.to_owned());
                pieces.iter().zip(0..).filter_map(|(piece, id)| Some((text(piece)?, id))).collect()
            }
            _ => BTreeMap::new(),
        };
        let size = u32::try_from(vocab.len()).unwrap_or(u32::MAX);
        Self {
            tokens: tokenizer.added_tokens,
            vocab,
            size,
            post_processor: tokenizer.post_processor.to_string(),
            changed: false,
        }
    }

    fn has(&self, content: &str) -> bool {
        self.tokens.iter().any(|token| token.content == content)
    }

    /// Adds a token, or gives one that is there another form; `stated` is the number that a file
    /// says.
    fn add(&mut self, stated: Option<u32>, token: AddedToken) -> Result<(), ReferenceError> {
        if token.content.is_empty() {
            return Ok(());
        }
        let known = self.tokens.iter().position(|known| known.content == token.content);
        let id = match known {
            Some(known) => self.tokens[known].id,
            None => self.vocab.get(&token.content).copied().unwrap_or_else(|| {
                let last = self.tokens.iter().map(|token| token.id).max();
                last.map_or(self.size, |last| self.size.max(last.saturating_add(1)))
            }),
        };
        if let Some(stated) = stated.filter(|stated| *stated != id) {
            return Err(ReferenceError::Field {
                file: CONFIG.to_owned(),
                field: DECODER.to_owned(),
                expected: "the numbers of tokenizer.json; or choose with --tokenizer".into(),
                got: cut(&format!("{stated}, not {id}, for {}", token.content)),
            });
        }
        let token = AddedToken { id, ..token };
        match known {
            Some(known) if self.tokens[known] == token => return Ok(()),
            Some(known) => self.tokens[known] = token,
            None => self.tokens.push(token),
        }
        self.changed = true;
        Ok(())
    }

    /// Refuses named tokens that take in what stands beside them: the class does not let them.
    fn check_plain(&self, config: &Map<String, Value>) -> Result<(), ReferenceError> {
        let takes = |token: &&AddedToken| token.lstrip || token.rstrip || token.single_word;
        let named = named_texts(config);
        match self.tokens.iter().filter(takes).find(|token| named.contains(&token.content)) {
            None => Ok(()),
            Some(token) => Err(ReferenceError::Field {
                file: CONFIG.to_owned(),
                field: "tokenizer_class".to_owned(),
                expected: "a class in which named tokens may strip spaces; or choose with \
                           --tokenizer"
                    .into(),
                got: cut(&format!("{QWEN2} beside {}", token.content)),
            }),
        }
    }

    /// Leaves out tokens that no row of the embedding belongs to and nothing refers to.
    fn drop_beyond(&mut self, vocabulary: u32) -> Option<Note> {
        let mut dropped = Vec::new();
        self.tokens.retain(|token| {
            let quoted = Value::from(token.content.as_str()).to_string();
            let keep = token.id < vocabulary
                || self.vocab.contains_key(&token.content)
                || self.post_processor.contains(&quoted);
            if !keep {
                dropped.push(cut(&token.content));
            }
            keep
        });
        let count = dropped.len();
        self.changed |= count > 0;
        dropped.truncate(4);
        (count > 0).then_some(Note::DroppedTokens { tokens: dropped, count })
    }

    /// Puts the tokens into the file; all else keeps its bytes.
    fn write(mut self, mut bytes: Vec<u8>) -> Result<Vec<u8>, ReferenceError> {
        if !self.changed {
            return Ok(bytes);
        }
        self.tokens.sort_by_key(|token| token.id);
        let list = serde_json::to_string(&self.tokens)
            .map_err(|error| json::syntax(TOKENIZER, error.to_string()))?;
        match json::value_place(&bytes, "added_tokens") {
            Some(place) => drop(bytes.splice(place, list.into_bytes())),
            None => {
                let start = bytes.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
                let field = format!("\"added_tokens\":{list},");
                drop(bytes.splice(start..start, field.into_bytes()));
            }
        }
        Ok(bytes)
    }
}

/// Reads `added_tokens_decoder`, in the order of its numbers.
fn read_decoder(
    config: &Map<String, Value>,
) -> Result<Vec<(Option<u32>, AddedToken)>, ReferenceError> {
    let refused = |got: String| ReferenceError::Field {
        file: CONFIG.to_owned(),
        field: DECODER.to_owned(),
        expected: "numbers with their tokens".into(),
        got: cut(&got),
    };
    let decoder = config.get(DECODER).and_then(Value::as_object);
    let decoder = decoder.ok_or_else(|| refused(config[DECODER].to_string()))?;
    let mut tokens = Vec::new();
    for (id, value) in decoder {
        let token: Option<AddedToken> = serde_json::from_value(value.clone()).ok();
        let (Ok(id), Some(mut token)) = (id.parse::<u32>(), token) else {
            return Err(refused(format!("{id}: {value}")));
        };
        if value.get("normalized").is_none() {
            token.normalized = !token.special;
        }
        tokens.push((Some(id), token));
    }
    tokens.sort_by_key(|(id, _)| *id);
    Ok(tokens)
}

/// Refuses added tokens that a class leaves out, because the numbered ones are not all.
fn check_numbered(
    class: &str,
    config: &Map<String, Value>,
    tokenizer: &Tokenizer,
    numbered: &[(Option<u32>, AddedToken)],
    vocabulary: u32,
) -> Result<(), ReferenceError> {
    if !is_rebuilt(class) {
        return Ok(());
    }
    let mut kept = named_texts(config);
    kept.extend(numbered.iter().map(|(_, token)| token.content.clone()));
    let usual = default_tokens(class).iter().filter(|(name, _)| !config.contains_key(*name));
    kept.extend(usual.map(|(_, token)| (*token).to_owned()));
    let mut own = tokenizer.added_tokens.iter().filter(|token| token.id < vocabulary);
    match own.find(|token| !kept.contains(&token.content)) {
        None => Ok(()),
        Some(token) => Err(ReferenceError::Field {
            file: CONFIG.to_owned(),
            field: DECODER.to_owned(),
            expected: format!(
                "all added tokens of tokenizer.json, as {class} reads no others; or choose with \
                 --tokenizer"
            )
            .into(),
            got: cut(&format!("none for {} {}", token.id, token.content)),
        }),
    }
}

/// The special tokens that a configuration names, those of the model's own too.
fn named_tokens(config: &Map<String, Value>) -> Vec<AddedToken> {
    let token = |value: &Value| {
        if let Some(text) = value.as_str() {
            return Some(AddedToken::new(text.to_owned(), true));
        }
        let token: AddedToken = serde_json::from_value(value.clone()).ok()?;
        Some(AddedToken { id: 0, special: true, ..token })
    };
    let usual = |name: &str| NAMES.contains(&name);
    let named = NAMES.iter().filter_map(|name| token(config.get(*name)?));
    let own = config.iter().filter(|(name, _)| name.ends_with("_token") && !usual(name));
    let own = own.filter_map(|(_, value)| token(value));
    let extra = config.get(EXTRA);
    let older = config.get(ADDITIONAL).filter(|_| extra.is_none_or(Value::is_object));
    let more =
        [own_tokens(config), extra, older].into_iter().flatten().flat_map(|value| match value {
            Value::Array(values) => values.iter().filter_map(token).collect::<Vec<_>>(),
            Value::Object(values) => values.values().filter_map(token).collect(),
            _ => Vec::new(),
        });
    named.chain(own).chain(more).collect()
}

/// The error that refuses a token with two forms, of which it depends on the tool which one counts.
fn named_twice(content: &str) -> ReferenceError {
    ReferenceError::Field {
        file: CONFIG.to_owned(),
        field: DECODER.to_owned(),
        expected: "there for a token that is named in two forms; or choose with --tokenizer".into(),
        got: cut(&format!("no number for {content}")),
    }
}

/// Returns the special tokens of the model's own by their names, unless such tokens elsewhere in a
/// configuration replace them.
pub(crate) fn own_tokens(config: &Map<String, Value>) -> Option<&Value> {
    let is_own = |(name, value): (&String, &Value)| {
        name.ends_with("_token") && !NAMES.contains(&name.as_str()) && value.is_string()
    };
    let replaced =
        config.iter().any(is_own) || config.get(EXTRA).is_some_and(|extra| extra.is_object());
    config.get("model_specific_special_tokens").filter(|_| !replaced)
}

/// The texts of the same.
fn named_texts(config: &Map<String, Value>) -> BTreeSet<String> {
    named_tokens(config).into_iter().map(|token| token.content).collect()
}

/// Refuses a text whose tokens are of another type than the first.
fn check_types(part: &Value) -> Result<(), ReferenceError> {
    let inner = part.get("processors").and_then(Value::as_array);
    inner.into_iter().flatten().try_for_each(check_types)?;
    let mut pieces = part.get("single").and_then(Value::as_array).into_iter().flatten();
    let other = |piece: &Value| {
        let fields = piece.as_object().into_iter().flat_map(Map::values);
        fields.filter_map(|fields| fields.get("type_id")?.as_u64()).find(|kind| *kind != 0)
    };
    match pieces.find_map(other) {
        None => Ok(()),
        Some(got) => Err(ReferenceError::Field {
            file: TOKENIZER.to_owned(),
            field: "type_id".to_owned(),
            expected: "0 in a single text: tokens of other types are not read".into(),
            got: got.to_string(),
        }),
    }
}

/// Returns whether a list of tokens says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        value => value.is_null(),
    }
}

const ADDITIONAL: &str = "additional_special_tokens";
const DECODER: &str = "added_tokens_decoder";
const EXTRA: &str = "extra_special_tokens";
const MAX_CONFIG_BYTES: u64 = 8 << 20;

/// The fields that name a special token.
const NAMES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
