use alloc::vec::Vec;

/// Encodes a `bytes32` and then each of `arguments` as `bytes` behind a selector, as Solidity does.
#[must_use]
pub fn calldata(selector: [u8; 4], root: &[u8; 32], arguments: &[&[u8]]) -> Vec<u8> {
    let mut calldata = selector.to_vec();
    calldata.extend_from_slice(root);
    let mut offset = arguments.len().saturating_add(1).saturating_mul(32);
    for argument in arguments {
        calldata.extend_from_slice(&word(offset));
        offset = offset.saturating_add(32).saturating_add(argument.len().next_multiple_of(32));
    }
    for argument in arguments {
        calldata.extend_from_slice(&word(argument.len()));
        calldata.extend_from_slice(argument);
        let padding = argument.len().next_multiple_of(32).saturating_sub(argument.len());
        calldata.resize(calldata.len().saturating_add(padding), 0);
    }
    calldata
}

fn word(number: usize) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&(number as u64).to_be_bytes());
    word
}
