#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_arithmetic
)]

use alloc::{collections::BTreeMap, sync::Arc, vec, vec::Vec};
use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{
    net::TcpListener,
    println,
    sync::mpsc::{self, Receiver},
    time::Instant,
};

use alloy_primitives::{Address, B256};
use commonware_cryptography::{Signer, ed25519};
use commonware_p2p::simulated::{Config, Link, Network};
use commonware_runtime::{Clock, Quota, Runner, Spawner, Supervisor, deterministic};
use commonware_utils::{
    NZU32, NZUsize,
    channel::{mpsc as channel, oneshot},
    probability,
};
use lazai_availability::{Coding, Manifest, MemoryStore, encode};
use lazai_consensus::{
    Attestation, Attestor, Candidate, Committee, Epoch, Fact, MemoryVoteStore, QuorumId,
    bls::SecretKey,
};
use lazai_quorum::{
    Command, Limits, MemoryLedger, Output, QuorumMember, Recovered, Request, Worker,
};

use super::{
    MemberAddress, NetworkConfig, QuorumHandle, QuorumService,
    driver::{Channel, OwnerChannels, drive},
};

const QUORUM: QuorumId = QuorumId(B256::repeat_byte(7));

fn secret(index: usize) -> SecretKey {
    SecretKey::from_seed(&[u8::try_from(index).unwrap() + 1; 32]).unwrap()
}

fn address(index: usize) -> Address {
    Address::repeat_byte(u8::try_from(index).unwrap() + 1)
}

fn committee(members: usize) -> Arc<Committee> {
    let candidates = (0..members).map(|index| {
        let (address, secret) = (address(index), secret(index));
        let possession = secret.prove_possession(address);
        Candidate { address, weight: 1, key: secret.public_key(), possession }
    });
    Arc::new(Committee::new(QUORUM, Epoch(1), candidates.collect()).unwrap())
}

fn member(index: usize, committee: &Arc<Committee>) -> QuorumMember<MemoryVoteStore> {
    let signer = Attestor::new(address(index), secret(index), MemoryVoteStore::default());
    QuorumMember::new(signer, Arc::clone(committee), Limits::default(), Recovered::default())
}

fn worker() -> Arc<Worker> {
    Arc::new(Worker::new(MemoryStore::default(), MemoryLedger::default()))
}

/// Encodes a dataset into a worker's store.
fn publish(worker: &Worker, members: u16, data: &[u8]) -> (Attestation, Arc<Manifest>) {
    let mut shards = Vec::new();
    let coding = Coding::with_stripe_bytes(members, 16_384).unwrap();
    let manifest = encode(data, coding, &mut shards).unwrap();
    let root = manifest.root();
    worker.with_store(|store| {
        store.add(manifest.clone()).unwrap();
        shards.into_iter().for_each(|shard| store.put(root, shard).unwrap());
    });
    let fact = Fact::Available {
        dataset: B256::ZERO,
        version: 1,
        root,
        bytes: data.len() as u64,
        k: coding.k(),
        n: coding.n(),
        until_epoch: Epoch(9),
    };
    (Attestation { quorum: QUORUM, epoch: Epoch(1), fact }, Arc::new(manifest))
}

/// Runs a quorum on the simulated network, and returns for each member the time to its certificate
/// in milliseconds, with a digest of the run.
fn simulate(members: u16, latency: Duration, jitter: Duration, seed: u64) -> (Vec<u128>, String) {
    let count = usize::from(members);
    deterministic::Runner::seeded(seed).start(|context| async move {
        let keys: Vec<_> =
            (0..members).map(|index| ed25519::PrivateKey::from_seed(index.into())).collect();
        let keys: Vec<_> = keys.iter().map(Signer::public_key).collect();
        let config = Config {
            max_size: 16 << 20,
            max_peers_per_set: NZUsize!(64),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(1),
        };
        let (network, oracle) =
            Network::new_with_peers(context.child("network"), config, keys.clone()).await;
        network.start();
        for from in &keys {
            for to in keys.iter().filter(|to| *to != from) {
                let link = Link { latency, jitter, success_rate: probability!(1.0) };
                oracle.add_link(from.clone(), to.clone(), link).await.unwrap();
            }
        }
        let directory: BTreeMap<_, _> = (0..count).map(address).zip(keys.clone()).collect();
        let committee = committee(count);
        let quota = Quota::per_second(NZU32!(10_000));
        let (mut events, mut commands, mut stops) = (Vec::new(), Vec::new(), Vec::new());
        let mut publisher = None;
        for (index, key) in keys.iter().enumerate() {
            let control = oracle.control(key.clone());
            let (sender, receiver) = control.register(0, quota).await.unwrap();
            let (command, orders) = channel::unbounded_channel();
            let (event, heard) = mpsc::channel();
            let (stop, stopped) = oneshot::channel();
            let worker = worker();
            publisher.get_or_insert_with(|| Arc::clone(&worker));
            let directory = directory.clone();
            let channel = Channel { sender, receiver, blocker: control, directory };
            let ends = OwnerChannels { commands: orders, events: event, stopped };
            let member = member(index, &committee);
            let task = context.child("member").with_attribute("index", index);
            task.spawn(move |context| drive(context, member, worker, channel, ends));
            events.push(heard);
            commands.push(command);
            stops.push(stop);
        }
        let (attestation, manifest) = publish(&publisher.unwrap(), members, &[7; 20_000]);
        let start = context.current();
        let request = Request::available(attestation, manifest).unwrap();
        commands[0].send(Command::Ask(request)).unwrap();
        let mut times = vec![None; count];
        while times.contains(&None) {
            context.sleep(Duration::from_millis(1)).await;
            let elapsed = context.current().duration_since(start).unwrap().as_millis();
            assert!(elapsed < 60_000, "{times:?}");
            for (heard, time) in events.iter().zip(&mut times) {
                for event in heard.try_iter() {
                    match event {
                        Output::Certified { attestation: certified, certificate } => {
                            assert_eq!(certified, attestation);
                            certificate.verify(&attestation, &committee).unwrap();
                            time.get_or_insert(elapsed);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        (times.into_iter().flatten().collect(), context.auditor().state())
    })
}

#[test]
fn certificates_take_two_delays_on_the_simulated_network() {
    for members in [4, 7, 13] {
        for (latency, jitter) in [(50, 0), (100, 0), (100, 30)] {
            let millis = Duration::from_millis;
            let (times, state) = simulate(members, millis(latency), millis(jitter), 1);
            let worst = *times.iter().max().unwrap() as f64 / latency as f64;
            println!("n={members} latency={latency}+-{jitter} ms: {times:?} ms, {worst:.2} delays");
            assert!((1.9..3.0).contains(&worst), "{worst}");
            // Equal seeds give equal runs.
            assert_eq!(simulate(members, millis(latency), millis(jitter), 1), (times, state));
        }
    }
}

/// Returns free ports. All are bound until all are known, so that they differ.
fn free_addresses() -> Vec<SocketAddr> {
    let listeners = (0..4).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let listeners: Vec<_> = listeners.collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
}

fn certified(events: &Receiver<Output>, attestation: &Attestation, committee: &Committee) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap() {
            Output::Certified { attestation: certified, certificate } => {
                assert_eq!(certified, *attestation);
                return certificate.verify(attestation, committee).unwrap();
            }
            Output::Fault { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}

#[test]
fn members_certify_and_read_over_tcp() {
    let committee = committee(4);
    let identity = |index: usize| [u8::try_from(index).unwrap() + 50; 32];
    let addresses = free_addresses();
    let members: Vec<_> = (0..4)
        .map(|index| MemberAddress {
            member: address(index),
            identity: QuorumService::public_identity(&identity(index)).unwrap(),
            address: addresses[index],
        })
        .collect();
    let workers: Vec<_> = (0..4).map(|_| worker()).collect();
    let start = |index: usize| -> QuorumHandle {
        let (listen, members) = (members[index].address, members.clone());
        let config = NetworkConfig { identity: identity(index), listen, members };
        let member = member(index, &committee);
        QuorumService::start(config, member, Arc::clone(&workers[index])).unwrap()
    };
    let mut handles: Vec<_> = (0..4).map(start).collect();
    let data = vec![5; 50_000];
    let (attestation, manifest) = publish(&workers[0], 4, &data);
    let root = manifest.root();
    let request = Request::available(attestation, manifest).unwrap();
    handles[0].command(Command::Ask(request)).unwrap();
    for handle in &handles {
        certified(handle.events(), &attestation, &committee);
    }
    // The publisher leaves.
    handles.remove(0).stop().unwrap();
    handles[0].command(Command::Read { root }).unwrap();
    loop {
        match handles[0].events().recv_timeout(Duration::from_secs(60)).unwrap() {
            Output::Read { data: read, .. } => break assert_eq!(read, Ok(data)),
            Output::Fault { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}
