//! The transcript: challenges by Keccak-256, as Solidity verifiers of `snark-verifier` compute
//! them.

use std::io::{self, Read, Write};

use alloy_primitives::keccak256;
use halo2_proofs::{
    halo2curves::{
        CurveAffine,
        bn256::{Fq, Fr, G1Affine},
        ff::{FromUniformBytes, PrimeField},
    },
    transcript::{
        EncodedChallenge, Transcript, TranscriptRead, TranscriptReadBuffer, TranscriptWrite,
        TranscriptWriterBuffer,
    },
};

/// The messages since the last challenge, and the proof that is read or written.
#[derive(Debug)]
pub(crate) struct Keccak<S> {
    stream: S,
    absorbed: Vec<u8>,
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
    fn absorb(&mut self, little_endian: &[u8]) {
        self.absorbed.extend(little_endian.iter().rev());
    }

    fn absorb_point(&mut self, point: G1Affine) -> io::Result<()> {
        let point = Option::<halo2_proofs::halo2curves::Coordinates<_>>::from(point.coordinates())
            .ok_or_else(|| invalid("a point at infinity"))?;
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

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
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

impl<R: Read> TranscriptReadBuffer<R, G1Affine, Challenge> for Keccak<R> {
    fn init(stream: R) -> Self {
        Self { stream, absorbed: Vec::new() }
    }
}

impl<W: Write> TranscriptWriterBuffer<W, G1Affine, Challenge> for Keccak<W> {
    fn init(stream: W) -> Self {
        Self { stream, absorbed: Vec::new() }
    }

    fn finalize(self) -> W {
        self.stream
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the proof holds {what}"))
}
