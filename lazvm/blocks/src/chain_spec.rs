use alloy_consensus::BlockHeader;
use alloy_eips::{
    eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS, eip7840::BlobParams, eip7892::BlobScheduleBlobParams,
};
use alloy_hardforks::{EthereumChainHardforks, EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::Address;
use lazvm::alloy_evm::EvmEnv;

/// What distinguishes a chain by Ethereum's rules: its id, when its forks begin, how many blobs its
/// blocks may have, and where its deposits are made.
#[derive(Clone, Debug)]
pub struct ChainSpec {
    chain_id: u64,
    forks: EthereumChainHardforks,
    blobs: BlobScheduleBlobParams,
    deposit_contract: Address,
    has_market: bool,
}

impl ChainSpec {
    /// Describes a chain with these forks, and the blobs and the deposit contract of Ethereum.
    #[must_use]
    pub fn new(
        chain_id: u64,
        forks: impl IntoIterator<Item = (EthereumHardfork, ForkCondition)>,
    ) -> Self {
        Self {
            chain_id,
            forks: EthereumChainHardforks::new(forks),
            blobs: BlobScheduleBlobParams::mainnet(),
            deposit_contract: MAINNET_DEPOSIT_CONTRACT_ADDRESS,
            has_market: false,
        }
    }

    /// Describes Ethereum's main chain.
    #[must_use]
    pub fn mainnet() -> Self {
        Self::new(1, EthereumHardfork::mainnet())
    }

    /// Replaces the numbers of blobs (EIP-7840, EIP-7892).
    #[must_use]
    pub fn with_blobs(mut self, blobs: BlobScheduleBlobParams) -> Self {
        self.blobs = blobs;
        self
    }

    /// Reads deposits from the logs of this contract (EIP-6110).
    #[must_use]
    pub const fn with_deposit_contract(mut self, contract: Address) -> Self {
        self.deposit_contract = contract;
        self
    }

    /// Leaves the base fee of a header to the market in the state of its parent
    /// ([`Market`](crate::Market)), which is not known before a block is executed.
    #[must_use]
    pub const fn with_market(mut self) -> Self {
        self.has_market = true;
        self
    }

    /// Returns whether base fees follow from the state instead of the parent's header.
    #[must_use]
    pub const fn has_market(&self) -> bool {
        self.has_market
    }

    /// Returns the id that transactions are signed for.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Returns the contract in whose logs deposits are.
    #[must_use]
    pub const fn deposit_contract(&self) -> Address {
        self.deposit_contract
    }

    /// Returns how many blobs a block of this time may have; none before Cancun.
    #[must_use]
    pub fn blob_params(&self, timestamp: u64) -> Option<BlobParams> {
        if !self.is_cancun_active_at_timestamp(timestamp) {
            return None;
        }
        let params = if !self.is_prague_active_at_timestamp(timestamp) {
            &self.blobs.cancun
        } else if !self.is_osaka_active_at_timestamp(timestamp) {
            &self.blobs.prague
        } else {
            let scheduled = self.blobs.active_scheduled_params_at_timestamp(timestamp);
            scheduled.unwrap_or(&self.blobs.osaka)
        };
        Some(*params)
    }

    /// Returns what the transactions of a block see of it and its chain.
    #[must_use]
    pub fn evm_env(&self, header: &impl BlockHeader) -> EvmEnv {
        let blobs = self.blob_params(header.timestamp());
        EvmEnv::for_eth_block(header, self, self.chain_id, blobs)
    }

    /// Returns whether the block is one of proof of work.
    #[must_use]
    pub fn is_work(&self, number: u64) -> bool {
        !self.is_paris_active_at_block(number)
    }
}

impl EthereumHardforks for ChainSpec {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        self.forks.ethereum_fork_activation(fork)
    }
}
