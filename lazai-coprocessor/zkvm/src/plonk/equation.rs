//! The equation of PLONK, as gnark's verifiers check it.
//!
//! # Source
//! Gabizon, Williamson and Ciobotaru, "PLONK", section 8, with gnark's commitments to groups of
//! wires, and the transcript of gnark's Solidity verifiers.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::{Field, One};

use super::{
    circuit_key::{COSET_SHIFT, PlonkKey},
    proof::Proof,
    transcript::{Transcript, hash_to_field},
};
use crate::ProofError;

impl PlonkKey {
    /// Checks that `proof` holds for these public inputs.
    pub(super) fn check_equation(&self, inputs: &[Fr], proof: &Proof) -> Result<(), ProofError> {
        // The key was read for this many; another count would leave an input unbound.
        if inputs.len() as u64 != self.inputs {
            return Err(ProofError::Equation);
        }
        let challenges = self.challenges(inputs, proof);
        let (linear, constant) =
            self.linearize(inputs, proof, &challenges).ok_or(ProofError::Equation)?;
        if self.opens(proof, &challenges, linear, constant) {
            Ok(())
        } else {
            Err(ProofError::Equation)
        }
    }

    fn challenges(&self, inputs: &[Fr], proof: &Proof) -> Challenges {
        let (hash, gamma) = Transcript::first("gamma")
            .points(&self.permutation)
            .points(&self.selectors)
            .points(&[self.commitment_selector])
            .numbers(inputs)
            .points(&proof.wires)
            .challenge();
        let (hash, beta) = Transcript::after(&hash, "beta").challenge();
        let (hash, alpha) = Transcript::after(&hash, "alpha")
            .points(&[proof.commitment, proof.product])
            .challenge();
        let (hash, zeta) = Transcript::after(&hash, "zeta").points(&proof.quotient).challenge();
        Challenges { gamma, beta, alpha, zeta, hash }
    }

    /// Returns the commitment to the linearized polynomial, and its value at zeta; `None` if zeta
    /// is the root of a row.
    fn linearize(
        &self,
        inputs: &[Fr],
        proof: &Proof,
        challenges: &Challenges,
    ) -> Option<(G1Affine, Fr)> {
        let Challenges { gamma, beta, alpha, zeta, .. } = *challenges;
        let [left, right, output, first, second] = proof.values;
        let power = zeta.pow([self.rows]);
        let vanishing = power - Fr::ONE;
        // The Lagrange polynomial of the row whose root is `root`, at zeta.
        let lagrange = |root: Fr| {
            (zeta - root).inverse().map(|inverse| vanishing * self.inverse * root * inverse)
        };
        let mut public = Fr::from(0_u8);
        let mut root = Fr::ONE;
        for input in inputs {
            public += lagrange(root)? * input;
            root *= self.root;
        }
        let root = self.root.pow([self.inputs + self.commitment_row]);
        public += lagrange(root)? * hash_to_field(&proof.commitment);

        let start = alpha * alpha * lagrange(Fr::ONE)?;
        let (wires, shifted) = (
            (left + beta * first + gamma) * (right + beta * second + gamma),
            alpha * proof.shifted_product,
        );
        let constant = start - public - wires * (output + gamma) * shifted;
        let shift = Fr::from(COSET_SHIFT);
        let identity = (left + beta * zeta + gamma)
            * (right + beta * shift * zeta + gamma)
            * (output + beta * shift * shift * zeta + gamma);
        // Each part of the quotient has two more coefficients than rows, since wires are blinded.
        let part = power * zeta * zeta;
        let [q_left, q_right, q_product, q_output, q_constant] = self.selectors;
        let [h0, h1, h2] = proof.quotient;
        let terms = [
            (proof.commitment, proof.commitment_selector),
            (q_left, left),
            (q_right, right),
            (q_product, left * right),
            (q_output, output),
            (q_constant, Fr::ONE),
            (self.permutation[2], wires * beta * shifted),
            (proof.product, start - alpha * identity),
            (h0, -vanishing),
            (h1, -vanishing * part),
            (h2, -vanishing * part * part),
        ];
        Some((combine(terms).into_affine(), constant))
    }

    /// Returns whether the commitments open to the claimed values at zeta, and the product to its
    /// own at the row after.
    fn opens(
        &self,
        proof: &Proof,
        challenges: &Challenges,
        linear: G1Affine,
        constant: Fr,
    ) -> bool {
        let [left, right, output] = proof.wires;
        let [first, second, _] = self.permutation;
        let points = [linear, left, right, output, first, second, self.commitment_selector];
        let [l, r, o, s1, s2] = proof.values;
        let values = [constant, l, r, o, s1, s2, proof.commitment_selector];
        let zeta = challenges.zeta;
        let (_, fold) = Transcript::first("gamma")
            .numbers(&[zeta])
            .points(&points)
            .numbers(&values)
            .numbers(&[proof.shifted_product])
            .challenge();
        let mut power = Fr::ONE;
        let powers = points.map(|_| {
            let current = power;
            power *= fold;
            current
        });
        let folded = combine(core::array::from_fn::<_, 7, _>(|i| (points[i], powers[i])));
        let folded = folded.into_affine();
        let value: Fr = values.iter().zip(&powers).map(|(value, power)| *value * power).sum();
        let (_, both) = Transcript::after(&challenges.hash, "u")
            .numbers(&[fold])
            .points(&[folded, proof.product, proof.opening, proof.shifted_opening])
            .challenge();
        // Infinity has no bytes of its own in the transcript. Only a made-up proof gets there.
        if linear.is_zero() || folded.is_zero() {
            return false;
        }
        let value = value + both * proof.shifted_product;
        let terms = [
            (proof.product, both),
            (self.base, -value),
            (proof.opening, zeta),
            (proof.shifted_opening, both * zeta * self.root),
        ];
        let sum = (combine(terms) + folded).into_affine();
        let quotient = (proof.shifted_opening * both + proof.opening).into_affine();
        let product = Bn254::multi_pairing([sum, -quotient], self.ceremony);
        product.0.is_one()
    }
}

/// The challenges of the transcript.
struct Challenges {
    gamma: Fr,
    beta: Fr,
    alpha: Fr,
    zeta: Fr,
    /// The hash from which zeta is reduced.
    hash: [u8; 32],
}

fn combine<const N: usize>(terms: [(G1Affine, Fr); N]) -> G1Projective {
    let (points, numbers) = (terms.map(|(point, _)| point), terms.map(|(_, number)| number));
    G1Projective::msm_unchecked(&points, &numbers)
}
