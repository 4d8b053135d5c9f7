//! The hash function of the digest: its definition and its constants.

use std::sync::OnceLock;

use halo2_proofs::halo2curves::bn256::Fr;
use poseidon_primitives::poseidon::primitives::Spec;

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

/// Elements of the state, the first of which is the capacity.
pub(crate) const WIDTH: usize = 3;
/// Elements absorbed by a permutation.
pub(crate) const RATE: usize = 2;
pub(crate) const FULL_ROUNDS: usize = 8;
pub(crate) const PARTIAL_ROUNDS: usize = 57;
