//! Perplexity: how well a model predicts a text.

use super::arithmetic::{exp, ln};

/// The loss of a model over a text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Perplexity {
    /// Sum of the negative natural logarithms of the probabilities of the tokens that came.
    pub loss: f64,
    /// Tokens that were predicted.
    pub predictions: u64,
}

impl Perplexity {
    /// Returns the exponential of the mean loss; 1 if nothing was predicted.
    #[must_use]
    pub fn value(&self) -> f64 {
        if self.predictions == 0 {
            return 1.0;
        }
        exp(self.loss / self.predictions as f64)
    }

    /// Adds a prediction.
    pub(super) fn add(&mut self, loss: f64) {
        self.loss += loss;
        self.predictions += 1;
    }
}

/// Measures how well a model predicts `tokens`.
///
/// The text is cut into windows of `window` tokens, the last of which may be shorter; inside a
/// window each token but the first is predicted from those before it. `scores` gives the scores of
/// the next token after each token of a window, `[tokens, vocabulary]`, in any type that converts
/// to f64 at the scale of natural logarithms.
///
/// # Errors
/// The first error of `scores`.
pub fn perplexity<T: Copy + Into<f64>, E>(
    tokens: &[u32],
    window: usize,
    mut scores: impl FnMut(&[u32]) -> Result<Vec<T>, E>,
) -> Result<Perplexity, E> {
    let mut perplexity = Perplexity::default();
    for window in tokens.chunks(window.max(1)).filter(|window| window.len() > 1) {
        let scores = scores(window)?;
        let rows = scores.chunks_exact((scores.len() / window.len()).max(1));
        for (row, target) in rows.zip(&window[1..]) {
            perplexity.add(Softmax::new(row).loss_of(row, *target));
        }
    }
    Ok(perplexity)
}

/// The softmax of a row of scores, as logarithms of probabilities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Softmax {
    /// The best score.
    best: f64,
    /// The logarithm of the sum of all exponentials, each over that of the best.
    ln_sum: f64,
}

impl Softmax {
    /// Prepares the probabilities of a row of scores.
    pub(super) fn new<T: Copy + Into<f64>>(scores: &[T]) -> Self {
        let best = scores.iter().fold(f64::NEG_INFINITY, |best, &score| best.max(score.into()));
        let sum = scores.iter().fold(0.0, |sum, &score| sum + exp(score.into() - best));
        Self { best, ln_sum: ln(sum) }
    }

    /// Returns the negative logarithm of the probability of a token with this score.
    pub(super) fn loss(self, score: f64) -> f64 {
        self.best - score + self.ln_sum
    }

    /// Returns the negative logarithm of the probability of a token; infinite if it is not among
    /// the scores.
    pub(super) fn loss_of<T: Copy + Into<f64>>(self, scores: &[T], token: u32) -> f64 {
        scores.get(token as usize).map_or(f64::INFINITY, |score| self.loss((*score).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_give_the_size_of_the_vocabulary() {
        let tokens = [3, 1, 4, 1, 5, 2, 6, 5];
        let got = perplexity(&tokens, 3, |window| Ok::<_, ()>(vec![0_f32; 7 * window.len()]));
        let got = got.unwrap();
        // Windows of 3, 3 and 2 tokens.
        assert_eq!(got.predictions, 2 + 2 + 1);
        assert!((got.value() - 7.0).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn loss_is_the_logarithm_of_the_softmax() {
        let scores = [1.5_f32, -2.0, 0.25, 3.0];
        let loss = |scores: &[f32], token| Softmax::new(scores).loss_of(scores, token);
        let sum: f64 = scores.iter().map(|score| f64::from(*score).exp()).sum();
        for (target, score) in scores.iter().enumerate() {
            let exact = sum.ln() - f64::from(*score);
            assert!((loss(&scores, target as u32) - exact).abs() < 1e-14);
        }
        assert_eq!(loss(&scores, 4), f64::INFINITY);
    }

    #[test]
    fn nothing_predicted_is_perplexity_one() {
        let scores = |_: &[u32]| -> Result<Vec<f32>, &str> { Err("asked for scores") };
        for (tokens, window) in [(&[][..], 4), (&[1][..], 4), (&[1, 2, 3][..], 1), (&[1, 2][..], 0)]
        {
            assert_eq!(perplexity(tokens, window, scores).unwrap().value(), 1.0);
        }
        assert_eq!(perplexity(&[1, 2], 2, scores), Err("asked for scores"));
    }
}
