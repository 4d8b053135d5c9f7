use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use core::{fmt, net::SocketAddr, num::NonZeroUsize, time::Duration};
use std::{
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
};

use alloy_primitives::Address;
use bytes::Bytes;
use commonware_codec::DecodeExt;
use commonware_cryptography::{
    ChaCha20Poly1305, Signer,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::{AddressableManager, authenticated::lookup};
use commonware_runtime::{Quota, Runner, Supervisor, tokio};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{
    NZU32, NZUsize, TryFromIterator,
    channel::{mpsc as channel, oneshot},
    ordered::Map,
};
use lazai_consensus::{ErrorSource, VoteStore};
use lazai_quorum::{Command, Output, QuorumMember, Worker};

use crate::driver::{Channel, OwnerChannels, drive};

/// Runs a member of a quorum over TCP. The addresses of all members are configured; connections are
/// authenticated by Ed25519 keys and encrypted.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuorumService;

impl QuorumService {
    /// Starts a member in a thread of its own. Its effects run on further threads.
    ///
    /// # Errors
    /// [`NetworkError`] if a key is invalid, if two members share an address or an identity, or if
    /// no thread can be started.
    pub fn start<V: VoteStore + 'static>(
        config: NetworkConfig,
        member: QuorumMember<V>,
        worker: Arc<Worker>,
    ) -> Result<QuorumHandle, NetworkError> {
        let key = PrivateKey::decode(Bytes::copy_from_slice(&config.identity));
        let key = key.map_err(|_| NetworkError::Identity)?;
        let own = key.public_key();
        let mut directory = BTreeMap::new();
        let mut addresses = BTreeMap::from([(own.clone(), config.listen)]);
        for MemberAddress { member, identity, address } in &config.members {
            let identity = PublicKey::decode(Bytes::copy_from_slice(identity));
            let identity =
                identity.map_err(|_| NetworkError::MemberIdentity { member: *member })?;
            let is_own = identity == own;
            let is_new = directory.insert(*member, identity.clone()).is_none();
            if !is_new || (addresses.insert(identity, *address).is_some() && !is_own) {
                return Err(NetworkError::Duplicate { member: *member });
            }
        }
        let (events_sender, events) = mpsc::channel();
        let (commands, commands_receiver) = channel::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let ends = OwnerChannels { commands: commands_receiver, events: events_sender, stopped };
        let thread = thread::Builder::new().name("quorum".into());
        let thread = thread
            .spawn(move || {
                let runtime = tokio::Config::new().with_worker_threads(WORKERS);
                tokio::Runner::new(runtime).start(|context| {
                    serve(context, config, key, directory, addresses, member, worker, ends)
                });
            })
            .map_err(|error| NetworkError::Thread { source: ErrorSource::new(error) })?;
        let orders = QuorumOrders(commands);
        Ok(QuorumHandle { orders, events, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the public key that belongs to a secret one, both as 32 bytes.
    ///
    /// # Errors
    /// [`NetworkError::Identity`] if the bytes are not a secret key.
    pub fn public_identity(secret: &[u8; 32]) -> Result<[u8; 32], NetworkError> {
        let key = PrivateKey::decode(Bytes::copy_from_slice(secret));
        let key = key.map_err(|_| NetworkError::Identity)?.public_key();
        key.as_ref().try_into().map_err(|_| NetworkError::Identity)
    }
}

async fn serve<V: VoteStore>(
    context: tokio::Context,
    config: NetworkConfig,
    key: PrivateKey,
    directory: BTreeMap<Address, PublicKey>,
    addresses: BTreeMap<PublicKey, SocketAddr>,
    member: QuorumMember<V>,
    worker: Arc<Worker>,
    ends: OwnerChannels,
) {
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: key,
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    // The version of the messages: members of two versions cannot connect, so that none blocks
    // an honest one for messages that it cannot read.
    let namespace = [b"lazvm/quorum-network/2".as_slice(), member.quorum().0.as_slice()].concat();
    let peers = NonZeroUsize::new(addresses.len()).unwrap_or(NonZeroUsize::MIN);
    let size = u32::try_from(member.limits().max_message_bytes).unwrap_or(u32::MAX);
    let network =
        lookup::Config::local(handshake, &namespace, config.listen, peers, size, NZUsize!(1_024));
    let (mut network, mut oracle) = lookup::Network::new(context.child("network"), network);
    let (sender, receiver) = network.register(0, MESSAGES);
    let addresses = addresses.into_iter().map(|(key, address)| (key, address.into()));
    if let Ok(addresses) = Map::try_from_iter(addresses.collect::<Vec<_>>()) {
        let _ = oracle.track(0, addresses);
    }
    // The network starts last: a peer that connects finds the member ready.
    let running = network.start();
    let channel = Channel { sender, receiver, blocker: oracle, directory };
    drive(context.child("member"), member, worker, channel, ends).await;
    running.abort();
}

/// The addresses and keys of a member and its peers.
#[derive(Clone)]
pub struct NetworkConfig {
    /// The secret of the Ed25519 key by which this member authenticates.
    pub identity: [u8; 32],
    /// The address to listen at.
    pub listen: SocketAddr,
    /// The address of the member's wallet, its name in committees.
    pub members: Vec<MemberAddress>,
}

impl fmt::Debug for NetworkConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity: _, listen, members } = self;
        let mut config = formatter.debug_struct("NetworkConfig");
        config.field("listen", listen).field("members", members).finish_non_exhaustive()
    }
}

/// The network address and key of a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemberAddress {
    /// The address of its wallet, by which committees name it.
    pub member: Address,
    /// The Ed25519 public key of the member.
    pub identity: [u8; 32],
    /// The address to connect to.
    pub address: SocketAddr,
}

/// The owner's end of a running member. Dropping it stops the member.
#[derive(Debug)]
pub struct QuorumHandle {
    orders: QuorumOrders,
    events: Receiver<Output>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl QuorumHandle {
    /// Sends a command to the member.
    ///
    /// # Errors
    /// [`NetworkError::Ended`] if the member has stopped.
    pub fn command(&self, command: Command) -> Result<(), NetworkError> {
        self.orders.command(command)
    }

    /// Returns a sender of commands for another thread than the one that listens to the member.
    #[must_use]
    pub fn orders(&self) -> QuorumOrders {
        self.orders.clone()
    }

    /// Returns the receiver of the member's outputs: certificates, evidence, data, epochs, faults.
    /// Messages and effects are handled by the service and do not appear.
    pub const fn events(&self) -> &Receiver<Output> {
        &self.events
    }

    /// Stops the member and waits for its end.
    ///
    /// # Errors
    /// [`NetworkError::Ended`] if its thread had panicked.
    pub fn stop(mut self) -> Result<(), NetworkError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), NetworkError> {
        if let Some(stop) = self.stop.take() {
            // Fails only if the member has already ended.
            let _ = stop.send(());
        }
        let ended = self.thread.take().map(JoinHandle::join);
        ended.unwrap_or(Ok(())).map_err(|_| NetworkError::Ended)
    }
}

impl Drop for QuorumHandle {
    fn drop(&mut self) {
        // A caller that needs the result calls `stop`.
        let _ = self.join();
    }
}

/// Sends commands to a running member.
#[derive(Clone, Debug)]
pub struct QuorumOrders(channel::UnboundedSender<Command>);

impl QuorumOrders {
    /// Sends a command to the member.
    ///
    /// # Errors
    /// [`NetworkError::Ended`] if the member has stopped.
    pub fn command(&self, command: Command) -> Result<(), NetworkError> {
        self.0.send(command).map_err(|_| NetworkError::Ended)
    }
}

/// A member cannot run.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// A member or an identity is listed twice.
    #[error("{member} or its identity is listed twice")]
    Duplicate {
        /// The address of the member.
        member: Address,
    },
    /// The member has stopped.
    #[error("the member runs no more")]
    Ended,
    /// The identity of this member is not a secret key.
    #[error("the identity is not the secret of an Ed25519 key")]
    Identity,
    /// The identity of another member is not a public key.
    #[error("the identity of {member} is not an Ed25519 key")]
    MemberIdentity {
        /// The address of the member.
        member: Address,
    },
    /// The operating system failed to start a thread.
    #[error("no thread can be started: {source}")]
    Thread {
        /// The cause.
        source: ErrorSource,
    },
}

const WORKERS: usize = 2;
/// Maximum messages from a peer per second. More are dropped, and sent again later.
const MESSAGES: Quota = Quota::per_second(NZU32!(1_024));
