use alloc::{borrow::ToOwned, string::String, vec, vec::Vec};

use super::{
    Response, ResponseContent, ResponseError, ResponseEvent, ResponseIncomplete, ResponseItem,
    ResponsePart, ResponseStatus, ResponseUsage,
};
use crate::{
    FinishReason,
    openai::{Role, sse},
};

/// Makes the events of a response that is one text, in the order that clients expect.
///
/// [`begin`](Self::begin), any number of [`text`](Self::text), and [`end`](Self::end) or
/// [`fail`](Self::fail). Unlike other streams it has no [`DONE`](sse::DONE) behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseStream {
    response: Response,
    item_id: String,
    text: String,
    sequence_number: u64,
}

impl ResponseStream {
    /// Makes the stream of `response`, whose text is an item of the id `item_id`.
    #[must_use]
    pub const fn new(response: Response, item_id: String) -> Self {
        Self { response, item_id, text: String::new(), sequence_number: 0 }
    }

    /// Makes the first events: the response, its message and the part of it that is still empty.
    pub fn begin(&mut self) -> Vec<ResponseEvent> {
        let response = self.response.clone();
        let item_id = self.item_id.clone();
        let item = self.message(ResponseStatus::InProgress, Vec::new());
        let part = ResponsePart::output("");
        vec![
            ResponseEvent::Created { sequence_number: self.next(), response: response.clone() },
            ResponseEvent::InProgress { sequence_number: self.next(), response },
            ResponseEvent::OutputItemAdded { sequence_number: self.next(), output_index: 0, item },
            ResponseEvent::ContentPartAdded {
                sequence_number: self.next(),
                item_id,
                output_index: 0,
                content_index: 0,
                part,
            },
        ]
    }

    /// Makes the event that carries new text.
    pub fn text(&mut self, delta: String) -> ResponseEvent {
        self.text.push_str(&delta);
        ResponseEvent::OutputTextDelta {
            sequence_number: self.next(),
            item_id: self.item_id.clone(),
            output_index: 0,
            content_index: 0,
            delta,
        }
    }

    /// Makes the last events: the whole text, part, message and response.
    pub fn end(&mut self, finish: FinishReason, usage: ResponseUsage) -> Vec<ResponseEvent> {
        let status = match finish {
            FinishReason::Length => ResponseStatus::Incomplete,
            FinishReason::Stop => ResponseStatus::Completed,
        };
        let (item_id, text) = (self.item_id.clone(), self.text.clone());
        let part = ResponsePart::output(text.clone());
        let item = self.message(status, vec![part.clone()]);
        let (output_index, content_index) = (0, 0);
        let mut events = vec![
            ResponseEvent::OutputTextDone {
                sequence_number: self.next(),
                item_id: item_id.clone(),
                output_index,
                content_index,
                text,
            },
            ResponseEvent::ContentPartDone {
                sequence_number: self.next(),
                item_id,
                output_index,
                content_index,
                part,
            },
            ResponseEvent::OutputItemDone {
                sequence_number: self.next(),
                output_index,
                item: item.clone(),
            },
        ];
        let cut = ResponseIncomplete { reason: "max_output_tokens".to_owned() };
        let response = Response {
            status,
            incomplete_details: (status == ResponseStatus::Incomplete).then_some(cut),
            output: vec![item],
            usage: Some(usage),
            ..self.response.clone()
        };
        let sequence_number = self.next();
        events.push(match finish {
            FinishReason::Length => ResponseEvent::Incomplete { sequence_number, response },
            FinishReason::Stop => ResponseEvent::Completed { sequence_number, response },
        });
        events
    }

    /// Makes the last event of a response that failed.
    pub fn fail(&mut self, error: ResponseError) -> ResponseEvent {
        let status = ResponseStatus::Failed;
        let response = Response { status, error: Some(error), ..self.response.clone() };
        ResponseEvent::Failed { sequence_number: self.next(), response }
    }

    /// Returns the event as it is sent, under its name.
    ///
    /// # Errors
    /// As [`sse::event`].
    pub fn write(event: &ResponseEvent) -> Result<String, serde_json::Error> {
        sse::named(event.name(), event)
    }

    fn message(&self, status: ResponseStatus, parts: Vec<ResponsePart>) -> ResponseItem {
        ResponseItem::Message {
            id: Some(self.item_id.clone()),
            status: Some(status),
            role: Role::Assistant,
            content: ResponseContent::Parts(parts),
        }
    }

    const fn next(&mut self) -> u64 {
        let number = self.sequence_number;
        self.sequence_number = number.saturating_add(1);
        number
    }
}
