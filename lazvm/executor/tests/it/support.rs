use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, OnceLock},
};

use alloy_primitives::{Address, B256, Bytes, U256, address};
use lazai_api_types::{
    Coprocessor, Fault, FaultKind, Job, ModelId, Outcome, PortError, Quote, Work,
    chain::{Block, BlockContext, BlockExecutor},
};
use lazvm_executor::{Devices, Genesis, GenesisAccount, LazVmExecutor, TransactionRequest, Wallet};

use crate::storyteller::storyteller;

pub(crate) const CHAIN: u64 = 1_337;
pub(crate) const GAS_LIMIT: u64 = 5_000_000;
/// What each account of [`genesis`] owns: 1,000 ether.
pub(crate) const RICH: U256 = U256::from_limbs([3_875_820_019_684_212_736, 54, 0, 0]);
pub(crate) const GWEI: u64 = 1_000_000_000;
pub(crate) const MAX_BYTES: usize = 1 << 20;
pub(crate) const RAW_PROMPT: Address = address!("0000000000000000000000000000000000000999");

/// The shipped model, loaded once.
pub(crate) fn model() -> (Arc<dyn Coprocessor>, ModelId) {
    static MODEL: OnceLock<(Arc<dyn Coprocessor>, ModelId)> = OnceLock::new();
    MODEL.get_or_init(|| storyteller(1).unwrap()).clone()
}

pub(crate) fn devices() -> Devices {
    Devices::new(model().0)
}

pub(crate) fn wallet(name: &str) -> Wallet {
    Wallet::named(name, CHAIN).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    let rich = |name| (wallet(name).address(), GenesisAccount::rich(RICH));
    Genesis {
        chain_id: CHAIN,
        gas_limit: GAS_LIMIT,
        base_fee: GWEI,
        model: model().1,
        prompt_max_tokens: 8,
        ai_from: 0,
        prices: Default::default(),
        models: Default::default(),
        proof_systems: Default::default(),
        beneficiaries: vec![Address::repeat_byte(0xfe)],
        accounts: ["alice", "bob", "carol", "erin"].into_iter().map(rich).collect(),
    }
}

pub(crate) fn executor() -> LazVmExecutor {
    LazVmExecutor::in_memory(genesis(), devices()).unwrap()
}

pub(crate) fn prompt(text: &str) -> TransactionRequest {
    TransactionRequest::call(RAW_PROMPT, text.as_bytes().to_vec()).gas(1_000_000)
}

/// A contract that stores 1 in the slot that its calldata names.
pub(crate) fn keeper() -> TransactionRequest {
    // PUSH1 1, PUSH0, CALLDATALOAD, SSTORE
    let code = [0x60, 0x01, 0x5f, 0x35, 0x55];
    // PUSH5 code, PUSH0, MSTORE, PUSH1 5, PUSH1 27, RETURN
    let mut init = vec![0x64];
    init.extend(code);
    init.extend([0x5f, 0x52, 0x60, 0x05, 0x60, 0x1b, 0xf3]);
    TransactionRequest::create(init)
}

/// The context of the block above `parent`.
pub(crate) const fn context(height: u64, parent: B256) -> BlockContext {
    BlockContext { height, epoch: 0, parent, proposer: 0, timestamp_ms: height * 1_000 }
}

pub(crate) const fn block(context: &BlockContext, payload: Vec<u8>, state_root: B256) -> Block {
    Block {
        height: context.height,
        epoch: context.epoch,
        view: context.height,
        parent_view: context.height - 1,
        proposer: context.proposer,
        parent: context.parent,
        timestamp_ms: context.timestamp_ms,
        state_root,
        payload,
    }
}

/// Builds the next block above `pending`.
pub(crate) fn build(executor: &LazVmExecutor, pending: &[Block]) -> Block {
    let committed = executor.committed().unwrap();
    let (height, parent) = match (pending.last(), committed) {
        (Some(last), _) => (last.height, last.digest()),
        (None, Some(committed)) => committed,
        (None, None) => (0, GENESIS),
    };
    let context = context(height + 1, parent);
    let body = executor.build(pending, &context, MAX_BYTES).unwrap();
    block(&context, body.payload, body.state_root)
}

/// Validates a block and returns its state root.
pub(crate) fn validate(executor: &LazVmExecutor, pending: &[Block], block: &Block) -> B256 {
    let context = BlockContext {
        height: block.height,
        epoch: block.epoch,
        parent: block.parent,
        proposer: block.proposer,
        timestamp_ms: block.timestamp_ms,
    };
    executor.validate(pending, &context, &block.payload).unwrap()
}

pub(crate) fn submit(
    executor: &LazVmExecutor,
    name: &str,
    nonce: u64,
    request: TransactionRequest,
) -> B256 {
    executor.submit(&signed(name, nonce, request)).unwrap()
}

pub(crate) fn signed(name: &str, nonce: u64, request: TransactionRequest) -> Bytes {
    wallet(name).sign(nonce, request).unwrap()
}

/// A chain of three blocks with transfers, a contract, storage and an answer of the model.
pub(crate) fn three_blocks() -> Vec<Block> {
    let executor = executor();
    let contract = wallet("bob").address().create(0);
    let requests = [
        vec![
            ("alice", 0, TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1))),
            ("bob", 0, keeper()),
        ],
        vec![("alice", 1, prompt("Once")), ("bob", 1, TransactionRequest::call(contract, [9; 32]))],
        vec![("carol", 0, TransactionRequest::call(contract, [8; 32]))],
    ];
    requests
        .into_iter()
        .map(|requests| {
            for (name, nonce, request) in requests {
                submit(&executor, name, nonce, request);
            }
            let block = build(&executor, &[]);
            executor.commit(&block).unwrap();
            block
        })
        .collect()
}

/// A device that fails while a switch is on.
#[derive(Debug)]
pub(crate) struct Flaky {
    pub(crate) device: Arc<dyn Coprocessor>,
    pub(crate) broken: AtomicBool,
}

impl Coprocessor for Flaky {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.device.quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        if self.broken.load(Ordering::SeqCst) {
            let message = "unplugged".to_owned();
            return Err(Fault { kind: FaultKind::Device, message }.into());
        }
        self.device.run(job)
    }
}

/// A device that counts its runs, and remembers what the last one gave.
#[derive(Debug)]
pub(crate) struct Counting {
    device: Arc<dyn Coprocessor>,
    runs: AtomicU64,
    last: Mutex<Option<(B256, Outcome)>>,
}

impl Counting {
    pub(crate) fn new(device: Arc<dyn Coprocessor>) -> Self {
        Self { device, runs: AtomicU64::new(0), last: Mutex::new(None) }
    }

    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }
}

impl Coprocessor for Counting {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.device.quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let mut last = self.last.lock().unwrap();
        if let Some((name, outcome)) = last.as_ref()
            && *name == job.hash()
        {
            return Ok(outcome.clone());
        }
        let outcome = self.device.run(job)?;
        *last = Some((job.hash(), outcome.clone()));
        Ok(outcome)
    }
}

/// A folder that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lazvm-quorum-{}-{count}", process::id());
        // Memory where the system has it: thousands of syncs of a disk say nothing more.
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The genesis block of these chains.
pub(crate) const GENESIS: B256 = B256::repeat_byte(0x11);
