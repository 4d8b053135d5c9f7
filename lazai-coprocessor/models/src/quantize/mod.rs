//! Turns a floating-point checkpoint into a model artifact of integers.
//!
//! First the [reference model](crate::reference) reads the calibration text, and the largest
//! magnitude of every activation fixes its scale. Then each weight matrix is quantized by least
//! squared error, and scales give way where the kernels need it: a product's shift must be from 1
//! to 31. Everything is computed in basic operations of fixed order, so the same checkpoint and
//! calibration give the same bytes on every machine.

mod calibration;
mod checkpoint;
mod collector;
mod error;
mod gptq;
mod inputs;
mod integers;
mod matrix;
mod moments;
mod network;
mod options;
mod progress;
mod quantized;
mod report;
mod scale;
mod short_texts;
mod smooth_quant;
mod transformer;

#[cfg(test)]
mod tests;

pub use checkpoint::quantize;
pub use error::QuantizeError;
pub use integers::to_integers;
pub use matrix::{QuantizedMatrix, RowOutOfRange, quantize_matrix};
pub use network::quantize_network;
pub use options::{QuantizeOptions, Rounding};
pub use progress::{Progress, Stage};
pub use quantized::Quantized;
pub use report::{QuantizeReport, TensorReport, ValueReport};
