use alloc::{string::String, sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_consensus::{Attestation, Committee, Epoch, Evidence, QuorumCertificate};

use crate::{Effect, Request, Verdict};

/// What the owner of a node orders.
#[derive(Clone, Debug)]
pub enum Command {
    /// The committee of the next epoch, as it is fixed on chain, or one of a past epoch whose
    /// certificates are to be checked.
    Announce(Arc<Committee>),
    /// Ask all members to judge an attestation.
    Ask(Request),
    /// Vote for what this node knows by itself: a checkpoint, a nomination, a decision.
    Attest(Attestation),
    /// Audit all members by this beacon, as all other members do.
    Audit {
        /// Randomness of the chain that nobody could foresee.
        beacon: B256,
        /// The roots of the datasets that are asked for, in any order: those that the chain, say,
        /// knew as certified when the beacon was fixed. All members must be given the same, because
        /// who is asked for other leaves fails.
        datasets: Vec<B256>,
    },
    /// Learn of a dataset that the quorum has certified, from the chain say, and hold what falls to
    /// this member.
    Hold {
        /// That the dataset is available.
        attestation: Attestation,
        /// The certificate.
        certificate: QuorumCertificate,
    },
    /// Put a dataset together.
    Read {
        /// The root of the dataset.
        root: B256,
    },
}

/// What is to be done, or has happened.
#[derive(Clone, Debug)]
pub enum Output {
    /// Drop the connection to a peer, and take no more from it.
    Block {
        /// The peer.
        peer: Address,
    },
    /// Send to all [`members`](crate::QuorumMember::members) but this one.
    Broadcast {
        /// An encoded [`Message`](crate::Message).
        bytes: Vec<u8>,
    },
    /// An attestation is certified, and the certificate on disk. May come again after a restart.
    Certified {
        /// The attestation.
        attestation: Attestation,
        /// The certificate.
        certificate: QuorumCertificate,
    },
    /// Members broke the rules, and this shows it to anyone.
    Convicted {
        /// What shows it.
        evidence: Evidence,
    },
    /// A new epoch has begun: its committee holds what it must.
    Entered {
        /// The epoch.
        epoch: Epoch,
    },
    /// This node is at fault, and its owner has to do something.
    Fault {
        /// What failed.
        reason: String,
    },
    /// A dataset was put together.
    Read {
        /// The root of the dataset.
        root: B256,
        /// Its bytes, or why they cannot be had.
        data: Result<Vec<u8>, String>,
    },
    /// Do this, and give the result to [`finished`](crate::QuorumMember::finished).
    Run(Effect),
    /// Send to one peer.
    Send {
        /// The peer.
        to: Address,
        /// An encoded [`Message`](crate::Message).
        bytes: Vec<u8>,
    },
    /// This member does not vote for an attestation.
    Withheld {
        /// The attestation.
        attestation: Attestation,
        /// What it thinks of it; it abstains if it voted for another in the slot.
        verdict: Verdict,
    },
}
