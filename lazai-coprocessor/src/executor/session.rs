use super::{Batch, ExecutionError, Feed};
use crate::{
    kernel::{Backend, Threads},
    model::Model,
    program::{Rows, Target},
};

/// One sequence that a model reads and continues.
///
/// All memory is reserved at the start. How the tokens are split into steps, the [`Backend`] and
/// the number of [`Threads`] change no result. A model whose attention is bidirectional reads its
/// sequence at once.
#[derive(Debug)]
pub struct Session<'m> {
    batch: Batch<'m>,
    vocabulary: u32,
    capacity: usize,
    step_tokens: usize,
    max_outputs: usize,
}

impl<'m> Session<'m> {
    /// Reserves memory for a sequence of at most `capacity` positions, and for `outputs` rows of
    /// scores at a time.
    ///
    /// # Errors
    /// [`ExecutionError::Kernel`] if this processor lacks `backend`, [`ExecutionError::Capacity`]
    /// if the model's context is shorter, [`ExecutionError::Overflow`] if the memory exceeds the
    /// address space, [`ExecutionError::Memory`] if the machine does not have it.
    pub fn new(
        model: &'m Model,
        target: Target,
        capacity: usize,
        outputs: usize,
        backend: Backend,
        threads: &Threads,
    ) -> Result<Self, ExecutionError> {
        let manifest = model.manifest();
        let max = manifest.context as usize;
        if capacity > max {
            return Err(ExecutionError::Capacity { got: capacity, max });
        }
        let whole = manifest.program.reads_whole();
        let step_tokens = if whole { capacity } else { capacity.min(Model::STEP_TOKENS) };
        let max_outputs = outputs.min(step_tokens);
        let rows = Rows { tokens: step_tokens as u64, outputs: max_outputs as u64, sequences: 1 };
        let mut batch = Batch::new(model, target, rows, backend, threads)?;
        batch.open(capacity)?;
        Ok(Self { batch, vocabulary: manifest.vocabulary, capacity, step_tokens, max_outputs })
    }

    /// Reads `tokens`; computes scores for the last `outputs` of them, or the unit vector if
    /// `outputs` is 1.
    ///
    /// Long inputs are cut into steps of at most [`Model::STEP_TOKENS`].
    ///
    /// # Errors
    /// [`ExecutionError`] if the tokens do not fit or are not in the vocabulary; the sequence is
    /// then unchanged.
    pub fn feed(&mut self, tokens: &[u32], outputs: usize) -> Result<(), ExecutionError> {
        let got = self.position().saturating_add(tokens.len());
        if got > self.capacity {
            return Err(ExecutionError::Capacity { got, max: self.capacity });
        }
        let step = self.step_tokens.max(1);
        let last = tokens.len() - tokens.len().saturating_sub(1) / step * step;
        let max = last.min(self.max_outputs);
        if outputs > max {
            return Err(ExecutionError::Outputs { got: outputs, max });
        }
        let vocabulary = self.vocabulary;
        if let Some(index) = tokens.iter().position(|token| *token >= vocabulary) {
            return Err(ExecutionError::Token { token: tokens[index], index, vocabulary });
        }
        let mut steps = tokens.chunks(step).peekable();
        while let Some(tokens) = steps.next() {
            let outputs = if steps.peek().is_none() { outputs } else { 0 };
            self.batch.step(&[Feed { sequence: 0, tokens, outputs }])?;
        }
        Ok(())
    }

    /// Returns the scores of the last step, `[outputs, vocabulary]`, oldest row first.
    ///
    /// # Errors
    /// [`ExecutionError::Target`] if the session has another target.
    pub fn logits(&self) -> Result<&[i32], ExecutionError> {
        self.batch.logits(0)
    }

    /// Returns the unit vector of all tokens so far.
    ///
    /// # Errors
    /// [`ExecutionError::Target`] if the session has another target, or the last step asked for no
    /// output.
    pub fn embedding(&self) -> Result<&[i16], ExecutionError> {
        self.batch.embedding(0)
    }

    /// Positions read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.batch.position(0).unwrap_or(0)
    }

    /// Operations done so far, counted operator by operator as they ran.
    #[must_use]
    pub const fn flops(&self) -> u64 {
        self.batch.flops()
    }
}
