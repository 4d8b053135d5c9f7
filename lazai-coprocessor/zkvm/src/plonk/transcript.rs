use ark_bn254::{Fq, Fr, G1Affine};
use ark_ff::{BigInt, BigInteger, PrimeField};
use sha2::{Digest, Sha256};

/// One challenge of gnark's transcript: SHA-256 of its name, of the challenge before it, and of
/// what it depends on.
#[derive(Clone)]
pub(super) struct Transcript {
    hasher: Sha256,
}

impl Transcript {
    /// Starts the first challenge of a transcript.
    pub(super) fn first(name: &str) -> Self {
        Self { hasher: Sha256::new_with_prefix(name) }
    }

    /// Starts a later challenge; `previous` is the hash itself, and not the number that it reduces
    /// to.
    pub(super) fn after(previous: &[u8; 32], name: &str) -> Self {
        let mut transcript = Self::first(name);
        transcript.hasher.update(previous);
        transcript
    }

    pub(super) fn points(mut self, points: &[G1Affine]) -> Self {
        for point in points {
            self.hasher.update(point_bytes(point));
        }
        self
    }

    pub(super) fn numbers(mut self, numbers: &[Fr]) -> Self {
        for number in numbers {
            self.hasher.update(number_bytes(*number));
        }
        self
    }

    /// Returns the hash, and the number that it is modulo the order.
    pub(super) fn challenge(self) -> ([u8; 32], Fr) {
        let hash: [u8; 32] = self.hasher.finalize().into();
        (hash, Fr::from_be_bytes_mod_order(&hash))
    }
}

/// Returns the number that stands in the circuit for a commitment: `expand_message_xmd` of RFC 9380
/// with SHA-256, 48 bytes modulo the order.
pub(super) fn hash_to_field(commitment: &G1Affine) -> Fr {
    let domain: &[u8] = b"BSB22-Plonk";
    let domain_bytes = [11_u8];
    let seed = Sha256::new()
        .chain_update([0; 64])
        .chain_update(point_bytes(commitment))
        .chain_update([0, OUTPUT_BYTES, 0])
        .chain_update(domain)
        .chain_update(domain_bytes)
        .finalize();
    let block = |mask: &[u8], index: u8| {
        let mixed: Vec<u8> = seed.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        Sha256::new()
            .chain_update(mixed)
            .chain_update([index])
            .chain_update(domain)
            .chain_update(domain_bytes)
            .finalize()
    };
    let first = block(&[0; 32], 1);
    let second = block(&first, 2);
    let bytes: Vec<u8> = first.iter().chain(&second).copied().take(OUTPUT_BYTES.into()).collect();
    Fr::from_be_bytes_mod_order(&bytes)
}

fn point_bytes(point: &G1Affine) -> [u8; 64] {
    let mut bytes = [0; 64];
    let (x, y) = bytes.split_at_mut(32);
    x.copy_from_slice(&number_bytes::<Fq>(point.x));
    y.copy_from_slice(&number_bytes::<Fq>(point.y));
    bytes
}

fn number_bytes<F: PrimeField<BigInt = BigInt<4>>>(number: F) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&number.into_bigint().to_bytes_be());
    bytes
}

const OUTPUT_BYTES: u8 = 48;
