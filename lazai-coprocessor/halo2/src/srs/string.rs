use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

use alloy_primitives::B256;
use halo2_proofs::{
    arithmetic::g_to_lagrange,
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine, G2Affine},
        ff::PrimeField,
        group::prime::PrimeCurveAffine,
    },
    poly::{commitment::Params, kzg::commitment::ParamsKZG},
};

use super::{SrsError, SrsVerifier, check::check, development, params, ptau, source::Source};

/// A structured reference string: powers of a secret `tau` times the generator of G1, and `tau` times that of G2.
///
/// Who knows `tau` can prove anything. Ceremonies draw it so that it is known to nobody if a single contributor was
/// honest; their files are what [`open`](Self::open) reads and checks.
#[derive(Clone, Debug)]
pub struct Srs {
    params: ParamsKZG<Bn256>,
    verifier: SrsVerifier,
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) g: Vec<G1Affine>,
    pub(super) lagrange: Option<Vec<G1Affine>>,
    pub(super) s_g2: G2Affine,
}

impl Srs {
    /// Reads the first `2^k` powers of a ceremony's file, `.ptau` of snarkjs or `.srs` of halo2, which are told apart by their
    /// contents, and checks them.
    ///
    /// Cost: quick if the file has the Lagrange basis of `2^k` points, that is if it is a `.ptau` prepared for the second phase
    /// or an `.srs` of exactly `2^k`; else the basis is computed, which takes minutes from `k = 16` on. See
    /// [`cached`](Self::cached).
    ///
    /// # Errors
    /// [`SrsError`] says what is wrong with the file. The published secret of
    /// [`development_with_known_secret`](Self::development_with_known_secret) is refused here.
    pub fn open(path: impl AsRef<Path>, k: u32) -> Result<Self, SrsError> {
        Self::read(BufReader::with_capacity(1 << 20, File::open(path)?), k)
    }

    /// What [`open`](Self::open) does, of anything that has a length.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn read(reader: impl Read + Seek, k: u32) -> Result<Self, SrsError> {
        if !(1..=Fr::S).contains(&k) {
            return Err(SrsError::Power { got: k, max: Fr::S });
        }
        let mut source = Source::new(reader)?;
        let parts = if source.array()? == ptau::MAGIC {
            ptau::read(&mut source, k)?
        } else {
            params::read(&mut source, k)?
        };
        let srs = Self::new(k, parts)?;
        if srs.verifier.is_development() {
            return Err(SrsError::DevelopmentSecret);
        }
        Ok(srs)
    }

    /// Powers of a published secret, so that **anybody can forge proofs**: for tests and demonstrations alone.
    ///
    /// Always the same for the same `k`, and its [`digest`](Self::digest) differs from that of every ceremony.
    ///
    /// # Errors
    /// [`SrsError::Power`] if `k` is not from 1 to 28.
    pub fn development_with_known_secret(k: u32) -> Result<Self, SrsError> {
        if !(1..=Fr::S).contains(&k) {
            return Err(SrsError::Power { got: k, max: Fr::S });
        }
        Self::new(k, development::parts(k))
    }

    fn new(k: u32, Parts { g, lagrange, s_g2 }: Parts) -> Result<Self, SrsError> {
        let verifier = SrsVerifier::new(s_g2)?;
        let lagrange = lagrange.unwrap_or_else(|| {
            g_to_lagrange(g.iter().map(PrimeCurveAffine::to_curve).collect(), k)
        });
        check(k, &g, &lagrange, s_g2)?;
        let params =
            verifier.params(k).from_parts(k, g, Some(lagrange), G2Affine::generator(), s_g2);
        Ok(Self { params, verifier })
    }

    /// Logarithm of the powers.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.params.k()
    }

    /// What names the secret; see [`SrsVerifier::digest`].
    #[must_use]
    pub const fn digest(&self) -> B256 {
        self.verifier.digest()
    }

    /// The part that checking proofs takes.
    #[must_use]
    pub const fn verifier(&self) -> &SrsVerifier {
        &self.verifier
    }

    /// The parameters that make proofs.
    #[must_use]
    pub const fn params(&self) -> &ParamsKZG<Bn256> {
        &self.params
    }
}
