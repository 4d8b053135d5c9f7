use alloc::{sync::Arc, vec::Vec};
use core::time::Duration;

use alloy_primitives::B256;
use commonware_actor::Feedback;
use commonware_consensus::{
    Automaton, CertifiableAutomaton, Epochable as _, Relay, Viewable as _,
    simplex::{Plan, types::Context},
};
use commonware_cryptography::{Hasher as _, Sha256, ed25519::PublicKey, sha256::Digest};
use commonware_runtime::{Clock, deterministic};
use commonware_utils::{channel::oneshot, sync::Mutex};

use super::record::{Payload, Record};

/// Proposes and verifies payloads that hold nothing but the name of their parent.
///
/// All nodes look up payloads in the record, so that runs test agreement and not dissemination.
#[derive(Clone)]
pub(super) struct Application {
    pub(super) context: Arc<deterministic::Context>,
    pub(super) record: Arc<Mutex<Record>>,
    /// Node, twin and number of the start: makes the payloads of different makers distinct.
    pub(super) maker: (u16, u8, u64),
}

impl Automaton for Application {
    type Context = Context<Digest, PublicKey>;
    type Digest = Digest;

    async fn propose(&mut self, context: Self::Context) -> oneshot::Receiver<Digest> {
        let (node, twin, life) = self.maker;
        let (view, epoch) = (context.view().get(), context.epoch().get());
        let parent = B256::from(context.parent.1.0);
        let parts: Vec<u8> = [u64::from(node), u64::from(twin), life, epoch, view]
            .iter()
            .flat_map(|part| part.to_be_bytes())
            .chain(parent)
            .collect();
        let digest = Sha256::hash(&[&parts]);
        let payload = Payload { view, parent, at: now(&*self.context) };
        self.record.lock().payloads.entry(B256::from(digest.0)).or_insert(payload);
        answer(digest)
    }

    async fn verify(&mut self, context: Self::Context, digest: Digest) -> oneshot::Receiver<bool> {
        let payload = self.record.lock().payloads.get(&B256::from(digest.0)).copied();
        answer(payload.is_some_and(|payload| {
            payload.view == context.view().get() && payload.parent == B256::from(context.parent.1.0)
        }))
    }
}

impl CertifiableAutomaton for Application {}

impl Relay for Application {
    type Digest = Digest;
    type Plan = Plan<PublicKey>;
    type PublicKey = PublicKey;

    fn broadcast(&mut self, _payload: Digest, _plan: Self::Plan) -> Feedback {
        Feedback::Ok
    }
}

fn answer<T>(value: T) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    // Fails only if the engine has stopped.
    drop(sender.send(value));
    receiver
}

/// Returns the time since the start of the run.
pub(super) fn now(clock: &impl Clock) -> Duration {
    clock.current().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
