use alloc::vec::Vec;

use commonware_consensus::simplex::{
    mocks::scheme as mock,
    scheme::{Scheme, bls12381_multisig, ed25519},
};
use commonware_cryptography::{
    bls12381::primitives::variant::MinSig,
    certificate::{Verifier, mocks::Fixture},
    ed25519::PublicKey,
    sha256::Digest,
};
use rand::{SeedableRng as _, rngs::StdRng};

/// A signature scheme that can be simulated.
pub(super) trait Signing: Scheme<Digest> + Verifier<PublicKey = PublicKey> {
    /// Generates the keys of `nodes` nodes.
    fn keys(seed: u64, nodes: u16) -> Fixture<Self>;

    /// Returns the signers that the certificate names; empty if it names none.
    fn signers(certificate: &Self::Certificate) -> Vec<u16>;
}

impl Signing for mock::Scheme<PublicKey> {
    fn keys(seed: u64, nodes: u16) -> Fixture<Self> {
        mock::fixture(&mut StdRng::seed_from_u64(seed), NAMESPACE, u32::from(nodes))
    }

    fn signers(_certificate: &Self::Certificate) -> Vec<u16> {
        Vec::new()
    }
}

impl Signing for ed25519::Scheme {
    fn keys(seed: u64, nodes: u16) -> Fixture<Self> {
        ed25519::fixture(&mut StdRng::seed_from_u64(seed), NAMESPACE, u32::from(nodes))
    }

    fn signers(certificate: &Self::Certificate) -> Vec<u16> {
        certificate.signers.iter().map(|seat| seat_of(seat.get())).collect()
    }
}

impl Signing for bls12381_multisig::Scheme<PublicKey, MinSig> {
    fn keys(seed: u64, nodes: u16) -> Fixture<Self> {
        bls12381_multisig::fixture::<MinSig, _>(
            &mut StdRng::seed_from_u64(seed),
            NAMESPACE,
            u32::from(nodes),
        )
    }

    fn signers(certificate: &Self::Certificate) -> Vec<u16> {
        certificate.signers.iter().map(|seat| seat_of(seat.get())).collect()
    }
}

/// Converts a seat index, which is below the number of nodes, a `u16`.
pub(super) fn seat_of(index: u32) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

const NAMESPACE: &[u8] = b"lazvm/simulation/1";
