use core::cmp::Reverse;

use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use lazai_api_types::Sampling;
use sha2::{Digest, Sha256};

use crate::model::Model;

/// Chooses tokens from integer scores.
///
/// Random bits are the ChaCha20 stream whose key is the SHA-256 of a domain, the model, the seed
/// and the prompt, so the same request chooses the same tokens everywhere. See docs/numerics.md,
/// "Sampling".
#[derive(Debug)]
pub struct Sampler<'m> {
    sampling: Sampling,
    exp: &'m [u16],
    logit_bits: u32,
    stream: Stream,
}

impl<'m> Sampler<'m> {
    /// Creates the sampler of one request, whose stream of randomness follows from seed, model and
    /// prompt.
    #[must_use]
    pub fn new(sampling: Sampling, model: &'m Model, prompt: &[u32]) -> Self {
        let program = &model.manifest().program;
        let bits = program.logits.map_or(0, |id| program.values[id.index()].bits);
        let exp = model.network().tables().exp;
        let mut key = Sha256::new_with_prefix(b"lazvm/sampling/1");
        key.update(model.id().0);
        key.update(sampling.seed.to_le_bytes());
        for token in prompt {
            key.update(token.to_le_bytes());
        }
        let stream = Stream::new(key.finalize().into());
        Self { sampling, exp, logit_bits: u32::from(bits.unsigned_abs()), stream }
    }

    /// Chooses the next token.
    ///
    /// At temperature 0 the best score wins, ties to the lowest id. Otherwise the weight of a token
    /// is `EXP[floor(4096 * (best - score) / temperature)]`; the top-k tokens stay, of these the
    /// fewest best that hold the top-p share stay (rank by score, then by id), and one is drawn by
    /// weight.
    ///
    /// # Panics
    /// Never for a non-empty row of scores; of an empty one token 0 is returned.
    pub fn choose(&mut self, logits: &[i32]) -> u32 {
        let best = argmax(logits);
        if self.sampling.temperature_milli == 0 {
            return best;
        }
        let best = logits.get(best as usize).copied().unwrap_or(0);
        let cut = self.cut(best, logits);
        let candidates = || {
            logits
                .iter()
                .zip(0_u32..)
                .filter(|(logit, id)| cut.is_none_or(|cut| rank(**logit, *id) <= cut))
        };
        let total: u64 = candidates().map(|(logit, _)| u64::from(self.weight(best, *logit))).sum();
        let mut draw = self.stream.below(total.max(1));
        for (logit, id) in candidates() {
            match draw.checked_sub(u64::from(self.weight(best, *logit))) {
                Some(rest) => draw = rest,
                None => return id,
            }
        }
        0
    }

    /// Returns the last rank that top-k and top-p leave; `None` if they leave all.
    fn cut(&self, best: i32, logits: &[i32]) -> Option<Rank> {
        let (top_k, share) = (self.sampling.top_k as usize, u64::from(self.sampling.top_p_milli));
        let some_k = top_k > 0 && top_k < logits.len();
        let some_p = share > 0 && share < 1_000;
        if !some_k && !some_p {
            return None;
        }
        let mut ranks: Vec<Rank> =
            logits.iter().zip(0_u32..).map(|(logit, id)| rank(*logit, id)).collect();
        if some_k {
            ranks.select_nth_unstable(top_k - 1);
            ranks.truncate(top_k);
        }
        if some_p {
            return self.share_cut(best, share, &mut ranks);
        }
        ranks.into_iter().max()
    }

    /// Returns the last rank of the fewest best that hold `share` thousandths of the weight of all
    /// `ranks`, in time proportional to their number: halves are parted, never sorted.
    fn share_cut(&self, best: i32, share: u64, mut ranks: &mut [Rank]) -> Option<Rank> {
        let weight = |ranks: &[Rank]| -> u64 {
            ranks.iter().map(|(Reverse(logit), _)| u64::from(self.weight(best, *logit))).sum()
        };
        let total = weight(ranks);
        let mut held = 0;
        while ranks.len() > 1 {
            let middle = ranks.len() / 2;
            ranks.select_nth_unstable(middle);
            let (better, rest) = ranks.split_at_mut(middle);
            let more = held + weight(better);
            if 1_000 * more >= share * total {
                ranks = better;
            } else {
                held = more;
                ranks = rest;
            }
        }
        ranks.first().copied()
    }

    fn weight(&self, best: i32, logit: i32) -> u16 {
        let distance = u64::from(best.abs_diff(logit)) * 4_096 * 1_000;
        let index = (distance >> self.logit_bits) / u64::from(self.sampling.temperature_milli);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.exp.get(index).or(self.exp.last()).copied().unwrap_or(1)
    }
}

/// Where a token stands among all: by score, the best first, then by id.
type Rank = (Reverse<i32>, u32);

const fn rank(logit: i32, id: u32) -> Rank {
    (Reverse(logit), id)
}

/// The token with the best score, ties to the lowest id.
fn argmax(logits: &[i32]) -> u32 {
    // Two plain passes are faster than one that compares pairs.
    let best = logits.iter().max();
    let index = best.and_then(|best| logits.iter().position(|logit| logit == best));
    index.and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}

struct Stream(ChaCha20);

impl core::fmt::Debug for Stream {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Stream")
    }
}

impl Stream {
    fn new(key: [u8; 32]) -> Self {
        Self(ChaCha20::new(&key.into(), &[0; 12].into()))
    }

    /// A uniform number below `limit`, by rejection.
    fn below(&mut self, limit: u64) -> u64 {
        let excess = (u64::MAX % limit + 1) % limit;
        loop {
            let mut bytes = [0; 8];
            self.0.apply_keystream(&mut bytes);
            let draw = u64::from_le_bytes(bytes);
            if draw <= u64::MAX - excess {
                return draw % limit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        artifact::{Artifact, ArtifactBytes},
        kernel::Threads,
        model::synthetic_transformer,
        program::LlamaShape,
    };

    fn model() -> &'static Model {
        static MODEL: std::sync::OnceLock<Model> = std::sync::OnceLock::new();
        MODEL.get_or_init(|| {
            let shape = LlamaShape {
                vocabulary: 258,
                hidden: 8,
                intermediate: 8,
                heads: 1,
                kv_heads: 1,
                head_dim: 8,
                tied: false,
            };
            let built = synthetic_transformer(&shape.architecture(1, 8), 1).unwrap();
            let artifact = Artifact::new(ArtifactBytes::Owned(built.to_bytes().unwrap())).unwrap();
            Model::load_untrusted(artifact, &Threads::single()).unwrap()
        })
    }

    /// The rule as docs/numerics.md states it: rank all, cut, draw by id.
    fn by_sorting(sampler: &mut Sampler<'_>, logits: &[i32]) -> u32 {
        let best = argmax(logits);
        if sampler.sampling.temperature_milli == 0 {
            return best;
        }
        let best = logits[best as usize];
        let mut ranked: Vec<Rank> = logits.iter().zip(0..).map(|(l, id)| rank(*l, id)).collect();
        ranked.sort_unstable();
        let top_k = sampler.sampling.top_k as usize;
        if top_k > 0 {
            ranked.truncate(top_k);
        }
        let weight = |rank: &Rank| u64::from(sampler.weight(best, rank.0.0));
        let share = u64::from(sampler.sampling.top_p_milli);
        if (1..1_000).contains(&share) {
            let total: u64 = ranked.iter().map(weight).sum();
            let mut held = 0;
            let kept = ranked.iter().position(|rank| {
                held += weight(rank);
                1_000 * held >= share * total
            });
            ranked.truncate(kept.unwrap() + 1);
        }
        ranked.sort_unstable_by_key(|(_, id)| *id);
        let weights: Vec<u64> = ranked.iter().map(weight).collect();
        let mut draw = sampler.stream.below(weights.iter().sum());
        for ((_, id), weight) in ranked.iter().zip(weights) {
            match draw.checked_sub(weight) {
                Some(rest) => draw = rest,
                None => return *id,
            }
        }
        0
    }

    proptest! {
        #[test]
        fn parting_chooses_as_sorting_does(
            logits in proptest::collection::vec(-60_i32..60, 1..200),
            temperature_milli in 0_u32..3_000,
            top_k in 0_u32..210,
            top_p_milli in 0_u32..=1_000,
            seed: u64,
        ) {
            let sampling = Sampling { temperature_milli, top_k, top_p_milli, seed };
            let mut parting = Sampler::new(sampling, model(), &[1, 2]);
            let mut sorting = Sampler::new(sampling, model(), &[1, 2]);
            // Scores so close that most have a weight, and many are equal.
            for shift in [0, 3, 6] {
                let logits: Vec<i32> = logits.iter().map(|logit| logit << shift).collect();
                prop_assert_eq!(parting.choose(&logits), by_sorting(&mut sorting, &logits));
            }
        }
    }
}
