//! The integer tensor program: a list of operators over tensors with symbolic row counts.
//!
//! Each operator is defined in docs/numerics.md. Here stand its operands, its shape rule, its work
//! rule and its place in memory; its arithmetic stands in [`kernel`](crate::kernel).

mod check;
mod llama;
mod operator;
mod plan;
mod scales;
mod signature;
mod transformer;
mod value;
mod work;

#[cfg(test)]
mod tests;

pub use check::ProgramError;
pub use llama::LlamaShape;
pub use operator::Operator;
pub use plan::{Plan, Rows};
pub use scales::{LayerScales, NormScales, Scales};
pub(crate) use signature::{GainWidth, ParameterSpec, RowsOf, TableKind};
pub use transformer::transformer;
pub use value::{Cache, CacheId, Format, RowCount, Value, ValueId};
pub use work::WorkRule;
pub(crate) use work::step_flops;

use serde::{Deserialize, Serialize};

/// A topologically ordered list of operators, and what they read and write.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Tensors that operators read and write.
    pub values: Vec<Value>,
    /// Stores of compressed keys and values.
    pub caches: Vec<Cache>,
    /// The operators, in the order of execution.
    pub operators: Vec<Operator>,
    /// The scores of the next token, if the program computes them.
    pub logits: Option<ValueId>,
    /// The unit vector of the text, if the program computes it.
    pub embedding: Option<ValueId>,
}

/// What a run of a program is for; operators that the target does not need are left out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// The unit vector of the whole text.
    Embedding,
    /// The scores after the last tokens.
    Logits,
}

impl Program {
    /// Returns the value that holds the result for `target`.
    #[must_use]
    pub const fn output(&self, target: Target) -> Option<ValueId> {
        match target {
            Target::Embedding => self.embedding,
            Target::Logits => self.logits,
        }
    }

    /// Returns the fraction bits of a value.
    pub(crate) fn bits(&self, id: ValueId) -> i32 {
        i32::from(self.values[id.index()].bits)
    }

    /// Returns the width of a value.
    pub(crate) fn width(&self, id: ValueId) -> usize {
        self.values[id.index()].width as usize
    }

    /// Returns whether tokens attend to those after them.
    #[must_use]
    pub fn is_bidirectional(&self) -> bool {
        self.operators.iter().any(Operator::is_bidirectional)
    }

    /// Returns whether a sequence is read in one step: tokens attend to those after them, or the
    /// first row is kept, which later steps would not hold any more.
    #[must_use]
    pub fn reads_whole(&self) -> bool {
        let keeps_first = |operator: &Operator| matches!(operator, Operator::FirstRow { .. });
        self.operators.iter().any(|operator| operator.is_bidirectional() || keeps_first(operator))
    }

    /// Returns the value that holds the caller's tensor; `None` if the program reads tokens.
    #[must_use]
    pub fn input(&self) -> Option<ValueId> {
        self.operators.iter().find_map(|operator| match operator {
            Operator::Input { output } => Some(*output),
            _ => None,
        })
    }

    /// Lists the indices of the operators that `target` needs, in order.
    ///
    /// Walks backwards from the output; an operator is needed if it writes something that is
    /// needed.
    #[must_use]
    pub fn schedule(&self, target: Target) -> Vec<usize> {
        let Some(output) = self.output(target) else { return Vec::new() };
        let mut values = vec![false; self.values.len()];
        let mut caches = vec![false; self.caches.len()];
        if let Some(needed) = values.get_mut(output.index()) {
            *needed = true;
        }
        let mut schedule = Vec::new();
        for (index, operator) in self.operators.iter().enumerate().rev() {
            let writes = operator.writes().is_some_and(|id| values[id.index()]);
            let fills = operator.fills().is_some_and(|id| caches[id.index()]);
            if !(writes || fills) {
                continue;
            }
            schedule.push(index);
            for id in operator.reads() {
                values[id.index()] = true;
            }
            if let Some(id) = operator.attends() {
                caches[id.index()] = true;
            }
        }
        schedule.reverse();
        schedule
    }
}
