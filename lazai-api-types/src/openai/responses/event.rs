use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::{Response, ResponseItem, ResponsePart};

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        /// A piece of a streamed response, each with its number from 0.
        #[non_exhaustive]
        #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
        #[serde(tag = "type")]
        pub enum ResponseEvent {
            $(
                $(#[$doc])*
                #[serde(rename = $name)]
                $variant {
                    /// The place of the event in the stream.
                    sequence_number: u64,
                    $($(#[$field_doc])* $field: $type,)*
                },
            )*
        }

        impl ResponseEvent {
            /// Returns the type of the event, which is also its name in the stream.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                }
            }
        }
    };
}

events! {
    /// The answer is whole.
    Completed = "response.completed" {
        /// The whole response.
        response: Response,
    }
    /// A part of a message begins.
    ContentPartAdded = "response.content_part.added" {
        /// The message.
        item_id: String,
        /// Its place in the output.
        output_index: u32,
        /// The place of the part in the message.
        content_index: u32,
        /// The part, still empty.
        part: ResponsePart,
    }
    /// A part of a message has ended.
    ContentPartDone = "response.content_part.done" {
        /// The message.
        item_id: String,
        /// Its place in the output.
        output_index: u32,
        /// The place of the part in the message.
        content_index: u32,
        /// The whole part.
        part: ResponsePart,
    }
    /// The response was begun.
    Created = "response.created" {
        /// The response, still empty.
        response: Response,
    }
    /// The stream ends with an error.
    Error = "error" {
        /// A code for programs.
        code: Option<String>,
        /// What went wrong, for a person to read.
        message: String,
        /// The parameter at fault.
        param: Option<String>,
    }
    /// There is no answer.
    Failed = "response.failed" {
        /// The response with its error.
        response: Response,
    }
    /// New text of the arguments of a call.
    FunctionCallArgumentsDelta = "response.function_call_arguments.delta" {
        /// The call.
        item_id: String,
        /// Its place in the output.
        output_index: u32,
        /// The new text.
        delta: String,
    }
    /// The arguments of a call are whole.
    FunctionCallArgumentsDone = "response.function_call_arguments.done" {
        /// The call.
        item_id: String,
        /// Its place in the output.
        output_index: u32,
        /// The arguments.
        arguments: String,
    }
    /// The response is being written.
    InProgress = "response.in_progress" {
        /// The response, still empty.
        response: Response,
    }
    /// The answer was cut.
    Incomplete = "response.incomplete" {
        /// The response as far as it goes.
        response: Response,
    }
    /// An item begins.
    OutputItemAdded = "response.output_item.added" {
        /// Its place in the output.
        output_index: u32,
        /// The item, still empty.
        item: ResponseItem,
    }
    /// An item has ended.
    OutputItemDone = "response.output_item.done" {
        /// Its place in the output.
        output_index: u32,
        /// The whole item.
        item: ResponseItem,
    }
    /// New text of a message.
    OutputTextDelta = "response.output_text.delta" {
        /// The message.
        item_id: String,
        /// Its place in the output.
        output_index: u32,
        /// The place of the part in the message.
        content_index: u32,
        /// The new text.
        delta: String,
    }
    /// The text of a part is whole.
    OutputTextDone = "response.output_text.done" {
        /// The message.
        item_id: String,
        /// Its place in the output.
        output_index: u32,
        /// The place of the part in the message.
        content_index: u32,
        /// The whole text.
        text: String,
    }
}
