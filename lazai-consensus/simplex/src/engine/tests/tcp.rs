use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{collections::BTreeMap, net::TcpListener, path::Path, sync::Arc, time::Instant};

use alloy_primitives::B256;
use commonware_cryptography::Signer;
use lazai_api_types::chain::{Block, BlockExecutor};
use lazai_consensus::chain::{EpochSchedule, FixedCommittees};

use super::{
    Ledger,
    cluster::{committee, operator},
};
use crate::{
    ChainConfig, ChainEngine, ChainError, ChainEvent, ChainHandle, ChainTiming, IdentitySecret,
    SimplexEngine,
};

const OPERATORS: [u8; 4] = [1, 2, 3, 4];

fn config(number: u8, addresses: &BTreeMap<u8, SocketAddr>, storage: &Path) -> ChainConfig {
    let (identity, vote_key) = operator(number);
    let peer = |(number, address): (&u8, &SocketAddr)| {
        let identity = operator(*number).0.public_key();
        (identity.as_ref().try_into().unwrap(), *address)
    };
    let bytes = commonware_codec::Encode::encode(&identity);
    let secret = IdentitySecret(bytes.as_ref().try_into().unwrap());
    assert_eq!(secret.public_key(), identity.public_key().as_ref());
    ChainConfig {
        identity: secret,
        vote_key,
        committees: Arc::new(FixedCommittees::new(committee(&OPERATORS))),
        epochs: EpochSchedule::new(12).unwrap(),
        timing: ChainTiming::default(),
        listen: addresses[&number],
        peers: addresses.iter().map(peer).collect(),
        storage: storage.join(format!("validator-{number}")),
    }
}

fn addresses() -> BTreeMap<u8, SocketAddr> {
    // Ports that were free a moment ago; all are held until all are known.
    let listeners: Vec<_> = OPERATORS
        .iter()
        .map(|number| (*number, TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()))
        .collect();
    listeners.iter().map(|(number, port)| (*number, port.local_addr().unwrap())).collect()
}

/// Waits for `ledger` to commit `height`.
fn reach(ledger: &Ledger, height: u64) {
    let begin = Instant::now();
    while ledger.blocks().last().map_or(0, |block| block.height) < height {
        assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", ledger.blocks().len());
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn four_validators_agree_over_tcp_and_one_comes_back() {
    let storage = tempfile::tempdir().unwrap();
    let addresses = addresses();
    let ledgers = OPERATORS.map(|_| Arc::new(Ledger::default()));
    let start = |number: u8, ledger: &Arc<Ledger>| {
        let executor = Arc::clone(ledger) as Arc<dyn BlockExecutor>;
        SimplexEngine.start(config(number, &addresses, storage.path()), executor)
    };
    let mut handles: Vec<_> = OPERATORS
        .iter()
        .zip(&ledgers)
        .map(|(number, ledger)| start(*number, ledger).unwrap())
        .collect();
    // Across an epoch.
    ledgers.iter().for_each(|ledger| reach(ledger, 15));

    // Nobody else may use the journal meanwhile.
    assert!(matches!(start(4, &ledgers[3]), Err(ChainError::Storage { .. })));
    handles.pop().unwrap().stop().unwrap();
    let missed = ledgers[3].blocks().last().unwrap().height + 15;
    ledgers[..3].iter().for_each(|ledger| reach(ledger, missed));
    let back = start(4, &ledgers[3]).unwrap();
    reach(&ledgers[3], missed + 5);

    let genesis = Block::genesis(B256::ZERO).digest();
    let mut certified = 0;
    for event in back.events().try_iter() {
        match event {
            ChainEvent::Finalized { block, certificate: Some(certificate) } => {
                assert_eq!(certificate.proposal.digest, block.digest());
                assert_eq!(certificate.verify(genesis, &committee(&OPERATORS)), Ok(()));
                certified += 1;
            }
            ChainEvent::Equivocation(_) | ChainEvent::Stopped(_) => panic!("{event:?}"),
            _ => {}
        }
    }
    assert!(certified > 10, "{certified}");
    handles.push(back);
    for handle in handles {
        handle.stop().unwrap();
    }
    let chains = ledgers.map(|ledger| ledger.blocks());
    for height in 0..usize::try_from(missed).unwrap() {
        assert!(chains.iter().all(|chain| chain[height] == chains[0][height]), "{height}");
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let storage = tempfile::tempdir().unwrap();
    let base = config(1, &addresses(), storage.path());
    let timing = ChainTiming { certification: Duration::from_secs(1), ..ChainTiming::default() };
    let wrong = ChainConfig { timing, ..base };
    let refused = SimplexEngine.start(wrong, Arc::new(Ledger::default())).map(|_| ());
    assert!(matches!(refused, Err(ChainError::Config { .. })), "{refused:?}");
}
