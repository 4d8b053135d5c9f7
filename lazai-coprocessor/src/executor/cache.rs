use core::slice;

use super::{error::ExecutionError, reserve::reserve};
use crate::{
    kernel::{Backend, HeadCache, Threads, compress},
    program::Cache,
};

/// Compressed keys and values of a sequence, head by head, reserved for all its positions.
#[derive(Debug)]
pub(super) struct KvCache {
    head_dim: usize,
    capacity: usize,
    keys: Side,
    values: Side,
}

#[derive(Debug)]
struct Side {
    /// `[heads, capacity, head_dim]`.
    elements: Vec<i8>,
    /// `[heads, capacity]`.
    exponents: Vec<u8>,
}

impl KvCache {
    pub(super) fn new(cache: &Cache, capacity: usize) -> Result<Self, ExecutionError> {
        let (heads, head_dim) = (cache.heads as usize, cache.head_dim as usize);
        let side = || {
            let elements = reserve(heads * capacity * head_dim)?;
            Ok::<_, ExecutionError>(Side { elements, exponents: reserve(heads * capacity)? })
        };
        Ok(Self { head_dim, capacity, keys: side()?, values: side()? })
    }

    /// Compresses rows of keys and values into the positions from `first` on.
    pub(super) fn append(
        &mut self,
        backend: Backend,
        threads: &Threads,
        first: usize,
        keys: &[i16],
        values: &[i16],
    ) {
        let (capacity, head_dim) = (self.capacity.max(1), self.head_dim);
        let single = Threads::single();
        let threads = if keys.len() < PARALLEL_ELEMENTS { &single } else { threads };
        let heads = self.keys.exponents.len() / capacity;
        let row = (heads * head_dim).max(1);
        let sides = [(&mut self.keys, keys), (&mut self.values, values)];
        let heads = sides.into_iter().flat_map(|(side, input)| {
            let elements = side.elements.chunks_exact_mut(capacity * head_dim);
            let parts = elements.zip(side.exponents.chunks_exact_mut(capacity));
            parts.enumerate().map(move |(head, part)| (head * head_dim, part, input))
        });
        threads.for_each(heads.collect(), |(start, (elements, exponents), input)| {
            let elements = elements[first * head_dim..].chunks_exact_mut(head_dim);
            let rows = input.chunks_exact(row).map(|row| &row[start..start + head_dim]);
            for ((input, elements), exponent) in rows.zip(elements).zip(&mut exponents[first..]) {
                compress(backend, input, head_dim, elements, slice::from_mut(exponent));
            }
        });
    }

    /// Returns the first `positions` positions of a head.
    pub(super) fn head(&self, head: usize, positions: usize) -> HeadCache<'_> {
        let start = head * self.capacity;
        let elements = start * self.head_dim..(start + positions) * self.head_dim;
        HeadCache {
            keys: &self.keys.elements[elements.clone()],
            key_exponents: &self.keys.exponents[start..start + positions],
            values: &self.values.elements[elements],
            value_exponents: &self.values.exponents[start..start + positions],
        }
    }
}

/// Fewer elements cost less than handing them to another thread.
const PARALLEL_ELEMENTS: usize = 1 << 13;
