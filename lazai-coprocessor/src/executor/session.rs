use super::{
    ExecutionError,
    arena::{Arena, Slot},
    cache::KvCache,
};
use crate::{
    kernel::{
        Backend, Destination, Embedding, Gate, Norm, Threads, attend, gated_silu, gather, matmul,
        mean_pool, rms_norm, rope,
    },
    model::{Matrix, Model},
    program::{Operator, Plan, Program, RowCount, Rows, Target, step_flops},
};

/// One sequence that a model reads and continues.
///
/// All memory is reserved at the start. How the tokens are split into steps, the [`Backend`] and the number of
/// [`Threads`] change no result.
#[derive(Debug)]
pub struct Session<'m> {
    model: &'m Model,
    target: Target,
    backend: Backend,
    threads: Threads,
    arena: Arena,
    caches: Vec<Option<KvCache>>,
    pools: Vec<Option<Pool>>,
    max_rows: Rows,
    rows: Rows,
    position: usize,
    capacity: usize,
    flops: u64,
}

impl<'m> Session<'m> {
    /// Reserves memory for a sequence of at most `capacity` positions, and for `outputs` rows of scores at a time.
    ///
    /// # Errors
    /// [`ExecutionError::Kernel`] if this processor lacks `backend`, [`ExecutionError::Capacity`] if the model's context
    /// is shorter, [`ExecutionError::Overflow`] if the memory exceeds the address space, [`ExecutionError::Memory`] if the machine
    /// does not have it.
    pub fn new(
        model: &'m Model,
        target: Target,
        capacity: usize,
        outputs: usize,
        backend: Backend,
        threads: &Threads,
    ) -> Result<Self, ExecutionError> {
        let manifest = model.manifest();
        if capacity > manifest.context as usize {
            let max = manifest.context as usize;
            return Err(ExecutionError::Capacity { got: capacity, max });
        }
        let program = &manifest.program;
        let tokens = capacity.min(Model::STEP_TOKENS) as u64;
        let max_rows = Rows { tokens, outputs: (outputs as u64).min(tokens) };
        let plan = Plan::new(program, target, max_rows)?;
        let mut caches: Vec<_> = program.caches.iter().map(|_| None).collect();
        let mut pools: Vec<_> = program.operators.iter().map(|_| None).collect();
        for index in &plan.schedule {
            match &program.operators[*index] {
                Operator::CacheAppend { cache, .. } => {
                    let shape = &program.caches[cache.index()];
                    caches[cache.index()] = Some(KvCache::new(shape, capacity)?);
                }
                Operator::MeanPool { output, .. } => {
                    let width = program.values[output.index()].width as usize;
                    pools[*index] = Some(Pool { sums: vec![0; width], count: 0 });
                }
                _ => {}
            }
        }
        Ok(Self {
            model,
            target,
            backend: backend.require()?,
            threads: threads.clone(),
            arena: Arena::new(plan)?,
            caches,
            pools,
            max_rows,
            rows: Rows { tokens: 0, outputs: 0 },
            position: 0,
            capacity,
            flops: 0,
        })
    }

    /// Reads `tokens`; computes scores for the last `outputs` of them, or the unit vector if `outputs` is 1.
    ///
    /// Long inputs are cut into steps of at most [`Model::STEP_TOKENS`].
    ///
    /// # Errors
    /// [`ExecutionError`] if the tokens do not fit or are not in the vocabulary; the sequence is then unchanged.
    pub fn feed(&mut self, tokens: &[u32], outputs: usize) -> Result<(), ExecutionError> {
        let got = self.position.saturating_add(tokens.len());
        if got > self.capacity {
            return Err(ExecutionError::Capacity { got, max: self.capacity });
        }
        let step = self.max_rows.tokens.max(1) as usize;
        let last = tokens.len() - tokens.len().saturating_sub(1) / step * step;
        let max = last.min(self.max_rows.outputs as usize);
        if outputs > max {
            return Err(ExecutionError::Outputs { got: outputs, max });
        }
        let vocabulary = self.model.manifest().vocabulary;
        if let Some(index) = tokens.iter().position(|token| *token >= vocabulary) {
            return Err(ExecutionError::Token { token: tokens[index], index, vocabulary });
        }
        // One hand-over to the pool for all kernels, not one for each.
        let threads = self.threads.clone();
        threads.install(|| {
            let mut steps = tokens.chunks(step).peekable();
            while let Some(tokens) = steps.next() {
                let outputs = if steps.peek().is_none() { outputs } else { 0 };
                self.step(tokens, outputs)?;
            }
            Ok(())
        })
    }

    /// The scores of the last step, `[outputs, vocabulary]`, oldest row first.
    ///
    /// # Errors
    /// [`ExecutionError::Plan`] if the session has another target.
    pub fn logits(&self) -> Result<&[i32], ExecutionError> {
        let program = &self.model.manifest().program;
        let id = program.logits.filter(|_| self.target == Target::Logits);
        let id = id.ok_or(ExecutionError::Plan { value: u32::MAX })?;
        self.arena.i32(program, self.rows, id)
    }

    /// The unit vector of all tokens so far.
    ///
    /// # Errors
    /// [`ExecutionError::Plan`] if the session has another target, or the last step asked for no output.
    pub fn embedding(&self) -> Result<&[i16], ExecutionError> {
        let program = &self.model.manifest().program;
        let done = self.target == Target::Embedding && self.rows.outputs > 0;
        let id = program.embedding.filter(|_| done);
        let id = id.ok_or(ExecutionError::Plan { value: u32::MAX })?;
        self.arena.i16(program, self.rows, id)
    }

    /// Positions read so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Operations done so far, counted operator by operator as they ran.
    #[must_use]
    pub const fn flops(&self) -> u64 {
        self.flops
    }

    fn step(&mut self, tokens: &[u32], outputs: usize) -> Result<(), ExecutionError> {
        self.rows = Rows { tokens: tokens.len() as u64, outputs: outputs as u64 };
        let model = self.model;
        let program = &model.manifest().program;
        for step in 0..self.arena.plan().schedule.len() {
            let index = self.arena.plan().schedule[step];
            let operator = &program.operators[index];
            if outputs == 0 && closes(program, operator) {
                continue;
            }
            self.run(program, index, operator, tokens)?;
            let flops = step_flops(program, operator, self.rows, self.position as u64)?;
            self.flops = self.flops.checked_add(flops).ok_or(ExecutionError::Overflow)?;
        }
        self.position += tokens.len();
        Ok(())
    }

    fn run(
        &mut self,
        program: &Program,
        index: usize,
        operator: &Operator,
        tokens: &[u32],
    ) -> Result<(), ExecutionError> {
        let Self { model, backend, threads, arena, rows, position, .. } = self;
        let (model, backend, rows) = (*model, *backend, *rows);
        let bits = |id: crate::program::ValueId| i32::from(program.values[id.index()].bits);
        let bytes = model.bytes();
        let tables = model.tables();
        let matrix =
            || model.binding(index).matrix.as_ref().ok_or(ExecutionError::Plan { value: 0 });
        match operator {
            Operator::Attention { query, cache, output } => {
                let shape = program.caches[cache.index()];
                let [q, y] = arena.slots(program, rows, [*query, *output])?;
                let store = self.caches[cache.index()].as_ref();
                let attention = Attention {
                    backend,
                    store: store.ok_or(ExecutionError::Plan { value: cache.0 })?,
                    head_width: shape.head_width as usize,
                    heads: (program.values[query.index()].width / shape.head_width) as usize,
                    shared: (program.values[query.index()].width / (shape.heads * shape.head_width))
                        as usize,
                    first: *position,
                    score_shift: bits(*query) + i32::from(shape.key_bits) - SCORE_BITS,
                    exp: bytemuck::cast_slice(&bytes[tables.exp.clone()]),
                };
                attention.run(threads, q.i16()?, y.i16()?);
            }
            Operator::CacheAppend { key, value, cache } => {
                let [key, value] = arena.slots(program, rows, [*key, *value])?;
                let store = self.caches[cache.index()].as_mut();
                store.ok_or(ExecutionError::Plan { value: cache.0 })?.append(
                    backend,
                    *position,
                    key.i16()?,
                    value.i16()?,
                );
            }
            Operator::GatedSilu { gate, up, output } => {
                let scales = Gate {
                    gate_bits: bits(*gate),
                    up_bits: bits(*up),
                    output_bits: bits(*output),
                    sigmoid: bytemuck::cast_slice(&bytes[tables.sigmoid.clone()]),
                };
                let [gate, up, y] = arena.slots(program, rows, [*gate, *up, *output])?;
                gated_silu(backend, gate.i16()?, up.i16()?, &scales, y.i16()?);
            }
            Operator::Gather { output, .. } => {
                let Matrix { columns, values, exponents, row_bits, .. } = matrix()?;
                let table = Embedding {
                    width: *columns,
                    values: bytemuck::cast_slice(&bytes[values.clone()]),
                    exponents: &bytes[exponents.clone()],
                    row_bits: bytemuck::cast_slice(&bytes[row_bits.clone()]),
                };
                let [y] = arena.slots(program, rows, [*output])?;
                gather(&table, tokens, bits(*output), y.i32()?)?;
            }
            Operator::LastRows { input, output } => {
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let (x, y) = (x.i32()?, y.i32()?);
                y.copy_from_slice(&x[x.len() - y.len()..]);
            }
            Operator::MatMul { input, output, .. } => {
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let y = match y {
                    Slot::I16(y) => Destination::I16(y),
                    Slot::I32(y) => Destination::I32(y),
                };
                matmul(backend, threads, x.i16()?, &matrix()?.weight(bytes)?, y)?;
            }
            Operator::MatMulAdd { input, residual, .. } => {
                let [x, y] = arena.slots(program, rows, [*input, *residual])?;
                let y = Destination::Accumulate(y.i32()?);
                matmul(backend, threads, x.i16()?, &matrix()?.weight(bytes)?, y)?;
            }
            Operator::MeanPool { input, output } => {
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let pool = self.pools[index].as_mut();
                let pool = pool.ok_or(ExecutionError::Plan { value: output.0 })?;
                mean_pool(x.i16()?, &mut pool.sums, &mut pool.count, y.i32()?);
            }
            Operator::RmsNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = Norm {
                    gain: bytemuck::cast_slice(&bytes[model.binding(index).gain.clone()]),
                    gain_bits: i32::from(*gain_bits),
                    epsilon: *epsilon,
                    output_bits: bits(*output),
                    rsqrt: bytemuck::cast_slice(&bytes[tables.rsqrt.clone()]),
                };
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                rms_norm(backend, x.i32()?, &norm, y.i16()?);
            }
            Operator::Rope { value, head_width } => {
                let width = program.values[value.index()].width as usize;
                let table = bytemuck::cast_slice(&bytes[tables.rope.clone()]);
                let [x] = arena.slots(program, rows, [*value])?;
                rope(backend, x.i16()?, width, *head_width as usize, *position, table);
            }
        }
        Ok(())
    }
}

/// Bytes of the state that an operator keeps for a sequence of `positions` positions; `None` if it exceeds 64 bits.
pub(crate) fn state_bytes(program: &Program, index: usize, positions: u64) -> Option<u64> {
    match &program.operators[index] {
        Operator::CacheAppend { cache, .. } => {
            program.caches[cache.index()].position_bytes().checked_mul(positions)
        }
        Operator::MeanPool { output, .. } => {
            Some(8 * u64::from(program.values[output.index()].width))
        }
        _ => Some(0),
    }
}

/// Whether an operator has nothing to do before the last step: it works on the result alone.
fn closes(program: &Program, operator: &Operator) -> bool {
    let rows = operator.writes().map(|id| program.values[id.index()].rows);
    match rows {
        Some(RowCount::One) => !matches!(operator, Operator::MeanPool { .. }),
        Some(RowCount::Outputs) => true,
        Some(RowCount::Tokens) | None => false,
    }
}

#[derive(Debug)]
struct Pool {
    sums: Vec<i64>,
    count: u64,
}

/// The attention of one step.
struct Attention<'a> {
    backend: Backend,
    store: &'a KvCache,
    head_width: usize,
    heads: usize,
    /// Query heads that share a key and value head.
    shared: usize,
    first: usize,
    score_shift: i32,
    exp: &'a [u16],
}

impl Attention<'_> {
    fn run(&self, threads: &Threads, query: &[i16], output: &mut [i16]) {
        let rows = query.len() / (self.heads * self.head_width).max(1);
        let cost = query.len() * (self.first + rows);
        let chunk =
            if cost < PARALLEL_PRODUCTS { output.len() } else { self.head_width * self.shared };
        threads.for_each_chunk(output, chunk, |index, output| {
            let mut scores = Vec::new();
            let mut sums = vec![0; self.head_width];
            let first = index * chunk / self.head_width;
            for (head, output) in output.chunks_exact_mut(self.head_width).enumerate() {
                let (row, head) = ((first + head) / self.heads, (first + head) % self.heads);
                let positions = self.first + row + 1;
                scores.resize(positions, 0);
                let query =
                    &query[(row * self.heads + head) * self.head_width..][..self.head_width];
                let cache = self.store.head(head / self.shared, positions);
                attend(
                    self.backend,
                    query,
                    &cache,
                    self.score_shift,
                    self.exp,
                    &mut scores,
                    &mut sums,
                    output,
                );
            }
        });
    }
}

/// Fraction bits of an attention score.
const SCORE_BITS: i32 = 12;

/// Attention of less work than this stays on one thread.
const PARALLEL_PRODUCTS: usize = 1 << 16;
