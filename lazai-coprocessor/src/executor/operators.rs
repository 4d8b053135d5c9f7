//! The operators of a step: each takes its operands from the arena and hands them to its kernel.

use core::ops::Range;

use super::{
    ExecutionError,
    arena::{Arena, Slot},
    attention::Attention,
    part::Part,
    sequence::Sequence,
};
use crate::{
    kernel::{
        Backend, Destination, Gate, GeluScales, Norm, Threads, WeightMatrix, add_bias_i16,
        add_bias_i32, add_positions, gated_silu, gather, gelu, head_norm, layer_norm_i16,
        layer_norm_i32, matmul, mean_pool, narrow, relu, rms_norm, rope,
    },
    model::{Parameters, Weights},
    numeric::SCORE_BITS,
    program::{CacheId, Operator, Program, RowCount, Rows, ValueId},
};

/// One operator of a step, with its parameters.
pub(super) struct Call<'s> {
    pub(super) program: &'s Program,
    /// The operator's place in the program.
    pub(super) index: usize,
    pub(super) parameters: Parameters<'s>,
    pub(super) backend: Backend,
    pub(super) threads: &'s Threads,
    pub(super) rows: Rows,
    pub(super) parts: &'s [Part],
    pub(super) tokens: &'s [u32],
    pub(super) arena: &'s mut Arena,
    pub(super) sequences: &'s mut [Option<Sequence>],
}

impl<'s> Call<'s> {
    /// Runs the operator at the call's place in the program.
    pub(super) fn run(mut self, operator: &Operator) -> Result<(), ExecutionError> {
        match *operator {
            Operator::AddBias { value, .. } => self.add_bias(value),
            Operator::AddPositions { residual, .. } => self.add_positions(residual),
            Operator::Attention { query, cache, output, bidirectional } => {
                self.attention(query, cache, output, bidirectional)
            }
            Operator::CacheAppend { key, value, cache } => self.cache_append(key, value, cache),
            Operator::FirstRow { input, output } => self.first_row(input, output),
            Operator::GatedSilu { gate, up, output } => self.gated_silu(gate, up, output),
            Operator::Gather { output, .. } => self.gather(output),
            Operator::Gelu { input, output, .. } => self.gelu(input, output),
            Operator::HeadNorm { input, gain_bits, epsilon, output, .. } => {
                self.head_norm(input, gain_bits, epsilon, output)
            }
            // A model reads tokens; its artifact was refused otherwise.
            Operator::Input { output } => Err(ExecutionError::Plan { value: output.0 }),
            Operator::LastRows { input, output } => self.last_rows(input, output),
            Operator::LayerNorm { input, gain_bits, epsilon, output, .. } => {
                self.layer_norm(input, gain_bits, epsilon, output)
            }
            Operator::MatMul { input, output, .. } => self.matmul(input, output),
            Operator::MatMulAdd { input, residual, .. } => self.matmul_add(input, residual),
            Operator::MeanPool { input, output } => self.mean_pool(input, output),
            Operator::Narrow { input, output } => self.narrow(input, output),
            Operator::Relu { input, output } => self.relu(input, output),
            Operator::RmsNorm { input, gain_bits, epsilon, output, .. } => {
                self.rms_norm(input, gain_bits, epsilon, output)
            }
            Operator::Rope { value, head_dim } => self.rope(value, head_dim as usize),
        }
    }

    fn add_bias(&mut self, value: ValueId) -> Result<(), ExecutionError> {
        let bias = self.parameters.bias().ok_or_else(|| self.unbound())?;
        let (backend, width) = (self.backend, self.program.width(value));
        match self.arena.slots(self.program, self.rows, [value])? {
            [Slot::I16(y)] => {
                share(self.threads, width, y, |_, y| add_bias_i16(backend, y, bias));
            }
            [Slot::I32(y)] => {
                share(self.threads, width, y, |_, y| add_bias_i32(backend, y, bias));
            }
        }
        Ok(())
    }

    fn add_positions(&mut self, residual: ValueId) -> Result<(), ExecutionError> {
        let table = self.matrix()?.embedding();
        let bits = self.program.bits(residual);
        let [y] = self.arena.slots(self.program, self.rows, [residual])?;
        let y = y.i32()?;
        for part in self.parts {
            add_positions(&table, part.first, bits, part.rows_mut(y, table.width))?;
        }
        Ok(())
    }

    fn attention(
        &mut self,
        query: ValueId,
        cache: CacheId,
        output: ValueId,
        bidirectional: bool,
    ) -> Result<(), ExecutionError> {
        let exp = self.parameters.table().ok_or_else(|| self.unbound())?;
        let (program, shape) = (self.program, self.program.caches[cache.index()]);
        let head_dim = shape.head_dim as usize;
        let heads = program.width(query) / head_dim;
        let [q, y] = self.arena.slots(program, self.rows, [query, output])?;
        let (q, y) = (q.i16()?, y.i16()?);
        for part in self.parts {
            let store = sequence(self.sequences, part)?.caches[cache.index()].as_ref();
            let attention = Attention {
                backend: self.backend,
                store: store.ok_or(ExecutionError::Cache { cache: cache.0 })?,
                head_dim,
                heads,
                shared: heads / shape.heads as usize,
                first: part.first,
                bidirectional,
                score_shift: program.bits(query) + i32::from(shape.key_bits) - SCORE_BITS,
                exp,
            };
            let q = part.rows(q, program.width(query));
            attention.run(self.threads, q, part.rows_mut(y, program.width(output)));
        }
        Ok(())
    }

    fn cache_append(
        &mut self,
        key: ValueId,
        value: ValueId,
        cache: CacheId,
    ) -> Result<(), ExecutionError> {
        let program = self.program;
        let [k, v] = self.arena.slots(program, self.rows, [key, value])?;
        let (k, v) = (k.i16()?, v.i16()?);
        for part in self.parts {
            let store = sequence(self.sequences, part)?.caches[cache.index()].as_mut();
            store.ok_or(ExecutionError::Cache { cache: cache.0 })?.append(
                self.backend,
                self.threads,
                part.first,
                part.rows(k, program.width(key)),
                part.rows(v, program.width(value)),
            );
        }
        Ok(())
    }

    fn first_row(&mut self, input: ValueId, output: ValueId) -> Result<(), ExecutionError> {
        let program = self.program;
        let [x, y] = self.arena.slots(program, self.rows, [input, output])?;
        let (x, y) = (x.i32()?, y.i32()?);
        let ending = self.parts.iter().filter(|part| part.outputs > 0);
        for (part, y) in ending.zip(y.chunks_exact_mut(program.width(output))) {
            y.copy_from_slice(&part.rows(x, program.width(input))[..y.len()]);
        }
        Ok(())
    }

    fn gated_silu(
        &mut self,
        gate: ValueId,
        up: ValueId,
        output: ValueId,
    ) -> Result<(), ExecutionError> {
        let (program, backend) = (self.program, self.backend);
        let scales = Gate {
            gate_bits: program.bits(gate),
            up_bits: program.bits(up),
            output_bits: program.bits(output),
            sigmoid: self.parameters.table().ok_or_else(|| self.unbound())?,
        };
        let [gate, up, y] = self.arena.slots(program, self.rows, [gate, up, output])?;
        let (gate, up) = (gate.i16()?, up.i16()?);
        share(self.threads, program.width(output), y.i16()?, |part, y| {
            gated_silu(backend, &gate[part.clone()], &up[part], &scales, y);
        });
        Ok(())
    }

    fn gather(&mut self, output: ValueId) -> Result<(), ExecutionError> {
        let table = self.matrix()?.embedding();
        let [y] = self.arena.slots(self.program, self.rows, [output])?;
        gather(&table, self.tokens, self.program.bits(output), y.i32()?)?;
        Ok(())
    }

    fn gelu(&mut self, input: ValueId, output: ValueId) -> Result<(), ExecutionError> {
        let (program, backend) = (self.program, self.backend);
        let scales = GeluScales {
            input_bits: program.bits(input),
            output_bits: program.bits(output),
            table: self.parameters.table().ok_or_else(|| self.unbound())?,
        };
        let [x, y] = self.arena.slots(program, self.rows, [input, output])?;
        let x = x.i16()?;
        share(self.threads, program.width(output), y.i16()?, |part, y| {
            gelu(backend, &x[part], &scales, y);
        });
        Ok(())
    }

    fn head_norm(
        &mut self,
        input: ValueId,
        gain_bits: i8,
        epsilon: u64,
        output: ValueId,
    ) -> Result<(), ExecutionError> {
        let (norm, backend) = (self.norm(gain_bits, epsilon, output)?, self.backend);
        let [x, y] = self.arena.slots(self.program, self.rows, [input, output])?;
        let x = x.i16()?;
        share(self.threads, self.program.width(output), y.i16()?, |part, y| {
            head_norm(backend, &x[part], &norm, y);
        });
        Ok(())
    }

    fn last_rows(&mut self, input: ValueId, output: ValueId) -> Result<(), ExecutionError> {
        let program = self.program;
        let [x, y] = self.arena.slots(program, self.rows, [input, output])?;
        let (x, mut y) = (x.i32()?, y.i32()?);
        for part in self.parts {
            let x = part.rows(x, program.width(input));
            let (head, tail) = y.split_at_mut(part.outputs * program.width(output));
            head.copy_from_slice(&x[x.len() - head.len()..]);
            y = tail;
        }
        Ok(())
    }

    fn layer_norm(
        &mut self,
        input: ValueId,
        gain_bits: i8,
        epsilon: u64,
        output: ValueId,
    ) -> Result<(), ExecutionError> {
        let (norm, backend) = (self.norm(gain_bits, epsilon, output)?, self.backend);
        let width = self.program.width(output);
        let [x, y] = self.arena.slots(self.program, self.rows, [input, output])?;
        let x = x.i32()?;
        match y {
            Slot::I16(y) => share(self.threads, width, y, |part, y| {
                layer_norm_i16(backend, &x[part], &norm, y);
            }),
            Slot::I32(y) => share(self.threads, width, y, |part, y| {
                layer_norm_i32(backend, &x[part], &norm, y);
            }),
        }
        Ok(())
    }

    fn matmul(&mut self, input: ValueId, output: ValueId) -> Result<(), ExecutionError> {
        let weight = self.weight()?;
        let [x, y] = self.arena.slots(self.program, self.rows, [input, output])?;
        let y = match y {
            Slot::I16(y) => Destination::I16(y),
            Slot::I32(y) => Destination::I32(y),
        };
        Ok(matmul(self.backend, self.threads, x.i16()?, &weight, y)?)
    }

    fn matmul_add(&mut self, input: ValueId, residual: ValueId) -> Result<(), ExecutionError> {
        let weight = self.weight()?;
        let [x, y] = self.arena.slots(self.program, self.rows, [input, residual])?;
        let y = Destination::Accumulate(y.i32()?);
        Ok(matmul(self.backend, self.threads, x.i16()?, &weight, y)?)
    }

    fn mean_pool(&mut self, input: ValueId, output: ValueId) -> Result<(), ExecutionError> {
        let program = self.program;
        let [x, y] = self.arena.slots(program, self.rows, [input, output])?;
        let (mut x, mut y) = (&*x.i16()?, y.i32()?);
        let (rows, width) = (program.values[input.index()].rows, program.width(input));
        for part in self.parts {
            let pool = sequence(self.sequences, part)?.pools[self.index].as_mut();
            let pool = pool.ok_or(ExecutionError::Plan { value: output.0 })?;
            if rows != RowCount::Tokens {
                // Rows that were kept replace those of the step before.
                pool.sums.fill(0);
                pool.count = 0;
            }
            let ending = if part.outputs > 0 { program.width(output) } else { 0 };
            let (mean, rest) = y.split_at_mut(ending);
            let (own, others) = x.split_at(part.row_count(rows) * width);
            mean_pool(own, &mut pool.sums, &mut pool.count, mean);
            (x, y) = (others, rest);
        }
        Ok(())
    }

    fn narrow(&mut self, input: ValueId, output: ValueId) -> Result<(), ExecutionError> {
        let shift = self.program.bits(input) - self.program.bits(output);
        let [x, y] = self.arena.slots(self.program, self.rows, [input, output])?;
        narrow(self.backend, x.i32()?, shift, y.i16()?);
        Ok(())
    }

    fn relu(&mut self, input: ValueId, output: ValueId) -> Result<(), ExecutionError> {
        let shift = self.program.bits(input) - self.program.bits(output);
        let backend = self.backend;
        let [x, y] = self.arena.slots(self.program, self.rows, [input, output])?;
        let x = x.i16()?;
        share(self.threads, self.program.width(output), y.i16()?, |part, y| {
            relu(backend, &x[part], shift, y);
        });
        Ok(())
    }

    fn rms_norm(
        &mut self,
        input: ValueId,
        gain_bits: i8,
        epsilon: u64,
        output: ValueId,
    ) -> Result<(), ExecutionError> {
        let (norm, backend) = (self.norm(gain_bits, epsilon, output)?, self.backend);
        let [x, y] = self.arena.slots(self.program, self.rows, [input, output])?;
        let x = x.i32()?;
        share(self.threads, self.program.width(output), y.i16()?, |part, y| {
            rms_norm(backend, &x[part], &norm, y);
        });
        Ok(())
    }

    fn rope(&mut self, value: ValueId, head_dim: usize) -> Result<(), ExecutionError> {
        let table = self.parameters.rotations().ok_or_else(|| self.unbound())?;
        let (backend, width) = (self.backend, self.program.width(value));
        let [x] = self.arena.slots(self.program, self.rows, [value])?;
        let x = x.i16()?;
        for part in self.parts {
            share(self.threads, width, part.rows_mut(x, width), |elements, x| {
                let first = part.first + elements.start / width.max(1);
                rope(backend, x, width, head_dim, first, table);
            });
        }
        Ok(())
    }

    fn matrix(&self) -> Result<Weights<'s>, ExecutionError> {
        self.parameters.matrix().ok_or_else(|| self.unbound())
    }

    fn weight(&self) -> Result<WeightMatrix<'s>, ExecutionError> {
        Ok(self.matrix()?.product()?)
    }

    fn norm(
        &self,
        gain_bits: i8,
        epsilon: u64,
        output: ValueId,
    ) -> Result<Norm<'s>, ExecutionError> {
        let norm = self.parameters.norm(gain_bits, epsilon, self.program.bits(output));
        norm.ok_or_else(|| self.unbound())
    }

    const fn unbound(&self) -> ExecutionError {
        ExecutionError::Parameters { operator: self.index }
    }
}

/// Cuts the rows of a value among threads, if they are worth it; `work` gets a part and where its
/// elements lie.
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

fn sequence<'a>(
    sequences: &'a mut [Option<Sequence>],
    part: &Part,
) -> Result<&'a mut Sequence, ExecutionError> {
    let sequence = part.sequence;
    let open = sequences.get_mut(sequence).and_then(Option::as_mut);
    open.ok_or(ExecutionError::Sequence { sequence })
}

/// Fewer elements cost less than handing them to another thread.
const ELEMENTS_PER_PART: usize = 1 << 13;
