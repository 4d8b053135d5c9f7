//! Changes every byte of something, one at a time.

use std::env;

/// Changes of each byte: `LAZVM_CHANGES`, up to all ten that there are, or three.
fn changes() -> usize {
    env::var("LAZVM_CHANGES").map_or(3, |changes| changes.parse().unwrap())
}

/// Calls `accepted` with each changed copy of `bytes`; returns how many there were and which were
/// accepted.
pub(crate) fn sweep(
    bytes: &[u8],
    accepted: impl FnMut(&[u8]) -> bool,
) -> (usize, Vec<(usize, u8)>) {
    sweep_at(bytes, 0..bytes.len(), changes(), accepted)
}

/// Does what [`sweep`] does with `changes` of each of some bytes.
pub(crate) fn sweep_at(
    bytes: &[u8],
    at: impl IntoIterator<Item = usize>,
    changes: usize,
    mut accepted: impl FnMut(&[u8]) -> bool,
) -> (usize, Vec<(usize, u8)>) {
    let mut changed = bytes.to_vec();
    let (mut tried, mut wrong) = (0, Vec::new());
    for index in at {
        let byte = bytes[index];
        for other in others(index, byte).take(changes) {
            changed[index] = other;
            tried += 1;
            if accepted(&changed) {
                wrong.push((index, other));
            }
        }
        changed[index] = byte;
    }
    (tried, wrong)
}

/// A flipped bit, another at each byte; one more and one less than the byte; the other bits.
fn others(index: usize, byte: u8) -> impl Iterator<Item = u8> {
    let flipped = move |bit: usize| byte ^ 1 << ((index + bit) % 8);
    let near = [byte.wrapping_add(1), byte.wrapping_sub(1)];
    let others = [flipped(0)].into_iter().chain(near).chain((1..8).map(flipped));
    let mut seen = Vec::new();
    others.filter(move |other| {
        let is_new = !seen.contains(other);
        seen.push(*other);
        is_new
    })
}
