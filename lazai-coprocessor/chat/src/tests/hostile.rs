//! Templates and chats that would take the time, the memory or the stack of a machine.

use lazai_api_types::openai::{ChatMessage, limits};

use super::{render, write};
use crate::{ChatError, ChatTemplate};

/// Repeats a `set` in two loops, so that it runs a million times.
fn looped(statement: &str) -> String {
    format!(
        "{{% set ns = namespace(x=[], y={{}}, s='') %}}{{% for i in range(1000) %}}{{% for j in range(1000) %}}\
         {{% {statement} %}}{{% endfor %}}{{% endfor %}}{{{{ ns.x }}}}"
    )
}

#[test]
fn work_is_bounded() {
    let sources = [
        "{{ 'a' * 100000000000 }}".to_owned(),
        "{% set s = 'a' * 100000 %}{{ ''.join([s] * 100000)|length }}".to_owned(),
        "{% set s = 'a' * 100000 %}{{ ([s] * 100000)|join|length }}".to_owned(),
        "{{ ('a' * 10000).replace('', 'b' * 100000)|length }}".to_owned(),
        "{% set s = 'a' * 5000000 %}{{ s.split('a')|length }}".to_owned(),
        "{{ 'a\n'|indent(100000000000) }}".to_owned(),
        "{{ 'a'.ljust(100000000000) }}".to_owned(),
        "{{ 'a'.zfill(100000000000) }}".to_owned(),
        "{{ '\t'.expandtabs(100000000000) }}".to_owned(),
        looped("set ns.x = range(900)|batch(2)|list"),
        looped("set ns.x = range(900)|slice(800)|list"),
        looped("set ns.s = ns.s ~ 'a'"),
        looped("if 'b' in 'a' * 100000"),
        looped("set ns.x = ns.x + [1]"),
        looped("set ns.x = ns.x[0:]"),
        looped("set ns.x = ns.x + ns.x + [1]"),
        "{% set ns = namespace(x=[1]) %}{% for i in range(1000) %}{% set ns.x = ns.x * 2 %}{% endfor %}".to_owned(),
    ];
    for source in sources {
        let source =
            source.replace("if 'b' in 'a' * 100000 %}", "if 'b' in 'a' * 100000 %}{% endif %}");
        let error = write(&source).unwrap_err();
        assert!(matches!(error, ChatError::Fuel { .. }), "{source}: {error}");
    }
}

#[test]
fn work_grows_with_the_chat() {
    let source = "{% for m in messages %}{% for i in range(100) %}{{ m.role|length }}{% endfor %}{% endfor %}";
    let chat = vec![ChatMessage::user("a"); 1_000];
    assert_eq!(render(source, &chat).unwrap().len(), 100_000);
}

#[test]
fn values_nest_to_a_bounded_depth() {
    for statement in [
        "set ns.x = [ns.x]",
        "set ns.x = {'a': ns.x}",
        "set ns.x = {'a': ns.x}.items()",
        "set ns.x = [ns.x, ns.x]",
        "set ns.x = (ns.x, 1)",
    ] {
        let error = write(&looped(statement)).unwrap_err();
        let bounded = matches!(error, ChatError::Fuel { .. } | ChatError::Render { .. });
        assert!(bounded, "{statement}: {error}");
    }
}

#[test]
fn values_that_share_parts_are_counted_in_full() {
    let doubled = "{% set ns = namespace(x=[], y=[]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}\
        {% set ns.y = [ns.y, ns.y] %}{% endfor %}";
    for end in ["{{ ns.x == ns.y }}", "{{ ns.x }}", "{{ ns.x|tojson }}", "{{ (ns.x ~ '')|length }}"]
    {
        let error = write(&format!("{doubled}{end}")).unwrap_err();
        assert!(matches!(error, ChatError::Fuel { .. }), "{end}: {error}");
    }
}

#[test]
fn namespaces_hold_no_namespaces() {
    for source in [
        "{% set ns = namespace(x=1) %}{% set ns.x = ns %}",
        "{% set ns = namespace(x=1) %}{% set ns.x = [ns] %}",
        "{% set ns = namespace(x=namespace(y=1)) %}",
        "{% set ns = namespace(x=1) %}{% set y = {'a': ns} %}",
    ] {
        let error = write(source).unwrap_err();
        assert!(matches!(error, ChatError::Render { .. }), "{source}: {error}");
    }
    // A macro may be given one.
    let source = "{% macro f(n) %}{% set n.x = n.x + 1 %}{% endmacro %}\
        {% set ns = namespace(x=1) %}{{ f(ns) }}{{ f(ns) }}{{ ns.x }}";
    assert_eq!(write(source).unwrap(), "3");
}

#[test]
fn deep_sources_do_not_reach_the_end_of_the_stack() {
    let nested = |open: &str, close: &str| {
        let count = 60_000 / (open.len() + close.len());
        format!("{}1{}", open.repeat(count), close.repeat(count))
    };
    let sources = [
        format!("{{{{ {} }}}}", nested("(", ")")),
        format!("{{{{ {} }}}}", nested("[", "]")),
        format!("{{{{ {} }}}}", nested("not ", "")),
        format!("{{{{ {} }}}}", nested("-", "")),
        format!("{{{{ {} }}}}", nested("", "+1")),
        format!("{{{{ {} }}}}", nested("", "~'a'")),
        format!("{{{{ {} }}}}", nested("", ".a")),
        nested("{% if 1 %}", "{% endif %}"),
        nested("{% for a in b %}", "{% endfor %}"),
    ];
    for source in sources {
        let error = write(&source).unwrap_err();
        let refused = matches!(error, ChatError::Syntax { .. } | ChatError::TooLarge { .. });
        assert!(refused, "{}: {error}", &source[..40]);
    }
    // The longest chains that are read.
    let elif = format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(5_000));
    assert_eq!(write(&elif).unwrap(), "");
    for (chain, expected) in [("not ", "True"), ("-", "1")] {
        let source = format!("{{{{ {}1 }}}}", chain.repeat(1_998));
        assert_eq!(write(&source).unwrap(), expected, "{chain}");
    }
}

#[test]
fn recursion_is_bounded() {
    for source in [
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}",
    ] {
        assert!(matches!(write(source), Err(ChatError::Render { .. })), "{source}");
    }
}

#[test]
fn sizes_are_bounded() {
    let source = "a".repeat(ChatTemplate::MAX_SOURCE_BYTES + 1);
    let error = ChatTemplate::new(&source, None, None).unwrap_err();
    assert!(matches!(error, ChatError::TooLarge { part: "bytes of the template", .. }));
    let error = ChatTemplate::new("", Some(&"a".repeat(2_000)), None).unwrap_err();
    assert!(matches!(error, ChatError::TooLarge { part: "bytes of a special token", .. }));
    let error = ChatTemplate::from_tokenizer_config(&vec![b' '; 9 << 20]).unwrap_err();
    assert!(matches!(error, ChatError::TooLarge { got: 9_437_184, max: 8_388_608, .. }));

    let error = render("", &vec![ChatMessage::user(""); limits::MAX_MESSAGES + 1]).unwrap_err();
    assert!(matches!(error, ChatError::TooLarge { part: "messages", got: 1_025, max: 1_024 }));
    let chat = [ChatMessage::user("a".repeat(ChatTemplate::MAX_CHAT_BYTES + 1))];
    let error = render("", &chat).unwrap_err();
    assert!(matches!(error, ChatError::TooLarge { part: "bytes of the chat", .. }));
    let chat = [ChatMessage::user("a".repeat(600_000))];
    let error = render("{{ messages[0].content * 2 }}", &chat).unwrap_err();
    assert!(matches!(error, ChatError::TooLarge { part: "bytes of the rendered chat", .. }));
}

#[test]
fn lines_are_counted_to_the_end() {
    let source = "\n".repeat(ChatTemplate::MAX_SOURCE_BYTES - 5) + "{{ a(";
    let error = ChatTemplate::new(&source, None, None).unwrap_err();
    assert!(matches!(error, ChatError::Syntax { line: 65_531, .. }), "{error}");
}

#[test]
fn widths_of_formats_are_bounded() {
    for source in ["{{ '{:>10000000000}'.format(1) }}", "{{ '{:{}}'.format(1, 10000000000) }}"] {
        assert!(matches!(write(source), Err(ChatError::Render { .. })), "{source}");
    }
}

#[test]
fn other_templates_cannot_be_read() {
    for source in
        ["{% include 'a' %}", "{% extends 'a' %}", "{% import 'a' as b %}", "{{ debug() }}"]
    {
        let template = ChatTemplate::new(source, None, None);
        let error = template.and_then(|template| template.render_text(&[], false)).unwrap_err();
        assert!(matches!(error, ChatError::Syntax { .. } | ChatError::Render { .. }), "{source}");
    }
}
