//! The trainer: a small Llama decoder, learnt from tokens on the CPU.
//!
//! Training is the one place where this crate computes in floats. What it writes is an ordinary
//! folder of weights, which the quantizer turns into integers like any other.

mod config;
mod data;
mod error;
mod export;
mod model;
mod sample;
mod trainer;

pub use self::{
    config::{ModelShape, TrainConfig},
    data::Dataset,
    error::TrainError,
    export::TrainedModel,
    trainer::{Progress, train},
};

#[cfg(test)]
mod tests;
