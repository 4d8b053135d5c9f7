use core::{any::Any, panic::AssertUnwindSafe, time::Duration};
use std::{
    fs::TryLockError,
    panic::catch_unwind,
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use commonware_codec::DecodeExt;
use commonware_cryptography::{ChaCha20Poly1305, Signer, ed25519::PrivateKey};
use commonware_macros::select;
use commonware_p2p::{Address, authenticated::lookup};
use commonware_runtime::{Quota, Runner, Spawner, Supervisor, tokio};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZU32, NZUsize, TryFromIterator, channel::oneshot, ordered::Map};
use lazai_api_types::chain::{Block, BlockExecutor};
use lazai_consensus::{ErrorSource, FileLock, chain::chain_namespace};

use crate::{
    ChainConfig, ChainEngine, ChainError, ChainEvent, ChainHandle,
    engine::{Identity, Network, ValidatorConfig, max_message_size, start_validator},
};

/// Simplex consensus over TCP: validators know each other's addresses, authenticate by their
/// identities, and encrypt.
///
/// A block is final three network delays after its proposal. The validator runs in a thread of its
/// own with two workers; blocks are executed on further threads. Its journal is locked against a
/// second validator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimplexEngine;

impl ChainEngine for SimplexEngine {
    type Handle = SimplexHandle;

    fn start(
        &self,
        config: ChainConfig,
        executor: Arc<dyn BlockExecutor>,
    ) -> Result<SimplexHandle, ChainError> {
        let key = PrivateKey::decode(Bytes::copy_from_slice(&config.identity.0));
        let key = key.map_err(|_| ChainError::Key { epoch: 0, field: "identity" })?;
        let timing = config.timing;
        if timing.leader.is_zero() || timing.retry.is_zero() || timing.fetch.is_zero() {
            return Err(refuse("no time of the timing may be zero"));
        }
        if timing.certification <= timing.leader {
            return Err(refuse("the time to certify must be above the time to propose"));
        }
        let mut addresses = vec![(key.public_key(), config.listen.into())];
        for (identity, address) in &config.peers {
            let identity = Identity::decode(Bytes::copy_from_slice(identity));
            let identity = identity.map_err(|_| refuse("the identity of a peer is no key"))?;
            if identity != key.public_key() {
                addresses.push((identity, Address::from(*address)));
            }
        }
        if addresses.len() > MAX_PEERS {
            return Err(refuse("more than 1,024 peers are listed"));
        }
        let addresses = Map::try_from_iter(addresses)
            .map_err(|_| refuse("two peers have the same identity"))?;
        let lock = lock(&config.storage)?;

        let (events_sender, events) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("chain".into()).spawn(move || {
            let ended = run(config, key, addresses, executor, events_sender.clone(), stopped);
            drop(lock);
            if let Err(error) = &ended {
                // Nobody listens any more: the error is told when the handle is stopped.
                let _ = events_sender.send(ChainEvent::Stopped(error.clone()));
            }
            ended
        });
        let thread =
            thread.map_err(|error| refuse(&format!("no thread can be started: {error}")))?;
        Ok(SimplexHandle { events, stop: Some(stop), thread: Some(thread) })
    }
}

/// A validator that runs over TCP; dropping it stops the validator.
#[derive(Debug)]
pub struct SimplexHandle {
    events: Receiver<ChainEvent>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ChainError>>>,
}

impl SimplexHandle {
    fn join(&mut self) -> Result<(), ChainError> {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(panic)) => Err(ChainError::Ended { part: message(panic.as_ref()) }),
        }
    }
}

impl ChainHandle for SimplexHandle {
    fn events(&self) -> &Receiver<ChainEvent> {
        &self.events
    }

    fn stop(mut self) -> Result<(), ChainError> {
        self.join()
    }
}

impl Drop for SimplexHandle {
    fn drop(&mut self) {
        // Who wants to know stops it.
        let _ = self.join();
    }
}

fn run(
    config: ChainConfig,
    key: PrivateKey,
    addresses: Map<Identity, Address>,
    executor: Arc<dyn BlockExecutor>,
    events: Sender<ChainEvent>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), ChainError> {
    let runtime = tokio::Config::new()
        .with_worker_threads(WORKERS)
        .with_storage_directory(config.storage.join("journal"));
    // The engine panics if its disk fails, by design: it must not vote on what it cannot remember.
    let ended = catch_unwind(AssertUnwindSafe(|| {
        tokio::Runner::new(runtime).start(|context| async move {
            validate(context, config, key, addresses, executor, events, stopped).await
        })
    }));
    ended.unwrap_or_else(|panic| Err(ChainError::Ended { part: message(panic.as_ref()) }))
}

async fn validate(
    context: tokio::Context,
    config: ChainConfig,
    key: PrivateKey,
    addresses: Map<Identity, Address>,
    executor: Arc<dyn BlockExecutor>,
    events: Sender<ChainEvent>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), ChainError> {
    let identity = key.public_key();
    let genesis = Block::genesis(executor.genesis_state_root()).digest();
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: key,
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let namespace = [chain_namespace(genesis), b"_NETWORK".to_vec()].concat();
    // The network reserves memory for each peer, so this is what is known and no more.
    let peers = core::num::NonZeroUsize::new(addresses.len()).unwrap_or(NZUsize!(1));
    let mut network = lookup::Config::local(
        handshake,
        &namespace,
        config.listen,
        peers,
        max_message_size(),
        NZUsize!(1_024),
    );
    network.tracked_peer_sets = TRACKED_EPOCHS;
    let (mut network, oracle) = lookup::Network::new(context.child("network"), network);
    let channels = Network {
        votes: network.register(0, VOTES),
        certificates: network.register(1, VOTES),
        resolver: network.register(2, DATA),
        backfill: network.register(3, DATA),
        broadcast: network.register(4, DATA),
        peers: oracle.clone(),
        blocker: oracle,
    };
    let validator = ValidatorConfig {
        identity,
        vote_key: config.vote_key,
        partition: String::from("chain"),
        committees: config.committees,
        epochs: config.epochs,
        timing: config.timing,
        addresses,
    };
    let mut validator =
        start_validator(context.child("validator"), validator, channels, executor, events);
    // The network comes last: whoever connects finds a validator that listens.
    let mut network = network.start();
    select! {
        _ = stopped => {
            // What is not durable by then was never voted on.
            let _ = context.stop(0, Some(STOP_LIMIT)).await;
            Ok(())
        },
        ended = &mut validator => ended.unwrap_or_else(|error| {
            Err(ChainError::Ended { part: format!("validator: {error}") })
        }),
        _ = &mut network => Err(ChainError::Ended { part: String::from("network") }),
    }
}

/// Locks the directory of a journal for this process and this validator.
fn lock(storage: &Path) -> Result<FileLock, ChainError> {
    let failed = |error: std::io::Error| ChainError::Storage { source: ErrorSource::new(error) };
    std::fs::create_dir_all(storage).map_err(failed)?;
    FileLock::take(&storage.join("lock")).map_err(|error| match error {
        TryLockError::WouldBlock => ChainError::Storage {
            source: ErrorSource::new("another validator holds it; two with one key are slashed"),
        },
        TryLockError::Error(error) => failed(error),
    })
}

fn refuse(reason: &str) -> ChainError {
    ChainError::Config { reason: reason.to_owned() }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| String::from("it panicked"))
}

const WORKERS: usize = 2;
const MAX_PEERS: usize = 1_024;
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Most votes that a peer may send per second; each view takes a few.
const VOTES: Quota = Quota::per_second(NZU32!(256));
/// Most requests and blocks that a peer may send per second.
const DATA: Quota = Quota::per_second(NZU32!(64));
/// Number of epochs whose members stay connected.
const TRACKED_EPOCHS: core::num::NonZeroUsize = NZUsize!(3);
