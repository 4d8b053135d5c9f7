use alloy_primitives::B256;
use ark_bn254::Fr;
use lazai_api_types::codec::Reader;
use sha2::{Digest, Sha256};

use crate::{KeyError, ProofError, ZkVm, ZkvmKey, points::number, risc_zero};

impl ZkVm {
    /// Returns the number of public inputs of the circuit.
    pub(crate) const fn input_count(&self) -> usize {
        match self {
            Self::Ziren => 2,
            Self::RiscZero { .. } | Self::Sp1 { .. } => 5,
        }
    }

    /// Returns the size of the header between the prefix of a proof and the proof of the circuit.
    pub(crate) const fn header_bytes(&self) -> usize {
        match self {
            Self::RiscZero { .. } | Self::Ziren => 0,
            Self::Sp1 { .. } => 96,
        }
    }
}

impl ZkvmKey {
    /// Checks that what the key names fits the circuit's field.
    pub(crate) fn check_parameters(&self) -> Result<(), KeyError> {
        match self.zkvm() {
            ZkVm::Ziren => self.program_input().map(drop),
            ZkVm::Sp1 { vk_root } => {
                scalar(vk_root, "the root of verifying keys")?;
                self.program_input().map(drop)
            }
            // The image id is hashed, so any will do.
            ZkVm::RiscZero { control_id, .. } => control_input(control_id).map(drop),
        }
    }

    /// Returns the public inputs of the circuit for a run of the program that committed `values`,
    /// given the header of the proof.
    pub(crate) fn inputs(&self, header: &[u8], values: &[u8]) -> Result<Vec<Fr>, ProofError> {
        match self.zkvm() {
            ZkVm::Ziren => Ok(vec![self.program_input()?, values_input(values)?]),
            ZkVm::Sp1 { vk_root } => {
                let mut header = Reader::new(header);
                let mut word = || header.hash().unwrap_or_default();
                let (exit_code, root, nonce) = (word(), word(), word());
                if !exit_code.is_zero() {
                    return Err(ProofError::ExitCode);
                }
                if root != *vk_root {
                    return Err(ProofError::Root);
                }
                let nonce = number(&nonce).ok_or(ProofError::Scalar { part: "the nonce" })?;
                let root = scalar(vk_root, "the root of verifying keys")?;
                Ok(vec![self.program_input()?, values_input(values)?, Fr::from(0_u8), root, nonce])
            }
            ZkVm::RiscZero { control_root, control_id } => {
                let [root_low, root_high] = halves(control_root);
                let [claim_low, claim_high] = halves(&risc_zero::claim(self.program(), values));
                Ok(vec![root_low, root_high, claim_low, claim_high, control_input(control_id)?])
            }
        }
    }

    fn program_input(&self) -> Result<Fr, KeyError> {
        scalar(&self.program(), "the hash of the program")
    }
}

/// Returns SHA-256 of the public values without its three highest bits, which the field cannot
/// hold.
fn values_input(values: &[u8]) -> Result<Fr, ProofError> {
    let mut digest = B256::from_slice(&Sha256::digest(values));
    digest[0] &= 0x1f;
    number(&digest).ok_or(ProofError::Scalar { part: "the hash of the public values" })
}

fn control_input(control_id: &B256) -> Result<Fr, KeyError> {
    let mut bytes = *control_id;
    bytes.reverse();
    scalar(&bytes, "the control id")
}

/// Returns the two halves of a digest, each read as a little-endian number.
fn halves(digest: &B256) -> [Fr; 2] {
    let [low, high] = *digest.as_chunks::<16>().0 else { return [Fr::from(0_u8); 2] };
    [low, high].map(|half| Fr::from(u128::from_le_bytes(half)))
}

fn scalar(bytes: &B256, part: &'static str) -> Result<Fr, KeyError> {
    number(bytes).ok_or(KeyError::Scalar { part })
}
