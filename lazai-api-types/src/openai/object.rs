use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Defines a type with one value, which is written as its name and read from nothing else.
macro_rules! object {
    ($($(#[$doc:meta])* $type:ident = $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $type;

        impl $type {
            /// The text on the wire.
            pub const NAME: &str = $name;
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Self::NAME)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Name(Self::NAME))?;
                Ok(Self)
            }
        }
    )*};
}

object! {
    /// The `object` of a chat completion.
    ChatCompletionObject = "chat.completion";
    /// The `object` of a piece of a streamed chat completion.
    ChatCompletionChunkObject = "chat.completion.chunk";
    /// The `object` of a completion.
    CompletionObject = "text_completion";
    /// The `object` of an embedding.
    EmbeddingObject = "embedding";
    /// The `object` of a checkpoint of a fine-tuning job.
    FineTuningCheckpointObject = "fine_tuning.job.checkpoint";
    /// The `object` of an event of a fine-tuning job.
    FineTuningEventObject = "fine_tuning.job.event";
    /// The `object` of a fine-tuning job.
    FineTuningJobObject = "fine_tuning.job";
    /// The `object` of a list.
    ListObject = "list";
    /// The `object` of a model.
    ModelObject = "model";
}

/// Accepts one text.
struct Name(&'static str);

impl de::Visitor<'_> for Name {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text {:?}", self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if text == self.0 {
            Ok(())
        } else {
            Err(E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
}
