//! A chat in the terminal.

use core::time::Duration;
use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    time::Instant,
};

use lazai_api_types::{
    Generation, Job, Output, PortError, Prompt, Rejection, Sampling, Task, TokenId,
    openai::ChatMessage,
};
use lazai_coprocessor::{
    Cpu, TextStream,
    chat::{ChatError, ChatTemplate},
    model::Model,
    program::Target,
};

use crate::{error::Error, options::Chat, page::inert, source};

/// Answers line after line until the input ends.
pub(crate) fn run(options: &Chat) -> Result<(), Error> {
    let threads = options.machine.threads()?;
    let model = source::model(&options.file, &threads)?;
    if !model.supports(Target::Logits) {
        let hint = "it only embeds; use `lazai-model embed`";
        return Err(Error::Unsupported { task: "chat", hint });
    }
    let (id, template) = (model.id(), open_template(options, &model)?);
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
        let Some(line) = read_line(&mut input)? else { return Ok(()) };
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
                stop: Vec::new(),
            }),
        };
        let mut writer = AnswerWriter::new(self.model);
        let run = self.device.run_observed(&job, &mut |token| writer.write(token));
        let (outcome, _) = run.map_err(Error::Port)?;
        let speed = writer.finish();
        let Output::Generated { text, .. } = outcome.output else {
            return Err(Error::Port(PortError::Rejected(Rejection::InvalidText)));
        };
        Ok((text, speed))
    }
}

/// Writes an answer as it grows.
struct AnswerWriter<'a> {
    stream: TextStream<'a>,
    end_tokens: &'a [u32],
    start: Instant,
    /// When the prompt was read, which is when the first token is chosen.
    first: Option<Duration>,
    tokens: usize,
}

impl<'a> AnswerWriter<'a> {
    fn new(model: &'a Model) -> Self {
        Self {
            stream: model.tokenizer().stream(),
            end_tokens: &model.manifest().end_tokens,
            start: Instant::now(),
            first: None,
            tokens: 0,
        }
    }

    fn write(&mut self, TokenId(token): TokenId) {
        self.first.get_or_insert_with(|| self.start.elapsed());
        self.tokens += 1;
        if !self.end_tokens.contains(&token) {
            // What has no text leaves no gap.
            show(&self.stream.push(token).unwrap_or_default());
        }
    }

    /// Ends the line; returns what is said of the speed.
    fn finish(self) -> String {
        show(&self.stream.finish().unwrap_or_default());
        show("\n");
        let first = self.first.unwrap_or_default();
        let rest = self.start.elapsed().saturating_sub(first).as_secs_f64().max(1e-9);
        let rate = self.tokens.saturating_sub(1) as f64 / rest;
        format!("({} tokens, the first after {first:.1?}, {rate:.1} a second)", self.tokens)
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
    Ok(match options.date {
        Some(date) => template.with_date(date),
        None => template,
    })
}

fn chat_error(error: ChatError) -> Error {
    match error {
        ChatError::Clock => Error::ChatDate,
        error => Error::Chat(error),
    }
}

/// Reads the next line, without its end; `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> Result<Option<String>, Error> {
    let failed = |source| Error::File { action: "reading", path: "the input".into(), source };
    let mut line = String::new();
    let max = ChatTemplate::MAX_CHAT_BYTES as u64 + 1;
    if input.take(max).read_line(&mut line).map_err(failed)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim().to_owned()))
}

/// Writes at once, without what could act on a terminal; a reader who left is no error.
fn show(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(inert(text).as_bytes()).and_then(|()| out.flush());
}

/// For a model that was trained on texts alone.
const PLAIN_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}\
{{ message.role | capitalize }}: {{ message.content }}\n{% endfor %}\
{% if add_generation_prompt %}Assistant:{% endif %}";
