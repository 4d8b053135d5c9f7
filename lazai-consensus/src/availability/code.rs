use alloc::{borrow::Cow, vec, vec::Vec};

use alloy_primitives::B256;
use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

use super::{Coding, Shard, shard::shard_tree, tree::Tree};

/// All shards of a stripe: `k` that hold the data, one after the other and filled up with zeros, and `n - k` that follow
/// from them.
///
/// The code treats each block of 64 bytes by itself: byte `i` of every shard depends on nothing but the 64 bytes around
/// byte `i` of the others. So the leaves at one place of all shards are a stripe of their own, in the same code.
pub(super) struct CodedStripe {
    k: usize,
    shard_bytes: usize,
    data: Vec<u8>,
    parity: Vec<u8>,
}

impl CodedStripe {
    /// Codes `data`, which is filled up with zeros to `k` shards of `shard_bytes` bytes.
    pub(super) fn encode(
        coding: Coding,
        shard_bytes: usize,
        mut data: Vec<u8>,
    ) -> Result<Self, CodeError> {
        let (k, n) = (usize::from(coding.k()), usize::from(coding.n()));
        let recovery = n.saturating_sub(k);
        data.resize(k.saturating_mul(shard_bytes), 0);
        let mut parity = Vec::with_capacity(recovery.saturating_mul(shard_bytes));
        if recovery > 0 {
            let mut encoder =
                ReedSolomonEncoder::new(k, recovery, shard_bytes).map_err(|_| CodeError)?;
            for shard in data.chunks_exact(shard_bytes) {
                encoder.add_original_shard(shard).map_err(|_| CodeError)?;
            }
            let result = encoder.encode().map_err(|_| CodeError)?;
            result.recovery_iter().for_each(|shard| parity.extend_from_slice(shard));
        }
        Ok(Self { k, shard_bytes, data, parity })
    }

    /// Codes the stripe of which `shards` are shards: at least `k` different ones, all of `shard_bytes` bytes.
    pub(super) fn restore<'a>(
        coding: Coding,
        shard_bytes: usize,
        shards: impl IntoIterator<Item = (u16, &'a [u8])>,
    ) -> Result<Self, CodeError> {
        let (k, n) = (usize::from(coding.k()), usize::from(coding.n()));
        let recovery = n.saturating_sub(k);
        let mut data = vec![0; k.saturating_mul(shard_bytes)];
        let mut present = vec![false; k];
        let mut decoder = (recovery > 0)
            .then(|| ReedSolomonDecoder::new(k, recovery, shard_bytes))
            .transpose()
            .map_err(|_| CodeError)?;
        for (index, shard) in shards {
            let index = usize::from(index);
            if let Some(present) = present.get_mut(index) {
                *present = true;
                let place = data.chunks_exact_mut(shard_bytes).nth(index).ok_or(CodeError)?;
                if shard.len() != place.len() {
                    return Err(CodeError);
                }
                place.copy_from_slice(shard);
                if let Some(decoder) = &mut decoder {
                    decoder.add_original_shard(index, shard).map_err(|_| CodeError)?;
                }
            } else if let Some(decoder) = &mut decoder {
                let index = index.saturating_sub(k);
                decoder.add_recovery_shard(index, shard).map_err(|_| CodeError)?;
            }
        }
        if present.contains(&false) {
            let mut decoder = decoder.ok_or(CodeError)?;
            let result = decoder.decode().map_err(|_| CodeError)?;
            for (index, shard) in result.restored_original_iter() {
                let place = data.chunks_exact_mut(shard_bytes).nth(index).ok_or(CodeError)?;
                place.copy_from_slice(shard);
            }
        }
        Self::encode(coding, shard_bytes, data)
    }

    /// The `k` shards that hold the data.
    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    /// A shard; without any bytes past the last.
    pub(super) fn shard(&self, index: u16) -> &[u8] {
        let index = usize::from(index);
        let place = |bytes: &[u8], index: usize| {
            let from = index.saturating_mul(self.shard_bytes);
            from..from.saturating_add(self.shard_bytes).min(bytes.len())
        };
        match index.checked_sub(self.k) {
            None => self.data.get(place(&self.data, index)),
            Some(index) => self.parity.get(place(&self.parity, index)),
        }
        .unwrap_or_default()
    }

    /// All shards in their order.
    pub(super) fn shards(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.shard_bytes).chain(self.parity.chunks_exact(self.shard_bytes))
    }

    /// The tree over the roots of the shards. A root that is known for the very bytes of a shard may be given, since
    /// hashing takes most of the time.
    pub(super) fn tree<'a>(&self, known: impl Fn(u16) -> Option<(&'a [u8], B256)>) -> Tree {
        let roots: Vec<_> = (0..)
            .zip(self.shards())
            .map(|(index, shard)| match known(index) {
                Some((bytes, root)) if bytes == shard => root,
                _ => shard_tree(shard).root(),
            })
            .collect();
        Tree::over_roots(&roots)
    }

    /// A shard with its path.
    pub(super) fn with_path(&self, tree: &Tree, stripe: u32, index: u16) -> Shard<'_> {
        let path = tree.path(index.into());
        Shard { stripe, index, path, bytes: Cow::Borrowed(self.shard(index)) }
    }
}

/// The code did not take shards whose number and size are right: a defect of this crate or of the code below it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the erasure code refused shards of the right number and size")]
pub struct CodeError;

#[cfg(test)]
mod tests {
    use super::*;

    fn stripe(n: u16, shard_bytes: usize) -> CodedStripe {
        let coding = Coding::new(n).unwrap();
        let mut state = u32::from(n);
        let data = core::iter::repeat_n((), shard_bytes.saturating_mul(coding.k().into()))
            .map(|()| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        CodedStripe::encode(coding, shard_bytes, data).unwrap()
    }

    #[test]
    fn leaves_at_one_place_are_a_stripe_of_their_own() {
        for n in [2, 4, 7, 13, 31, 100] {
            let coding = Coding::new(n).unwrap();
            let whole = stripe(n, 3 * 1_024);
            for leaf in 0..3 {
                let place = leaf * 1_024..(leaf + 1) * 1_024;
                let column: Vec<_> = whole.shards().map(|shard| &shard[place.clone()]).collect();
                let data = column[..usize::from(coding.k())].concat();
                let coded = CodedStripe::encode(coding, 1_024, data).unwrap();
                assert!(coded.shards().eq(column), "{n} {leaf}");
            }
        }
    }

    #[test]
    fn any_k_shards_restore() {
        for n in 1..=10 {
            let coding = Coding::new(n).unwrap();
            let whole = stripe(n, 1_024);
            for chosen in 0_u16..1 << n {
                let shards: Vec<_> = (0..n)
                    .filter(|index| chosen >> index & 1 == 1)
                    .map(|index| (index, whole.shard(index)))
                    .collect();
                let enough = shards.len() >= usize::from(coding.k());
                match CodedStripe::restore(coding, 1_024, shards) {
                    Ok(restored) => {
                        assert!(enough);
                        assert!(restored.shards().eq(whole.shards()), "{n} {chosen:b}");
                    }
                    Err(CodeError) => assert!(!enough, "{n} {chosen:b}"),
                }
            }
        }
    }
}
