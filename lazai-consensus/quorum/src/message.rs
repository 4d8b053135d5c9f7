use alloc::vec::Vec;

use alloy_primitives::{Address, B256};
use lazai_api_types::codec::{DecodeError, Reader};
use lazai_consensus::{
    Attestation, Epoch, MAX_ATTESTATION_BYTES, QuorumCertificate, QuorumId, Vote,
};

/// A message between two members of a quorum.
///
/// # Encoding
/// Version 2 ‖ quorum ‖ kind u8 ‖ the fields in their order, integers big-endian; the last field
/// takes the rest of the bytes, so no length is ever claimed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message {
    /// The answer of a member to an audit; it proves itself, so anyone may hand it on.
    Answer {
        /// The epoch of the audit.
        epoch: Epoch,
        /// The member that answers.
        member: Address,
        /// An encoded [`AuditAnswer`](lazai_availability::AuditAnswer).
        answer: Vec<u8>,
    },
    /// The request to judge an attestation, and to vote for it if it is true.
    Ask {
        /// The attestation.
        attestation: Attestation,
        /// What is needed to judge it; see [`Request`](super::Request).
        material: Vec<u8>,
    },
    /// A certificate; it proves itself, so anyone may hand it on.
    Certified {
        /// The attestation that is certified.
        attestation: Attestation,
        /// The certificate of the attestation.
        certificate: QuorumCertificate,
    },
    /// The manifest of a dataset; it proves itself.
    Manifest {
        /// The root of the dataset.
        root: B256,
        /// An encoded [`Manifest`](lazai_availability::Manifest).
        manifest: Vec<u8>,
    },
    /// Another member's vote that contradicts a certificate which its voter signed, too.
    Relay(Vote),
    /// A shard of a dataset.
    Shard {
        /// The root of the dataset.
        root: B256,
        /// An encoded [`Shard`](lazai_availability::Shard).
        shard: Vec<u8>,
    },
    /// The vote of the sender.
    Vote(Vote),
    /// The request for a shard.
    Want {
        /// The root of the dataset.
        root: B256,
        /// The number of the stripe.
        stripe: u32,
        /// The place in the stripe.
        index: u16,
    },
    /// The request for a member's answer to an audit.
    WantAnswer {
        /// The epoch of the audit.
        epoch: Epoch,
        /// The member whose answer is asked for.
        member: Address,
    },
    /// The request for a manifest.
    WantManifest {
        /// The root of the dataset.
        root: B256,
    },
}

impl Message {
    /// Returns the canonical bytes, for the members of `quorum`.
    #[must_use]
    pub fn encode(&self, quorum: QuorumId) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES.saturating_add(self.body_bytes()));
        bytes.push(VERSION);
        bytes.extend_from_slice(quorum.0.as_slice());
        let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| bytes.extend_from_slice(part));
        match self {
            Self::Answer { epoch, member, answer } => {
                put(&[&[ANSWER], &epoch.0.to_be_bytes(), member.as_slice(), answer]);
            }
            Self::Ask { attestation, material } => put(&[&[ASK], &attestation.encode(), material]),
            Self::Certified { attestation, certificate } => {
                put(&[&[CERTIFIED], &attestation.encode(), &certificate.encode()]);
            }
            Self::Manifest { root, manifest } => put(&[&[MANIFEST], root.as_slice(), manifest]),
            Self::Relay(vote) => put(&[&[RELAY], &vote.encode()]),
            Self::Shard { root, shard } => put(&[&[SHARD], root.as_slice(), shard]),
            Self::Vote(vote) => put(&[&[VOTE], &vote.encode()]),
            Self::Want { root, stripe, index } => {
                put(&[&[WANT], root.as_slice(), &stripe.to_be_bytes(), &index.to_be_bytes()]);
            }
            Self::WantAnswer { epoch, member } => {
                put(&[&[WANT_ANSWER], &epoch.0.to_be_bytes(), member.as_slice()]);
            }
            Self::WantManifest { root } => put(&[&[WANT_MANIFEST], root.as_slice()]),
        }
        bytes
    }

    /// Decodes what [`encode`](Self::encode) wrote for the members of `quorum`. The caller bounds
    /// the length before.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical or are another quorum's.
    pub fn decode(bytes: &[u8], quorum: QuorumId) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        if reader.hash()? != quorum.0 {
            return Err(DecodeError::Field { field: "quorum of a message", got: 0 });
        }
        let kind = reader.u8()?;
        let message = match kind {
            ANSWER => Self::Answer {
                epoch: Epoch(reader.u64()?),
                member: reader.address()?,
                answer: rest(&mut reader)?,
            },
            ASK => Self::Ask {
                attestation: Attestation::read(&mut reader)?,
                material: rest(&mut reader)?,
            },
            CERTIFIED => Self::Certified {
                attestation: Attestation::read(&mut reader)?,
                certificate: QuorumCertificate::decode(remaining(&mut reader)?)?,
            },
            MANIFEST => Self::Manifest { root: reader.hash()?, manifest: rest(&mut reader)? },
            RELAY => Self::Relay(Vote::decode(remaining(&mut reader)?)?),
            SHARD => Self::Shard { root: reader.hash()?, shard: rest(&mut reader)? },
            VOTE => Self::Vote(Vote::decode(remaining(&mut reader)?)?),
            WANT => {
                Self::Want { root: reader.hash()?, stripe: reader.u32()?, index: reader.u16()? }
            }
            WANT_ANSWER => {
                Self::WantAnswer { epoch: Epoch(reader.u64()?), member: reader.address()? }
            }
            WANT_MANIFEST => Self::WantManifest { root: reader.hash()? },
            got => return Err(DecodeError::Field { field: "kind of message", got: got.into() }),
        };
        reader.finish()?;
        Ok(message)
    }

    const fn body_bytes(&self) -> usize {
        match self {
            Self::Answer { answer, .. } => answer.len(),
            Self::Ask { material, .. } => material.len(),
            Self::Manifest { manifest, .. } => manifest.len(),
            Self::Shard { shard, .. } => shard.len(),
            _ => 0,
        }
    }
}

fn remaining<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    reader.slice(reader.remaining())
}

fn rest(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    remaining(reader).map(<[u8]>::to_vec)
}

/// Most bytes of a message without the material, shard or answer that it may carry.
pub const MESSAGE_HEAD_BYTES: usize = HEAD_BYTES;

/// Version, quorum and kind, then at most an attestation and a certificate or a vote.
const HEAD_BYTES: usize =
    1 + 32 + 1 + 2 * MAX_ATTESTATION_BYTES + lazai_consensus::MAX_CERTIFICATE_BYTES;

/// Version 1 had another encoding of jobs.
const VERSION: u8 = 2;
const ANSWER: u8 = 1;
const ASK: u8 = 2;
const CERTIFIED: u8 = 3;
const RELAY: u8 = 4;
const SHARD: u8 = 5;
const VOTE: u8 = 6;
const WANT: u8 = 7;
const WANT_ANSWER: u8 = 8;
const MANIFEST: u8 = 9;
const WANT_MANIFEST: u8 = 10;
