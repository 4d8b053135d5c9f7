use lazai_api_types::WorkOverflow;

use super::{Operator, Program, RowCount, Rows, Target, ValueId, signature::RowWork};
use crate::kernel::WeightMatrix;

/// The operations of a target, as a polynomial in the tokens and the positions that they attend to.
///
/// Feeding `N` tokens to an empty sequence and asking for `O` rows of scores computes
/// `per_token * N + per_pair * P + per_output * O + once`, however the tokens are split into steps.
/// The pairs `P` are `N * (N + 1) / 2` if attention is causal, and `N * N` if it is bidirectional.
///
/// Besides, there is time without arithmetic: each step reads every weight from memory and starts
/// every operator, even for a single token: [`time_flops`](Self::time_flops).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WorkRule {
    /// Operations for each token.
    pub per_token: u64,
    /// Operations for each pair of a token and a position that it attends to, its own included.
    pub per_pair: u64,
    /// Operations for each row of scores.
    pub per_output: u64,
    /// Operations for the sequence as a whole.
    pub once: u64,
    /// Operations that the time of a step is worth, whatever its tokens: reading the weights and
    /// starting the operators.
    pub time_per_step: u64,
    /// The same of the operators that only run in a step whose result is wanted.
    pub time_per_ending_step: u64,
    /// Operations that the time of a token is worth: each operator begins a row for it.
    pub time_per_token: u64,
    /// Operations that the time of a pair is worth.
    pub time_per_pair: u64,
    /// Whether a token attends to those after it too.
    pub bidirectional: bool,
}

impl WorkRule {
    /// Sums the work rules of the operators that `target` needs.
    ///
    /// # Errors
    /// [`WorkOverflow`] if a coefficient exceeds 64 bits.
    pub fn new(program: &Program, target: Target) -> Result<Self, WorkOverflow> {
        let rule = Self { bidirectional: program.is_bidirectional(), ..Self::default() };
        program.schedule(target).into_iter().try_fold(rule, |mut rule, index| {
            let operator = &program.operators[index];
            let (rows, flops) = operator_work(program, operator)?;
            let coefficient = match rows {
                RowCount::One => &mut rule.once,
                RowCount::Outputs => &mut rule.per_output,
                RowCount::Tokens => &mut rule.per_token,
            };
            *coefficient = coefficient.checked_add(flops).ok_or(WorkOverflow)?;
            let pair = pair_flops(program, operator);
            rule.per_pair = rule.per_pair.checked_add(pair).ok_or(WorkOverflow)?;
            let (step, row) = match rows {
                RowCount::Tokens => (&mut rule.time_per_step, &mut rule.time_per_token),
                RowCount::One | RowCount::Outputs => (&mut rule.time_per_ending_step, &mut 0),
            };
            *step = step.checked_add(start_flops(program, operator)?).ok_or(WorkOverflow)?;
            *row = row.checked_add(FLOPS_PER_ROW).ok_or(WorkOverflow)?;
            let scores = heads(program, operator) * FLOPS_PER_SCORE;
            rule.time_per_pair = rule.time_per_pair.checked_add(scores).ok_or(WorkOverflow)?;
            Ok(rule)
        })
    }

    /// Computes the operations of feeding `tokens` tokens and asking for `outputs` rows of scores.
    ///
    /// # Errors
    /// [`WorkOverflow`] if they exceed 64 bits.
    pub fn flops(&self, tokens: u64, outputs: u64) -> Result<u64, WorkOverflow> {
        sum([
            (self.per_token, tokens.into()),
            (self.per_pair, self.pairs(tokens)),
            (self.per_output, outputs.into()),
            (self.once, 1),
        ])
    }

    /// Computes the operations that the time of feeding `tokens` tokens in `steps` steps is worth
    /// beyond their [`flops`](Self::flops), if `ending` of the steps compute a result.
    ///
    /// # Errors
    /// [`WorkOverflow`] if they exceed 64 bits.
    pub fn time_flops(&self, tokens: u64, steps: u64, ending: u64) -> Result<u64, WorkOverflow> {
        sum([
            (self.time_per_token, tokens.into()),
            (self.time_per_pair, self.pairs(tokens)),
            (self.time_per_step, steps.into()),
            (self.time_per_ending_step, ending.into()),
        ])
    }

    /// Pairs of a token and a position that it attends to.
    fn pairs(&self, tokens: u64) -> u128 {
        let tokens = u128::from(tokens);
        if self.bidirectional { tokens * tokens } else { tokens * (tokens + 1) / 2 }
    }
}

/// Sums products of a rate and a count.
fn sum(terms: [(u64, u128); 4]) -> Result<u64, WorkOverflow> {
    let sum = terms.into_iter().try_fold(0_u128, |sum, (rate, count)| {
        sum.checked_add(u128::from(rate).checked_mul(count)?)
    });
    sum.and_then(|sum| u64::try_from(sum).ok()).ok_or(WorkOverflow)
}

/// Computes the operations of one operator in a step of `rows` rows that attend to `pairs`
/// positions in sum.
pub(crate) fn step_flops(
    program: &Program,
    operator: &Operator,
    rows: Rows,
    pairs: u64,
) -> Result<u64, WorkOverflow> {
    let (row_count, flops) = operator_work(program, operator)?;
    let flops = flops.checked_mul(rows.of(row_count)).ok_or(WorkOverflow)?;
    let pairs = pair_flops(program, operator).checked_mul(pairs).ok_or(WorkOverflow)?;
    flops.checked_add(pairs).ok_or(WorkOverflow)
}

/// The operations for each pair of a token and a position that it attends to.
fn pair_flops(program: &Program, operator: &Operator) -> u64 {
    let Operator::Attention { cache, .. } = operator else { return 0 };
    let head = u64::from(program.caches[cache.index()].head_dim).max(1);
    heads(program, operator) * (4 * head + SOFTMAX_FLOPS)
}

/// The scores of an operator for each pair of a token and a position that it attends to.
fn heads(program: &Program, operator: &Operator) -> u64 {
    let Operator::Attention { query, cache, .. } = operator else { return 0 };
    let head = u64::from(program.caches[cache.index()].head_dim).max(1);
    u64::from(program.values[query.index()].width) / head
}

/// Returns the operations of one row, and which rows they are counted by; pairs of attention are
/// counted apart.
fn operator_work(program: &Program, operator: &Operator) -> Result<(RowCount, u64), WorkOverflow> {
    let width = |id: ValueId| u64::from(program.values[id.index()].width);
    let rows = |id: ValueId| program.values[id.index()].rows;
    Ok(match operator.signature().work {
        RowWork::Elements(operations, value) => (rows(value), operations * width(value)),
        RowWork::Free => (RowCount::One, 0),
        RowWork::Pair(operations, first, second) => {
            (rows(first), operations * (width(first) + width(second)))
        }
        RowWork::Product { input, output } => (rows(output), product(width(input), width(output))?),
        RowWork::ProductAdd { input, residual } => {
            let flops = product(width(input), width(residual))?;
            (rows(residual), flops.checked_add(width(residual)).ok_or(WorkOverflow)?)
        }
    })
}

/// The operations that reading the weights of an operator and starting it are worth.
fn start_flops(program: &Program, operator: &Operator) -> Result<u64, WorkOverflow> {
    let width = |id: ValueId| u64::from(program.values[id.index()].width);
    let (inner, outer) = match operator.signature().work {
        RowWork::Product { input, output } => (width(input), width(output)),
        RowWork::ProductAdd { input, residual } => (width(input), width(residual)),
        RowWork::Elements(..) | RowWork::Free | RowWork::Pair(..) => (0, 0),
    };
    // A row of weights, its exponents included.
    let row_bytes = inner + WeightMatrix::exponent_bytes(inner as usize) as u64;
    let row = row_bytes.checked_mul(FLOPS_PER_WEIGHT_BYTE).ok_or(WorkOverflow)?;
    let row = row.checked_add(FLOPS_PER_WEIGHT_ROW).ok_or(WorkOverflow)?;
    let rows = row.checked_mul(outer).ok_or(WorkOverflow)?;
    rows.checked_add(FLOPS_PER_START).ok_or(WorkOverflow)
}

fn product(inner: u64, outer: u64) -> Result<u64, WorkOverflow> {
    inner.checked_mul(outer).and_then(|flops| flops.checked_mul(2)).ok_or(WorkOverflow)
}

// What time is worth at 100,000 operations a microsecond of one core (docs/gas.md), as `cargo bench
// -p lazvm --bench price` measures it.

/// Of reading a byte of weights, beside the two operations of its product: 15 to 32 GB/s.
const FLOPS_PER_WEIGHT_BYTE: u64 = 4;

/// Of beginning and ending a row of a matrix in a step: 18 nanoseconds with rows of 16 bytes.
const FLOPS_PER_WEIGHT_ROW: u64 = 2_000;

/// Of starting an operator in a step: 0.34 microseconds.
const FLOPS_PER_START: u64 = 50_000;

/// Of beginning a row of a token in an operator: 46 nanoseconds.
const FLOPS_PER_ROW: u64 = 5_000;

/// Of a score of attention, beside its operations: with heads of 16 a score takes 1.3 nanoseconds
/// with AVX-512, and 4.7 with AVX2.
const FLOPS_PER_SCORE: u64 = 400;

/// Operations of the softmax for each score: shift, maximum, exponential, sum.
const SOFTMAX_FLOPS: u64 = 4;
