use core::error::Error;

use alloy_primitives::U256;
use lazvm::{
    alloy_evm::{
        block::StateDB,
        eth::dao_fork::{DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY},
    },
    revm::state::{Account, AccountInfo, EvmState},
};

/// Moves the money of the DAO, before the first transaction of the block at its fork.
///
/// Accounts that do not exist are there afterwards, empty: at that time nothing took empty accounts
/// away, and a root of the state shows them. So does that of the beneficiary.
pub(crate) fn move_money<DB: StateDB>(db: &mut DB) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut changes = EvmState::default();
    let mut drained = U256::ZERO;
    for address in DAO_HARDFORK_ACCOUNTS {
        let before = db.basic(address)?;
        let mut info = before.clone().unwrap_or_default();
        drained = drained.saturating_add(core::mem::take(&mut info.balance));
        changes.insert(address, changed(before, info));
    }
    let before = db.basic(DAO_HARDFORK_BENEFICIARY)?;
    let mut info = before.clone().unwrap_or_default();
    info.balance = info.balance.saturating_add(drained);
    changes.insert(DAO_HARDFORK_BENEFICIARY, changed(before, info));
    db.commit(changes);
    Ok(())
}

/// An account that was `before` and is `after`, as the EVM gives it before empty ones were taken
/// away: created where there was none, and untouched where it was and stays empty.
fn changed(before: Option<AccountInfo>, after: AccountInfo) -> Account {
    let existed = before.is_some();
    let mut account = match before {
        Some(info) => Account::from(info),
        None => Account::new_not_existing(Default::default()),
    };
    let is_empty = after.is_empty();
    let was_empty = account.info.is_empty();
    account.info = after;
    if existed && is_empty && was_empty {
        return account;
    }
    account.mark_touch();
    if is_empty {
        account.mark_created();
    }
    account
}
