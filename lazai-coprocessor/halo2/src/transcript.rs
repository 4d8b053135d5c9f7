//! The transcript: challenges by Keccak-256, as Solidity verifiers of `snark-verifier` compute
//! them, over the name of the key.

use std::io::{self, Read, Write};

use alloy_primitives::keccak256;
use halo2_proofs::{
    halo2curves::{
        CurveAffine,
        bn256::{Fq, Fr, G1Affine},
        ff::{FromUniformBytes, PrimeField},
        group::prime::PrimeCurveAffine,
    },
    transcript::{EncodedChallenge, Transcript, TranscriptRead, TranscriptWrite},
};

/// The messages since the last challenge, and the proof that is read or written.
#[derive(Debug)]
pub(crate) struct Keccak<S> {
    stream: S,
    absorbed: Vec<u8>,
    /// The name of the key, until it is absorbed.
    key: Option<Fr>,
}

/// A hash modulo the order of the group.
#[derive(Debug)]
pub(crate) struct Challenge(Fr);

impl EncodedChallenge<G1Affine> for Challenge {
    type Input = [u8; 32];

    fn new(hash: &[u8; 32]) -> Self {
        let mut wide = [0; 64];
        for (byte, from) in wide.iter_mut().zip(hash.iter().rev()) {
            *byte = *from;
        }
        Self(Fr::from_uniform_bytes(&wide))
    }

    fn get_scalar(&self) -> Fr {
        self.0
    }
}

impl<'a> Keccak<&'a [u8]> {
    /// Returns the bytes that were not read.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.stream
    }
}

impl<S> Keccak<S> {
    /// Starts a transcript of a proof under the key with this name.
    pub(crate) const fn new(stream: S, key: Fr) -> Self {
        Self { stream, absorbed: Vec::new(), key: Some(key) }
    }

    fn absorb(&mut self, little_endian: &[u8]) {
        self.absorbed.extend(little_endian.iter().rev());
    }

    fn absorb_point(&mut self, point: G1Affine) -> io::Result<()> {
        // Its coordinates, two zeros, pass for those of a point, but not in the contract.
        if bool::from(point.is_identity()) {
            return Err(invalid("a point at infinity"));
        }
        let point = Option::<halo2_proofs::halo2curves::Coordinates<_>>::from(point.coordinates())
            .ok_or_else(|| invalid("a point without coordinates"))?;
        self.absorb(&point.x().to_repr());
        self.absorb(&point.y().to_repr());
        Ok(())
    }
}

impl<S> Transcript<G1Affine, Challenge> for Keccak<S> {
    fn squeeze_challenge(&mut self) -> Challenge {
        // A hash alone must differ from a message of one element.
        if self.absorbed.len() == 32 {
            self.absorbed.push(1);
        }
        let hash = keccak256(&self.absorbed).0;
        self.absorbed = hash.to_vec();
        Challenge::new(&hash)
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.absorb_point(point)
    }

    /// Absorbs a scalar; in place of the first, which is halo2's own name of the key, ours.
    ///
    /// halo2's is a hash of the text that the compiler derives for `Debug`, which is nothing to
    /// agree on.
    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        let scalar = self.key.take().unwrap_or(scalar);
        self.absorb(&scalar.to_repr());
        Ok(())
    }
}

impl<R: Read> TranscriptRead<G1Affine, Challenge> for Keccak<R> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        let x = Fq::from_repr(self.word()?);
        let y = Fq::from_repr(self.word()?);
        let coordinates = Option::from(x).zip(Option::from(y));
        let point = coordinates
            .and_then(|(x, y)| Option::from(G1Affine::from_xy(x, y)))
            .ok_or_else(|| invalid("a point that is not on the curve"))?;
        self.absorb_point(point)?;
        Ok(point)
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        let scalar = Option::<Fr>::from(Fr::from_repr(self.word()?))
            .ok_or_else(|| invalid("a scalar that is not below the order"))?;
        self.absorb(&scalar.to_repr());
        Ok(scalar)
    }
}

impl<R: Read> Keccak<R> {
    /// Reads a big-endian word of the proof, and returns it little-endian.
    fn word(&mut self) -> io::Result<[u8; 32]> {
        let mut word = [0; 32];
        self.stream.read_exact(&mut word)?;
        word.reverse();
        Ok(word)
    }
}

impl<W: Write> TranscriptWrite<G1Affine, Challenge> for Keccak<W> {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.absorb_point(point)?;
        let written = &self.absorbed[self.absorbed.len() - 64..];
        self.stream.write_all(written)
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.absorb(&scalar.to_repr());
        let written = &self.absorbed[self.absorbed.len() - 32..];
        self.stream.write_all(written)
    }
}

impl<W: Write> Keccak<W> {
    /// Returns what was written to.
    #[cfg(feature = "prover")]
    pub(crate) fn finish(self) -> W {
        self.stream
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the proof holds {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(value: Fq) -> [u8; 32] {
        let mut word = value.to_repr();
        word.reverse();
        word
    }

    #[test]
    fn infinity_and_points_off_the_curve_are_refused() {
        let (one, two) = (word(Fq::one()), word(Fq::from(2)));
        let read = |x: [u8; 32], y: [u8; 32]| {
            Keccak::new([x, y].concat().as_slice(), Fr::one()).read_point()
        };
        assert_eq!(read(one, two).unwrap(), G1Affine::generator());
        for (x, y) in [([0; 32], [0; 32]), (one, one), ([0; 32], one), ([0xff; 32], two)] {
            assert!(read(x, y).is_err(), "{x:?} {y:?}");
        }
        let mut transcript = Keccak::new(Vec::<u8>::new(), Fr::one());
        assert!(transcript.common_point(G1Affine::identity()).is_err());
        assert!(transcript.write_point(G1Affine::identity()).is_err());
    }

    #[test]
    fn the_first_scalar_is_the_name_of_the_key_whatever_halo2_calls_it() {
        let challenge = |key: u64, first: u64, second: u64| {
            let mut transcript = Keccak::new(Vec::<u8>::new(), Fr::from(key));
            transcript.common_scalar(Fr::from(first)).unwrap();
            transcript.common_scalar(Fr::from(second)).unwrap();
            transcript.squeeze_challenge().get_scalar()
        };
        assert_eq!(challenge(1, 2, 3), challenge(1, 4, 3));
        assert_ne!(challenge(1, 2, 3), challenge(2, 2, 3));
        assert_ne!(challenge(1, 2, 3), challenge(1, 2, 4));
    }
}
