use lazai_api_types::WorkOverflow;

use super::{Operator, Program, RowCount, Rows, Target, ValueId, signature::RowWork};

/// The operations of a target, as a polynomial in the tokens and the positions that they attend to.
///
/// Feeding `N` tokens to an empty sequence and asking for `O` rows of scores costs
/// `per_token * N + per_pair * P + per_output * O + once`, however the tokens are split into steps.
/// The pairs `P` are `N * (N + 1) / 2` if attention is causal, and `N * N` if it is bidirectional.
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
            Ok(rule)
        })
    }

    /// Computes the operations of feeding `tokens` tokens and asking for `outputs` rows of scores.
    ///
    /// # Errors
    /// [`WorkOverflow`] if they exceed 64 bits.
    pub fn flops(&self, tokens: u64, outputs: u64) -> Result<u64, WorkOverflow> {
        let tokens = u128::from(tokens);
        let pairs = if self.bidirectional { tokens * tokens } else { tokens * (tokens + 1) / 2 };
        let terms = [
            u128::from(self.per_token).checked_mul(tokens),
            u128::from(self.per_pair).checked_mul(pairs),
            u128::from(self.per_output).checked_mul(u128::from(outputs)),
            Some(u128::from(self.once)),
        ];
        let sum = terms.into_iter().try_fold(0_u128, |sum, term| sum.checked_add(term?));
        sum.and_then(|sum| u64::try_from(sum).ok()).ok_or(WorkOverflow)
    }
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
    let Operator::Attention { query, cache, .. } = operator else { return 0 };
    let head = u64::from(program.caches[cache.index()].head_dim).max(1);
    let heads = u64::from(program.values[query.index()].width) / head;
    heads * (4 * head + SOFTMAX_FLOPS)
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

fn product(inner: u64, outer: u64) -> Result<u64, WorkOverflow> {
    inner.checked_mul(outer).and_then(|flops| flops.checked_mul(2)).ok_or(WorkOverflow)
}

/// Operations of the softmax for each score: shift, maximum, exponential, sum.
const SOFTMAX_FLOPS: u64 = 4;
