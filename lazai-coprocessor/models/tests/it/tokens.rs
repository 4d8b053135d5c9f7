//! Tokens and chats.

use std::{collections::BTreeSet, env, fs, path::Path};

use lazai_coprocessor::Tokenizer;
use lazai_models::tokenizer::with_integer_scores;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Expected {
    #[serde(default)]
    tokenizer: Vec<TokenizerCase>,
    #[serde(default)]
    #[cfg_attr(not(feature = "chat"), expect(dead_code, reason = "chats need the feature"))]
    chat: Vec<ChatCase>,
}

#[derive(Deserialize)]
struct TokenizerCase {
    text: String,
    ids: Vec<u32>,
    ids_without_special: Vec<u32>,
    #[cfg_attr(not(feature = "chat"), expect(dead_code, reason = "chats need the feature"))]
    ids_as_text: Vec<u32>,
    decoded: String,
}

#[derive(Deserialize)]
#[cfg_attr(not(feature = "chat"), expect(dead_code, reason = "chats need the feature"))]
struct ChatCase {
    messages: Value,
    add_generation_prompt: bool,
    text: String,
}

/// Calls `check` with each reference: its folder, its tokenizer, its special tokens and what is
/// expected. It returns how many cases it compared, and at least one must be.
fn for_each_reference(check: impl Fn(&Path, &Tokenizer, &BTreeSet<u32>, &Expected) -> usize) {
    let Some(root) = env::var_os("LAZAI_REFERENCE") else {
        eprintln!(
            "skipped: LAZAI_REFERENCE is not set; see examples/lazai-model/reference/README.md"
        );
        return;
    };
    let mut checked = 0;
    for entry in fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(json) = fs::read(folder.join("tokenizer.json")) else { continue };
        let Ok(expected) = fs::read(folder.join("expected.json")) else { continue };
        let parsed: Value = serde_json::from_slice(&json).unwrap();
        let special = parsed["added_tokens"].as_array().into_iter().flatten();
        let special = special.filter(|token| token["special"] == true);
        let special = special.map(|token| token["id"].as_u64().unwrap().try_into().unwrap());
        let converted = with_integer_scores(&json).unwrap();
        let tokenizer = Tokenizer::new(&converted, 1 << 20).unwrap();
        let expected = serde_json::from_slice(&expected).unwrap();
        checked += check(&folder, &tokenizer, &special.collect(), &expected);
    }
    assert!(checked > 0, "LAZAI_REFERENCE names a folder without references");
    println!("{checked} cases");
}

#[test]
fn texts_have_the_tokens_of_the_reference() {
    for_each_reference(|folder, tokenizer, special, expected| {
        let mut compared = 0;
        for case in &expected.tokenizer {
            let TokenizerCase { text, ids, ids_without_special, decoded, .. } = case;
            // A text that spells special tokens is no prompt.
            if ids_without_special.iter().any(|id| special.contains(id)) {
                continue;
            }
            let folder = folder.display();
            // The file of the real encoder cuts and pads; the model's own settings are others.
            let whole = ids.iter().filter(|id| **id != 0).count() == ids.len();
            if whole && ids_without_special.len() <= 120 {
                assert_eq!(&tokenizer.encode(text).unwrap(), ids, "{folder}: {text:?}");
                compared += 1;
            }
            assert_eq!(&tokenizer.decode(ids_without_special).unwrap(), decoded, "{folder}");
        }
        compared
    });
}

#[cfg(feature = "chat")]
mod chat {
    use lazai_api_types::openai::ChatMessage;
    use lazai_chat::{ChatError, ChatTemplate};

    use super::*;

    #[test]
    fn special_tokens_in_a_content_are_letters() {
        let template = ChatTemplate::new("{{ messages[0].content }}", None, None).unwrap();
        for_each_reference(|folder, tokenizer, special, expected| {
            let mut compared = 0;
            for TokenizerCase { text, ids_as_text, .. } in &expected.tokenizer {
                let chat = [ChatMessage::user(text.as_str())];
                let tokens = template.encode(&chat, false, tokenizer).unwrap();
                let folder = folder.display();
                if ids_as_text.iter().any(|id| special.contains(id)) {
                    // The reference's model knows the text of a special token, or does not know
                    // another.
                    continue;
                }
                assert_eq!(&tokens, ids_as_text, "{folder}: {text:?}");
                compared += 1;
            }
            compared
        });
    }

    #[test]
    fn chats_are_written_as_by_the_reference() {
        for_each_reference(|folder, _, _, expected| {
            if expected.chat.is_empty() {
                return 0;
            }
            let config = fs::read(folder.join("tokenizer_config.json")).unwrap();
            let template = match ChatTemplate::from_tokenizer_config(&config) {
                // Newer folders keep the template in a file of its own.
                Err(ChatError::NoTemplate) => {
                    let source = fs::read_to_string(folder.join("chat_template.jinja")).unwrap();
                    let mut config: Value = serde_json::from_slice(&config).unwrap();
                    config["chat_template"] = source.into();
                    let config = serde_json::to_vec(&config).unwrap();
                    ChatTemplate::from_tokenizer_config(&config).unwrap()
                }
                template => template.unwrap(),
            };
            for ChatCase { messages, add_generation_prompt, text } in &expected.chat {
                let messages: Vec<ChatMessage> = serde_json::from_value(messages.clone()).unwrap();
                let rendered = template.render_text(&messages, *add_generation_prompt).unwrap();
                assert_eq!(&rendered, text, "{}", folder.display());
            }
            expected.chat.len()
        });
    }
}
