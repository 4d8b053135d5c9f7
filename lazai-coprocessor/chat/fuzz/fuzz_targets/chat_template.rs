//! Any template over any chat: refused, or a prompt that has the special tokens of the template and
//! no other.

#![no_main]

use std::sync::LazyLock;

use lazai_api_types::openai::ChatMessage;
use lazai_chat::{ChatTemplate, Date};
use lazai_coprocessor::Tokenizer;
use libfuzzer_sys::fuzz_target;

/// A tokenizer of bytes with three special tokens, the first ids.
static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    let special = ["<s>", "</s>", "<|im_end|>"];
    let mut vocabulary: Vec<String> = special.map(String::from).to_vec();
    vocabulary.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    let entry = |(id, text): (usize, &String)| format!("{text:?}:{id}");
    let vocabulary: Vec<String> = vocabulary.iter().enumerate().map(entry).collect();
    let added = |(id, text): (usize, &&str)| {
        format!(
            r#"{{"id":{id},"content":"{text}","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}}"#
        )
    };
    let added: Vec<String> = special.iter().enumerate().map(added).collect();
    let json = format!(
        r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{}],"normalizer":null,"pre_tokenizer":null,
            "post_processor":null,"decoder":{{"type":"ByteFallback"}},"model":{{"type":"BPE","dropout":null,
            "unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,
            "byte_fallback":true,"vocab":{{{}}},"merges":[]}}}}"#,
        added.join(","),
        vocabulary.join(",")
    );
    Tokenizer::new(json.as_bytes(), 259).expect("the tokenizer is valid")
});

/// What templates are made of, so that a fuzzer finds more than texts.
const PIECES: [&str; 32] = [
    "{% for m in messages %}",
    "{% endfor %}",
    "{{ m.content }}",
    "{{ m.role }}",
    "{% if m.content %}",
    "{% else %}",
    "{% endif %}",
    "{% set ns = namespace(x=[]) %}",
    "{% set ns.x = [ns.x, m] %}",
    "{{ ns.x }}",
    "{{ ns.x|tojson }}",
    "{{ ns.x == ns.y }}",
    "{{ bos_token }}",
    "{{ eos_token }}",
    "<|im_end|>",
    "<",
    ">",
    "/s",
    "{% for i in range(99) %}",
    "{% set a = messages[1:] + messages %}",
    "{{ a|length }}",
    "{{ m.content.split('a')|join('b') }}",
    "{{ m.content.strip().replace('', 'ab') }}",
    "{% macro f(x) %}",
    "{% endmacro %}",
    "{{ f(m.content) }}",
    "{{ raise_exception('no') }}",
    "{{ strftime_now('%d') }}",
    "{% generation %}",
    "{% endgeneration %}",
    "{{ '%s'|format(m) }}",
    "{{ m.content|upper|trim|title }}",
];

fuzz_target!(|input: (u8, Vec<u8>, String, Vec<String>)| {
    let (kind, pieces, source, contents) = input;
    let source = match kind % 2 {
        0 => source,
        _ => pieces.iter().map(|piece| PIECES[usize::from(*piece) % PIECES.len()]).collect(),
    };
    let template = match ChatTemplate::new(&source, Some("<s>"), Some("</s>")) {
        Ok(template) if kind & 2 == 0 => template,
        Ok(template) => template.with_date(Date::new(2024, 7, 26).expect("the day exists")),
        Err(_) => return,
    };
    let chat: Vec<ChatMessage> = contents.into_iter().map(ChatMessage::user).collect();
    let Ok(rendered) = template.render(&chat, kind & 4 == 0, &TOKENIZER) else { return };
    let Ok(tokens) = rendered.encode(&TOKENIZER) else { return };
    let again = template.encode(&chat, kind & 4 == 0, &TOKENIZER).expect("it was encoded before");
    assert_eq!(tokens, again, "a template reads something else than its chat");
    // Bytes and special tokens are all of the text.
    let text = rendered.text();
    let special =
        tokens.iter().filter(|token| **token < 3).map(|token| [3, 4, 10][*token as usize]);
    let bytes = tokens.iter().filter(|token| **token >= 3).count();
    assert_eq!(special.sum::<usize>() + bytes, text.len(), "a part of {text:?} is lost");
});
