use alloc::{borrow::Cow, vec, vec::Vec};

use alloy_primitives::B256;
use lazai_consensus::merkle::Tree;
use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

use super::{Coding, Shard, shard::shard_tree};

/// All shards of a stripe: `k` that hold the data, zero-padded, and `n - k` of parity.
///
/// The code treats each block of 64 bytes separately: byte `i` of every shard depends only on the
/// 64 bytes around byte `i` of the others. So the leaves at one position of all shards form a
/// codeword of the same code.
#[derive(Default)]
pub(super) struct CodedStripe {
    k: usize,
    shard_bytes: usize,
    data: Vec<u8>,
    parity: Vec<u8>,
    /// Reused between stripes: its working memory exceeds the stripe, and allocating it takes
    /// longer than encoding.
    encoder: Option<ReedSolomonEncoder>,
}

impl CodedStripe {
    /// Clears the data and returns its buffer, to be filled for [`encode`](Self::encode).
    pub(super) fn data_mut(&mut self) -> &mut Vec<u8> {
        self.data.clear();
        &mut self.data
    }

    /// Encodes the data in the buffer, zero-padded to `k` shards of `shard_bytes` bytes.
    pub(super) fn encode(&mut self, coding: Coding, shard_bytes: usize) -> Result<(), CodeError> {
        let (k, n) = (usize::from(coding.k()), usize::from(coding.n()));
        let recovery = n.saturating_sub(k);
        (self.k, self.shard_bytes) = (k, shard_bytes);
        self.data.resize(k.saturating_mul(shard_bytes), 0);
        self.parity.clear();
        if recovery == 0 {
            return Ok(());
        }
        let encoder = match &mut self.encoder {
            Some(encoder) => {
                encoder.reset(k, recovery, shard_bytes).map_err(|_| CodeError)?;
                encoder
            }
            none => none
                .insert(ReedSolomonEncoder::new(k, recovery, shard_bytes).map_err(|_| CodeError)?),
        };
        for shard in self.data.chunks_exact(shard_bytes) {
            encoder.add_original_shard(shard).map_err(|_| CodeError)?;
        }
        let result = encoder.encode().map_err(|_| CodeError)?;
        self.parity.reserve(recovery.saturating_mul(shard_bytes));
        result.recovery_iter().for_each(|shard| self.parity.extend_from_slice(shard));
        Ok(())
    }

    /// Decodes the stripe from at least `k` different `shards`, all of `shard_bytes` bytes, and
    /// encodes it again.
    pub(super) fn restore<'a>(
        &mut self,
        coding: Coding,
        shard_bytes: usize,
        shards: impl Iterator<Item = (u16, &'a [u8])> + Clone,
    ) -> Result<(), CodeError> {
        let (k, n) = (usize::from(coding.k()), usize::from(coding.n()));
        let mut present = vec![false; k];
        self.data.resize(k.saturating_mul(shard_bytes), 0);
        let places = |index: u16| {
            let from = usize::from(index).saturating_mul(shard_bytes);
            from..from.saturating_add(shard_bytes)
        };
        for (index, shard) in shards.clone().filter(|(_, shard)| shard.len() == shard_bytes) {
            if let Some(present) = present.get_mut(usize::from(index)) {
                *present = true;
                self.data.get_mut(places(index)).ok_or(CodeError)?.copy_from_slice(shard);
            }
        }
        if present.contains(&false) {
            let mut decoder = ReedSolomonDecoder::new(k, n.saturating_sub(k), shard_bytes)
                .map_err(|_| CodeError)?;
            for (index, shard) in shards {
                let index = usize::from(index);
                let added = match index.checked_sub(k) {
                    None => decoder.add_original_shard(index, shard),
                    Some(index) => decoder.add_recovery_shard(index, shard),
                };
                added.map_err(|_| CodeError)?;
            }
            let result = decoder.decode().map_err(|_| CodeError)?;
            for (index, shard) in result.restored_original_iter() {
                let index = u16::try_from(index).map_err(|_| CodeError)?;
                self.data.get_mut(places(index)).ok_or(CodeError)?.copy_from_slice(shard);
            }
        }
        self.encode(coding, shard_bytes)
    }

    /// Returns the `k` data shards.
    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns a shard; empty past the last.
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

    /// Returns all shards in ascending order.
    pub(super) fn shards(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.shard_bytes).chain(self.parity.chunks_exact(self.shard_bytes))
    }

    /// Returns the tree over the shard roots. `known` may return the root of a shard together with
    /// the bytes that it was computed from, to avoid hashing them again.
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

    /// Returns a shard with its path in the stripe.
    pub(super) fn with_path(&self, tree: &Tree, stripe: u32, index: u16) -> Shard<'_> {
        let path = tree.path(index.into());
        Shard { stripe, index, path, bytes: Cow::Borrowed(self.shard(index)) }
    }
}

/// The erasure code refused shards of valid number and size: a defect of this crate or of
/// `reed-solomon-simd`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the erasure code refused shards of the right number and size")]
pub struct CodeError;

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(coding: Coding, shard_bytes: usize, data: &[u8]) -> CodedStripe {
        let mut stripe = CodedStripe::default();
        stripe.data_mut().extend_from_slice(data);
        stripe.encode(coding, shard_bytes).unwrap();
        stripe
    }

    fn stripe(n: u16, shard_bytes: usize) -> CodedStripe {
        let coding = Coding::new(n).unwrap();
        let mut state = u32::from(n);
        let data: Vec<_> = core::iter::repeat_n((), shard_bytes.saturating_mul(coding.k().into()))
            .map(|()| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        coded(coding, shard_bytes, &data)
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
                assert!(coded(coding, 1_024, &data).shards().eq(column), "{n} {leaf}");
            }
        }
    }

    #[test]
    fn any_k_shards_restore() {
        // Reused, so that bytes left over from one stripe would show in the next.
        let mut restored = CodedStripe::default();
        for n in 1..=10 {
            let coding = Coding::new(n).unwrap();
            let whole = stripe(n, 1_024);
            for chosen in 0_u16..1 << n {
                let shards = (0..n)
                    .filter(|index| chosen >> index & 1 == 1)
                    .map(|index| (index, whole.shard(index)));
                let enough = chosen.count_ones() >= coding.k().into();
                match restored.restore(coding, 1_024, shards) {
                    Ok(()) => {
                        assert!(enough);
                        assert!(restored.shards().eq(whole.shards()), "{n} {chosen:b}");
                    }
                    Err(CodeError) => assert!(!enough, "{n} {chosen:b}"),
                }
            }
        }
    }
}
