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
        let mut tokens: Vec<Candidate> = logits
            .iter()
            .zip(0_u32..)
            .map(|(logit, id)| Candidate { weight: self.weight(best, *logit), logit: *logit, id })
            .collect();
        self.keep(&mut tokens);
        let total: u64 = tokens.iter().map(|token| u64::from(token.weight)).sum();
        let mut draw = self.stream.below(total.max(1));
        for token in &tokens {
            match draw.checked_sub(u64::from(token.weight)) {
                Some(rest) => draw = rest,
                None => return token.id,
            }
        }
        0
    }

    /// Drops what top-k and top-p leave out; the order is by id afterwards.
    fn keep(&self, tokens: &mut Vec<Candidate>) {
        let rank = |token: &Candidate| (core::cmp::Reverse(token.logit), token.id);
        let top_k = self.sampling.top_k as usize;
        let cut = top_k > 0 && top_k < tokens.len();
        if cut {
            tokens.select_nth_unstable_by_key(top_k - 1, rank);
            tokens.truncate(top_k);
        }
        let share = u64::from(self.sampling.top_p_milli);
        if share > 0 && share < 1_000 {
            tokens.sort_unstable_by_key(rank);
            let total: u64 = tokens.iter().map(|token| u64::from(token.weight)).sum();
            let mut held = 0;
            let enough = |token: &Candidate| {
                held += u64::from(token.weight);
                1_000 * held >= share * total
            };
            let last = tokens.iter().position(enough).unwrap_or(tokens.len());
            tokens.truncate(last + 1);
        }
        tokens.sort_unstable_by_key(|token| token.id);
    }

    fn weight(&self, best: i32, logit: i32) -> u16 {
        let distance = u64::from(best.abs_diff(logit)) * 4_096 * 1_000;
        let index = (distance >> self.logit_bits) / u64::from(self.sampling.temperature_milli);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.exp.get(index).or(self.exp.last()).copied().unwrap_or(1)
    }
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    weight: u16,
    logit: i32,
    id: u32,
}

/// The token with the best score, ties to the lowest id.
fn argmax(logits: &[i32]) -> u32 {
    let best =
        logits.iter().zip(0_u32..).max_by_key(|(logit, id)| (**logit, core::cmp::Reverse(*id)));
    best.map_or(0, |(_, id)| id)
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
