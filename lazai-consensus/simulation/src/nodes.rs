use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};
use core::{
    future::Future,
    pin::Pin,
    task::{Context as Task, Waker},
};

use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::simulated::{Oracle, Receiver, Sender};
use commonware_runtime::{Handle, Quota, deterministic};
use commonware_utils::{NZU32, sync::Mutex};

use super::record::Record;

/// Starts the nodes of a run, and holds their record for the checker. It survives power cuts.
pub(super) trait NodeFactory {
    /// Returns the network keys of the nodes.
    fn participants(&self) -> &Arc<[PublicKey]>;

    /// Returns the record of the run.
    fn record(&self) -> &Arc<Mutex<Record>>;

    /// Returns the maximum message size in bytes, and the number of peer sets that the network
    /// tracks.
    fn network(&self) -> (u32, usize);

    /// Starts a node on its `disk`-th disk, for the `life`-th time.
    fn start(
        &self,
        run: RunContext<'_>,
        node: u16,
        disk: usize,
        life: u64,
    ) -> impl Future<Output = Result<Vec<Handle<()>>, String>>;

    /// Records the events of the nodes since the last call.
    fn listen(&self) {}
}

/// The runtime and the network of the nodes until the next power cut.
#[derive(Clone, Copy)]
pub(super) struct RunContext<'a> {
    pub(super) context: &'a deterministic::Context,
    pub(super) oracle: &'a Oracle<PublicKey, deterministic::Context>,
}

/// The running nodes, and their factory.
pub(super) struct RunningNodes<'a, C> {
    run: RunContext<'a>,
    factory: &'a C,
    running: BTreeMap<u16, Vec<Handle<()>>>,
}

pub(super) type Channel = (Sender<PublicKey, deterministic::Context>, Receiver<PublicKey>);

impl<'a, C: NodeFactory> RunningNodes<'a, C> {
    pub(super) const fn new(run: RunContext<'a>, factory: &'a C) -> Self {
        Self { run, factory, running: BTreeMap::new() }
    }

    pub(super) fn is_up(&self, node: u16) -> bool {
        self.running.contains_key(&node)
    }

    /// Starts a node on its `disk`-th disk.
    pub(super) async fn start(&mut self, node: u16, disk: usize) -> Result<(), String> {
        let life = {
            let mut record = self.factory.record().lock();
            let life = record.lives.entry(node).or_default();
            *life = life.saturating_add(1);
            *life
        };
        let handles = self.factory.start(self.run, node, disk, life).await?;
        self.running.insert(node, handles);
        Ok(())
    }

    /// Aborts the tasks of a node.
    pub(super) fn stop(&mut self, node: u16) {
        for handle in self.running.remove(&node).unwrap_or_default() {
            handle.abort();
        }
    }

    /// Returns the nodes of which a task has ended on its own, and stops their other tasks.
    pub(super) fn take_ended(&mut self) -> Vec<u16> {
        let mut task = Task::from_waker(Waker::noop());
        let mut ended = Vec::new();
        for (node, handles) in &mut self.running {
            if handles.iter_mut().any(|handle| Pin::new(handle).poll(&mut task).is_ready()) {
                ended.push(*node);
            }
        }
        for node in &ended {
            self.stop(*node);
        }
        ended
    }
}

/// Returns the key of a node.
pub(super) fn key(participants: &[PublicKey], node: u16) -> Result<PublicKey, String> {
    let key = participants.get(usize::from(node));
    key.cloned().ok_or_else(|| format!("there is no node {node}"))
}

/// Registers `N` channels of the network for a node, numbered from 0.
pub(super) async fn channels<const N: usize>(
    run: RunContext<'_>,
    key: PublicKey,
) -> Result<[Channel; N], String> {
    let control = run.oracle.control(key);
    let mut channels = Vec::with_capacity(N);
    for channel in 0..N as u64 {
        let made = control.register(channel, QUOTA).await;
        channels.push(made.map_err(|error| format!("no channel: {error}"))?);
    }
    let made = channels.len();
    channels.try_into().map_err(|_| format!("{made} channels in place of {N}"))
}

/// Maximum messages to a peer per second: a few times the traffic of a run. The network allocates
/// memory in proportion.
const QUOTA: Quota = Quota::per_second(NZU32!(512));
