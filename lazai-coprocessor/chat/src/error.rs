use lazai_api_types::Rejection;

/// Why a chat template or a chat was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChatError {
    /// The template asks for the time of day, which differs between machines.
    #[error("the template reads the clock; give it a date with `with_date`")]
    Clock,
    /// The configuration does not parse.
    #[error("tokenizer_config.json does not parse: {message}")]
    Config {
        /// What the parser says.
        message: String,
    },
    /// There is no such day.
    #[error("{year}-{month}-{day} is no date")]
    Date {
        /// Year.
        year: u16,
        /// Month, from 1.
        month: u8,
        /// Day of the month, from 1.
        day: u8,
    },
    /// This machine could not run the engine; the chat is not at fault.
    #[error("the template engine failed: {message}")]
    Engine {
        /// What went wrong.
        message: String,
    },
    /// The template takes too many steps or too much memory.
    #[error("the template takes more than {max} units of work")]
    Fuel {
        /// Most units.
        max: u64,
    },
    /// The contents use every character that could mark them.
    #[error("the chat uses all {max} noncharacters of Unicode; remove one")]
    NoFreeSentinel {
        /// How many there are.
        max: usize,
    },
    /// The configuration or the checkpoint has no template.
    #[error("there is no chat template, or none named default")]
    NoTemplate,
    /// A part of a message is not text.
    #[error("message {index} has a part that is not text")]
    Part {
        /// The message.
        index: usize,
    },
    /// The template refuses the chat.
    #[error("the template refuses the chat: {message}")]
    Refused {
        /// What the template says.
        message: String,
    },
    /// The tokenizer refuses the rendered chat.
    #[error("the rendered chat: {0}")]
    Rejected(#[from] Rejection),
    /// The template fails.
    #[error("line {line} of the template: {message}")]
    Render {
        /// The line, from 1; 0 if it is not known.
        line: usize,
        /// What the engine says.
        message: String,
    },
    /// A content holds a special token of one character, which no mark can break.
    #[error("a message holds the character of the special token {token}")]
    SpecialCharacter {
        /// The token.
        token: u32,
    },
    /// The template does not parse.
    #[error("line {line} of the template does not parse: {message}")]
    Syntax {
        /// The line, from 1; 0 if it is not known.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// Something is larger than the limit.
    #[error("{part}: {got} is above the limit {max}")]
    TooLarge {
        /// What it is, with its unit.
        part: &'static str,
        /// Its size, or the least that it has.
        got: usize,
        /// The limit.
        max: usize,
    },
}
