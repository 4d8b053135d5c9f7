use super::{ExecutionError, reserve};
use crate::{
    kernel::{Backend, HeadCache, compress},
    program::Cache,
};

/// Compressed keys and values of a sequence, head by head, reserved for all its positions.
#[derive(Debug)]
pub(super) struct KvCache {
    head_width: usize,
    capacity: usize,
    keys: Side,
    values: Side,
}

#[derive(Debug)]
struct Side {
    /// `[heads, capacity, head_width]`.
    elements: Vec<i8>,
    /// `[heads, capacity]`.
    exponents: Vec<u8>,
}

impl KvCache {
    pub(super) fn new(cache: &Cache, capacity: usize) -> Result<Self, ExecutionError> {
        let (heads, head_width) = (cache.heads as usize, cache.head_width as usize);
        let side = || {
            let elements = reserve(heads * capacity * head_width)?;
            Ok::<_, ExecutionError>(Side { elements, exponents: reserve(heads * capacity)? })
        };
        Ok(Self { head_width, capacity, keys: side()?, values: side()? })
    }

    /// Compresses rows of keys and values into the positions from `first` on.
    pub(super) fn append(&mut self, backend: Backend, first: usize, keys: &[i16], values: &[i16]) {
        let (capacity, head_width) = (self.capacity, self.head_width);
        for (side, input) in [(&mut self.keys, keys), (&mut self.values, values)] {
            let heads = side.exponents.len() / capacity.max(1);
            for (row, input) in input.chunks_exact((heads * head_width).max(1)).enumerate() {
                for (head, input) in input.chunks_exact(head_width).enumerate() {
                    let position = head * capacity + first + row;
                    compress(
                        backend,
                        input,
                        head_width,
                        &mut side.elements[position * head_width..][..head_width],
                        &mut side.exponents[position..=position],
                    );
                }
            }
        }
    }

    /// The first `positions` positions of a head.
    pub(super) fn head(&self, head: usize, positions: usize) -> HeadCache<'_> {
        let start = head * self.capacity;
        let elements = start * self.head_width..(start + positions) * self.head_width;
        HeadCache {
            keys: &self.keys.elements[elements.clone()],
            key_exponents: &self.keys.exponents[start..start + positions],
            values: &self.values.elements[elements],
            value_exponents: &self.values.exponents[start..start + positions],
        }
    }
}
