use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use core::time::Duration;
use std::{sync::mpsc::Sender as Events, time::UNIX_EPOCH};

use alloy_primitives::Address;
use commonware_cryptography::PublicKey;
use commonware_macros::select;
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::{Clock, Spawner, Supervisor};
use commonware_utils::channel::{mpsc, oneshot};
use lazai_consensus::VoteStore;
use lazai_quorum::{Command, Effect, Output, QuorumMember, Worker};

/// The parts of a network that a member uses.
pub(super) struct Channel<S, R, B, P> {
    pub(super) sender: S,
    pub(super) receiver: R,
    pub(super) blocker: B,
    /// The network keys of the members, by address.
    pub(super) directory: BTreeMap<Address, P>,
}

/// The member's ends of the channels to its owner.
pub(super) struct OwnerChannels {
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) events: Events<Output>,
    pub(super) stopped: oneshot::Receiver<()>,
}

/// Connects a member with its network, its worker and its owner until it is stopped or the network
/// ends.
pub(super) async fn drive<E, S, R, B, P, V>(
    context: E,
    mut member: QuorumMember<V>,
    worker: Arc<Worker>,
    channel: Channel<S, R, B, P>,
    ends: OwnerChannels,
) where
    E: Clock + Spawner + Supervisor,
    P: PublicKey,
    S: Sender<PublicKey = P>,
    R: Receiver<PublicKey = P>,
    B: Blocker<PublicKey = P>,
    V: VoteStore,
{
    let Channel { mut sender, mut receiver, mut blocker, directory } = channel;
    let OwnerChannels { mut commands, events, mut stopped } = ends;
    let members: BTreeMap<_, _> =
        directory.iter().map(|(address, key)| (key.clone(), *address)).collect();
    let (finished, mut results) = mpsc::unbounded_channel();
    let tick = Duration::from_millis((member.limits().resend_ms / 4).max(1));
    let mut next_tick = context.current().checked_add(tick).unwrap_or(UNIX_EPOCH);
    loop {
        while let Some(output) = member.next_output() {
            match output {
                Output::Block { peer } => {
                    if let Some(key) = directory.get(&peer) {
                        let _ = blocker.block(key.clone());
                    }
                    let _ = events.send(Output::Block { peer });
                }
                Output::Broadcast { bytes } => {
                    let own = member.address();
                    let peers = member.members().into_iter().filter(|peer| *peer != own);
                    let peers: Vec<_> =
                        peers.filter_map(|peer| directory.get(&peer).cloned()).collect();
                    let _ = sender.send(Recipients::Some(peers), bytes, true);
                }
                Output::Run(effect) => {
                    let (worker, finished) = (Arc::clone(&worker), finished.clone());
                    // Models may run for minutes and get a thread; the other effects are short, but
                    // block.
                    let spawner = context.child("task");
                    let spawner = match effect {
                        Effect::Judge { .. } | Effect::Rerun { .. } => spawner.dedicated(),
                        _ => spawner.shared(true),
                    };
                    // Detached: the result comes through the channel.
                    drop(spawner.spawn(move |_| async move {
                        let _ = finished.send(worker.run(effect));
                    }));
                }
                Output::Send { to, bytes } => {
                    if let Some(key) = directory.get(&to) {
                        let _ = sender.send(Recipients::One(key.clone()), bytes, false);
                    }
                }
                // The owner may have dropped the receiver; the member continues.
                event => _ = events.send(event),
            }
        }
        let now = context.current();
        select! {
            _ = &mut stopped => { return },
            result = results.recv() => {
                if let Some(result) = result {
                    member.finished(milliseconds(&context), result);
                }
            },
            command = commands.recv() => {
                let Some(command) = command else { return };
                if let Err(refusal) = member.command(milliseconds(&context), command) {
                    let reason = alloc::format!("an order cannot be followed: {refusal}");
                    let _ = events.send(Output::Fault { reason });
                }
            },
            message = receiver.recv() => {
                let Ok((key, bytes)) = message else { return };
                if let Some(from) = members.get(&key) {
                    // The member has already penalized the sender of a refused message.
                    let _ = member.receive(milliseconds(&context), *from, bytes.as_ref());
                }
            },
            _ = context.sleep_until(next_tick) => {
                next_tick = now.checked_add(tick).unwrap_or(now).max(context.current());
                member.tick(milliseconds(&context));
            },
        }
    }
}

fn milliseconds(clock: &impl Clock) -> u64 {
    let since = clock.current().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
