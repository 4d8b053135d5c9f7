//! Expressions against Jinja 3.1.6 in the environment of `transformers` 5.23: `jinja.json` holds
//! what that writes, and null for what is refused here.

use lazai_api_types::openai::ChatMessage;

use super::render;

#[test]
fn templates_write_what_jinja_writes() {
    let cases: Vec<(String, Option<String>)> =
        serde_json::from_str(include_str!("jinja.json")).unwrap();
    assert!(cases.len() > 400);
    let chat = [
        ChatMessage::system("be kind"),
        ChatMessage::user("Hi <b> & \"you\"\nand 'me' é 😀"),
        ChatMessage::assistant("a"),
        ChatMessage::user("b  "),
    ];
    for (source, expected) in cases {
        let got = render(&source, &chat);
        match expected {
            Some(expected) => assert_eq!(got.as_ref(), Ok(&expected), "{source}"),
            None => assert!(got.is_err(), "{source}: {got:?}"),
        }
    }
}
