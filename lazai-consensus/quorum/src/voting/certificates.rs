use alloc::{boxed::Box, vec::Vec};

use lazai_consensus::{Attestation, Committee, Evidence, QuorumCertificate, VoteStore};

use super::Voting;
use crate::{
    Effect, Message, Refusal,
    context::Context,
    event::{Event, Events},
    refusal::FORGERY,
};

/// Certificates: those made of votes, and those that others hand on.
impl<V: VoteStore> Voting<V> {
    /// Takes a certificate that a peer hands on.
    pub(crate) fn take_certificate(
        &mut self,
        context: &Context,
        attestation: Attestation,
        certificate: QuorumCertificate,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let (expected, got) = (context.epochs.current().0, attestation.epoch.0);
        let committee = context.epochs.committee(attestation.epoch);
        let committee = committee.ok_or(Refusal::Epoch { expected, got })?;
        let slot = attestation.slot();
        let known = self.certificate(&slot).copied();
        if known.is_some_and(|(known, _)| known == attestation) {
            return Ok(());
        }
        certificate.verify(&attestation, committee)?;
        // It counts against the quota of no peer, as anyone may hand it on.
        let collector = self.collectors.open(slot, context.own, committee, context)?;
        match known {
            None => {
                self.certified(context, attestation, certificate, committee, events);
                if let Some(collector) = self.collectors.get_mut(&slot) {
                    collector.stop_resending(&context.limits);
                }
            }
            Some(first) if !collector.is_split => {
                collector.is_split = true;
                events.convict(two_certificates(first, (attestation, certificate)));
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Keeps in memory a certificate that was found on disk.
    pub(crate) fn remember(
        &mut self,
        context: &Context,
        attestation: Attestation,
        certificate: QuorumCertificate,
    ) {
        let Some(committee) = context.epochs.committee(attestation.epoch) else { return };
        let collector = self.collectors.open(attestation.slot(), context.own, committee, context);
        if let Ok(collector) = collector {
            collector.certificate = Some((attestation, certificate));
            collector.stop_resending(&context.limits);
        }
    }

    /// Takes the certificate of an attestation, perhaps one with more signers than before.
    pub(super) fn certified(
        &mut self,
        context: &Context,
        attestation: Attestation,
        certificate: QuorumCertificate,
        committee: &Committee,
        events: &mut Events,
    ) {
        let Some(collector) = self.collectors.get_mut(&attestation.slot()) else { return };
        match &mut collector.certificate {
            Some((known, best)) if *known == attestation => {
                *best = certificate;
                return;
            }
            Some(first) if !collector.is_split => {
                collector.is_split = true;
                events.convict(two_certificates(*first, (attestation, certificate)));
                return;
            }
            Some(_) => return,
            none => *none = Some((attestation, certificate)),
        }
        collector.settle(context);
        let votes = collector.tally.votes();
        let dissent: Vec<_> =
            votes.filter(|vote| vote.attestation != attestation).copied().collect();
        for vote in dissent {
            // Only its voter can have sent it.
            if vote.verify(committee).is_ok() {
                events.broadcast(Message::Relay(vote));
            } else {
                events.penalize(vote.voter, FORGERY);
            }
        }
        events.run(Effect::Record { attestation, certificate });
        events.push(Event::Certified(attestation));
    }
}

fn two_certificates(
    first: (Attestation, QuorumCertificate),
    second: (Attestation, QuorumCertificate),
) -> Evidence {
    Evidence::TwoCertificates { first: Box::new(first), second: Box::new(second) }
}
