//! PLONK proofs made with the secret of a ceremony, with the transcript written a second time from
//! gnark's Solidity verifiers.

use alloy_primitives::B256;
use ark_bn254::Fr;
use ark_ff::{BigInteger, FftField, Field, PrimeField};
use lazai_zkvm::ZkvmKey;
use sha2::{Digest, Sha256};

use crate::{
    fixtures::{Case, envelope},
    simulator::{compressed_g1, compressed_g2, g1, scalar, secret, values_input},
};

/// Returns a proof that a program of Ziren committed `values`.
pub(crate) fn ziren(values: &[u8]) -> Case {
    let program = B256::repeat_byte(0x11);
    let key = Key::new(2);
    let proof = key.proof(&[scalar(program), values_input(values)]);
    Case {
        values: values.to_vec(),
        proof: envelope(&[&key.prefix()[..], &proof].concat()),
        key: ZkvmKey::ziren(program, key.bytes()),
    }
}

/// A key whose every commitment is a known multiple of the generator. It is the key of no circuit:
/// who knows `tau` opens any commitment to any value.
struct Key {
    tau: Fr,
    root: Fr,
    inputs: usize,
    permutation: [Fr; 3],
    selectors: [Fr; 5],
    commitment_selector: Fr,
}

impl Key {
    fn new(inputs: usize) -> Self {
        Self {
            tau: secret(101),
            root: Fr::get_root_of_unity(ROWS).unwrap(),
            inputs,
            permutation: [102, 103, 104].map(secret),
            selectors: [105, 106, 107, 108, 109].map(secret),
            commitment_selector: secret(110),
        }
    }

    /// Returns the key as gnark writes it, without lines.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = ROWS.to_be_bytes().to_vec();
        bytes.extend(word(Fr::from(ROWS).inverse().unwrap()));
        bytes.extend(word(self.root));
        bytes.extend((self.inputs as u64).to_be_bytes());
        bytes.extend(word(Fr::from(SHIFT)));
        bytes
            .extend(self.permutation.iter().chain(&self.selectors).flat_map(|s| compressed_g1(*s)));
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend([self.commitment_selector, Fr::ONE].into_iter().flat_map(compressed_g1));
        bytes.extend([Fr::ONE, self.tau].into_iter().flat_map(compressed_g2));
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(COMMITMENT_ROW.to_be_bytes());
        bytes
    }

    /// Returns the first bytes of the hash of the key with its table of lines, which is empty.
    fn prefix(&self) -> Vec<u8> {
        let bytes = self.bytes();
        let (head, tail) = bytes.split_at(bytes.len() - 12);
        Sha256::digest([head, &[0; 33_792], tail].concat())[..4].to_vec()
    }

    /// Returns a proof for any inputs: what it commits to and the values are drawn, and `tau` opens
    /// the commitments.
    fn proof(&self, inputs: &[Fr]) -> Vec<u8> {
        assert_eq!(inputs.len(), self.inputs);
        let wires = [201, 202, 203].map(secret);
        let quotient = [204, 205, 206].map(secret);
        let [left, right, output, first, second] = [207, 208, 209, 210, 211].map(secret);
        let [product, shifted, selector, commitment] = [212, 213, 214, 215].map(secret);

        let committed = [&self.permutation[..], &self.selectors, &[self.commitment_selector]];
        let before = [points(&committed.concat()), words(inputs), points(&wires)].concat();
        let (hash, gamma) = challenge(b"gamma", &[], &before);
        let (hash, beta) = challenge(b"beta", &hash, &[]);
        let (hash, alpha) = challenge(b"alpha", &hash, &points(&[commitment, product]));
        let (_, zeta) = challenge(b"zeta", &hash, &points(&quotient));

        let power = zeta.pow([ROWS]);
        let lagrange = |row: u64| {
            let root = self.root.pow([row]);
            root * (power - Fr::ONE) / (Fr::from(ROWS) * (zeta - root))
        };
        let public: Fr = (0..).zip(inputs).map(|(row, input)| lagrange(row) * input).sum();
        let public =
            public + lagrange(self.inputs as u64 + COMMITMENT_ROW) * hash_to_field(&g1(commitment));
        let start = alpha.square() * lagrange(0);
        let permuted =
            alpha * shifted * (left + beta * first + gamma) * (right + beta * second + gamma);
        let shift = Fr::from(SHIFT);
        let identity = alpha
            * (left + beta * zeta + gamma)
            * (right + beta * shift * zeta + gamma)
            * (output + beta * shift.square() * zeta + gamma);
        let constant = start - public - permuted * (output + gamma);
        let part = zeta.pow([ROWS + 2]);
        let quotients = quotient[0] + part * (quotient[1] + part * quotient[2]);
        let [q_left, q_right, q_product, q_output, q_constant] = self.selectors;
        let linear = selector * commitment
            + q_left * left
            + q_right * right
            + q_product * left * right
            + q_output * output
            + q_constant
            + self.permutation[2] * permuted * beta
            + product * (start - identity)
            - (power - Fr::ONE) * quotients;

        let [s_first, s_second, _] = self.permutation;
        let opened = [linear, wires[0], wires[1], wires[2], s_first, s_second];
        let opened = [&opened[..], &[self.commitment_selector]].concat();
        let values = [constant, left, right, output, first, second, selector];
        let claims = [words(&[zeta]), points(&opened), words(&values), words(&[shifted])].concat();
        let (_, fold) = challenge(b"gamma", &[], &claims);
        let difference: Fr = (0_u64..)
            .zip(opened.iter().zip(values))
            .map(|(index, (opened, value))| fold.pow([index]) * (*opened - value))
            .sum();
        let opening = difference / (self.tau - zeta);
        let shifted_opening = (product - shifted) / (self.tau - zeta * self.root);

        [
            points(&[wires, quotient].concat()),
            words(&[left, right, output, first, second]),
            g1(product),
            word(shifted),
            points(&[opening, shifted_opening]),
            word(selector),
            g1(commitment),
        ]
        .concat()
    }
}

fn challenge(name: &[u8], previous: &[u8], bytes: &[u8]) -> ([u8; 32], Fr) {
    let hash: [u8; 32] = Sha256::digest([name, previous, bytes].concat()).into();
    (hash, Fr::from_be_bytes_mod_order(&hash))
}

/// Computes `hash_to_field` of RFC 9380 with SHA-256, for one element.
fn hash_to_field(message: &[u8]) -> Fr {
    let domain = b"BSB22-Plonk\x0b";
    let sha = |parts: &[&[u8]]| -> [u8; 32] { Sha256::digest(parts.concat()).into() };
    let seed = sha(&[&[0; 64], message, &[0, 48, 0], domain]);
    let first = sha(&[&seed, &[1], domain]);
    let mixed: Vec<u8> = seed.iter().zip(first).map(|(a, b)| a ^ b).collect();
    let second = sha(&[&mixed, &[2], domain]);
    Fr::from_be_bytes_mod_order(&[&first[..], &second[..16]].concat())
}

fn points(secrets: &[Fr]) -> Vec<u8> {
    secrets.iter().flat_map(|secret| g1(*secret)).collect()
}

fn words(numbers: &[Fr]) -> Vec<u8> {
    numbers.iter().flat_map(|number| word(*number)).collect()
}

fn word(number: Fr) -> Vec<u8> {
    number.into_bigint().to_bytes_be()
}

const ROWS: u64 = 64;
const COMMITMENT_ROW: u64 = 9;
/// gnark's generator of the multiplicative group, which shifts the cosets of the wires.
const SHIFT: u64 = 5;
