//! Every integer of a run: the witness of a proof, and what a dispute is about.
//!
//! A [`Trace`] runs a [`Network`](crate::model::Network) over a whole sequence in one pass, with
//! the scalar kernels that specify the arithmetic, and keeps what each operator read and wrote. A
//! [`Session`](crate::Session) gets the same result faster and keeps nothing.
//!
//! ```
//! use lazai_coprocessor::{
//!     artifact::{Artifact, ArtifactBytes},
//!     kernel::Threads,
//!     model::{Network, synthetic},
//!     program::{LlamaShape, Target},
//!     trace::{Input, Trace},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let artifact = synthetic(&LlamaShape::small(), 1, 64, 1)?.to_bytes()?;
//! let artifact = Artifact::new(ArtifactBytes::Owned(artifact))?;
//! let network = Network::load_untrusted(artifact, &Threads::single())?;
//! let trace = Trace::record(&network, Target::Logits, Input::Tokens(&[3, 1, 4]), 1)?;
//! for record in &trace.records {
//!     let operator = &network.program().operators[record.operator];
//!     let written = record.write.as_ref().map_or(0, |tensor| tensor.integers.len());
//!     println!("{}: {} read, {written} integers written", operator.name(), record.reads.len());
//! }
//! assert_eq!(trace.output().integers.len(), 258);
//! # Ok(())
//! # }
//! ```

#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod error;
mod interpreter;
mod record;
mod recorder;
mod tensor;

#[cfg(test)]
mod tests;

pub use error::TraceError;
pub use record::{Input, Record};
pub use recorder::Trace;
pub use tensor::{CacheTensors, Compressed, Tensor};
