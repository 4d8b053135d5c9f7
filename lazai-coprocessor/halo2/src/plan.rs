//! Chooses the numbers of rows and columns.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::Fr;
use lazai_coprocessor::{model::Network, trace::Trace};

use crate::{
    Halo2Error, ProvedOutput,
    compile::{Compiled, compile},
    constraints::Constraints,
    layout::Layout,
    shape::{K_MAX, RESERVED, Shape},
    table::Table,
};

/// Compiled constraints in the layout of least cost.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) compiled: Compiled,
    pub(crate) layout: Layout,
    pub(crate) range_bits: u32,
}

impl Plan {
    /// Chooses the rows and the size of the range table for runs with the shape of `trace`.
    pub(crate) fn new(
        network: &Network,
        trace: &Trace,
        proved_output: ProvedOutput,
    ) -> Result<Self, Halo2Error> {
        let widest = Self::of(network, trace, proved_output, 16)?;
        if widest.compiled.tables.len() > 1 {
            // The other tables have as many rows as this range table.
            return Ok(widest);
        }
        // Without them, a smaller range is cheaper for a small network.
        [8, 10, 12].into_iter().try_fold(widest, |best, range_bits| {
            let plan = Self::of(network, trace, proved_output, range_bits)?;
            Ok(if plan.cost() < best.cost() { plan } else { best })
        })
    }

    /// Chooses the rows for a range table of `2^range_bits` integers.
    pub(crate) fn of(
        network: &Network,
        trace: &Trace,
        proved_output: ProvedOutput,
        range_bits: u32,
    ) -> Result<Self, Halo2Error> {
        let compiled = compile(network, trace, proved_output, Fr::zero(), range_bits)?;
        let layout = cheapest(&compiled.constraints, &compiled.tables)?;
        Ok(Self { compiled, layout, range_bits })
    }

    const fn cost(&self) -> usize {
        cost(self.layout.shape)
    }
}

/// Returns the layout of least cost.
pub(crate) fn cheapest(
    constraints: &Constraints,
    tables: &BTreeMap<Table, Vec<u32>>,
) -> Result<Layout, Halo2Error> {
    let rows: usize = tables.values().map(Vec::len).sum();
    let largest = tables.get(&Table::Range).map_or(rows, Vec::len);
    // Neither many more columns of tables than tables, nor many more rows than the largest table.
    let least = (largest + RESERVED).next_power_of_two().ilog2().saturating_sub(1);
    let mut best: Option<Layout> = None;
    let mut last = None;
    for k in least.max(super::shape::K_MIN)..=K_MAX.min(least + 6) {
        match Layout::new(constraints, tables, k) {
            Ok(layout) => {
                let better = best.as_ref().is_none_or(|best| cost(layout.shape) < cost(best.shape));
                if better {
                    best = Some(layout);
                }
            }
            Err(error) => last = Some(error),
        }
    }
    match (best, last) {
        (Some(layout), _) => Ok(layout),
        (None, Some(error)) => Err(error),
        (None, None) => Err(Halo2Error::Columns { what: "tables", k: least, got: rows, max: 0 }),
    }
}

/// Returns the cost of a proof in rows: each committed column costs a multi-exponentiation and
/// transforms of its rows to the prover, and a fixed amount to the verifier, which counts as
/// [`COLUMN_ROWS`] rows.
const fn cost(shape: Shape) -> usize {
    let Shape { k, gates, lookups, tables, linear_combinations, constants } = shape;
    let permuted = gates + lookups + linear_combinations + constants + 1;
    let products = permuted.div_ceil(super::shape::TERMS);
    let committed = gates + lookups + tables + linear_combinations + shape.sums() + products + 7;
    committed * ((1 << k) + COLUMN_ROWS)
}

/// Rows that a column is worth: the size of a proof, and its price on chain, grow with the columns.
const COLUMN_ROWS: usize = 1 << 14;
