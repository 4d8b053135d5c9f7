#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod data;
mod error;
#[cfg(feature = "burn")]
mod export;
#[cfg(feature = "burn")]
mod model;
#[cfg(feature = "burn")]
mod sample;
#[cfg(feature = "burn")]
mod trainer;

pub use self::{
    config::{ModelShape, TrainConfig},
    data::Dataset,
    error::TrainError,
};
#[cfg(feature = "burn")]
pub use self::{
    export::TrainedModel,
    trainer::{Progress, train},
};

#[cfg(feature = "burn")]
#[cfg(test)]
mod tests;
