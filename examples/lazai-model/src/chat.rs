//! A chat in the terminal.

use std::io::{self, BufRead, IsTerminal, Read};

use lazai_api_types::{
    Generation, Job, MAX_STOP_TEXTS, Output, PortError, Prompt, Rejection, Sampling, Task, TokenId,
    openai::ChatMessage,
};
use lazai_chat::{ChatError, ChatTemplate};
use lazai_coprocessor::{Cpu, model::Model, program::Target};

use crate::{
    answer::{AnswerWriter, show},
    error::Error,
    options::Chat,
    parse::Flag,
    source,
};

/// Answers message after message until the input ends.
pub(crate) fn run(options: &Chat) -> Result<(), Error> {
    let threads = options.machine.threads()?;
    let model = source::model(&options.file, &threads)?;
    if !model.supports(Target::Logits) {
        let hint = "it only embeds; use `lazai-model embed`";
        return Err(Error::Unsupported { task: "chat", hint });
    }
    if options.stop.len() > MAX_STOP_TEXTS {
        return Err(Error::StopTexts { got: options.stop.len(), max: MAX_STOP_TEXTS });
    }
    let (id, template) = (model.id(), open_template(options, &model)?);
    if let Some(system) = &options.system {
        check_system(&template, system)?;
    }
    if model.manifest().end_tokens.is_empty() {
        eprintln!(
            "(the model has no end token: each answer has --max-tokens tokens, unless a --stop text \
             ends it)"
        );
    }
    let builder = Cpu::builder().backend(options.machine.backend).threads(threads);
    let device = builder.model(model).build().map_err(Error::Kernel)?;
    let unknown = || Error::Port(Rejection::UnknownModel { model: id }.into());
    let model = device.model(id).ok_or_else(unknown)?;
    let system = options.system.iter().map(|text| ChatMessage::system(text.as_str())).collect();
    let mut conversation =
        Conversation { options, device: &device, model, template, messages: system };

    let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut input = io::stdin().lock();
    loop {
        if at_terminal {
            show("> ");
        }
        let mut more = || {
            if at_terminal {
                show(". ");
            }
        };
        let Some(line) = read_message(&mut input, &mut more)? else { return Ok(()) };
        if line.is_empty() {
            continue;
        }
        match conversation.answer(&line) {
            Ok(speed) if at_terminal => eprintln!("{speed}"),
            Ok(_) => {}
            // Whoever sits at a terminal can try another line.
            Err(error) if at_terminal => eprintln!("error: {error}"),
            Err(error) => return Err(error),
        }
    }
}

struct Conversation<'a> {
    options: &'a Chat,
    device: &'a Cpu,
    model: &'a Model,
    template: ChatTemplate,
    /// All that was said and still fits the context.
    messages: Vec<ChatMessage>,
}

impl Conversation<'_> {
    /// Answers a line on the standard output, and tells how fast.
    fn answer(&mut self, line: &str) -> Result<String, Error> {
        self.messages.push(ChatMessage::user(line));
        let answered = self.prompt().and_then(|prompt| self.generate(prompt));
        match answered {
            Ok((text, speed)) => {
                self.messages.push(ChatMessage::assistant(text));
                Ok(speed)
            }
            Err(error) => {
                self.messages.pop();
                Err(error)
            }
        }
    }

    /// Returns the tokens of the chat; the oldest turns are forgotten where the context is too
    /// short.
    fn prompt(&mut self) -> Result<Vec<u32>, Error> {
        let context = self.model.manifest().context;
        let room = self.options.max_tokens.min(context / 4).max(1);
        let system = usize::from(self.options.system.is_some());
        loop {
            let encoded = self.template.encode(&self.messages, true, self.model.tokenizer());
            let tokens = encoded.map_err(chat_error)?;
            let (got, max) = (tokens.len() as u64 + u64::from(room), u64::from(context));
            if got <= max {
                return Ok(tokens);
            }
            if self.messages.len() < system + 3 {
                let options = "the length of the line";
                return Err(Error::Context { what: "the line with its answer", got, max, options });
            }
            eprintln!("(the oldest turn no longer fits the context and is forgotten)");
            self.messages.drain(system..system + 2);
        }
    }

    fn generate(&self, prompt: Vec<u32>) -> Result<(String, String), Error> {
        let manifest = self.model.manifest();
        let room = manifest.context as usize - prompt.len();
        let Chat { max_tokens, temperature, top_k, top_p, seed, .. } = *self.options;
        let job = Job {
            model: self.model.id(),
            task: Task::Generate(Generation {
                prompt: Prompt::Tokens(prompt.into_iter().map(TokenId).collect()),
                max_tokens: max_tokens.min(u32::try_from(room).unwrap_or(u32::MAX)),
                sampling: Sampling {
                    temperature_milli: temperature,
                    top_k,
                    top_p_milli: top_p,
                    seed,
                },
                stop: self.options.stop.clone(),
            }),
        };
        let mut writer = AnswerWriter::new(self.model, &self.options.stop);
        let run = self.device.run_observed(&job, &mut |token| writer.write(token));
        let (outcome, _) = run.map_err(Error::Port)?;
        let speed = writer.finish();
        let Output::Generated { text, .. } = outcome.output else {
            return Err(Error::Port(PortError::Rejected(Rejection::InvalidText)));
        };
        Ok((text, speed))
    }
}

/// Opens the template that was asked for, or a plain one.
fn open_template(options: &Chat, model: &Model) -> Result<ChatTemplate, Error> {
    let tokenizer = model.tokenizer();
    let start = tokenizer.encode("").unwrap_or_default().first().copied();
    let end = model.manifest().end_tokens.first().copied();
    let [bos, eos] = [start, end].map(|token| tokenizer.special_text(token?));
    let template = match &options.template {
        Some(path) => lazai_models::chat::open_template(path, bos, eos)
            .map_err(|source| Error::ChatTemplate { path: path.clone(), source })?,
        None => {
            eprintln!(
                "(a plain template; name the checkpoint with --template for the model's own)"
            );
            ChatTemplate::new(PLAIN_TEMPLATE, bos, eos).map_err(chat_error)?
        }
    };
    // A template that can do without the day may write one of its own.
    if options.date.is_none() && template.reads("strftime_now").map_err(chat_error)? {
        eprintln!("(the template writes the day: name it with --date, or it may write another)");
    }
    let mut template = match options.date {
        Some(date) => template.with_date(date),
        None => template,
    };
    for (name, value) in &options.flag {
        if !template.reads(name).map_err(chat_error)? {
            return Err(Error::NoFlag { name: name.clone() });
        }
        template = match value {
            Flag::Bool(value) => template.with_flag(name, *value),
            Flag::Text(value) => template.with_text(name, value),
        };
    }
    Ok(template)
}

/// Refuses a system turn that the template refuses or does not write.
fn check_system(template: &ChatTemplate, system: &str) -> Result<(), Error> {
    let user = ChatMessage::user("x");
    match template.render_text(&[ChatMessage::system(system), user.clone()], true) {
        Ok(text) if text.contains(system.trim()) => Ok(()),
        Ok(_) => {
            Err(Error::SystemTurn { problem: "the template writes no system turn".to_owned() })
        }
        // A template that refuses everything is not at odds with this turn.
        Err(error) if template.render_text(&[user], true).is_ok() => Err(Error::SystemTurn {
            problem: format!("the template takes no system turn ({error})"),
        }),
        Err(error) => Err(chat_error(error)),
    }
}

fn chat_error(error: ChatError) -> Error {
    match error {
        ChatError::Clock => Error::ChatDate,
        error => Error::Chat(error),
    }
}

/// Reads the next message, without the white space around it; `None` at the end of the input.
///
/// A line that ends with a backslash goes on in the next; three quotation marks start and end a
/// message of any lines. `more` is called before each further line.
fn read_message(input: &mut impl BufRead, more: &mut dyn FnMut()) -> Result<Option<String>, Error> {
    let Some(line) = read_line(input)? else { return Ok(None) };
    let mut message = String::new();
    if let Some(start) = line.trim().strip_prefix(QUOTES) {
        let mut line = format!("{start}\n");
        loop {
            if let Some(last) = line.trim_end().strip_suffix(QUOTES) {
                message.push_str(last);
                break;
            }
            message.push_str(&line);
            more();
            let Some(next) = read_line(input)? else { break };
            line = next;
        }
    } else {
        let mut line = line;
        while let Some(start) = line.trim_end_matches(['\n', '\r']).strip_suffix('\\') {
            message.push_str(start);
            message.push('\n');
            more();
            let Some(next) = read_line(input)? else {
                line.clear();
                break;
            };
            line = next;
        }
        message.push_str(&line);
    }
    Ok(Some(message.trim().to_owned()))
}

/// Reads the next line with its end; `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> Result<Option<String>, Error> {
    let failed = |source| Error::File { action: "reading", path: "the input".into(), source };
    let mut line = String::new();
    let max = ChatTemplate::MAX_CHAT_BYTES as u64 + 1;
    let got = input.take(max).read_line(&mut line).map_err(failed)?;
    Ok((got > 0).then_some(line))
}

/// What starts and ends a message of several lines.
const QUOTES: &str = "\"\"\"";

/// For a model that was trained on texts alone.
const PLAIN_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}\
{{ message.role | capitalize }}: {{ message.content }}\n{% endfor %}\
{% if add_generation_prompt %}Assistant:{% endif %}";

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(input: &str) -> Vec<String> {
        let mut input = input.as_bytes();
        core::iter::from_fn(|| read_message(&mut input, &mut || ()).unwrap()).collect()
    }

    #[test]
    fn messages_may_have_several_lines() {
        assert_eq!(messages("a\n b \n\nc"), ["a", "b", "", "c"]);
        assert_eq!(messages("a\\\nb\\\r\nc\nd"), ["a\nb\nc", "d"]);
        assert_eq!(messages("a\\"), ["a"]);
        assert_eq!(messages("\"\"\"a\n\n  b\n\"\"\"\nc"), ["a\n\n  b", "c"]);
        assert_eq!(messages("\"\"\"a\"\"\"\nb"), ["a", "b"]);
        assert_eq!(messages("\"\"\"a\nb"), ["a\nb"]);
    }
}
