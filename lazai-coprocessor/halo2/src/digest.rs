//! The digest of the integers that a run read and wrote: the first public input.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{fast_poseidon::FastPoseidon, poseidon::RATE};

/// How integers are packed into elements of the field: their count, and the bits of each, the sign
/// included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Packing {
    pub(crate) count: usize,
    pub(crate) bits: u32,
}

impl Packing {
    /// Returns the number of integers in an element of the field.
    pub(crate) const fn per_element(self) -> usize {
        (ELEMENT_BITS / self.bits) as usize
    }

    /// Returns what is added to an integer to make it unsigned.
    pub(crate) const fn offset(self) -> i128 {
        1 << (self.bits - 1)
    }
}

/// Returns the first element that is hashed: both packings, so that no two messages are packed to
/// the same elements.
pub(crate) fn header(input: Packing, output: Packing) -> Fr {
    let [a, b] =
        [input, output].map(|packing| (packing.count as u128) | u128::from(packing.bits) << 48);
    Fr::from_raw([a as u64, b as u64, 0, 0])
}

/// Computes the digest of the integers that a run read and those that it wrote.
pub(crate) fn digest(inputs: (Packing, &[i32]), outputs: (Packing, &[i32])) -> Fr {
    let mut elements = vec![header(inputs.0, outputs.0)];
    for (packing, values) in [inputs, outputs] {
        for values in values.chunks(packing.per_element()) {
            let element = values.iter().rev().fold(Fr::ZERO, |element, value| {
                let unsigned = (i128::from(*value) + packing.offset()) as u64;
                element * Fr::from(1_u64 << packing.bits) + Fr::from(unsigned)
            });
            elements.push(element);
        }
    }
    let mut state = [Fr::from(elements.len() as u64), Fr::ZERO, Fr::ZERO];
    for pair in elements.chunks(RATE) {
        for (x, element) in state[1..].iter_mut().zip(pair) {
            *x += element;
        }
        FastPoseidon::get().permute(&mut state);
    }
    state[1]
}

/// Bits that every element of the field has room for.
const ELEMENT_BITS: u32 = 253;
