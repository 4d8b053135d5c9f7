//! Responses: the newer spelling of chat completions, as far as text and functions go.

mod event;
mod item;
mod request;
mod response;
mod status;
mod stream;

pub use event::ResponseEvent;
pub use item::{ResponseContent, ResponseInput, ResponseItem, ResponsePart};
pub use request::{ResponseReasoning, ResponseRequest, ResponseText, ResponseTextFormat};
pub use response::{
    InputTokensDetails, OutputTokensDetails, Response, ResponseError, ResponseIncomplete,
    ResponseUsage,
};
pub use status::ResponseStatus;
pub use stream::ResponseStream;
