use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::B256;
use commonware_actor::Feedback;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_consensus::{
    Epochable as _, Reporter, Viewable as _,
    simplex::{
        scheme::Scheme,
        types::{Activity, Attributable as _, Vote as Signed},
    },
};
use commonware_cryptography::{Hasher as _, Sha256, ed25519::PublicKey, sha256::Digest};
use commonware_p2p::Recipients;
use commonware_parallel::Sequential;
use commonware_runtime::{IoBuf, deterministic};
use commonware_utils::sync::Mutex;
use rand::{SeedableRng as _, rngs::StdRng};

use super::{
    application::now,
    keys::{Signing, seat_of},
    record::{Certified, Record, Vote, place},
};

/// Records the reports of an honest node's engine.
#[derive(Clone)]
pub(super) struct Observer<S> {
    pub(super) context: Arc<deterministic::Context>,
    pub(super) record: Arc<Mutex<Record>>,
    pub(super) node: u16,
    pub(super) scheme: S,
}

impl<S: Signing> Reporter for Observer<S> {
    type Activity = Activity<S, Digest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        let mut record = self.record.lock();
        // Results are cached: many nodes report the same certificate.
        let name = B256::from(Sha256::hash(&[&activity.encode()]).0);
        let valid = *record.verified.entry(name).or_insert_with(|| {
            // Batch verification draws random weights. A separate generator keeps the run
            // unaffected.
            let mut rng = StdRng::seed_from_u64(u64::from(self.node));
            activity.verify(&mut rng, &self.scheme, &Sequential)
        });
        if !valid {
            // The engine reports votes before it verifies them, but certificates only after.
            if activity.verified() {
                record.invalid.insert(self.node);
            }
            return Feedback::Ok;
        }
        let view = place(activity.epoch().get(), activity.view().get());
        let (what, certificate) = match &activity {
            Activity::Notarize(vote) => {
                let vote_for = Vote::Notarize(B256::from(vote.proposal.payload.0));
                record.seen(self.node, seat_of(vote.signer().get()), view, vote_for);
                return Feedback::Ok;
            }
            Activity::Finalize(vote) => {
                let vote_for = Vote::Finalize(B256::from(vote.proposal.payload.0));
                record.seen(self.node, seat_of(vote.signer().get()), view, vote_for);
                return Feedback::Ok;
            }
            Activity::Nullify(vote) => {
                record.seen(self.node, seat_of(vote.signer().get()), view, Vote::Nullify);
                return Feedback::Ok;
            }
            Activity::ConflictingNotarize(fault) => {
                record.accusations.insert((self.node, seat_of(fault.signer().get())));
                return Feedback::Ok;
            }
            Activity::ConflictingFinalize(fault) => {
                record.accusations.insert((self.node, seat_of(fault.signer().get())));
                return Feedback::Ok;
            }
            Activity::NullifyFinalize(fault) => {
                record.accusations.insert((self.node, seat_of(fault.signer().get())));
                return Feedback::Ok;
            }
            Activity::Notarization(made) | Activity::Certification(made) => {
                let payload = B256::from(made.proposal.payload.0);
                (Certified::Notarized(payload), &made.certificate)
            }
            Activity::Nullification(made) => (Certified::Nullified, &made.certificate),
            Activity::Finalization(made) => {
                let payload = B256::from(made.proposal.payload.0);
                (Certified::Finalized(payload), &made.certificate)
            }
        };
        let signers: Vec<u16> = S::signers(certificate);
        record.certified(self.node, view, what, &signers);
        if let Certified::Finalized(payload) = what {
            record.finalized(self.node, view, payload, now(&*self.context));
        }
        Feedback::Ok
    }
}

/// Records the votes that an honest node passes to its network.
pub(super) fn record_vote<S: Scheme<Digest>>(
    record: &Mutex<Record>,
    node: u16,
    recipients: &Recipients<PublicKey>,
    message: &IoBuf,
) -> Option<Recipients<PublicKey>> {
    if let Ok(vote) = Signed::<S, Digest>::decode(message.clone()) {
        let view = place(vote.epoch().get(), vote.view().get());
        let vote = match &vote {
            Signed::Finalize(vote) => Vote::Finalize(B256::from(vote.proposal.payload.0)),
            Signed::Notarize(vote) => Vote::Notarize(B256::from(vote.proposal.payload.0)),
            Signed::Nullify(_) => Vote::Nullify,
        };
        record.lock().sent(node, view, vote);
    }
    Some(recipients.clone())
}
