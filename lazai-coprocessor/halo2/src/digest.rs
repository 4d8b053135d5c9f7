//! The digest of the integers that a run read and wrote: the first public input.

use std::sync::OnceLock;

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use poseidon_primitives::poseidon::primitives::Spec;

use crate::fast_poseidon::FastPoseidon;

/// Poseidon over bn256's scalar field with width 3, S-box `x^5`, 8 full and 57 partial rounds: 128
/// bits of security.
///
/// # Source
/// Grassi et al. 2021, ePrint 2019/458; the constants are those of the Grain generator of its
/// reference implementation.
#[derive(Debug)]
pub(crate) struct Poseidon {
    pub(crate) round_constants: Vec<[Fr; WIDTH]>,
    pub(crate) mds: [[Fr; WIDTH]; WIDTH],
}

#[derive(Debug)]
struct Parameters;

impl Spec<Fr, WIDTH, RATE> for Parameters {
    fn full_rounds() -> usize {
        FULL_ROUNDS
    }

    fn partial_rounds() -> usize {
        PARTIAL_ROUNDS
    }

    fn sbox(value: Fr) -> Fr {
        value.square().square() * value
    }

    fn secure_mds() -> usize {
        0
    }
}

impl Poseidon {
    /// Returns the permutation, whose constants are computed once.
    pub(crate) fn get() -> &'static Self {
        static POSEIDON: OnceLock<Poseidon> = OnceLock::new();
        POSEIDON.get_or_init(|| {
            let (round_constants, mds, _) = Parameters::constants();
            Self { round_constants, mds }
        })
    }

    /// Returns `value^5`.
    pub(crate) fn sbox(value: Fr) -> Fr {
        Parameters::sbox(value)
    }

    /// Returns whether the S-box is applied to all elements in this round, and not to the first
    /// alone.
    #[cfg(any(test, feature = "prover"))]
    pub(crate) const fn is_full(round: usize) -> bool {
        round < FULL_ROUNDS / 2 || round >= FULL_ROUNDS / 2 + PARTIAL_ROUNDS
    }
}

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

/// Elements of the state, the first of which is the capacity.
pub(crate) const WIDTH: usize = 3;
/// Elements absorbed by a permutation.
pub(crate) const RATE: usize = 2;
pub(crate) const FULL_ROUNDS: usize = 8;
pub(crate) const PARTIAL_ROUNDS: usize = 57;
/// Bits that every element of the field has room for.
const ELEMENT_BITS: u32 = 253;
