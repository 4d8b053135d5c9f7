//! The permutation of Poseidon with fewer multiplications; its results are the same.

use std::sync::OnceLock;

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::poseidon::{FULL_ROUNDS, PARTIAL_ROUNDS, Poseidon, WIDTH};

/// The permutation with sparse matrices in its partial rounds: 604 multiplications, not 828.
///
/// Between partial rounds, the state is `D` times the state here, where `D` is the identity on the
/// first element, so that the S-box is the same on both: a round by `M` is `S` and then
/// `M D = D' E`, where `E` is sparse. What the constants add to the other elements is moved through
/// `M` to the next round.
///
/// # Source
/// Grassi et al. 2021, ePrint 2019/458, appendix B.
#[derive(Debug)]
pub(crate) struct FastPoseidon {
    mds: Matrix,
    /// The constants of the full rounds.
    first: [[Fr; WIDTH]; HALF],
    last: [[Fr; WIDTH]; HALF],
    partial: Vec<PartialRound>,
    /// `D` after the last partial round.
    basis: Matrix,
}

#[derive(Debug)]
struct PartialRound {
    /// What is added to the first element before the S-box.
    constant: Fr,
    /// The first row of `E`.
    row: [Fr; WIDTH],
    /// The first column of `E` below the first row; the rest of `E` is the identity.
    column: [Fr; WIDTH - 1],
}

impl FastPoseidon {
    /// Returns the permutation, whose constants are computed once.
    pub(crate) fn get() -> &'static Self {
        static POSEIDON: OnceLock<FastPoseidon> = OnceLock::new();
        POSEIDON.get_or_init(|| Self::new(Poseidon::get()))
    }

    fn new(Poseidon { round_constants, mds }: &Poseidon) -> Self {
        let mut constants = round_constants.iter().copied();
        let mut next = || constants.next().unwrap_or([Fr::ZERO; WIDTH]);
        let first = [(); HALF].map(|()| next());
        let mut basis = IDENTITY;
        let mut moved = [Fr::ZERO; WIDTH];
        let partial = (0..PARTIAL_ROUNDS)
            .map(|_| {
                let [constant, rest @ ..] = add(next(), moved);
                moved = times(mds, [Fr::ZERO, rest[0], rest[1]]);
                let product = product(mds, &basis);
                let [row, [b, c, d], [e, f, g]] = product;
                basis = [IDENTITY[0], [Fr::ZERO, c, d], [Fr::ZERO, f, g]];
                // The inverse of `[[c, d], [f, g]]` times `[b, e]`.
                let scale = (c * g - d * f).invert().unwrap_or(Fr::ZERO);
                let column = [(g * b - d * e) * scale, (c * e - f * b) * scale];
                PartialRound { constant, row, column }
            })
            .collect();
        let mut last = [(); HALF].map(|()| next());
        last[0] = add(last[0], moved);
        Self { mds: *mds, first, last, partial, basis }
    }

    pub(crate) fn permute(&self, state: &mut [Fr; WIDTH]) {
        let mut s = *state;
        for constants in &self.first {
            s = self.full(s, constants);
        }
        for PartialRound { constant, row, column } in &self.partial {
            let [x, y, z] = s;
            let x = Poseidon::sbox(x + constant);
            let first = row[0] * x + row[1] * y + row[2] * z;
            s = [first, column[0] * x + y, column[1] * x + z];
        }
        let [x, y, z] = s;
        let [_, [_, c, d], [_, f, g]] = self.basis;
        s = [x, c * y + d * z, f * y + g * z];
        for constants in &self.last {
            s = self.full(s, constants);
        }
        *state = s;
    }

    fn full(&self, state: [Fr; WIDTH], constants: &[Fr; WIDTH]) -> [Fr; WIDTH] {
        times(&self.mds, add(state, *constants).map(Poseidon::sbox))
    }
}

type Matrix = [[Fr; WIDTH]; WIDTH];

fn add(a: [Fr; WIDTH], b: [Fr; WIDTH]) -> [Fr; WIDTH] {
    core::array::from_fn(|index| a[index] + b[index])
}

fn times(matrix: &Matrix, vector: [Fr; WIDTH]) -> [Fr; WIDTH] {
    let [x, y, z] = vector;
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

fn product(left: &Matrix, right: &Matrix) -> Matrix {
    left.map(|row| {
        core::array::from_fn(|column| {
            row.iter().zip(right).map(|(factor, row)| *factor * row[column]).sum()
        })
    })
}

/// Full rounds before the partial ones, and as many after them.
const HALF: usize = FULL_ROUNDS / 2;
const IDENTITY: Matrix =
    [[Fr::ONE, Fr::ZERO, Fr::ZERO], [Fr::ZERO, Fr::ONE, Fr::ZERO], [Fr::ZERO, Fr::ZERO, Fr::ONE]];

#[cfg(test)]
mod tests {
    use halo2_proofs::halo2curves::ff::{FromUniformBytes, PrimeField};
    use proptest::prelude::*;

    use super::*;

    /// The permutation by its definition.
    fn permute(state: &mut [Fr; WIDTH]) {
        let poseidon = Poseidon::get();
        for (round, constants) in poseidon.round_constants.iter().enumerate() {
            *state = add(*state, *constants);
            for (index, x) in state.iter_mut().enumerate() {
                if index == 0 || Poseidon::is_full(round) {
                    *x = Poseidon::sbox(*x);
                }
            }
            *state = times(&poseidon.mds, *state);
        }
    }

    fn same(state: [Fr; WIDTH]) {
        let (mut slow, mut fast) = (state, state);
        permute(&mut slow);
        FastPoseidon::get().permute(&mut fast);
        assert_eq!(fast, slow);
    }

    #[test]
    fn extreme_states_are_permuted_by_the_definition() {
        let values = [Fr::ZERO, Fr::ONE, -Fr::ONE];
        for x in values {
            for y in values {
                for z in values {
                    same([x, y, z]);
                }
            }
        }
    }

    /// `poseidon([1, 2])` of circomlib, which many others compute.
    #[test]
    fn the_permutation_is_that_of_circomlib() {
        let mut state = [Fr::ZERO, Fr::ONE, Fr::from(2)];
        FastPoseidon::get().permute(&mut state);
        let expected =
            "7853200120776062878684798364095072458815029376092732009249414926327459813530";
        assert_eq!(Some(state[0]), Fr::from_str_vartime(expected));
    }

    proptest! {
        #[test]
        fn states_are_permuted_by_the_definition(
            bytes in proptest::array::uniform3(any::<[[u8; 32]; 2]>()),
        ) {
            same(bytes.map(|halves| {
                let mut wide = [0; 64];
                wide.copy_from_slice(halves.as_flattened());
                Fr::from_uniform_bytes(&wide)
            }));
        }
    }

    /// Prints the time of a permutation, of which the price is made.
    #[test]
    #[ignore = "measures"]
    fn time_of_a_permutation_slow() {
        let busy = || -> u64 {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            text.split(' ').next().unwrap().parse().unwrap()
        };
        let time = |permute: &dyn Fn(&mut [Fr; WIDTH])| {
            let mut state = [Fr::ONE; WIDTH];
            let rounds = (0..20).map(|_| {
                let start = busy();
                (0..5_000).for_each(|_| permute(&mut state));
                busy() - start
            });
            let least = rounds.min().unwrap() as f64 / 5e6;
            (least, state[0])
        };
        println!("by the definition: {:?} us", time(&permute));
        println!(
            "with sparse matrices: {:?} us",
            time(&|state| FastPoseidon::get().permute(state))
        );
    }
}
