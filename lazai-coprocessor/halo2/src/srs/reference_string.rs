use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

use alloy_primitives::B256;
use halo2_proofs::{
    arithmetic::g_to_lagrange,
    halo2curves::{
        bn256::{Bn256, Fr, G2Affine},
        ff::PrimeField,
        group::prime::PrimeCurveAffine,
    },
    poly::{commitment::Params, kzg::commitment::ParamsKZG},
};

use super::{
    SrsError, SrsVerifier, check::check, development, halo2_file, parts::SrsParts,
    points_file::PointsFile, ptau_file,
};

/// A structured reference string: powers of a secret `tau` times the generator of G1, and `tau`
/// times that of G2.
///
/// Whoever knows `tau` can prove anything. In a ceremony nobody knows it if a single contributor
/// was honest; [`open`](Self::open) reads and checks the files of ceremonies.
#[derive(Clone, Debug)]
pub struct Srs {
    params: ParamsKZG<Bn256>,
    verifier: SrsVerifier,
}

impl Srs {
    /// Reads the first `2^k` powers of a ceremony's file, `.ptau` of snarkjs or `.srs` of halo2,
    /// told apart by their contents, and checks them.
    ///
    /// Cost: quick if the file has the Lagrange basis of `2^k` points, that is if it is a `.ptau`
    /// prepared for the second phase or an `.srs` of exactly `2^k` powers. Otherwise the basis is
    /// computed, which takes minutes from `k = 16` on; see [`cached`](Self::cached).
    ///
    /// # Errors
    /// [`SrsError`] says what is wrong with the file. The published secret of
    /// [`development_with_known_secret`](Self::development_with_known_secret) is refused.
    pub fn open(path: impl AsRef<Path>, k: u32) -> Result<Self, SrsError> {
        Self::read(BufReader::with_capacity(1 << 20, File::open(path)?), k)
    }

    /// Does what [`open`](Self::open) does, from any seekable reader.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn read(reader: impl Read + Seek, k: u32) -> Result<Self, SrsError> {
        if !(1..=Fr::S).contains(&k) {
            return Err(SrsError::Power { got: k, max: Fr::S });
        }
        let mut file = PointsFile::new(reader)?;
        let parts = if file.array()? == ptau_file::MAGIC {
            ptau_file::read(&mut file, k)?
        } else {
            halo2_file::read(&mut file, k)?
        };
        let srs = Self::new(k, parts)?;
        if srs.verifier.is_development() {
            return Err(SrsError::DevelopmentSecret);
        }
        Ok(srs)
    }

    /// Computes powers of a published secret, so that **anybody can forge proofs**: for tests and
    /// demonstrations only.
    ///
    /// Equal `k` give equal strings, and the [`digest`](Self::digest) differs from that of every
    /// ceremony.
    ///
    /// # Errors
    /// [`SrsError::Power`] if `k` is not from 1 to 28.
    pub fn development_with_known_secret(k: u32) -> Result<Self, SrsError> {
        if !(1..=Fr::S).contains(&k) {
            return Err(SrsError::Power { got: k, max: Fr::S });
        }
        Self::new(k, development::parts(k))
    }

    fn new(k: u32, SrsParts { g, lagrange, s_g2 }: SrsParts) -> Result<Self, SrsError> {
        let verifier = SrsVerifier::new(s_g2)?;
        let lagrange = lagrange.unwrap_or_else(|| {
            g_to_lagrange(g.iter().map(PrimeCurveAffine::to_curve).collect(), k)
        });
        check(k, &g, &lagrange, s_g2)?;
        let params =
            verifier.params(k).from_parts(k, g, Some(lagrange), G2Affine::generator(), s_g2);
        Ok(Self { params, verifier })
    }

    /// Returns the binary logarithm of the powers.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.params.k()
    }

    /// Returns the digest that names the secret; see [`SrsVerifier::digest`].
    #[must_use]
    pub const fn digest(&self) -> B256 {
        self.verifier.digest()
    }

    /// Returns the part that verifiers need.
    #[must_use]
    pub const fn verifier(&self) -> &SrsVerifier {
        &self.verifier
    }

    /// Returns halo2's parameters for the prover.
    #[must_use]
    pub const fn params(&self) -> &ParamsKZG<Bn256> {
        &self.params
    }
}
