use alloy_primitives::B256;
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use lazvm::revm::database::CacheState;

/// Returns the root of a whole state.
pub(crate) fn root(state: &CacheState) -> B256 {
    let accounts = state.trie_account().into_iter().map(|(address, account)| {
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
    });
    state_root_unhashed(accounts)
}
