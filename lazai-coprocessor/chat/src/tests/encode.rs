//! The tokens of rendered chats: those of Hugging Face, and no special token from a content.

use lazai_api_types::{Rejection, openai::ChatMessage};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{ChatError, ChatTemplate};
use lazai_coprocessor::{
    Tokenizer,
    tokenizer_fixtures::{self as fixtures, byte_level, load, sentence_piece, unigram, word_piece},
};

/// A template that writes the special tokens of a fixture around contents.
fn template(name: &str) -> ChatTemplate {
    let (start, end) = match name {
        "byte-level BPE" => ("<|im_start|>", "<|im_end|>"),
        "WordPiece" => ("[CLS]", "[SEP]"),
        _ => ("<s>", "</s>"),
    };
    let source = "{% for m in messages %}{{ bos_token + m.role }}\n{{ m.content|trim + eos_token }}\n{% endfor %}\
        {% if add_generation_prompt %}{{ bos_token }}assistant\n{% endif %}";
    ChatTemplate::new(source, Some(start), Some(end)).unwrap()
}

fn special(tokenizer: &Tokenizer, tokens: &[u32]) -> Vec<u32> {
    let is_special = |token: &&u32| {
        tokenizer.special_text(**token).is_some_and(|text| !text.to_lowercase().contains("unk"))
    };
    tokens.iter().filter(is_special).copied().collect()
}

#[test]
fn contents_that_spell_special_tokens_are_read_as_text() {
    for (name, json) in fixtures::all() {
        let (tokenizer, template) = (load(&json), template(name));
        let neutral = template.encode(&[ChatMessage::user("a")], true, &tokenizer).unwrap();
        for added in json["added_tokens"].as_array().unwrap() {
            let text = added["content"].as_str().unwrap();
            for content in [text.to_owned(), format!("a {text}{text} b"), format!("<{text}>{text}")]
            {
                let chat = [ChatMessage::user(content.clone())];
                let tokens = template.encode(&chat, true, &tokenizer).unwrap();
                let expected = special(&tokenizer, &neutral);
                assert_eq!(special(&tokenizer, &tokens), expected, "{name}: {content}");
                if name == "byte-level BPE" {
                    let text = tokenizer.decode(&tokens).unwrap();
                    assert_eq!(text, format!("user\n{content}\nassistant\n"));
                }
            }
        }
    }
}

#[test]
fn the_template_places_the_first_token_once() {
    let tokenizer = load(&sentence_piece());
    let tokens = template("").encode(&[ChatMessage::user("hello")], false, &tokenizer).unwrap();
    assert_eq!(tokens.iter().filter(|token| **token == 1).count(), 1);
    assert_eq!(tokens[0], 1);
}

#[test]
fn contents_and_template_together_spell_no_special_token() {
    let tokenizer = load(&sentence_piece());
    let chat = |content: &str| [ChatMessage::user(content)];
    let cases = [
        ("<{{ messages[0].content }}>", "s", 1),
        ("{{ messages[0].content }}>", "a <s", 1),
        ("<{{ messages[0].content }}", "/s> b", 2),
        ("{{ messages[0].content.replace('-', '') }}", "<-s-> </-s>", 1),
        ("{{ messages[0].content|lower }}", "</S>", 2),
    ];
    for (source, content, expected) in cases {
        let template = ChatTemplate::new(source, None, None).unwrap();
        let error = template.encode(&chat(content), false, &tokenizer).unwrap_err();
        let ChatError::Rejected(Rejection::SpecialToken { token, .. }) = error else {
            panic!("{source}: {error}")
        };
        assert_eq!(token, expected, "{source}");
        assert!(template.encode(&chat("b-a"), false, &tokenizer).is_ok(), "{source}");
    }
}

#[test]
fn a_normalizer_cannot_forge_what_no_content_spells() {
    let template = template("");
    let chat = [ChatMessage::user("a \u{ff1c}/s\u{ff1e}")];
    // The model alone would make the token: it is cut.
    let tokenizer = load(&unigram());
    let tokens = template.encode(&chat, false, &tokenizer).unwrap();
    assert_eq!(special(&tokenizer, &tokens), [0, 2]);
    // The added vocabulary finds it behind the normalizer: refused.
    let mut json = unigram();
    json["added_tokens"][2]["normalized"] = json!(true);
    let error = template.encode(&chat, false, &load(&json)).unwrap_err();
    assert!(
        matches!(error, ChatError::Rejected(Rejection::SpecialToken { token: 2, .. })),
        "{error}"
    );
}

#[test]
fn special_tokens_behind_the_normalizer_are_read_where_the_template_writes_them() {
    let mut json = sentence_piece();
    // Older files of Llama 2 say so.
    json["normalizer"] =
        json!({"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"});
    for added in json["added_tokens"].as_array_mut().unwrap() {
        added["normalized"] = json!(true);
    }
    let (tokenizer, template) = (load(&json), template(""));
    let tokens = template.encode(&[ChatMessage::user("</s> a")], true, &tokenizer).unwrap();
    assert_eq!(special(&tokenizer, &tokens), [1, 2, 1]);
}

#[test]
fn a_normalizer_that_swallows_marks_is_refused() {
    // Such a normalizer would put the parts of a special token together again, for the second
    // search to find.
    let mut json = word_piece();
    let marks = json!({"Regex": "[\u{fdd0}-\u{fdef}]"});
    json["normalizer"] = json!({"type": "Replace", "pattern": marks, "content": ""});
    for added in json["added_tokens"].as_array_mut().unwrap() {
        added["normalized"] = json!(true);
    }
    let (tokenizer, template) = (load(&json), template("WordPiece"));
    let encode = |content: &str| template.encode(&[ChatMessage::user(content)], true, &tokenizer);
    assert!(encode("hello").is_ok());
    let error = encode("a [SEP]").unwrap_err();
    assert!(
        matches!(error, ChatError::Rejected(Rejection::SpecialToken { token: 3, .. })),
        "{error}"
    );
}

#[test]
fn noncharacters_of_contents_stay() {
    let tokenizer = load(&byte_level());
    let content = "\u{fdd0}<|im_end|>\u{fdd1}";
    let chat = [ChatMessage::user(content)];
    let template = template("byte-level BPE");
    let rendered = template.render(&chat, false, &tokenizer).unwrap();
    assert_eq!(rendered.text(), template.render_text(&chat, false).unwrap());
    let tokens = rendered.encode(&tokenizer).unwrap();
    assert_eq!(tokenizer.decode(&tokens).unwrap(), format!("user\n{content}\n"));
    let all: String = ('\u{fdd0}'..='\u{fdef}').collect();
    let error = template.render(&[ChatMessage::user(all)], false, &tokenizer).unwrap_err();
    assert_eq!(error, ChatError::NoFreeSentinel { max: 32 });
}

#[test]
fn long_chats_are_refused() {
    let tokenizer = load(&byte_level());
    let source = "{{ messages[0].content }}{{ messages[0].content }}";
    let template = ChatTemplate::new(source, None, None).unwrap();
    let error = template.encode(&[ChatMessage::user("a".repeat(600_000))], false, &tokenizer);
    assert!(matches!(error, Err(ChatError::Rejected(Rejection::InputTooLong { .. }))), "{error:?}");
}

/// Contents of whole and broken special tokens, letters and spaces.
fn content() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "<s>",
        "</s>",
        "<|im_start|>",
        "<|im_end|>",
        "[CLS]",
        "[SEP]",
        "<unk>",
        "[UNK]",
        "<",
        "</",
        "s>",
        ">",
        "<|im_",
        "im_end|>",
        "|>",
        "[C",
        "LS]",
        "/",
        "a",
        "hello",
        " ",
        "\n",
        "\u{e9}",
        "\u{1f600}",
        "\u{ff1c}",
        "\u{ff1e}",
        "\u{fdd0}",
    ]);
    prop::collection::vec(parts, 0..8).prop_map(|parts| parts.concat())
}

/// Whether a content spells no special token, before or behind the normalizer.
fn is_honest(json: &Value, content: &str) -> bool {
    let content = content.replace('\u{ff1c}', "<").replace('\u{ff1e}', ">");
    let added = json["added_tokens"].as_array().unwrap();
    added.iter().all(|token| !content.contains(token["content"].as_str().unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn only_the_template_places_special_tokens(contents in prop::collection::vec(content(), 1..4)) {
        let chat: Vec<_> = contents.iter().map(|text| ChatMessage::user(text.clone())).collect();
        let neutral = vec![ChatMessage::user("a"); chat.len()];
        for (name, json) in fixtures::all() {
            let (tokenizer, template) = (load(&json), template(name));
            let tokens = template.encode(&chat, true, &tokenizer).unwrap();
            let expected = template.encode(&neutral, true, &tokenizer).unwrap();
            prop_assert_eq!(special(&tokenizer, &tokens), special(&tokenizer, &expected), "{}", name);
        }
    }

    #[test]
    fn honest_chats_have_the_tokens_of_the_crate(
        contents in prop::collection::vec(content(), 1..4),
    ) {
        for (name, json) in fixtures::all() {
            let (tokenizer, template) = (load(&json), template(name));
            let honest = contents.iter().filter(|text| is_honest(&json, text));
            let chat: Vec<_> = honest.map(|text| ChatMessage::user(text.clone())).collect();
            let text = template.render_text(&chat, true).unwrap();
            let expected = fixtures::tokens_of_the_crate(&json, &text);
            let tokens = template.encode(&chat, true, &tokenizer).unwrap();
            prop_assert_eq!(tokens, expected, "{}", name);
        }
    }
}
