//! Texts of a few words, beside those of the calibration.

use std::collections::BTreeMap;

use lazai_coprocessor::architecture::Architecture;

/// Returns the calibration of an encoder with short texts added.
///
/// A text of a few words shows what a long one averages away, and the tokens that the tokenizer
/// puts around every text are most of it. Half of the texts are pieces of the sequences, the others
/// tokens of the whole vocabulary, which stand for other languages. Around each stand the tokens
/// with which most sequences start and end.
///
/// The same sequences give the same texts on every machine. Without a sequence there are none.
pub(super) fn with_short_texts(
    sequences: &[Vec<u32>],
    architecture: &Architecture,
) -> Vec<Vec<u32>> {
    let mut all = sequences.to_vec();
    let start = most_common(sequences.iter().map(|sequence| sequence.first()));
    let end = most_common(sequences.iter().map(|sequence| sequence.last()));
    let sources: Vec<&[u32]> = sequences
        .iter()
        .map(|sequence| {
            let inner = sequence.strip_prefix(start.as_slice()).unwrap_or(sequence);
            inner.strip_suffix(end.as_slice()).unwrap_or(inner)
        })
        .filter(|inner| !inner.is_empty())
        .collect();
    let room = architecture.context as usize;
    let room = room.saturating_sub(start.len() + end.len()).min(LONGEST);
    if sources.is_empty() || room == 0 {
        return all;
    }
    let mut generator = Generator(0);
    for index in 0..COUNT {
        let length = 1 + generator.below(room);
        let tokens: Vec<u32> = if index % 2 == 0 {
            let source = sources[index / 2 % sources.len()];
            let first = generator.below(source.len());
            source[first..].iter().take(length).copied().collect()
        } else {
            let vocabulary = architecture.vocabulary as usize;
            #[expect(clippy::cast_possible_truncation, reason = "below the vocabulary")]
            let token = |_| generator.below(vocabulary) as u32;
            (0..length).map(token).collect()
        };
        all.push([&start[..], &tokens, &end].concat());
    }
    all
}

/// Returns the token that is there most often, of several the first by id; none if there is no
/// token, or none is there twice among several.
fn most_common<'a>(tokens: impl Iterator<Item = Option<&'a u32>>) -> Vec<u32> {
    let mut counts = BTreeMap::<u32, usize>::new();
    for token in tokens.flatten() {
        *counts.entry(*token).or_default() += 1;
    }
    let alone = counts.len() == 1;
    let best = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    best.filter(|(_, count)| alone || *count > 1).map(|(token, _)| token).into_iter().collect()
}

/// The splitmix64 generator.
struct Generator(u64);

impl Generator {
    /// Returns a number below `limit`, which is not 0.
    const fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let word = ((word ^ (word >> 31)) >> 32) as u32;
        (word as usize) % limit
    }
}

/// Texts that are added.
const COUNT: usize = 800;

/// Most tokens of such a text, without those around it: of four words, or of one in a script of
/// which the vocabulary has only letters.
const LONGEST: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Config, tests::family_configs};

    fn encoder(context: u32) -> Architecture {
        let configs = family_configs();
        let (_, config) = configs.iter().find(|(name, _)| *name == "bert").unwrap();
        let config = Config::from_json(config.to_string().as_bytes()).unwrap();
        Architecture { context, ..config.architecture }
    }

    fn short(sequences: &[Vec<u32>], context: u32) -> Vec<Vec<u32>> {
        let all = with_short_texts(sequences, &encoder(context));
        assert_eq!(&all[..sequences.len()], sequences);
        all[sequences.len()..].to_vec()
    }

    #[test]
    fn texts_stand_between_the_tokens_of_every_text() {
        // The last one was cut, so it lacks its end.
        let sequences = [vec![1, 20, 21, 22, 23, 2], vec![1, 30, 31, 2], vec![1, 40, 41, 42]];
        let texts = short(&sequences, 64);
        assert_eq!(texts.len(), COUNT);
        for (index, text) in texts.iter().enumerate() {
            assert!((3..=LONGEST + 2).contains(&text.len()), "{text:?}");
            assert_eq!((text[0], text[text.len() - 1]), (1, 2));
            let inner = &text[1..text.len() - 1];
            assert!(inner.iter().all(|token| *token < 50));
            let source = &sequences[index / 2 % 3];
            assert!(index % 2 == 1 || source.windows(inner.len()).any(|window| window == inner));
        }
        // Half of them take tokens from everywhere.
        assert!((0..50).all(|token| texts.iter().any(|text| text[1..].contains(&token))));
        assert_eq!(texts, short(&sequences, 64));
        let first: [&[u32]; 4] =
            [&[1, 22, 23, 2], &[1, 44, 12, 2, 48, 26, 2], &[1, 30, 2], &[1, 2, 5, 25, 16, 2]];
        assert_eq!(texts[..4], first);
    }

    #[test]
    fn small_cases_are_no_exception() {
        assert!(short(&[], 64).is_empty());
        assert!(short(&[vec![], vec![]], 64).is_empty());
        // Nothing is left between the ends, or there is no room for it.
        assert!(short(&[vec![1, 2], vec![1, 2]], 64).is_empty());
        assert!(short(&[vec![1, 7, 2], vec![1, 8, 2]], 2).is_empty());
        assert!(short(&[vec![1, 7, 2], vec![1, 8, 2]], 3).iter().all(|text| text.len() == 3));
        // No token starts or ends two sequences.
        let texts = short(&[vec![1, 7, 2], vec![3, 8, 4]], 64);
        assert!(texts.iter().all(|text| (1..=LONGEST).contains(&text.len())));
    }

    #[test]
    fn the_most_common_token_is_the_first_of_several() {
        let common = |tokens: &[u32]| most_common(tokens.iter().map(Some));
        assert_eq!(common(&[5, 3, 5, 3, 9]), [3]);
        assert_eq!(common(&[5, 3, 5]), [5]);
        assert_eq!(common(&[5]), [5]);
        assert!(common(&[5, 3]).is_empty() && common(&[]).is_empty());
    }
}
