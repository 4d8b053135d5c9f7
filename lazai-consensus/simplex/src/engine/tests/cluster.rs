use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
};

use alloy_primitives::{Address, B256};
use commonware_cryptography::{Signer, ed25519::PrivateKey};
use commonware_p2p::simulated::{self, Link, Oracle};
use commonware_runtime::{Clock, Handle, Quota, Supervisor, deterministic::Context};
use commonware_utils::{NZU32, NZUsize, TryFromIterator, ordered::Map, probability};
use lazai_consensus::{
    QuorumId,
    bls::SecretKey,
    chain::{ChainCommittee, CommitteeSource, EpochSchedule, Seat},
};

use super::Ledger;
use crate::{
    ChainError, ChainEvent, ChainTiming,
    engine::{Identity, Network, ValidatorConfig, max_message_size, start_validator},
};

/// The keys of an operator.
pub(in super::super) fn operator(number: u8) -> (PrivateKey, SecretKey) {
    let identity = PrivateKey::from_seed(u64::from(number));
    (identity, SecretKey::from_seed(&[number; 32]).unwrap())
}

/// A committee with a seat for each of some operators.
pub(in super::super) fn committee(operators: &[u8]) -> ChainCommittee {
    let seat = |number: &u8| {
        let (identity, vote_key) = operator(*number);
        Seat {
            quorum: QuorumId(B256::repeat_byte(*number)),
            operator: Address::repeat_byte(*number),
            identity: identity.public_key().as_ref().try_into().unwrap(),
            vote_key: vote_key.public_key(),
            possession: vote_key.prove_possession(Address::repeat_byte(*number)),
            weight: 1 + u64::from(*number),
        }
    };
    ChainCommittee::new(operators.iter().map(seat).collect()).unwrap()
}

/// Validators on a simulated network.
pub(in super::super) struct Cluster {
    pub(in super::super) context: Context,
    pub(in super::super) oracle: Oracle<Identity, Context>,
    pub(in super::super) validators: BTreeMap<u8, Validator>,
    operators: Vec<u8>,
    committees: Arc<dyn CommitteeSource>,
    epochs: EpochSchedule,
    starts: u64,
}

pub(in super::super) struct Validator {
    pub(in super::super) handle: Handle<Result<(), ChainError>>,
    pub(in super::super) ledger: Arc<Ledger>,
    pub(in super::super) events: Receiver<ChainEvent>,
}

impl Cluster {
    /// A network of `operators`, none of which runs yet.
    pub(in super::super) async fn new(
        context: Context,
        operators: &[u8],
        committees: impl CommitteeSource,
        epoch_length: u64,
    ) -> Self {
        Self::with_link(context, operators, committees, epoch_length, LINK).await
    }

    /// A network with other delays.
    pub(in super::super) async fn with_link(
        context: Context,
        operators: &[u8],
        committees: impl CommitteeSource,
        epoch_length: u64,
        link: Link,
    ) -> Self {
        let config = simulated::Config {
            max_size: max_message_size(),
            max_peers_per_set: NZUsize!(8),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(3),
        };
        let identities: Vec<_> = operators.iter().map(|number| identity(*number)).collect();
        let (network, oracle) = simulated::Network::new_with_peers(
            context.child("network"),
            config,
            identities.clone(),
        )
        .await;
        network.start();
        for from in &identities {
            for to in identities.iter().filter(|to| *to != from) {
                oracle.add_link(from.clone(), to.clone(), link.clone()).await.unwrap();
            }
        }
        Self {
            context,
            oracle,
            validators: BTreeMap::new(),
            operators: operators.to_vec(),
            committees: Arc::new(committees),
            epochs: EpochSchedule::new(epoch_length).unwrap(),
            starts: 0,
        }
    }

    /// Starts all, each with a new executor.
    pub(in super::super) async fn start_all(&mut self) {
        for number in self.operators.clone() {
            self.start(number, Arc::default()).await;
        }
    }

    /// Starts a validator, anew if it has run before.
    pub(in super::super) async fn start(&mut self, number: u8, ledger: Arc<Ledger>) {
        self.start_with(number, ledger, &format!("validator-{number}")).await;
    }

    /// Starts a validator with the journal of a given name.
    pub(in super::super) async fn start_with(
        &mut self,
        number: u8,
        ledger: Arc<Ledger>,
        partition: &str,
    ) {
        let identity = identity(number);
        let control = self.oracle.control(identity.clone());
        let quota = Quota::per_second(NZU32!(256));
        let network = Network {
            votes: control.register(0, quota).await.unwrap(),
            certificates: control.register(1, quota).await.unwrap(),
            resolver: control.register(2, quota).await.unwrap(),
            backfill: control.register(3, quota).await.unwrap(),
            broadcast: control.register(4, quota).await.unwrap(),
            peers: self.oracle.socket_manager(),
            blocker: control,
        };
        let address = |number: &u8| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1 + u16::from(*number)));
            (super::cluster::identity(*number), address.into())
        };
        let config = ValidatorConfig {
            identity,
            vote_key: operator(number).1,
            partition: partition.to_owned(),
            committees: Arc::clone(&self.committees),
            epochs: self.epochs,
            timing: ChainTiming::default(),
            addresses: Map::try_from_iter(self.operators.iter().map(address)).unwrap(),
        };
        let (sender, events) = channel();
        self.starts += 1;
        let environment = self.context.child("validator").with_attribute("start", self.starts);
        let executor = Arc::clone(&ledger);
        let handle = start_validator(environment, config, network, executor, sender);
        self.validators.insert(number, Validator { handle, ledger, events });
    }

    /// Kills a validator; its files and its executor remain.
    pub(in super::super) async fn crash(&mut self, number: u8) -> Arc<Ledger> {
        let validator = self.validators.remove(&number).unwrap();
        validator.handle.abort();
        let _ = validator.handle.await;
        validator.ledger
    }

    /// Waits until each of the running validators has committed `height`.
    pub(in super::super) async fn reach(&self, height: u64) {
        let behind = |validator: &Validator| {
            validator.ledger.blocks().last().map_or(0, |block| block.height) < height
        };
        while self.validators.values().any(behind) {
            self.context.sleep(Duration::from_millis(100)).await;
        }
    }

    /// Checks that all have the same blocks, as far as they have come.
    pub(in super::super) fn agree(&self) {
        let chains: Vec<_> =
            self.validators.values().map(|validator| validator.ledger.blocks()).collect();
        let longest = chains.iter().max_by_key(|chain| chain.len()).unwrap();
        for chain in &chains {
            assert_eq!(chain[..], longest[..chain.len()]);
        }
        for (block, height) in longest.iter().zip(1..) {
            assert_eq!(block.height, height);
        }
    }
}

pub(in super::super) fn identity(number: u8) -> Identity {
    operator(number).0.public_key()
}

const LINK: Link = Link {
    latency: Duration::from_millis(20),
    jitter: Duration::from_millis(5),
    success_rate: probability!(1.0),
};
