use super::{ExecutionError, arena::Arena, operators::Call, part::Part, sequence::Sequence};
use crate::{
    kernel::{Backend, Threads},
    model::Model,
    program::{Operator, Program, RowCount, Rows, State, step_flops},
};

/// One pass through the program, over the rows of several sequences.
pub(super) struct Step<'a> {
    pub(super) model: &'a Model,
    pub(super) backend: Backend,
    pub(super) threads: &'a Threads,
    pub(super) arena: &'a mut Arena,
    pub(super) sequences: &'a mut [Option<Sequence>],
    pub(super) rows: Rows,
    pub(super) parts: &'a [Part],
    pub(super) tokens: &'a [u32],
}

impl Step<'_> {
    /// Runs all operators; returns the operations done.
    pub(super) fn run(&mut self) -> Result<u64, ExecutionError> {
        let model = self.model;
        let program = &model.manifest().program;
        let mut flops = 0_u64;
        for step in 0..self.arena.plan().schedule.len() {
            let index = self.arena.plan().schedule[step];
            let operator = &program.operators[index];
            if self.rows.outputs == 0 && closes(program, operator) {
                continue;
            }
            self.operate(program, index, operator)?;
            let pairs = self.pairs(operator.is_bidirectional())?;
            let done = step_flops(program, operator, self.rows, pairs)?;
            flops = flops.checked_add(done).ok_or(ExecutionError::Overflow)?;
        }
        Ok(flops)
    }

    /// Pairs of a token and a position that it attends to.
    fn pairs(&self, bidirectional: bool) -> Result<u64, ExecutionError> {
        self.parts.iter().try_fold(0_u64, |sum, part| {
            let (count, first) = (part.count as u64, part.first as u64);
            let within = if bidirectional { count * count } else { count * (count + 1) / 2 };
            sum.checked_add(count * first + within).ok_or(ExecutionError::Overflow)
        })
    }

    /// Runs one operator.
    pub(super) fn operate(
        &mut self,
        program: &Program,
        index: usize,
        operator: &Operator,
    ) -> Result<(), ExecutionError> {
        let call = Call {
            program,
            index,
            parameters: self.model.network().parameters(index),
            backend: self.backend,
            threads: self.threads,
            rows: self.rows,
            parts: self.parts,
            tokens: self.tokens,
            arena: self.arena,
            sequences: self.sequences,
        };
        call.run(operator)
    }
}

/// Whether an operator has nothing to do before the last step: it works on the result alone.
fn closes(program: &Program, operator: &Operator) -> bool {
    match operator.state() {
        State::Fills(_) | State::Sums(_) => false,
        State::Attends { .. } | State::None | State::Start => {
            match operator.writes().map(|id| program.values[id.index()].rows) {
                Some(RowCount::One | RowCount::Outputs) => true,
                Some(RowCount::Tokens) | None => false,
            }
        }
    }
}
