//! A small deterministic device, a funded database, and callers written in EVM bytecode.

#![allow(dead_code, reason = "the bench uses a part of it")]

pub(crate) mod blocks;
pub(crate) mod bytecode;
mod device;

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, TxKind, U256, address};
use lazai_gas::{GasSchedule, Rate, Resources};
use lazvm::{
    LazVm, LazVmBuilder,
    revm::{
        context::TxEnv,
        database::InMemoryDB,
        primitives::hardfork::SpecId,
        state::{AccountInfo, Bytecode},
    },
};

pub(crate) use device::*;

pub(crate) const SENDER: Address = address!("00000000000000000000000000000000000000f0");
pub(crate) const BENEFICIARY: Address = address!("00000000000000000000000000000000000000fb");
pub(crate) const CONTRACT: Address = address!("00000000000000000000000000000000000c0de1");
pub(crate) const OUTER: Address = address!("00000000000000000000000000000000000c0de2");
pub(crate) const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Forks that differ in what a transaction may do and what it costs.
pub(crate) const FORKS: [SpecId; 9] = [
    SpecId::FRONTIER,
    SpecId::BYZANTIUM,
    SpecId::ISTANBUL,
    SpecId::BERLIN,
    SpecId::LONDON,
    SpecId::SHANGHAI,
    SpecId::CANCUN,
    SpecId::PRAGUE,
    SpecId::OSAKA,
];

/// Base fees of three resources, none equal to another.
pub(crate) const FEES: Resources<u64> = Resources { evm: 7, ai: 20, inference: 10 };

/// A gas for 1,000 operations and for 16 bytes, and 2,000 for each call.
pub(crate) fn schedule() -> GasSchedule {
    GasSchedule {
        alpha: Rate::new(1, 1_000).unwrap(),
        beta: Rate::new(1, 16).unwrap(),
        gamma: 2_000,
    }
}

/// A builder whose machines run every job, so that runs can be counted.
pub(crate) fn builder(device: &Arc<Letters>) -> LazVmBuilder {
    LazVm::builder()
        .outcome_cache(0)
        .coprocessor(Arc::clone(device) as _)
        .gas_schedule(schedule())
        .default_model(MODEL)
        .spec(SpecId::PRAGUE)
}

/// A machine whose database holds a rich sender and `code` at [`CONTRACT`].
pub(crate) fn machine(device: &Arc<Letters>, code: &[u8]) -> LazVm<InMemoryDB> {
    builder(device).build(database(&[(CONTRACT, code)])).unwrap()
}

pub(crate) fn database(contracts: &[(Address, &[u8])]) -> InMemoryDB {
    let mut db = InMemoryDB::default();
    let rich = AccountInfo { balance: ETHER * U256::from(1_000), ..AccountInfo::default() };
    db.insert_account_info(SENDER, rich);
    for (address, code) in contracts {
        let code = Bytecode::new_raw(Bytes::copy_from_slice(code));
        db.insert_account_info(*address, AccountInfo::default().with_code(code));
    }
    db
}

/// A transaction of [`SENDER`] with plenty of gas and a price above every base fee used here.
pub(crate) fn call(to: Address, data: impl Into<Bytes>, nonce: u64) -> TxEnv {
    TxEnv::builder()
        .caller(SENDER)
        .kind(TxKind::Call(to))
        .data(data.into())
        .nonce(nonce)
        .gas_limit(10_000_000)
        .gas_price(100)
        .chain_id(Some(1))
        .build()
        .unwrap()
}
