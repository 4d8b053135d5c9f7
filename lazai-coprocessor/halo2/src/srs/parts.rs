use halo2_proofs::halo2curves::bn256::{G1Affine, G2Affine};

/// The points of a reference string, as a file holds them.
#[derive(Debug)]
pub(super) struct SrsParts {
    /// The powers of the secret times the generator of G1.
    pub(super) g: Vec<G1Affine>,
    /// The Lagrange basis, if the file holds it.
    pub(super) lagrange: Option<Vec<G1Affine>>,
    /// The secret times the generator of G2.
    pub(super) s_g2: G2Affine,
}
