use crate::{
    kernel::{
        Backend, Destination, Gate, GeluScales, HeadCache, Norm, Threads, add_bias_i16,
        add_bias_i32, add_positions, attend, compress, gated_silu, gather, gelu, head_norm,
        layer_norm_i16, layer_norm_i32, matmul, mean_pool, narrow, relu, rms_norm, rope,
    },
    model::{Network, Parameters},
    numeric::SCORE_BITS,
    program::{Format, Operator, Program, Rows, State, ValueId},
};

use super::{CacheTensors, Compressed, Input, Record, Tensor, TraceError};

/// Runs operators one by one, with the kernels that specify them.
pub(super) struct Interpreter<'a> {
    network: &'a Network,
    program: &'a Program,
    threads: Threads,
    rows: Rows,
    input: Input<'a>,
    /// Values as they are now.
    values: Vec<Option<Tensor>>,
    caches: Vec<Option<CacheTensors>>,
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(network: &'a Network, rows: Rows, input: Input<'a>) -> Self {
        let program = network.program();
        let values = program.values.iter().map(|_| None).collect();
        let caches = program.caches.iter().map(|_| None).collect();
        let threads = Threads::single();
        Self { network, program, threads, rows, input, values, caches }
    }

    /// Runs an operator on the values as they are.
    pub(super) fn run(&mut self, index: usize) -> Result<Record, TraceError> {
        let missing = TraceError::Operand { operator: index };
        let operator = self.program.operators.get(index).ok_or(missing.clone())?;
        let reads: Option<Vec<Tensor>> =
            operator.reads().map(|id| self.values.get(id.index())?.clone()).collect();
        let call = Call {
            interpreter: self,
            index,
            parameters: self.network.parameters(index),
            reads: reads.ok_or(missing)?,
        };
        let (write, cache) = match operator.state() {
            State::Fills(_) => (None, Some(call.cache_append(operator)?)),
            State::Attends { .. } => {
                let (written, cache) = call.attention(operator)?;
                (Some(written), Some(cache))
            }
            // The whole sequence is one step, so nothing is kept for another.
            State::None | State::Start | State::Sums(_) => (Some(call.compute(operator)?), None),
        };
        let write = match (operator.writes(), write) {
            (Some(id), Some(integers)) => Some(call.tensor(id, integers)),
            _ => None,
        };
        let reads = call.reads;
        if let Some(tensor) = &write {
            self.values[tensor.value.index()] = Some(tensor.clone());
        }
        if let (Some(id), Some(cache)) = (operator.fills(), &cache) {
            self.caches[id.index()] = Some(cache.clone());
        }
        Ok(Record { operator: index, reads, write, cache })
    }
}

/// One operator with what it reads.
struct Call<'a, 'n> {
    interpreter: &'a Interpreter<'n>,
    index: usize,
    parameters: Parameters<'n>,
    reads: Vec<Tensor>,
}

impl<'n> Call<'_, 'n> {
    /// Returns the integers that an operator without a cache writes.
    fn compute(&self, operator: &Operator) -> Result<Vec<i32>, TraceError> {
        match *operator {
            Operator::AddBias { value, .. } => self.add_bias(value),
            Operator::AddPositions { residual, .. } => self.add_positions(residual),
            Operator::FirstRow { output, .. } => self.first_row(output),
            Operator::GatedSilu { gate, up, output } => self.gated_silu(gate, up, output),
            Operator::Gather { output, .. } => self.gather(output),
            Operator::Gelu { input, output, .. } => self.gelu(input, output),
            Operator::HeadNorm { gain_bits, epsilon, output, .. } => {
                let norm = self.norm(gain_bits, epsilon, output)?;
                let x = self.i16(0)?;
                Ok(self.narrow(output, |y| head_norm(SCALAR, &x, &norm, y)))
            }
            Operator::Input { .. } => self.input(),
            Operator::LastRows { output, .. } => self.last_rows(output),
            Operator::LayerNorm { gain_bits, epsilon, output, .. } => {
                self.layer_norm(&self.norm(gain_bits, epsilon, output)?, output)
            }
            Operator::MatMul { output, .. } => self.matmul(output),
            Operator::MatMulAdd { .. } => self.matmul_add(),
            Operator::MeanPool { output, .. } => self.mean_pool(output),
            Operator::Narrow { input, output } => {
                let (x, shift) = (self.i32(0)?, self.bits(input) - self.bits(output));
                Ok(self.narrow(output, |y| narrow(SCALAR, x, shift, y)))
            }
            Operator::Relu { input, output } => {
                let (x, shift) = (self.i16(0)?, self.bits(input) - self.bits(output));
                Ok(self.narrow(output, |y| relu(SCALAR, &x, shift, y)))
            }
            Operator::RmsNorm { gain_bits, epsilon, output, .. } => {
                let (norm, x) = (self.norm(gain_bits, epsilon, output)?, self.i32(0)?);
                Ok(self.narrow(output, |y| rms_norm(SCALAR, x, &norm, y)))
            }
            Operator::Rope { value, head_dim } => self.rope(value, head_dim as usize),
            Operator::Attention { .. } | Operator::CacheAppend { .. } => self.missing(),
        }
    }

    fn add_bias(&self, value: ValueId) -> Result<Vec<i32>, TraceError> {
        let bias = self.bound(self.parameters.bias())?;
        if self.format(value) == Format::I16 {
            let mut y = self.i16(0)?;
            add_bias_i16(SCALAR, &mut y, bias);
            return Ok(widen(&y));
        }
        let mut y = self.i32(0)?.to_vec();
        add_bias_i32(SCALAR, &mut y, bias);
        Ok(y)
    }

    fn add_positions(&self, residual: ValueId) -> Result<Vec<i32>, TraceError> {
        let mut y = self.i32(0)?.to_vec();
        let table = self.bound(self.parameters.matrix())?.embedding();
        self.check(add_positions(&table, 0, self.bits(residual), &mut y))?;
        Ok(y)
    }

    fn first_row(&self, output: ValueId) -> Result<Vec<i32>, TraceError> {
        Ok(self.i32(0)?.iter().take(self.length(output)).copied().collect())
    }

    fn gated_silu(
        &self,
        gate: ValueId,
        up: ValueId,
        output: ValueId,
    ) -> Result<Vec<i32>, TraceError> {
        let sigmoid = self.bound(self.parameters.table())?;
        let (gate_bits, up_bits, output_bits) = (self.bits(gate), self.bits(up), self.bits(output));
        let scales = Gate { gate_bits, up_bits, output_bits, sigmoid };
        let (gate, up) = (self.i16(0)?, self.i16(1)?);
        Ok(self.narrow(output, |y| gated_silu(SCALAR, &gate, &up, &scales, y)))
    }

    fn gather(&self, output: ValueId) -> Result<Vec<i32>, TraceError> {
        let Input::Tokens(tokens) = self.interpreter.input else { return self.missing() };
        let mut y = vec![0; self.length(output)];
        let table = self.bound(self.parameters.matrix())?.embedding();
        self.check(gather(&table, tokens, self.bits(output), &mut y))?;
        Ok(y)
    }

    fn gelu(&self, input: ValueId, output: ValueId) -> Result<Vec<i32>, TraceError> {
        let table = self.bound(self.parameters.table())?;
        let (input_bits, output_bits) = (self.bits(input), self.bits(output));
        let scales = GeluScales { input_bits, output_bits, table };
        let x = self.i16(0)?;
        Ok(self.narrow(output, |y| gelu(SCALAR, &x, &scales, y)))
    }

    fn input(&self) -> Result<Vec<i32>, TraceError> {
        match self.interpreter.input {
            Input::Tensor(integers) => Ok(integers.to_vec()),
            Input::Tokens(_) => self.missing(),
        }
    }

    fn last_rows(&self, output: ValueId) -> Result<Vec<i32>, TraceError> {
        let x = self.i32(0)?;
        let skipped = x.len().saturating_sub(self.length(output));
        Ok(x.iter().skip(skipped).copied().collect())
    }

    fn layer_norm(&self, norm: &Norm<'_>, output: ValueId) -> Result<Vec<i32>, TraceError> {
        let x = self.i32(0)?;
        if self.format(output) == Format::I16 {
            return Ok(self.narrow(output, |y| layer_norm_i16(SCALAR, x, norm, y)));
        }
        let mut y = vec![0; self.length(output)];
        layer_norm_i32(SCALAR, x, norm, &mut y);
        Ok(y)
    }

    fn matmul(&self, output: ValueId) -> Result<Vec<i32>, TraceError> {
        let (threads, x) = (&self.interpreter.threads, self.i16(0)?);
        let weight = self.check(self.bound(self.parameters.matrix())?.product())?;
        if self.format(output) == Format::I16 {
            let mut y = vec![0; self.length(output)];
            self.check(matmul(SCALAR, threads, &x, &weight, Destination::I16(&mut y)))?;
            return Ok(widen(&y));
        }
        let mut y = vec![0; self.length(output)];
        self.check(matmul(SCALAR, threads, &x, &weight, Destination::I32(&mut y)))?;
        Ok(y)
    }

    fn matmul_add(&self) -> Result<Vec<i32>, TraceError> {
        let (x, mut y) = (self.i16(0)?, self.i32(1)?.to_vec());
        let weight = self.check(self.bound(self.parameters.matrix())?.product())?;
        let to = Destination::Accumulate(&mut y);
        self.check(matmul(SCALAR, &self.interpreter.threads, &x, &weight, to))?;
        Ok(y)
    }

    fn mean_pool(&self, output: ValueId) -> Result<Vec<i32>, TraceError> {
        let mut y = vec![0; self.length(output)];
        let (mut sums, mut count) = (vec![0; y.len()], 0);
        mean_pool(&self.i16(0)?, &mut sums, &mut count, &mut y);
        Ok(y)
    }

    fn rope(&self, value: ValueId, head_dim: usize) -> Result<Vec<i32>, TraceError> {
        let table = self.bound(self.parameters.rotations())?;
        let width = self.interpreter.program.width(value);
        let mut y = self.i16(0)?;
        rope(SCALAR, &mut y, width, head_dim, 0, table);
        Ok(widen(&y))
    }

    fn cache_append(&self, operator: &Operator) -> Result<CacheTensors, TraceError> {
        let Operator::CacheAppend { cache, .. } = operator else { return self.missing() };
        let shape = &self.interpreter.program.caches[cache.index()];
        let (heads, head_dim) = (shape.heads as usize, shape.head_dim as usize);
        let side = |operand: usize| {
            let input = self.i16(operand)?;
            let vectors = input.len() / head_dim;
            let (mut values, mut exponents) = (vec![0_i8; input.len()], vec![0_u8; vectors]);
            compress(SCALAR, &input, head_dim, &mut values, &mut exponents);
            Ok(Compressed {
                rows: vectors / heads,
                heads,
                head_dim,
                integers: values.into_iter().map(i32::from).collect(),
                exponents: exponents.into_iter().map(i32::from).collect(),
            })
        };
        Ok(CacheTensors { cache: *cache, keys: side(0)?, values: side(1)? })
    }

    fn attention(&self, operator: &Operator) -> Result<(Vec<i32>, CacheTensors), TraceError> {
        let Operator::Attention { query, cache, output, bidirectional } = operator else {
            return self.missing();
        };
        let exp = self.bound(self.parameters.table())?;
        let program = self.interpreter.program;
        let Some(store) = &self.interpreter.caches[cache.index()] else { return self.missing() };
        let shape = &program.caches[cache.index()];
        let (width, head_dim) = (program.width(*query), shape.head_dim as usize);
        let shared = width / head_dim / shape.heads as usize;
        let shift = self.bits(*query) + i32::from(shape.key_bits) - SCORE_BITS;
        let x = self.i16(0)?;
        let rows = x.len() / width;
        let mut y = vec![0_i16; self.length(*output)];
        let (mut scores, mut sums) = (vec![0_i32; rows], vec![0_i64; head_dim]);
        for head in 0..shape.heads as usize {
            let (keys, key_exponents) = store.keys.head(head);
            let (values, value_exponents) = store.values.head(head);
            let (key_exponents, value_exponents) = (&key_exponents, &value_exponents);
            let cache = HeadCache { keys: &keys, key_exponents, values: &values, value_exponents };
            for row in 0..rows {
                let positions = if *bidirectional { rows } else { row + 1 };
                let cache = cache.first(positions, head_dim);
                for query in head * shared..(head + 1) * shared {
                    let start = row * width + query * head_dim;
                    let part = start..start + head_dim;
                    let (q, y) = (&x[part.clone()], &mut y[part]);
                    attend(SCALAR, q, &cache, shift, exp, &mut scores[..positions], &mut sums, y);
                }
            }
        }
        Ok((widen(&y), store.clone()))
    }

    fn tensor(&self, value: ValueId, integers: Vec<i32>) -> Tensor {
        let width = self.interpreter.program.values[value.index()].width as usize;
        let rows = integers.len() / width.max(1);
        Tensor { value, rows, width, integers: integers.into() }
    }

    /// Runs a kernel that writes i16.
    fn narrow(&self, output: ValueId, kernel: impl FnOnce(&mut [i16])) -> Vec<i32> {
        let mut y = vec![0; self.length(output)];
        kernel(&mut y);
        widen(&y)
    }

    fn norm(&self, gain_bits: i8, epsilon: u64, output: ValueId) -> Result<Norm<'n>, TraceError> {
        self.bound(self.parameters.norm(gain_bits, epsilon, self.bits(output)))
    }

    /// Returns parameters, which a bound program has.
    fn bound<T>(&self, parameters: Option<T>) -> Result<T, TraceError> {
        parameters.map_or_else(|| self.missing(), Ok)
    }

    fn bits(&self, id: ValueId) -> i32 {
        self.interpreter.program.bits(id)
    }

    fn format(&self, id: ValueId) -> Format {
        self.interpreter.program.values[id.index()].format
    }

    /// An operand that was read.
    fn i32(&self, operand: usize) -> Result<&[i32], TraceError> {
        self.reads.get(operand).map_or_else(|| self.missing(), |tensor| Ok(&*tensor.integers))
    }

    /// The same of an i16 value.
    fn i16(&self, operand: usize) -> Result<Vec<i16>, TraceError> {
        let narrow = |integer: &i32| i16::try_from(*integer).ok();
        let integers: Option<Vec<i16>> = self.i32(operand)?.iter().map(narrow).collect();
        integers.map_or_else(|| self.missing(), Ok)
    }

    /// Integers of a value.
    fn length(&self, id: ValueId) -> usize {
        let value = self.interpreter.program.values[id.index()];
        // The run's integers were counted and are few enough.
        usize::try_from(self.interpreter.rows.of(value.rows)).unwrap_or(0) * value.width as usize
    }

    fn check<T>(&self, result: Result<T, crate::kernel::KernelError>) -> Result<T, TraceError> {
        result.map_err(|source| TraceError::Kernel { operator: self.index, source })
    }

    const fn missing<T>(&self) -> Result<T, TraceError> {
        Err(TraceError::Operand { operator: self.index })
    }
}

impl Compressed {
    /// The vectors and exponents of a head, oldest first.
    fn head(&self, head: usize) -> (Vec<i8>, Vec<u8>) {
        let vectors = self.integers.chunks_exact(self.head_dim).skip(head).step_by(self.heads);
        // Both were bytes when they were stored.
        let vectors = vectors.flatten().map(|integer| i8::try_from(*integer).unwrap_or(0));
        let exponents = self.exponents.iter().skip(head).step_by(self.heads);
        (vectors.collect(), exponents.map(|integer| u8::try_from(*integer).unwrap_or(0)).collect())
    }
}

fn widen(integers: &[i16]) -> Vec<i32> {
    integers.iter().map(|integer| i32::from(*integer)).collect()
}

/// The specification.
const SCALAR: Backend = Backend::Scalar;
