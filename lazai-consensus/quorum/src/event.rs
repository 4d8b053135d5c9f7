use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::{self, Vec},
};

use alloy_primitives::{Address, B256};
use lazai_consensus::{Attestation, CountedVote, Evidence};

use crate::{Effect, Message, Output, Request, Verdict};

/// What a part of a member wants done by others: by the owner of the member, or by another part.
///
/// Parts do not call each other. The member handles the events of one step in their order, each
/// with all that follows from it before the next one.
#[derive(Debug)]
pub(crate) enum Event {
    /// Ask all members to judge an attestation.
    Ask(Box<Request>),
    Broadcast(Message),
    /// There is a first certificate of the attestation.
    Certified(Attestation),
    /// This member has made up its mind about an attestation.
    Judged(Attestation, Verdict),
    Output(Output),
    /// A peer has broken the rules.
    Penalize(Address, u32),
    /// Restore these shards of a dataset from the shards of other members.
    Repair(B256, Vec<(u32, u16)>),
    /// Shards of a dataset could not be restored.
    RepairFailed(B256),
    /// A peer has voted: if this member voted for the same before a restart, it votes again.
    Revote(Box<CountedVote>),
    Send(Address, Message),
    /// Vote for an attestation.
    Vote(Attestation),
}

/// The events of one step, in order.
#[derive(Debug, Default)]
pub(crate) struct Events(Vec<Event>);

impl Events {
    pub(crate) fn push(&mut self, event: Event) {
        self.0.push(event);
    }

    pub(crate) fn broadcast(&mut self, message: Message) {
        self.push(Event::Broadcast(message));
    }

    pub(crate) fn convict(&mut self, evidence: Evidence) {
        self.output(Output::Convicted { evidence });
    }

    pub(crate) fn fault(&mut self, reason: &(impl ToString + ?Sized)) {
        self.output(Output::Fault { reason: reason.to_string() });
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.push(Event::Output(output));
    }

    pub(crate) fn penalize(&mut self, peer: Address, points: u32) {
        self.push(Event::Penalize(peer, points));
    }

    pub(crate) fn read(&mut self, root: B256, data: Result<Vec<u8>, String>) {
        self.output(Output::Read { root, data });
    }

    pub(crate) fn run(&mut self, effect: Effect) {
        self.output(Output::Run(effect));
    }

    pub(crate) fn send(&mut self, to: Address, message: Message) {
        self.push(Event::Send(to, message));
    }

    pub(crate) fn withhold(&mut self, attestation: Attestation, verdict: Verdict) {
        self.output(Output::Withheld { attestation, verdict });
    }
}

impl IntoIterator for Events {
    type Item = Event;
    type IntoIter = vec::IntoIter<Event>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
