use crate::{
    model::Network,
    numeric::{ACTIVATION_MAX, ACTIVATION_MIN},
    program::{Format, Program, Rows, State, Target, ValueId},
};

use super::{Input, Record, Tensor, TraceError, interpreter::Interpreter};

/// What every operator of a run read and wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace {
    /// What the run was for.
    pub target: Target,
    /// Rows of the values.
    pub rows: Rows,
    /// The tokens that were read; none if the network reads a tensor.
    pub tokens: Vec<u32>,
    /// The operators that the target needs, in the order of the program; never empty.
    pub records: Vec<Record>,
    output: Tensor,
}

impl Trace {
    /// Most integers that are written in one run: 1 GiB.
    pub const MAX_INTEGERS: u64 = 1 << 28;

    /// Runs `network` over a whole sequence, from position 0, and records it.
    ///
    /// Computes scores of the last `outputs` rows; of an embedding, `outputs` is 1.
    ///
    /// # Errors
    /// [`TraceError`] if the network does not compute `target`, or the input is not what it reads.
    pub fn record(
        network: &Network,
        target: Target,
        input: Input<'_>,
        outputs: usize,
    ) -> Result<Self, TraceError> {
        let program = network.program();
        let output = program.output(target).ok_or(TraceError::Target {
            target: match target {
                Target::Embedding => "embedding",
                Target::Logits => "logits",
            },
        })?;
        let tokens = rows(network, input)?;
        limit("the number of rows", tokens as u64, 1, network.manifest().context.into())?;
        let most = if target == Target::Embedding { 1 } else { tokens as u64 };
        limit("the number of outputs", outputs as u64, 1, most)?;
        let rows = Rows { tokens: tokens as u64, outputs: outputs as u64, sequences: 1 };
        let schedule = program.schedule(target);
        limit("the number of integers", size(program, &schedule, rows), 0, Self::MAX_INTEGERS)?;

        let mut interpreter = Interpreter::new(network, rows, input);
        let mut records = Vec::with_capacity(schedule.len());
        for index in schedule {
            records.push(interpreter.run(index)?);
        }
        let written = |record: &&Record| writes(record, output);
        let last = records.iter().rev().find(written).and_then(|record| record.write.clone());
        let output = last.ok_or(TraceError::Operand { operator: program.operators.len() })?;
        let tokens = match input {
            Input::Tensor(_) => Vec::new(),
            Input::Tokens(tokens) => tokens.to_vec(),
        };
        Ok(Self { target, rows, tokens, records, output })
    }

    /// Returns the result: scores, `[outputs, width]`, or the unit vector.
    #[must_use]
    pub const fn output(&self) -> &Tensor {
        &self.output
    }
}

fn writes(record: &Record, value: ValueId) -> bool {
    record.write.as_ref().is_some_and(|tensor| tensor.value == value)
}

/// Checks that the input is what the network reads; returns its rows.
fn rows(network: &Network, input: Input<'_>) -> Result<usize, TraceError> {
    const TOKENS: &str = "tokens";
    const TENSOR: &str = "a tensor";
    let program = network.program();
    match (program.input(), input) {
        (None, Input::Tensor(_)) => Err(TraceError::InputKind { expected: TOKENS, got: TENSOR }),
        (Some(_), Input::Tokens(_)) => Err(TraceError::InputKind { expected: TENSOR, got: TOKENS }),
        (None, Input::Tokens(tokens)) => {
            let vocabulary = network.manifest().vocabulary;
            match tokens.iter().position(|token| *token >= vocabulary) {
                Some(index) => Err(TraceError::Token { token: tokens[index], index, vocabulary }),
                None => Ok(tokens.len()),
            }
        }
        (Some(id), Input::Tensor(integers)) => {
            let value = program.values[id.index()];
            let (width, got) = (value.width as usize, integers.len());
            if !got.is_multiple_of(width.max(1)) {
                return Err(TraceError::InputLength { width, got });
            }
            let range = i32::from(ACTIVATION_MIN)..=i32::from(ACTIVATION_MAX);
            let outside = integers.iter().position(|integer| !range.contains(integer));
            match outside.filter(|_| value.format == Format::I16) {
                Some(index) => Err(TraceError::Activation { index, got: integers[index] }),
                None => Ok(got / width.max(1)),
            }
        }
    }
}

/// Integers that a run writes.
fn size(program: &Program, schedule: &[usize], rows: Rows) -> u64 {
    let sizes = schedule.iter().map(|index| {
        let operator = &program.operators[*index];
        match operator.state() {
            State::Fills(cache) => {
                program.caches[cache.index()].position_bytes().saturating_mul(rows.tokens)
            }
            State::Attends { .. } | State::None | State::Start | State::Sums(_) => {
                operator.writes().map_or(0, |id| {
                    let value = program.values[id.index()];
                    rows.of(value.rows).saturating_mul(value.width.into())
                })
            }
        }
    });
    sizes.fold(0, u64::saturating_add)
}

const fn limit(what: &'static str, got: u64, min: u64, max: u64) -> Result<(), TraceError> {
    if got < min || got > max {
        return Err(TraceError::Limit { what, got, min, max });
    }
    Ok(())
}
