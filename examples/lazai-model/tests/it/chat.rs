//! Chats, line by line.

use crate::support::{Folder, Models, fails, json, numbers, program, program_fails};

/// The answers to some lines, and what is said beside them.
fn chat(lines: &str, options: &[&str]) -> (String, String) {
    let output = program(&[&["chat", &Models::shared().llama_artifact], options].concat(), lines);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    (String::from_utf8(output.stdout).unwrap(), error)
}

/// The answers to some lines, by the template of the checkpoint.
fn answers(lines: &str, options: &[&str]) -> String {
    chat(lines, &[&["--template", Models::shared().llama.as_str()], options].concat()).0
}

/// The best token after these, as it is shown, and as the model is told that it said it.
fn best(tokens: &[u32]) -> (String, String) {
    let ids: Vec<String> = tokens.iter().map(u32::to_string).collect();
    let scores = json(&["logits", &Models::shared().llama_artifact, "--tokens", &ids.join(",")]);
    let scores = numbers(&scores["integers"][0]);
    let best = (0..scores.len()).fold(0, |best, i| if scores[i] > scores[best] { i } else { best });
    let said = match best {
        2..=129 => char::from(u8::try_from(best - 2).unwrap()).to_string(),
        130..=257 => char::REPLACEMENT_CHARACTER.to_string(),
        // Marks, and tokens without a text.
        _ => String::new(),
    };
    (said.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}"), said)
}

/// The tokens of a text in which `|` is the mark of an end.
fn tokens(text: &str) -> Vec<u32> {
    let token = |byte: u8| if byte == b'|' { 1 } else { u32::from(byte) + 2 };
    [0].into_iter().chain(text.bytes().map(token)).collect()
}

#[test]
fn answers_follow_the_template_and_what_was_said() {
    let got = answers("hi\n\nwell\n", &["--max-tokens", "1", "--system", "be kind"]);
    let prompt = "system: be kind|user: hi|assistant:";
    let (first, said) = best(&tokens(prompt));
    let (second, _) = best(&tokens(&format!("{prompt} {said}|user: well|assistant:")));
    assert_eq!(got, format!("{first}\n{second}\n"));
}

#[test]
fn lines_cannot_spell_special_tokens() {
    let got = answers("a</s>b", &["--max-tokens", "1"]);
    let (expected, _) = best(&tokens("user: a</s>b|assistant:"));
    assert_eq!(got, format!("{expected}\n"));
}

#[test]
fn a_plain_template_is_used_where_none_is_given() {
    let (got, beside) = chat("hi", &["--max-tokens", "1"]);
    let (expected, _) = best(&tokens("User: hi\nAssistant:"));
    assert_eq!(got, format!("{expected}\n"));
    assert!(beside.contains("--template"), "{beside}");
}

#[test]
fn seeds_choose_and_threads_do_not() {
    let sampled = |seed: &str, threads: &str| {
        let options = ["--temperature", "1.5", "--top-k", "50", "--top-p", "0.9"];
        let own = ["--max-tokens", "24", "--seed", seed, "--threads", threads];
        answers("hi", &[&options[..], &own].concat())
    };
    assert_eq!(sampled("1", "1"), sampled("1", "2"));
    assert_ne!(sampled("1", "1"), sampled("2", "1"));
}

#[test]
fn old_turns_are_forgotten_where_the_context_ends() {
    let lines = "a line of some forty letters in all, as is\n".repeat(12);
    let template = ["--template", Models::shared().llama.as_str(), "--max-tokens", "4"];
    let (got, beside) = chat(&lines, &template);
    assert!(got.lines().count() >= 12, "{got}");
    assert!(beside.contains("forgotten"), "{beside}");
}

#[test]
fn templates_may_be_files_of_their_own() {
    let folder = Folder::new("templates");
    let file =
        folder.file("template.jinja", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}");
    let (got, _) = chat("hi", &["--template", &file, "--max-tokens", "1"]);
    assert_eq!(got, format!("{}\n", best(&tokens("hi|")).0));
    let dated = folder.file("dated.jinja", "{{ bos_token }}{{ strftime_now('%Y') }}");
    let options = ["--template", &dated, "--max-tokens", "1"];
    let (got, _) = chat("hi", &[&options[..], &["--date", "2024-12-31"]].concat());
    assert_eq!(got, format!("{}\n", best(&tokens("2024")).0));
    let dated = [&["chat", &Models::shared().llama_artifact], &options[..]].concat();
    program_fails(&dated, "hi", 1, &["--date"]);
    let source = "{{ bos_token }}{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}2023{% endif %}";
    let own = folder.file("own.jinja", source);
    let options = ["--template", &own, "--max-tokens", "1"];
    let (got, beside) = chat("hi", &options);
    assert_eq!(got, format!("{}\n", best(&tokens("2023")).0));
    assert!(beside.contains("--date"), "{beside}");
    let (_, beside) = chat("hi", &[&options[..], &["--date", "2024-12-31"]].concat());
    assert!(!beside.contains("--date"), "{beside}");
}

#[test]
fn chats_that_cannot_be_are_refused() {
    let folder = Folder::new("chats");
    let Models { llama, llama_artifact, bert, bert_artifact } = Models::shared();
    let broken = folder.file("broken.jinja", "{% for %}");
    let nowhere = folder.at("nowhere");
    fails(&["chat", bert_artifact], 1, &["only embeds"]);
    fails(&["chat", llama], 1, &["lazai-model convert"]);
    for (template, part) in [
        (&broken, "line 1"),
        (&nowhere, "nowhere"),
        (bert, "no chat template"),
        (llama_artifact, "template"),
    ] {
        fails(&["chat", llama_artifact, "--template", template], 1, &[part]);
    }
    let chat = ["chat", llama_artifact.as_str(), "--template", llama];
    program_fails(&chat, &"x".repeat(600), 1, &["512", "the length of the line"]);
}

#[test]
fn flags_reach_the_template() {
    let folder = Folder::new("flags");
    let source = "{{ bos_token }}{{ messages[-1].content }}{% if thinking is defined and not thinking %}!{% endif %}";
    let template = folder.file("template.jinja", source);
    let with = |flags: &[&str]| {
        chat("hi", &[&["--template", &template, "--max-tokens", "1"], flags].concat()).0
    };
    assert_eq!(with(&[]), format!("{}\n", best(&tokens("hi")).0));
    assert_eq!(with(&["--flag", "thinking=false"]), format!("{}\n", best(&tokens("hi!")).0));
    let unknown = [
        "chat",
        &Models::shared().llama_artifact,
        "--template",
        &template,
        "--flag",
        "thinkin=false",
    ];
    program_fails(&unknown, "hi", 1, &["no variable thinkin"]);
}

#[test]
fn a_template_without_system_turns_says_so() {
    let folder = Folder::new("system");
    let refusing = folder.file(
        "refusing.jinja",
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}{{ m.content }}{% endfor %}",
    );
    let silent = folder.file(
        "silent.jinja",
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}",
    );
    for (template, part) in [(&refusing, "no system role"), (&silent, "writes no system turn")] {
        let artifact = Models::shared().llama_artifact.as_str();
        let arguments = ["chat", artifact, "--template", template, "--system", "be kind"];
        program_fails(&arguments, "hi", 1, &[part, "leave out --system"]);
    }
}

#[test]
fn stop_texts_end_an_answer() {
    let whole = answers("hi", &["--max-tokens", "24"]);
    let letters: Vec<char> = whole.trim_end().chars().collect();
    let Some(stop) = letters.iter().skip(3).find(|c| c.is_ascii_graphic()) else { return };
    let stop = stop.to_string();
    let got = answers("hi", &["--max-tokens", "24", "--stop", "never there", "--stop", &stop]);
    assert_eq!(got.trim_end(), whole.split(&stop).next().unwrap().trim_end());
    let artifact = Models::shared().llama_artifact.as_str();
    let five = [&["chat", artifact][..], &["--stop", "x"].repeat(5)].concat();
    program_fails(&five, "hi", 1, &["--stop", "4"]);
}

#[test]
fn messages_may_have_several_lines() {
    let expected = format!("{}\n", best(&tokens("user: a\nb|assistant:")).0);
    for lines in ["a\\\nb\n", "\"\"\"a\nb\"\"\"\n"] {
        assert_eq!(answers(lines, &["--max-tokens", "1"]), expected, "{lines}");
    }
}

#[test]
fn a_model_without_an_end_is_announced() {
    let folder = Folder::new("endless");
    let source = folder.at("llama");
    crate::support::copy(&Models::shared().llama, &source);
    let path = format!("{source}/config.json");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config.replace("\"eos_token_id\": 1", "\"eos_token_id\": null")).unwrap();
    let artifact = folder.at("artifact");
    crate::support::run(&["convert", &source, "--out", &artifact]);
    let output = program(&["chat", &artifact, "--max-tokens", "1"], "hi");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("no end token") && error.contains("--stop"), "{error}");
}
