use super::{
    ExecutionError,
    arena::Arena,
    part::Part,
    sequence::{Sequence, Span},
    step::Step,
};
use crate::{
    kernel::{Backend, Threads},
    model::Model,
    program::{Plan, Rows, Target},
};

/// Several sequences that a model reads and continues together.
///
/// A step reads tokens of any of them, and its matrix products run over the rows of all. Each
/// sequence gets the integers that it would get alone: what else is in the batch, the [`Backend`]
/// and the number of [`Threads`] change no result.
#[derive(Debug)]
pub struct Batch<'m> {
    model: &'m Model,
    target: Target,
    backend: Backend,
    threads: Threads,
    arena: Arena,
    sequences: Vec<Option<Sequence>>,
    max_rows: Rows,
    rows: Rows,
    flops: u64,
}

/// What one sequence reads in a step.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a> {
    /// The sequence, as [`Batch::open`] named it.
    pub sequence: usize,
    /// The tokens that it reads.
    pub tokens: &'a [u32],
    /// For how many of the last tokens scores are wanted; 1 for the unit vector; 0 for nothing yet.
    pub outputs: usize,
}

impl<'m> Batch<'m> {
    /// Reserves memory for steps of at most `max_rows` rows.
    ///
    /// # Errors
    /// [`ExecutionError::Kernel`] if this processor lacks `backend`, [`ExecutionError::Overflow`]
    /// if the memory exceeds the address space, [`ExecutionError::Memory`] if the machine does not
    /// have it.
    pub fn new(
        model: &'m Model,
        target: Target,
        max_rows: Rows,
        backend: Backend,
        threads: &Threads,
    ) -> Result<Self, ExecutionError> {
        let plan = Plan::new(&model.manifest().program, target, max_rows)?;
        Ok(Self {
            model,
            target,
            backend: backend.require()?,
            threads: threads.clone(),
            arena: Arena::new(plan)?,
            sequences: Vec::new(),
            max_rows,
            rows: Rows { tokens: 0, outputs: 0, sequences: 0 },
            flops: 0,
        })
    }

    /// Starts a sequence of at most `capacity` positions and reserves its memory; returns its name.
    ///
    /// The name of a closed sequence is given again.
    ///
    /// # Errors
    /// [`ExecutionError::Capacity`] if the model's context is shorter, [`ExecutionError::Memory`]
    /// if the machine does not have the memory.
    pub fn open(&mut self, capacity: usize) -> Result<usize, ExecutionError> {
        let manifest = self.model.manifest();
        let max = manifest.context as usize;
        if capacity > max {
            return Err(ExecutionError::Capacity { got: capacity, max });
        }
        let sequence = Some(Sequence::new(&manifest.program, self.arena.plan(), capacity)?);
        match self.sequences.iter_mut().enumerate().find(|(_, slot)| slot.is_none()) {
            Some((name, slot)) => {
                *slot = sequence;
                Ok(name)
            }
            None => {
                self.sequences.push(sequence);
                Ok(self.sequences.len() - 1)
            }
        }
    }

    /// Ends a sequence and frees its memory.
    pub fn close(&mut self, sequence: usize) {
        if let Some(slot) = self.sequences.get_mut(sequence) {
            *slot = None;
        }
    }

    /// Reads tokens of several sequences in one step.
    ///
    /// # Errors
    /// [`ExecutionError`] if the feeds do not fit the step or their sequences, name one twice, or
    /// hold a token outside the vocabulary; all sequences are then unchanged.
    pub fn step(&mut self, feeds: &[Feed<'_>]) -> Result<(), ExecutionError> {
        let parts = self.parts(feeds)?;
        let tokens: Vec<u32> = feeds.iter().flat_map(|feed| feed.tokens).copied().collect();
        let sum = |count: fn(&Part) -> usize| parts.iter().map(count).sum::<usize>() as u64;
        self.rows = Rows {
            tokens: tokens.len() as u64,
            outputs: sum(|part| part.outputs),
            sequences: sum(|part| usize::from(part.outputs > 0)),
        };
        let mut step = Step {
            model: self.model,
            backend: self.backend,
            threads: &self.threads,
            arena: &mut self.arena,
            sequences: &mut self.sequences,
            rows: self.rows,
            parts: &parts,
            tokens: &tokens,
        };
        // One hand-over to the pool for all kernels, not one for each.
        let flops = self.threads.install(|| step.run())?;
        self.flops = self.flops.checked_add(flops).ok_or(ExecutionError::Overflow)?;
        let (mut scores, mut ends) = (0, 0);
        for part in &parts {
            let Some(sequence) = self.sequences[part.sequence].as_mut() else { continue };
            sequence.position += part.count;
            let ended = usize::from(part.outputs > 0);
            sequence.result = match self.target {
                Target::Embedding => Span { start: ends, count: ended },
                Target::Logits => Span { start: scores, count: part.outputs },
            };
            scores += part.outputs;
            ends += ended;
        }
        Ok(())
    }

    /// Returns the scores that the last step computed for a sequence, `[outputs, vocabulary]`,
    /// oldest row first.
    ///
    /// # Errors
    /// [`ExecutionError::Sequence`] if the last step did not read the sequence,
    /// [`ExecutionError::Target`] if the batch has another target.
    pub fn logits(&self, sequence: usize) -> Result<&[i32], ExecutionError> {
        let program = &self.model.manifest().program;
        let id = program.logits.filter(|_| self.target == Target::Logits);
        let id = id.ok_or(ExecutionError::Target)?;
        let Span { start, count } = self.sequence(sequence)?.result;
        let width = program.values[id.index()].width as usize;
        Ok(&self.arena.i32(program, self.rows, id)?[start * width..][..count * width])
    }

    /// Returns the unit vector of all tokens of a sequence.
    ///
    /// # Errors
    /// [`ExecutionError::Target`] if the batch has another target, or the last step asked for no
    /// output of this sequence.
    pub fn embedding(&self, sequence: usize) -> Result<&[i16], ExecutionError> {
        let program = &self.model.manifest().program;
        let Span { start, count } = self.sequence(sequence)?.result;
        let id = program.embedding.filter(|_| self.target == Target::Embedding && count > 0);
        let id = id.ok_or(ExecutionError::Target)?;
        let width = program.values[id.index()].width as usize;
        Ok(&self.arena.i16(program, self.rows, id)?[start * width..][..width])
    }

    /// Positions that a sequence has read; `None` if it is not open.
    #[must_use]
    pub fn position(&self, sequence: usize) -> Option<usize> {
        Some(self.sequences.get(sequence)?.as_ref()?.position)
    }

    /// Operations done so far for all sequences, counted operator by operator as they ran.
    #[must_use]
    pub const fn flops(&self) -> u64 {
        self.flops
    }

    fn sequence(&self, sequence: usize) -> Result<&Sequence, ExecutionError> {
        let open = self.sequences.get(sequence).and_then(Option::as_ref);
        open.ok_or(ExecutionError::Sequence { sequence })
    }

    /// Checks a step before anything is changed.
    fn parts(&mut self, feeds: &[Feed<'_>]) -> Result<Vec<Part>, ExecutionError> {
        let manifest = self.model.manifest();
        let (vocabulary, whole) = (manifest.vocabulary, manifest.program.reads_whole());
        let (mut tokens, mut outputs, mut ends) = (0, 0, 0);
        let mut parts: Vec<Part> = Vec::with_capacity(feeds.len());
        for feed in feeds {
            let sequence = self.sequence(feed.sequence)?;
            if parts.iter().any(|part| part.sequence == feed.sequence) {
                return Err(ExecutionError::Sequence { sequence: feed.sequence });
            }
            let (first, count) = (sequence.position, feed.tokens.len());
            let got = first.saturating_add(count);
            if got > sequence.capacity {
                return Err(ExecutionError::Capacity { got, max: sequence.capacity });
            }
            if whole && first > 0 {
                return Err(ExecutionError::Whole);
            }
            let limit = if self.target == Target::Embedding { count.min(1) } else { count };
            if feed.outputs > limit {
                return Err(ExecutionError::Outputs { got: feed.outputs, max: limit });
            }
            if let Some(index) = feed.tokens.iter().position(|token| *token >= vocabulary) {
                let token = feed.tokens[index];
                return Err(ExecutionError::Token { token, index, vocabulary });
            }
            let start = tokens;
            tokens += count;
            outputs += feed.outputs;
            ends += usize::from(feed.outputs > 0);
            let (sequence, outputs) = (feed.sequence, feed.outputs);
            parts.push(Part { sequence, start, count, outputs, first });
        }
        for (what, got, max) in [
            ("tokens", tokens, self.max_rows.tokens),
            ("rows of scores", outputs, self.max_rows.outputs),
            ("sequences", ends, self.max_rows.sequences),
        ] {
            if got as u64 > max {
                return Err(ExecutionError::Step { what, got, max: max as usize });
            }
        }
        // Results of the step before are overwritten.
        for sequence in self.sequences.iter_mut().flatten() {
            sequence.result = Span::default();
        }
        Ok(parts)
    }
}
