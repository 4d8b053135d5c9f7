//! The tables of the nonlinear operators, made by integer arithmetic alone.
//!
//! A table is committed data: its bytes are part of a model and so of the model's id. They come
//! from integer series with 120 fraction bits, never from a platform's floating-point library, so
//! that every machine makes the same bytes. Every entry is the exact value rounded to the nearest
//! integer; the SHA-256 of each table is a constant of the tests.

#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod fixed;
mod function;
mod rotary;

pub use fixed::cosine_sine;
pub use function::{exp, gelu, gelu_tanh, reciprocal_sqrt, sigmoid};
pub use rotary::{MAX_HEAD_DIM, MAX_POSITIONS, RotaryError, rotary, turns_per_position};
