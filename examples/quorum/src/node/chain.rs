use core::{net::SocketAddr, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use alloy_primitives::{Address, U256, keccak256};
use lazai_api_types::{ModelId, ProofSystemId};
use lazai_consensus::{
    QuorumId,
    chain::{ChainCommittee, EpochSchedule, FixedCommittees},
};
use lazai_precompiles::Precompile;
use lazai_simplex::{ChainConfig, ChainTiming};
use lazvm_executor::{Genesis, GenesisAccount, Wallet};

use crate::node::{CHAIN_ID, QUORUMS, SeatKeys, SetupError};

/// Returns the committee of `seats` validators, which belong to the quorums in turn.
fn committee(seats: usize) -> Result<ChainCommittee, SetupError> {
    let quorums = QUORUMS.iter().cycle().map(|name| QuorumId(keccak256(name)));
    let seats = (0..seats).zip(quorums);
    let seats = seats.map(|(index, quorum)| Ok(SeatKeys::new(index)?.seat(quorum)));
    Ok(ChainCommittee::new(seats.collect::<Result<_, SetupError>>()?)?)
}

/// Returns the genesis block of the example, in which `model` answers raw prompts.
///
/// # Errors
/// [`SetupError`] if the example's keys do not make a chain.
pub fn genesis(model: ModelId, seats: usize) -> Result<Genesis, SetupError> {
    let ether = U256::from(10_u64.pow(18)) * U256::from(1_000);
    let mut accounts: BTreeMap<_, _> = Precompile::genesis_accounts()
        .map(|(address, code)| (address, GenesisAccount { code, ..GenesisAccount::default() }))
        .into();
    for user in ["alice", "bob", "carol", "publisher"] {
        let address = Wallet::named(user, CHAIN_ID)?.address();
        accounts.insert(address, GenesisAccount::rich(ether));
    }
    for index in 0..seats {
        // Members of quorums stake from their wallets.
        let address = SeatKeys::new(index)?.wallet.address();
        accounts.insert(address, GenesisAccount::rich(ether));
    }
    // Blocks name the proposer by its place in the committee.
    let beneficiaries = committee(seats)?.seats().iter().map(|seat| seat.operator).collect();
    Ok(Genesis {
        chain_id: CHAIN_ID,
        gas_limit: GAS_LIMIT,
        base_fee: 1_000_000_000,
        model,
        prompt_max_tokens: 16,
        ai_from: 0,
        prices: Default::default(),
        models: Default::default(),
        // Contracts check certificates of quorums.
        proof_systems: BTreeMap::from([(0, BTreeSet::from([ProofSystemId::QUORUM]))]),
        beneficiaries,
        accounts,
    })
}

/// Returns the configuration of the consensus engine of validator `index`, with validators that
/// listen on `ports`.
///
/// # Errors
/// [`SetupError`] if the example's keys do not make a chain, or there is no port for `index`.
pub(crate) fn chain_config(
    index: usize,
    ports: &[u16],
    storage: PathBuf,
) -> Result<ChainConfig, SetupError> {
    let mut peers = BTreeMap::new();
    for (peer, port) in ports.iter().enumerate() {
        peers.insert(SeatKeys::new(peer)?.identity.public_key(), local_address(*port));
    }
    let SeatKeys { identity, vote_key, .. } = SeatKeys::new(index)?;
    Ok(ChainConfig {
        identity,
        vote_key,
        committees: Arc::new(FixedCommittees::new(committee(ports.len())?)),
        epochs: EpochSchedule::default(),
        // All validators are on one machine; the defaults are for the internet.
        timing: ChainTiming {
            leader: Duration::from_millis(800),
            certification: Duration::from_millis(1_600),
            retry: Duration::from_secs(1),
            fetch: Duration::from_millis(500),
        },
        listen: ports.get(index).copied().map(local_address).ok_or(SetupError::NoPort { index })?,
        peers,
        storage,
    })
}

/// Returns the address of a port of this machine.
pub(crate) fn local_address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Address of the precompile that answers raw prompts.
pub const RAW_PROMPT: Address = lazai_precompiles::address::RAW_PROMPT;

/// Gas limit of a block: enough for an answer of the model, and little enough to execute at once.
const GAS_LIMIT: u64 = 10_000_000;
