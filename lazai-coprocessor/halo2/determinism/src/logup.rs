//! Reads back which values a lookup argument by sums of fractions admits.
//!
//! The argument of a circuit is recognized by the form of its polynomials, and what was recognized
//! is compared with the polynomials themselves at random points: a gate that only looks like one is
//! refused.

use std::{collections::BTreeMap, sync::OnceLock};

use halo2_proofs::{
    halo2curves::{
        bn256::Fr,
        ff::{Field, PrimeField},
    },
    plonk::{AdviceQuery, ConstraintSystem, Expression, FixedQuery, Selector},
};

use crate::{Domain, ReadError, recording::Recording};

/// A cell whose value is looked up, and the rows that the argument admits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookedUp {
    pub(crate) column: usize,
    pub(crate) row: usize,
    /// Index among the sets of admitted values.
    pub(crate) admitted: usize,
}

/// The values that a lookup admits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admitted {
    /// The small integers, ascending and without repetition.
    pub(crate) integers: Vec<i128>,
    /// The other elements.
    pub(crate) elements: Vec<Fr>,
    /// Whether the integers are all those between the first and the last.
    pub(crate) contiguous: bool,
    /// The integers by their residues of a divisor, the first that was asked for.
    residues: OnceLock<(i128, BTreeMap<i128, Vec<i128>>)>,
}

impl Admitted {
    fn new(values: impl IntoIterator<Item = Fr>) -> Self {
        let (mut integers, mut elements) = (Vec::new(), Vec::new());
        for value in values {
            match Domain::exact(value) {
                Domain::Interval(integer, _) => integers.push(integer),
                _ => elements.push(value),
            }
        }
        integers.sort_unstable();
        integers.dedup();
        let contiguous = match (integers.first(), integers.last()) {
            (Some(first), Some(last)) => last - first + 1 == integers.len() as i128,
            _ => false,
        };
        Self { integers, elements, contiguous, residues: OnceLock::new() }
    }

    /// Returns the integers with a residue, ascending, if they are known for this divisor.
    pub(crate) fn of_residue(&self, divisor: i128, residue: i128) -> Option<&[i128]> {
        let (known, residues) = self.residues.get_or_init(|| {
            let mut residues: BTreeMap<i128, Vec<i128>> = BTreeMap::new();
            for integer in &self.integers {
                residues.entry(integer.rem_euclid(divisor)).or_default().push(*integer);
            }
            (divisor, residues)
        });
        (*known == divisor).then(|| residues.get(&residue).map_or(&[][..], Vec::as_slice))
    }

    pub(crate) fn contains(&self, value: Fr) -> bool {
        match Domain::exact(value) {
            Domain::Interval(integer, _) => self.integers.binary_search(&integer).is_ok(),
            _ => self.elements.contains(&value),
        }
    }

    /// Returns a domain that holds all admitted values.
    pub(crate) fn domain(&self) -> Domain {
        match (self.integers.first(), self.integers.last()) {
            (Some(first), Some(last)) if self.elements.is_empty() => {
                Domain::Interval(*first, *last)
            }
            _ => Domain::Any,
        }
    }
}

/// The lookups of a circuit.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    pub(crate) lookups: Vec<LookedUp>,
    pub(crate) admitted: Vec<Admitted>,
    /// The polynomials that belong to the argument, by gate and place in it.
    pub(crate) polynomials: Vec<(usize, usize)>,
}

/// The step of one column of partial sums: `rows * ((next - now) * all - added)`.
struct Step<'a> {
    /// The column of partial sums.
    sum: usize,
    /// What says at which rows the step holds.
    rows: Vec<&'a Expression<Fr>>,
    /// The denominators.
    below: Vec<&'a Expression<Fr>>,
    place: (usize, usize),
}

impl Lookups {
    pub(crate) fn read(
        system: &ConstraintSystem<Fr>,
        recording: &Recording,
    ) -> Result<Self, ReadError> {
        let mut steps = Vec::new();
        for (gate, polynomials) in system.gates().iter().enumerate() {
            for (at, polynomial) in polynomials.polynomials().iter().enumerate() {
                if let Some(step) = Step::read(polynomial, (gate, at)) {
                    step.check_phases(polynomial, &system.advice_column_phase())?;
                    step.check(polynomial)?;
                    steps.push(step);
                }
            }
        }
        let Some(first) = steps.first() else { return Ok(Self::default()) };
        let end = first.end(recording)?;
        if steps.iter().any(|step| step.end(recording) != Ok(end)) {
            return Err(refused("columns of partial sums end at different rows"));
        }
        let mut read =
            Self { polynomials: steps.iter().map(|step| step.place).collect(), ..Self::default() };
        read.boundaries(system, recording, &steps, end)?;
        read.rows(recording, &steps, end)?;
        Ok(read)
    }

    /// Finds the polynomials that let every partial sum begin with 0, and all end with 0 together.
    fn boundaries(
        &mut self,
        system: &ConstraintSystem<Fr>,
        recording: &Recording,
        steps: &[Step<'_>],
        end: usize,
    ) -> Result<(), ReadError> {
        let mut begun = vec![false; steps.len()];
        let mut ended = false;
        for (gate, polynomials) in system.gates().iter().enumerate() {
            for (at, polynomial) in polynomials.polynomials().iter().enumerate() {
                if self.polynomials.contains(&(gate, at)) {
                    continue;
                }
                let (rows, others) = split(polynomial);
                let [core] = others[..] else { continue };
                if steps.iter().all(|step| !mentions(core, step.sum)) {
                    continue;
                }
                refuse_instance(polynomial)?;
                let sums: Vec<_> = steps.iter().map(|step| step.sum).collect();
                let alone = sums.iter().position(|sum| is_sum_of(core, &[*sum]));
                match alone {
                    Some(column) if active(&rows, recording, 0) => begun[column] = true,
                    _ if is_sum_of(core, &sums) && active(&rows, recording, end) => ended = true,
                    _ => return Err(refused("a partial sum is used outside of the argument")),
                }
                // With one column, the end is a sum of one, too.
                ended |= is_sum_of(core, &sums) && active(&rows, recording, end);
                self.polynomials.push((gate, at));
            }
        }
        if ended && begun.iter().all(|begun| *begun) {
            return Ok(());
        }
        Err(refused("partial sums do not begin and end with 0"))
    }

    /// Collects the rows of all tables, and for each value that is looked up the rows that it may
    /// be.
    ///
    /// A denominator is `beta - value - c0 - c1 gamma`, or `beta - r0 - r1 gamma` for a row of a
    /// table. As `gamma` and `beta` come after the values, and are the same challenges in all
    /// denominators, the sums are equal only if each value has a row with `value + c0 = r0` and
    /// `c1 = r1`.
    fn rows(
        &mut self,
        recording: &Recording,
        steps: &[Step<'_>],
        end: usize,
    ) -> Result<(), ReadError> {
        let mut tables: BTreeMap<[u8; 32], Vec<Fr>> = BTreeMap::new();
        let mut looked_up: Vec<(usize, usize, [Fr; 2])> = Vec::new();
        let (mut beta, mut gamma) = (None, None);
        for below in steps.iter().flat_map(|step| &step.below) {
            let affine = Affine::read(below)?;
            // Coefficients of `beta` and `gamma` are compared, so both must be the same everywhere.
            let differs = |role: &mut Option<usize>, challenge: Option<usize>| {
                challenge.is_some_and(|challenge| *role.get_or_insert(challenge) != challenge)
            };
            if differs(&mut beta, Some(affine.beta)) || differs(&mut gamma, affine.gamma) {
                return Err(refused("denominators whose challenges have different roles"));
            }
            for row in 0..end {
                let [c0, c1] = affine.offsets(below, recording, row);
                match affine.value {
                    Some(column) => looked_up.push((column, row, [c0, c1])),
                    None => tables.entry(c1.to_repr()).or_default().push(c0),
                }
            }
        }
        let mut known: BTreeMap<[[u8; 32]; 2], usize> = BTreeMap::new();
        for (column, row, [c0, c1]) in looked_up {
            let admitted = *known.entry([c0.to_repr(), c1.to_repr()]).or_insert_with(|| {
                let rows = tables.get(&c1.to_repr());
                let rows = rows.map_or(&[][..], Vec::as_slice);
                self.admitted.push(Admitted::new(rows.iter().map(|row| *row - c0)));
                self.admitted.len() - 1
            });
            self.lookups.push(LookedUp { column, row, admitted });
        }
        Ok(())
    }
}

impl<'a> Step<'a> {
    fn read(polynomial: &'a Expression<Fr>, place: (usize, usize)) -> Option<Self> {
        let (rows, others) = split(polynomial);
        let [Expression::Sum(product, added)] = others[..] else { return None };
        let (Expression::Product(difference, all), Expression::Negated(_)) = (&**product, &**added)
        else {
            return None;
        };
        let Expression::Sum(next, now) = &**difference else { return None };
        let Expression::Negated(now) = &**now else { return None };
        let (Expression::Advice(next), Expression::Advice(now)) = (&**next, &**now) else {
            return None;
        };
        let steps = next.column_index() == now.column_index()
            && now.phase() > 0
            && (next.rotation().0, now.rotation().0) == (1, 0);
        let mut below = Vec::new();
        factors(all, &mut below);
        below.retain(|factor| !matches!(factor, Expression::Constant(one) if *one == Fr::ONE));
        steps.then_some(Self { sum: now.column_index(), rows, below, place })
    }

    /// Checks that the sums depend on nothing but fixed columns, challenges and columns that are
    /// committed before any challenge is drawn: a count that is chosen after them makes every sum
    /// end with 0, and so does a public input that is taken for another.
    fn check_phases(&self, polynomial: &Expression<Fr>, phases: &[u8]) -> Result<(), ReadError> {
        refuse_instance(polynomial)?;
        let mut all = Vec::new();
        advice(polynomial, &mut all);
        if all.iter().any(|(column, _)| *column != self.sum && phases[*column] > 0) {
            return Err(refused("a value or a count of a later phase"));
        }
        let mut values = Vec::new();
        self.below.iter().for_each(|below| advice(below, &mut values));
        if values.iter().any(|(column, _)| *column == self.sum) {
            return Err(refused("a denominator of partial sums"));
        }
        Ok(())
    }

    /// Compares the polynomial with the sum of fractions that its denominators belong to, at random
    /// points: with 1 above a value that is looked up, and minus a column above a row of a table.
    fn check(&self, polynomial: &Expression<Fr>) -> Result<(), ReadError> {
        let (_, others) = split(polynomial);
        let [Expression::Sum(_, added)] = others[..] else { return Err(refused("no sum")) };
        let mut counts = Vec::new();
        advice(added, &mut counts);
        let mut values = Vec::new();
        self.below.iter().for_each(|below| advice(below, &mut values));
        counts.retain(|count| !values.contains(count));
        for seed in 1..=3 {
            let point = Point { seed };
            let below: Vec<Fr> = self.below.iter().map(|below| point.evaluate(below)).collect();
            let mut counts = counts.iter();
            let mut sum = Fr::ZERO;
            for (at, factor) in self.below.iter().enumerate() {
                let others = below.iter().enumerate().filter(|(other, _)| *other != at);
                let others: Fr = others.map(|(_, below)| *below).product();
                let mut own = Vec::new();
                advice(factor, &mut own);
                let above = if own.is_empty() {
                    let Some(count) = counts.next() else { return Err(refused("no count")) };
                    -point.at(1, count.0, count.1)
                } else {
                    Fr::ONE
                };
                sum += above * others;
            }
            let all: Fr = below.iter().product();
            let difference = point.at(1, self.sum, 1) - point.at(1, self.sum, 0);
            let rows: Fr = self.rows.iter().map(|factor| point.evaluate(factor)).product();
            if point.evaluate(polynomial) != rows * (difference * all - sum) {
                return Err(refused("a sum of fractions is not what its denominators say"));
            }
        }
        Ok(())
    }

    /// Returns the number of rows at which the step holds, which are the first.
    fn end(&self, recording: &Recording) -> Result<usize, ReadError> {
        let holds = |row: &usize| active(&self.rows, recording, *row);
        let end = (0..recording.rows).find(|row| !holds(row)).unwrap_or(recording.rows);
        if (end..recording.rows).any(|row| holds(&row)) {
            return Err(refused("a sum of fractions pauses"));
        }
        Ok(end)
    }
}

/// A denominator `beta - value - c0 - c1 gamma`.
struct Affine {
    value: Option<usize>,
    beta: usize,
    gamma: Option<usize>,
}

impl Affine {
    fn read(below: &Expression<Fr>) -> Result<Self, ReadError> {
        let (mut values, mut challenges) = (Vec::new(), Vec::new());
        advice(below, &mut values);
        challenges_of(below, &mut challenges);
        let value = match values[..] {
            [] => None,
            [(column, 0)] => Some(column),
            _ => return Err(refused("a denominator of several values")),
        };
        // The challenge that stands alone is the one whose growth by 1 is that of the denominator.
        let point = Point { seed: 9 };
        let raised = |index: usize, by: Fr| {
            evaluate(
                below,
                &|selector| point.at(3, selector.index(), 0),
                &|query| point.at(0, query.column_index(), query.rotation().0),
                &|query| point.at(1, query.column_index(), query.rotation().0),
                &|challenge| {
                    let value = point.at(2, challenge, 0);
                    if challenge == index { value + by } else { value }
                },
            )
        };
        let grows = |index: usize| raised(index, Fr::ONE) - raised(index, Fr::ZERO);
        let Some(beta) = challenges.iter().copied().find(|index| grows(*index) == Fr::ONE) else {
            return Err(refused("a denominator without a challenge of its own"));
        };
        if challenges.len() > 2 {
            return Err(refused("a denominator of more than two challenges"));
        }
        let gamma = challenges.into_iter().find(|index| *index != beta);
        let affine = Self { value, beta, gamma };
        // Linear in all that the prover and the verifier choose, with the value once.
        let [c0, c1] = affine.parts(below, |column, rotation| point.at(0, column, rotation));
        let looked_up = value.map_or(Fr::ZERO, |column| point.at(1, column, 0));
        let gamma = gamma.map_or(Fr::ZERO, |index| point.at(2, index, 0));
        let expected = point.at(2, beta, 0) - looked_up - c0 - c1 * gamma;
        if expected != point.evaluate(below) {
            return Err(refused("a denominator that is not linear"));
        }
        Ok(affine)
    }

    /// Returns `c0` and `c1` at a row.
    fn offsets(&self, below: &Expression<Fr>, recording: &Recording, row: usize) -> [Fr; 2] {
        self.parts(below, |column, rotation| fixed_at(recording, column, rotation, row))
    }

    fn parts(&self, below: &Expression<Fr>, fixed: impl Fn(usize, i32) -> Fr) -> [Fr; 2] {
        let with = |gamma: Fr| {
            -evaluate(
                below,
                &|_| Fr::ZERO,
                &|query| fixed(query.column_index(), query.rotation().0),
                &|_| Fr::ZERO,
                &|challenge| if challenge == self.beta { Fr::ZERO } else { gamma },
            )
        };
        let c0 = with(Fr::ZERO);
        [c0, with(Fr::ONE) - c0]
    }
}

/// Values of all columns and challenges that look random, to compare polynomials.
#[derive(Clone, Copy)]
struct Point {
    seed: u64,
}

impl Point {
    fn at(self, kind: u64, index: usize, rotation: i32) -> Fr {
        let word = self.seed << 48 ^ kind << 40 ^ (index as u64) << 8 ^ (rotation as u64 & 0xff);
        let mixed = Fr::from(word.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (mixed + Fr::from(word)).pow_vartime([0xffff_fffb])
    }

    fn evaluate(self, expression: &Expression<Fr>) -> Fr {
        evaluate(
            expression,
            &|selector| self.at(3, selector.index(), 0),
            &|query| self.at(0, query.column_index(), query.rotation().0),
            &|query| self.at(1, query.column_index(), query.rotation().0),
            &|challenge| self.at(2, challenge, 0),
        )
    }
}

fn evaluate(
    expression: &Expression<Fr>,
    selector: &impl Fn(Selector) -> Fr,
    fixed: &impl Fn(FixedQuery) -> Fr,
    advice: &impl Fn(AdviceQuery) -> Fr,
    challenge: &impl Fn(usize) -> Fr,
) -> Fr {
    expression.evaluate(
        &|constant| constant,
        selector,
        fixed,
        advice,
        &|_| Fr::ZERO,
        &|value| challenge(value.index()),
        &|value: Fr| -value,
        &|a, b| a + b,
        &|a, b| a * b,
        &|a, by| a * by,
    )
}

/// Splits a product into what the key alone decides, and the rest.
pub(crate) fn split(polynomial: &Expression<Fr>) -> (Vec<&Expression<Fr>>, Vec<&Expression<Fr>>) {
    let mut all = Vec::new();
    factors(polynomial, &mut all);
    all.into_iter().partition(|factor| is_fixed(factor))
}

/// Returns whether no factor is 0 at the row.
pub(crate) fn active(factors: &[&Expression<Fr>], recording: &Recording, row: usize) -> bool {
    factors.iter().all(|factor| {
        let value = evaluate(
            factor,
            &|selector| Fr::from(u64::from(recording.selectors[selector.index()][row])),
            &|query| fixed_at(recording, query.column_index(), query.rotation().0, row),
            &|_| Fr::ZERO,
            &|_| Fr::ZERO,
        );
        value != Fr::ZERO
    })
}

/// Returns the row that a rotation of `row` is.
pub(crate) const fn rotated(rows: usize, row: usize, rotation: i32) -> usize {
    (row as i64 + rotation as i64).rem_euclid(rows as i64) as usize
}

fn fixed_at(recording: &Recording, column: usize, rotation: i32, row: usize) -> Fr {
    recording.fixed[column][rotated(recording.rows, row, rotation)]
}

fn factors<'a>(expression: &'a Expression<Fr>, all: &mut Vec<&'a Expression<Fr>>) {
    match expression {
        Expression::Product(a, b) => {
            factors(a, all);
            factors(b, all);
        }
        other => all.push(other),
    }
}

fn is_fixed(expression: &Expression<Fr>) -> bool {
    expression.evaluate(
        &|_| true,
        &|_| true,
        &|_| true,
        &|_| false,
        &|_| false,
        &|_| false,
        &|a| a,
        &|a, b| a && b,
        &|a, b| a && b,
        &|a, _| a,
    )
}

fn queries<T>(
    expression: &Expression<Fr>,
    advice: &impl Fn(AdviceQuery) -> Vec<T>,
    challenge: &impl Fn(usize) -> Vec<T>,
) -> Vec<T> {
    let both = |mut a: Vec<T>, mut b: Vec<T>| {
        a.append(&mut b);
        a
    };
    expression.evaluate(
        &|_| Vec::new(),
        &|_| Vec::new(),
        &|_| Vec::new(),
        advice,
        &|_| Vec::new(),
        &|value| challenge(value.index()),
        &|a| a,
        &both,
        &both,
        &|a, _| a,
    )
}

/// Adds the columns and rotations of the witness that an expression reads, in order of appearance.
pub(crate) fn advice(expression: &Expression<Fr>, all: &mut Vec<(usize, i32)>) {
    let one = |query: AdviceQuery| vec![(query.column_index(), query.rotation().0)];
    for query in queries(expression, &one, &|_| Vec::new()) {
        if !all.contains(&query) {
            all.push(query);
        }
    }
}

fn challenges_of(expression: &Expression<Fr>, all: &mut Vec<usize>) {
    for index in queries(expression, &|_| Vec::new(), &|index| vec![index]) {
        if !all.contains(&index) {
            all.push(index);
        }
    }
}

/// Refuses a polynomial of a lookup argument that reads a public input.
fn refuse_instance(expression: &Expression<Fr>) -> Result<(), ReadError> {
    let reads = expression.evaluate(
        &|_| false,
        &|_| false,
        &|_| false,
        &|_| false,
        &|_| true,
        &|_| false,
        &|a| a,
        &|a, b| a || b,
        &|a, b| a || b,
        &|a, _| a,
    );
    if reads { Err(refused("a public input in the argument")) } else { Ok(()) }
}

fn mentions(expression: &Expression<Fr>, column: usize) -> bool {
    let mut all = Vec::new();
    advice(expression, &mut all);
    all.iter().any(|(other, _)| *other == column)
}

fn is_sum_of(expression: &Expression<Fr>, columns: &[usize]) -> bool {
    let mut all = Vec::new();
    advice(expression, &mut all);
    let point = Point { seed: 5 };
    all.len() == columns.len()
        && columns.iter().map(|column| point.at(1, *column, 0)).sum::<Fr>()
            == point.evaluate(expression)
}

const fn refused(what: &'static str) -> ReadError {
    ReadError::Lookups { what }
}
