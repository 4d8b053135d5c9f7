use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec, vec::Vec};
use core::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, channel};

use alloy_primitives::{Address, B256, keccak256};
use commonware_cryptography::{
    Signer as _,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::{
    Recipients,
    simulated::{Sender, SplitOrigin},
    utils::mux,
};
use commonware_runtime::{Handle, IoBuf, Spawner as _, Supervisor as _, deterministic};
use commonware_utils::{TryFromIterator as _, ordered::Map, sync::Mutex};
use lazai_api_types::chain::Block;
use lazai_consensus::{
    QuorumId,
    bls::SecretKey,
    chain::{
        ChainCommittee, CommitteeSource, EpochSchedule, FinalityCertificate, FixedCommittees, Seat,
    },
};
use lazai_simplex::{
    ChainEvent, ChainTiming,
    simulator::{Network, Scheme, ValidatorConfig, max_message_size, start_validator},
};

use super::{
    executors::{ComparedExecutor, Executors},
    nodes::{NodeFactory, RunContext, channels, key},
    observer::record_vote,
    plan::Plan,
    record::{Certified, Record, place},
};

/// Starts complete validators of the chain, with the unmodified engine and with executors.
pub(super) struct Validators {
    participants: Arc<[PublicKey]>,
    record: Arc<Mutex<Record>>,
    vote_keys: Vec<SecretKey>,
    committee: ChainCommittee,
    epochs: EpochSchedule,
    executors: Executors,
    /// The event channel of each started validator, with its node.
    events: Mutex<Vec<(u16, Receiver<ChainEvent>)>>,
}

impl Validators {
    pub(super) fn new(plan: &Plan, executors: Executors) -> Result<Self, String> {
        let committee = Operator::committee(plan.nodes)?;
        let mut operators: BTreeMap<[u8; 32], Operator> = BTreeMap::new();
        for number in 0..plan.nodes {
            let operator = Operator::new(number)?;
            operators.insert(operator.public(), operator);
        }
        // A node is identified by the index of its seat.
        let mut participants = Vec::new();
        let mut vote_keys = Vec::new();
        for seat in committee.seats() {
            let operator = operators.remove(&seat.identity).ok_or("a seat has an operator")?;
            participants.push(operator.identity.public_key());
            vote_keys.push(operator.vote_key);
        }
        let genesis = Block::genesis(executors.of(0).genesis_state_root()).digest();
        let record = Record { genesis, honest: plan.honest(), ..Record::default() };
        let epochs = EpochSchedule::new(plan.epoch_length).map_err(|error| format!("{error}"))?;
        Ok(Self {
            participants: participants.into(),
            record: Arc::new(Mutex::new(record)),
            vote_keys,
            committee,
            epochs,
            executors,
            events: Mutex::default(),
        })
    }

    fn heard(&self, node: u16, event: &ChainEvent) {
        let mut record = self.record.lock();
        match event {
            ChainEvent::Finalized { block, certificate } => {
                if let Some(certificate) = certificate {
                    self.certified(&mut record, node, block, certificate);
                }
            }
            ChainEvent::Equivocation(evidence) => {
                if evidence.verify(record.genesis, &self.committee).is_ok() {
                    let accused = u16::try_from(evidence.seat).unwrap_or(u16::MAX);
                    record.accusations.insert((node, accused));
                }
            }
            ChainEvent::EpochChange { .. } | ChainEvent::Stopped(_) => {}
        }
    }

    fn certified(
        &self,
        record: &mut Record,
        node: u16,
        block: &Block,
        certificate: &FinalityCertificate,
    ) {
        let genesis = record.genesis;
        let name = keccak256(certificate.encode());
        let valid = *record
            .verified
            .entry(name)
            .or_insert_with(|| certificate.verify(genesis, &self.committee).is_ok());
        if !valid || certificate.proposal.digest != block.digest() {
            record.invalid.insert(node);
            return;
        }
        let signers: Vec<u16> =
            certificate.seats().into_iter().filter_map(|seat| u16::try_from(seat).ok()).collect();
        let view = place(block.epoch, block.view);
        record.certified(node, view, Certified::Finalized(block.digest()), &signers);
    }
}

impl NodeFactory for Validators {
    fn participants(&self) -> &Arc<[PublicKey]> {
        &self.participants
    }

    fn record(&self) -> &Arc<Mutex<Record>> {
        &self.record
    }

    fn network(&self) -> (u32, usize) {
        (max_message_size(), 8)
    }

    async fn start(
        &self,
        run: RunContext<'_>,
        node: u16,
        disk: usize,
        life: u64,
    ) -> Result<Vec<Handle<()>>, String> {
        let identity = key(&self.participants, node)?;
        let context =
            run.context.child("node").with_attribute("node", node).with_attribute("life", life);
        // The channels differ in one type parameter; only votes are recorded.
        let listen = |sender: Sender<PublicKey, deterministic::Context>, votes: bool| {
            let record = votes.then(|| self.record.clone());
            let listen =
                move |_: SplitOrigin, to: &Recipients<PublicKey>, message: &IoBuf| match record
                    .as_ref()
                    .zip(mux::parse(message.clone()).ok())
                {
                    Some((record, (_, vote))) => record_vote::<Scheme>(record, node, to, &vote),
                    None => Some(to.clone()),
                };
            sender.split_with(listen).0
        };
        let [votes, certificates, resolver, backfill, broadcast] =
            channels(run, identity.clone()).await?;
        let network = Network {
            votes: (listen(votes.0, true), votes.1),
            certificates: (listen(certificates.0, false), certificates.1),
            resolver: (listen(resolver.0, false), resolver.1),
            backfill: (listen(backfill.0, false), backfill.1),
            broadcast: (listen(broadcast.0, false), broadcast.1),
            peers: run.oracle.socket_manager(),
            blocker: run.oracle.control(identity.clone()),
        };
        let addresses = self.participants.iter().zip(1..).map(|(identity, port)| {
            (identity.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())
        });
        let vote_key = self.vote_keys.get(usize::from(node)).cloned();
        let committees: Arc<dyn CommitteeSource> =
            Arc::new(FixedCommittees::new(self.committee.clone()));
        let config = ValidatorConfig {
            identity,
            vote_key: vote_key.ok_or_else(|| format!("there is no node {node}"))?,
            partition: format!("node-{node}-{disk}"),
            committees,
            epochs: self.epochs,
            timing: ChainTiming::default(),
            addresses: Map::try_from_iter(addresses).map_err(|error| format!("{error:?}"))?,
        };
        let executor = ComparedExecutor {
            inner: self.executors.of(node),
            node,
            record: self.record.clone(),
            context: Arc::new(context.child("executor")),
        };
        executor.resume();
        let (sender, events) = channel();
        self.events.lock().push((node, events));
        // A task of its own, so that all tasks of the validator end with it.
        let task = context.child("validator").spawn(move |context| async move {
            let engine = context.child("engine");
            let ended = start_validator(engine, config, network, Arc::new(executor), sender).await;
            // The event of its end holds the reason.
            drop(ended);
        });
        Ok(vec![task])
    }

    fn listen(&self) {
        let events = self.events.lock();
        for (node, receiver) in events.iter() {
            for event in receiver.try_iter() {
                self.heard(*node, &event);
            }
        }
    }
}

/// The operator of a node.
struct Operator {
    identity: PrivateKey,
    vote_key: SecretKey,
    number: u16,
}

impl Operator {
    fn new(number: u16) -> Result<Self, String> {
        let seed =
            keccak256([b"lazvm/simulation/operator/1".as_slice(), &number.to_be_bytes()].concat());
        let vote_key = SecretKey::from_seed(seed.as_slice()).map_err(|error| format!("{error}"))?;
        Ok(Self { identity: PrivateKey::from_seed(u64::from(number)), vote_key, number })
    }

    fn public(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let key = self.identity.public_key();
        for (byte, of_key) in bytes.iter_mut().zip(key.as_ref()) {
            *byte = *of_key;
        }
        bytes
    }

    /// Creates a committee with one seat for each of `nodes` operators, all of equal weight.
    fn committee(nodes: u16) -> Result<ChainCommittee, String> {
        let seat = |number: u16| {
            let operator = Self::new(number)?;
            let wallet = Address::left_padding_from(&operator.number.to_be_bytes());
            Ok(Seat {
                quorum: QuorumId(B256::left_padding_from(&operator.number.to_be_bytes())),
                operator: wallet,
                identity: operator.public(),
                vote_key: operator.vote_key.public_key(),
                possession: operator.vote_key.prove_possession(wallet),
                weight: 1,
            })
        };
        let seats = (0..nodes).map(seat).collect::<Result<Vec<_>, String>>()?;
        ChainCommittee::new(seats).map_err(|error| format!("{error}"))
    }
}
