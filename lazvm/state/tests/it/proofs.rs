//! Proofs are those that anyone checks with the root alone.

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, proof::verify_proof};
use lazvm_state::{Memory, StateStore, Store};
use proptest::prelude::*;

use crate::chain::{ACCOUNTS, SLOTS, address, chains, extend, history};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn accounts_and_slots_are_proved(chain in chains(6)) {
        let store = Store::open(Memory::default(), history(1)).unwrap();
        let mut root = EMPTY_ROOT_HASH;
        for changes in &chain {
            root = extend(&store, changes).unwrap();
        }
        let slots: Vec<U256> = (0..SLOTS + 1).map(U256::from).collect();
        for number in 0..ACCOUNTS + 1 {
            let address = address(number);
            let proof = store.proof(root, address, &slots).unwrap();
            let value = proof.account.map(|account| alloy_rlp::encode(TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: proof.storage_root,
                code_hash: account.code_hash,
            }));
            let key = Nibbles::unpack(keccak256(address));
            prop_assert!(verify_proof(root, key, value.clone(), &proof.nodes).is_ok());
            let other = Some(value.map_or(vec![1], |mut value| { value[4] ^= 1; value }));
            prop_assert!(verify_proof(root, key, other, &proof.nodes).is_err());
            for slot in proof.slots {
                let key = Nibbles::unpack(keccak256(B256::from(slot.slot)));
                let value = (slot.value != U256::ZERO).then(|| alloy_rlp::encode(slot.value));
                prop_assert!(verify_proof(proof.storage_root, key, value, &slot.nodes).is_ok());
                prop_assert!(verify_proof(proof.storage_root, key, Some(vec![99]), &slot.nodes).is_err());
            }
        }
    }
}
