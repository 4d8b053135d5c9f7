use crate::program::RowCount;

/// The rows of one sequence in a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) sequence: usize,
    /// Row of its first token in the step.
    pub(super) start: usize,
    /// How many tokens the sequence has in the step.
    pub(super) count: usize,
    /// Its last tokens whose scores are wanted.
    pub(super) outputs: usize,
    /// Position of its first token.
    pub(super) first: usize,
}

impl Part {
    /// Returns how many rows of a value belong to the part.
    pub(super) fn row_count(&self, rows: RowCount) -> usize {
        match rows {
            RowCount::One => self.outputs.min(1),
            RowCount::Outputs => self.outputs,
            RowCount::Tokens => self.count,
        }
    }

    /// Returns the rows of the part in a value of the step.
    pub(super) fn rows<'a, T>(&self, values: &'a [T], width: usize) -> &'a [T] {
        &values[self.start * width..][..self.count * width]
    }

    /// Returns the same rows, to write.
    pub(super) fn rows_mut<'a, T>(&self, values: &'a mut [T], width: usize) -> &'a mut [T] {
        &mut values[self.start * width..][..self.count * width]
    }
}
