//! A chain with a market, a device that answers, and accounts that sign.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, Sealed, Signature, TxKind, U256, keccak256};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use k256::ecdsa::SigningKey;
use lazai_gas::{FeeMarket, Resources};
use lazvm::{
    Coprocessor, Fault, FaultKind, FinishReason, Generation, Job, LazEvmFactory, LazVm, ModelId,
    Outcome as Answer, Output, PortError, Prompt, Quote, Rejection, Task, TokenId, Usage, Work,
    alloy_consensus::{Header, SignableTransaction, TxEip1559, TxEnvelope, transaction::Recovered},
    revm::{
        bytecode::Bytecode,
        database::{CacheState, EmptyDB, State},
        state::AccountInfo,
    },
};
use lazvm_blocks::{
    Ancestor, Attributes, Block, Built, ChainSpec, Market, MarketImporter,
    alloy_hardforks::EthereumHardfork as Fork,
};

use crate::support::{GWEI, ancestor, genesis, spec};

pub(crate) const MODEL: ModelId = ModelId(B256::repeat_byte(0x11));
pub(crate) const GAS_LIMIT: u64 = 30_000_000;
pub(crate) const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
pub(crate) const BENEFICIARY: Address = Address::repeat_byte(0xbe);

/// Writes what a text hashes to, letter by letter; `broken` breaks it.
#[derive(Debug, Default)]
pub(crate) struct Device {
    runs: AtomicU32,
}

impl Device {
    pub(crate) fn runs(&self) -> u32 {
        self.runs.load(Relaxed)
    }
}

impl Coprocessor for Device {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        Ok(job.intrinsic_work())
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        let (text, generation) = read(job)?;
        let usage = usage(text, generation.max_tokens);
        Ok(Quote { usage, work: work(job, usage)?, output_values: 0 })
    }

    fn run(&self, job: &Job) -> Result<Answer, PortError> {
        self.runs.fetch_add(1, Relaxed);
        let (text, generation) = read(job)?;
        if text.ends_with("broken") {
            let message = "the device broke".to_owned();
            return Err(Fault { kind: FaultKind::Device, message }.into());
        }
        let usage = usage(text, generation.max_tokens);
        let hash = keccak256(text);
        let letters = hash.iter().cycle().take(generation.max_tokens as usize);
        let text: String = letters.map(|byte| char::from(b'a' + byte % 26)).collect();
        let tokens = text.bytes().map(|byte| TokenId(byte.into())).collect();
        let output = Output::Generated { tokens, text, finish: FinishReason::Length };
        Ok(Answer { output, usage, work: work(job, usage)? })
    }
}

fn read(job: &Job) -> Result<(&str, &Generation), PortError> {
    if job.model != MODEL {
        return Err(Rejection::UnknownModel { model: job.model }.into());
    }
    let Task::Generate(generation) = &job.task else {
        return Err(Rejection::Unsupported { task: job.task.kind() }.into());
    };
    match &generation.prompt {
        Prompt::Text(text) if !text.is_empty() => Ok((text, generation)),
        _ => Err(Rejection::EmptyPrompt.into()),
    }
}

const fn usage(text: &str, tokens: u32) -> Usage {
    Usage { prompt_tokens: text.len() as u32, completion_tokens: tokens }
}

fn work(job: &Job, usage: Usage) -> Result<Work, PortError> {
    let tokens = u64::from(usage.prompt_tokens + usage.completion_tokens);
    let tensors = Work { flops: 20_000_000 * tokens, peak_bytes: 4_096 * tokens };
    Ok(job.intrinsic_work().then(tensors)?)
}

pub(crate) fn factory(device: &Arc<dyn Coprocessor>) -> LazEvmFactory {
    let builder = LazVm::builder().outcome_cache(0).coprocessor(Arc::clone(device));
    builder.default_model(MODEL).factory().unwrap()
}

/// An account that signs.
pub(crate) struct Wallet {
    key: SigningKey,
    pub(crate) address: Address,
}

impl Wallet {
    pub(crate) fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(keccak256([seed]).as_slice()).unwrap();
        let address = Address::from_public_key(key.verifying_key());
        Self { key, address }
    }

    pub(crate) fn send(
        &self,
        nonce: u64,
        to: Address,
        value: u64,
        input: Bytes,
        gas_limit: u64,
    ) -> Recovered<TxEnvelope> {
        let tx = TxEip1559 {
            chain_id: 1,
            nonce,
            gas_limit,
            max_fee_per_gas: 100 * u128::from(GWEI),
            max_priority_fee_per_gas: u128::from(GWEI),
            to: TxKind::Call(to),
            value: U256::from(value),
            input,
            ..TxEip1559::default()
        };
        let hash = tx.signature_hash();
        let signature = self.key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        let envelope = TxEnvelope::from(tx.into_signed(Signature::from(signature)));
        Recovered::new_unchecked(envelope, self.address)
    }

    pub(crate) fn pay(&self, nonce: u64, to: Address, value: u64) -> Recovered<TxEnvelope> {
        self.send(nonce, to, value, Bytes::new(), 21_000)
    }

    pub(crate) fn ask(&self, nonce: u64, text: &str) -> Recovered<TxEnvelope> {
        let to = lazvm::address::RAW_PROMPT;
        self.send(nonce, to, 0, Bytes::copy_from_slice(text.as_bytes()), 2_000_000)
    }
}

/// The last block of a chain, and the state behind it.
#[derive(Clone)]
pub(crate) struct Tip {
    pub(crate) header: Header,
    pub(crate) state: CacheState,
}

impl Tip {
    /// A genesis block with three rich accounts, and the contracts that blocks of `fork` need.
    pub(crate) fn genesis(fork: Fork, wallets: &[Wallet], has_market: bool) -> Self {
        let mut state = CacheState::default();
        for wallet in wallets {
            let info = AccountInfo { balance: ETHER * U256::from(1_000), ..AccountInfo::default() };
            state.insert_account(wallet.address, info);
        }
        let mut contracts = vec![
            (alloy_eips::eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, Bytes::from_static(&[0])),
            (
                alloy_eips::eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
                Bytes::from_static(&[0]),
            ),
        ];
        if has_market {
            contracts.push((Market::ADDRESS, Market::code()));
        }
        for (address, code) in contracts {
            let code = Bytecode::new_raw(code);
            let info = AccountInfo {
                code_hash: code.hash_slow(),
                code: Some(code),
                nonce: 1,
                ..AccountInfo::default()
            };
            state.insert_account(address, info);
        }
        let mut header = genesis(&spec(fork));
        header.state_root = root(&state);
        Self { header, state }
    }

    pub(crate) fn hash(&self) -> B256 {
        self.header.hash_slow()
    }

    pub(crate) fn ancestors(&self) -> Vec<Ancestor> {
        vec![ancestor(&self.header)]
    }

    pub(crate) fn db(&self) -> State<EmptyDB> {
        State::builder().with_cached_prestate(self.state.clone()).with_bundle_update().build()
    }

    /// All wei of all accounts.
    pub(crate) fn wei(&self) -> U256 {
        self.state.trie_account().into_iter().map(|(_, account)| account.info.balance).sum()
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        let account =
            self.state.accounts.get(&address).and_then(|account| account.account.as_ref());
        account.map_or(U256::ZERO, |account| account.info.balance)
    }

    /// Builds a block above, and returns it with the tip that it makes.
    pub(crate) fn build(
        &self,
        importer: &MarketImporter,
        candidates: Vec<Recovered<TxEnvelope>>,
    ) -> (Built, Self) {
        let attributes = Attributes {
            timestamp: self.header.timestamp + 12,
            beneficiary: BENEFICIARY,
            gas_limit: GAS_LIMIT,
            parent_beacon_block_root: Some(B256::ZERO),
            ..Attributes::default()
        };
        let mut db = self.db();
        let root_of = |db: &mut State<EmptyDB>| root(&db.cache);
        let built = importer
            .build(
                &self.header,
                self.hash(),
                attributes,
                candidates,
                &Arc::default(),
                &mut db,
                root_of,
            )
            .unwrap();
        let tip = Self { header: built.block.header.clone(), state: db.cache };
        (built, tip)
    }
}

pub(crate) fn sealed(block: &Block) -> Sealed<Block> {
    Sealed::new_unchecked(block.clone(), block.header.hash_slow())
}

pub(crate) fn importer(
    fork: Fork,
    device: &Arc<dyn Coprocessor>,
    market: FeeMarket,
) -> MarketImporter {
    let spec = ChainSpec::clone(&spec(fork));
    MarketImporter::new(spec, factory(device), Market::new(market))
}

/// All fees at 1 gwei.
pub(crate) fn market() -> FeeMarket {
    FeeMarket::uniform(GAS_LIMIT, u128::from(GWEI))
}

/// A market with these fees.
pub(crate) fn market_at(fees: Resources<u128>) -> FeeMarket {
    let mut market = market();
    let Resources { evm, ai, inference } = &mut market.resources;
    for (resource, fee) in [(evm, fees.evm), (ai, fees.ai), (inference, fees.inference)] {
        resource.level = lazai_gas::FeeLevel(fee);
    }
    market
}

pub(crate) fn root(state: &CacheState) -> B256 {
    state_root_unhashed(state.trie_account().into_iter().map(|(address, account)| {
        let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let account = TrieAccount {
            nonce: account.info.nonce,
            balance: account.info.balance,
            storage_root: storage_root_unhashed(
                slots.map(|(key, value)| (B256::from(*key), *value)),
            ),
            code_hash: account.info.code_hash,
        };
        (address, account)
    }))
}
