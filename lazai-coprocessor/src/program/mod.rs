//! The integer tensor program: a list of operators over tensors with symbolic row counts.
//!
//! Each operator is defined in docs/numerics.md. Here stand its operands, its shape rule, its work
//! rule and its place in memory; its arithmetic stands in [`kernel`](crate::kernel).

mod check;
mod graph;
mod llama;
mod operator;
mod plan;
mod scales;
mod signature;
mod target;
mod transformer;
mod value;
mod work;

#[cfg(test)]
mod tests;

pub use check::ProgramError;
pub use graph::Program;
pub use llama::LlamaShape;
pub use operator::Operator;
pub(crate) use operator::State;
pub use plan::{Plan, Rows};
pub use scales::{LayerScales, NormScales, Scales};
pub(crate) use signature::{GainWidth, ParameterSpec, RowsOf, TableKind};
pub use target::Target;
pub use transformer::transformer;
pub use value::{Cache, CacheId, Format, RowCount, Value, ValueId};
pub use work::WorkRule;
pub(crate) use work::step_flops;
