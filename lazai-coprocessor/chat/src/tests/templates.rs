//! What the templates of known models make of chats. The sources say what the models' own templates
//! say, in fewer words.

use lazai_api_types::openai::ChatMessage;

use crate::{ChatError, ChatTemplate};

struct Case {
    name: &'static str,
    source: &'static str,
    bos: &'static str,
    eos: &'static str,
    /// A greeting alone, with a prompt for the model.
    greeting: &'static str,
    /// Instructions, a question, an answer and a question, with a prompt for the model; nothing if
    /// the template refuses.
    chat: Option<&'static str>,
    /// A question and an answer.
    answered: &'static str,
}

const CASES: [Case; 9] = [
    Case {
        name: "Llama 2",
        source: r"
{%- if messages[0]['role'] == 'system' %}
    {%- set loop_messages = messages[1:] %}
    {%- set system_message = messages[0]['content'] %}
{%- else %}
    {%- set loop_messages = messages %}
    {%- set system_message = false %}
{%- endif %}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate') }}
    {%- endif %}
    {%- if loop.index0 == 0 and system_message != false %}
        {%- set content = '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + message['content'] %}
    {%- else %}
        {%- set content = message['content'] %}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + content.strip() + ' ' + eos_token }}
    {%- endif %}
{%- endfor %}",
        bos: "<s>",
        eos: "</s>",
        greeting: "<s>[INST] Hello [/INST]",
        chat: Some(concat!(
            "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWho are you? [/INST] A model. </s>",
            "<s>[INST] Since when? [/INST]"
        )),
        answered: "<s>[INST] Who are you? [/INST] A model. </s>",
    },
    Case {
        name: "Llama 3",
        source: r"
{%- for message in messages %}
    {%- set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'
        + message['content'] | trim + '<|eot_id|>' %}
    {%- if loop.index0 == 0 %}
        {%- set content = bos_token + content %}
    {%- endif %}
    {{- content }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}",
        bos: "<|begin_of_text|>",
        eos: "<|eot_id|>",
        greeting: concat!(
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        ),
        chat: Some(concat!(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>",
            "<|start_header_id|>user<|end_header_id|>\n\nWho are you?<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\nA model.<|eot_id|>",
            "<|start_header_id|>user<|end_header_id|>\n\nSince when?<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        )),
        answered: concat!(
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWho are you?<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\nA model.<|eot_id|>"
        ),
    },
    Case {
        name: "ChatML with default instructions, as Qwen2.5 and SmolLM2",
        source: r"
{%- for message in messages %}
    {%- if loop.first and messages[0]['role'] != 'system' %}
        {{- '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}",
        bos: "<|im_start|>",
        eos: "<|im_end|>",
        greeting: concat!(
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n",
            "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
        ),
        chat: Some(concat!(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWho are you?<|im_end|>\n",
            "<|im_start|>assistant\nA model.<|im_end|>\n<|im_start|>user\nSince when?<|im_end|>\n",
            "<|im_start|>assistant\n"
        )),
        answered: concat!(
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n",
            "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\nA model.<|im_end|>\n"
        ),
    },
    Case {
        name: "Qwen3 without tools",
        source: QWEN3,
        bos: "",
        eos: "<|im_end|>",
        greeting: "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
        chat: Some(concat!(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWho are you?<|im_end|>\n",
            "<|im_start|>assistant\nA model.<|im_end|>\n<|im_start|>user\nSince when?<|im_end|>\n",
            "<|im_start|>assistant\n"
        )),
        // The last answer gets its thoughts, and there are none.
        answered: concat!(
            "<|im_start|>user\nWho are you?<|im_end|>\n",
            "<|im_start|>assistant\n<think>\n\n</think>\n\nA model.<|im_end|>\n"
        ),
    },
    Case {
        name: "Mistral 0.1",
        source: r"
{{- bos_token }}
{%- for message in messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- '[INST] ' + message['content'] + ' [/INST]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- message['content'] + eos_token + ' ' }}
    {%- else %}
        {{- raise_exception('Only user and assistant roles are supported') }}
    {%- endif %}
{%- endfor %}",
        bos: "<s>",
        eos: "</s>",
        greeting: "<s>[INST] Hello [/INST]",
        chat: None,
        answered: "<s>[INST] Who are you? [/INST]A model.</s> ",
    },
    Case {
        name: "Mistral 0.3, with instructions before the last question",
        source: r#"
{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\n\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"] | trim + eos_token }}
    {%- endif %}
{%- endfor %}"#,
        bos: "<s>",
        eos: "</s>",
        greeting: "<s>[INST] Hello[/INST]",
        chat: Some(
            "<s>[INST] Who are you?[/INST] A model.</s>[INST] Be brief.\n\nSince when?[/INST]",
        ),
        answered: "<s>[INST] Who are you?[/INST] A model.</s>",
    },
    Case {
        name: "Zephyr and TinyLlama",
        source: "{% for message in messages %}\n\
            {% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n\
            {% elif message['role'] == 'system' %}\n{{ '<|system|>\\n' + message['content'] + eos_token }}\n\
            {% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\\n'  + message['content'] + eos_token }}\n\
            {% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n\
            {% endfor %}",
        bos: "<s>",
        eos: "</s>",
        greeting: "<|user|>\nHello</s>\n<|assistant|>\n",
        chat: Some(concat!(
            "<|system|>\nBe brief.</s>\n<|user|>\nWho are you?</s>\n<|assistant|>\nA model.</s>\n",
            "<|user|>\nSince when?</s>\n<|assistant|>\n"
        )),
        answered: "<|user|>\nWho are you?</s>\n<|assistant|>\nA model.</s>\n",
    },
    Case {
        name: "Gemma",
        source: r"
{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {{- raise_exception('System role not supported') }}
{%- endif %}
{%- for message in messages %}
    {%- if message['role'] == 'assistant' %}
        {%- set role = 'model' %}
    {%- else %}
        {%- set role = message['role'] %}
    {%- endif %}
    {{- '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<start_of_turn>model\n' }}
{%- endif %}",
        bos: "<bos>",
        eos: "<eos>",
        greeting: "<bos><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n",
        chat: None,
        answered: concat!(
            "<bos><start_of_turn>user\nWho are you?<end_of_turn>\n",
            "<start_of_turn>model\nA model.<end_of_turn>\n"
        ),
    },
    Case {
        name: "Phi-3",
        source: r"
{%- for message in messages -%}
    {{- '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>\n' -}}
{%- else -%}
    {{- eos_token -}}
{%- endif -%}",
        bos: "<s>",
        eos: "<|endoftext|>",
        greeting: "<|user|>\nHello<|end|>\n<|assistant|>\n",
        chat: Some(concat!(
            "<|system|>\nBe brief.<|end|>\n<|user|>\nWho are you?<|end|>\n",
            "<|assistant|>\nA model.<|end|>\n<|user|>\nSince when?<|end|>\n<|assistant|>\n"
        )),
        answered: "<|user|>\nWho are you?<|end|>\n<|assistant|>\nA model.<|end|>\n<|endoftext|>",
    },
];

/// Thoughts of earlier turns are dropped, those after the last question are kept.
const QWEN3: &str = r#"
{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and
        not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content =
                content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and
            (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning_content.strip('\n') +
                '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\n<tool_response>\n' + content + '\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}"#;

#[test]
fn known_templates_write_what_their_models_read() {
    let greeting = [ChatMessage::user("Hello")];
    let answered = [ChatMessage::user("Who are you?"), ChatMessage::assistant("A model.")];
    let mut chat = vec![ChatMessage::system("Be brief.")];
    chat.extend(answered.clone());
    chat.push(ChatMessage::user("Since when?"));
    for case in CASES {
        let template = ChatTemplate::new(case.source, Some(case.bos), Some(case.eos)).unwrap();
        let name = case.name;
        assert_eq!(template.render_text(&greeting, true).unwrap(), case.greeting, "{name}");
        assert_eq!(template.render_text(&answered, false).unwrap(), case.answered, "{name}");
        match (template.render_text(&chat, true), case.chat) {
            (Ok(text), Some(expected)) => assert_eq!(text, expected, "{name}"),
            (Err(ChatError::Refused { .. }), None) => {}
            (result, _) => panic!("{name}: {result:?}"),
        }
    }
}

#[test]
fn qwen3_drops_old_thoughts_and_keeps_new_ones() {
    let template = ChatTemplate::new(QWEN3, None, None).unwrap();
    let messages = [
        ChatMessage::user("1?"),
        ChatMessage::assistant("<think>\nhm\n</think>\n\none"),
        ChatMessage::user("2?"),
        ChatMessage::assistant("<think>\nhm hm\n</think>\n\ntwo"),
    ];
    let expected = concat!(
        "<|im_start|>user\n1?<|im_end|>\n<|im_start|>assistant\none<|im_end|>\n",
        "<|im_start|>user\n2?<|im_end|>\n",
        "<|im_start|>assistant\n<think>\nhm hm\n</think>\n\ntwo<|im_end|>\n"
    );
    assert_eq!(template.render_text(&messages, false).unwrap(), expected);
}

#[test]
fn qwen3_can_be_told_not_to_think() {
    let template =
        ChatTemplate::new(QWEN3, None, None).unwrap().with_flag("enable_thinking", false);
    let text = template.render_text(&[ChatMessage::user("Hello")], true).unwrap();
    assert!(text.ends_with("<|im_start|>assistant\n<think>\n\n</think>\n\n"), "{text}");
}

#[test]
fn qwen3_joins_the_results_of_tools() {
    let template = ChatTemplate::new(QWEN3, None, None).unwrap();
    let result = |content: &str| ChatMessage::Tool {
        content: content.into(),
        tool_call_id: "call".to_owned(),
    };
    let text = template.render_text(&[ChatMessage::user("?"), result("1"), result("2")], false);
    let expected = concat!(
        "<|im_start|>user\n?<|im_end|>\n<|im_start|>user\n<tool_response>\n1\n</tool_response>",
        "\n<tool_response>\n2\n</tool_response><|im_end|>\n"
    );
    assert_eq!(text.unwrap(), expected);
}

#[test]
fn roles_that_do_not_alternate_are_refused_by_the_template() {
    let template = ChatTemplate::new(CASES[0].source, Some("<s>"), Some("</s>")).unwrap();
    let error = template.render_text(&[ChatMessage::user("a"), ChatMessage::user("b")], true);
    let message = "Conversation roles must alternate".to_owned();
    assert_eq!(error, Err(ChatError::Refused { message }));
}
