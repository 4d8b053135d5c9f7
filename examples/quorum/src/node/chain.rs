use core::{net::SocketAddr, time::Duration};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use alloy_primitives::{Address, U256, keccak256};
use lazai_api_types::ModelId;
use lazai_consensus::{
    QuorumId,
    bls::{InvalidKeyMaterial, SecretKey},
    chain::{ChainCommittee, ChainCommitteeError, EpochSchedule, FixedCommittees, Seat},
};
use lazai_simplex::{ChainConfig, ChainTiming, Identity};
use lazvm_executor::{Genesis, GenesisAccount, Wallet, WalletError};

/// The keys of a seat. Anyone can compute them: they are for examples and tests.
#[derive(Clone, Debug)]
pub struct SeatKeys {
    /// Its wallet, which gets the tips of its blocks.
    pub wallet: Wallet,
    /// How it is known in the network.
    pub identity: Identity,
    /// The key of its votes.
    pub vote_key: SecretKey,
}

impl SeatKeys {
    /// The keys of the seat that the example counts as `index`.
    ///
    /// # Errors
    /// [`KeyError`] if the example's names give no keys, which they do.
    pub fn new(index: usize) -> Result<Self, KeyError> {
        let secret = |what: &str| keccak256(format!("lazvm/example-seat/1/{what}/{index}")).0;
        Ok(Self {
            wallet: Wallet::named(&format!("validator {index}"), CHAIN_ID)?,
            identity: Identity(secret("identity")),
            vote_key: SecretKey::from_seed(&secret("vote"))?,
        })
    }

    fn seat(&self, quorum: QuorumId) -> Seat {
        let operator = self.wallet.address();
        Seat {
            quorum,
            operator,
            identity: self.identity.public_key(),
            vote_key: self.vote_key.public_key(),
            possession: self.vote_key.prove_possession(operator),
            weight: 1,
        }
    }
}

/// The quorum that the seats of even or odd places belong to: two quorums share the chain.
#[must_use]
pub fn quorum_of(index: usize) -> QuorumId {
    QuorumId(keccak256(if index.is_multiple_of(2) { "health records" } else { "city sensors" }))
}

/// The committee of `seats` seats.
///
/// # Errors
/// [`KeyError`] or [`ChainCommitteeError`] if the example's keys do not fit, which they do.
pub fn committee(seats: usize) -> Result<ChainCommittee, ChainSetupError> {
    let seats = (0..seats).map(|index| Ok(SeatKeys::new(index)?.seat(quorum_of(index))));
    Ok(ChainCommittee::new(seats.collect::<Result<_, KeyError>>()?)?)
}

/// The genesis block of the example, in which `model` answers raw prompts.
///
/// # Errors
/// [`KeyError`] if the example's names give no keys, which they do.
pub fn genesis(model: ModelId, seats: usize) -> Result<Genesis, ChainSetupError> {
    let ether = U256::from(10_u64.pow(18)) * U256::from(1_000);
    let users = ["alice", "bob", "carol", "publisher"];
    let mut accounts = BTreeMap::new();
    for user in users {
        let address = Wallet::named(user, CHAIN_ID).map_err(KeyError::from)?.address();
        accounts.insert(address, GenesisAccount::rich(ether));
    }
    for index in 0..seats {
        // Members stake from their wallets.
        let address = SeatKeys::new(index)?.wallet.address();
        accounts.insert(address, GenesisAccount::rich(ether));
    }
    // Blocks name seats by their place in the committee.
    let beneficiaries = committee(seats)?.seats().iter().map(|seat| seat.operator).collect();
    Ok(Genesis {
        chain_id: CHAIN_ID,
        gas_limit: GAS_LIMIT,
        base_fee: 1_000_000_000,
        model,
        prompt_max_tokens: 16,
        beneficiaries,
        accounts,
    })
}

/// What the engine of validator `index` is told, of validators that listen on `ports`.
///
/// # Errors
/// [`ChainSetupError`] if the example's keys do not fit, which they do, or there is no port for `index`.
pub fn chain_config(
    index: usize,
    ports: &[u16],
    storage: PathBuf,
) -> Result<ChainConfig, ChainSetupError> {
    let address = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
    let listen = ports.get(index).map(address).ok_or(ChainSetupError::NoPort { index })?;
    let mut peers = BTreeMap::new();
    for (peer, port) in ports.iter().enumerate() {
        peers.insert(SeatKeys::new(peer)?.identity.public_key(), address(port));
    }
    let SeatKeys { identity, vote_key, .. } = SeatKeys::new(index)?;
    Ok(ChainConfig {
        identity,
        vote_key,
        committees: Arc::new(FixedCommittees::new(committee(ports.len())?)),
        epochs: EpochSchedule::default(),
        // On one machine; the defaults are for the internet.
        timing: ChainTiming {
            leader: Duration::from_millis(800),
            certification: Duration::from_millis(1_600),
            retry: Duration::from_secs(1),
            fetch: Duration::from_millis(500),
        },
        listen,
        peers,
        storage,
    })
}

/// Why the example's keys do not make a chain.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainSetupError {
    /// The seats do not make a committee.
    #[error(transparent)]
    Committee(#[from] ChainCommitteeError),
    /// A name gives no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There are fewer ports than validators.
    #[error("validator {index} has no port: name one for each validator")]
    NoPort {
        /// The validator.
        index: usize,
    },
}

/// A name that gives no key.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// No voting key.
    #[error(transparent)]
    Vote(#[from] InvalidKeyMaterial),
    /// No wallet.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// The account that answers raw prompts.
pub const RAW_PROMPT: Address = lazai_precompiles::address::RAW_PROMPT;

/// The id of the example's chain.
pub const CHAIN_ID: u64 = 1_337;

/// Gas of a block: enough for an answer of the model, and little enough to execute at once.
const GAS_LIMIT: u64 = 10_000_000;

/// The place of the seat of `operator` in blocks.
#[must_use]
pub fn place_of(committee: &ChainCommittee, operator: Address) -> Option<usize> {
    committee.seats().iter().position(|seat| seat.operator == operator)
}
