//! The engines that run in this program; llama.cpp runs in Python.

mod candle_float;
mod candle_quantized;
mod encoder;
mod ours;
mod random;

use crate::{
    Failure,
    worker::Engine,
    workload::{Kind, Workload},
};

/// The names, ours first, that the option `--engines` takes.
pub const NAMES: [&str; 6] =
    ["ours", "llama.cpp-q8_0", "llama.cpp-f32", "llama.cpp-f16", "candle-q8_0", "candle-f32"];

/// Whether an engine of a name runs workloads of a kind, and is worth the time.
pub fn runs(name: &str, kind: Kind) -> bool {
    match name {
        "candle-q8_0" => kind == Kind::Llama,
        "llama.cpp-f32" | "llama.cpp-f16" => kind == Kind::Encoder,
        _ => NAMES.contains(&name),
    }
}

/// Loads a workload into an engine.
pub fn open(
    name: &str,
    workload: &Workload,
    threads: usize,
    folder: &str,
) -> Result<Box<dyn Engine>, Failure> {
    Ok(match (name, workload.kind) {
        ("ours", _) => Box::new(ours::Ours::new(workload, threads, folder)?),
        ("candle-f32", Kind::Llama) => Box::new(candle_float::Llama::new(workload)?),
        ("candle-f32", Kind::Encoder) => Box::new(encoder::Bert::new(workload)?),
        ("candle-q8_0", Kind::Llama) => Box::new(candle_quantized::Llama::new(workload, folder)?),
        _ => return Err(format!("no engine {name} for {}", workload.name).into()),
    })
}
