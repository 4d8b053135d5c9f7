use alloc::{boxed::Box, string::ToString, sync::Arc};
use core::mem::replace;

use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_primitives::{Address, B256};
use lazai_api_types::{Fault, FaultKind, GasCost, Work};
use lazai_gas::Resources;
use lazai_precompiles::{AiPrecompiles, Call, CallFault, ChainState, Mode, Reply, ResourcePrices};
use revm::{
    Context, Journal,
    context::{Block, BlockEnv, Cfg, CfgEnv, TxEnv},
    primitives::hardfork::SpecId,
};

use crate::{
    AiRules, AiRuntime, BaseFeeSource, BlockPosition, Meter, UnknownBaseFees, base_fees::BaseFees,
    suspended::Suspended,
};

/// The context of a [`LazEvm`](crate::LazEvm): Ethereum's, with [`LazChain`] in the slot for
/// chains.
pub type LazContext<DB> = Context<BlockEnv, TxEnv, CfgEnv<SpecId>, DB, Journal<DB>, LazChain>;

/// The part of the EVM's context that Ethereum does not have.
///
/// It is not journaled: prices belong to a block, the meter to a transaction, and neither is undone
/// by a revert.
#[derive(Clone, Debug)]
pub struct LazChain {
    runtime: AiRuntime,
    position: Option<BlockPosition>,
    /// What the precompiles are at `position`.
    rules: Option<AiRules>,
    base_fees: Option<Resources<u64>>,
    /// Why the base fees are not known, if they are not.
    unknown_fees: Option<Box<Fault>>,
    /// Who knows the base fees of each block.
    source: Option<Arc<dyn BaseFeeSource>>,
    /// Whether the base fees are those of a call: the parent of the block is not known yet.
    fees_of_call: bool,
    purpose: Purpose,
    /// Of the current transaction.
    mode: Mode,
    /// Whether the current transaction is of a block, and not a query of a user.
    in_block: bool,
    meter: Meter,
    // Boxed: it is there almost never.
    fault: Option<Box<Fault>>,
    /// Gas that the AI call which ended in `fault` had left.
    call_gas_left: u64,
    /// Gas that the last transaction which ended in an error had used.
    gas_at_fault: u64,
    /// In place of the device, if it is not asked any more.
    suspended: Option<Box<Suspended>>,
}

/// What an EVM is there for, which decides whether AI calls do their work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A block. Nothing but the owner of a machine ends it.
    Block,
    /// What the holder of the EVM chose.
    Chosen(Mode),
    /// Whatever a factory was asked for: a block, or a call of a user. A call is told by its base
    /// fee, which is not checked, and is simulated unless another mode is given.
    Unknown(Option<Mode>),
}

impl LazChain {
    /// Makes a chain on which every resource costs the header's base fee.
    #[must_use]
    pub const fn new(runtime: AiRuntime) -> Self {
        Self {
            runtime,
            position: None,
            rules: None,
            base_fees: None,
            unknown_fees: None,
            source: None,
            fees_of_call: false,
            purpose: Purpose::Unknown(None),
            mode: Mode::Execute,
            in_block: false,
            meter: ZERO,
            fault: None,
            call_gas_left: 0,
            gas_at_fault: 0,
            suspended: None,
        }
    }

    /// Sets the base fee of each resource in this block; none means the header's for all of them.
    ///
    /// The header's base fee must be the highest of the three: a transaction in another block is
    /// invalid.
    pub fn set_base_fees(&mut self, base_fees: Option<Resources<u64>>) {
        self.source = None;
        self.set_known_fees(Ok(base_fees));
    }

    /// Takes the base fees of an EVM that is made for `block`, from whomever knows them. If it
    /// turns out to execute a block, its [parent](Self::set_parent) must be told.
    pub(crate) fn take_base_fees(&mut self, fees: &BaseFees, block: &BlockEnv) {
        match fees {
            BaseFees::Fixed(fees) => self.set_base_fees(*fees),
            BaseFees::Source(source) => {
                self.set_known_fees(source.base_fees_of_call(block));
                self.source = Some(Arc::clone(source));
                self.fees_of_call = true;
            }
        }
    }

    /// Takes the base fees of the block above `parent`.
    pub(crate) fn set_parent(&mut self, parent: B256) {
        if let Some(source) = &self.source {
            self.set_known_fees(source.base_fees(parent));
        }
    }

    /// Sets the base fees, or why they are not known.
    fn set_known_fees(&mut self, fees: Result<Option<Resources<u64>>, Fault>) {
        self.fees_of_call = false;
        (self.base_fees, self.unknown_fees) = match fees {
            Ok(base_fees) => (base_fees, None),
            Err(fault) => (None, Some(Box::new(fault))),
        };
    }

    /// Sets whether AI calls of the transactions to come do their work or only cost it. An EVM that
    /// executes a block always does the work.
    pub fn set_mode(&mut self, mode: Mode) {
        if self.purpose != Purpose::Block {
            self.purpose = Purpose::Chosen(mode);
        }
    }

    /// Sets the purpose and returns the one before.
    pub(crate) const fn replace_purpose(&mut self, purpose: Purpose) -> Purpose {
        replace(&mut self.purpose, purpose)
    }

    /// Starts a transaction in `block`: what the last one left is dropped.
    #[inline]
    pub(crate) fn begin(&mut self, block: &impl Block, cfg: &impl Cfg) {
        self.enter(block);
        self.mode = self.purpose.mode(cfg);
        self.in_block = self.purpose.is_block(cfg);
        self.reset();
    }

    /// Starts a system call of `contract`. Only blocks make such, so the EVM executes a block from
    /// here on; and from Prague on they tell their parent by one (EIP-2935).
    pub(crate) fn begin_system_call(
        &mut self,
        block: &impl Block,
        cfg: &impl Cfg,
        contract: Address,
        data: &[u8],
    ) {
        self.enter(block);
        self.purpose = Purpose::Block;
        self.mode = Mode::Execute;
        self.in_block = self.purpose.is_block(cfg);
        if self.in_block
            && contract == HISTORY_STORAGE_ADDRESS
            && let Ok(parent) = B256::try_from(data)
        {
            self.set_parent(parent);
        }
        self.reset();
    }

    /// Looks up what the precompiles are in `block`.
    #[inline]
    pub(crate) fn enter(&mut self, block: &impl Block) {
        let position = BlockPosition::of(block);
        if self.position != Some(position) {
            self.rules = self.runtime.rules_at(position);
            self.position = Some(position);
        }
    }

    #[inline]
    fn reset(&mut self) {
        self.meter = ZERO;
        self.fault = None;
        self.call_gas_left = 0;
        self.gas_at_fault = 0;
    }

    /// Ends a transaction without a result: its meter is dropped, the fault that ended it stays to
    /// be taken.
    pub(crate) const fn abort(&mut self) {
        self.meter = ZERO;
    }

    /// Takes the fault of this node that ended the last transaction, if one did.
    #[inline]
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take().map(|fault| *fault)
    }

    /// Returns the fault of this node that ended the last transaction, if one did.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_deref()
    }

    /// Returns the gas that the transaction had used at the fault that ended it: its limit less
    /// what the AI call and all its callers had left. The call had been charged for the job before
    /// it ran, so this pays for the work of the device, too.
    ///
    /// A fault of the state ends no call, and may count up to the limit.
    #[must_use]
    pub const fn gas_at_fault(&self) -> u64 {
        self.gas_at_fault
    }

    /// Stops asking the device: from here on, every job of a transaction ends in `fault`, at once.
    /// Calls that check proofs or tell prices are answered as before.
    ///
    /// For a builder whose device is lost; whoever validates a block has no use for it.
    pub fn suspend_device(&mut self, fault: Fault) {
        self.suspended = Some(Box::new(Suspended(fault)));
    }

    /// Answers a call on the device that the current transaction has.
    pub(crate) fn answer(
        &self,
        precompiles: &AiPrecompiles,
        call: &Call<'_>,
        state: &mut dyn ChainState,
    ) -> Result<Reply, CallFault> {
        match &self.suspended {
            Some(suspended) => precompiles.call_on(&**suspended, call, state),
            None if self.in_block => precompiles.call(call, state),
            None => precompiles.query(call, state),
        }
    }

    /// Returns the meter of what the AI calls of the current or last transaction did.
    #[inline]
    #[must_use]
    pub const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Returns the base fee of each resource, where they differ from the header's.
    #[inline]
    #[must_use]
    pub const fn base_fees(&self) -> Option<Resources<u64>> {
        self.base_fees
    }

    /// Tells whether AI calls of the current or last transaction do their work or only cost it.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Tells whether the current or last transaction is of a block, whose jobs run on the device of
    /// blocks; everything else runs on that of queries.
    #[must_use]
    pub const fn is_in_block(&self) -> bool {
        self.in_block
    }

    /// Returns the runtime of the AI calls: devices, verifiers and prices of every block.
    #[inline]
    #[must_use]
    pub const fn runtime(&self) -> &AiRuntime {
        &self.runtime
    }

    /// Returns what the AI precompiles are in the block of the current or last transaction; none
    /// where their addresses are accounts like any other.
    #[inline]
    #[must_use]
    pub const fn rules(&self) -> Option<&AiRules> {
        self.rules.as_ref()
    }

    /// Returns the prices of a block whose header shows the base fee `header`.
    #[must_use]
    pub fn prices(&self, header: u64) -> ResourcePrices {
        prices(header, self.base_fees)
    }

    /// Fails the transaction if the base fees of its block are not known.
    pub(crate) fn check_fees_known(&mut self, cfg: &impl Cfg) -> Result<(), UnknownBaseFees> {
        let fault = if self.fees_of_call && self.purpose.may_be_block(cfg) {
            let message = NO_PARENT.to_string();
            Box::new(Fault { kind: FaultKind::Internal, message })
        } else if let Some(fault) = &self.unknown_fees {
            fault.clone()
        } else {
            return Ok(());
        };
        self.fault = Some(fault.clone());
        Err(UnknownBaseFees { fault: *fault })
    }

    /// Counts the answer to a call that had `gas_limit` gas and a `reservoir`; keeps the fault that
    /// it may be.
    pub(crate) fn record(
        &mut self,
        answer: Result<Reply, CallFault>,
        rules: &AiRules,
        (gas_limit, reservoir): (u64, u64),
    ) -> Result<Reply, CallFault> {
        match &answer {
            Ok(reply) => self.meter.record(reply, &*rules.pricing, gas_limit),
            Err(CallFault { fault, charged }) => {
                self.fault = Some(Box::new(fault.clone()));
                self.call_gas_left = gas_limit.saturating_sub(*charged).saturating_add(reservoir);
            }
        }
        answer
    }

    /// Notes what a transaction of `gas_limit` gas had used when an error ended it, while its
    /// frames had `frames_left`.
    pub(crate) const fn record_error(&mut self, gas_limit: u64, frames_left: u64) {
        let left = frames_left.saturating_add(self.call_gas_left);
        self.gas_at_fault = gas_limit.saturating_sub(left);
    }
}

impl Purpose {
    /// The mode of a transaction under `cfg`.
    fn mode(self, cfg: &impl Cfg) -> Mode {
        match self {
            Self::Block => Mode::Execute,
            Self::Chosen(mode) => mode,
            // A block may be executed by this EVM. From Cancun on it would have shown itself by a
            // system call (EIP-4788) before its first transaction.
            Self::Unknown(_) if !cfg.spec().into().is_enabled_in(SpecId::CANCUN) => Mode::Execute,
            // No block is valid without this check, and no host warms one up or traces one so.
            Self::Unknown(mode) if cfg.is_base_fee_check_disabled() => {
                mode.unwrap_or(Mode::Simulate)
            }
            Self::Unknown(_) => Mode::Execute,
        }
    }

    /// Whether a transaction under `cfg` is of a block. No block is valid without the check of its
    /// base fee: where it is off, a user simulates blocks (`eth_simulateV1`).
    fn is_block(self, cfg: &impl Cfg) -> bool {
        matches!(self, Self::Block | Self::Chosen(Mode::Execute))
            && !cfg.is_base_fee_check_disabled()
    }

    /// Whether a transaction under `cfg` may be of a block, with fees that are burned. An EVM that
    /// nothing is known of is that of a block by nothing but its system calls, from Cancun on.
    fn may_be_block(self, cfg: &impl Cfg) -> bool {
        let is_block = match self {
            Self::Block => true,
            Self::Chosen(_) => false,
            Self::Unknown(_) => !cfg.spec().into().is_enabled_in(SpecId::CANCUN),
        };
        is_block
            && cfg.spec().into().is_enabled_in(SpecId::LONDON)
            && !cfg.is_base_fee_check_disabled()
    }
}

/// The prices of a block. Its header shows the highest base fee, but where a simulation put a zero.
pub(crate) fn prices(header: u64, base_fees: Option<Resources<u64>>) -> ResourcePrices {
    let fees = base_fees.unwrap_or_else(|| Resources::uniform(header));
    let header = header.max(fees.highest());
    let Resources { evm, ai, inference } = fees.map(u128::from);
    ResourcePrices { evm, ai, inference, header: u128::from(header) }
}

const NO_PARENT: &str = "the parent of the block was not told, on which its base fees depend: \
                         make its executor by LazBlockExecutorFactory";

const ZERO: Meter = Meter {
    calls: 0,
    charged: GasCost { gas_ai: 0, gas_inference: 0 },
    quoted: GasCost { gas_ai: 0, gas_inference: 0 },
    quoted_work: Work { flops: 0, peak_bytes: 0 },
    work: Work { flops: 0, peak_bytes: 0 },
};
