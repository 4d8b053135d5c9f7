use core::ops::Range;

use super::{
    ExecutionError,
    arena::{Arena, Slot},
    attention::Attention,
    sequence::Sequence,
};
use crate::{
    architecture::Gelu,
    kernel::{
        Backend, Destination, Gate, GeluScales, Norm, Threads, add_bias_i16, add_bias_i32,
        add_positions, gated_silu, gather, gelu, head_norm, layer_norm_i16, layer_norm_i32, matmul,
        mean_pool, narrow, relu, rms_norm, rope,
    },
    model::Model,
    numeric::SCORE_BITS,
    program::{Operator, Program, RowCount, Rows, ValueId, step_flops},
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

/// The rows of one sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) sequence: usize,
    /// Row of its first token in the step.
    pub(super) start: usize,
    /// Its tokens.
    pub(super) count: usize,
    /// Its last tokens whose scores are wanted.
    pub(super) outputs: usize,
    /// Position of its first token.
    pub(super) first: usize,
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
        let Self { model, backend, threads, arena, sequences, rows, parts, tokens } = self;
        let (model, backend, rows) = (*model, *backend, *rows);
        let bits = |id: ValueId| i32::from(program.values[id.index()].bits);
        let width = |id: ValueId| program.values[id.index()].width as usize;
        let bytes = model.bytes();
        let tables = model.tables();
        let matrix =
            || model.binding(index).matrix.as_ref().ok_or(ExecutionError::Plan { value: 0 });
        let norm = |gain_bits: i8, epsilon: u64, output: ValueId| Norm {
            gain: bytemuck::cast_slice(&bytes[model.binding(index).gain.clone()]),
            gain_bits: i32::from(gain_bits),
            epsilon,
            output_bits: bits(output),
            rsqrt: bytemuck::cast_slice(&bytes[tables.rsqrt.clone()]),
        };
        match operator {
            Operator::AddBias { value, .. } => {
                let bias = bytemuck::cast_slice(&bytes[model.binding(index).bias.clone()]);
                let width = width(*value);
                match arena.slots(program, rows, [*value])? {
                    [Slot::I16(y)] => {
                        share(threads, width, y, |_, y| add_bias_i16(backend, y, bias));
                    }
                    [Slot::I32(y)] => {
                        share(threads, width, y, |_, y| add_bias_i32(backend, y, bias));
                    }
                }
            }
            Operator::AddPositions { residual, .. } => {
                let table = matrix()?.embedding(bytes);
                let [y] = arena.slots(program, rows, [*residual])?;
                let y = y.i32()?;
                for part in *parts {
                    let y = part.rows_mut(y, table.width);
                    add_positions(&table, part.first, bits(*residual), y)?;
                }
            }
            Operator::Attention { query, cache, output, bidirectional } => {
                let shape = program.caches[cache.index()];
                let head_dim = shape.head_dim as usize;
                let heads = width(*query) / head_dim;
                let [q, y] = arena.slots(program, rows, [*query, *output])?;
                let (q, y) = (q.i16()?, y.i16()?);
                for part in *parts {
                    let store = state(sequences, part)?.caches[cache.index()].as_ref();
                    let attention = Attention {
                        backend,
                        store: store.ok_or(ExecutionError::Plan { value: cache.0 })?,
                        head_dim,
                        heads,
                        shared: heads / shape.heads as usize,
                        first: part.first,
                        bidirectional: *bidirectional,
                        score_shift: bits(*query) + i32::from(shape.key_bits) - SCORE_BITS,
                        exp: bytemuck::cast_slice(&bytes[tables.exp.clone()]),
                    };
                    let q = part.rows(q, width(*query));
                    attention.run(threads, q, part.rows_mut(y, width(*output)));
                }
            }
            Operator::CacheAppend { key, value, cache } => {
                let [k, v] = arena.slots(program, rows, [*key, *value])?;
                let (k, v) = (k.i16()?, v.i16()?);
                for part in *parts {
                    let store = state(sequences, part)?.caches[cache.index()].as_mut();
                    store.ok_or(ExecutionError::Plan { value: cache.0 })?.append(
                        backend,
                        threads,
                        part.first,
                        part.rows(k, width(*key)),
                        part.rows(v, width(*value)),
                    );
                }
            }
            Operator::FirstRow { input, output } => {
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let (x, y) = (x.i32()?, y.i32()?);
                let ending = parts.iter().filter(|part| part.outputs > 0);
                for (part, y) in ending.zip(y.chunks_exact_mut(width(*output))) {
                    y.copy_from_slice(&part.rows(x, width(*input))[..y.len()]);
                }
            }
            Operator::GatedSilu { gate, up, output } => {
                let scales = Gate {
                    gate_bits: bits(*gate),
                    up_bits: bits(*up),
                    output_bits: bits(*output),
                    sigmoid: bytemuck::cast_slice(&bytes[tables.sigmoid.clone()]),
                };
                let [gate, up, y] = arena.slots(program, rows, [*gate, *up, *output])?;
                let (gate, up) = (gate.i16()?, up.i16()?);
                share(threads, width(*output), y.i16()?, |part, y| {
                    gated_silu(backend, &gate[part.clone()], &up[part], &scales, y);
                });
            }
            Operator::Gather { output, .. } => {
                let [y] = arena.slots(program, rows, [*output])?;
                gather(&matrix()?.embedding(bytes), tokens, bits(*output), y.i32()?)?;
            }
            Operator::Gelu { input, form, output } => {
                let table = match form {
                    Gelu::Exact => tables.gelu.clone(),
                    Gelu::Tanh => tables.gelu_tanh.clone(),
                };
                let scales = GeluScales {
                    input_bits: bits(*input),
                    output_bits: bits(*output),
                    table: bytemuck::cast_slice(&bytes[table]),
                };
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let x = x.i16()?;
                share(threads, width(*output), y.i16()?, |part, y| {
                    gelu(backend, &x[part], &scales, y);
                });
            }
            Operator::HeadNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = norm(*gain_bits, *epsilon, *output);
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let x = x.i16()?;
                share(threads, width(*output), y.i16()?, |part, y| {
                    head_norm(backend, &x[part], &norm, y);
                });
            }
            // A model reads tokens; its artifact was refused otherwise.
            Operator::Input { output } => return Err(ExecutionError::Plan { value: output.0 }),
            Operator::LastRows { input, output } => {
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let (x, mut y) = (x.i32()?, y.i32()?);
                for part in *parts {
                    let x = part.rows(x, width(*input));
                    let (head, tail) = y.split_at_mut(part.outputs * width(*output));
                    head.copy_from_slice(&x[x.len() - head.len()..]);
                    y = tail;
                }
            }
            Operator::LayerNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = norm(*gain_bits, *epsilon, *output);
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let (x, width) = (x.i32()?, width(*output));
                match y {
                    Slot::I16(y) => share(threads, width, y, |part, y| {
                        layer_norm_i16(backend, &x[part], &norm, y);
                    }),
                    Slot::I32(y) => share(threads, width, y, |part, y| {
                        layer_norm_i32(backend, &x[part], &norm, y);
                    }),
                }
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
                let (x, mut y) = (x.i16()?, y.i32()?);
                for part in *parts {
                    let pool = state(sequences, part)?.pools[index].as_mut();
                    let pool = pool.ok_or(ExecutionError::Plan { value: output.0 })?;
                    let ending = if part.outputs > 0 { width(*output) } else { 0 };
                    let (mean, rest) = y.split_at_mut(ending);
                    let x = part.rows(x, width(*input));
                    mean_pool(x, &mut pool.sums, &mut pool.count, mean);
                    y = rest;
                }
            }
            Operator::Narrow { input, output } => {
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                narrow(backend, x.i32()?, bits(*input) - bits(*output), y.i16()?);
            }
            Operator::Relu { input, output } => {
                let shift = bits(*input) - bits(*output);
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let x = x.i16()?;
                share(threads, width(*output), y.i16()?, |part, y| {
                    relu(backend, &x[part], shift, y);
                });
            }
            Operator::RmsNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = norm(*gain_bits, *epsilon, *output);
                let [x, y] = arena.slots(program, rows, [*input, *output])?;
                let x = x.i32()?;
                share(threads, width(*output), y.i16()?, |part, y| {
                    rms_norm(backend, &x[part], &norm, y);
                });
            }
            Operator::Rope { value, head_dim } => {
                let table = bytemuck::cast_slice(&bytes[tables.rope.clone()]);
                let [x] = arena.slots(program, rows, [*value])?;
                let x = x.i16()?;
                for part in *parts {
                    let (width, head_dim) = (width(*value), *head_dim as usize);
                    share(threads, width, part.rows_mut(x, width), |elements, x| {
                        let first = part.first + elements.start / width.max(1);
                        rope(backend, x, width, head_dim, first, table);
                    });
                }
            }
        }
        Ok(())
    }
}

impl Part {
    /// Its rows of a value of the step.
    fn rows<'a, T>(&self, values: &'a [T], width: usize) -> &'a [T] {
        &values[self.start * width..][..self.count * width]
    }

    /// As [`rows`](Self::rows), to write.
    fn rows_mut<'a, T>(&self, values: &'a mut [T], width: usize) -> &'a mut [T] {
        &mut values[self.start * width..][..self.count * width]
    }
}

/// Cuts the rows of a value among threads, if they are worth it; `work` gets a part and where its elements lie.
fn share<T: Send>(
    threads: &Threads,
    width: usize,
    values: &mut [T],
    work: impl Fn(Range<usize>, &mut [T]) + Send + Sync,
) {
    let rows = values.len() / width.max(1);
    let parts = threads.count().min(values.len() / ELEMENTS_PER_PART).max(1);
    let length = rows.div_ceil(parts) * width;
    threads.for_each_chunk(values, length, |index, values| {
        let start = index * length;
        work(start..start + values.len(), values);
    });
}

fn state<'a>(
    sequences: &'a mut [Option<Sequence>],
    part: &Part,
) -> Result<&'a mut Sequence, ExecutionError> {
    let sequence = part.sequence;
    let open = sequences.get_mut(sequence).and_then(Option::as_mut);
    open.ok_or(ExecutionError::Sequence { sequence })
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

/// Fewer elements cost less than handing them to another thread.
const ELEMENTS_PER_PART: usize = 1 << 13;
