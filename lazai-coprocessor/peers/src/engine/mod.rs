//! The engines that run in this program; llama.cpp runs in Python.

mod candle_float;
mod candle_quantized;
mod encoder;
mod interface;
mod ours;
mod random;

use lazai_coprocessor::kernel::Backend;

pub use interface::Engine;

use crate::{
    failure::Failure,
    workload::{Kind, Workload},
};

/// The names that the option `--engines` takes, those that it has if nothing is said.
pub const NAMES: [&str; 6] =
    ["ours", "llama.cpp-q8_0", "llama.cpp-f32", "llama.cpp-f16", "candle-q8_0", "candle-f32"];

/// Reads what follows `ours-` to choose other instructions than the fastest.
fn backend(name: &str) -> Result<Backend, Failure> {
    match name.strip_prefix("ours-") {
        None => Ok(Backend::detect()),
        Some(backend) => Ok(backend.parse::<Backend>()?.require()?),
    }
}

/// Returns whether an engine of a name runs a workload, and is worth the time.
pub fn runs(name: &str, workload: &Workload) -> bool {
    let kind = workload.kind;
    match name {
        // Its tables of rotations end there.
        "candle-q8_0" => kind == Kind::Llama && workload.context() <= 4_096,
        "llama.cpp-f32" | "llama.cpp-f16" => kind == Kind::Encoder,
        _ => NAMES.contains(&name) || name.starts_with("ours-"),
    }
}

/// Loads a workload into an engine.
pub fn open(
    name: &str,
    workload: &Workload,
    threads: usize,
    folder: &str,
) -> Result<Box<dyn Engine>, Failure> {
    if name.starts_with("ours") {
        return Ok(Box::new(ours::Ours::new(workload, backend(name)?, threads, folder)?));
    }
    Ok(match (name, workload.kind) {
        ("candle-f32", Kind::Llama) => Box::new(candle_float::Llama::new(workload)?),
        ("candle-f32", Kind::Encoder) => Box::new(encoder::Bert::new(workload)?),
        ("candle-q8_0", Kind::Llama) => Box::new(candle_quantized::Llama::new(workload, folder)?),
        _ => return Err(format!("no engine {name} for {}", workload.name).into()),
    })
}
