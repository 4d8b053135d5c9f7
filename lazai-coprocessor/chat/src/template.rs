use std::{io, string::FromUtf8Error};

use lazai_api_types::openai::{ChatMessage, limits};
use minijinja::{Environment, Value};

use super::{
    ChatError, Date, Rendered,
    engine_error::{run_error, syntax_error},
    environment::{environment, set_date},
    message::{self, Rewrite},
    recursion,
    sentinel::UsedSentinels,
    source,
};
use lazai_coprocessor::Tokenizer;

/// The chat template of a model.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    /// Special tokens and flags, by name.
    variables: Vec<(String, Value)>,
    knows_developers: bool,
    /// Noncharacters of the source.
    used: UsedSentinels,
    /// What every chat begins with.
    start: Option<String>,
}

impl ChatTemplate {
    /// Largest template, in bytes; the engine counts lines in 16 bits.
    pub const MAX_SOURCE_BYTES: usize = u16::MAX as usize;

    /// Most bytes of all texts of a chat.
    pub const MAX_CHAT_BYTES: usize = 1 << 20;

    /// Parses a template. `bos` and `eos` are the texts of the tokens that start and end a text,
    /// where the model has them.
    ///
    /// # Errors
    /// [`ChatError::TooLarge`] and [`ChatError::Syntax`].
    pub fn new(source: &str, bos: Option<&str>, eos: Option<&str>) -> Result<Self, ChatError> {
        let tokens = [("bos_token", bos), ("eos_token", eos)];
        let tokens =
            tokens.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
        Self::with_tokens(source, tokens)
    }

    pub(super) fn with_tokens(
        source: &str,
        tokens: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ChatError> {
        if source.len() > Self::MAX_SOURCE_BYTES {
            let (got, max) = (source.len(), Self::MAX_SOURCE_BYTES);
            return Err(ChatError::TooLarge { part: "bytes of the template", got, max });
        }
        let mut used = UsedSentinels::default();
        used.add(source);
        let mut variables = Vec::new();
        for (name, text) in tokens {
            if text.len() > MAX_TOKEN_BYTES {
                let (got, max) = (text.len(), MAX_TOKEN_BYTES);
                return Err(ChatError::TooLarge { part: "bytes of a special token", got, max });
            }
            used.add(&text);
            variables.push((name, Value::from(text)));
        }
        let knows_developers =
            ["'developer'", "\"developer\""].iter().any(|role| source.contains(role));
        let mut environment = environment();
        recursion::run(|| {
            let source = source::prepare(source, environment.syntax().clone())?;
            environment.add_template_owned(NAME, source).map_err(|error| syntax_error(&error))
        })??;
        Ok(Self { environment, variables, knows_developers, used, start: None })
    }

    /// Lets the template write `date` as the day of the chat. Without a date, a template that can
    /// do without the clock writes none, and another is refused with [`ChatError::Clock`].
    #[must_use]
    pub fn with_date(mut self, date: Date) -> Self {
        set_date(&mut self.environment, date);
        self
    }

    /// Sets a variable that the template knows, as `enable_thinking` of Qwen3.
    #[must_use]
    pub fn with_flag(mut self, name: &str, value: bool) -> Self {
        self.variables.push((name.to_owned(), Value::from(value)));
        self
    }

    /// Sets a variable that the template knows to a text, as `reasoning_effort` of some.
    #[must_use]
    pub fn with_text(mut self, name: &str, value: &str) -> Self {
        self.used.add(value);
        self.variables.push((name.to_owned(), Value::from(value)));
        self
    }

    /// Lets every chat begin with the text of a token, which the template need not write: so does
    /// llama.cpp where a file says that a text begins with one.
    #[must_use]
    pub fn with_start(mut self, token: &str) -> Self {
        self.used.add(token);
        self.start = Some(token.to_owned());
        self
    }

    /// Returns whether the template reads a variable that it does not set itself.
    ///
    /// # Errors
    /// [`ChatError::Engine`] if this machine could not run the engine.
    pub fn reads(&self, name: &str) -> Result<bool, ChatError> {
        recursion::run(|| {
            let template = self.environment.get_template(NAME);
            template.is_ok_and(|template| template.undeclared_variables(false).contains(name))
        })
    }

    /// Renders the prompt of a chat for people to read: special tokens that contents spell look
    /// like those of the template. If `add_generation_prompt`, the text ends where the model is to
    /// go on.
    ///
    /// # Errors
    /// [`ChatError`] if the chat is too large or has parts that are not text, or if the template
    /// fails or refuses it.
    pub fn render_text(
        &self,
        messages: &[ChatMessage],
        add_generation_prompt: bool,
    ) -> Result<String, ChatError> {
        self.check(messages)?;
        self.run(messages, add_generation_prompt, 1, &mut |text| Ok(text.to_owned()))
    }

    /// Renders the prompt of a chat for `tokenizer` to encode, in which no content is a special
    /// token.
    ///
    /// # Errors
    /// As [`render_text`](Self::render_text), and [`ChatError::NoFreeSentinel`] and
    /// [`ChatError::SpecialCharacter`] if contents cannot be told from special tokens.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        add_generation_prompt: bool,
        tokenizer: &Tokenizer,
    ) -> Result<Rendered, ChatError> {
        let sentinel = self.check(messages)?.free()?;
        let special = tokenizer.special();
        let cut = &mut |text: &str| sentinel.cut(text, special);
        let marked = self.run(messages, add_generation_prompt, 2, cut)?;
        let shred = &mut |text: &str| Ok(sentinel.shred(text));
        let shredded = self.run(messages, add_generation_prompt, 8, shred)?;
        Ok(Rendered::new(marked, shredded, sentinel))
    }

    /// Returns the tokens of a chat: [`render`](Self::render), then [`Rendered::encode`].
    ///
    /// # Errors
    /// Those of both.
    pub fn encode(
        &self,
        messages: &[ChatMessage],
        add_generation_prompt: bool,
        tokenizer: &Tokenizer,
    ) -> Result<Vec<u32>, ChatError> {
        let rendered = self.render(messages, add_generation_prompt, tokenizer)?;
        Ok(rendered.encode(tokenizer)?)
    }

    /// Checks the size of a chat and finds the noncharacters that it uses.
    fn check(&self, messages: &[ChatMessage]) -> Result<UsedSentinels, ChatError> {
        if messages.len() > limits::MAX_MESSAGES {
            let (got, max) = (messages.len(), limits::MAX_MESSAGES);
            return Err(ChatError::TooLarge { part: "messages", got, max });
        }
        let mut used = self.used;
        let mut bytes = 0_usize;
        let visit = &mut |text: &str| {
            bytes = bytes.saturating_add(text.len());
            if bytes > Self::MAX_CHAT_BYTES {
                let (got, max) = (bytes, Self::MAX_CHAT_BYTES);
                return Err(ChatError::TooLarge { part: "bytes of the chat", got, max });
            }
            used.add(text);
            Ok(String::new())
        };
        message::values(messages, self.knows_developers, visit)?;
        Ok(used)
    }

    /// Renders messages whose texts are rewritten and may then be `growth` times as long.
    fn run(
        &self,
        messages: &[ChatMessage],
        add_generation_prompt: bool,
        growth: usize,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<String, ChatError> {
        let mut bytes = 0;
        let mut fuel = FUEL + FUEL_PER_MESSAGE * messages.len() as u64;
        let counted = &mut |text: &str| {
            let text = rewrite(text)?;
            bytes += text.len() as u64;
            Ok(text)
        };
        let messages = message::values(messages, self.knows_developers, counted)?;
        fuel += FUEL_PER_BYTES * bytes / FUEL_BYTES;
        let variables = self.variables.iter().cloned().chain([
            ("add_generation_prompt".to_owned(), Value::from(add_generation_prompt)),
            ("documents".to_owned(), Value::from(())),
            ("messages".to_owned(), messages),
            ("tools".to_owned(), Value::from(())),
        ]);
        let variables = Value::from_pairs(variables);
        let mut environment = self.environment.clone();
        environment.set_fuel(Some(fuel));
        let mut output = Output { bytes: Vec::new(), full: false, max: growth * MAX_OUTPUT_BYTES };
        let run = recursion::run(|| {
            let template = environment.get_template(NAME)?;
            template.render_captured_to(variables, &mut output).map(drop)
        })?;
        if output.full {
            let (got, max) = (output.max + 1, output.max);
            return Err(ChatError::TooLarge { part: "bytes of the rendered chat", got, max });
        }
        run.map_err(|error| run_error(&error, fuel))?;
        let message = |error: FromUtf8Error| error.to_string();
        let mut text = String::from_utf8(output.bytes)
            .map_err(|error| ChatError::Render { line: 0, message: message(error) })?;
        // In a prompt, no content can spell it.
        if let Some(start) = self.start.as_deref().filter(|start| !text.starts_with(start)) {
            text.insert_str(0, start);
        }
        Ok(text)
    }
}

/// A text that may grow to `max` bytes.
struct Output {
    bytes: Vec<u8>,
    full: bool,
    max: usize,
}

impl io::Write for &mut Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.max - self.bytes.len() {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name of the one template of an environment.
const NAME: &str = "chat";

/// Longest special token of a configuration, in bytes.
const MAX_TOKEN_BYTES: usize = 1_024;

/// Most bytes of a rendered chat.
const MAX_OUTPUT_BYTES: usize = Tokenizer::MAX_TEXT_BYTES;

/// Units of work of any run: about one for an instruction, and one for 64 bytes.
const FUEL: u64 = 100_000;

/// Units for each message.
const FUEL_PER_MESSAGE: u64 = 1_000;

/// Units for each `FUEL_BYTES` bytes of text, so that a template may copy a chat 16 times.
const FUEL_PER_BYTES: u64 = 16;
const FUEL_BYTES: u64 = 64;
