use alloy_primitives::{B256, Keccak256, b256, hex};
use halo2_proofs::{
    SerdeFormat,
    halo2curves::{
        bn256::{Bn256, Fq, Fq2, G1Affine, G2, G2Affine},
        ff::PrimeField,
        group::{cofactor::CofactorGroup, prime::PrimeCurveAffine},
        serde::SerdeObject,
    },
    poly::kzg::commitment::ParamsKZG,
};

use super::SrsError;

/// The part of a structured reference string that a verifier needs: the secret times the generator
/// of G2.
#[derive(Clone, Debug)]
pub struct SrsVerifier {
    /// Parameters of one power, which is all that a pairing check uses.
    params: ParamsKZG<Bn256>,
    digest: B256,
}

impl SrsVerifier {
    /// Bytes of the canonical encoding.
    pub const BYTES: usize = 128;

    /// The [digest](Self::digest) of the Perpetual Powers of Tau as Hermez closed them:
    /// `powersOfTau28_hez_final*.ptau`, which snarkjs links.
    pub const PERPETUAL_POWERS_OF_TAU: B256 =
        b256!("9ba21dff73888ebe05d6267b2c5a83fcedc1b3b0a8c7dfbfe00570da2a66701a");

    /// The [digest](Self::digest) of the string whose secret is published.
    pub const DEVELOPMENT: B256 =
        b256!("46a1a5c2c9b9cd020e646e2fb8bbcd5be8ba0976dbc5f7f4808f8c10c0423a8f");

    /// Creates the verifier's part from the secret times the generator of G2.
    ///
    /// # Errors
    /// [`SrsError::Trivial`] for a secret that anybody can guess, and [`SrsError::Point`] for a
    /// point outside the group.
    pub fn new(s_g2: G2Affine) -> Result<Self, SrsError> {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        if bool::from(s_g2.is_identity()) || s_g2 == g2 || s_g2 == -g2 {
            return Err(SrsError::Trivial);
        }
        if !bool::from(G2::from(s_g2).is_torsion_free()) {
            return Err(SrsError::Point { what: "G2", index: 1 });
        }
        // The fields of `ParamsKZG` are private; this builds one without drawing a secret.
        let mut bytes = 0_u32.to_le_bytes().to_vec();
        bytes.extend([g1.to_raw_bytes(), g1.to_raw_bytes()].concat());
        bytes.extend([g2.to_raw_bytes(), s_g2.to_raw_bytes()].concat());
        let params = ParamsKZG::read_custom(&mut bytes.as_slice(), SerdeFormat::RawBytes)?;
        Ok(Self { params, digest: digest(&encode(s_g2)) })
    }

    /// Decodes the canonical encoding: the four coordinates in the order of the EVM's pairing
    /// precompile, big-endian.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), and [`SrsError::Point`] if a coordinate is not canonical or the
    /// point not on the curve.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, SrsError> {
        let invalid = SrsError::Point { what: "G2", index: 1 };
        let mut words = [Fq::zero(); 4];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(32)) {
            let mut little_endian = [0; 32];
            little_endian.copy_from_slice(bytes);
            little_endian.reverse();
            *word = Option::from(Fq::from_repr(little_endian)).ok_or(invalid.clone())?;
        }
        let [x1, x0, y1, y0] = words;
        let point = G2Affine { x: Fq2::new(x0, x1), y: Fq2::new(y0, y1) };
        // Reading the raw encoding checks that the point is on the curve.
        Self::new(G2Affine::from_raw_bytes(&point.to_raw_bytes()).ok_or(invalid)?)
    }

    /// Encodes the point, canonically.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        encode(self.s_g2())
    }

    /// Returns the secret times the generator of G2.
    #[must_use]
    pub fn s_g2(&self) -> G2Affine {
        self.params.s_g2()
    }

    /// Returns the digest that names the secret:
    /// `keccak256("lazvm/halo2-srs/1" ‖ kind ‖ to_bytes())`, where `kind` is the byte 1 for [the
    /// published secret](Self::is_development), else 0.
    #[must_use]
    pub const fn digest(&self) -> B256 {
        self.digest
    }

    /// Returns whether the secret is the published one, so that anybody can forge proofs.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.to_bytes() == DEVELOPMENT
    }

    /// Returns the name of the ceremony that made the string, if it is one that is known.
    ///
    /// A point tells nothing about who knows its secret, not even whether that is a root of unity;
    /// only a ceremony does.
    #[must_use]
    pub fn ceremony(&self) -> Option<&'static str> {
        (self.digest == Self::PERPETUAL_POWERS_OF_TAU)
            .then_some("the Perpetual Powers of Tau, closed by Hermez")
    }

    /// Returns parameters that check proofs of circuits of `2^k` rows; they cannot make any.
    #[must_use]
    pub fn params(&self, k: u32) -> ParamsKZG<Bn256> {
        let powers = vec![G1Affine::generator()];
        self.params.from_parts(
            k,
            powers.clone(),
            Some(powers),
            self.params.g2(),
            self.params.s_g2(),
        )
    }
}

fn encode(point: G2Affine) -> [u8; SrsVerifier::BYTES] {
    let mut bytes = [0; SrsVerifier::BYTES];
    let words = [point.x.c1, point.x.c0, point.y.c1, point.y.c0];
    for (bytes, word) in bytes.chunks_exact_mut(32).zip(words) {
        bytes.copy_from_slice(word.to_repr().as_ref());
        bytes.reverse();
    }
    bytes
}

fn digest(point: &[u8; SrsVerifier::BYTES]) -> B256 {
    let mut hash = Keccak256::new();
    hash.update(b"lazvm/halo2-srs/1");
    hash.update([u8::from(*point == DEVELOPMENT)]);
    hash.update(point);
    hash.finalize()
}

/// The development secret times the generator of G2.
const DEVELOPMENT: [u8; SrsVerifier::BYTES] = hex!(
    "16d5f409b5cefbf93a61b02d0403d173d0c012be8b286d4a056f638d479dffe1"
    "2fdc3e39101c84a1c2d2419daa7be82834a535d4080cbab49f49ffc6bee25898"
    "16a68dce1278c7ec6f6eb71b60fb580e822c3f8a8d25be8b7dbd1fd9f0d27cb5"
    "11318f261d644f804197708d4770695595b06df6f3d3dfe2ac7223cbafca8ae2"
);
