//! Changes every byte of something, one at a time.

/// How far a sweep goes for each byte.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Depth {
    /// One flipped bit, another at each byte, and one more than the byte.
    Two,
    /// Each flipped bit, one more and one less.
    Ten,
}

/// Calls `accepted` with each changed copy of `bytes`; returns how many there were and which were
/// accepted.
pub(crate) fn sweep(
    bytes: &[u8],
    depth: Depth,
    accepted: impl FnMut(&[u8]) -> bool,
) -> (usize, Vec<(usize, u8)>) {
    sweep_at(bytes, 0..bytes.len(), depth, accepted)
}

/// Does what [`sweep`] does, for some bytes only.
pub(crate) fn sweep_at(
    bytes: &[u8],
    at: impl IntoIterator<Item = usize>,
    depth: Depth,
    mut accepted: impl FnMut(&[u8]) -> bool,
) -> (usize, Vec<(usize, u8)>) {
    let mut changed = bytes.to_vec();
    let (mut tried, mut wrong) = (0, Vec::new());
    for index in at {
        let byte = bytes[index];
        for other in others(index, byte, depth) {
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

fn others(index: usize, byte: u8, depth: Depth) -> Vec<u8> {
    let mut others = match depth {
        Depth::Two => vec![byte ^ 1 << (index % 8), byte.wrapping_add(1)],
        Depth::Ten => (0..8)
            .map(|bit| byte ^ 1 << bit)
            .chain([byte.wrapping_add(1), byte.wrapping_sub(1)])
            .collect(),
    };
    others.sort_unstable();
    others.dedup();
    others
}
