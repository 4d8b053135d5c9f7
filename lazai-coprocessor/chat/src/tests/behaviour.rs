//! What a template sees and may do.

use lazai_api_types::openai::{ChatMessage, ContentPart};
use serde_json::{Value, json};

use super::{render, write};
use crate::{ChatError, ChatTemplate, Date};

fn messages(json: Value) -> Vec<ChatMessage> {
    serde_json::from_value(json).unwrap()
}

#[test]
fn expressions_mean_what_they_mean_in_python() {
    let cases = [
        ("{{ '  a b '.strip() }}|{{ '\n\na'.lstrip('\n') }}|{{ 'a  '.rstrip() }}", "a b|a|a"),
        ("{{ 'a,b'.split(',')[-1] }}{{ 'abc'[::-1] }}{{ 'abc'[1:] }}", "bcbabc"),
        ("{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('x', 'c')) }}", "True True"),
        ("{{ none }} {{ true }} {{ missing }}.", "None True ."),
        ("{{ '\x1c a \x1f'.strip() }}{{ ' b\x1d'|trim }}", "ab"),
        ("{{ 'a-b'.replace('-', '+').upper() }}{{ 'ab'|title }}", "A+BAb"),
        ("{{ ['a', 'b']|join(', ') }} {{ ', '.join(['c', 'd']) }}", "a, b c, d"),
        (
            "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
            "3",
        ),
        (
            "{% for i in [1, 2, 3, 4] %}{% if i == 2 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "13",
        ),
        (
            "{% for i in [1, 2] %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.index0 }};{% endfor %}",
            "20;11;",
        ),
        ("{% macro f(a, b='y') %}{{ a }}{{ b }}{% endmacro %}{{ f('x') }}", "xy"),
        (
            "{{ {'a': 1}.items()|list }}{{ {'a': {'b': 2}}.get('a').b }}{{ {}.get('a') }}",
            "[('a', 1)]2None",
        ),
        ("{{ 'a' is sequence }}{{ none is iterable }}{{ {} is mapping }}", "TrueFalseTrue"),
        ("{{ (messages|length) is number }}{{ tools is none }}", "TrueTrue"),
        ("{{ '{:>4}|{}'.format('a', 1) }}{{ '%s-%02d'|format('b', 7) }}", "   a|1b-07"),
    ];
    for (source, expected) in cases {
        assert_eq!(write(source).unwrap(), expected, "{source}");
    }
}

/// What `transformers` 5.23 writes.
#[test]
fn methods_of_texts_mean_what_they_mean_in_python() {
    let cases = [
        (
            "{{ 'a,b,c'.rsplit(',', 1) }}{{ 'a b  c'.rsplit(none, 1) }}{{ ' a b'.rsplit() }}",
            "['a,b', 'c']['a b', 'c']['a', 'b']",
        ),
        ("{{ 'abc'.partition('b') }}{{ 'abc'.partition('x') }}", "('a', 'b', 'c')('abc', '', '')"),
        (
            "{{ 'abcb'.rpartition('b') }}{{ 'abc'.rpartition('x') }}",
            "('abc', 'b', '')('', '', 'abc')",
        ),
        (
            "{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ 'abc'.removeprefix('x') }}",
            "bcababc",
        ),
        ("{{ 'éabcb'.index('b') }}{{ 'abcb'.rindex('b') }}", "23"),
        ("{{ 'a'.zfill(3) }} {{ '-5'.zfill(4) }} {{ 'abc'.zfill(2) }}", "00a -005 abc"),
        (
            "{{ 'a'.ljust(3, '*') }}|{{ 'a'.rjust(3) }}|{{ 'ab'.center(5, '*') }}|{{ 'abc'.center(6, '*') }}",
            "a**|  a|**ab*|*abc**",
        ),
        ("{{ 'aBc'.swapcase() }}{{ 'A'.casefold() }}{{ 'a\tb'.expandtabs(4) }}", "AbCaa   b"),
        (
            "{{ 'a\r\nb\x0bc\n'.splitlines() }}{{ 'a\n\nb'.splitlines(true) }}",
            "['a', 'b', 'c']['a\\n', '\\n', 'b']",
        ),
        (
            "{{ 'ǆ'.title() }} {{ \"it's a dog\".title() }} {{ 'aB1cD'.title() }} {{ 'ß x'.title() }}",
            "ǅ It'S A Dog Ab1Cd Ss X",
        ),
        ("{{ '5'.isdecimal() }}{{ 'a5'.isdigit() }}", "TrueFalse"),
        (
            "{{ '%s-%d' % ('a', 3) }} {{ '%s' % 'x' }} {{ '%5.2f|%-4s|%04d|%x|%%' % (1.234, 'a', 7, 255) }}",
            "a-3 x  1.23|a   |0007|ff|%",
        ),
        (
            "{{ '%s' % [1, 2] }}{{ '%s!' % messages|length ~ 'x' }}{{ '%s' % ('a' ~ 'b').upper() }}",
            "[1, 2]0!xAB",
        ),
        ("{{ 7 % 3 }}{{ '%d' % (7 % 4) }}", "13"),
        (
            "{{ [1, 2, 3]|batch(2)|list }}{{ [1, 2, 3]|batch(2, 0)|list }}",
            "[[1, 2], [3]][[1, 2], [3, 0]]",
        ),
        (
            "{{ [1, 2, 3]|slice(2)|list }}{{ [1, 2, 3, 4, 5]|slice(3, 'x')|list }}",
            "[[1, 2], [3]][[1, 2], [3, 4], [5, 'x']]",
        ),
        (
            "{% for k, v in [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 2, 'b': 3}]|groupby('a') %}{{ k }}:{{ v }};{% endfor %}",
            "1:[{'a': 1, 'b': 2}];2:[{'a': 2, 'b': 1}, {'a': 2, 'b': 3}];",
        ),
        (
            "{% for g in [{'a': 2}]|groupby('a') %}{{ g.grouper }}{{ g.list }}{% endfor %}",
            "2[{'a': 2}]",
        ),
        ("{{ 'a b  c'|wordcount }}{{ \"it's-ok a_b\"|wordcount }}{{ ''|wordcount }}", "340"),
        ("{{ 1e20 }} {{ 1e16|string }} {{ [1.5, 1e-5]|join(' ') }}", "1e+20 1e+16 1.5 1e-05"),
        (
            "{{ 1e15 }} {{ 10.0 * 1e15 }} {{ 0.1 / 10000 }} {{ 2.50 }}",
            "1000000000000000.0 1e+16 1e-05 2.5",
        ),
        (
            "{% set x = 10.0 * 1e15 %}{{ 'a' ~ 1e16 }} {{ x ~ true ~ none }} {{ 'b' ~ 0.1 / 10000 ~ 2 }}",
            "a1e+16 1e+16TrueNone b1e-052",
        ),
        ("{{ 'a' ~ [1, 'b', none] ~ {'c': true} ~ missing }}", "a[1, 'b', None]{'c': True}"),
        (
            "{{ {'a': [1e20]} }}{{ [1e-5]|string }}{{ 'a' ~ [1e20 * 2] }}{{ [[1e-5]]|join }}",
            "{'a': [1e+20]}[1e-05]a[2e+20][1e-05]",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(write(source).unwrap(), expected, "{source}");
    }
}

#[test]
fn what_python_has_otherwise_is_refused() {
    for source in [
        "{{ lipsum is defined }}",
        "{% if self is defined %}{% endif %}",
        "{{ cycler('a') }}",
        "{{ 'a'.encode is defined }}",
        "{% if messages[0].content.startswith is not defined %}{% endif %}",
        "{{ 'abc'.index('x') }}",
        "{{ 'é'.casefold() }}",
        "{{ '½'.isdigit() }}",
        "{{ 'a'.encode() }}",
        "{{ '%100000000d' % 1 }}",
        "{{ '%*d' % (100000000, 1) }}",
        "{{ 'a'.partition('') }}",
    ] {
        let error = write(source).unwrap_err();
        let loud = matches!(error, ChatError::Syntax { .. } | ChatError::Render { .. });
        assert!(loud, "{source}: {error}");
    }
    for (source, expected) in [
        ("{% set self = 1 %}{{ self is defined }}", None),
        ("{{ messages.self is defined }}{{ {'title': 1}.title is defined }}", Some("FalseTrue")),
        ("{{ 0.0001 }} {{ 0.0 }} {{ 9e15 }}", Some("0.0001 0.0 9000000000000000.0")),
    ] {
        assert_eq!(write(source).ok().as_deref(), expected, "{source}");
    }
}

#[test]
fn flags_are_known_by_what_a_template_reads() {
    let source = "{% set own = 1 %}{% if enable_thinking is defined and not enable_thinking %}off{% endif %}\
        {{ effort }}{{ own }}";
    let template = ChatTemplate::new(source, None, None).unwrap();
    assert!(template.reads("enable_thinking").unwrap() && template.reads("effort").unwrap());
    assert!(!template.reads("enable_thinkin").unwrap());
    let template = template.with_flag("enable_thinking", false).with_text("effort", "high");
    assert_eq!(template.render_text(&[], false).unwrap(), "offhigh1");
}

#[test]
fn blocks_are_trimmed() {
    let source = "a\n  {% if true %}\n  b\n  {% endif %}\nc\n";
    assert_eq!(write(source).unwrap(), "a\n  b\nc");
}

#[test]
fn generation_blocks_are_transparent() {
    let source = "{% for m in messages %}\n{% generation %}\n{{ m.content }}\n{% endgeneration %}\n{% endfor %}";
    assert_eq!(render(source, &[ChatMessage::user("a")]).unwrap(), "a\n");
}

#[test]
fn json_is_that_of_python() {
    let cases = [
        (
            "{{ {'b': [1, 2.5, true, none], 'a': '<é\"\\n>'}|tojson }}",
            r#"{"b": [1, 2.5, true, null], "a": "<é\"\n>"}"#,
        ),
        (
            "{{ {'b': 1, 'a': {}}|tojson(indent=2, sort_keys=true) }}",
            "{\n  \"a\": {},\n  \"b\": 1\n}",
        ),
        (
            "{{ [1, 'é😀']|tojson(separators=(',', ':'), ensure_ascii=true) }}",
            r#"[1,"\u00e9\ud83d\ude00"]"#,
        ),
        (
            "{{ [1e16, 1e-5, 0.0001, 1e22, -0.0, 100.0, 1.5e300]|tojson }}",
            "[1e+16, 1e-05, 0.0001, 1e+22, -0.0, 100.0, 1.5e+300]",
        ),
        ("{{ {1: 2, true: 3, none: 4}|tojson }}", r#"{"1": 3, "null": 4}"#),
        ("{{ none|tojson }}{{ ''|tojson }}{{ []|tojson(indent=4) }}", "null\"\"[]"),
    ];
    for (source, expected) in cases {
        assert_eq!(write(source).unwrap(), expected, "{source}");
    }
    for source in [
        "{{ 1|tojson(indent=100) }}",
        "{{ 1|tojson(nothing=1) }}",
        "{{ 1|tojson(separators=1) }}",
        "{{ missing|tojson }}",
        "{{ {'a': [missing]}|tojson }}",
    ] {
        assert!(matches!(write(source), Err(ChatError::Render { .. })), "{source}");
    }
}

#[test]
fn every_role_reaches_the_template() {
    let chat = messages(json!([
        {"role": "developer", "content": "d"},
        {"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "text", "text": "v"}], "name": "n"},
        {"role": "assistant", "content": null, "tool_calls": [{
            "id": "1", "type": "function",
            "function": {"name": "f", "arguments": "{\"z\": [1, null], \"a\": \"x\"}"}
        }]},
        {"role": "tool", "content": "t", "tool_call_id": "1"},
        {"role": "function", "content": "r", "name": "f"},
        {"role": "assistant", "refusal": "no"},
        {"role": "assistant", "content": "a", "reasoning_content": "w"},
    ]));
    let source = "{% for m in messages %}{{ m.role }}={{ m.content }}{{ m.name }}{{ m.tool_call_id }}{{ m.thinking }}\
        {% for call in m.tool_calls %}{{ call.function.name }}{{ call.function.arguments|tojson }}{% endfor %};{% endfor %}";
    let expected = "system=d;user=uvn;assistant=f{\"z\": [1, null], \"a\": \"x\"};tool=t1;tool=rf;\
        assistant=no;assistant=aw;";
    assert_eq!(render(source, &chat).unwrap(), expected);
    let source = "{{ messages[2].content is defined }}{{ 'content' in messages[2] }}";
    assert_eq!(render(source, &chat).unwrap(), "FalseFalse");
    // A template that knows developers sees them.
    let source = "{% for m in messages %}{% if m.role == 'developer' %}{{ m.content }}{% endif %}{% endfor %}";
    assert_eq!(render(source, &chat).unwrap(), "d");
}

#[test]
fn arguments_that_are_no_object_stay_a_text() {
    let chat = messages(json!([{"role": "assistant", "tool_calls": [{
        "id": "1", "type": "function", "function": {"name": "f", "arguments": "[1"}
    }]}]));
    let source = "{{ messages[0].tool_calls[0].function.arguments|tojson }}";
    assert_eq!(render(source, &chat).unwrap(), "\"[1\"");
}

#[test]
fn parts_that_are_not_text_are_refused() {
    let image = ContentPart::ImageUrl { image_url: Default::default() };
    let message = ChatMessage::User {
        content: lazai_api_types::openai::Content::Parts(vec![image]),
        name: None,
    };
    let error = render("", &[ChatMessage::user("a"), message]).unwrap_err();
    assert_eq!(error, ChatError::Part { index: 1 });
}

#[test]
fn the_clock_does_not_reach_a_prompt() {
    let optional = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% else %}26 Jul 2024{% endif %}";
    assert_eq!(write(optional).unwrap(), "26 Jul 2024");
    let required = "{{ strftime_now('%Y-%m-%d') }}";
    assert_eq!(write(required), Err(ChatError::Clock));
    let template = ChatTemplate::new(required, None, None).unwrap();
    let template = template.with_date(Date::new(2026, 1, 2).unwrap());
    assert_eq!(template.render_text(&[], true).unwrap(), "2026-01-02");
}

#[test]
fn configurations_name_the_template_and_the_tokens() {
    let render = |config: Value| {
        let template = ChatTemplate::from_tokenizer_config(&serde_json::to_vec(&config).unwrap())?;
        template.render_text(&[], false)
    };
    let source = "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ unk_token }}";
    let one = json!({
        "chat_template": source, "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false},
        "pad_token": null, "unk_token": "<unk>", "model_max_length": 1e30
    });
    assert_eq!(render(one).unwrap(), "<s></s><unk>");
    let own = json!({
        "chat_template": "{{ think_token }}{{ image_token }}{{ add_bos_token }}", "add_bos_token": true,
        "think_token": "<think>", "extra_special_tokens": {"image_token": {"content": "<image>"}}
    });
    assert_eq!(render(own).unwrap(), "<think><image>");
    let listed = json!({"chat_template": "a", "extra_special_tokens": ["<x>"]});
    assert_eq!(render(listed).unwrap(), "a");
    let named = json!({"chat_template": [
        {"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}
    ]});
    assert_eq!(render(named).unwrap(), "d");
    let others = json!({"chat_template": [{"name": "rag", "template": "r"}]});
    assert_eq!(render(others), Err(ChatError::NoTemplate));
    assert_eq!(render(json!({"chat_template": null})), Err(ChatError::NoTemplate));
    assert!(matches!(render(json!({"chat_template": 3})), Err(ChatError::Config { .. })));
    assert!(matches!(ChatTemplate::from_tokenizer_config(b"{"), Err(ChatError::Config { .. })));
}

#[test]
fn errors_name_the_line() {
    let error = ChatTemplate::new("a\n{% if %}", None, None).unwrap_err();
    assert!(matches!(error, ChatError::Syntax { line: 2, .. }), "{error}");
    let error = write("a\nb\n{{ missing.attribute }}").unwrap_err();
    assert!(matches!(error, ChatError::Render { line: 3, .. }), "{error}");
}
