use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc::Sender};

use commonware_actor::Feedback;
use commonware_codec::{Encode, ReadExt};
use commonware_consensus::{
    Epochable, Reporter,
    marshal::Update,
    simplex::types::{Activity, Attributable, Finalization, Finalize, Notarize, Nullify},
};
use commonware_cryptography::{Digested, certificate::Attestation};
use commonware_utils::{acknowledgement::Exact, channel::mpsc};
use lazai_consensus::{
    Signers,
    bls::Signature,
    chain::{ChainVote, Equivocation, FinalityCertificate, Proposal, SignedChainVote},
};

use crate::{
    ChainEvent,
    engine::{
        Digest, Scheme,
        block::{ChainBlock, to_b256},
        directory::Directory,
    },
};

/// Passes final blocks, in order, to the conductor.
#[derive(Clone, Debug)]
pub(super) struct FinalBlocks {
    pub(super) blocks: mpsc::UnboundedSender<(Digested<ChainBlock>, Exact)>,
    /// The height of the highest block that is known to be final.
    pub(super) tip: Arc<AtomicU64>,
}

impl Reporter for FinalBlocks {
    type Activity = Update<ChainBlock>;

    fn report(&mut self, update: Self::Activity) -> Feedback {
        match update {
            Update::Tip(_, height, _) => {
                self.tip.fetch_max(height.get(), Ordering::Relaxed);
                Feedback::Ok
            }
            // The engine bounds how many blocks wait for their acknowledgement.
            Update::Block(block, acknowledgement) => {
                if self.blocks.send((block, acknowledgement)).is_err() {
                    return Feedback::Closed;
                }
                Feedback::Ok
            }
        }
    }
}

/// Forwards all activity, and reports seats that break the protocol.
#[derive(Clone, Debug)]
pub(super) struct Watcher<R> {
    pub(super) inner: R,
    pub(super) directory: Directory,
    pub(super) events: Sender<ChainEvent>,
}

impl<R: Reporter<Activity = Activity<Scheme, Digest>>> Reporter for Watcher<R> {
    type Activity = Activity<Scheme, Digest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        // The engine does not check what it reports here, so nothing is told that does not convict.
        if let Some(evidence) = equivocation(&activity)
            && let Some(committee) = self.directory.committee(activity.epoch().get())
            && evidence.verify(self.directory.genesis(), &committee.committee).is_ok()
        {
            // Nobody listens any more: the node goes on.
            let _ = self.events.send(ChainEvent::Equivocation(evidence));
        }
        self.inner.report(activity)
    }
}

/// Converts two conflicting votes of the engine into the evidence of this crate.
pub(crate) fn equivocation(activity: &Activity<Scheme, Digest>) -> Option<Equivocation> {
    let (seat, first, second) = match activity {
        Activity::ConflictingNotarize(conflict) => {
            let mut bytes = conflict.encode();
            let first = Notarize::<Scheme, Digest>::read(&mut bytes).ok()?;
            let second = Notarize::<Scheme, Digest>::read(&mut bytes).ok()?;
            (conflict.signer(), notarized(&first)?, notarized(&second)?)
        }
        Activity::ConflictingFinalize(conflict) => {
            let mut bytes = conflict.encode();
            let first = Finalize::<Scheme, Digest>::read(&mut bytes).ok()?;
            let second = Finalize::<Scheme, Digest>::read(&mut bytes).ok()?;
            (conflict.signer(), finalized(&first)?, finalized(&second)?)
        }
        Activity::NullifyFinalize(conflict) => {
            let mut bytes = conflict.encode();
            let first = Nullify::<Scheme>::read(&mut bytes).ok()?;
            let second = Finalize::<Scheme, Digest>::read(&mut bytes).ok()?;
            (conflict.signer(), nullified(&first)?, finalized(&second)?)
        }
        _ => return None,
    };
    Some(Equivocation { seat: seat.get(), first, second })
}

fn notarized(vote: &Notarize<Scheme, Digest>) -> Option<SignedChainVote> {
    let signed = ChainVote::Notarize(to_proposal(&vote.proposal));
    Some(SignedChainVote { vote: signed, signature: signature(&vote.attestation)? })
}

fn finalized(vote: &Finalize<Scheme, Digest>) -> Option<SignedChainVote> {
    let signed = ChainVote::Finalize(to_proposal(&vote.proposal));
    Some(SignedChainVote { vote: signed, signature: signature(&vote.attestation)? })
}

fn nullified(vote: &Nullify<Scheme>) -> Option<SignedChainVote> {
    let (epoch, view) = (vote.round.epoch().get(), vote.round.view().get());
    let signed = ChainVote::Nullify { epoch, view };
    Some(SignedChainVote { vote: signed, signature: signature(&vote.attestation)? })
}

fn signature(attestation: &Attestation<Scheme>) -> Option<Signature> {
    let bytes = attestation.signature.get()?.encode();
    Signature::from_bytes(bytes.as_ref().try_into().ok()?).ok()
}

fn to_proposal(proposal: &commonware_consensus::simplex::types::Proposal<Digest>) -> Proposal {
    Proposal {
        epoch: proposal.round.epoch().get(),
        view: proposal.round.view().get(),
        parent_view: proposal.parent.get(),
        digest: to_b256(&proposal.payload),
    }
}

/// Converts a certificate of the engine; `None` if its committee is larger than a set of signers,
/// which no [`ChainCommittee`](lazai_consensus::chain::ChainCommittee) is.
pub(crate) fn certificate(
    finalization: &Finalization<Scheme, Digest>,
) -> Option<FinalityCertificate> {
    let certificate = &finalization.certificate;
    let mut signers = Signers::none(u8::try_from(certificate.signers.len()).ok()?)?;
    for signer in certificate.signers.iter() {
        if !signers.insert(usize::from(signer)) {
            return None;
        }
    }
    let bytes = certificate.signature.get()?.encode();
    let signature = Signature::from_bytes(bytes.as_ref().try_into().ok()?).ok()?;
    Some(FinalityCertificate { proposal: to_proposal(&finalization.proposal), signers, signature })
}
