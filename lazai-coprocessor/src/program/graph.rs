use serde::{Deserialize, Serialize};

use super::{Cache, Operator, State, Target, Value, ValueId};

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
        self.operators.iter().any(|operator| match operator.state() {
            State::Attends { bidirectional, .. } => bidirectional,
            State::Start => true,
            State::Fills(_) | State::None | State::Sums(_) => false,
        })
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
